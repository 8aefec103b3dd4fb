"""Is a circuit complete and minimal (Wang et al. 2023), and do tests say that it is one (Shi et al. 2024)?

All by level: several pairs of a level are one sample, their mean. `memory` is that of `run_circuit`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy import stats as scipy_stats

from mechinterp import stats
from mechinterp.circuits.circuit import Circuit, Part, candidates
from mechinterp.circuits.effects import Direction, Effects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.circuits.paired import MEMORY
from mechinterp.circuits.pairs import Pairs
from mechinterp.circuits.running import run_circuit
from mechinterp.circuits.zero import SMALLEST
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate, Null
from mechinterp.stats.checks import generator


@dataclass(frozen=True)
class Verdict:
    """A hypothesis test of a circuit.

    Attributes:
        hypothesis: what is held to be true until refuted.
        estimate: the statistic.
        p: of the hypothesis.
        good: whether a small p speaks for the circuit or against it.
    """

    hypothesis: str
    estimate: Estimate
    p: float
    good: str


def completeness(
    policy: Policy,
    pairs: Pairs,
    one: Circuit,
    *,
    rng: np.random.Generator,
    draws: int = 20,
    direction: Direction = "denoise",
    metric: str = "movement",
    memory: int = MEMORY,
) -> Estimate:
    """The mean incompleteness ``|F(C less K) - F(M less K)|`` over random halves K of the circuit C, as a share.

    A circuit that lacks a backup path is hurt more than the network when its parts are taken out. 0 is complete.

    Raises:
        ZeroEffect: there is no effect to take a share of.
    """
    _drawing("completeness", rng, draws)
    everything = one.with_parts(candidates(ResidualGraph.of(policy), one.kind, one.universe))
    circuits: list[Circuit] = []
    for _ in range(draws):
        gone = [part for part in one.parts if rng.random() < 0.5]
        circuits += [one.without(gone), everything.without(gone)]
    draw = rng if one.ablation == "resample" else None
    run = run_circuit(policy, pairs, circuits, direction=direction, metrics=metric, rng=draw, memory=memory)
    effect = run.effect(metric)
    labels, index = np.unique(run.levels, return_inverse=True)
    gaps = effect[0::2] - effect[1::2]
    by_level = np.stack([gaps[:, index == i].mean(1) for i in range(len(labels))], 1)
    totals = np.array([run.total(metric)[index == i].mean() for i in range(len(labels))])

    def share(weights: Float64[np.ndarray, "draws levels"]) -> Float64[np.ndarray, " draws"]:
        return np.abs(weights @ by_level.T).mean(1) / np.abs(weights @ totals)

    run.ratio(run.total(metric), metric, name="total", rng=rng)  # refuses an effect that cannot be told from 0
    return stats.bootstrap(share, rows=len(labels), name="incompleteness", unit="levels", rng=rng)


def minimality(
    policy: Policy,
    pairs: Pairs,
    one: Circuit,
    *,
    rng: np.random.Generator,
    direction: Direction = "denoise",
    metric: str = "movement",
    memory: int = MEMORY,
) -> list[Estimate]:
    """For each part v, how much of the total it carries within the circuit C: ``F(C) - F(C less v)``, as a share.

    Raises:
        ZeroEffect: there is no effect to take a share of.
    """
    generator(rng, name="minimality", error=CircuitError)
    circuits = [one, *(one.without([v]) for v in one.parts)]
    draw = rng if one.ablation == "resample" else None
    run = run_circuit(policy, pairs, circuits, direction=direction, metrics=metric, rng=draw, memory=memory)
    effect = run.effect(metric)
    return [
        run.ratio(effect[0] - row, metric, name=f"minimality of {part}", rng=rng)
        for part, row in zip(one.parts, effect[1:], strict=True)
    ]


def equivalence(run: Effects[Circuit], metric: str, *, margin: float = 0.1) -> Verdict:
    """Is the circuit as likely to be above the whole network as below it (a sign test over levels)?

    The hypothesis is that the chance of the network's metric being farther along than the circuit's lies within
    ``1/2 +- margin``; a small p refutes the equivalence. Levels in which the two differ by no more than rounding count
    for neither side; where that is every level, the share is 1/2 and p is 1.

    Args:
        run: of one circuit, from `run_circuit`.
    """
    if len(run.parts) != 1:
        raise CircuitError(f"equivalence is tested of one circuit, got {len(run.parts)}")
    name = "levels in which the network goes farther"
    hypothesis = f"the circuit does what the network does (within 1/2 +- {margin:g})"
    whole = by_level(run.total(metric), run.levels)
    gap = whole - by_level(run.effect(metric)[0], run.levels)
    decided = gap[np.abs(gap) > rounding(whole)]
    if not len(decided):
        alike = Estimate(
            name=name, value=0.5, low=0.5, high=0.5, n=len(gap), unit="levels",
            method="no interval: the two differ by no more than rounding in every level",
        )  # fmt: skip
        return Verdict(hypothesis, alike, 1.0, "large p")
    wins, n = int((decided > 0).sum()), len(decided)
    low = scipy_stats.binomtest(wins, n, 0.5 - margin, alternative="less").pvalue
    high = scipy_stats.binomtest(wins, n, 0.5 + margin, alternative="greater").pvalue
    share = stats.proportion(decided > 0, name=name, unit="levels")
    p = min(1.0, 2 * float(min(low, high)))
    return Verdict(hypothesis, share, p, "large p")


def independence(run: Effects[Circuit], metric: str, *, rng: np.random.Generator, draws: int = 2000) -> Verdict:
    """Does what is left of the network without the circuit still know the network's answer (HSIC, permuted levels)?

    The hypothesis is independence; a small p means that something was left out of the circuit.

    Args:
        run: of the complement of a circuit.
    """
    _drawing("independence", rng, draws)
    if len(run.parts) != 1:
        raise CircuitError(f"independence is tested of one complement, got {len(run.parts)}")
    rest, whole = by_level(run.effect(metric)[0], run.levels), by_level(run.total(metric), run.levels)
    n = len(rest)
    if n < 5:
        raise stats.TooFewSamples("independence", have=n, need=5, unit="levels")
    slack = rounding(whole)
    if np.ptp(rest) <= slack or np.ptp(whole) <= slack:
        null = Null(description="nothing varies, so nothing can depend", value=0.0, low=0.0, high=0.0, p=1.0)
        value = 0.0
    else:
        one, other = _centred(rest, slack), _centred(whole, slack)
        value = float((one * other).sum() / (n - 1) ** 2)
        permuted = []
        for _ in range(draws):
            order = rng.permutation(n)
            permuted.append(float((one * other[np.ix_(order, order)]).sum() / (n - 1) ** 2))
        p = (1 + int((np.array(permuted) >= value).sum())) / (1 + draws)
        low, high = np.quantile(permuted, [0.025, 0.975])
        null = Null(
            description="levels permuted", value=float(np.mean(permuted)), low=float(low), high=float(high), p=p
        )
    estimate = Estimate(
        name="HSIC of complement and network", value=value, low=value, high=value, n=n, unit="levels", null=null,
        method="no interval: a test statistic",
    )  # fmt: skip
    assert null.p is not None
    return Verdict("the rest of the network is independent of its answer", estimate, null.p, "large p")


def minimality_tests(
    policy: Policy,
    pairs: Pairs,
    one: Circuit,
    *,
    rng: np.random.Generator,
    draws: int = 50,
    direction: Direction = "denoise",
    metric: str = "movement",
    memory: int = MEMORY,
) -> dict[Part, float]:
    """For each part, the chance that a part that is not needed does as much.

    The reference (Shi et al. 2024): the circuit is inflated by one random part from outside, and that part is taken out
    again. A part whose p is large is not needed in the circuit.
    """
    _drawing("minimality_tests", rng, draws)
    outside = [p for p in candidates(ResidualGraph.of(policy), one.kind, one.universe) if p not in set(one.parts)]
    if not outside:
        raise CircuitError("the circuit is the whole network: there is nothing to inflate it by")
    picks = [outside[i] for i in rng.integers(len(outside), size=draws)]
    circuits = [one, *(one.without([v]) for v in one.parts), *(one.with_parts((*one.parts, v)) for v in picks)]
    draw = rng if one.ablation == "resample" else None
    run = run_circuit(policy, pairs, circuits, direction=direction, metrics=metric, rng=draw, memory=memory)
    change = np.abs(run.effect(metric) - run.effect(metric)[0])
    own, reference = change[1 : 1 + len(one.parts)].mean(1), change[1 + len(one.parts) :].mean(1)
    return {
        part: float((1 + (reference >= value).sum()) / (1 + draws)) for part, value in zip(one.parts, own, strict=True)
    }


def _drawing(name: str, rng: np.random.Generator, draws: int) -> None:
    """Raise CircuitError for what does not draw."""
    generator(rng, name=name, error=CircuitError)
    if not hasattr(draws, "__index__") or draws < 1:
        raise CircuitError(f"{name}: draws must be a whole number of 1 or more, got {draws!r}")


def by_level(
    values: Float64[np.ndarray, " pairs"], levels: Int64[np.ndarray, " pairs"]
) -> Float64[np.ndarray, " levels"]:
    """The mean over the pairs of each level."""
    _, index = np.unique(levels, return_inverse=True)
    return np.bincount(index, values) / np.bincount(index)


def rounding(total: Float64[np.ndarray, " levels"]) -> float:
    """Differences of up to this size are float32 rounding, given these total effects."""
    return max(SMALLEST, 1e-5 * float(np.abs(total).max()))


def _centred(values: Float64[np.ndarray, " levels"], slack: float) -> Float64[np.ndarray, "levels levels"]:
    """A Gaussian kernel matrix of width the median distance beyond rounding, with rows and columns centred."""
    distance = np.abs(np.subtract.outer(values, values))
    positive = distance[distance > slack]
    kernel = np.exp(-((distance / np.median(positive)) ** 2) / 2)
    return kernel - kernel.mean(0) - kernel.mean(1)[:, None] + kernel.mean()
