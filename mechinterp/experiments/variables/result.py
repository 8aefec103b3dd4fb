"""What was found about the variables that channels respond to."""

from __future__ import annotations

from mechinterp.experiments.fields import EstimateField, Record
from mechinterp.features.layerwise import added, discarded


class Contrast(Record):
    """How one layer responds to one variable, on held-out levels.

    Attributes:
        active: channels of the layer that vary in these scenes.
        discriminating: channels whose activation differs between the two scenes (false discovery rate 5 %).
        above_untrained: those of them whose contrast also exceeds that of the layer's channels in untrained networks.
        strength: root mean square of the layer's contrasts, 0 to 1.
        untrained_strength: its mean over untrained networks; `strength_p` says whether the policy's is larger or
            smaller than theirs (two sides, corrected for all variables and layers).
        channel: the channel that stood out most on the levels that choose.
        strongest: the contrast of that channel, a correlation.
    """

    active: int
    discriminating: int
    above_untrained: int
    strength: float
    untrained_strength: float
    strength_p: float
    channel: int
    strongest: EstimateField

    @property
    def discarded(self) -> bool:
        """Whether the layer holds less of the variable than untrained networks do."""
        return discarded(self.strength, self.untrained_strength, self.strength_p)

    @property
    def added(self) -> bool:
        """Whether the layer holds more of it."""
        return added(self.strength, self.untrained_strength, self.strength_p)


class Result(Record):
    """Contrasts of every variable at every hook point.

    Attributes:
        contrasts: variable -> hook point -> contrast.
        left_out: variables that could not be tested, and why.
        picture_difference: the largest difference of any activation between a real coin and its picture, in the
            activation's units, over `pictures` pairs; 0, as the pixels are the same.
        untrained_networks: how many make the null.
    """

    contrasts: dict[str, dict[str, Contrast]]
    left_out: dict[str, str]
    picture_difference: float
    pictures: int
    untrained_networks: int
