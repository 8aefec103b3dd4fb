"""What was found about the attribution of readouts."""

from __future__ import annotations

from mechinterp.experiments.fields import EstimateField, Record


class ObjectShare(Record):
    """How much of a readout's attribution to pixels falls on one kind of object.

    Attributes:
        share: of the absolute attribution of a frame, 0 to 1; of movement, its null has untrained networks.
        area: the share of the frame that the object fills.
        excess: share minus area.
    """

    share: EstimateField
    area: EstimateField
    excess: EstimateField


class ChannelShare(Record):
    """How much of a readout's attribution to a layer falls on one channel.

    Attributes:
        share: of the absolute attribution of the layer, 0 to 1.
        mean: the mean attribution, with its sign, in the readout's unit.
    """

    share: EstimateField
    mean: EstimateField


class LayerAttribution(Record):
    """How a readout is attributed to the channels of one hook point, on held-out levels.

    Attributes:
        channels: by number, those with the largest share on the levels that choose, largest first.
        needed: how many channels it takes, the largest first, to cover `Result.coverage` of the attribution.
        coin_excess: share of the attribution on coin channels minus their share of the channels; None without any.
    """

    channels: dict[int, ChannelShare]
    needed: int
    coin_excess: EstimateField | None


class Result(Record):
    """Integrated gradients of every readout, to pixels and to channels.

    Attributes:
        objects: readout -> kind of object -> its share.
        layers: readout -> hook point -> its channels.
        coverage: share of a layer's attribution that `LayerAttribution.needed` channels cover.
        frames: how many frames were attributed.
        left_out: attributions that could not be made, and why.
    """

    objects: dict[str, dict[str, ObjectShare]]
    layers: dict[str, dict[str, LayerAttribution]]
    coverage: float
    frames: int
    left_out: dict[str, str]
