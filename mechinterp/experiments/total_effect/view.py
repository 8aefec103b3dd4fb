"""Show total effects: a forest plot for each readout."""

from __future__ import annotations

from collections.abc import Iterator

import plotly.graph_objects as go

from mechinterp.experiments.total_effect import forests
from mechinterp.experiments.total_effect.captions import (
    COIN_SIDE,
    MOVEMENT,
    headline,
    in_sds,
    other_claims,
    sentence,
    than_random,
)
from mechinterp.experiments.total_effect.result import Effect, Result, VariableEffects
from mechinterp.policies.readouts import Readout, as_readout
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written
from mechinterp.reporting.wording import count, interval, short
from mechinterp.stats import Estimate, Null

METHOD = (
    "A minimal pair is two frames that differ in one variable, rendered from a state of a pool that is common to all "
    "policies, on held-out levels. The total effect is the mean over pairs of readout(clean) \N{MINUS SIGN} "
    "readout(corrupted). Probabilities of actions that do the same are summed first. Intervals are bootstrapped over "
    "levels.",
    "SD is the standard deviation of the policy's own readout over {result.frames} frames of that pool.",
    "The grey band is the null: the central 95 % of the same effect in {result.networks} random networks of the "
    "policy's architecture, half with its weights shuffled within each tensor, half untrained. Their logits are "
    "shifted and scaled such that, over the same frames, their mean and the SD of the readout are the policy's: they "
    "change their mind as much as the policy does, for no reason. The rank is of one pair a level, and its p is "
    "corrected by the maximum statistic over the family: all effects of the coin on actions, all of the coin on the "
    "value, and the same of the other changes.",
    "An effect is claimed where its whole interval lies beyond the margin, its rank has p of 0.05 or less, and so has "
    "the test of a mean of 0 (studentised bootstrap over levels, Holm over the family). It is equivalent to zero "
    "where its whole interval lies within the margin (green), which was fixed before measuring. At even odds, 0.1 "
    "nats are 2.5 points of probability.",
    "Controls of the coin's side, on one pair a level: in the coin's cells, the coin in other colours, its pixels "
    "shuffled, squares, and other objects of the game. The coin is named as the cause only where its effect exceeds "
    "that of every object in its cell, in the same scenes (paired differences, Holm over the objects). Strata are "
    "shown where they have {result.fewest} levels or more.",
)
_ROLE = {
    "coin": ("the coin", style.BLUE, "circle"),
    "ceiling": ("for scale: other changes", style.INK, "square"),
    "control": ("control", style.PINK, "diamond"),
}


def figures(result: Result) -> list[Figure]:
    """A forest plot for each readout; for the coin's side and movement, one of other objects, and one of strata."""
    names = dict.fromkeys(name for one in result.variables.values() for name in one.readouts)
    made = [_forest(result, as_readout(name)) for name in names]
    side = result.variables.get(COIN_SIDE)
    if side is None or MOVEMENT not in side.readouts:
        return made
    if result.objects:
        made.append(forests.objects(result, side))
    if result.own_play or any(stratum.effects for labels in side.strata.values() for stratum in labels.values()):
        made.append(forests.strata(result, side))
    return made


def text(result: Result) -> Text:
    """Whether the coin's side moves the policy, as strongly as the interval allows, and no more."""
    side = result.variables.get(COIN_SIDE)
    if side is None or MOVEMENT not in side.readouts:
        return Text([f"Whether the coin's side affects its movement was not measured: {_NO_ROOM}."])
    measured = side.readouts[MOVEMENT]
    effect = measured.effect
    context = f"{interval(effect)}, {count(effect)}; {than_random(measured, result)}"
    ceilings = [(name, one.readouts[MOVEMENT].effect) for name, one in _of_role(result, "ceiling", MOVEMENT)]
    if ceilings:
        context += f"; for scale: {ceilings[0][0]} {short(ceilings[0][1], 'nats', signed=True)}"
    key = KeyNumber(
        f"total effect on movement, {side.clean} \N{MINUS SIGN} {side.corrupted}",
        short(effect, "nats", signed=True),
        context,
    )
    return Text([line for line in (headline(measured, result), other_claims(result)) if line], [key])


_NO_ROOM = "too few of the states have room for a coin on both sides"


def _forest(result: Result, readout: Readout) -> Figure:
    found = {name: one for name, one in result.variables.items() if readout.name in one.readouts}
    effects = [one.readouts[readout.name] for one in found.values()]
    fig = style.figure(f"total-effect-{readout.name}", f"Does the coin {readout.asks}?", height=190 + 56 * len(found))
    at = rows(fig, [_label(name, one) for name, one in found.items()])
    banded = [_against_random(e, result.networks) for e in effects]
    null_bands(fig, banded, at, half=0.26, label="random networks")
    for role, (label, colour, symbol) in _ROLE.items():
        own = [
            (_against_random(e, result.networks), y)
            for e, y, one in zip(effects, at, found.values(), strict=True)
            if one.role == role
        ]
        if own:
            dots(
                fig, [e for e, _ in own], [y for _, y in own], label=label, colour=colour, symbol=symbol, size=12,
                unit=readout.unit,
            )  # fmt: skip
    margin = result.margins.get(readout.name)
    if margin is not None:
        _margin(fig, margin)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    extra = [_compared(e, result, readout) for e in effects]
    written(fig, [e.effect for e in effects], at, extra=extra, unit=readout.unit, signed=True)
    fig.update_xaxes(title_text=readout.axis)
    style.lift(fig, 22)
    return Figure(fig, "\n".join(_caption(result, readout)))


def _against_random(effect: Effect, networks: int) -> Estimate:
    rank = effect.rank
    words = f"{networks} random networks of the same sensitivity"
    null = Null(description=words, value=(rank.low + rank.high) / 2, low=rank.low, high=rank.high, p=rank.p)
    return effect.effect.against(null)


def _compared(effect: Effect, result: Result, readout: Readout) -> str:
    sds = in_sds(effect, result.spreads.get(readout.name, 0.0))
    return f"{f'; {sds}' if sds else ''}<br>larger than {effect.rank.smaller} of {result.networks} random networks"


def _caption(result: Result, readout: Readout) -> Iterator[str]:
    """The coin's effects, then what they are to be compared with."""
    for role in ("coin", "control", "ceiling"):
        for name, _ in _of_role(result, role, readout.name):
            yield sentence(name, readout, result)


def _of_role(result: Result, role: str, readout: str) -> list[tuple[str, VariableEffects]]:
    return [(name, one) for name, one in result.variables.items() if one.role == role and readout in one.readouts]


def _margin(fig: go.Figure, margin: float) -> None:
    fig.add_vrect(-margin, margin, fillcolor=style.MARGIN_BAND, line_width=0, layer="below")
    font = {"size": 11, "color": "#00694D"}
    style.note(fig, "equivalent to zero", x=0, y=1, yref="paper", yanchor="bottom", xanchor="center", font=font)


def _label(name: str, one: VariableEffects) -> str:
    change = f"{one.clean} \N{MINUS SIGN} {one.corrupted}"
    return f"<b>{style.literal(name)}</b><br><span style='color:{style.GREY}'>{style.literal(change)}</span>"
