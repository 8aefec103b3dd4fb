"""Making minimal pairs from states."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from mechinterp.coinrun.engine import Engine
from mechinterp.coinrun.levels import StatesLike, as_states
from mechinterp.coinrun.scenes.pairs import MinimalPairs, SceneError
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
        per_level: keep at most this many pairs of a level, the first ones.

    Raises:
        SceneError: for an unknown variable, or if no state has room for the edit.
    """
    rule = variable if isinstance(variable, Variable) else _named(variable)
    states = as_states(states)
    clean: list[GameState] = []
    corrupted: list[GameState] = []
    taken: dict[int, int] = {}
    for state in states:
        if per_level is not None and taken.get(state.level_seed, 0) >= per_level:
            continue
        pair = rule.edit(state, np.random.default_rng([seed, state.level_seed, int(state["cur_time"])]))
        if pair is not None:
            taken[state.level_seed] = taken.get(state.level_seed, 0) + 1
            clean.append(pair[0].without_rngs())
            corrupted.append(pair[1].without_rngs())
    if not clean:
        raise SceneError(f"{rule.name}: none of the {len(states)} states has room for this edit; give more states")
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


def _named(name: object) -> Variable:
    if not isinstance(name, str) or name not in VARIABLES:
        raise SceneError(f"no variable is called {name!r}{nearest(str(name), VARIABLES)}")
    return VARIABLES[name]
