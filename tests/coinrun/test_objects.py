"""What stands in the coin's cell: the same scenes with another object, and nothing else changed."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp._discovery import UnknownName
from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.layout import EntityType
from mechinterp.coinrun.scenes import OBJECTS, MinimalPairs, Object, SceneError, joined, minimal_pairs, render
from mechinterp.coinrun.scenes.pool import pool_states
from mechinterp.coinrun.scenes.variables.variable import without_coins

COLOURS = [name for name, one in OBJECTS.items() if one.kind == "colour"]


@pytest.fixture(scope="module")
def pairs() -> MinimalPairs:
    states = pool_states(GameOptions(distribution_mode="easy", use_backgrounds=False), levels=12, per_level=12)
    return minimal_pairs(states, "coin side", per_level=2)


def test_there_are_objects_of_every_kind() -> None:
    assert len(COLOURS) >= 4
    kinds = {one.kind for one in OBJECTS.values()}
    assert kinds == {"colour", "pixels", "thing", "place", "elsewhere"}
    assert {"crate", "saw", "enemy", "gem-coloured square", "shuffled coin", "coin in the air"} <= set(OBJECTS)
    with pytest.raises(ValueError, match="either put or paint"):
        Object("neither", "thing")


@pytest.mark.parametrize("name", list(OBJECTS))
def test_only_the_coins_place_changes(pairs, name) -> None:
    found = pairs.with_object(name)
    assert np.array_equal(found.pairs.levels, pairs.levels[found.rows])
    assert found.pairs.strata == pairs.strata.select(found.rows)
    assert (found.pairs.clean_label, found.pairs.corrupted_label) == (f"{name} right", f"{name} left")
    if OBJECTS[name].kind == "elsewhere":
        return
    assert len(found) >= 0.9 * len(pairs)
    for which in ("clean", "corrupted"):
        before, after = (getattr(one, which) for one in (pairs.select(found.rows), found.pairs))
        cells = pairs.select(found.rows).coin_cells(64, which)
        reach = 3 * 64 / 13 + 6 if name == "coin in the air" else 8
        for row, column, one, other in zip(*cells.T, before, after, strict=True):
            rows, columns = np.nonzero((one != other).any(-1))
            assert len(rows)
            assert np.abs(rows - row).max() <= reach
            assert np.abs(columns - column).max() <= 8


def test_colours_by_hand(pairs) -> None:
    bare = render([without_coins(state) for state in pairs.states("clean")])
    changed = (pairs.clean != bare).any(-1)
    blue, grey = (pairs.with_object(name).pairs.clean for name in ("blue coin", "grey coin"))
    assert np.array_equal(blue[changed], pairs.clean[changed][:, [2, 1, 0]])
    assert np.array_equal(blue[~changed], pairs.clean[~changed])
    assert (np.ptp(grey[changed].astype(int), axis=-1) == 0).all()
    made = [pairs.with_object(name).pairs.clean for name in COLOURS]
    assert len({frames.tobytes() for frames in made}) == len(COLOURS)


def test_shuffled_pixels_are_the_same_pixels(pairs) -> None:
    shuffled = pairs.with_object("shuffled coin").pairs
    bare = render([without_coins(state) for state in pairs.states("clean")])
    moved = 0
    for coin, mixed, without in zip(pairs.clean, shuffled.clean, bare, strict=True):
        where, new = (coin != without).any(-1), (mixed != without).any(-1)
        assert new.sum() <= where.sum()
        assert set(map(tuple, mixed[new].tolist())) <= set(map(tuple, coin[where].tolist()))
        moved += not np.array_equal(coin, mixed)
    assert moved == len(pairs)


def test_things_are_in_the_game(pairs) -> None:
    for name, kind in (("crate", EntityType.CRATE), ("saw", EntityType.SAW), ("enemy", EntityType.ENEMY)):
        found = pairs.with_object(name)
        for with_coin, with_thing in zip(
            pairs.select(found.rows).states("clean"), found.pairs.states("clean"), strict=True
        ):
            assert with_thing.coins == ()
            assert with_coin.coins[0] in geometry.entity_cells(with_thing, kind)
        assert np.array_equal(render(found.pairs.states("clean")), found.pairs.clean)
    higher = pairs.with_object("coin in the air")
    for before, after in zip(pairs.select(higher.rows).states("clean"), higher.pairs.states("clean"), strict=True):
        ((x, y),) = before.coins
        assert after.coins == ((x, y + 3),)


def test_a_saws_picture_has_the_saws_pixels() -> None:
    state = level("#......A......#\n###############")
    assert np.array_equal(*render([put(state, (10, 1)) for put in (edits.add_saw, edits.add_saw_picture)]))


def test_the_side_without_a_coin_stays_as_it_is(pairs) -> None:
    states = pairs.states("clean")
    presence = minimal_pairs(states, "coin on the right", per_level=1)
    for name in ("crate", "blue coin"):
        found = presence.with_object(name)
        assert np.array_equal(found.pairs.corrupted, presence.corrupted[found.rows])
        assert found.pairs.corrupted_label == f"no {name}"
    both = joined([presence, presence], variable="twice").with_object("crate")
    assert len(both) == 2 * len(presence.with_object("crate"))


def test_where_there_is_nothing_to_replace(pairs) -> None:
    with pytest.raises(SceneError, match="there is no coin in these pairs"):
        minimal_pairs(pairs.states("clean"), "level").with_object("crate")
    with pytest.raises(UnknownName, match="did you mean 'crate'"):
        pairs.with_object("crat")
    roofed = level("#......A......#\n###############")
    made = minimal_pairs([roofed], "coin side")
    rock = [state.replace(grid=_roof(state.grid)) for state in (*made.states("clean"), *made.states("corrupted"))]
    covered = MinimalPairs(
        "coin side", "coin right", "coin left", render(rock[:1]), render(rock[1:]), made.levels,
        (rock[0].to_bytes(),), (rock[1].to_bytes(),),
    )  # fmt: skip
    with pytest.raises(SceneError, match="none of 1 pair of 1 level has room for 'coin in the air'"):
        covered.with_object("coin in the air")


def _roof(grid: np.ndarray) -> np.ndarray:
    roofed = grid.copy()
    roofed[4] = 15
    return edits.retile(roofed)
