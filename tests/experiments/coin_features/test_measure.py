"""The search on networks whose answer is known: a wall that is used, a coin that is not, and nothing at all."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.circuits.planted import planted
from mechinterp.coinrun.engine import GameOptions
from mechinterp.experiments import Context, Inputs, Plan, locate
from mechinterp.experiments.coin_features import measure
from mechinterp.experiments.inputs.localization import localization_data
from mechinterp.experiments.slice import ExperimentError
from mechinterp.features.attribution import PIXELS
from mechinterp.features.channel_attribution import channel_attributions
from mechinterp.features.variables import largest_difference
from mechinterp.features.verdicts import Verdict
from mechinterp.features.whereabouts import whereabouts
from mechinterp.policies import ImpalaConfig, Policy, Subject, build
from mechinterp.policies.card import Card

PLAIN = GameOptions(distribution_mode="easy", use_backgrounds=False)
HOOKS = ("block1.res1.hook_out", "block2.res1.hook_out")
SEED = 3
"""Draws without an untrained channel as selective as the planted one; some networks have one in so early a layer."""
PLAN = Plan(levels=36, states=2, quick=True, seed=SEED, hooks=HOOKS)


def subject_of(policy: Policy) -> Subject:
    policy.eval().requires_grad_(False)
    return Subject("made", policy, Card(policy.config), "0" * 64, PLAIN)


@pytest.fixture(scope="module")
def wall():
    return planted("wall", distractors=0.0)


@pytest.fixture(scope="module")
def inputs(wall):
    return Inputs(subject_of(wall.policy), PLAN)


@pytest.fixture(scope="module")
def asked():
    """The levels of each part that is handed to what chooses and confirms."""
    return {}


@pytest.fixture(scope="module")
def found(inputs, asked):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("find_coin_channels", "coin_directions"):
            patch.setattr(measure, name, spied(name, getattr(measure, name), asked))
        context = Context(inputs, measure.SIZES.quick, np.random.default_rng(SEED))
        return measure.measure(context)


def spied(name, function, asked):
    def called(*parts, rng):
        asked[name] = [[set(own.coin.levels.tolist()) for own in getattr(part, "networks", (part,))] for part in parts]
        return function(*parts, rng=rng)

    return called


@pytest.mark.slow
def test_levels_that_are_reported_on_choose_nothing(inputs, found, asked):
    data = inputs(localization_data)
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
def test_a_coin_that_is_not_used_in_a_network_that_turns_from_walls(wall, inputs, found):
    coin = {n.channel for n in wall.channels["idle coin"]}
    first, last = (found.layers[hook] for hook in HOOKS)
    assert set(first.channels) <= coin
    assert first.channels
    assert first.verdict is Verdict.CHANNELS_UNUSED
    assert not last.channels
    assert found.represented
    assert not found.used
    scenes = inputs(localization_data).scenes
    # a real coin against none does differ inside: the check that its picture does not can fail
    assert largest_difference(wall.policy, scenes.coin, HOOKS) > 0.1
    (place,) = whereabouts(wall.policy, scenes, [(HOOKS[0], min(coin))], rng=np.random.default_rng(0))
    assert place.around.low > 0.8
    assert abs(place.right.value) < 2
    assert abs(place.below.value) < 2


@pytest.mark.slow
def test_the_movement_of_that_network_is_attributed_to_the_wall_and_not_to_the_coin(wall, inputs):
    (_, wall_channel) = wall.channels["wall"]
    assert wall_channel.hook.startswith("block2")
    coin = {n.channel for n in wall.channels["idle coin"]}
    data = inputs(localization_data)
    frames, levels = data.scenes.coin.clean[:40], data.scenes.levels[:40]
    parts, failed = channel_attributions(
        wall.policy, frames, levels, levels[:12], rng=np.random.default_rng(0), hooks=HOOKS,
        coin_channels={HOOKS[0]: sorted(coin)},
    )  # fmt: skip
    by = {(part.readout, part.hook): part for part in parts}
    movement = by["movement", HOOKS[1]]
    assert movement.channels[0] == wall_channel.channel
    assert movement.shares[0].value == pytest.approx(1)
    assert movement.needed == 1
    on_coin = by["movement", HOOKS[0]].coin_excess
    assert on_coin is not None
    width = wall.policy.shapes[HOOKS[0]][0]
    assert on_coin.value == pytest.approx(-len(coin) / width)  # nothing falls on it
    assert not [words for words in failed if words.startswith("attribution of movement")]
    assert PIXELS not in HOOKS


@pytest.mark.slow
def test_variables_of_that_network(inputs, wall):
    results = locate(inputs.subject, quick=True, levels=36, seed=SEED, hooks=HOOKS, only=["variables"])
    table = results["variables"]
    coin = {n.channel for n in wall.channels["idle coin"]}
    (_, wall_channel) = wall.channels["wall"]
    own = table.contrasts["coin"][HOOKS[0]]
    assert own.channel in coin
    assert 1 <= own.above_untrained <= own.discriminating
    end = table.contrasts["end wall"][HOOKS[1]]
    assert end.channel == wall_channel.channel
    assert end.strongest.low > max(0.5, table.contrasts["coin"][HOOKS[1]].strongest.high)
    assert (table.picture_difference, table.pictures >= 20) == (0.0, True)


def test_a_network_that_knows_nothing_goes_through_the_whole_search():
    """`analyses/untrained_networks.py` at a reduced size; `test_coin_search` has twenty, from shared scenes."""
    tiny = ImpalaConfig(channels=(6, 8), res_blocks=1, hidden=10)
    results = locate(subject_of(build(tiny, seed=1)), quick=True, levels=36, seed=1, only=["coin_features"])
    found = results["coin_features"]
    assert not found.represented
    assert found.untrained == 20


def test_too_few_levels_are_refused(wall):
    with pytest.raises(ExperimentError, match="levels: 20; at least 36 are needed"):
        Inputs(subject_of(wall.policy), Plan(levels=20))(localization_data)
    with pytest.raises(ExperimentError, match="levels: 35; the localization page needs at least 36"):
        locate(subject_of(wall.policy), levels=35)
