"""What was found about the coin in each layer."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from mechinterp.experiments.fields import Array, EstimateField, Record
from mechinterp.experiments.inputs.examples import Examples
from mechinterp.features.changes import equivalent_to_zero
from mechinterp.features.verdicts import Evidence, Verdict


class Place(Record):
    """Where a channel's map changes when a coin is put into the scene.

    Attributes:
        right, below: middle of the change minus the coin's place, in pixels of the frame.
        around: share of the change in the 3 x 3 cells around the coin.
    """

    right: EstimateField
    below: EstimateField
    around: EstimateField


class CoinChannel(Record):
    """One confirmed coin channel; see `features.coin_channels.CoinChannel`.

    Attributes:
        contrast: coin against an empty place; p is that of the selective contrast, corrected for all channels.
        selective: the selective contrast, -1 to 1.
        q: false discovery rate.
        share: what shares only the coin's looks -> its share of the response to the coin.
        place: where the map changes; None for hidden units, and where nothing could be measured.
    """

    contrast: EstimateField
    selective: float
    q: float
    share: dict[str, float]
    place: Place | None = None


class Ablation(Record):
    """Effects of replacing a part of a layer by its coin-absent activations.

    Attributes:
        effects: by name of `features.changes.QUANTITIES`: with the coin minus with the part replaced.
        affected: the quantities by which a causal effect was shown (`features.coin_ablation.CoinAblation.affects`).
        ranks: the rank p of each effect's size among those of other parts of the layer.
        exceeded_by: quantity -> the other part whose effect is largest, where it is as large as the part's own.
        each: of several channels, each by itself: its unsigned effects and divergence.
    """

    effects: dict[str, EstimateField]
    affected: tuple[str, ...]
    ranks: dict[str, float]
    exceeded_by: dict[str, str]
    each: dict[int, dict[str, EstimateField]]

    @property
    def negligible(self) -> bool:
        """Whether all effects on actions lie within their margins, also of each channel by itself."""
        return all(equivalent_to_zero(effects) for effects in (self.effects, *self.each.values()))


class Cloud(Record):
    """Contrast and selective contrast of every channel, and of channels of untrained networks."""

    policy: Annotated[np.ndarray, Array("float32", "channels 2")]
    untrained: Annotated[np.ndarray, Array("float32", "points 2")]


class Layer(Record):
    """One hook point.

    Attributes:
        width, side: channels, and cells along a side of the map (0: no map).
        dead: channels with one value everywhere.
        decoding: AUROC of the coin direction, with untrained networks as the null.
        below: corrected p of an AUROC below those of untrained networks.
        channels: number of the channel -> what was found; the confirmed coin channels, strongest first.
        channels_ablated: all coin channels together; None where there are none.
        direction_ablated: the coin direction; None in a layer that never changes.
        later_affects: whether a part of a later hook point was shown to affect an action.
        cloud: for the figure; left out of results that are kept for comparison.
    """

    width: int
    side: int
    dead: int
    decoding: EstimateField
    below: float
    channels: dict[int, CoinChannel]
    channels_ablated: Ablation | None = None
    direction_ablated: Ablation | None = None
    later_affects: bool = False
    cloud: Cloud | None = None

    @property
    def verdict(self) -> Verdict:
        """What may be said of the layer."""
        both = [part for part in (self.channels_ablated, self.direction_ablated) if part is not None]
        return Evidence(
            dead=self.dead == self.width,
            channels=len(self.channels),
            decoding=self.decoding,
            below=self.below,
            by_channels=self.channels_ablated.affected if self.channels_ablated is not None else (),
            by_direction=self.direction_ablated.affected if self.direction_ablated is not None else (),
            negligible=not self.later_affects and all(part.negligible for part in both),
        ).verdict


class TopFrames(Record):
    """The frames in which a channel is largest, of all visited states and scenes with a coin."""

    hook: str
    channel: int
    frames: Annotated[np.ndarray, Array("uint8", "frames 64 64 3")]


class Result(Record):
    """The coin in each layer, on held-out levels.

    Attributes:
        effects: by name of `features.changes.QUANTITIES`, the total effect of the coin: what any part's effect can be a
            share of.
        layers: by hook point, in the network's order.
        decoy_difference: largest difference of any pixel between a real coin and its picture (0 to 255).
        scenes: pairs with and without a coin.
        choosing, held_out: levels on which channels and directions were chosen, and on which results are reported.
        untrained: networks that make the null.
        random: random sets of channels that were ablated for each, at most.
        examples: maps of the coin channels that stand out most or, where there are none, of the best candidates; None
            where no layer has maps, and in results that are kept for comparison.
        top_frames: of the same channels.
    """

    effects: dict[str, EstimateField]
    layers: dict[str, Layer]
    decoy_difference: int
    scenes: int
    choosing: int
    held_out: int
    untrained: int
    random: int
    examples: Examples | None = None
    top_frames: tuple[TopFrames, ...] = ()

    @property
    def represented(self) -> bool:
        """Whether any coin channel was confirmed; of untrained networks at most 5 % have one."""
        return any(layer.channels for layer in self.layers.values())

    @property
    def used(self) -> bool:
        """Whether what some layer represents of the coin causally affects an action."""
        return any(layer.verdict.used for layer in self.layers.values())

    @property
    def coin_channels(self) -> dict[str, tuple[int, ...]]:
        """Hook point -> its confirmed coin channels, strongest first."""
        return {hook: tuple(layer.channels) for hook, layer in self.layers.items()}

    def without_pictures(self) -> Result:
        """The same without what only figures use: small enough to keep."""
        layers = {hook: layer.model_copy(update={"cloud": None}) for hook, layer in self.layers.items()}
        return self.model_copy(update={"layers": layers, "examples": None, "top_frames": ()})
