"""Coins of minimal pairs lie where the agent could walk to; what a state has no room for is counted."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.layout import EntityType
from mechinterp.coinrun.scenes import VARIABLES, NoRoom, SceneError, coin_at, coin_side, minimal_pairs
from mechinterp.coinrun.scenes.natural import free_ways, landing, level_places
from mechinterp.coinrun.scenes.pool import pool_states
from mechinterp.coinrun.state import GameState

BOTH = [-5, -4, -3, -2, 2, 3, 4, 5]


@pytest.fixture(scope="module")
def states() -> list[GameState]:
    return pool_states(GameOptions(distribution_mode="easy", use_backgrounds=False), levels=20, per_level=12)


def drawn(*lines: str) -> GameState:
    return level("\n".join(lines))


@pytest.mark.parametrize(
    ("lines", "free"),
    [
        (("#......A......#", "###############"), BOTH),
        (("#....#.A......#", "###############"), [2, 3, 4, 5]),  # a wall in the way on the left
        (("#......A..S...#", "###############"), [-5, -4, -3, -2]),  # a saw on the right, and cells next to it
        (("#..E...A......#", "###############"), [2, 3, 4, 5]),  # an enemy comes 3 cells nearer in a moment
        (("#...E..A......#", "###############"), []),  # and so to the agent
        (("#......A..B...#", "###############"), [-5, -4, -3, -2, 2]),  # a crate would hide what is behind it
        (("#......A......#", "####^##########"), [2, 3, 4, 5]),  # lava in the ground on the left
        (("#......A......#", "########.......", "###############"), [-5, -4, -3, -2]),  # it falls off on the right
    ],
)
def test_the_way_to_a_coin_is_level_and_safe(lines, free) -> None:
    if "^" in lines[1]:
        lines = (*lines, "###############")
    assert free_ways(drawn(*lines), BOTH)[1] == free


def test_a_coin_lies_where_the_agent_would_come_down() -> None:
    state = drawn("#......A......#", "###############")
    up = edits.put_agent(state, 7.5, 4.6, vy=0.3)
    assert landing(up) == landing(state) == (7, 1)
    right, left = coin_side(3).edit(up, np.random.default_rng(0)) or (None, None)
    assert right is not None
    assert left is not None
    assert (right.coins, left.coins) == (((10, 1),), ((4, 1),))
    assert right.agent_xy == up.agent_xy
    with pytest.raises(NoRoom, match="too high"):
        landing(edits.put_agent(state, 7.5, 8.6))
    pit = drawn("#....A.........#", "#######^########", "################")
    with pytest.raises(NoRoom, match="no ground"):
        landing(edits.put_agent(pit, 7.5, 4.6))


def test_every_pair_of_the_pool_is_natural(states) -> None:
    pairs = minimal_pairs(states, "coin side", per_level=3)
    assert pairs.n_levels == 20
    for right, left in zip(pairs.states("clean"), pairs.states("corrupted"), strict=True):
        ((x_right, y_right),), ((x_left, y_left),) = right.coins, left.coins
        x, _ = geometry.agent_cell(right)
        assert y_right == y_left
        assert 2 <= x_right - x == x - x_left <= 5
        rock = geometry.solid(right)
        for column in range(x_left, x_right + 1):
            assert rock[y_right - 1, column]
            assert not rock[y_right : y_right + 2, column].any()
        near = [h for h in geometry.hazards(right) if x_left - 1 <= h.cell[0] <= x_right + 1]
        assert not [h for h in near if abs(h.cell[1] - y_right) <= 1]
        crates = geometry.entity_cells(right, EntityType.CRATE)
        assert not {(column, y_right) for column in range(x_left, x_right + 1)} & crates


def test_one_sided_pairs_need_one_side(states) -> None:
    state = drawn("#....#.A......#", "###############")
    with pytest.raises(SceneError, match="on the left: 1"):
        minimal_pairs([state], "coin on the left")
    assert len(minimal_pairs([state], "coin on the right")) == 1
    for side, sign in (("right", 1), ("left", -1)):
        pairs = minimal_pairs(states, coin_at(side), per_level=1)
        for with_coin in pairs.states("clean"):
            ((x, y),) = with_coin.coins
            assert sign * (x - geometry.agent_cell(with_coin)[0]) in range(2, 6)
            assert geometry.safe(edits.remove_coin(with_coin))[y, x]


def test_what_has_no_room_is_counted_by_its_reason(states) -> None:
    pairs = minimal_pairs(states, "coin side")
    assert len(pairs) + sum(pairs.refused.values()) == len(states)
    assert any("no level, safe ground as far on the" in reason for reason in pairs.refused)
    some = minimal_pairs(states, "coin side", per_level=2)
    assert some.refused.keys() <= pairs.refused.keys()
    assert max(np.unique(some.levels, return_counts=True)[1]) == 2
    blocked = drawn("#....#A#......#", "###############")
    with pytest.raises(SceneError, match=r"none of the 1 states has room .*no level, safe ground on either side: 1"):
        minimal_pairs([blocked], "coin side")


def test_anywhere_is_said_to_be_so(states) -> None:
    hanging = coin_side(place="anywhere")
    assert hanging.name == "coin side, anywhere"
    pairs = minimal_pairs(states, hanging)
    assert len(pairs) > len(minimal_pairs(states, "coin side"))
    with pytest.raises(SceneError, match="place: 'groud'; did you mean 'ground'"):
        coin_side(place="groud")  # pyright: ignore[reportArgumentType]
    with pytest.raises(SceneError, match="place"):
        coin_at("right", place="groud")  # pyright: ignore[reportArgumentType]


def test_level_places_are_those_of_a_search_by_hand() -> None:
    state = drawn("#......A..S...#", "###############")
    assert level_places(state, 2) == {(3, 1): 2, (4, 1): 3, (5, 1): 3, (6, 1): 2}


# ------------------------------------------------------------------------------------------------ other variables


def test_a_coin_is_present_where_it_can_be_got(states) -> None:
    pairs = minimal_pairs(states, "coin presence", per_level=3)
    heights = set()
    for with_coin, without in zip(pairs.states("clean"), pairs.states("corrupted"), strict=True):
        assert without.coins == ()
        ((x, y),) = with_coin.coins
        assert geometry.safe(without)[y, x]
        assert geometry.reachable(without, (landing(without), (x, y)))[0, 1]
        heights.add(y - landing(without)[1])
    assert len(heights) > 1
    assert set(pairs.strata["side"]) >= {"right", "left"}


def test_the_two_by_two_has_four_scenes_of_each_state(states) -> None:
    saw, none = (minimal_pairs(states, name) for name in ("coin side, saw on the right", "coin side, no saw there"))
    assert np.array_equal(saw.levels, none.levels)
    for which in ("clean", "corrupted"):
        for with_saw, without in zip(saw.states(which), none.states(which), strict=True):
            assert with_saw.coins == without.coins
            assert edits.remove_saws(with_saw, [extra(with_saw, without)]) == without
            (x, y), (coin_x, coin_y) = extra(with_saw, without), with_saw.coins[0]
            assert y == coin_y
            assert x - geometry.agent_cell(without)[0] == abs(coin_x - geometry.agent_cell(without)[0]) + 1


def extra(with_saw: GameState, without: GameState) -> tuple[int, int]:
    (cell,) = geometry.entity_cells(with_saw, EntityType.SAW) - geometry.entity_cells(without, EntityType.SAW)
    return cell


def test_a_mirrored_level_ends_on_the_left_and_its_pairs_are_right_and_left_of_the_frame(states) -> None:
    pairs = minimal_pairs(states, "level", per_level=1)
    for as_made, turned in zip(pairs.states("clean"), pairs.states("corrupted"), strict=True):
        first, last = geometry.start_x(as_made), geometry.end_x(as_made)
        grid = as_made.grid[:, first : last + 1]
        assert np.array_equal(turned.grid[:, first : last + 1], grid[:, ::-1])
        assert turned.agent_xy[0] == pytest.approx(first + last + 1 - as_made.agent_xy[0])
        assert turned["facing_right"] == 1 - as_made["facing_right"]
    plain, turned = (minimal_pairs(states, f"coin side{words}") for words in ("", ", mirrored level"))
    assert turned.n_levels == plain.n_levels
    for right, left in zip(turned.states("clean"), turned.states("corrupted"), strict=True):
        assert right.coins[0][0] > geometry.agent_cell(right)[0] > left.coins[0][0]
        assert edits.mirrored(edits.remove_coin(right)) != edits.remove_coin(right)


# ------------------------------------------------------------------------------------------------ strata


def test_strata_say_where_a_pair_lies(states) -> None:
    pairs = minimal_pairs(states, "coin side", per_level=3)
    grounded = [geometry.on_ground(state) for state in pairs.states("clean")]
    assert np.array_equal(pairs.strata["agent"] == "grounded", grounded)
    columns = [state.coins[0][0] - geometry.agent_cell(state)[0] for state in pairs.states("clean")]
    assert np.array_equal(pairs.strata["distance"] == "far", np.array(columns) > 2)
    assert len(pairs.where("agent", "airborne")) == len(pairs) - sum(grounded) > 0
    both = pairs.where("agent", "airborne").where("distance", "near")
    assert set(both.strata["agent"]) == {"airborne"}
    masks = pairs.strata.masks()
    assert np.array_equal(masks["agent", "grounded"], grounded)
    assert "side" not in {name for name, _ in masks}  # all of them have the clean coin on the right
    with pytest.raises(SceneError, match="no stratum is called 'agnet'; did you mean 'agent'"):
        pairs.where("agnet", "grounded")
    with pytest.raises(SceneError, match="no pair is 'flying' in stratum 'agent'"):
        pairs.where("agent", "flying")
    assert list(pairs.to_frame()["hazard"]) == pairs.strata["hazard"].tolist()


def test_a_hazard_counts_where_it_is_in_view() -> None:
    near, far = (
        drawn("#......A.." + "." * gap + "S" + "." * (14 - gap) + "#", "#" * 26) for gap in (3, 9)
    )  # fmt: skip
    labels = [minimal_pairs([state], "coin on the left").strata["hazard"].tolist() for state in (near, far)]
    assert labels == [["in view"], ["none"]]


def test_every_variable_says_what_it_is_for() -> None:
    assert {one.role for one in VARIABLES.values()} <= {"coin", "ceiling", "control"}
    assert {"coin presence", "coin side, mirrored level", "coin side, saw on the right", "level"} <= set(VARIABLES)
    assert "real coin or picture" not in VARIABLES
