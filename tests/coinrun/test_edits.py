from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.edits import EditError
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.state import GameState, StateError
from tests.coinrun.helpers import differences

picks = st.integers(0, 10**9)


def pick_state(played: list[GameState], at: int) -> GameState:
    return played[at % len(played)]


def pick_cell(cells: tuple[Cell, ...], at: int) -> Cell:
    assume(cells)
    return cells[at % len(cells)]


def room_for_coin(state: GameState) -> tuple[Cell, ...]:
    """Empty cells where a coin may be, found without the edits' own checks."""
    taken = geometry.entity_cells(state, EntityType.COIN, EntityType.SAW, EntityType.CRATE)
    x, y = geometry.agent_cell(state)
    near = {(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1, 2)}
    empty = geometry.cells_of(state.grid == Tile.EMPTY)
    return tuple(cell for cell in empty if cell not in taken and cell not in near)


# ------------------------------------------------------------------------------------------------ only what is named


@given(at=picks, where=picks)
def test_moving_the_coin_changes_two_cells_and_moving_it_back_restores_the_bytes(
    played: list[GameState], at: int, where: int
) -> None:
    state = pick_state(played, at)
    home, cell = state.coins[0], pick_cell(room_for_coin(state), where)
    moved = edits.move_coin(state, cell)
    assert differences(state, moved) == {"grid"}
    assert (state.grid != moved.grid).sum() == 2
    assert moved.coins == (cell,)
    back = edits.move_coin(moved, home)
    assert back.to_bytes() == state.to_bytes()


@given(at=picks, where=picks)
def test_adding_and_removing_a_coin_are_inverse(played: list[GameState], at: int, where: int) -> None:
    state = pick_state(played, at)
    cell = pick_cell(room_for_coin(state), where)
    more = edits.add_coin(state, cell)
    assert set(more.coins) == {*state.coins, cell}
    assert edits.remove_coin(more, cell) == state
    bare = edits.remove_coin(more)
    assert bare.coins == ()
    assert edits.add_coin(bare, state.coins[0]) == state


def test_what_a_coin_leaves_behind_can_be_chosen(played: list[GameState]) -> None:
    state = played[0]
    x, y = state.coins[0]
    for tile in (Tile.EMPTY, Tile.INVISIBLE, Tile.ENEMY_BARRIER):
        assert edits.remove_coin(state, leave=tile).grid[y, x] == tile
    with pytest.raises(EditError, match=r"WALL_MID.*cannot take a coin's place"):
        edits.remove_coin(state, leave=Tile.WALL_MID)


@given(at=picks, where=picks)
def test_decoys_come_first_and_go_without_a_trace(played: list[GameState], at: int, where: int) -> None:
    state = pick_state(played, at)
    cell = pick_cell(room_for_coin(state), where)
    decoyed = edits.add_decoy(state, cell)
    assert decoyed.agent_xy == state.agent_xy
    assert edits.decoys(decoyed) == (cell,)
    assert (decoyed.entities[1:] == state.entities).all()
    assert differences(state, decoyed) == {"entities", "n_ents"}
    assert edits.remove_decoys(decoyed) == state
    swapped = edits.coin_to_decoy(state)
    assert (swapped.coins, edits.decoys(swapped)) == ((), state.coins)


@given(at=picks, where=picks, facing=st.sampled_from(["left", "right", None]))
def test_moving_the_agent_changes_the_agent_alone(
    played: list[GameState], at: int, where: int, facing: str | None
) -> None:
    state = pick_state(played, at)
    cell = pick_cell(geometry.cells_of(geometry.safe(edits.remove_coin(state))), where)
    assume(not {(cell[0], cell[1]), (cell[0], cell[1] + 1)} & set(state.coins))
    moved = edits.move_agent(state, cell, facing=facing)  # pyright: ignore[reportArgumentType]
    allowed = {"entities.x", "entities.y", "entities.vx", "entities.vy", "last_agent_y", "is_on_crate"}
    allowed |= {"entities.is_reflected", "facing_right"} if facing else set()
    assert differences(state, moved) <= allowed
    others = np.arange(len(state.entities)) != state.agent_index
    assert (state.entities[others] == moved.entities[others]).all()
    assert geometry.on_ground(moved)
    assert geometry.agent_cell(moved) == cell
    agent = state.entities[state.agent_index]
    back = edits.put_agent(moved, *state.agent_xy, vx=float(agent["vx"]), vy=float(agent["vy"]))
    back = edits.face(back, "left" if agent["is_reflected"] else "right")
    kept = {name: state[name] for name in ("last_agent_y", "is_on_crate", "facing_right")}
    assert back.replace(**kept) == state  # pyright: ignore[reportArgumentType]


def test_facing_turns_picture_and_memory(played: list[GameState]) -> None:
    turned = edits.face(edits.face(played[0], "right"), "left")
    assert turned.entities["is_reflected"][turned.agent_index] == 1
    assert turned["facing_right"] == 0
    with pytest.raises(EditError, match="'up', allowed are 'left' and 'right'"):
        edits.face(played[0], "up")  # pyright: ignore[reportArgumentType]


@given(at=picks, where=picks, what=st.sampled_from(["saw", "enemy", "crate", "picture"]))
def test_what_is_added_can_be_removed_without_a_trace(played: list[GameState], at: int, where: int, what: str) -> None:
    state = pick_state(played, at)
    taken = geometry.entity_cells(state, EntityType.SAW, EntityType.CRATE, EntityType.ENEMY, EntityType.COIN)
    agent = geometry.agent_cell(state)
    cells = [c for c in geometry.standing_cells(state) if c not in taken and c not in state.coins]
    cell = pick_cell(tuple(c for c in cells if abs(c[0] - agent[0]) > 1), where)
    add = {"saw": edits.add_saw, "enemy": edits.add_enemy, "crate": edits.add_crate, "picture": edits.add_saw_picture}
    more = add[what](state, cell)
    assert differences(state, more) == {"entities", "n_ents"}
    assert len(more.entities) == len(state.entities) + 1
    assert more.agent_xy == state.agent_xy
    if what == "picture":
        assert geometry.hazards(more) == geometry.hazards(state)
        return
    remove = {"saw": edits.remove_saws, "enemy": edits.remove_enemies, "crate": edits.remove_crates}[what]
    if what == "enemy" and (state.entities["type"] == EntityType.TRAIL).any():
        return  # an enemy takes trails near it along
    assert remove(more, [cell]) == state


@given(at=picks)
def test_enemies_go_with_their_trails_and_leave_everything_else(played: list[GameState], at: int) -> None:
    state = pick_state(played, at)
    bare = edits.remove_enemies(state)
    gone = np.isin(state.entities["type"], (EntityType.ENEMY, EntityType.TRAIL))
    assert (bare.entities == state.entities[~gone]).all()
    assert differences(state, bare) <= {"entities", "n_ents"}


def test_one_enemy_of_several_takes_its_own_trail_only(played: list[GameState]) -> None:
    tried = 0
    for state in played:
        enemies = state.entities[state.entities["type"] == EntityType.ENEMY]
        trails = state.entities[state.entities["type"] == EntityType.TRAIL]
        rows = {round(float(enemy["y"]), 1) for enemy in enemies}
        if len(rows) < 2 or len(rows) != len(enemies) or not len(trails):
            continue
        tried += 1
        leaving = enemies[0]
        kept = edits.remove_enemies(state, [(int(leaving["x"]), int(leaving["y"]))]).entities
        assert (kept["type"] == EntityType.ENEMY).sum() == len(enemies) - 1
        same_row = np.abs(trails["y"] - leaving["y"]) < 0.5
        assert (kept["type"] == EntityType.TRAIL).sum() == (~same_row).sum()
    assert tried >= 3


@given(at=picks, farther=st.integers(1, 12))
def test_the_end_goes_farther_and_comes_back(played: list[GameState], at: int, farther: int) -> None:
    state = pick_state(played, at)
    end = geometry.end_x(state)
    assume(end + farther <= 62)
    longer = edits.move_end(state, end + farther)
    assert geometry.end_x(longer) == end + farther
    assert differences(state, longer) == {"grid"}
    assert (longer.grid[:, : end + 1] == state.grid[:, : end + 1]).all()
    assert (geometry.ground_height(longer)[end : end + farther + 1] == state.coins[0][1]).all()
    assert edits.move_end(longer, end) == state


def test_the_end_comes_nearer_over_what_stands_there(stock_levels: list[Start]) -> None:
    for start in stock_levels[::15]:
        bare = edits.remove_coin(start.state)
        nearer = edits.move_end(bare, 4)
        assert geometry.end_x(nearer) == 4
        assert (nearer.grid[:, 5:] == Tile.WALL_MID).all()
        assert (nearer.grid[:, :5] == bare.grid[:, :5]).all()
        assert (nearer.entities["x"] < 5).all()
        with pytest.raises(EditError, match=r"would bury the coin at .*move or remove it first"):
            edits.move_end(start.state, 4)
        with pytest.raises(EditError, match="bury the agent"):
            edits.move_end(edits.move_agent(bare, (4, 1)), 3)
        for end in (0, 63):
            with pytest.raises(EditError, match=f"end_x: {end}, allowed is 1"):
                edits.move_end(bare, end)


@given(at=picks)
def test_mirroring_twice_is_the_identity(played: list[GameState], at: int) -> None:
    state = pick_state(played, at)
    turned = edits.mirrored(state)
    again = edits.mirrored(turned)
    assert differences(state, again) <= {"entities.x"}
    np.testing.assert_allclose(again.entities["x"], state.entities["x"], atol=4e-6)
    assert (geometry.start_x(turned), geometry.end_x(turned)) == (geometry.start_x(state), geometry.end_x(state))
    allowed = {"grid", "facing_right", "action", "last_move_action", "move_action", "action_vx"}
    allowed |= {f"entities.{name}" for name in ("x", "vx", "is_reflected")}
    assert differences(state, turned) <= allowed
    total = geometry.start_x(state) + geometry.end_x(state)
    assert turned.coins == tuple((total - x, y) for x, y in state.coins)
    assert turned.agent_xy[0] == pytest.approx(total + 1 - state.agent_xy[0], abs=4e-6)


def test_mirroring_a_level_start_twice_gives_its_bytes(stock_levels: list[Start]) -> None:
    for start in stock_levels:
        assert edits.mirrored(edits.mirrored(start.state)).to_bytes() == start.state.to_bytes()


def test_mirrored_actions() -> None:
    assert [edits.mirrored_action(action) for action in range(15)] == [6, 7, 8, 3, 4, 5, 0, 1, 2, 9, 10, 11, 12, 13, 14]
    with pytest.raises(EditError, match="action 15"):
        edits.mirrored_action(15)


@pytest.mark.parametrize(
    ("looks", "changed"),
    [
        ({"background": 61}, {"background_index"}),
        ({"backgrounds": False}, {"use_backgrounds"}),
        ({"monochrome": True}, {"use_monochrome_assets"}),
        ({"wall_theme": 5}, {"wall_theme"}),
        ({"agent_theme": 4}, {"entities.image_theme"}),
        ({"visibility": 9}, {"visibility"}),
        ({}, set()),
    ],
)
def test_looks_change_what_they_name(looks: dict[str, int], changed: set[str]) -> None:
    state = level("#A.B.E.C#\n#########")
    assert differences(state, edits.with_looks(state, **looks)) == changed  # pyright: ignore[reportArgumentType]


def test_themes_reach_all_of_a_kind_and_no_other() -> None:
    state = level("#A.B.E.EB#\n##########")
    dressed = edits.with_looks(state, enemy_theme=8, crate_theme=3).entities
    assert dressed["image_theme"].tolist() == [{0: 0, 5: 8, 20: 3}[kind] for kind in dressed["type"].tolist()]
    with pytest.raises(StateError, match="image_theme: 9, allowed is 0 to 8"):
        edits.with_looks(state, enemy_theme=9)
    with pytest.raises(StateError, match="background_index: 62"):
        edits.with_looks(state, background=62)


def test_the_clock(played: list[GameState]) -> None:
    later = edits.with_clock(played[0], elapsed=10, timeout=20)
    assert (later["cur_time"], later["timeout"]) == (10, 20)
    with pytest.raises(EditError, match="20 steps elapsed of 20"):
        edits.with_clock(later, elapsed=20)


def test_lava_can_be_dug_in_drained_and_filled() -> None:
    flat = level("#A....C#\n########\n########")
    pit = edits.add_lava(flat, [(3, 1), (4, 1), (4, 0)])
    assert [pit.grid[1, 3], pit.grid[1, 4], pit.grid[0, 4], pit.grid[0, 3]] == [18, 18, 17, 16]
    assert differences(flat, pit) == {"grid"}
    assert edits.remove_lava(pit, leave="ground") == flat
    drained = edits.remove_lava(pit)
    assert [drained.grid[1, 3], drained.grid[0, 4]] == [Tile.EMPTY] * 2
    harmless = edits.harmless_lava(pit)
    assert not geometry.lava(harmless).any()
    assert (np.abs(harmless.grid) == np.abs(pit.grid)).all()
    with pytest.raises(EditError, match="leave: 'sea', allowed are"):
        edits.remove_lava(pit, leave="sea")  # pyright: ignore[reportArgumentType]


def test_the_games_own_tiles_are_what_retiling_gives(stock_levels: list[Start]) -> None:
    for start in stock_levels:
        assert (edits.retile(start.state.grid) == start.state.grid).all()


# ------------------------------------------------------------------------------------------------ edits without sense

ART = """
    #.......|.........#
    #...............#.#
    #A.C.c.S.B.E..^...#
    ##############^####
    ###################
"""


@pytest.fixture(scope="module")
def drawn() -> GameState:
    return level(ART.replace("..^...", "......"))


@pytest.fixture(scope="module")
def bare(drawn: GameState) -> GameState:
    return edits.remove_coin(drawn)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ((5, 0), r"coin at \(5, 0\): that cell is rock; the nearest open cell of column 5 is \(5, 2\)"),
        ((30, 5), r"coin at \(30, 5\): that cell is rock; column 30 is all rock, the level's columns are 1 to 17"),
        ((64, 5), r"outside the grid; x is 0 to 63, y is 0 to 63"),
        ((5, -1), r"outside the grid"),
        ((14, 1), r"that cell is lava; the nearest open cell of column 14 is \(14, 2\)"),
        ((3, 2), r"a coin or decoy is there already"),
        ((5, 2), r"a coin or decoy is there already"),
        ((7, 2), r"a saw is there"),
        ((9, 2), r"a crate is there"),
        ((8, 4), r"an enemy barrier is there"),
        ((1, 2), r"the agent stands there"),
        ((1, 3), r"the agent stands there"),
    ],
)
def test_a_coin_where_none_can_be(drawn: GameState, cell: Cell, message: str) -> None:
    with pytest.raises(EditError, match=message):
        edits.add_coin(drawn, cell)


def test_coins_that_are_not_there(drawn: GameState, bare: GameState) -> None:
    with pytest.raises(EditError, match="there is no coin in this level"):
        edits.remove_coin(bare)
    with pytest.raises(EditError, match=r"no coin there; coins are at \[\(3, 2\)\]"):
        edits.remove_coin(drawn, (4, 2))
    for edit in (lambda s: edits.move_coin(s, (4, 2)), edits.coin_to_decoy):
        with pytest.raises(EditError, match="0 coins"):
            edit(bare)
        with pytest.raises(EditError, match="2 coins"):
            edit(edits.add_coin(drawn, (6, 2)))
    with pytest.raises(EditError, match="asked for twice"):
        edits.add_decoys(drawn, [(4, 2), (4, 2)])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ((5, 0), "that cell is rock"),
        ((14, 1), "that cell is lava"),
        ((40, 2), "column 40 is all rock"),
        ((99, 2), "outside the grid"),
        ((4, 3), r"no ground under it or no room above it; the nearest cell to stand in is \(4, 2\)"),
        ((16, 2), "no ground under it or no room above it"),
        ((3, 2), r"it would take the coin at \(3, 2\) at once"),
        ((7, 2), "a saw is there"),
    ],
)
def test_an_agent_where_none_can_be(drawn: GameState, cell: Cell, message: str) -> None:
    with pytest.raises(EditError, match=message):
        edits.move_agent(drawn, cell)


@pytest.mark.parametrize(("x", "y"), [(2.5, 2.3), (0.9, 3), (17.7, 3), (-1, 3), (5, 70), (14.5, 1.9)])
def test_a_body_in_rock_or_lava_or_nowhere(drawn: GameState, x: float, y: float) -> None:
    with pytest.raises(EditError, match=r"agent with its centre at"):
        edits.put_agent(drawn, x, y)


def test_things_where_they_cannot_be(drawn: GameState) -> None:
    for add, name in ((edits.add_saw, "saw"), (edits.add_enemy, "enemy"), (edits.add_crate, "crate")):
        with pytest.raises(EditError, match=rf"{name} at \(4, 5\): there is no ground under it"):
            add(drawn, (4, 5))
        with pytest.raises(EditError, match="that cell is rock"):
            add(drawn, (4, 1))
        with pytest.raises(EditError, match="outside the grid"):
            add(drawn, (4, 64))
    with pytest.raises(EditError, match="the agent is there"):
        edits.add_saw(drawn, (1, 2))
    with pytest.raises(EditError, match="would hide the coin"):
        edits.add_crate(drawn, (3, 2))
    with pytest.raises(EditError, match="an enemy is there already"):
        edits.add_enemy(drawn, (11, 2))
    with pytest.raises(EditError, match="walking: 'up'"):
        edits.add_enemy(drawn, (12, 2), walking="up")  # pyright: ignore[reportArgumentType]
    with pytest.raises(EditError, match=r"no saw there; they are at \[\(7, 2\)\]"):
        edits.remove_saws(drawn, [(6, 2)])
    assert edits.add_crate(drawn, (9, 3)).entities[-1]["y"] == 3.5, "crates pile up"
    for cells, message in (([(1, 2)], "agent is there"), ([(3, 2)], "coin or decoy"), ([(30, 1)], "outside the level")):
        with pytest.raises(EditError, match=message):
            edits.add_lava(drawn, cells)
    with pytest.raises(EditError, match="there is air under it"):
        edits.add_lava(drawn, [(12, 5)])
