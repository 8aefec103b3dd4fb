"""What the game itself makes of edits: pixels, payment, death."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.edits import EditError
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.layout import Tile
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.placements import random_agent_and_coin
from mechinterp.coinrun.raw_state import agent_position
from mechinterp.coinrun.state import GameState
from tests.coinrun.helpers import frames, play

RIGHT, STILL, JUMP_RIGHT = 7, 4, 8
FLAT = "#A.C......#\n###########"


def test_loading_shows_the_edit_with_no_step_of_physics(stock_levels: list[Start], engine: Engine) -> None:
    for start in stock_levels[::40]:
        bare = edits.remove_coin(start.state)
        near = edits.add_coin(bare, (4, 1))
        without, with_coin = frames(engine, [bare, near])
        assert (without != with_coin).any()
        assert engine.states([1])[0]["cur_time"] == start.state["cur_time"]


def test_a_moved_coin_pays_ten_and_ends_the_episode(stock_levels: list[Start], engine: Engine) -> None:
    for start in stock_levels[::10]:
        rewards, ended, _ = play(engine, edits.move_coin(start.state, (4, 1)), [RIGHT] * 30)
        assert (sum(rewards), rewards[-1]) == (10, 10)
        assert ended is not None


def test_the_place_that_it_left_pays_nothing(engine: Engine) -> None:
    state = level(FLAT)
    for leave in (edits.remove_coin(state), edits.remove_coin(state, leave=Tile.INVISIBLE)):
        rewards, ended, states = play(engine, leave, [RIGHT] * 30)
        assert (sum(rewards), ended) == (0, None)
        assert states[-1].agent_xy[0] > 9


def test_a_decoy_pays_nothing_and_stays(stock_levels: list[Start], engine: Engine) -> None:
    for start in stock_levels[::12]:
        state = edits.coin_to_decoy(edits.move_coin(start.state, (3, 1)))
        rewards, ended, states = play(engine, state, [RIGHT] * 15)
        assert (sum(rewards), ended) == (0, None)
        assert states[-1].agent_xy[0] > 3.9, "it walked over the decoy"
        assert edits.decoys(states[-1]) == ((3, 1),)


def test_a_decoy_looks_like_a_coin_pixel_for_pixel(stock_levels: list[Start], played: list[GameState]) -> None:
    """In front of every kind of scenery: beside crates and saws, behind enemies and the agent, in the air."""
    rng = np.random.default_rng(0)
    real = []
    for state in [random_agent_and_coin(start.state, rng) for start in stock_levels[::3]] + played[::4]:
        x, y = geometry.agent_cell(state)
        bare = edits.remove_coin(state)
        for dx, dy in rng.permutation([(i, j) for i in range(-5, 6) for j in range(-2, 4)]).tolist():
            try:
                real.append(edits.add_coin(bare, (x + dx, y + dy)))
                break
            except EditError:
                continue
    game = Engine(8)
    with_coin = frames(game, real)
    with_decoy = frames(game, [edits.coin_to_decoy(state) for state in real])
    without = frames(game, [edits.remove_coin(state) for state in real])
    game.close()
    assert len(real) >= 200
    assert (with_coin == with_decoy).all()
    assert (with_coin != without).any((1, 2, 3)).mean() > 0.95, "and there was something to see"


def test_lava_kills_and_its_picture_looks_the_same_and_does_not(engine: Engine) -> None:
    art = "#A......#\n###^^^^##\n###^^^^##\n#########"
    real = level(art)
    tame = edits.harmless_lava(real)
    assert (frames(engine, [real, tame])[0] == frames(engine, [real, tame])[1]).all()
    _, ended, _ = play(engine, real, [RIGHT] * 20)
    assert ended is not None
    _, ended, states = play(engine, tame, [RIGHT] * 40)
    assert ended is None
    assert states[-1].agent_xy[1] == pytest.approx(1.5787, abs=0.01), "it fell to the bottom of the pit"
    drawn = level(art.replace("^", "~"))
    assert (frames(engine, [drawn])[0] == frames(engine, [real])[0]).all()


def test_a_saw_kills_and_its_picture_looks_the_same_and_does_not(engine: Engine) -> None:
    real = level("#A..S....#\n##########")
    tame, drawn = edits.harmless_saws(real), level("#A..s....#\n##########")
    pictures = frames(engine, [real, tame, drawn])
    assert (pictures[0] == pictures[1]).all()
    assert (pictures[0] == pictures[2]).all()
    assert play(engine, real, [RIGHT] * 20)[1] is not None
    for state in (tame, drawn):
        _, ended, states = play(engine, state, [RIGHT] * 20)
        assert ended is None
        assert states[-1].agent_xy[0] > 6


def test_enemies_walk_between_barriers_kill_and_can_be_removed(engine: Engine) -> None:
    state = level("#A.......|....e...|..#\n######################")
    _, _, states = play(engine, state, [STILL] * 120)
    xs = [float(s.entities["x"][s.entities["type"] == 5][0]) for s in states]
    assert 10 <= min(xs) < 10.7
    assert 17.3 < max(xs) <= 18
    assert (states[-1].entities["type"] == 59).any(), "it leaves a trail"
    bare = edits.remove_enemies(states[-1])
    assert set(bare.entities["type"].tolist()) == {0}
    assert play(engine, level("#A..E....#\n##########"), [RIGHT] * 20)[1] is not None
    assert play(engine, edits.remove_enemies(level("#A..E....#\n##########")), [RIGHT] * 20)[1] is None


def test_crates_are_walked_through_and_stood_upon(engine: Engine) -> None:
    state = level("#A.B.....#\n##########")
    _, _, states = play(engine, state, [RIGHT] * 20)
    assert states[-1].agent_xy[0] > 6
    _, _, states = play(engine, state, [JUMP_RIGHT] + [RIGHT] * 6 + [STILL] * 30)
    on_top = level("#........#\n#........#\n#A.B.....#\n##########")
    dropped = edits.put_agent(on_top, 3.5, 5.0)
    _, _, states = play(engine, dropped, [STILL] * 20)
    assert states[-1].agent_xy[1] == pytest.approx(2.5787, abs=0.02)
    assert geometry.on_ground(states[-1])


@pytest.mark.parametrize("farther", [0, 6])
def test_the_wall_at_the_end_is_where_the_edit_puts_it(engine: Engine, farther: int) -> None:
    state = edits.remove_coin(level(FLAT))
    end = geometry.end_x(state) + farther
    _, ended, states = play(engine, edits.move_end(state, end), [RIGHT] * 60)
    assert ended is None
    assert states[-1].agent_xy[0] == pytest.approx(end + 0.5, abs=0.02)


def test_a_mirrored_game_goes_on_as_the_mirror_image(stock_levels: list[Start]) -> None:
    """Mirrored actions in the mirrored level lead to mirrored positions, but for the game's own rounding at edges."""
    count, steps = 32, 50
    options = GameOptions()
    ours, theirs = Engine(count, options=options), Engine(count, options=options)
    states = [start.state for start in stock_levels[::9]][:count]
    ours.load(dict(enumerate(states)))
    theirs.load({slot: edits.mirrored(state) for slot, state in enumerate(states)})
    sums = np.array([geometry.start_x(state) + geometry.end_x(state) + 1 for state in states])
    rng = np.random.default_rng(0)
    alive, apart = np.ones(count, bool), np.zeros(count, bool)
    for _ in range(steps):
        actions = rng.choice([1, 5, 7, 7, 8, 4], count)
        ours.step(actions)
        theirs.step(np.array([edits.mirrored_action(int(action)) for action in actions]))
        (reward, _, first), (other_reward, _, other_first) = ours.observe(), theirs.observe()
        apart |= alive & ((first != other_first) | (reward != other_reward))
        alive &= ~first & ~other_first & ~apart
        for slot in np.flatnonzero(alive).tolist():
            (x, y), (mirror_x, mirror_y) = (agent_position(game.state_bytes(slot)) for game in (ours, theirs))
            apart[slot] |= abs(sums[slot] - x - mirror_x) > 1e-3 or abs(y - mirror_y) > 1e-3
    ours.close()
    theirs.close()
    assert apart.mean() < 0.1


def test_a_mirrored_frame_is_the_frame_turned_round(stock_levels: list[Start], engine: Engine) -> None:
    """In plain colours, where no picture has a handedness; pixels at edges are rounded to one side."""
    plain = [edits.with_looks(start.state, monochrome=True, backgrounds=False) for start in stock_levels[::20]]
    ours = frames(engine, plain)
    theirs = frames(engine, [edits.mirrored(state) for state in plain])[:, :, ::-1]
    assert (ours != theirs).any(-1).mean() < 0.03
    assert (ours != frames(engine, [edits.mirrored(state) for state in plain])).any(-1).mean() > 0.1


def test_looks_change_pixels_and_nothing_of_the_physics(engine: Engine) -> None:
    state = level(FLAT)
    plain = frames(engine, [state])[0]
    xs = [after.agent_xy for after in play(engine, edits.remove_coin(state), [RIGHT] * 10)[2]]
    for looks in ({"background": 30}, {"wall_theme": 3}, {"agent_theme": 2}, {"visibility": 8}, {"monochrome": True}):
        dressed = edits.with_looks(state, **looks)  # pyright: ignore[reportArgumentType]
        assert (frames(engine, [dressed])[0] != plain).any(), looks
        walked = play(engine, edits.remove_coin(dressed), [RIGHT] * 10)[2]
        assert [after.agent_xy for after in walked] == xs


def test_the_clock_runs_out_where_it_is_set(engine: Engine) -> None:
    state = edits.with_clock(edits.remove_coin(level(FLAT)), elapsed=990)
    rewards, ended, _ = play(engine, state, [STILL] * 20)
    assert (sum(rewards), ended) == (0, 9)
