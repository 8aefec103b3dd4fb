"""The search on networks whose answer is known: a coin that is not used, and nothing at all."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.coinrun.engine import GameOptions
from mechinterp.experiments import Context, Inputs, Plan, locate
from mechinterp.experiments.coin_features import measure
from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.inputs.localization import localization_data
from mechinterp.features.verdicts import Verdict
from mechinterp.features.whereabouts import whereabouts
from mechinterp.policies import ImpalaConfig, Policy, Subject, build
from mechinterp.policies.card import Card
from tests.experiments.planted_wall import HOOKS, inputs, wall

SHOWN = 4
"""A seed for which the planted channel is found (`planted_wall.inputs`)."""
PLAIN = GameOptions(distribution_mode="easy", use_backgrounds=False)


def untrained(policy: Policy) -> Subject:
    return Subject("untrained", policy.eval().requires_grad_(False), Card(policy.config), "0" * 64, PLAIN)


@pytest.fixture(scope="module")
def asked():
    """The levels of each part that is handed to what chooses and confirms."""
    return {}


@pytest.fixture(scope="module")
def found(asked):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("find_coin_channels", "coin_directions"):
            patch.setattr(measure, name, spied(name, getattr(measure, name), asked))
        return measure.measure(Context(inputs(SHOWN), measure.SIZES.quick, np.random.default_rng(3)))


def spied(name, function, asked):
    def called(*parts, rng):
        asked[name] = [[set(own.coin.levels.tolist()) for own in getattr(part, "networks", (part,))] for part in parts]
        return function(*parts, rng=rng)

    return called


@pytest.mark.slow
def test_levels_that_are_reported_on_choose_nothing(found, asked):
    data = inputs(SHOWN)(localization_data)
    choose, held = set(data.choosing.tolist()), set(data.held.tolist())
    assert (len(choose), len(held)) == (found.choosing, found.held_out)
    assert choose
    assert held
    assert not choose & held
    order = {"find_coin_channels": (choose, choose, held, held), "coin_directions": (choose, held, choose, held)}
    for name, expected in order.items():
        for levels, part in zip(expected, asked[name], strict=True):
            assert part == [levels] * len(part)
    assert set(found.examples.levels) <= held


@pytest.mark.slow
def test_a_coin_that_is_not_used_in_a_network_that_turns_from_walls(found):
    coin = {n.channel for n in wall().channels["idle coin"]}
    first, last = (found.layers[hook] for hook in HOOKS)
    assert set(first.channels) <= coin
    assert first.channels
    assert first.verdict is Verdict.CHANNELS_UNUSED
    assert not last.channels
    assert found.represented
    assert not found.used
    scenes = inputs(SHOWN)(localization_data).scenes
    (place,) = whereabouts(wall().policy, scenes, [(HOOKS[0], min(coin))], rng=np.random.default_rng(0))
    assert place.around.low > 0.8
    assert abs(place.right.value) < 2
    assert abs(place.below.value) < 2


def test_a_network_that_knows_nothing_goes_through_the_whole_search():
    """`analyses/untrained_networks.py` at a reduced size; `test_coin_search` has twenty, from shared scenes."""
    tiny = ImpalaConfig(channels=(6, 8), res_blocks=1, hidden=10)
    results = locate(untrained(build(tiny, seed=1)), quick=True, levels=36, seed=1, only=["coin_features"])
    found = results["coin_features"]
    assert not found.represented
    assert found.untrained == 20


def test_too_few_levels_are_refused():
    with pytest.raises(ExperimentError, match="levels: 20; at least 36 are needed"):
        Inputs(inputs(SHOWN).subject, Plan(levels=20))(localization_data)
    with pytest.raises(ExperimentError, match="levels: 35; the localization page needs at least 36"):
        locate(inputs(SHOWN).subject, levels=35)
