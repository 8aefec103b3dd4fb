"""The numbers of each subject, as tables in Markdown with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mechinterp._text import in_code, in_markdown
from mechinterp.experiments.coin_features.counts import total
from mechinterp.experiments.comparison.summary import PROBED, Summary
from mechinterp.experiments.probes.result import PLACE
from mechinterp.experiments.variables.result import Contrast
from mechinterp.features.changes import MOVEMENT_BY_SIDE
from mechinterp.reporting.wording import listed, number, share
from mechinterp.stats import Estimate


@dataclass(frozen=True)
class Captioned:
    """A table and what its columns mean."""

    caption: str
    table: str


def tables(subjects: Sequence[Summary]) -> list[Captioned]:
    """The coin's representation; its use; what else channels respond to; going right; and what is decodable."""
    return [_coin(subjects), _use(subjects), _variables(subjects), _right(subjects), _probes(subjects)]


def verdicts(subjects: Sequence[Summary]) -> str:
    """Subject by subject: its hook points by verdict."""
    lines = []
    for s in subjects:
        by: dict[str, list[str]] = {}
        for hook, layer in s.coin.layers.items():
            by.setdefault(layer.verdict.value, []).append(f"`{in_code(hook)}`")
        lines.append(
            f"- **{in_markdown(s.name)}**: " + "; ".join(f"{verdict}: {listed(hooks)}" for verdict, hooks in by.items())
        )
    return "\n".join(lines)


def _coin(subjects: Sequence[Summary]) -> Captioned:
    rows = []
    for s in subjects:
        found = total(s.coin)
        counts = (found.exceed_maximum, found.square, found.other_colours) if found.confirmed else ("", "", "")
        layers = sum(layer.verdict.has_channels for layer in s.coin.layers.values())
        rows.append(
            (
                s.name, s.identity.network, f"{found.confirmed} of {s.width}", *map(str, counts),
                f"{layers} of {len(s.coin.layers)}", number(s.decoding), _null(s.decoding), _p(s.decoding),
            )
        )  # fmt: skip
    return Captioned(
        "Coin channels are confirmed on levels on which they were not chosen. Exceed the maximum: beyond the maximum "
        "over all channels of all layers of untrained networks (FWER 5 %); the others pass the false discovery rate "
        "alone. Square, recoloured: channels for which a square of the coin's colour, or a coin in other colours, "
        "evokes at least 80 % of the response to the coin. AUROC: of the coin direction at the last hook point with "
        "maps; its p is corrected for all hook points.",
        _table(
            (
                "subject", "network", "coin channels", "exceed the maximum", "square", "recoloured",
                "hook points with any", "AUROC at the last maps", "untrained networks", "p",
            ),
            rows,
        ),
    )  # fmt: skip


def _use(subjects: Sequence[Summary]) -> Captioned:
    return Captioned(
        "Effect of the coin's side on movement: log P(right) \N{MINUS SIGN} log P(left) with the coin on the right "
        "minus with it on the left, each against the scene without it; on jumping: with a coin minus without. Through "
        "channels, through the direction: the part of it that is lost when the coin channels, or the coin direction, "
        "at the last hook point with maps are replaced by their coin-absent activations. Attribution: share of the "
        "movement log-odds' attribution on the coin's pixels.",
        _table(
            (
                "subject", "effect on movement, nats", "effect on jumping, nats", "through channels",
                "through the direction", "attribution on the coin", "untrained networks",
            ),
            [
                (
                    s.name, _or(s.coin.effects[MOVEMENT_BY_SIDE]), _or(s.coin.effects["jump by presence"]),
                    _or(s.through_channels), _or(s.through_direction),
                    "" if s.on_coin is None else number(s.on_coin, percent=True),
                    "" if s.on_coin is None else _null(s.on_coin, percent=True),
                )
                for s in subjects
            ],
        ),
    )  # fmt: skip


def _variables(subjects: Sequence[Summary]) -> Captioned:
    names = list(dict.fromkeys(variable for s in subjects for variable in s.responding))
    return Captioned(
        "Channels at the last hook point with maps that discriminate a scene with the object from the same scene "
        "without it (coin side: coin on the right from coin on the left), better than channels of the layer do in "
        "untrained networks; in brackets, those that discriminate at all; of those that are active.",
        _table(("subject", *names), [(s.name, *(_count(s.responding.get(name)) for name in names)) for s in subjects]),
    )


def _right(subjects: Sequence[Summary]) -> Captioned:
    rows = []
    for s in subjects:
        own, steering = s.tendency, s.steering
        rows.append(
            (
                s.name, number(own.mean, signed=True), number(own.standard_deviation), share(own.constant_share),
                number(own.prefers_right, percent=True), _or(steering.added) if steering else "",
                number(steering.consistent, percent=True) if steering else "",
            )
        )  # fmt: skip
    return Captioned(
        "The movement log-odds log P(right) \N{MINUS SIGN} log P(left) over natural frames. Constant share: of its "
        "mean square. Steered: its change when the steering vector (mean activation in the third of states where the "
        "policy most prefers right, minus that where it least does) is added at the last hook point. Consistent: share "
        "of frames in which adding it raises the log-odds and subtracting it lowers them.",
        _table(
            ("subject", "mean, nats", "standard deviation", "constant share", "prefers right", "steered", "consistent"),
            rows,
        ),
    )


def _probes(subjects: Sequence[Summary]) -> Captioned:
    return Captioned(
        "Linear probes at the last hook point (of the place: a 1 x 1 convolution at the last maps): score minus that "
        "of the best baseline, pixels or untrained networks.",
        _table(
            ("subject", *PROBED, PLACE),
            [(s.name, *(_or(s.probe(label)) for label in PROBED), _or(s.place)) for s in subjects],
        ),
    )


def _or(estimate: Estimate | None) -> str:
    return "" if estimate is None else number(estimate, signed=True)


def _null(estimate: Estimate, *, percent: bool = False) -> str:
    null = estimate.null
    if null is None:
        return ""
    return f"{100 * null.low:.1f} to {100 * null.high:.1f} %" if percent else f"{null.low:.2f} to {null.high:.2f}"


def _count(contrast: Contrast | None) -> str:
    if contrast is None:
        return ""
    return f"{contrast.above_untrained} ({contrast.discriminating}) of {contrast.active}"


def _p(estimate: Estimate) -> str:
    return "" if estimate.null is None or estimate.null.p is None else f"{estimate.null.p:.2g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [[in_markdown(cell) for cell in line] for line in (head, *rows)]
    lines.insert(1, ["---" for _ in head])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
