"""Distances through open cells, against a breadth-first search in plain Python."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from mechinterp.coinrun import geometry
from mechinterp.coinrun.distances import distance, resting_y, steps_to
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.levels import LevelSource


@pytest.fixture(scope="module")
def level():
    with LevelSource(GameOptions(distribution_mode="easy", use_backgrounds=False)) as source:
        return source.start(710_000_003).state


def searched(state, goals) -> np.ndarray:
    open_cells = ~geometry.solid(state)
    found = np.full(open_cells.shape, np.inf)
    queue = deque((x, y, 0) for x, y in goals)
    for x, y in goals:
        found[y, x] = 0
    while queue:
        x, y, steps = queue.popleft()
        for nx, ny in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            inside = 0 <= nx < open_cells.shape[1] and 0 <= ny < open_cells.shape[0]
            if inside and open_cells[ny, nx] and np.isinf(found[ny, nx]):
                found[ny, nx] = steps + 1
                queue.append((nx, ny, steps + 1))
    return found


def test_steps_are_those_of_a_breadth_first_search(level):
    for goals in (level.coins, [(3, 5), (9, 4)]):
        np.testing.assert_array_equal(steps_to(level, goals), searched(level, goals))


def test_nothing_is_near_to_no_cell(level):
    assert np.isinf(steps_to(level, [])).all()


def test_what_falls_comes_to_rest_on_the_rock_below(level):
    rock, resting = geometry.solid(level), resting_y(level)
    for x, y in [(1, 12), (5, 9), (int(level.agent_xy[0]), int(level.agent_xy[1]))]:
        row = y
        while row > 0 and not rock[row, x] and not rock[row - 1, x]:
            row -= 1
        assert resting[y, x] == row


def test_between_two_cells_the_distance_lies_between_theirs(level):
    x, y = geometry.agent_cell(level)
    steps, resting = steps_to(level, [(x, y)]), resting_y(level)
    places = np.array([[x + 0.5, y + 0.5], [x + 1.0, y + 0.5], [x + 1.5, y + 0.5]], np.float32)
    np.testing.assert_allclose(distance(steps, resting, places), [0.0, 0.5, 1.0], atol=1e-6)
    above = places + np.array([0.0, 3.0], np.float32)  # in a jump: it will come down again
    np.testing.assert_allclose(distance(steps, resting, above), [0.0, 0.5, 1.0], atol=1e-6)
