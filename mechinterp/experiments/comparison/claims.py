"""What holds for which subjects, one claim a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mechinterp._text import in_markdown
from mechinterp.experiments.coin_features.captions import certainty, looks
from mechinterp.experiments.coin_features.counts import total
from mechinterp.experiments.comparison.summary import Summary
from mechinterp.features.changes import MOVEMENT_BY_SIDE, QUANTITIES
from mechinterp.features.verdicts import Verdict
from mechinterp.reporting.wording import listed, reading

Effect = Literal["above", "below", "small", "equivalent", "unclear"]


def claims(subjects: Sequence[Summary]) -> list[str]:
    """What the subjects say on the question on which the literature disagrees, as a list in Markdown."""
    channels = [s for s in subjects if s.coin.represented]
    direction = [s for s in subjects if s not in channels and _any(s, "direction")]
    neither = [s for s in subjects if s not in channels and s not in direction]
    margin = f"{_margin(MOVEMENT_BY_SIDE):g} nats"
    of_movement = {way: [s for s in subjects if effect(s, MOVEMENT_BY_SIDE) == way] for way in _WAYS}
    on_jump = [s for s in subjects if effect(s, "jump by presence") in ("above", "below")]
    lines = [
        _line(channels, "confirmed coin channels"),
        _line(direction, "no coin channel was confirmed, but a coin direction exceeds untrained networks (FWER 5 %)"),
        _line(neither, "neither a channel nor a direction was shown to exceed untrained networks"),
        *(f"- {in_markdown(s.name)}: {certainty(total(s.coin))} {looks(total(s.coin))}" for s in channels),
        _line(
            [s for s in subjects if s.coin.used], "what some layer represents of the coin causally affects the action"
        ),
        _line(
            [s for s in subjects if _any(s, "within")],
            "a coin direction that does not exceed those of untrained networks causally affects the action",
        ),
        _line(of_movement["above"], f"the coin attracts movement to its side (more than {margin})"),
        _line(of_movement["below"], f"the coin repels movement from its side (more than {margin})"),
        _line(
            of_movement["small"],
            f"the effect of the coin's side on movement differs from zero, but was not shown to exceed {margin}",
        ),
        _line(
            of_movement["equivalent"],
            f"the effect of the coin's side on movement is equivalent to zero within {margin}",
        ),
        _line(on_jump, f"the coin changes the log-odds of jumping (by more than {_margin('jump by presence'):g} nats)"),
        *(_responding(subjects, variable) for variable in ("saw", "enemy", "crate")),
    ]
    return [line for line in lines if line]


_WAYS: tuple[Effect, ...] = ("above", "below", "small", "equivalent", "unclear")


def effect(subject: Summary, quantity: str) -> Effect:
    """What may be said of the coin's effect by one of `features.changes.QUANTITIES`.

    "above" and "below" where its value also exceeds the margin, "small" where it does not; else as `wording.reading`.
    """
    estimate, margin = subject.coin.effects[quantity], _margin(quantity)
    found = reading(estimate, margin=margin)
    return "small" if found in ("above", "below") and abs(estimate.value) <= margin else found


def _margin(quantity: str) -> float:
    margin = QUANTITIES[quantity].margin
    assert margin is not None, quantity
    return margin


def _any(subject: Summary, what: Literal["direction", "within"]) -> bool:
    verdicts = {layer.verdict for layer in subject.coin.layers.values()}
    if what == "direction":
        return any(verdict.direction_alone for verdict in verdicts)
    return bool({Verdict.USED_WITHIN_NULL, Verdict.USED_DISCARDED} & verdicts)


def _responding(subjects: Sequence[Summary], variable: str) -> str:
    """For scale: what the same search finds of another object."""
    own = [s for s in subjects if variable in s.responding and s.responding[variable].above_untrained]
    return _line(own, f"for scale, channels at the last maps respond to the {variable}, beyond untrained networks")


def _line(subjects: Sequence[Summary], what: str) -> str:
    return f"- {listed([in_markdown(s.name) for s in subjects])}: {what}." if subjects else ""
