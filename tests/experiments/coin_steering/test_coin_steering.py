"""Steering: a planted network whose response is known, and what is said of results made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mechinterp.circuits.planted import planted_network
from mechinterp.experiments import Context, Inputs, Plan
from mechinterp.experiments.coin_steering.measure import DOSES, Size, measure
from mechinterp.experiments.coin_steering.result import Dose, Played, Result
from mechinterp.experiments.coin_steering.view import DIED, RIGHT, TOOK, TOWARD, figures, headline, text
from mechinterp.experiments.inputs.blindings import blindings
from mechinterp.experiments.inputs.examples import one_a_level
from mechinterp.experiments.inputs.side_vector import side_vector
from mechinterp.policies.readouts import readout_values
from tests.experiments.handmade import estimate, null, read_back, spaced
from tests.experiments.planted_wall import subject

SMALL = Size(frames=6, random=4, levels=6, steps=10)


@pytest.fixture(scope="module")
def found() -> tuple[Inputs, Result]:
    policy = planted_network("coin", distractors=0.0).policy
    own = Inputs(subject(policy), Plan(levels=20, states=2, quick=True))
    return own, measure(Context(own, SMALL, np.random.default_rng(0)))


def test_a_planted_coin_seeker_is_steered_both_ways_and_more_by_larger_doses(found):
    _, result = found
    changes = {one.dose: one.change for one in result.frames}
    assert list(changes) == list(DOSES)
    assert changes[1.0].low > 0 > changes[-1.0].high
    assert changes[4.0].value > changes[2.0].value > changes[1.0].value
    assert changes[-4.0].value < changes[-2.0].value < changes[-1.0].value
    for dose in (1.0, -1.0):
        assert abs(changes[dose].value) > max(abs(changes[dose].null.low), abs(changes[dose].null.high))
    assert [one.dose for one in result.episodes] == [-2, -1, 0, 1, 2]
    assert read_back(result) == result


def test_a_dose_is_the_vector_added_to_the_layers_activation(found):
    own, result = found
    policy, vector = own.subject.policy, own(side_vector).vector
    frames = one_a_level(own(blindings).report, SMALL.frames).corrupted
    with policy.hooks_on({result.hook: lambda value, hook: value + 2 * vector}), torch.no_grad():
        after = policy(torch.from_numpy(frames)).logits
    before = readout_values(policy, frames)["movement"]
    logodds = (after[:, 3] - after[:, 0]).numpy()  # planted.ACTIONS: left first, right last
    dose = next(one for one in result.frames if one.dose == 2)
    assert dose.change.value == pytest.approx(float((logodds - before).mean()), abs=1e-4)


def made(up: float = 2.0, down: float = -2.0, p: float = 0.01) -> Result:
    shares = {name: estimate(0.5, 0.1) for name in (RIGHT, TOOK, TOWARD, DIED)}
    return Result(
        hook="block2", real=estimate(3.0, 0.1),
        frames=(
            Dose(dose=-1.0, change=estimate(down, 0.5).against(null(-0.2, 0.2, p=p))),
            Dose(dose=1.0, change=estimate(up, 0.5).against(null(-0.2, 0.2, p=p))),
        ),
        episodes=(
            Played(dose=-2.0, shares=shares, changes=shares), Played(dose=0.0, shares=shares, changes={}),
            Played(dose=2.0, shares=shares, changes=shares),
        ),
        norm=0.5, choosing=20, random=100, steps=90,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (made(), "steers it both ways (a whole dose +2.0 nats [1.5, 2.5])"),
        (made(-2.0, 2.0), "away from where the coin would be"),
        (made(2.0, 2.0), "not to opposite sides"),
        (made(p=0.3), "does not clearly steer it"),
        (made(down=-0.55), "does not clearly steer it"),  # within the margin, though not 0
        (made(down=-0.1), "does not clearly steer it"),
    ],
)
def test_the_headline_asks_both_signs_and_the_null(result, words):
    assert words in spaced(headline(result))


def test_doses_are_drawn_with_their_nulls_and_episodes_need_one_without():
    frames, episodes = figures(made())
    assert "Dose -1: -2.0 nats [-2.5, -1.5]; random vectors -0.20 to 0.20, p = 0.01." in spaced(frames.caption)
    assert "Dose 2, against none: first to the right +50" in spaced(episodes.caption)
    assert text(made()).keys[0].label.startswith("steered by 1 coin")
    with pytest.raises(ValidationError, match="no episodes without a dose"):
        Result(**{**dict(made()), "episodes": made().episodes[:1]})
