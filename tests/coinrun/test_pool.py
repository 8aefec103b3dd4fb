"""The pool of states: played again, it is what was recorded."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.scenes import SceneError, minimal_pairs
from mechinterp.coinrun.scenes.pool import BEGINNINGS, pool_episodes, pool_states, replay
from mechinterp.policies.levels import LEVELS

EASY = GameOptions(distribution_mode="easy", use_backgrounds=False)


@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_the_record_holds_many_players_on_held_out_levels(mode) -> None:
    episodes = pool_episodes(mode)
    assert len({one.level_seed for one in episodes}) == len(episodes) == 600
    held_out = LEVELS["scenes"]
    assert all(held_out.start <= one.level_seed < held_out.start + held_out.count for one in episodes)
    players = Counter(one.player for one in episodes)
    assert len(players) == 7
    assert min(players.values()) > 30
    assert len({one.player for one in episodes[:60]}) == 7  # any first so many are a mixture
    for one in episodes:
        assert one.beginning in BEGINNINGS
        assert len(one.actions) == max(one.steps) < 80
        assert tuple(sorted(set(one.steps))) == one.steps


@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_states_are_those_of_a_game_played_alone_step_by_step(mode) -> None:
    options = GameOptions(distribution_mode=mode, use_backgrounds=False)
    episodes = pool_episodes(mode)[:3]
    found = iter(replay(episodes, options))
    for episode in episodes:
        with LevelSource(options, placement=BEGINNINGS[episode.beginning]) as source:
            start = source.start(episode.level_seed)
        engine = Engine(1)
        try:
            engine.load({0: start.state})
            for step in range(max(episode.steps) + 1):
                if step in episode.steps:
                    state = next(found)
                    alone = engine.states()[0].without_rngs().replace(step_rand_int=0)
                    assert state == alone
                    assert state["cur_time"] == step
                if step < len(episode.actions):
                    engine.step(np.array([episode.actions[step]]))
                    assert not engine.observe()[2][0]  # no episode ends before its last state
        finally:
            engine.close()
    assert next(found, None) is None


def test_states_do_not_depend_on_how_many_are_played_at_a_time_nor_on_looks() -> None:
    few, many = pool_states(EASY, levels=3, per_level=2, seed=4), pool_states(EASY, levels=70, per_level=2, seed=4)
    assert many[: len(few)] == few
    assert pool_states(EASY, levels=3, per_level=2, seed=5) != few
    with_backgrounds = pool_states(GameOptions(distribution_mode="easy"), levels=3, per_level=2, seed=4)
    for one, other in zip(few, with_backgrounds, strict=True):
        assert np.array_equal(one.grid, other.grid)
        for name in ("x", "y", "vx", "vy", "type"):
            assert np.array_equal(one.entities[name], other.entities[name])


def test_nearly_every_level_has_natural_pairs() -> None:
    for mode in ("easy", "hard"):
        states = pool_states(GameOptions(distribution_mode=mode, use_backgrounds=False), levels=40, per_level=12)
        pairs = minimal_pairs(states, "coin side", per_level=3)
        assert pairs.n_levels >= 38
        for stratum, fewest in ((("agent", "grounded"), 30), (("agent", "airborne"), 20), (("distance", "far"), 8)):
            assert pairs.where(*stratum).n_levels >= fewest, (mode, stratum)


def test_levels_and_modes_that_there_are_not() -> None:
    with pytest.raises(SceneError, match="601 levels, there are 1 to 600"):
        pool_states(EASY, levels=601, per_level=1)
    with pytest.raises(SceneError, match="none for 'medium'; modes are 'easy' and 'hard'"):
        pool_episodes("medium")


def test_levels_that_a_policy_was_trained_on_are_passed_over():
    with LevelSource(EASY) as source:
        first = [source.identity(episode.level_seed) for episode in pool_episodes("easy")[:6]]
    states = pool_states(EASY, levels=3, per_level=2, seen={first[0], first[2]})
    kept = [pool_episodes("easy")[at].level_seed for at in (1, 3, 4)]
    assert list(dict.fromkeys(state.level_seed for state in states)) == kept
