"""Draw dose-response curves, on frames and over episodes."""

from __future__ import annotations

from mechinterp.experiments.coin_steering.result import Dose, Played, Result
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written
from mechinterp.reporting.wording import count, interval, number, plain, reading, short
from mechinterp.stats import Estimate

METHOD = (
    "The vector: the mean difference of the activation of {result.hook} between the coin on the right and the coin on "
    "the left, over {result.choosing} minimal pairs (Turner et al. 2023); the layer is that where adding it to frames "
    "with the coin on the left, and taking it from those with it on the right, comes nearest to exchanging them. Both "
    "are of levels that choose. Dose 1 is the whole vector.",
    "Frames: without a coin, of other levels, one a level. The null: {result.random} random vectors that are as long "
    "as the vector at every cell, in the same doses. Episodes: held-out levels with the coin at a random place, the "
    "vector added at every step, of at most {result.steps}; the same random numbers for every dose.",
)
MARGIN = 0.1
"""Nats; what is less does not count as steering."""
RIGHT, TOOK, TOWARD, DIED = "first to the right", "took the coin", "first toward the coin", "died"
_DRAWN = {RIGHT: (style.BLUE, "circle"), TOOK: (style.AMBER, "circle"), DIED: (style.RED, "x")}


def figures(result: Result) -> list[Figure]:
    """Log-odds on frames, and outcomes of episodes, by dose."""
    return [_frames(result), _episodes(result)]


def text(result: Result) -> Text:
    """Whether it can be steered, on frames and in episodes."""
    up, down = _of(result.frames, 1.0), _of(result.frames, -1.0)
    keys = [
        KeyNumber(
            f"steered by {plain(one.dose, 0)} coin, change of movement",
            short(one.change, "nats", signed=True),
            f"{interval(one.change)}, {count(one.change)}; random vectors {_null(one)}",
        )
        for one in (up, down)
    ]
    return Text([headline(result)], keys)


def headline(result: Result) -> str:
    """Both signs on frames, and the strongest dose in episodes."""
    up, down = (moved(_of(result.frames, dose).change) for dose in (1.0, -1.0))
    most = max(result.episodes, key=lambda one: one.dose)
    least = min(result.episodes, key=lambda one: one.dose)
    played = (
        f"over episodes it first goes right in {number(least.shares[RIGHT], percent=True)} of levels at dose "
        f"{plain(least.dose, 0)} and {number(most.shares[RIGHT], percent=True)} at dose {plain(most.dose, 0)}"
    )
    if up == "above" and down == "below":
        begin = "What the coin's side changes steers it both ways"
    elif up == "below" and down == "above":
        begin = "What the coin's side changes steers it both ways, away from where the coin would be"
    elif "unclear" not in (up, down):
        begin = "What the coin's side changes moves it, but not to opposite sides by its sign"
    else:
        begin = "What the coin's side changes does not clearly steer it both ways"
    return f"{begin} (a whole dose {number(_of(result.frames, 1.0).change, 'nats', signed=True)}); {played}."


def moved(change: Estimate) -> str:
    """Above or below, where the interval lies beyond the margin and the change is none of random vectors."""
    beyond = change.low > MARGIN or change.high < -MARGIN
    return reading(change) if beyond else "unclear"


def _of(frames: tuple[Dose, ...], dose: float) -> Dose:
    return next(one for one in frames if one.dose == dose)


def _null(one: Dose) -> str:
    null = one.change.null
    if null is None:
        return "not asked"
    p = "" if null.p is None else f", p = {null.p:.2g}"
    return f"{plain(null.low, 2)} to {plain(null.high, 2)}{p}"


def _frames(result: Result) -> Figure:
    fig = style.figure(
        "steering-frames", "How far does a dose move it on frames?", height=200 + 46 * len(result.frames)
    )
    changes = [one.change for one in result.frames]
    at = rows(fig, [f"<b>dose {plain(one.dose, 0)}</b>" for one in result.frames])
    null_bands(fig, changes, at, label="random vectors as long")
    dots(fig, changes, at, label="the coin's side", colour=style.BLUE, unit="nats", size=12)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    written(fig, changes, at, unit="nats", signed=True)
    fig.update_xaxes(title_text="change of log P(right) - log P(left), nats")
    lines = [
        f"The coin's side itself: {number(result.real, 'nats', signed=True)}. The vector's norm is "
        f"{result.norm:.2g} of that of the layer's activations around their mean.",
        *(
            f"Dose {plain(one.dose, 0)}: {number(one.change, 'nats', signed=True)}; random vectors {_null(one)}."
            for one in result.frames
        ),
    ]
    return Figure(fig, "\n".join(lines))


def _episodes(result: Result) -> Figure:
    fig = style.figure("steering-episodes", "What becomes of steered episodes?", height=430)
    for name, (colour, symbol) in _DRAWN.items():
        shares = [one.shares[name] for one in result.episodes]
        shift = 0.05 * (list(_DRAWN).index(name) - 1)
        dots(
            fig, shares, [one.dose + shift for one in result.episodes], label=name, colour=colour, symbol=symbol,
            percent=True, upright=True,
        )  # fmt: skip
    doses = [one.dose for one in result.episodes]
    fig.update_xaxes(title_text="dose", tickvals=doses, ticktext=[plain(dose, 0) for dose in doses])
    fig.update_yaxes(title_text="share of levels", tickformat=".0%", range=[-0.03, 1.03])
    return Figure(fig, "\n".join(sentence(one) for one in result.episodes if one.changes))


def sentence(one: Played) -> str:
    """One dose: sides, coins and deaths against no dose."""
    words = [f"{name} {number(one.changes[name], signed=True, percent=True)}" for name in (RIGHT, TOOK, TOWARD, DIED)]
    return f"Dose {plain(one.dose, 0)}, against none: {', '.join(words)}."
