"""Results of the slice `coin_features`, made by hand."""

from __future__ import annotations

import numpy as np

from mechinterp.experiments.coin_features.result import Ablation, Cloud, CoinChannel, Layer, Place, Result, TopFrames
from mechinterp.experiments.inputs.examples import ChannelMaps, Examples
from mechinterp.features.changes import QUANTITIES
from tests.experiments.handmade import estimate, null

HOOKS = ("first", "second")
SQUARE, RECOLOURED = "coin-coloured square", "blue coin"


def ablation(affected=(), *, size=0.3, half=0.01) -> Ablation:
    """An effect of `size` by the affected quantities, of 0 by the others."""
    effects = {
        name: estimate(size if name in affected else 0.0, half if one.signed else 0.0, null=null(-0.1, 0.1))
        for name, one in QUANTITIES.items()
    }
    ranks = dict.fromkeys(QUANTITIES, 0.01)
    return Ablation(effects=effects, affected=tuple(affected), ranks=ranks, exceeded_by={}, each={})


SIDE, JUMP = "movement by side", "jump by presence"


def channel(p: float = 0.01, square: float | None = 0.0, other: float | None = 0.0, place: Place | None = None):
    share = {name: value for name, value in ((SQUARE, square), (RECOLOURED, other)) if value is not None}
    contrast = estimate(0.5, 0.1, null=null(-0.1, 0.1, p=p))
    return CoinChannel(contrast=contrast, selective=0.5, q=0.01, share=share, place=place)


def layer(
    channels=(), *, affected=(), decodable=1.0, channels_affected=(), auroc=0.8, half=0.01, dead=0, below=1.0
) -> Layer:
    """Of eight channels, those of `channels` confirmed.

    Args:
        affected, channels_affected: actions on which an effect of the direction, and of the channels, was shown.
        decodable, below: corrected p of the direction, above and below untrained networks.
        half: half width of the direction's effects.
    """
    return Layer(
        width=8,
        side=4,
        dead=dead,
        decoding=estimate(auroc, 0.1, null=null(0.6, 0.8, p=decodable)),
        below=below,
        channels=dict(enumerate(channels)),
        channels_ablated=ablation(channels_affected) if channels else None,
        direction_ablated=ablation(affected, half=half),
        cloud=Cloud(policy=np.full((8, 2), 0.25, np.float32), untrained=np.zeros((20, 2), np.float32)),
    )


def result(first: Layer | None = None, second: Layer | None = None, **changes) -> Result:
    own = {
        "effects": {
            **{name: estimate(0.0, 0.1, null=null(-0.1, 0.1, p=0.5)) for name in QUANTITIES},
            SIDE: estimate(0.4, 0.1, null=null(-0.1, 0.1)),
        },
        "layers": dict(zip(HOOKS, (first or layer(), second or layer()), strict=True)),
        "decoy_difference": 0,
        "scenes": 100,
        "choosing": 16,
        "held_out": 24,
        "untrained": 20,
        "random": 4,
    }
    return Result(**{**own, **changes})


def pictures() -> dict:
    """Fields of a result with a drawn channel of the first layer."""
    frames = np.zeros((1, 2, 64, 64, 3), np.uint8)
    maps = (ChannelMaps(hook="first", channel=0, values=np.ones((1, 2, 4, 4), np.float32)),)
    examples = Examples(frames=frames, levels=(7,), boxes=((10.0, 20.0, 15.0, 25.0),), maps=maps)
    top = (TopFrames(hook="first", channel=0, frames=np.zeros((6, 64, 64, 3), np.uint8)),)
    return {"examples": examples, "top_frames": top}
