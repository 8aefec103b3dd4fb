"""Draw the coin field, of real coins and of written ones."""

from __future__ import annotations

from mechinterp.experiments.coin_field.result import Result
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots.fields import fields
from mechinterp.reporting.wording import count, interval, number, reading, short

METHOD = (
    "{result.states} states of different levels, none of which chose anything, without a coin. Coins are put anywhere "
    "in view that the game allows, in the air too: not into rock, lava or objects, nor where the agent stands. A cell "
    "is the mean over the states in which a coin could be there; the change is of log P(right) - log P(left) against "
    "the same state without a coin.",
    "Written: the coin's activation, the mean difference of 3 x 3 cells of a layer around a coin with and without it, "
    "is added where the layer shows the cell (retargeting: Turner et al. 2023), in the same states and cells. The "
    "layer, {result.written.hook}, is that where the written field comes nearest to that of real coins (least squares) "
    "on the levels that choose, which also give the template. Correlation and slope are over cells, their intervals "
    "over levels. The null: {result.random} random templates of the same norm.",
)


def figures(result: Result) -> list[Figure]:
    """Both fields, on one scale."""
    panels = {"a real coin there": result.real, f"its activation written, {result.written.hook}": result.written.field}
    plot = fields("coin-field", "Where would a coin draw it?", panels, counts=result.counts, unit="nats")
    return [Figure(plot, caption(result))]


def text(result: Result) -> Text:
    """Which way coins draw it, and whether their activation does the same."""
    correlation = result.written.correlation
    keys = [
        KeyNumber(
            "a coin on the right minus one on the left, anywhere in view",
            short(result.toward, "nats", signed=True),
            f"{interval(result.toward)}, {count(result.toward)}",
        ),
        KeyNumber(
            "coins written and real coins, correlation of the fields",
            short(correlation),
            f"{interval(correlation)}, {count(correlation)}",
        ),
    ]
    return Text([headline(result)], keys)


def headline(result: Result) -> str:
    """Attracted, repelled or neither; and whether writing the activation does what a coin does."""
    words = {"above": "draw it to their side", "below": "drive it to the other side"}.get(reading(result.toward))
    drawn = f"Coins {words}" if words else "Coins draw it to neither side"
    size = f"({number(result.toward, 'nats', signed=True)}, right minus left, over the whole view)"
    correlation, hook = result.written.correlation, result.written.hook
    if reading(correlation) == "above":
        same = f"Their activation, written into {hook}, changes movement cell by cell as real coins do"
        return f"{drawn} {size}. {same} (r = {number(correlation)}, slope {number(result.written.slope)})."
    return f"{drawn} {size}. Their activation, written into {hook}, is not shown to do what real coins do."


def caption(result: Result) -> str:
    """How to read it, and the numbers."""
    correlation, slope = result.written.correlation, result.written.slope
    null = correlation.null
    p = "" if null is None or null.p is None else f", p = {null.p:.2g} among random templates"
    return "\n".join(
        [
            "Blue: a coin there makes it go right, orange: left. The agent is in the middle; hover for the number of "
            "states.",
            f"Coins right of the agent minus coins left of it: {number(result.toward, 'nats', signed=True)}; at most 2 "
            f"cells away: {number(result.near, 'nats', signed=True)}.",
            f"Correlation of both fields: {number(correlation)}{p}; slope {number(slope)} (1: as a real coin).",
        ]
    )
