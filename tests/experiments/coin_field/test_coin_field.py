"""The coin field: of planted networks, whose answer is known, and what is said of results made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.circuits.planted import planted_network
from mechinterp.coinrun.edits import add_coin
from mechinterp.coinrun.geometry import agent_cell
from mechinterp.coinrun.scenes import render
from mechinterp.experiments import Context, Inputs, Plan
from mechinterp.experiments.coin_field.measure import REACH, Size, measure
from mechinterp.experiments.coin_field.result import Result, Written
from mechinterp.experiments.coin_field.view import caption, figures, headline
from mechinterp.experiments.inputs.blindings import blindings
from mechinterp.experiments.inputs.examples import one_a_level
from mechinterp.policies.readouts import readout_values
from tests.experiments.handmade import estimate, null, read_back, spaced
from tests.experiments.planted_wall import subject

SMALL = Size(states=5, choosing=4, random=3, random_states=2)


@pytest.fixture(scope="module")
def found() -> tuple[Inputs, Result]:
    policy = planted_network("coin", distractors=0.0).policy
    own = Inputs(subject(policy), Plan(levels=20, states=2, quick=True))
    return own, measure(Context(own, SMALL, np.random.default_rng(0)))


def test_a_planted_coin_seeker_is_drawn_to_the_coins_side_and_by_the_written_coin_alike(found):
    _, result = found
    assert result.toward.low > 0.5
    real, counts = result.real, result.counts
    left, right = real[:, : REACH - 1], real[:, REACH + 2 :]
    assert left.max() <= 0 <= right.min()  # 0 where a coin is hidden, or out of the frame
    assert (left[counts[:, : REACH - 1] > 0] < 0).mean() > 0.8
    assert (right[counts[:, REACH + 2 :] > 0] > 0).mean() > 0.8
    assert result.written.correlation.low > 0.8
    assert result.written.slope.value == pytest.approx(1, abs=0.3)
    assert read_back(result) == result


def test_a_cell_is_the_mean_over_states_of_the_change_that_a_real_coin_makes(found):
    own, result = found
    policy = own.subject.policy
    pairs = one_a_level(own(blindings).report, SMALL.states)
    row, column = np.argwhere(result.counts == SMALL.states)[0]
    changes = []
    for state in pairs.states("corrupted"):
        x, y = agent_cell(state)
        with_coin = add_coin(state, (x + int(column) - REACH, y + REACH - int(row)))
        after, before = readout_values(policy, render([with_coin, state]))["movement"]
        changes.append(after - before)
    assert result.real[row, column] == pytest.approx(np.mean(changes), abs=1e-4)


def result(toward: float = 2.0, p: float = 0.01) -> Result:
    field = np.arange(9, dtype=np.float32).reshape(3, 3) - 4
    counts = np.ones((3, 3), np.int64)
    counts[0, 0] = 0
    written = Written(
        hook="block2", field=field, correlation=estimate(0.9, 0.05).against(null(-0.5, 0.5, p=p)),
        slope=estimate(0.8, 0.1),
    )  # fmt: skip
    return Result(
        real=field, counts=counts, toward=estimate(toward, 0.5), near=estimate(toward, 0.6), written=written, states=4,
        levels=4, random=40,
    )  # fmt: skip


def test_the_headline_says_which_way_and_whether_the_written_coin_does_the_same():
    said = spaced(headline(result()))
    assert said.startswith("Coins draw it to their side (+2.0 nats [1.5, 2.5]")
    assert "as real coins do (r = 0.90 [0.85, 0.95], slope" in said
    assert "drive it to the other side" in headline(result(-2.0))
    assert "neither side" in headline(result(0.1))
    assert "is not shown to do what real coins do" in headline(result(p=0.3))
    assert "p = 0.01 among random templates" in caption(result())


def test_cells_without_a_state_are_empty():
    (figure,) = figures(result())
    real, written = figure.plot.data
    assert np.isnan(real.z[0][0])
    assert real.z[2][2] == written.z[2][2] == 4
    assert list(real.y) == [1, 0, -1]  # rows go down
