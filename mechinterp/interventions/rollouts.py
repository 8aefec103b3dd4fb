"""Whole episodes under many interventions at once, on the same levels and with the same chance: `rollout_each`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

import numpy as np

from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.levels import Start, StatesLike, as_starts
from mechinterp.errors import nearest
from mechinterp.interventions.actors import EachActor
from mechinterp.interventions.by_network import ByNetwork
from mechinterp.interventions.edits import Edit
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.saving import AnyEdit, several_edits
from mechinterp.interventions.weight_edits import WeightEdit
from mechinterp.interventions.weights import edited_copy
from mechinterp.policies.graph import Policy
from mechinterp.policies.rollouts import Episodes, StepView, rollout
from mechinterp.policies.subject import PolicyLike, as_policy

EachObserver = Callable[[str, StepView], None]
"""Told the intervention's name and what is seen before each step; `StepView.episode` is the place of the start."""
Never = Literal["raise", "report"]


class NeverDone(InterventionError):
    """Edits that were not done at any step of any episode, so that what was played is the plain policy."""


@dataclass(frozen=True)
class EditUse:
    """How often an edit was done.

    Attributes:
        edit: in words.
        done: at how many steps.
        steps: of so many, in all episodes.
    """

    edit: str
    done: int
    steps: int


@dataclass(frozen=True, eq=False)
class Rollouts(Mapping[str, Episodes]):
    """The episodes of each intervention, by its name; row i of each is of start i.

    Attributes:
        episodes: by name, in the order given.
        uses: by name, how often each of its edits was done.
    """

    episodes: Mapping[str, Episodes]
    uses: Mapping[str, tuple[EditUse, ...]]

    def __getitem__(self, name: str) -> Episodes:
        if name not in self.episodes:
            raise InterventionError(f"nothing was played under {name!r}{nearest(str(name), self.episodes)}")
        return self.episodes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.episodes)

    def __len__(self) -> int:
        return len(self.episodes)

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {episodes}" for name, episodes in self.episodes.items())


def rollout_each(
    policy: PolicyLike,
    starts: StatesLike | Mapping[str, StatesLike],
    sets: Mapping[str, AnyEdit | Sequence[AnyEdit]],
    *,
    seed: int = 0,
    max_steps: int = 1000,
    stop_at: Goal | None = None,
    greedy: bool = False,
    num_envs: int = 64,
    observers: Sequence[EachObserver] = (),
    never: Never = "raise",
) -> Rollouts:
    """Play one episode from each start under each set of edits, all side by side.

    The episodes of one level draw the same uniform numbers, so that differences between interventions are paired. Each
    comes out exactly as it would if it were played alone: edits are computed row by row, and the network runs on
    batches of one size.

    Args:
        policy: a `Subject`, or its policy.
        starts: where episodes begin; or, by the names of `sets`, starts of their own for each (levels without the coin
            beside the same levels with it), as many, of the same level seeds.
        sets: what is done, by a name of yours, to activations, weights or both; an empty sequence for the plain policy.
        seed, max_steps, stop_at, num_envs: as for `policies.rollout`.
        greedy: take the likeliest action instead of sampling.
        observers: called before every step of every episode.
        never: what to do about an edit that was not done at any step (its condition never held, its object was never
            in view): "raise", or "report" it in `Rollouts.uses` alone.

    Raises:
        UnknownHook, InterventionError: edits that do not fit the network, or cannot change an action.
        NeverDone: see `never`.
        MechinterpError: see `policies.rollout`.
    """
    network, named = as_policy(policy), _named(sets)
    if never not in get_args(Never):
        raise InterventionError(f"never: {never!r}{nearest(str(never), get_args(Never))}")
    each = _starts(starts, list(named))
    count = len(next(iter(each.values())))
    # Interleaved: the interventions of one level run at the same time.
    names = list(named) * count
    numbers = np.tile(np.arange(len(named)), count)
    actor = _actor(network, named, numbers, greedy)

    def observe(view: StepView) -> None:
        seen = replace(view, episode=view.episode // len(named))
        for one in observers:
            one(names[view.episode], seen)

    played = rollout(
        actor,
        [each[name][start] for start in range(count) for name in named],
        seed=seed,
        max_steps=max_steps,
        stop_at=stop_at,
        num_envs=num_envs,
        observers=[observe] if observers else (),
    )
    uses = {
        name: tuple(EditUse(str(edit), int(done), int(steps)) for edit, done in zip(edits, counts, strict=True))
        for (name, edits), counts, steps in zip(actor.sets.items(), actor.done, actor.seen, strict=True)
    }
    if never == "raise":
        _refuse_unused(uses, count)
    parts = {name: _rows(played, numbers == number) for number, name in enumerate(named)}
    return Rollouts(parts, uses)


def _named(sets: Mapping[str, AnyEdit | Sequence[AnyEdit]]) -> dict[str, tuple[AnyEdit, ...]]:
    if not isinstance(sets, Mapping) or not sets or not all(isinstance(name, str) for name in sets):
        raise InterventionError(
            f"interventions are given by name, such as {{'plain': (), 'without it': [Ablate(...)]}}, got {sets!r:.80}"
        )
    return {name: several_edits(edits) for name, edits in sets.items()}


def _actor(
    network: Policy, named: Mapping[str, Sequence[AnyEdit]], numbers: np.ndarray, greedy: bool
) -> EachActor | ByNetwork:
    """Who plays: one actor, or one for each network where some have other weights."""
    acts = {name: tuple(edit for edit in edits if isinstance(edit, Edit)) for name, edits in named.items()}
    weights = {name: tuple(edit for edit in edits if isinstance(edit, WeightEdit)) for name, edits in named.items()}
    plain = EachActor(network, acts, numbers, greedy)
    if not any(weights.values()):
        return plain
    others: dict[tuple[WeightEdit, ...], EachActor] = {(): plain}
    for edits in weights.values():
        if edits not in others:
            others[edits] = EachActor(edited_copy(network, edits), acts, numbers, greedy)
    return ByNetwork(tuple(others.values()), np.array([list(others).index(edits) for edits in weights.values()]))


def _starts(given: StatesLike | Mapping[str, StatesLike], names: list[str]) -> dict[str, list[Start]]:
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, as_starts(given))
    if set(given) != set(names):
        raise InterventionError(f"starts are given for {sorted(given)}, interventions for {sorted(names)}")
    each = {name: as_starts(given[name]) for name in names}
    seeds = {name: [start.level_seed for start in found] for name, found in each.items()}
    first = names[0]
    for name in names[1:]:
        if seeds[name] != seeds[first]:
            raise InterventionError(
                f"the starts of {name!r} are not of the levels of those of {first!r}, in their order"
            )
    return each


def _refuse_unused(uses: Mapping[str, tuple[EditUse, ...]], episodes: int) -> None:
    idle = [
        f"{name!r}: {use.edit}, in {use.steps} steps" for name, each in uses.items() for use in each if not use.done
    ]
    if idle:
        raise NeverDone(
            f"not done at any step of {episodes} episodes: {'; '.join(idle)}. Check the condition, the place and the "
            'levels, or say never="report"'
        )


def _rows(episodes: Episodes, rows: np.ndarray) -> Episodes:
    return Episodes(**{field.name: getattr(episodes, field.name)[rows] for field in fields(Episodes)})
