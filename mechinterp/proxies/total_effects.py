"""Total effect: how much the policy's preferences change when one variable of the world changes, and nothing else.

For a minimal pair, the total effect on a readout is ``readout(clean) - readout(corrupted)``; on movement, in nats,

    [log P(right) - log P(left)](clean) - [log P(right) - log P(left)](corrupted).

It is all that the change does on its way through the network (Pearl 2001).
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from mechinterp import stats
from mechinterp.circuits.pairs import AnyPairs, FramePairs, Frames, as_frames, as_pairs
from mechinterp.errors import nearest
from mechinterp.policies.checks import check_whole
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import READOUTS, Readout, ReadoutLike, as_readout, readout_values
from mechinterp.policies.subject import PolicyLike, as_policy
from mechinterp.proxies.random_effects import Rank, random_effects
from mechinterp.stats import Estimate

Readouts = ReadoutLike | Sequence[ReadoutLike] | Mapping[str, ReadoutLike]
"""A readout (see `ReadoutLike`) or several, or name -> readout."""

Values = Mapping[str, Float64[np.ndarray, " frames"]]
"""Readouts of frames, by the readout's name."""


class UnknownReadout(PolicyError, KeyError):
    """A readout that was not measured."""

    __str__ = Exception.__str__  # KeyError would quote the message


@dataclass(frozen=True, eq=False)
class TotalEffect(Mapping[str, Estimate]):
    """The mean total effect on each readout, by the readout's name.

    Attributes:
        what: what differs in the pairs: "coin side: coin right against coin left".
        estimates: by readout; interval over levels, null hypothesis of 0 (`stats.effect`).
        readouts: what they are, by the same names.
        differences: by readout, readout(clean) - readout(corrupted) of each pair.
        levels: the level of each pair.
        spreads: by readout, the standard deviation of the policy's own over the reference frames.
        ranks: by readout, the effect among those of random networks of the same sensitivity; empty where none were
            asked for.
    """

    what: str
    estimates: Mapping[str, Estimate]
    readouts: Mapping[str, Readout]
    differences: Mapping[str, Float64[np.ndarray, " pairs"]]
    levels: Int64[np.ndarray, " pairs"]
    spreads: Mapping[str, float]
    ranks: Mapping[str, Rank] = field(default_factory=dict)

    def __getitem__(self, readout: str) -> Estimate:
        if readout not in self.estimates:
            raise UnknownReadout(f"no effect on {readout!r} was measured{nearest(str(readout), self.estimates)}")
        return self.estimates[readout]

    def __iter__(self) -> Iterator[str]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {estimate.value:.3g}" for name, estimate in self.items())
        return f"TotalEffect({found}; n={len(np.unique(self.levels))} levels)"

    def to_frame(self) -> pd.DataFrame:
        """A row a readout: unit, mean, interval, p of a mean of 0, number of levels; the mean in standard deviations
        of the policy's own readout; of how many random networks the effect is smaller, how many there are, and p.
        """
        rows = [
            {
                "readout": name,
                "unit": self.readouts[name].unit,
                "effect": e.value,
                "low": e.low,
                "high": e.high,
                "p": None if e.null is None else e.null.p,
                "levels": e.n,
                "SDs": e.value / self.spreads[name] if self.spreads[name] else None,
            }
            for name, e in self.items()
        ]
        for row, rank in zip(rows, [self.ranks.get(name) for name in self], strict=True):
            if rank is not None:
                row |= {"larger than": rank.smaller, "random networks": rank.networks, "rank p": rank.p}
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(index=False, float_format="{:.3f}".format)
        return f"<p>Total effect of {html.escape(self.what)}</p>{table}"


def pair_differences(
    subject: PolicyLike, pairs: AnyPairs, readouts: Readouts = READOUTS
) -> dict[str, Float64[np.ndarray, " pairs"]]:
    """readout(clean) - readout(corrupted) of each pair, for each readout (of `READOUTS`, by default)."""
    clean, corrupted = _sides(as_policy(subject), as_pairs(pairs), _named(readouts))
    return {name: clean[name] - corrupted[name] for name in clean}


def _sides(policy: Policy, pairs: FramePairs, named: Mapping[str, Readout]) -> tuple[Values, Values]:
    """Each readout of the clean and of the corrupted frames."""
    return readout_values(policy, pairs.clean, named), readout_values(policy, pairs.corrupted, named)


def total_effect(
    subject: PolicyLike,
    pairs: AnyPairs,
    *,
    readouts: Readouts = READOUTS,
    rng: np.random.Generator | None = None,
    networks: int = 0,
    reference: Frames | None = None,
) -> TotalEffect:
    """The mean total effect of what differs in the pairs, on each readout.

    An interval that leaves out zero does not make an effect large: random networks have effects as well. `networks`
    ranks it among those of random networks that are scaled to the policy's spread; see `random_effects`.

    Args:
        pairs: minimal pairs, or (clean frames, corrupted frames), of which each pair then counts as a level.
        readouts: by default movement, jump and value.
        rng: of intervals and nulls; by default ``np.random.default_rng(0)``.
        networks: random networks of the same sensitivity to rank the effects among (`NETWORKS` is a good number; they
            take that many times as long). The p of each rank is its own, for one readout.
        reference: frames over which the policy's spread is taken and random networks are scaled; by default those of
            the pairs, both sides.

    Raises:
        TooFewSamples: the pairs come from fewer than two levels.
        CircuitError: pairs that do not fit together.
        PolicyError: an unknown readout, two of the same name, or none.
    """
    policy, framed, named = as_policy(subject), as_pairs(pairs), _named(readouts)
    check_whole(least=0, networks=networks)
    rng, levels = np.random.default_rng(0) if rng is None else rng, framed.levels
    clean, corrupted = _sides(policy, framed, named)
    differences, found = {name: clean[name] - corrupted[name] for name in named}, {}
    variable = getattr(pairs, "variable", "the pairs' difference")
    for name, values in differences.items():
        words = f"total effect of {variable} on {name}"
        found[name] = stats.effect(values, name=words, unit="levels", rng=rng, clusters=levels)
    labels = [getattr(pairs, f"{side}_label", f"the {side} frames") for side in ("clean", "corrupted")]
    if reference is None:
        seen, values = np.concatenate([framed.clean, framed.corrupted]), _joined(clean, corrupted)
    else:
        seen = as_frames(reference, "reference")
        values = readout_values(policy, seen, named)
    spreads = {name: float(own.std()) for name, own in values.items()}
    ranks = {}
    if networks:
        seed = int(rng.integers(2**31))
        random = random_effects(
            policy, {variable: framed}, reference=seen, readouts=named, networks=networks, seed=seed
        )
        ranks = {name: random.ranks([(variable, name)])[variable, name] for name in named}
    return TotalEffect(f"{variable}: {' against '.join(labels)}", found, named, differences, levels, spreads, ranks)


def _joined(clean: Values, corrupted: Values) -> Values:
    return {name: np.concatenate([clean[name], corrupted[name]]) for name in clean}


def _named(readouts: Readouts) -> dict[str, Readout]:
    if isinstance(readouts, Mapping):
        return _some({name: as_readout(one, name=name) for name, one in readouts.items()})
    listed = readouts if isinstance(readouts, Iterable) and not isinstance(readouts, str) else [readouts]
    made = [as_readout(one) for one in listed]
    named = {one.name: one for one in made}
    if len(named) < len(made):
        raise PolicyError(f"readouts of the same name, {', '.join(one.name for one in made)}: give name -> readout")
    return _some(named)


def _some(named: dict[str, Readout]) -> dict[str, Readout]:
    if not named:
        raise PolicyError(f"no readouts were given; built in are {', '.join(READOUTS)}")
    return named
