"""Show what becomes of games under each blinding."""

from __future__ import annotations

from collections.abc import Mapping

from mechinterp.experiments.removal.result import Arm, Part, Result
from mechinterp.reporting.figure import Figure, KeyNumber, Table, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, hover, null_bands, rows, written
from mechinterp.reporting.plots.heat import heat
from mechinterp.reporting.wording import count, interval, number, plain, reading, share, short
from mechinterp.stats import Estimate, Null

METHOD = (
    "A layer is blinded in two ways. Channels: the quarter of its channels that changes most with the object is set, "
    "cell by cell, to its mean over frames without it (mean ablation). Direction: the mean change over channels that "
    "the object makes is projected out at every cell. Layer, channels and direction are chosen on 40 % of the levels "
    "of minimal pairs (the object there or not), as those nearest to a perfect blinding: one that makes the frame with "
    "the object what the frame without it is, and leaves the latter alone, in movement log-odds. How near they come is "
    "measured on the others.",
    "Forks are hand-designed levels with the coin 2 to 5 columns to one side and no wall in view. Levels are held out, "
    "agent and coin at random places before the end. The ceiling: the same without the coin, where coming to the place "
    "of the coin counts as taking it. All are played on the same levels with the same random numbers, for at most "
    "{result.fork_steps} and {result.level_steps} steps. Changes are paired by level (McNemar's exact test).",
    "The null at forks: {result.random} random sets of as many channels of the same layer, ablated alike, and "
    "{result.random} random directions, projected out alike.",
)
PLAIN, ABSENT = "plain", "coin absent"
TOOK, TOWARD = "took the coin", "first toward the coin"


def figures(result: Result) -> list[Figure]:
    """Choices at forks, and all outcomes in held-out levels."""
    return [_forks(result), _levels(result)]


def text(result: Result) -> Text:
    """Whether the choice at forks is gone, how near the ceiling; and how well it is blinded on single frames."""
    best = strongest(result)
    keys = [
        KeyNumber(f"takes the coin at forks, {name}", short(arm.shares[TOOK], percent=True), _context(arm.shares[TOOK]))
        for name, arm in ((PLAIN, result.forks[PLAIN]), (best, result.forks[best]), (ABSENT, result.forks[ABSENT]))
    ]
    table = Table(
        rows=[(name, *_row(part)) for name, part in result.parts.items()],
        columns=("intervention", "where", "effect of the object", "distance from blind", "cosine with the coin's"),
    )
    return Text([headline(result)], keys, [table])


def headline(result: Result) -> str:
    """What the stronger of the two blindings to the coin does at forks, against the ceiling and random parts."""
    best = strongest(result)
    own, blind, absent = (result.forks[name].shares[TOOK] for name in (PLAIN, best, ABSENT))
    change = result.forks[best].changes[TOOK]
    values = f"{number(blind, percent=True)} of forks, as it is in {number(own, percent=True)}"
    ceiling = f"where there is no coin, it comes to its place in {number(absent, percent=True)}"
    p = change.null.p if change.null is not None else None
    beyond = "" if p is None or p > 0.05 else ", farther than random parts of the layer"
    part = result.parts[best]
    harm = f" It is no clean blinding, though: {unclean(part)}." if part.left.value >= part.effect.value else ""
    match reading(change):
        case "below":
            words = f"Blinded to the coin it takes it less often: in {values}{beyond}; {ceiling}."
        case "above":
            words = f"Blinded to the coin it takes it more often: in {values}{beyond}; {ceiling}."
        case _:
            words = f"Blinding it to the coin makes no clear difference: it takes it in {values}; {ceiling}."
    return words + harm


def unclean(part: Part) -> str:
    """Why a blinding that is farther from perfect than doing nothing shows little."""
    return (
        f"on single frames it changes movement by {number(part.left, 'nats')}, the {part.thing} itself by "
        f"{number(part.effect, 'nats')}"
    )


def strongest(result: Result) -> str:
    """The blinding to the coin that comes nearest to a perfect one on single frames."""
    coin = [name for name, part in result.parts.items() if part.thing == "coin"]
    return min(coin, key=lambda name: result.parts[name].left.value)


def _context(estimate: Estimate) -> str:
    return f"{interval(estimate, percent=True)}, {count(estimate)}"


def _row(part: Part) -> tuple[str, ...]:
    where = part.hook if part.channels is None else f"{part.hook}, channels {', '.join(map(str, part.channels))}"
    alike = "" if part.like_coin is None else plain(part.like_coin, 2)
    return where, number(part.effect, "nats"), number(part.left, "nats"), alike


def _forks(result: Result) -> Figure:
    fig = style.figure("removal-forks", "Does it still choose the coin?", height=200 + 52 * len(result.forks))
    at = rows(fig, [f"<b>{style.literal(name)}</b>" for name in result.forks])
    own = result.forks[PLAIN].shares[TOOK]
    took = [_on_shares(arm, own) for arm in result.forks.values()]
    null_bands(fig, took, at, half=0.3, label="random parts of the same layer")
    dots(fig, took, at, label=TOOK, colour=style.AMBER, percent=True, size=12)
    toward = [arm.shares[TOWARD] for arm in result.forks.values()]
    dots(
        fig, toward, [y + 0.22 for y in at], label=TOWARD, colour=style.BLUE, percent=True, size=8,
        symbol="diamond-open",
    )  # fmt: skip
    written(fig, took, at, percent=True)
    fig.update_xaxes(title_text="share of forks", tickformat=".0%", range=[-0.02, 1.02])
    return Figure(fig, "\n".join(sentence(name, arm, "forks") for name, arm in result.forks.items() if arm.changes))


def _on_shares(arm: Arm, base: Estimate) -> Estimate:
    """The share of coins taken, with the null of its change (of random parts) as shares."""
    change = arm.changes.get(TOOK)
    if change is None or change.null is None or "random" not in change.null.description:
        return arm.shares[TOOK]
    null = change.null
    ends = (min(max(base.value + end, 0.0), 1.0) for end in (null.value, null.low, null.high))
    value, low, high = ends
    return arm.shares[TOOK].against(Null(description=null.description, value=value, low=low, high=high, p=null.p))


def sentence(name: str, arm: Arm, of: str) -> str:
    """How much more or less often the coin is taken."""
    change = arm.changes[TOOK]
    verdict = {"above": "more", "below": "less"}.get(reading(change), "no clear difference")
    p = "" if change.null is None or change.null.p is None else f" (p = {change.null.p:.2g})"
    does = "comes to where the coin would be" if name == ABSENT else "takes the coin"
    return (
        f"{name[0].upper()}{name[1:]}: it {does} in {number(arm.shares[TOOK], percent=True)} of {of}, "
        f"{number(change, signed=True, percent=True)} against the plain policy: {verdict}{p}."
    )


def _levels(result: Result) -> Figure:
    arms: Mapping[str, Arm] = result.levels
    measures = list(next(iter(arms.values())).shares)
    fig = style.figure("removal-levels", "What becomes of it in whole levels?", height=190 + 40 * len(arms))
    heat(
        fig,
        [[_change(arm, name) for name in measures] for arm in arms.values()],
        [[share(arm.shares[name].value) for name in measures] for arm in arms.values()],
        rows=list(arms),
        columns=measures,
        hovers=[[_hover(arm, name) for name in measures] for arm in arms.values()],
        bold=[
            [name in arm.changes and reading(arm.changes[name]) != "unclear" for name in measures]
            for arm in arms.values()
        ],
        full=1.0,
    )
    lines = ["Share of levels; colour and bold: the change against the plain policy, bold where it is clear."]
    for name, arm in arms.items():
        if arm.changes:
            died = number(arm.changes["died"], signed=True, percent=True)
            lines.append(f"{sentence(name, arm, 'levels')} Deaths: {died}.")
    return Figure(fig, "\n".join(lines))


def _change(arm: Arm, name: str) -> float:
    return arm.changes[name].value if name in arm.changes else 0.0


def _hover(arm: Arm, name: str) -> str:
    change = f"<br>{hover(arm.changes[name], percent=True)}" if name in arm.changes else ""
    return f"{hover(arm.shares[name], percent=True)}{change}"
