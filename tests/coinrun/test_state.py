from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.coinrun import layout
from mechinterp.coinrun.empty import empty_level
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.library import open_library
from mechinterp.coinrun.raw_state import agent_position
from mechinterp.coinrun.state import GameState, RngState, StateError

ROOT = Path(__file__).resolve().parents[2]
OPTIONS_END = 15 + 68


@pytest.fixture(scope="module")
def data(played_bytes: list[bytes]) -> bytes:
    return played_bytes[-1]


@pytest.fixture(scope="module")
def state(data: bytes) -> GameState:
    return GameState.from_bytes(data)


def test_four_hundred_states_come_back_byte_for_byte(played_bytes: list[bytes]) -> None:
    states = [GameState.from_bytes(data) for data in played_bytes]
    assert len(played_bytes) >= 400
    assert all(state.to_bytes() == data for state, data in zip(states, played_bytes, strict=True))
    # The sample is worth something only if it holds all that a game can hold.
    kinds = set(np.concatenate([state.entities["type"] for state in states]).tolist())
    assert kinds == {0, 2, 5, 20, 59}
    assert {int(tile) for state in states for tile in np.unique(state.grid)} >= {1, 15, 16, 17, 18, 19, 100}
    assert max(state["cur_time"] for state in states) > 100
    assert {state["distribution_mode"] for state in states} == {0, 1}


def test_the_coin_cell_lies_where_arithmetic_on_the_tail_says(played_bytes: list[bytes]) -> None:
    for data in played_bytes[::20]:
        state = GameState.from_bytes(data)
        ((x, y),) = state.coins
        assert int.from_bytes(data[len(data) - 32 - 16384 + 4 * (64 * y + x) :][:4], "little") == layout.Tile.COIN


def test_peek_agrees_with_the_parser(played_bytes: list[bytes]) -> None:
    for data in played_bytes:
        assert agent_position(data) == GameState.from_bytes(data).agent_xy


def test_blank_generators_leave_the_targets_own(played: list[GameState]) -> None:
    game = Engine(1)
    before = game.states()[0]
    game.load({0: played[0].without_rngs()})
    after = game.states()[0]
    assert after.level_rng == before.level_rng
    assert after.step_rng == before.step_rng
    assert after.replace(rngs={"level_rng": played[0].level_rng, "step_rng": played[0].step_rng}) == played[0]
    game.close()


def test_arrays_cannot_be_written_to_and_are_copies(state: GameState) -> None:
    with pytest.raises(ValueError, match="read-only"):
        state.grid[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        state.entities["x"][0] = 1
    grid = state.grid.copy()
    other = state.replace(grid=grid)
    grid[:] = 1
    assert other == state
    assert hash(other) == hash(state)


# ------------------------------------------------------------------------------------------------ refused bytes


def test_truncated_bytes_are_refused_wherever_they_end(data: bytes) -> None:
    for end in [*range(0, 200, 7), *range(200, len(data), 997), len(data) - 1]:
        with pytest.raises(StateError):
            GameState.from_bytes(data[:end])


def test_trailing_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(StateError, match="end mark"):
        GameState.from_bytes(data + b"\0")


def test_another_games_state_is_refused_by_name() -> None:
    game = open_library(1, options={}, threads=0, game="maze")
    other = game.get_state(0)
    game.close()
    with pytest.raises(StateError, match=r"not a state of stock CoinRun.*maze"):
        GameState.from_bytes(other)


def test_the_forks_layout_is_refused_and_named(data: bytes) -> None:
    # Five options more after use_sequential_levels, the ninth of them.
    at = 15 + 4 * 9
    fork = data[:at] + bytes(20) + data[at:]
    with pytest.raises(StateError, match="goal-misgeneralisation fork"):
        GameState.from_bytes(fork)


@pytest.mark.parametrize("junk", [b"", b"\0" * 100, b"PK\x03\x04" + b"x" * 500])
def test_foreign_bytes_are_refused(junk: bytes) -> None:
    with pytest.raises(StateError, match="not a state of stock CoinRun"):
        GameState.from_bytes(junk)


def test_a_version_other_than_0_is_refused(data: bytes) -> None:
    with pytest.raises(StateError, match="version 0"):
        GameState.from_bytes(b"\1" + data[1:])


# ------------------------------------------------------------------------------------------------ refused values


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("background_index", 62),
        ("background_index", -1),
        ("wall_theme", 6),
        ("use_generated_assets", 1),
        ("visibility", float("nan")),
        ("visibility", 0),
        ("timeout", 0),
        ("episodes_remaining", 1),
        ("action", 15),
        ("gravity", float("inf")),
        ("main_width", 63),
        ("debug_mode", 2),
    ],
)
def test_a_scalar_out_of_range_is_named_with_its_range(state: GameState, name: str, value: float) -> None:
    with pytest.raises(StateError, match=rf"{name}.*(allowed|grid has)"):
        state.replace(**{name: value})  # pyright: ignore[reportArgumentType]


def test_whole_number_fields_take_no_fractions(state: GameState) -> None:
    with pytest.raises(StateError, match=r"cur_time: 1\.5 is not a 32-bit whole number"):
        state.replace(cur_time=1.5)


def test_unknown_fields_are_answered_with_near_ones(state: GameState) -> None:
    with pytest.raises(StateError, match="background_index"):
        state.replace(background=3)
    with pytest.raises(StateError, match="timeout"):
        state["time_out"]


def test_counts_follow_from_the_arrays(state: GameState) -> None:
    with pytest.raises(StateError, match="n_ents follows from the arrays"):
        state.replace(n_ents=3)
    assert state.replace(entities=state.entities[: state.agent_index + 1])["n_ents"] == state.agent_index + 1


@pytest.mark.parametrize("value", [101, 0, -2, 2**31 - 1, -(2**31)])
def test_a_cell_out_of_range_is_named_with_its_place(state: GameState, value: int) -> None:
    grid = state.grid.copy()
    grid[7, 3] = value
    with pytest.raises(StateError, match=rf"grid\[y=7, x=3\]: {value}, allowed are"):
        state.replace(grid=grid)


@pytest.mark.parametrize("shape", [(64,), (10, 10), (64, 63), (64, 257), (0, 64)])
def test_grids_of_other_shapes_are_refused(state: GameState, shape: tuple[int, ...]) -> None:
    with pytest.raises(StateError):
        state.replace(grid=np.full(shape, 100, np.int32))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("x", np.nan, r"entities\[0\]\.x"),
        ("type", 1000, r"entities\[0\]\.type"),
        ("type", 30, r"entities\[0\]\.type: 30, allowed are"),
        ("image_type", 4, "image_type 4 has themes"),
        ("image_theme", 5, "image_type 0 has themes 0 to 4, not 5"),
        ("will_erase", 1, "cannot lose its agent"),
        ("expire_time", 5, "cannot lose its agent"),
        ("grow_rate", 1.04, "needs an expire_time"),
    ],
)
def test_an_entity_field_out_of_range_is_named(state: GameState, field: str, value: float, message: str) -> None:
    agent = state.entities[[state.agent_index]].copy()
    agent[field] = value
    with pytest.raises(StateError, match=message):
        state.replace(entities=agent)


def test_a_game_has_exactly_one_agent(state: GameState) -> None:
    with pytest.raises(StateError, match="0 agents"):
        state.replace(entities=state.entities[state.entities["type"] != 0])
    with pytest.raises(StateError, match="2 agents"):
        state.replace(entities=np.append(state.entities, state.entities[state.agent_index]))


def test_a_picture_may_not_outgrow_the_frame(state: GameState) -> None:
    entities = np.append(state.entities, state.entities[state.agent_index])
    entities["type"][-1], entities["life_time"][-1] = layout.EntityType.TRAIL, 0
    entities["grow_rate"][-1], entities["expire_time"][-1], entities["rx"][-1] = 1.05, 60, 3
    with pytest.raises(StateError, match="grow to a radius"):
        state.replace(entities=entities)


@pytest.mark.parametrize(
    "text", [b"1 2 3", b" ".join([b"1"] * 624) + b" 625", b" ".join([b"4294967296"] * 625), b"x" * 5000]
)
def test_a_generator_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(StateError, match="generator: expected 625"):
        RngState(1, text)


def test_only_game_states_get_into_the_engine(data: bytes) -> None:
    game = Engine(1)
    with pytest.raises(StateError, match="only a GameState"):
        game.load({0: data})  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="slot 1"):
        game.load({1: GameState.from_bytes(data)})
    with pytest.raises(ValueError, match="actions"):
        game.step(np.array([15]))
    with pytest.raises(ValueError, match="actions"):
        game.step(np.array([1.0]))
    with pytest.raises(ValueError, match="actions"):
        game.step(np.array([1, 1]))
    game.close()


def test_options_that_the_library_cannot_serve_are_refused() -> None:
    with pytest.raises(StateError, match="generated assets"):
        GameOptions(use_generated_assets=True)
    with pytest.raises(StateError, match="'medium'"):
        GameOptions(distribution_mode="medium")
    with pytest.raises(ValueError, match="at least 1"):
        Engine(0)


# ------------------------------------------------------------------------------------------------ mutants


@given(seed=st.integers(0, 2**32 - 1))
def test_mutated_fields_never_parse_to_other_bytes(data: bytes, seed: int) -> None:
    """What parses is what was there: nothing is mended in silence."""
    rng = np.random.default_rng(seed)
    changed = bytearray(data)
    for at in rng.integers(0, len(data), 3).tolist():
        changed[at] = int(rng.integers(256))
    try:
        parsed = GameState.from_bytes(bytes(changed))
    except StateError:
        return
    assert parsed.to_bytes() == bytes(changed)


@pytest.mark.slow
def test_five_thousand_mutants_do_not_kill_the_game(tmp_path: Path) -> None:
    """Each mutant is refused, or is loaded, drawn, played and reset, in a process that must live to report."""
    script, out = ROOT / "analyses" / "mutated_states.py", tmp_path / "found.json"
    words = [sys.executable, str(script), "--count", "5000", "--steps", "12", "--out", str(out)]
    for _ in range(2):  # the second time, all has been counted
        run = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=280, check=False)
        assert run.returncode == 0, f"killed: {run.stdout[-500:]} {run.stderr[-2000:]}"
    (part,) = json.loads(out.read_text())["parts"]
    assert part["accepted"] + part["refused"] == 5_000
    assert part["accepted"] - part["unchanged"] >= 1_200
    assert part["unreadable"] == 0, part["odd"]  # a state that was let in stays readable while it is played
    assert "processes ended by a state: 0 of 1" in run.stdout


# ------------------------------------------------------------------- what the game makes of what a state says


@pytest.mark.parametrize("image", [0, 6, 7, 20, 2])
def test_a_saw_that_looks_otherwise_has_no_theme(state: GameState, image: int) -> None:
    """The game gives it its own picture back at the first step, and keeps the theme, which a saw does not have."""
    entities = np.repeat(state.entities[state.agent_index : state.agent_index + 1], 2)
    entities[1]["type"], entities[1]["image_type"], entities[1]["image_theme"] = layout.EntityType.SAW, image, 0
    entities[1]["x"] -= 4
    game = Engine(1)
    game.load({0: state.replace(entities=entities)})
    game.step(np.array([4]))
    assert game.states()[0].entities["image_type"][1] in (2, 3)
    game.close()
    entities[1]["image_theme"] = 1
    with pytest.raises(StateError, match=r"themes 0 to 0, not 1"):
        state.replace(entities=entities)


def test_an_enemy_may_have_every_theme_of_its_own_pictures(state: GameState) -> None:
    entities = np.repeat(state.entities[state.agent_index : state.agent_index + 1], 2)
    entities[1]["type"], entities[1]["image_type"], entities[1]["image_theme"] = layout.EntityType.ENEMY, 7, 8
    assert state.replace(entities=entities).entities["image_theme"][1] == 8


@pytest.mark.parametrize("name", ["level_rng", "step_rng"])
def test_generators_that_the_game_draws_from_are_seeded(state: GameState, name: str) -> None:
    for text in (getattr(state, name).text, b""):
        with pytest.raises(StateError, match=rf"{name}: is_seeded is 0, a game that is played has 1"):
            state.replace(rngs={name: RngState(0, text)})
    assert state.replace(rngs={"asset_rng": RngState(1, state.asset_rng.text)}).asset_rng.is_seeded == 1


@pytest.mark.parametrize("side", [64, 128, 256])
@pytest.mark.parametrize("centred", [True, False])
def test_what_can_be_made_can_be_read_back(side: int, centred: bool) -> None:
    options = GameOptions(center_agent=centred)
    game = Engine(1, options=options)
    game.load({0: empty_level(options, width=side, height=64)})
    for action in (7, -1, 7):
        assert game.states()[0]["visibility"] == (13 if centred else side)
        game.step(np.array([action]))
        game.observe()
    game.close()


def test_an_age_that_would_outgrow_its_range_is_refused(state: GameState) -> None:
    entities = state.entities.copy()
    entities["life_time"] = layout.MAX_TIME + state["cur_time"]
    game = Engine(1)
    game.load({0: state.replace(entities=entities)})
    for _ in range(3):
        game.step(np.array([4]))
        game.states()
    game.close()
    entities["life_time"] += 1
    with pytest.raises(StateError, match=r"life_time: .* over cur_time"):
        state.replace(entities=entities)


def test_what_could_leave_the_level_for_ever_is_refused(state: GameState) -> None:
    entities = np.repeat(state.entities[state.agent_index : state.agent_index + 1], 2)
    entities[1]["type"], entities[1]["image_type"], entities[1]["image_theme"] = (layout.EntityType.TRAIL,) * 2 + (0,)
    entities[1]["x"], entities[1]["vx"], entities[1]["vy"] = 5, 0, -2
    game = Engine(1)
    game.load({0: state.replace(entities=entities)})
    for _ in range(40):
        game.step(np.array([4]))
        there = game.states()[0].entities
    game.close()
    assert not ((there["type"] == layout.EntityType.TRAIL) & (there["vy"] == -2)).any()  # erased outside of the level
    entities[1]["auto_erase"] = 0
    with pytest.raises(StateError, match=r"entities\[1\]: it moves, so its auto_erase must be 1"):
        state.replace(entities=entities)
    entities[1]["vy"] = 0
    state.replace(entities=entities)


def test_what_was_worked_out_of_a_state_is_not_carried_over_to_a_changed_one(stock_levels: list[Start]) -> None:
    state = stock_levels[0].state
    (coin,), index = state.coins, state.agent_index
    bare = state.replace(grid=np.where(state.grid == layout.Tile.COIN, layout.Tile.EMPTY, state.grid))
    assert (bare.coins, bare.agent_index) == ((), index)
    fewer = state.replace(entities=state.entities[index:])
    assert (fewer.coins, fewer.agent_index) == ((coin,), 0)
    for changed in (bare, fewer, state.replace(timeout=50)):
        again = GameState.from_bytes(changed.to_bytes())
        assert (again.coins, again.agent_index) == (changed.coins, changed.agent_index)
        assert again == changed
        assert not any(array.flags.writeable for array in (changed.grid, changed.entities, changed.scalars))
