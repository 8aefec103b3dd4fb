"""Making minimal pairs from states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from mechinterp.coinrun.engine import Engine
from mechinterp.coinrun.levels import StatesLike, as_states
from mechinterp.coinrun.scenes.natural import NoRoom
from mechinterp.coinrun.scenes.pairs import MinimalPairs, SceneError
from mechinterp.coinrun.scenes.strata import strata_of
from mechinterp.coinrun.scenes.variables import VARIABLES, Variable
from mechinterp.coinrun.state import GameState
from mechinterp.errors import nearest


def minimal_pairs(
    states: StatesLike, variable: str | Variable, *, seed: int = 0, per_level: int | None = None
) -> MinimalPairs:
    """Edit each state both ways, wherever it has room for the edit.

    Args:
        states: scenes to start from, such as `policies.visits.visited_states` gives.
        variable: what to change; a name in `VARIABLES`, or a rule of your own.
        seed: of the rule's chance; each state draws from a generator seeded by (``seed``, its level, its clock).
        per_level: keep at most this many pairs of a level; its states are tried in a random order until there are so
            many (by default all states are tried).

    Raises:
        SceneError: for an unknown variable, or if no state has room for the edit; with the reasons.
    """
    rule = variable if isinstance(variable, Variable) else _named(variable)
    states = as_states(states)
    made: dict[int, tuple[GameState, GameState]] = {}
    taken: Counter[int] = Counter()
    refused: Counter[str] = Counter()
    for at in range(len(states)) if per_level is None else _shuffled(states, seed):
        state = states[at]
        if per_level is not None and taken[state.level_seed] >= per_level:
            continue
        try:
            pair = rule.edit(state, np.random.default_rng([seed, state.level_seed, int(state["cur_time"])]))
        except NoRoom as error:
            refused[str(error)] += 1
            continue
        if pair is None:
            refused["no room"] += 1
            continue
        taken[state.level_seed] += 1
        made[at] = pair[0].without_rngs(), pair[1].without_rngs()
    if not made:
        raise SceneError(
            f"{rule.name}: none of the {len(states)} states has room for this edit ({_reasons(refused)}); "
            "give more states"
        )
    clean, corrupted = ([made[at][side] for at in sorted(made)] for side in (0, 1))
    frames = render([*clean, *corrupted])
    return MinimalPairs(
        variable=rule.name,
        clean_label=rule.clean,
        corrupted_label=rule.corrupted,
        clean=frames[: len(clean)],
        corrupted=frames[len(clean) :],
        levels=np.array([state.level_seed for state in clean], np.int64),
        clean_states=tuple(state.to_bytes() for state in clean),
        corrupted_states=tuple(state.to_bytes() for state in corrupted),
        played=tuple(state.level_seed for state in states),
        strata=strata_of(clean, corrupted),
        refused=dict(refused.most_common()),
    )


def render(states: StatesLike) -> UInt8[np.ndarray, "states 64 64 3"]:
    """The frame of each state, as a policy would see it."""
    states = as_states(states)
    batch = min(64, max(1, len(states)))
    engine = Engine(batch)
    frames = np.empty((len(states), 64, 64, 3), np.uint8)
    try:
        for at in range(0, len(states), batch):
            part = states[at : at + batch]
            engine.load(dict(enumerate(part)))
            frames[at : at + len(part)] = engine.observe()[1][: len(part)]
    finally:
        engine.close()
    return frames


def _shuffled(states: Sequence[GameState], seed: int) -> Iterator[int]:
    """Places of the states, those of each level in a random order that depends on the seed and the level alone."""
    by_level: dict[int, list[int]] = {}
    for at, state in enumerate(states):
        by_level.setdefault(state.level_seed, []).append(at)
    for level, places in by_level.items():
        yield from np.random.default_rng([seed, level]).permutation(np.array(places)).tolist()


def _reasons(refused: Counter[str]) -> str:
    return "; ".join(f"{reason}: {count}" for reason, count in refused.most_common(3)) or "there are none"


def _named(name: object) -> Variable:
    if not isinstance(name, str) or name not in VARIABLES:
        raise SceneError(f"no variable is called {name!r}{nearest(str(name), VARIABLES)}")
    return VARIABLES[name]
