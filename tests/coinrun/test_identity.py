"""A level is what it contains, whatever its seed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mechinterp.coinrun import edits
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.identity import level_identity
from mechinterp.coinrun.layout import EntityType
from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.state import GameState

PLAIN = GameOptions(distribution_mode="easy", use_backgrounds=False)
SEEDS = 300
KNOWN = [(0, 16126599510022843529), (1, 271087428910623498), (12345, 10063448999535200872)]


def levels(options: GameOptions, count: int = SEEDS) -> list[GameState]:
    with LevelSource(options) as source:
        return [start.state for start in source.starts(range(count))]


def looks(states: list[GameState], options: GameOptions) -> list[bytes]:
    engine = Engine(1, options=options)
    found = []
    for state in states:
        engine.load({0: state})
        found.append(engine.observe()[1].tobytes())
    engine.close()
    return found


def test_levels_that_look_alike_are_one_and_levels_that_do_not_are_two():
    """By the frame from the start, that of the whole level, and saws, which are too thin to see from afar."""
    far = dataclasses.replace(PLAIN, center_agent=False)
    near, whole = levels(PLAIN), levels(far)
    identities = [level_identity(state) for state in near]
    assert identities == [level_identity(state) for state in whole]  # the camera is no part of a level
    saws = [state.entities[state.entities["type"] == EntityType.SAW][["x", "y"]].tobytes() for state in near]
    seen = list(zip(looks(near, PLAIN), looks(whole, far), saws, strict=True))
    pairs = set(zip(identities, seen, strict=True))
    assert len(set(identities)) == len(set(seen)) == len(pairs)
    assert len(pairs) < SEEDS - 5  # easy levels repeat themselves


def test_backgrounds_count_only_where_they_are_drawn():
    plain, painted = levels(PLAIN, 60), levels(dataclasses.replace(PLAIN, use_backgrounds=True), 60)
    hidden, drawn = ([state.replace(background_index=int(state["background_index"]) ^ 1) for state in states]
                     for states in (plain, painted))  # fmt: skip
    assert [*map(level_identity, hidden)] == [*map(level_identity, plain)]
    assert all(level_identity(a) != level_identity(b) for a, b in zip(drawn, painted, strict=True))


def test_each_part_of_a_level_counts():
    state = next(state for state in levels(PLAIN, 60) if (state.entities["type"] == EntityType.CRATE).any())
    own = level_identity(state)
    moved = state.entities.copy()
    moved["x"][-1] += 1
    agent = int(state.entities["image_theme"][state.agent_index])
    changed = {
        "theme of the walls": edits.with_looks(state, wall_theme=(int(state["wall_theme"]) + 1) % 6),
        "theme of the agent": edits.with_looks(state, agent_theme=(agent + 1) % 5),
        "place of an entity": state.replace(entities=moved),
        "an entity": state.replace(entities=state.entities[:-1]),
        "coin": edits.remove_coin(state),
    }  # fmt: skip
    assert {what: level_identity(other) == own for what, other in changed.items()} == dict.fromkeys(changed, False)
    same = [
        state.replace(current_level_seed=77, cur_time=9, level_seed_low=5, level_seed_high=6),
        state.without_rngs(),
        GameState.from_bytes(state.to_bytes()),
    ]
    assert {level_identity(other) for other in same} == {own}
    turning = state.entities.copy()
    turning["vx"] = 0.1
    assert level_identity(state.replace(entities=turning)) == own  # how it moves is not seen in a frame


def test_a_crate_in_another_is_hidden_by_it():
    state = next(state for state in levels(PLAIN, 60) if (state.entities["type"] == EntityType.CRATE).any())
    crate = state.entities[state.entities["type"] == EntityType.CRATE][:1].copy()
    under = crate.copy()
    under["image_theme"] = (crate["image_theme"] + 1) % 4
    others = state.entities[state.entities["type"] != EntityType.CRATE]
    alone, hiding, hidden = (
        state.replace(entities=np.concatenate([others, *stack])) for stack in ([crate], [under, crate], [crate, under])
    )
    assert level_identity(hiding) == level_identity(alone) != level_identity(hidden)
    assert looks([hiding], PLAIN) == looks([alone], PLAIN)


@pytest.mark.parametrize(("seed", "identity"), KNOWN)
def test_identities_are_the_same_on_every_platform(seed: int, identity: int):
    with LevelSource(PLAIN) as source:
        assert source.identity(seed) == identity
        assert source.identity(seed) == level_identity(source.start(seed).state)
