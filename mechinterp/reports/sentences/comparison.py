"""What holds for each subject, as markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mechinterp.features.uses import MARGIN
from mechinterp.features.verdicts import BARE
from mechinterp.reporting.wording import listed, number, reading
from mechinterp.reports.comparison import PROBED, Compared
from mechinterp.reports.sentences.atlas import looks, sure
from mechinterp.stats import Estimate


def claims(subjects: Sequence[Compared]) -> list[str]:
    """What the subjects say on the question that the literature disagrees about."""
    held = [s.name for s in subjects if s.represented]
    spread = [
        s.name for s in subjects if not s.represented and any(v.startswith("spread") for v in s.verdicts.values())
    ]
    bare = [s.name for s in subjects if s.name not in held and s.name not in spread]
    lines = [
        _line(held, "confirmed coin channels"),
        _line(spread, "no coin channel shown, but a direction that tells the coin better than untrained networks' do"),
        _line(bare, "neither was shown: no channel and no direction tells the coin better than untrained networks' do"),
        *(f"- {s.name}: {sure(s.coin_channels)} {looks(s.coin_channels)}" for s in subjects if s.represented),
        _line(
            [s.name for s in subjects if s.used],
            "an action that hangs on what some layer holds of the coin beyond chance",
        ),
        _line(
            [s.name for s in subjects if BARE in s.verdicts.values()],
            "an action that hangs on a coin direction that was not shown to be better than untrained networks'",
        ),
        _line(_those(subjects, "pull", "above"), "movement drawn toward the coin's side"),
        _line(_those(subjects, "pull", "below"), "movement pushed from the coin's side"),
        _line(
            _those(subjects, "pull", "small"),
            f"a pull of the coin on movement that is not 0, but was not shown to matter (less than {MARGIN} nats)",
        ),
        _line(
            _those(subjects, "pull", "equivalent"),
            f"a pull of the coin on movement that would not matter (within {MARGIN} nats of 0)",
        ),
        _line(
            [*_those(subjects, "jump", "above"), *_those(subjects, "jump", "below")],
            f"a coin changes how likely it jumps (by more than {MARGIN} nats)",
        ),
        *(_seen(subjects, variable) for variable in ("saw", "enemy", "crate")),
    ]
    return [line for line in lines if line]


def tables(subjects: Sequence[Compared]) -> list[str]:
    """The coin in the network; its use; what else channels answer to; right; and what else can be read out."""
    return [
        _table(
            (
                "subject", "network", "coin channels", "beyond any untrained", "like a square of its colour",
                "like it in other colours", "hook points with any", "AUROC at the last maps", "untrained", "p",
            ),
            [
                (
                    s.name, s.network, f"{s.coin_channels.channels} of {s.channels}", *_found(s),
                    f"{_with_channels(s)} of {len(s.verdicts)}", number(s.decode), _null(s.decode), _p(s.decode),
                )
                for s in subjects
            ],
        ),
        _table(
            (
                "subject", "pull of the coin on movement, nats", "on jumping, nats", "lost with its channels",
                "lost with its direction", "attribution on it", "untrained",
            ),
            [
                (
                    s.name, number(s.pull, signed=True), number(s.jump, signed=True), _or(s.lost.get("channels")),
                    _or(s.lost.get("direction")), "" if s.on_coin is None else number(s.on_coin, percent=True),
                    "" if s.on_coin is None else _null(s.on_coin, percent=True),
                )
                for s in subjects
            ],
        ),
        _table(
            ("subject", *(variables := list(dict.fromkeys(v for s in subjects for v in s.answering)))),
            [(s.name, *(_count(s.answering.get(variable)) for variable in variables)) for s in subjects],
        ),
        _table(
            ("subject", "mean, nats", "standard deviation", "constant share", "right likelier", "steered", "both ways"),
            [
                (
                    s.name, number(s.mean, signed=True), number(s.spread), f"{s.constant:.0%}",
                    number(s.right, percent=True), _or(s.steered[0]) if s.steered else "",
                    number(s.steered[1], percent=True) if s.steered else "",
                )
                for s in subjects
            ],
        ),
        _table(
            ("subject", *PROBED, "place of the coin"),
            [(s.name, *(_or(s.probes.get(label)) for label in PROBED), _or(s.place)) for s in subjects],
        ),
    ]  # fmt: skip


def verdicts(subjects: Sequence[Compared]) -> str:
    """Subject by subject: its hook points by verdict."""
    lines = []
    for s in subjects:
        by: dict[str, list[str]] = {}
        for hook, verdict in s.verdicts.items():
            by.setdefault(verdict, []).append(f"`{hook}`")
        lines.append(f"- **{s.name}**: " + "; ".join(f"{verdict}: {listed(hooks)}" for verdict, hooks in by.items()))
    return "\n".join(lines)


def older(subjects: Sequence[Compared]) -> str:
    """Which subjects were measured by an earlier version, and what differs there; empty where none was."""
    names = [s.name for s in subjects if any(both is None for both, _, _ in s.answering.values())]
    if not names:
        return ""
    return (
        f"Measured by an earlier version: {listed(names)}. Left out there: channels that tell a thing apart better "
        "than in untrained networks, which were counted wrongly. The range of the attribution in untrained networks is "
        "of fewer frames than the share beside it. Verdicts follow today's rule, from the numbers in the files."
    )


def _those(subjects: Sequence[Compared], what: Literal["pull", "jump"], way: str) -> list[str]:
    """The subjects whose effect is "above", "below" (and beyond the margin), "small" (not so) or "equivalent"."""
    found = []
    for subject in subjects:
        effect = subject.pull if what == "pull" else subject.jump
        read = reading(effect, margin=MARGIN)
        if read in ("above", "below") and abs(effect.value) <= MARGIN:
            read = "small"
        if read == way:
            found.append(subject.name)
    return found


def _seen(subjects: Sequence[Compared], variable: str) -> str:
    """For scale: what the same search finds of another thing."""
    own = [s.name for s in subjects if s.answering.get(variable, (0, 0, 0))[0]]
    return _line(own, f"for scale, channels that answer to the {variable} beyond untrained networks (last maps)")


def _line(names: list[str], what: str) -> str:
    return f"- {listed(names)}: {what}." if names else ""


def _found(subject: Compared) -> tuple[str, str, str]:
    own = subject.coin_channels
    return (str(own.beyond_all), str(own.square), str(own.other_colours)) if own.channels else ("", "", "")


def _with_channels(subject: Compared) -> int:
    return sum(
        verdict in ("used", "direction used", "not connected", "unclear") for verdict in subject.verdicts.values()
    )


def _or(estimate: Estimate | None, *, percent: bool = False) -> str:
    return "" if estimate is None else number(estimate, signed=True, percent=percent)


def _null(estimate: Estimate, *, percent: bool = False) -> str:
    null, form = estimate.null, ".1%" if percent else ".2f"
    return "" if null is None else f"{null.low:{form}} to {null.high:{form}}"


def _count(counted: tuple[int | None, int, int] | None) -> str:
    if counted is None:
        return ""
    both, apart, channels = counted
    return f"{'' if both is None else f'{both} '}({apart}) of {channels}"


def _p(estimate: Estimate) -> str:
    return "" if estimate.null is None or estimate.null.p is None else f"{estimate.null.p:.2g}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
