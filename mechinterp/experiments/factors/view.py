"""Show the factors of a layer with the object that each of them follows."""

from __future__ import annotations

from collections.abc import Mapping

from mechinterp.experiments.factors import captions
from mechinterp.experiments.factors.result import Factor, Result
from mechinterp.reporting.figure import Figure, Text, not_measured
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written

METHOD = (
    "Every cell of the layer's maps, in natural frames and in scenes with a coin, is a sample; its channels are the "
    "features. Non-negative matrix factorisation (NMF) is fitted to the activations (Olah et al. 2018) and to their "
    "integrated gradients for movement (Hilton et al. 2020), and a TopK sparse autoencoder (SAE; Gao et al. 2024) to "
    "the activations, all on 40 % of the levels and evaluated on the others.",
    "The label of a factor is the object whose area in each cell correlates most with the factor's map on the levels "
    "that choose; its score is that correlation on the other levels, its null has the maps of different frames "
    "exchanged. Objects come from the game's state, not from pixels.",
)
_KINDS = {
    "activation factor": ("NMF factor of activations", style.BLUE, "circle"),
    "attribution factor": ("NMF factor of attributions", style.AMBER, "diamond"),
    "SAE latent": ("SAE latent", style.GREEN, "square"),
}


def figures(result: Result) -> list[Figure]:
    """Every factor with its label and how well that fits."""
    kinds = result.by_kind
    return [_labels(result, kinds)] if any(kinds.values()) else []


def text(result: Result) -> Text:
    """What could not be done."""
    return Text(tables=not_measured(result.left_out))


def _labels(result: Result, kinds: Mapping[str, Mapping[int, Factor]]) -> Figure:
    shown = [(kind, number, one) for kind, factors in kinds.items() for number, one in factors.items()]
    fig = style.figure("factors", f"What do the factors of {result.hook} follow?", height=190 + 34 * len(shown))
    at = rows(
        fig,
        [
            f"{style.literal(one.object)} <span style='color:{style.GREY}'>({kind} {number})</span>"
            for kind, number, one in shown
        ],
    )
    null_bands(fig, [one.correlation for _, _, one in shown], at)
    for kind, (label, colour, symbol) in _KINDS.items():
        own = [(one.correlation, y) for (other, _, one), y in zip(shown, at, strict=True) if other == kind]
        if own:
            dots(fig, [e for e, _ in own], [y for _, y in own], label=label, colour=colour, symbol=symbol)
    written(fig, [one.correlation for _, _, one in shown], at)
    fig.update_xaxes(title_text="correlation of its map with the area of the object, held-out levels")
    return Figure(fig, captions.factors(result))
