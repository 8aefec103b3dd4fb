"""Is what a layer holds of the coin causally used? Replace it by what it is without the coin, and read the outputs.

In a scene with the coin, the activations of some channels (or along one direction) are replaced by those of the same
scene without it: resample ablation, with the minimal pair's other frame as the replacement. All that follows is
computed from the replaced activations. What changes then, by each of `changes.QUANTITIES`, is the effect that runs
through there. It is compared, over some of the same scenes, with what other parts of the layer do:

- channels with random sets of as many channels that are no coin channels, replaced alike;
- a direction with the mean-change directions of other objects (how much of the coin's effect runs through what the coin
  shares with a crate?), and with displacements of the same size in random directions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from mechinterp.features.changes import by_pair, changes, estimates
from mechinterp.features.coin_ablation import UNSIGNED_ACTING, CoinAblation, Line
from mechinterp.features.counterfactuals import CounterfactualScenes
from mechinterp.features.errors import FeatureError
from mechinterp.features.random_parts import RANDOM, channel_sets, random_directions, unit_directions
from mechinterp.interventions import Edit, Patch, Site, run_each
from mechinterp.interventions.engine.many import replaced
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.stats import Estimate

COMPARED = 48
"""Scenes, of as many levels as there are, on which a part is compared with others."""
_DIRECTIONS = 20
_SINGLES = 40
_BATCH = 32
Changes = dict[str | None, np.ndarray]
Pair = tuple[Float64[np.ndarray, " channels"], Float64[np.ndarray, " channels"]]
"""The direction along which a change is taken, and that in which it is put in."""


def coin_effects(policy: Policy, scenes: CounterfactualScenes, *, rng: np.random.Generator) -> dict[str, Estimate]:
    """The total effect of the coin by each of `changes.QUANTITIES`."""
    parts = []
    for rows in _batches(len(scenes.coin)):
        both = (_frames(policy, frames[rows]) for frames in (scenes.coin.clean, scenes.coin.corrupted))
        with torch.no_grad():
            there, gone = map(policy, both)
        parts.append(changes(there, gone, policy.actions))
    return estimates(by_pair(_joined(parts), scenes.toward), scenes.levels, what="effect of the coin", rng=rng)


def ablate_coin(
    policy: Policy,
    scenes: CounterfactualScenes,
    parts: Mapping[str, tuple[int, ...] | Line],
    *,
    rng: np.random.Generator,
    random: int = RANDOM,
) -> list[CoinAblation]:
    """Replace each part by its coin-absent activations, in every scene that has a coin.

    Args:
        scenes: of levels on which none of the parts was chosen.
        parts: hook point -> channels (a tuple), or a direction.
        random: random sets of channels that a set is compared with, at most.

    Raises:
        FeatureError: a direction of another length than the layer has channels, or of length 0.
        UnknownHook: see `Policy.select`.
    """
    hooks = policy.select(list(parts)) if parts else ()
    return [_ablation(policy, scenes, hook, parts[hook], random, rng) for hook in hooks]


def _ablation(
    policy: Policy,
    scenes: CounterfactualScenes,
    hook: str,
    part: tuple[int, ...] | Line,
    random: int,
    rng: np.random.Generator,
) -> CoinAblation:
    width = (policy.shapes[hook] or (1,))[0]
    if isinstance(part, Line):
        if part.direction.shape != (width,) or not np.linalg.norm(part.direction) > 0:
            raise FeatureError(
                f"a direction needs {width} numbers that are not all 0, got shape {part.direction.shape}"
            )
        what = f"the coin direction of {hook}"
    else:
        what = f"{len(part)} coin channels of {hook}"
    everyone = np.arange(len(scenes.coin))
    whole = by_pair(_replaced_one(policy, scenes, hook, part, everyone), scenes.toward)
    some = compared(scenes.levels, COMPARED)
    if isinstance(part, Line):
        labels, found = _compare_direction(policy, scenes, hook, part, some, random, rng)
    else:
        labels, found = _compare_channels(policy, scenes, hook, part, some, random, rng)
    own, others = {}, {}
    for name, values in by_pair(found, scenes.toward[some]).items():
        first, *rest = values.mean(1).tolist()
        own[name], others[name] = first, tuple(rest)
    each, each_other = {}, {}
    if not isinstance(part, Line) and len(part) > 1:
        each, each_other = _singly(policy, scenes, hook, part, some, rng)
    return CoinAblation(
        hook=hook,
        channels=None if isinstance(part, Line) else part,
        effects=estimates(whole, scenes.levels, what=f"effect through {what}", rng=rng),
        own=own,
        others=others,
        labels=labels,
        each=each,
        each_other=each_other,
    )


def compared(levels: Int64[np.ndarray, " pairs"], count: int) -> Int64[np.ndarray, " rows"]:
    """So many rows, at most, evenly spread over the levels, and in the order of the rows."""
    order = np.argsort(levels, kind="stable")
    _, first, index = np.unique(levels[order], return_index=True, return_inverse=True)
    turn = np.arange(len(order)) - first[index]
    return np.sort(order[np.argsort(turn, kind="stable")[:count]])


def _replaced_one(
    policy: Policy, scenes: CounterfactualScenes, hook: str, part: tuple[int, ...] | Line, rows: np.ndarray
) -> Changes:
    if isinstance(part, Line):
        return {key: values[0] for key, values in _displaced(policy, scenes, hook, part, (), rows).items()}
    return {key: values[0] for key, values in _channels_replaced(policy, scenes, hook, [part], rows).items()}


def _compare_channels(
    policy: Policy,
    scenes: CounterfactualScenes,
    hook: str,
    part: tuple[int, ...],
    rows: np.ndarray,
    random: int,
    rng: np.random.Generator,
) -> tuple[tuple[str, ...], Changes]:
    """The part's own changes in these scenes first, then those of random channels (all others, if there are fewer)."""
    width = (policy.shapes[hook] or (1,))[0]
    pool = np.setdiff1d(np.arange(width), part).tolist()
    drawn = channel_sets(pool, min(len(part), len(pool)), random, rng) if pool else []
    labels = tuple(f"channels {', '.join(map(str, one))}" for one in drawn)
    return labels, _channels_replaced(policy, scenes, hook, [part, *drawn], rows)


def _singly(
    policy: Policy,
    scenes: CounterfactualScenes,
    hook: str,
    part: tuple[int, ...],
    rows: np.ndarray,
    rng: np.random.Generator,
) -> tuple[dict[int, dict[str, Estimate]], dict[str, float]]:
    """Unsigned effects of each channel by itself, and the largest of some channels that are not among them."""
    pool = np.setdiff1d(np.arange(policy.shapes[hook][0]), part).tolist()
    others = channel_sets(pool, 1, _SINGLES, rng) if pool else []
    found = by_pair(
        _channels_replaced(policy, scenes, hook, [*((one,) for one in part), *others], rows), scenes.toward[rows]
    )
    found = {name: found[name] for name in UNSIGNED_ACTING}
    each = {}
    for i, channel in enumerate(part):
        own = {name: values[i] for name, values in found.items()}
        each[channel] = estimates(own, scenes.levels[rows], what=f"effect through {hook} channel {channel}", rng=rng)
    largest = {name: float(values[len(part) :].mean(1).max(initial=0.0)) for name, values in found.items()}
    return each, largest


def _compare_direction(
    policy: Policy,
    scenes: CounterfactualScenes,
    hook: str,
    part: Line,
    rows: np.ndarray,
    random: int,
    rng: np.random.Generator,
) -> tuple[tuple[str, ...], Changes]:
    """The direction's own changes first, then through other objects' directions, then random displacements."""
    own = part.direction / np.linalg.norm(part.direction)
    shared = {name: line for name, line in unit_directions(part.others).items() if len(own) > 1 and line @ own > 0}
    noise = random_directions(len(own), min(_DIRECTIONS, random), rng)
    labels = (*(f"the direction of the {name}" for name in shared), *["a random direction"] * len(noise))
    pairs = [(line, line) for line in shared.values()] + [(own, line) for line in noise]
    return labels, _displaced(policy, scenes, hook, part, pairs, rows)


def _channels_replaced(
    policy: Policy, scenes: CounterfactualScenes, hook: str, sets: list[tuple[int, ...]], rows: np.ndarray
) -> Changes:
    sites, parts = [Site(hook, one) for one in sets], []
    for batch in _batches(len(rows)):
        there, gone = _both(policy, scenes, rows[batch])
        with torch.no_grad():
            plain, edited = replaced(policy, there, sites, {hook: policy.activations(gone, hook)})
        parts.append(changes(plain, edited, policy.actions))
    return _joined(parts)


def _displaced(
    policy: Policy,
    scenes: CounterfactualScenes,
    hook: str,
    part: Line,
    pairs: Sequence[Pair],
    rows: np.ndarray,
) -> Changes:
    """The component of the change along the first of each pair of directions, put in along the second.

    The part's own direction comes first.
    """
    own = part.direction / np.linalg.norm(part.direction)
    found = []
    for batch in _batches(len(rows)):
        there, gone = _both(policy, scenes, rows[batch])
        source, here = policy.activations(gone, hook), policy.activations(there, hook)
        sets: list[list[Edit]] = [[_moved(hook, here, source, *pair)] for pair in [(own, own), *pairs]]
        edited = run_each(policy, there, [[], *sets])
        plain = PolicyOutput(edited.logits[0], edited.value[0])
        found.append(changes(plain, PolicyOutput(edited.logits[1:], edited.value[1:]), policy.actions))
    return _joined(found)


def _moved(hook: str, here: Tensor, source: Tensor, along: np.ndarray, into: np.ndarray) -> Edit:
    if here.ndim == 1:  # a single number: its one direction is all of it
        return Patch(hook, replacement=source)
    along_, into_ = (torch.from_numpy(one).to(here).reshape(-1, *[1] * (here.ndim - 2)) for one in (along, into))
    return Patch(hook, replacement=here + ((source - here) * along_).sum(1, keepdim=True) * into_)


def _both(policy: Policy, scenes: CounterfactualScenes, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Frames with the coin, and without it."""
    return _frames(policy, scenes.coin.clean[rows]), _frames(policy, scenes.coin.corrupted[rows])


def _joined(parts: list[Changes]) -> Changes:
    return {key: np.concatenate([part[key] for part in parts], -1) for key in parts[0]}


def _frames(policy: Policy, frames: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames)).to(next(policy.parameters()).device)


def _batches(count: int) -> list[np.ndarray]:
    return [np.arange(at, min(at + _BATCH, count)) for at in range(0, count, _BATCH)]
