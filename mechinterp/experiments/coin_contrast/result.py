"""Responses of channels to the coin."""

from __future__ import annotations

from pydantic import model_validator

from mechinterp.experiments.fields import EstimateField, Record
from mechinterp.experiments.inputs.examples import Examples
from mechinterp.features.layerwise import added, discarded


class Layer(Record):
    """All channels of one hook point.

    Attributes:
        side: cells along a side of its map; 1 where it has no map.
        channels: the contrast of each on held-out levels, coin present against absent at the coin's place; its null is
            the range of the same layer's channels in untrained networks, with p corrected for all channels of all
            layers (the share of networks in which any channel stands out as far).
        strength: root mean square of the contrasts.
        untrained_strength: its mean over untrained networks; `strength_p` says whether the policy's is larger or
            smaller than theirs (two sides, corrected for all layers).
    """

    side: int
    channels: tuple[EstimateField, ...]
    strength: float
    untrained_strength: float
    strength_p: float

    @property
    def discarded(self) -> bool:
        """Whether the layer holds less of the coin than untrained networks do."""
        return discarded(self.strength, self.untrained_strength, self.strength_p)

    @property
    def added(self) -> bool:
        """Whether the layer holds more of it."""
        return added(self.strength, self.untrained_strength, self.strength_p)


class Result(Record):
    """Contrasts of all channels, and those that were chosen on other levels.

    Attributes:
        statistic: what a contrast is, in words that fit after "measured as".
        unit: of the contrasts.
        untrained_networks: how many make the null.
        pairs: minimal pairs reported on.
        pairs_choose: pairs, of other levels, that channels were chosen on.
        layers: by hook point, in running order.
        chosen: hook point and channel of the chosen channels, the strongest first.
        examples: held-out pairs with the maps of the strongest chosen channels; None where none of these has a map.
    """

    statistic: str
    unit: str
    untrained_networks: int
    pairs: int
    pairs_choose: int
    layers: dict[str, Layer]
    chosen: tuple[tuple[str, int], ...]
    examples: Examples | None

    @model_validator(mode="after")
    def _complete(self) -> Result:
        for hook, layer in self.layers.items():
            bare = [c for c, contrast in enumerate(layer.channels) if contrast.null is None or contrast.null.p is None]
            if bare:
                raise ValueError(f"{hook} channel {bare[0]} has no null with a p: the same layer of untrained networks")
        for hook, channel in self.chosen:
            if hook not in self.layers or not 0 <= channel < len(self.layers[hook].channels):
                raise ValueError(f"{hook} channel {channel} was chosen, but not measured")
        return self
