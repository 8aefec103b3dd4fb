"""The same effects in random networks of the policy's sensitivity, and the rank of the policy's among them.

A test of the mean asks whether an effect differs from zero. Nearly every change of the frame moves nearly every network
a little, trained or not; whether the effect is large for a network that varies as much is asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from mechinterp import stats
from mechinterp.circuits.pairs import AnyPairs, as_pairs
from mechinterp.policies.controls import random_networks
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.outputs import policy_outputs
from mechinterp.policies.readouts import READOUTS, Readout
from mechinterp.policies.sensitivity import scaling, silent, spread

NETWORKS = 100
"""Random networks that make the null of a headline."""
_DRAWS_EACH = 10
"""Networks drawn, at most, for each that responds to the frames."""
KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Rank:
    """Where an effect stands among those of random networks of the same sensitivity.

    Attributes:
        smaller: networks whose effect is smaller in size, whatever its sign.
        networks: how many there are.
        low, high: the central 95 % of their effects, in the unit of the effect.
        p: the chance that the largest effect of a random network, over all effects of the family, is as large for its
            test as this one (`stats.maximum_statistic`); two-sided.
        family: how many effects the p is corrected for.
    """

    smaller: int
    networks: int
    low: float
    high: float
    p: float
    family: int = 1


@dataclass(frozen=True, eq=False)
class RandomEffects:
    """Mean effects of a policy and of random networks, on the same pairs, scaled over the same frames.

    Attributes:
        spreads: by readout, the standard deviation of the policy's own over the reference frames.
        own: by what differs and readout, the policy's mean effect.
        random: the same of each random network, after `sensitivity.scaling` to the policy's spread of that readout.
    """

    spreads: Mapping[str, float]
    own: Mapping[tuple[str, str], float]
    random: Mapping[tuple[str, str], Float64[np.ndarray, " networks"]]

    @property
    def networks(self) -> int:
        """How many random networks there are."""
        return len(next(iter(self.random.values())))

    def ranks(self, family: list[tuple[str, str]]) -> dict[tuple[str, str], Rank]:
        """The rank of each effect of a family, p corrected for all of them."""
        return ranked({key: self.own[key] for key in family}, {key: self.random[key] for key in family})

    def leave_out(self, network: int) -> RandomEffects:
        """The effects as if one of the random networks were the policy: its rank is among the others."""
        return RandomEffects(
            self.spreads,
            {key: float(effects[network]) for key, effects in self.random.items()},
            {key: np.delete(effects, network) for key, effects in self.random.items()},
        )


def random_effects(
    policy: Policy,
    pairs: Mapping[str, AnyPairs],
    *,
    reference: UInt8[np.ndarray, "frames 64 64 3"],
    readouts: Mapping[str, Readout] = READOUTS,
    networks: int = NETWORKS,
    seed: int = 0,
    tick: Callable[[int], None] = lambda done: None,
) -> RandomEffects:
    """Mean effects of what differs in each set of pairs, in the policy and in random networks.

    Args:
        pairs: by name. Every network runs on all of their frames: for many networks, a pair a level is enough.
        reference: frames over which networks are scaled, such as those of the states that the policy visits.
        networks: half of them with shuffled weights, half untrained. Those that respond to no reference frame are
            drawn again.
        seed: of their weights.
        tick: told how many networks are done.

    Raises:
        PolicyError: too few networks respond to the reference frames.
    """
    framed = {name: as_pairs(one) for name, one in pairs.items()}
    frames, (first, *rest) = _distinct([reference, *(f for one in framed.values() for f in (one.clean, one.corrupted))])
    sides = list(zip(rest[::2], rest[1::2], strict=True))
    said = policy_outputs(policy, frames)
    like = _rows(said, first)

    def effects(output: PolicyOutput, readout: Readout) -> list[float]:
        values = readout(output, policy.actions).numpy()
        return [float((values[clean] - values[corrupted]).mean()) for clean, corrupted in sides]

    rows: dict[str, list[list[float]]] = {name: [] for name in readouts}
    drawn = random_networks(policy, seed=seed)
    for _ in range(networks * _DRAWS_EACH):
        output = policy_outputs(next(drawn), frames)
        seen = _rows(output, first)
        if silent(seen):
            continue
        for name, readout in readouts.items():
            rows[name].append(effects(scaling(readout, seen, like, policy.actions)(output), readout))
        done = len(next(iter(rows.values())))
        tick(done)
        if done == networks:
            break
    else:
        raise PolicyError(f"fewer than {networks} of {networks * _DRAWS_EACH} random networks respond to the frames")
    own = {name: effects(said, readout) for name, readout in readouts.items()}
    tables = {name: np.array(row) for name, row in rows.items()}
    keys = [(what, name) for name in readouts for what in framed]
    at = {what: column for column, what in enumerate(framed)}
    return RandomEffects(
        spreads={name: spread(readout, like, policy) for name, readout in readouts.items()},
        own={(what, name): own[name][at[what]] for what, name in keys},
        random={(what, name): tables[name][:, at[what]] for what, name in keys},
    )


def ranked(own: Mapping[KeyT, float], random: Mapping[KeyT, Float64[np.ndarray, " networks"]]) -> dict[KeyT, Rank]:
    """The rank of each effect among those of the same random networks.

    The p is that of the maximum statistic (Westfall & Young 1993): effects are brought to one scale by their root mean
    square over all networks, the policy among them, and each is compared with the largest of every random network. Half
    as many networks as a Holm correction of ranks would need are enough, since the least p of one rank is
    1 / (1 + networks).

    Args:
        own: the policy's effects, a family.
        random: the same effects of every random network, in one order.

    >>> random = {"a": np.array([-1.0, 0.5, 0.2]), "b": np.array([0.1, 0.1, -0.2])}
    >>> rank = ranked({"a": 0.7, "b": 0.0}, random)["a"]
    >>> rank.smaller, rank.networks, rank.family
    (2, 3, 2)
    """
    if not own:
        return {}
    effects = np.array(list(own.values()))
    draws = np.stack([np.asarray(random[key], float) for key in own], 1)
    scale = np.sqrt((np.square(draws).sum(0) + np.square(effects)) / (len(draws) + 1))
    scale[scale == 0] = 1.0
    p = stats.maximum_statistic(np.abs(effects) / scale, np.abs(draws) / scale)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return {
        key: Rank(
            smaller=int((np.abs(draws[:, i]) < abs(effects[i])).sum()),
            networks=len(draws),
            low=float(low[i]),
            high=float(high[i]),
            p=float(p[i]),
            family=len(own),
        )
        for i, key in enumerate(own)
    }


def _distinct(
    parts: list[UInt8[np.ndarray, "_ 64 64 3"]],
) -> tuple[UInt8[np.ndarray, "frames 64 64 3"], list[Int64[np.ndarray, " _"]]]:
    """Each frame once, and the places of every part's frames among them: many pairs share their corrupted side."""
    known: dict[bytes, int] = {}
    frames, places = [], []
    for part in parts:
        for frame in part:
            if (key := frame.tobytes()) not in known:
                known[key] = len(frames)
                frames.append(frame)
        places.append(np.array([known[frame.tobytes()] for frame in part], np.int64))
    return np.stack(frames), places


def _rows(output: PolicyOutput, rows: Int64[np.ndarray, " rows"]) -> PolicyOutput:
    return output._replace(logits=output.logits[rows], value=output.value[rows])
