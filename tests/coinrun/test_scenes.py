from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mechinterp.coinrun import camera, geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.scenes import VARIABLES, MinimalPairs, SceneError, coin_at, coin_side, joined, minimal_pairs
from mechinterp.coinrun.state import GameState

FLAT = "#.......A......#\n################"


@pytest.fixture(scope="module")
def states() -> list[GameState]:
    return [level(FLAT, level_seed=seed) for seed in (3, 4)]


@pytest.fixture(scope="module")
def pairs(states: list[GameState]) -> MinimalPairs:
    return minimal_pairs(states, "coin side")


def same(a: MinimalPairs, b: MinimalPairs) -> bool:
    arrays = ("clean", "corrupted", "levels")
    rest = [field.name for field in dataclasses.fields(a) if field.name not in arrays]
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays) and all(
        getattr(a, name) == getattr(b, name) for name in rest
    )


# ------------------------------------------------------------------------------------------------ what changes


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_the_coins_distance_can_be_chosen(states: list[GameState], k: int) -> None:
    x, y = geometry.agent_cell(states[0])
    made = minimal_pairs(states, coin_side(k))
    assert made.variable == f"coin side, {k} columns away"
    assert [state.coins for state in made.states("clean")] == [((x + k, y),)] * 2
    assert [state.coins for state in made.states("corrupted")] == [((x - k, y),)] * 2
    for side, cell in {"right": (x + k, y), "left": (x - k, y), "above": (x, y + k)}.items():
        with_coin = coin_at(side, k)  # pyright: ignore[reportArgumentType]
        clean, corrupted = with_coin.edit(states[0], np.random.default_rng(8)) or (None, None)
        assert clean is not None
        assert corrupted is not None
        ((found_x, found_y),) = clean.coins
        assert (found_x, found_y) == cell or (side == "above" and found_y == cell[1] and abs(found_x - x) == 1)
        assert corrupted.coins == ()
        assert with_coin.name.endswith(f", {k} cells away")


def test_the_named_variables_are_those_of_any_distance(states: list[GameState]) -> None:
    made = {"coin side": coin_side(), "coin on the right": coin_at("right"), "coin on the left": coin_at("left")}
    made["coin above"] = coin_at("above")
    for name, variable in made.items():
        assert variable.name == name
        assert same(minimal_pairs(states, name), minimal_pairs(states, variable))
    assert set(made) < set(VARIABLES)


def test_distances_and_sides_that_are_none() -> None:
    for k in (1, 6, -2, 2.5):
        with pytest.raises(SceneError, match="allowed are 2 to 5"):
            coin_side(k)  # pyright: ignore[reportArgumentType]
        with pytest.raises(SceneError, match="allowed are 2 to 5"):
            coin_at("above", k)  # pyright: ignore[reportArgumentType]
    with pytest.raises(SceneError, match="'below', allowed are"):
        coin_at("below")  # pyright: ignore[reportArgumentType]


def test_the_end_wall_is_out_of_view_or_in_it(states: list[GameState]) -> None:
    made = minimal_pairs(states, VARIABLES["end wall"])
    for far, near in zip(made.states("clean"), made.states("corrupted"), strict=True):
        half = camera.Camera.of(far).visibility / 2
        assert geometry.end_x(far) + 1 - far.agent_xy[0] > half
        assert geometry.end_x(near) + 1 - near.agent_xy[0] < half
        assert far.coins == near.coins == ()


# ------------------------------------------------------------------------------------------------ files


def test_pairs_come_back_from_their_file_even_none_of_them(pairs: MinimalPairs, tmp_path: Path) -> None:
    for each in (pairs, pairs.select(np.zeros(2, bool))):
        each.save(tmp_path / "pairs.npz")
        assert same(MinimalPairs.load(tmp_path / "pairs.npz"), each)


def _arrays(pairs: MinimalPairs, path: Path) -> dict[str, Any]:
    pairs.save(path)
    with np.load(path) as file:
        return dict(file)


@pytest.mark.parametrize("kind", ["lack", "float", "scalar", "swap", "other", "extra", "empty"])
def test_a_file_with_other_contents_is_refused(pairs: MinimalPairs, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pairs.npz"
    whole = _arrays(pairs, path)
    for name, value in whole.items():
        changed = dict(whole)
        if kind == "lack":
            del changed[name]
        elif kind == "float":
            changed[name] = value.astype(np.float64) if value.dtype.kind in "iu" else np.array(1.5)
        elif kind == "scalar":
            changed[name] = np.array(3)
        elif kind == "swap":
            other = name.replace("clean", "corrupted")
            if other == name or name not in ("clean", "clean_states", "clean_label"):
                continue
            changed[name] = whole[other]
        elif kind == "other":
            changed[name] = np.array("else") if value.ndim == 0 else value + 1
        elif kind == "extra":
            changed[name + "s"] = value
        else:
            changed[name] = value[:0] if value.ndim else np.array("")
        np.savez(path, **changed)
        with pytest.raises(SceneError, match=str(path)):
            MinimalPairs.load(path)


def test_a_damaged_file_is_refused_or_gives_the_same_pairs(pairs: MinimalPairs, tmp_path: Path) -> None:
    path = tmp_path / "pairs.npz"
    pairs.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for trial in range(300):
        damaged = bytearray(whole)
        # Every other trial hits the directory at the end, where names, methods and sizes are.
        low = len(whole) - 1200 if trial % 2 else 0
        for at in rng.integers(low, len(whole), int(rng.integers(1, 6))).tolist():
            damaged[at] = int(rng.integers(256))
        if trial % 10 == 0:
            del damaged[int(rng.integers(len(whole))) :]
        path.write_bytes(damaged)
        try:
            assert same(MinimalPairs.load(path), pairs)
        except SceneError:
            refused += 1
    assert refused > 150


@pytest.mark.parametrize("variable", [["coin side"], None, 3])
def test_what_is_no_variable(states: list[GameState], variable: Any) -> None:
    with pytest.raises(SceneError, match="no variable is called"):
        minimal_pairs(states, variable)


# ------------------------------------------------------------------------------------------------ tables and choices


def test_a_selection_says_what_it_needs(pairs: MinimalPairs) -> None:
    assert len(pairs.select([])) == len(pairs.select([False, False])) == 0
    assert pairs.select([-1]).levels.tolist() == pairs.select([1]).levels.tolist() == [4]
    for rows in (None, 3, "a", [[0]], [0.5], [[0], [0, 1]]):
        with pytest.raises(SceneError, match="select: places of pairs or a mask are needed"):
            pairs.select(rows)  # pyright: ignore[reportArgumentType]
    for rows in ([99], [0, -3]):
        with pytest.raises(SceneError, match=rf"select: there is no pair {rows[-1]}; there are 2, the first is 0"):
            pairs.select(rows)
    with pytest.raises(SceneError, match="select: a mask of 3 for 2 pairs"):
        pairs.select([True, False, True])


def test_a_table_has_a_row_for_each_pair(pairs: MinimalPairs) -> None:
    table = pairs.to_frame()
    assert list(table) == ["pair", "level", "variable", "clean_label", "corrupted_label", "clock", *pairs.strata]
    assert table["level"].tolist() == [3, 4]
    assert table.loc[0, ["variable", "clean_label", "corrupted_label"]].tolist() == [
        "coin side",
        "coin right",
        "coin left",
    ]
    assert table["clock"].tolist() == [int(state["cur_time"]) for state in pairs.states("corrupted")]
    assert len(pairs.select([]).to_frame()) == 0


def test_pairs_know_what_was_played_for_them(states: list[GameState], pairs: MinimalPairs, tmp_path: Path) -> None:
    only = minimal_pairs([level("#A#\n###", level_seed=9), *states], "coin side")
    assert (only.levels.tolist(), only.played, pairs.played) == ([3, 4], (3, 4, 9), (3, 4))
    assert only.digest != pairs.digest
    assert joined([only, pairs], variable="two").played == (3, 4, 9)
    unknown = dataclasses.replace(only, played=())
    assert joined([unknown, unknown], variable="two").played == ()
    assert joined([unknown, only.select([0])], variable="two").played == (3, 4, 9)
    arrays = _arrays(unknown, tmp_path / "old.npz")
    del arrays["played"]  # as files were before
    np.savez(tmp_path / "old.npz", **arrays)
    assert same(MinimalPairs.load(tmp_path / "old.npz"), unknown)


def test_one_is_not_several(pairs: MinimalPairs) -> None:
    assert pairs.counted == "2 pairs of 2 levels"
    assert repr(pairs.select([0])).endswith("1 pair of 1 level)")
