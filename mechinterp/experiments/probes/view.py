"""Show what linear probes decode."""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.experiments.probes.result import Probe, Result
from mechinterp.reporting.figure import Figure, Text, not_measured
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, hover, rows, written
from mechinterp.reporting.plots.heat import heat
from mechinterp.reporting.wording import listed, short

METHOD = (
    "Ridge regression from the whole activation (every place of a map has its own weight), cross-fitted over levels: a "
    "scene is scored by a probe that never saw its level; the penalty is chosen within the training levels. The coin's "
    "labels are asked of scenes with and without it, the others of visited states. For the null, labels are exchanged "
    "between whole levels (control tasks, Hewitt & Liang 2019).",
    "Baselines: the same probe on the pixels, and on the same layer of two untrained networks. The place of the coin "
    "is decoded by a 1 x 1 convolution, whose largest output is the guess; its baselines also include the one most "
    "frequent place.",
    "Less than untrained networks hold is a finding too: the layer discards it. The coin's two labels are asked on "
    "both sides, by the score's distance from those of untrained networks: p at most 5 % after correction for both "
    "labels and all layers (the farthest of each network). A first look leaves that out.",
)
_SCORES = {"class": "balanced accuracy", "number": "R\N{SUPERSCRIPT TWO}", "place": "share of correct guesses"}


def figures(result: Result) -> list[Figure]:
    """The best layer of each label, and every layer."""
    if not result.probes:
        return []
    return [Figure(_best(result), best_words(result)), Figure(_by_layer(result), layer_words(result))]


def text(result: Result) -> Text:
    """No headline: what is decodable need not be used. What could not be probed, and why."""
    return Text(tables=not_measured(result.left_out))


def best(result: Result) -> dict[str, tuple[str, Probe]]:
    """Label -> the hook point with the largest score above its baseline, and the probe."""
    return {
        label: max(by_hook.items(), key=lambda item: item[1].above_baseline.value)
        for label, by_hook in result.probes.items()
    }


def best_words(result: Result) -> str:
    """What exceeds the baselines in the best layer."""
    above = [label for label, (_, probe) in best(result).items() if probe.above_baseline.low > 0]
    clear = (
        f"Above every baseline at some layer: {listed(above)}." if above else "Nothing clearly exceeds its baselines."
    )
    return (
        f"{clear} Scores are of held-out levels, minus that of the best baseline (pixels, untrained networks). The "
        "layer is chosen by these same scores, which are therefore somewhat too high; the next figure shows every "
        "layer."
    )


def layer_words(result: Result) -> str:
    """How many cells of the table stand out."""
    cells = [probe.above_baseline for by_hook in result.probes.values() for probe in by_hook.values()]
    count = sum(cell.low > 0 for cell in cells)
    return (
        f"The same at every layer: {count} of {len(cells)} probes clearly exceed their best baseline. Bold: the "
        f"interval excludes 0. {compared(result)}"
    ).strip()


def compared(result: Result) -> str:
    """Where more, and where less, of the coin is decodable than from untrained networks; empty where not asked."""
    asked = {
        (label, hook): probe.untrained
        for label, by_hook in result.probes.items()
        for hook, probe in by_hook.items()
        if probe.untrained is not None
    }
    told = []
    for words, kept in (("More", "added"), ("Less", "discarded")):
        cells = [
            f"{label} at {hook} ({one.own:.2f} against {one.value:.2f}, p = {one.p:.2g})"
            for (label, hook), one in asked.items()
            if getattr(one, kept)
        ]
        if cells:
            end = ": discarded" if kept == "discarded" else ""
            told.append(f"{words} is decodable than from untrained networks{end}: {listed(cells)}.")
    if asked and not told:
        return "Nothing of the coin was shown to be more or less decodable than from untrained networks."
    return " ".join(told)


def _best(result: Result) -> go.Figure:
    chosen = best(result)
    fig = style.figure("probes", "What is decodable beyond every baseline?", height=170 + 54 * len(chosen))
    labels = []
    for label, (hook, probe) in chosen.items():
        below = f"best at {hook}; {_SCORES[probe.kind]} {short(probe.score)}, best baseline: {probe.best_baseline}"
        labels.append(
            f"<b>{style.literal(label)}</b><br><span style='color:{style.GREY}'>{style.literal(below)}</span>"
        )
    at = rows(fig, labels)
    estimates = [probe.above_baseline for _, probe in chosen.values()]
    dots(fig, estimates, at, label="above the best baseline", colour=style.BLUE)
    written(fig, estimates, at, signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text="score minus that of the best baseline (the layer is the best of those tried)")
    return fig


def _by_layer(result: Result) -> go.Figure:
    labels = list(result.probes)
    hooks = [hook for hook in result.hooks if any(hook in by_hook for by_hook in result.probes.values())]
    cells = [[result.probes[label].get(hook) for hook in hooks] for label in labels]
    above = [[None if probe is None else probe.above_baseline for probe in row] for row in cells]
    fig = style.figure("probes-by-layer", "At which layers?", height=190 + 32 * len(labels))
    heat(
        fig,
        [[None if e is None else e.value for e in row] for row in above],
        [["" if e is None else short(e, signed=True) for e in row] for row in above],
        rows=labels,
        columns=hooks,
        hovers=[["" if e is None else hover(e) for e in row] for row in above],
        bold=[[e is not None and e.excludes(0) for e in row] for row in above],
    )
    return fig
