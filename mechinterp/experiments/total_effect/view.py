"""Show total effects: a forest plot for each readout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import plotly.graph_objects as go

from mechinterp.experiments.total_effect.result import Result, VariableEffects
from mechinterp.policies.readouts import Readout, as_readout
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written
from mechinterp.reporting.wording import count, interval, listed, number, reading, short
from mechinterp.stats import Estimate

METHOD = (
    "A minimal pair is two frames that differ in one variable, rendered from a state that the policy visits on "
    "held-out levels. The total effect is the mean over pairs of readout(clean) \N{MINUS SIGN} readout(corrupted). "
    "Probabilities of actions that do the same are summed first. Intervals are bootstrapped over levels. The grey band "
    "is the range that a mean of 0 would keep to (studentised bootstrap over levels).",
    "An effect is equivalent to zero where its whole interval lies within the margin (green), which was fixed before "
    "measuring. At even odds, 0.1 nats are 2.5 points of probability.",
    "Other changes of the scene give the scale. A cross is the same measurement in a network with the policy's weights "
    "shuffled within each tensor: of {result.shuffled_networks} such networks, the one with the largest effect.",
)
COIN_SIDE, MOVEMENT = "coin side", "movement"
_ROLE = {
    "coin": ("the coin", style.BLUE, "circle"),
    "ceiling": ("for scale: other changes", style.INK, "square"),
    "control": ("control", style.PINK, "diamond"),
}


def figures(result: Result) -> list[Figure]:
    """A forest plot for each readout that was measured."""
    names = dict.fromkeys(name for one in result.variables.values() for name in one.readouts)
    return [_forest(result, as_readout(name)) for name in names]


def text(result: Result) -> Text:
    """Whether the coin's side moves the policy, as strongly as the interval allows, and no more."""
    side = result.variables.get(COIN_SIDE)
    if side is None or MOVEMENT not in side.readouts:
        return Text([f"Whether the coin's side affects its movement was not measured: {_NO_ROOM}."])
    effect = side.readouts[MOVEMENT].effect
    context = f"{interval(effect)}, {count(effect)}"
    ceilings = [(name, one.readouts[MOVEMENT].effect) for name, one in _of_role(result, "ceiling", MOVEMENT)]
    if ceilings:
        context += f"; for scale: {ceilings[0][0]} {short(ceilings[0][1], 'nats', signed=True)}"
    key = KeyNumber(
        f"total effect on movement, {side.clean} \N{MINUS SIGN} {side.corrupted}",
        short(effect, "nats", signed=True),
        context,
    )
    return Text([headline(effect, margin=result.margins.get(MOVEMENT))], [key])


_NO_ROOM = "too few of the visited states have room for a coin on both sides"


def headline(effect: Estimate, *, margin: float | None) -> str:
    """The effect of the coin's side on movement, in one sentence."""
    size = number(effect, "nats", signed=True)
    match reading(effect, margin=margin):
        case "above":
            return f"The coin's side affects movement: the preference shifts toward the coin ({size})."
        case "below":
            return f"The coin's side affects movement: the preference shifts away from the coin ({size})."
        case "equivalent":
            return f"The coin's side does not affect movement: equivalent to zero within {margin:g} nats ({size})."
    return f"Whether the coin's side affects movement is unclear ({size})."


def sentence(one: VariableEffects, readout: Readout, *, margin: float | None) -> str:
    """The effect of one variable on one readout, in one sentence."""
    effect = one.readouts[readout.name].effect
    change = f"{one.clean[:1].upper()}{one.clean[1:]} instead of {one.corrupted}"
    size = number(effect, readout.unit, signed=True)
    if effect.low == effect.high == 0:
        return f"{change} changes nothing in any pair."
    match reading(effect, margin=margin):
        case "equivalent":
            return f"{change}: equivalent to zero within {f'{margin:g} {readout.unit}'.strip()} ({size})."
        case "unclear":
            p = f", p = {effect.null.p:.2g}" if effect.excludes(0) and effect.null and effect.null.p else ""
            return f"{change}: no clear effect ({size}{p})."
        case direction:
            return f"{change} {readout.lowers if direction == 'below' else readout.raises}: {size}."


def _forest(result: Result, readout: Readout) -> Figure:
    found = {name: one for name, one in result.variables.items() if readout.name in one.readouts}
    effects = [one.readouts[readout.name] for one in found.values()]
    fig = style.figure(f"total-effect-{readout.name}", f"Does the coin {readout.asks}?", height=190 + 56 * len(found))
    at = rows(fig, [_label(name, one) for name, one in found.items()])
    null_bands(fig, [e.effect for e in effects], at, half=0.26)
    for role, (label, colour, symbol) in _ROLE.items():
        own = [(e.effect, y) for e, y, one in zip(effects, at, found.values(), strict=True) if one.role == role]
        if own:
            dots(
                fig, [e for e, _ in own], [y for _, y in own], label=label, colour=colour, symbol=symbol, size=12,
                unit=readout.unit,
            )  # fmt: skip
    dots(
        fig, [e.shuffled for e in effects], [y - 0.22 for y in at], label="shuffled weights", colour=style.GREY,
        symbol="x-thin-open", size=7, unit=readout.unit,
    )  # fmt: skip
    margin = result.margins.get(readout.name)
    if margin is not None:
        _margin(fig, margin)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    written(fig, [e.effect for e in effects], at, unit=readout.unit, signed=True)
    fig.update_xaxes(title_text=readout.axis)
    style.lift(fig, 22)
    return Figure(fig, "\n".join(_caption(result, found, readout, margin)))


def _caption(
    result: Result, found: Mapping[str, VariableEffects], readout: Readout, margin: float | None
) -> Iterator[str]:
    """The coin's effects, then what they are to be compared with."""
    for role in ("coin", "control"):
        for _, one in _of_role(result, role, readout.name):
            yield sentence(one, readout, margin=margin)
    ceilings = [
        f"{name} {number(one.readouts[readout.name].effect, readout.unit, signed=True)}"
        for name, one in _of_role(result, "ceiling", readout.name)
    ]
    if ceilings:
        yield f"For scale: {listed(ceilings)}."
    shuffled = {name: one.readouts[readout.name].shuffled for name, one in _of_role(result, "coin", readout.name)}
    if shuffled:
        name = max(shuffled, key=lambda name: abs(shuffled[name].value))
        size = number(shuffled[name], readout.unit, signed=True)
        yield f"With shuffled weights, the largest effect of the coin is {size} ({name})."


def _of_role(result: Result, role: str, readout: str) -> list[tuple[str, VariableEffects]]:
    return [(name, one) for name, one in result.variables.items() if one.role == role and readout in one.readouts]


def _margin(fig: go.Figure, margin: float) -> None:
    fig.add_vrect(-margin, margin, fillcolor=style.MARGIN_BAND, line_width=0, layer="below")
    font = {"size": 11, "color": "#00694D"}
    style.note(fig, "equivalent to zero", x=0, y=1, yref="paper", yanchor="bottom", xanchor="center", font=font)


def _label(name: str, one: VariableEffects) -> str:
    change = f"{one.clean} \N{MINUS SIGN} {one.corrupted}"
    return f"<b>{style.literal(name)}</b><br><span style='color:{style.GREY}'>{style.literal(change)}</span>"
