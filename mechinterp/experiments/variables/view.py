"""Show how many channels respond to each variable."""

from __future__ import annotations

from typing import Literal

from mechinterp.experiments.variables.result import Contrast, Result
from mechinterp.reporting.figure import Figure, Text, not_measured
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import hover
from mechinterp.reporting.plots.heat import heat
from mechinterp.reporting.wording import listed

METHOD = (
    "Each object is put into the same scenes, at the coin's position; lava replaces the ground below it, and the end "
    "wall is moved near. Every layer is read at the object's position (the mean of the 3 x 3 cells whose receptive "
    "fields centre nearest to it; hidden units are read whole), the coin's side at the agent's position. A channel's "
    "contrast is the correlation of its activation with the presence of the object (or with the side).",
    "A channel discriminates a variable where its false discovery rate over all channels of all layers (Benjamini & "
    "Hochberg 1995) is at most 5 %, with p from labels permuted within the pairs of a level. It exceeds untrained "
    "networks where its absolute contrast does so, at the same rate, among channels of the same layer in "
    "{result.untrained_networks} networks with random weights. The strongest channel of each layer is chosen on 40 % "
    "of the levels; all numbers are from the others.",
    "A layer holds more or less of a variable than untrained networks do where the root mean square of its contrasts "
    "is larger or smaller than theirs: two sides, p at most 5 % after correction for all variables and layers together "
    "(the farthest of each untrained network). Less is a finding too: the layer discards what random weights let "
    "through.",
)


def figures(result: Result) -> list[Figure]:
    """How many channels of each layer discriminate each variable, beyond untrained networks."""
    return [_table(result)] if result.contrasts else []


def text(result: Result) -> Text:
    """What could not be tested."""
    return Text(tables=not_measured(result.left_out))


def _table(result: Result) -> Figure:
    variables = list(result.contrasts)
    hooks = list(dict.fromkeys(hook for layers in result.contrasts.values() for hook in layers))
    cells = [[result.contrasts[variable].get(hook) for hook in hooks] for variable in variables]
    fig = style.figure("variables", "How many channels respond to each variable?", height=190 + 34 * len(variables))
    heat(
        fig,
        [[None if one is None else one.above_untrained / max(1, one.active) for one in line] for line in cells],
        [["" if one is None else _count(one) for one in line] for line in cells],
        rows=variables,
        columns=hooks,
        hovers=[["" if one is None else _hover(one) for one in line] for line in cells],
        bold=[[one is not None and one.above_untrained > 0 for one in line] for line in cells],
        full=1.0,
    )
    return Figure(fig, caption(result))


def caption(result: Result) -> str:
    """What a cell is, which variables have channels beyond untrained networks, and whether pictures pass for coins."""
    lines = [
        "Each cell counts the channels that discriminate the variable better than channels of the same layer in "
        "untrained networks do; in brackets, those that discriminate it at all; after the slash, those that vary in "
        "these scenes. False discovery rate 5 %, held-out levels. Hover for the strongest channel.",
        _summary(result),
    ]
    lines += list(filter(None, [_layers(result, "less"), _layers(result, "more")]))
    if result.pictures:
        lines.append(_pictures(result))
    return "\n".join(lines)


def _summary(result: Result) -> str:
    counts = {
        variable: sum(one.above_untrained for one in layers.values()) for variable, layers in result.contrasts.items()
    }
    some = sorted((variable for variable in counts if counts[variable]), key=lambda variable: -counts[variable])
    none = [variable for variable in counts if not counts[variable]]
    words = []
    if some:
        shown = listed([f"{variable} ({counts[variable]})" for variable in some])
        words.append(f"Channels that exceed untrained networks, all layers together: {shown}.")
    if none:
        words.append(f"{'None' if some else 'No channel exceeds untrained networks'} for {listed(none)}.")
    return " ".join(words)


def _layers(result: Result, which: Literal["more", "less"]) -> str:
    """Which layers hold more, or less, of which variables than untrained networks do; empty where none does."""
    told = []
    for variable, layers in result.contrasts.items():
        hooks = [hook for hook, one in layers.items() if (one.discarded if which == "less" else one.added)]
        if hooks:
            told.append(f"{variable} ({listed(hooks)})")
    if not told:
        return ""
    words = " (discarded)" if which == "less" else ""
    return f"Layers that hold {which} of a variable than untrained networks do{words}: {'; '.join(told)}."


def _pictures(result: Result) -> str:
    if result.picture_difference == 0:
        return (
            f"Check: a real coin and its picture give identical activations at all hook points ({result.pictures} "
            "pairs)."
        )
    return (
        f"A check failed: a real coin and its picture, which have the same pixels, differ by up to "
        f"{result.picture_difference:.3g} in some activation ({result.pictures} pairs)."
    )


def _count(one: Contrast) -> str:
    return f"{one.above_untrained} ({one.discriminating}) / {one.active}"


def _side(one: Contrast) -> str:
    return ": discarded" if one.discarded else ": more" if one.added else ""


def _hover(one: Contrast) -> str:
    return (
        f"{one.discriminating} of {one.active} channels discriminate the scenes, {one.above_untrained} of them better "
        f"than untrained ones<br>root mean square contrast {one.strength:.2f}, in untrained networks "
        f"{one.untrained_strength:.2f} (p = {one.strength_p:.2g}{_side(one)})<br>strongest: channel {one.channel}<br>"
        f"{hover(one.strongest)}"
    )
