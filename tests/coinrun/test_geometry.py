from __future__ import annotations

import numpy as np
import pytest

from mechinterp.coinrun import geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.edits import mirrored, move_agent, put_agent, remove_coin
from mechinterp.coinrun.engine import Engine
from mechinterp.coinrun.layout import Tile
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.state import StateError
from tests.coinrun.helpers import play


def test_the_end_is_the_stock_coins_column_whatever_becomes_of_the_coin(stock_levels: list[Start]) -> None:
    for start in stock_levels:
        ((x, y),) = start.state.coins
        bare = remove_coin(start.state)
        assert geometry.end_x(start.state) == geometry.end_x(bare) == start.end_x == x
        assert geometry.start_x(bare) == 1
        assert geometry.ground_height(bare)[x] == y
        assert geometry.ground_cell(bare, x) == (x, y)


def test_the_agent_stands_at_every_level_start_and_in_the_air_it_does_not(stock_levels: list[Start]) -> None:
    for start in stock_levels[::10]:
        assert geometry.on_ground(start.state)
        assert geometry.agent_cell(start.state) == (1, 1)
        assert not geometry.on_ground(put_agent(start.state, 1.5, 3.0))
        assert not geometry.on_ground(put_agent(start.state, 1.5, 1.5787, vy=-0.1))


def test_ground_heights_of_a_drawing() -> None:
    state = level("""
        #.........#
        #...##....#
        #A......#^#
        ###########
    """)
    assert geometry.ground_height(state)[:11].tolist() == [64, 1, 1, 1, 3, 3, 1, 1, 2, 2, 64]
    floor = [(x, 1) for x in (1, 2, 3, 6, 7)]  # not under the roof at 4 and 5
    assert geometry.standing_cells(state) == tuple(sorted([*floor, (4, 3), (5, 3), (8, 2)]))


def test_a_low_roof_leaves_no_room_to_stand() -> None:
    state = level("""
        #....##..#
        #A....##.#
        ##########
    """)
    # The agent is more than one cell high: under the roof (5, 1) nobody fits.
    assert (5, 1) not in geometry.standing_cells(state)
    assert (4, 1) in geometry.standing_cells(state)


def test_an_agent_put_on_any_standing_cell_stays_there(stock_levels: list[Start], engine: Engine) -> None:
    """The game agrees about the ground: standing still, the agent neither falls nor slides."""
    rng = np.random.default_rng(0)
    for start in stock_levels[::12]:
        bare = remove_coin(start.state)
        cells = geometry.cells_of(geometry.safe(bare))
        cell = cells[int(rng.integers(len(cells)))]
        state = move_agent(bare, cell)
        _, ended, states = play(engine, state, [4] * 6)
        assert ended is None
        assert all(after.agent_xy == state.agent_xy for after in states)
        assert states[-1]["has_support"] == 1


def test_where_the_geometry_sees_no_ground_the_agent_falls(engine: Engine) -> None:
    state = put_agent(level("#...#\n#A..#\n#####"), 2.5, 5.0)
    _, _, states = play(engine, state, [4] * 12)
    assert [geometry.on_ground(after) for after in states][:3] == [False] * 3
    assert geometry.on_ground(states[-1])
    assert geometry.agent_cell(states[-1]) == (2, 1)


def test_hazards_of_a_drawing() -> None:
    state = level(
        """
        #........#
        #A..S.E..#
        ######^^##
        ##########
    """.replace("E", ".")
    )
    kinds = sorted((hazard.kind, hazard.cell) for hazard in geometry.hazards(state))
    assert kinds == [("lava", (6, 1)), ("lava", (7, 1)), ("saw", (4, 2))]


def test_safe_cells_keep_off_saws_enemies_and_deadly_falls() -> None:
    state = level("""
        #.......................#
        #A...S.........E........#
        ##########...############
        ##########...############
        ##########^^^############
        #########################
    """)
    safe = {x for x, y in geometry.cells_of(geometry.safe(state)) if y == 4}
    # Next to the saw (4..6), beside the lava pit (9, 13), and within 3 of the enemy (12..18).
    assert safe == {1, 2, 3, 7, 8} | set(range(19, 24))


def test_reach_is_about_height_gaps_and_roofs() -> None:
    state = level("""
        #..............#
        #..............#
        #......#.......#
        #......#.......#
        #......#.......#
        #......#.......#
        #......#.......#
        #A.....#.......#
        ################
    """)
    assert not geometry.reachable(state, ((1, 1), (9, 1)))[0, 1], "a wall of six cells is too high to climb"
    lower = level("#......#..#\n" * 3 + "#A.....#..#\n###########")
    assert geometry.reachable(lower, ((1, 1), (9, 1))).all(), "one of four is not"
    drop = level("##.....#\n" * 7 + "##A....#\n########")
    assert geometry.reachable(drop, ((1, 9), (3, 1))).tolist() == [[True, True], [False, True]], (
        "down, but not up again"
    )
    for width, passable in ((4, True), (5, False)):
        art = f"#.{'.' * width}..#\n#A{'.' * width}..#\n##{'^' * width}###\n##{'#' * width}###"
        gap = level(art)
        assert geometry.reachable(gap, ((1, 2), (width + 2, 2)))[0, 1] == passable
    with pytest.raises(StateError, match="nobody can stand"):
        geometry.reachable(lower, ((1, 3),))


def test_stock_levels_can_be_walked_from_any_safe_place_to_any_other(stock_levels: list[Start]) -> None:
    for start in stock_levels[::5]:
        bare = remove_coin(start.state)
        cells = (*geometry.cells_of(geometry.safe(bare)), (1, 1), start.state.coins[0])
        assert geometry.reachable(bare, tuple(dict.fromkeys(cells))).all()


def test_mirroring_mirrors_the_geometry(stock_levels: list[Start]) -> None:
    for start in stock_levels[::15]:
        state, turned = start.state, mirrored(start.state)
        total = geometry.start_x(state) + geometry.end_x(state)
        for rule in (geometry.standing, geometry.safe):
            ours = {(total - x, y) for x, y in geometry.cells_of(rule(state))}
            assert ours == set(geometry.cells_of(rule(turned)))


def test_a_grid_of_rock_has_no_columns(stock_levels: list[Start]) -> None:
    state = stock_levels[0].state
    rock = state.replace(grid=np.full_like(state.grid, Tile.WALL_MID))
    with pytest.raises(StateError, match="all rock"):
        geometry.end_x(rock)
    with pytest.raises(StateError, match="column 62: nowhere to stand"):
        geometry.ground_cell(state, 62)
    assert not geometry.standing(rock).any()


def test_reach_is_the_closure_of_single_steps_and_jumps(stock_levels: list[Start]) -> None:
    """Against the rules spelled out for one pair of cells after the other."""
    for start in stock_levels[:4]:
        state = remove_coin(start.state)
        closed = geometry.solid(state) | geometry.lava(state)
        ground = set(geometry.standing_cells(state))
        ground -= {hazard.cell for hazard in geometry.hazards(state) if hazard.kind != "lava"}

        def leads(a: tuple[int, int], b: tuple[int, int], closed: np.ndarray = closed) -> bool:
            gap, rise, top = abs(a[0] - b[0]) - 1, b[1] - a[1], max(a[1], b[1])
            if not 0 <= gap <= geometry.MAX_GAP or rise > (geometry.MAX_RISE if gap == 0 else 2):
                return False
            if closed[a[1] : top + 2, a[0]].any() or closed[b[1] : top + 2, b[0]].any():
                return False
            return not closed[top : top + 3, min(a[0], b[0]) + 1 : max(a[0], b[0])].any()

        cells = tuple(sorted(ground))
        nearby = {a: [b for b in cells if leads(a, b)] for a in cells}
        found = geometry.reachable(state, cells)
        for i, source in enumerate(cells):
            seen, waiting = {source}, [source]
            while waiting:
                for cell in nearby[waiting.pop()]:
                    if cell not in seen:
                        seen.add(cell)
                        waiting.append(cell)
            assert {cells[j] for j in np.flatnonzero(found[i])} == seen
