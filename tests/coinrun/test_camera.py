from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.coinrun import camera, edits, geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.camera import Camera
from mechinterp.coinrun.edits import EditError
from mechinterp.coinrun.engine import Engine
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.state import GameState
from tests.coinrun.helpers import frames

finite = st.floats(-100, 100)


def with_coin_in_view(start: Start, rng: np.random.Generator) -> GameState:
    """The agent somewhere in the air of a level, and a coin somewhere in view that nothing hides."""
    state = edits.remove_coin(start.state)
    while True:
        try:
            state = edits.put_agent(state, float(rng.uniform(1.6, 9)), float(rng.uniform(1.7, 8)))
            break
        except EditError:
            continue
    x, y = state.agent_xy
    others = geometry.entity_cells(state, *EntityType)
    cells = [
        (cx, cy)
        for cx, cy in geometry.cells_of(state.grid == Tile.EMPTY)
        if abs(cx + 0.5 - x) < 6
        and abs(cy + 0.5 - y) < 6
        and max(abs(cx + 0.5 - x), abs(cy + 0.5 - y)) > 2
        and not any(abs(cx - a) <= 1 and abs(cy - b) <= 1 for a, b in others - {geometry.agent_cell(state)})
    ]
    return edits.add_coin(state, cells[int(rng.integers(len(cells)))])


@pytest.fixture(scope="module")
def seen(stock_levels: list[Start]) -> tuple[list[GameState], np.ndarray]:
    """200 states with a coin in view, and where their frames change when the coin is taken away."""
    rng = np.random.default_rng(0)
    states = [with_coin_in_view(start, rng) for start in stock_levels[::3] * 2]
    game = Engine(8)
    changed = (frames(game, states) != frames(game, [edits.remove_coin(state) for state in states])).any(-1)
    game.close()
    return states, changed


def test_the_coin_is_where_the_frame_changes(seen: tuple[list[GameState], np.ndarray]) -> None:
    states, changed = seen
    assert len(states) == 200
    assert 4 <= changed.sum((1, 2)).min() <= changed.sum((1, 2)).max() <= 8
    overlaps = []
    for state, pixels in zip(states, changed, strict=True):
        x, y = state.coins[0]
        row, column = Camera.of(state).pixel(x + 0.5, y + 0.5)
        centre = np.argwhere(pixels).mean(0) + 0.5
        assert np.abs(centre - (row, column)).max() < 0.5
        mask = camera.masks(state)["coin"]
        overlaps.append((mask & pixels).sum() / (mask | pixels).sum())
        (box,) = camera.boxes(state)["coin"]
        assert not (pixels & ~box.mask()).any()
    assert np.mean(overlaps) > 0.95
    assert min(overlaps) > 0.6


@pytest.mark.parametrize("side", [8, 16, 32, 7])
def test_the_coins_feature_map_cell(seen: tuple[list[GameState], np.ndarray], side: int) -> None:
    """The middle of the changed pixels lies in the cell, unless the coin is within half a pixel of the cell's edge."""
    checked = 0
    for state, pixels in zip(*seen, strict=True):
        middle = (np.argwhere(pixels).mean(0) + 0.5) * side / 64
        cell = camera.coins_in_view(state, side)
        assert len(cell) == 1
        slack = 0.5 * side / 64
        assert (np.array(cell[0]) - slack <= middle).all()
        assert (middle <= np.array(cell[0]) + 1 + slack).all()
        if ((middle % 1 > slack) & (middle % 1 < 1 - slack)).all():
            checked += 1
            assert cell[0] == tuple(middle.astype(int).tolist())
    assert checked >= 20


@pytest.mark.parametrize("looks", [{"visibility": 8}, {"visibility": 20}])
def test_other_zooms(stock_levels: list[Start], engine: Engine, looks: dict[str, float]) -> None:
    for start in stock_levels[::60]:
        near = edits.move_coin(start.state, (4, 1))
        state = edits.with_looks(near, **looks)  # pyright: ignore[reportArgumentType]
        with_coin, without = frames(engine, [state, edits.remove_coin(state)])
        pixels = (with_coin != without).any(-1)
        centre = np.argwhere(pixels).mean(0) + 0.5
        assert np.abs(centre - Camera.of(state).pixel(4.5, 1.5)).max() < 0.6


def test_a_view_that_is_not_centred_on_the_agent(engine: Engine) -> None:
    state = level("#A.......#\n" + "##########").replace(center_agent=0)
    view = Camera.of(state)
    assert (view.x, view.y, view.visibility) == (32, 32, 64)
    here, there = state, edits.move_agent(state, (7, 1))
    changed = (frames(engine, [here])[0] != frames(engine, [there])[0]).any(-1)
    assert changed.any()
    row, column = np.argwhere(changed).mean(0) + 0.5
    x, y = view.world(row, column)
    assert x == pytest.approx((1.5 + 7.5) / 2, abs=1)
    assert y == pytest.approx(1.6, abs=1)


@given(x=finite, y=finite, resolution=st.integers(1, 1024), agent=st.tuples(finite, finite), side=st.floats(3, 64))
def test_pixel_and_world_are_inverse(
    x: float, y: float, resolution: int, agent: tuple[float, float], side: float
) -> None:
    view = Camera(*agent, side)
    back = view.world(*view.pixel(x, y, resolution=resolution), resolution=resolution)
    np.testing.assert_allclose(back, (x, y), atol=1e-6)


def test_the_formula_at_its_fixed_points() -> None:
    view = Camera(10.0, 5.0, 13.0)
    assert view.pixel(10.0, 5.0) == (32, 32)
    assert view.pixel(10 - 6.5, 5 + 6.5) == (0, 0)
    assert view.pixel(10.0, 5.0, resolution=512) == (256, 256)
    assert view.feature_cell(10 + 6.49, 5 - 6.49, 8) == (7, 7)
    assert view.feature_cell(10 + 6.51, 5.0, 8) is None
    box = view.box(9.0, 4.0, 11.0, 6.0)
    assert (box.left, box.top) == pytest.approx((32 - 64 / 13, 32 - 64 / 13))
    assert box.mask().sum() == 100


def test_coins_come_before_decoys_and_near_before_far() -> None:
    state = level("#C..c.A.c.C.......................C#\n" + "#" * 36)
    cells = camera.coins_in_view(state, 13)
    assert [column for _, column in cells] == [10, 1, 4, 8], "the farthest coin is out of view"


def mask_of_colour(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Where the frame has the colour that is commonest within the mask."""
    colours, counts = np.unique(frame[mask], axis=0, return_counts=True)
    return (frame == colours[counts.argmax()]).all(-1)


def test_masks_are_where_plain_colours_are(engine: Engine) -> None:
    """In monochrome each kind has a colour of its own, drawn over its whole box, and ground and lava have two."""
    state = level("""
        #............#
        #..S...A..B..#
        #####^^####^^#
        #####^^####^^#
        ##############
    """)
    plain = edits.with_looks(state, monochrome=True, backgrounds=False)
    steps = np.linspace(0, 0.9, 5)
    states = [edits.put_agent(plain, 7.1 + dx, 3.6 + dy) for dx in steps for dy in steps]
    for state, frame in zip(states, frames(engine, states), strict=True):
        masks = camera.masks(state)
        for name, colours in (("saw", 1), ("crate", 1), ("agent", 1), ("ground", 2), ("lava", 2)):
            hidden = masks["agent"] if name != "agent" else np.zeros((64, 64), bool)
            mask = masks[name] & ~hidden
            found = np.zeros_like(mask)
            for _ in range(colours):
                found |= mask_of_colour(frame, mask & ~found)
            found &= ~hidden
            # Pixels are square and edges lie anywhere: a seam of the outline may fall on either side.
            assert (found & mask).sum() / (found | mask).sum() > 0.75, name
            assert not (found & ~_grown(mask)).any(), name


def _grown(mask: np.ndarray) -> np.ndarray:
    """The mask and the pixels next to it."""
    result = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            result |= np.roll(mask, step, axis)
    return result | np.roll(np.roll(mask, 1, 0), 1, 1) | np.roll(np.roll(mask, -1, 0), -1, 1)


def test_masks_at_the_size_of_a_feature_map() -> None:
    state = level("#A..C.\n######")
    masks = camera.masks(state, resolution=13)
    assert {mask.shape for mask in masks.values()} == {(13, 13)}
    assert np.argwhere(masks["coin"]).tolist() == [[6, 9]]
    assert np.argwhere(masks["agent"]).tolist() == [[6, 6]]
    assert not masks["lava"].any()
    assert masks["ground"][8:].all(), "outside the grid there is rock"
    assert set(masks) == {"agent", "coin", "decoy", "saw", "enemy", "crate", "trail", "ground", "lava"}
