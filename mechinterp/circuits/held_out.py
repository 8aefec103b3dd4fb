"""The smallest circuit that carries an effect both ways: chosen on some levels, measured on others, beside chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mechinterp import stats
from mechinterp.circuits.alone import run_alone
from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.effects import Direction
from mechinterp.circuits.errors import CircuitError, ZeroEffect
from mechinterp.circuits.faithfulness import DIRECTIONS, ENOUGH, Curve, curve, growing, random_like, smallest
from mechinterp.circuits.pairs import Pairs
from mechinterp.circuits.patching import MEMORY
from mechinterp.circuits.ranking import Ranking
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate, Null

STEPS, FINER = 10, 5
"""Sizes that are tried, evenly spaced by ratio; and, again and again, between the last that was too small and the first
that was not."""
Beside = Literal["every size", "chosen size"]


@dataclass(frozen=True, eq=False, kw_only=True)
class OneWay:
    """Circuits of one ranking, denoising or noising, on the levels to report on.

    Attributes:
        curve: pair by pair.
        faithfulness: size -> share of the effect, with the null of random circuits where they were run.
        chosen: that of the chosen size.
        random: the mean share of the random circuits of that size; None where it is every part.
        cpr, cmd: the areas of `Curve`.
    """

    curve: Curve
    faithfulness: Mapping[int, Estimate]
    chosen: Estimate
    random: Estimate | None
    cpr: Estimate
    cmd: Estimate


@dataclass(frozen=True, eq=False, kw_only=True)
class Sufficient:
    """The smallest circuit of a ranking that is enough both ways.

    Attributes:
        total: the whole effect, clean minus corrupted, on the levels to report on.
        circuit: the smallest that has `share` of the effect in both directions on the levels to choose on; None where
            there is no effect to take shares of.
        why: where there is no circuit: what was the matter.
        ways: what it and others of its ranking carry on the levels to report on; nothing where there is no circuit.
    """

    ranking: Ranking
    metric: str
    share: float
    total: Estimate
    circuit: Circuit | None
    why: str
    ways: Mapping[Direction, OneWay]


def sufficient(
    policy: Policy,
    choose: Pairs,
    report: Pairs,
    ranking: Ranking,
    *,
    rng: np.random.Generator,
    metric: str = "movement",
    share: float = ENOUGH,
    draws: int = 6,
    beside: Beside = "every size",
    memory: int = MEMORY,
) -> Sufficient:
    """Choose the size on some levels; measure circuits of that size and others on the rest.

    Args:
        choose, report: pairs of different levels. Rank on `choose`, too.
        rng: of intervals and of random circuits.
        draws: random circuits, with as many parts at every hook point, at each size (`random_like`).
        beside: the sizes at which random circuits are run.

    Raises:
        CircuitError: levels that both have, options that do not fit.
    """
    if shared := np.intersect1d(choose.levels, report.levels).tolist():
        raise CircuitError(f"the pairs to choose on and those to report on share levels: {shared[:5]}")
    if draws < 1 or beside not in get_args(Beside):
        raise CircuitError(f"draws must be 1 or more and beside one of {get_args(Beside)}, got {draws} and {beside!r}")

    def curves(pairs: Pairs, sizes: Sequence[int]) -> list[Curve]:
        return [
            curve(policy, pairs, ranking, sizes=sizes, direction=d, metric=metric, memory=memory) for d in DIRECTIONS
        ]

    steps, size, why = growing(len(ranking.parts), STEPS), 0, ""
    try:
        size = _smallest(curves, choose, steps, share)
    except ZeroEffect as error:
        why = f"where circuits are chosen, {error}"
    found = curves(report, () if why else [*steps, size])
    total = stats.paired_difference(
        found[0].total, np.zeros(len(found[0].total)), name="total", unit="levels", rng=rng, clusters=found[0].levels
    )
    try:
        found[0].refuse_zero()
    except ZeroEffect as error:
        why = why or f"where circuits are reported on, {error}"
    if why:
        return Sufficient(
            ranking=ranking, metric=metric, share=share, total=total, circuit=None, why=why, ways={}
        )  # fmt: skip
    circuits = _random(policy, ranking, steps if beside == "every size" else (), size, draws, rng)
    ways: dict[Direction, OneWay] = {
        direction: _one_way(policy, report, one, size, circuits, draws, rng, memory)
        for direction, one in zip(DIRECTIONS, found, strict=True)
    }
    return Sufficient(
        ranking=ranking, metric=metric, share=share, total=total, circuit=ranking.circuit(size), why="", ways=ways
    )


def _smallest(
    curves: Callable[[Pairs, Sequence[int]], list[Curve]], choose: Pairs, steps: Sequence[int], share: float
) -> int:
    """The smallest size of the ranking that is enough both ways, next to one that is not."""
    trial = curves(choose, steps)
    trial[0].refuse_zero()
    size = smallest(trial, share=share)
    below = max((step for step in steps if step < size), default=0)
    while size - below > 1:
        between = sorted({below, size, *np.linspace(below, size, FINER + 2).round().astype(int).tolist()})
        size = smallest(curves(choose, between), share=share)
        below = max((step for step in between if step < size), default=0)
    return size


def _random(
    policy: Policy, ranking: Ranking, sizes: Sequence[int], chosen: int, draws: int, rng: np.random.Generator
) -> dict[int, list[Circuit]]:
    shown = [size for size in sorted({*sizes, chosen}) if 0 < size < len(ranking.parts)]
    return {size: random_like(policy, ranking.circuit(size), draws, rng) for size in shown}


def _one_way(
    policy: Policy,
    report: Pairs,
    one: Curve,
    size: int,
    circuits: Mapping[int, list[Circuit]],
    draws: int,
    rng: np.random.Generator,
    memory: int,
) -> OneWay:
    shares, random = dict(zip(one.sizes, one.faithfulness(rng=rng), strict=True)), None
    if circuits:
        listed = [each for size in circuits for each in circuits[size]]
        run = run_alone(policy, report, listed, direction=one.direction, metrics=one.metric, memory=memory)
        for at, by_draw in zip(circuits, run.effect(one.metric).reshape(len(circuits), draws, -1), strict=True):
            words = f"{draws} random circuits with as many parts at every hook point"
            null = Null.from_draws(shares[at].value, by_draw.mean(1) / one.total.mean(), description=words)
            shares[at] = shares[at].against(null)
            if at == size:
                random = run.ratio(by_draw.mean(0), one.metric, name=f"{one.direction}: random circuits", rng=rng)
    return OneWay(
        curve=one,
        faithfulness=shares,
        chosen=shares[size],
        random=random,
        cpr=one.cpr(rng=rng),
        cmd=one.cmd(rng=rng),
    )
