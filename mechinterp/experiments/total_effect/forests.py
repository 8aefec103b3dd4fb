"""Draw the controls of one effect: other objects in the coin's place, and strata."""

from __future__ import annotations

from collections.abc import Iterator

import plotly.graph_objects as go

from mechinterp.experiments.total_effect.captions import COIN_SIDE, MOVEMENT, by_stratum, in_its_place
from mechinterp.experiments.total_effect.result import Kind, Result, VariableEffects
from mechinterp.policies.readouts import as_readout
from mechinterp.reporting.figure import Figure
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, rows, written
from mechinterp.reporting.wording import number
from mechinterp.stats import Estimate

_KINDS: dict[Kind, tuple[str, str, str]] = {
    "colour": ("the coin in other colours", style.AMBER, "circle"),
    "pixels": ("other pixels in its cells", style.GREEN, "diamond"),
    "thing": ("other objects of the game", style.INK, "square"),
    "place": ("the coin elsewhere", style.SKY, "circle-open"),
    "elsewhere": ("objects elsewhere", style.GREY, "square-open"),
}


def objects(result: Result, side: VariableEffects) -> Figure:
    """The effect of the coin's side on movement, and that of every other object in its place."""
    readout, own, found = as_readout(MOVEMENT), result.same_scenes[MOVEMENT], result.objects
    fig = style.figure("total-effect-objects", "Is it the coin?", height=190 + 40 * (1 + len(found)))
    at = rows(fig, ["<b>coin</b>", *found])
    fig.add_vrect(own.low, own.high, fillcolor="rgba(0, 114, 178, 0.10)", line_width=0, layer="below")
    dots(fig, [own], at[:1], label="the coin", colour=style.BLUE, size=12, unit=readout.unit)
    for kind, (label, colour, symbol) in _KINDS.items():
        some = [(one.effects[MOVEMENT], y) for y, one in zip(at[1:], found.values(), strict=True) if one.kind == kind]
        if some:
            dots(
                fig, [e for e, _ in some], [y for _, y in some], label=label, colour=colour, symbol=symbol, size=10,
                unit=readout.unit,
            )  # fmt: skip
    extra = ["", *(f"; coin minus this {number(one.leads[MOVEMENT], signed=True)}" for one in found.values())]
    shown = [own, *(one.effects[MOVEMENT] for one in found.values())]
    written(fig, shown, at, extra=extra, unit=readout.unit, signed=True)
    _finish(fig, readout.axis)
    return Figure(fig, in_its_place(side.readouts[MOVEMENT], result, MOVEMENT))


def strata(result: Result, side: VariableEffects) -> Figure:
    """The effect of the coin's side on movement by circumstance, and in states of the policy's own play."""
    readout = as_readout(MOVEMENT)
    shown = [*_shown(result, side)]
    labels, estimates, main = zip(*shown, strict=True)
    fig = style.figure("total-effect-strata", "Is it the same everywhere?", height=190 + 44 * len(shown))
    at = rows(fig, labels)
    for is_main, label, colour in ((True, "all states", style.BLUE), (False, "some of them", style.SKY)):
        some = [(e, y) for e, y, own in zip(estimates, at, main, strict=True) if own is is_main]
        if some:
            dots(
                fig, [e for e, _ in some], [y for _, y in some], label=label, colour=colour, size=11, unit=readout.unit
            )
    written(fig, estimates, at, unit=readout.unit, signed=True)
    _finish(fig, readout.axis)
    lines = by_stratum(side, MOVEMENT, result.fewest)
    if MOVEMENT in result.own_play:
        size = number(result.own_play[MOVEMENT], readout.unit, signed=True)
        lines.append(
            f"In states that the policy itself reaches: {size}. Headlines are about the common pool of states."
        )
    return Figure(fig, "\n".join(lines))


def _shown(result: Result, side: VariableEffects) -> Iterator[tuple[str, Estimate, bool]]:
    yield f"<b>{COIN_SIDE}</b>, common pool", side.readouts[MOVEMENT].effect, True
    if MOVEMENT in result.own_play:
        yield "states of its own play", result.own_play[MOVEMENT], True
    for name, strata in side.strata.items():
        for label, stratum in strata.items():
            if MOVEMENT in stratum.effects:
                yield f"{name}: {label}", stratum.effects[MOVEMENT], False


def _finish(fig: go.Figure, axis: str) -> None:
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text=axis)
    style.lift(fig, 22)
