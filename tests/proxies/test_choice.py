"""Choice weights of networks whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits.planted import planted_network
from mechinterp.coinrun.engine import GameOptions
from mechinterp.policies.card import Card
from mechinterp.policies.networks import build, light_impala
from mechinterp.policies.subject import Subject
from mechinterp.proxies.choice import choice_weights, game_probabilities
from mechinterp.proxies.choice_scenes import ChoiceScenes, choice_scenes
from mechinterp.proxies.futures import ProxyError
from mechinterp.proxies.random_choices import random_choices

EASY = GameOptions(distribution_mode="easy", use_backgrounds=False)
SUBJECT = Subject("any", build(light_impala(), seed=0), Card(light_impala()), "0" * 64, EASY)


@pytest.fixture(scope="module")
def scenes() -> ChoiceScenes:
    return choice_scenes(SUBJECT, levels=45, per_level=1)


def test_a_network_that_goes_to_the_coin_has_the_coins_weight_and_no_other(scenes):
    found = choice_weights(planted_network("coin").policy, scenes, resamples=100)
    assert found["coin"].own is not None
    assert found["coin"].own.low > 0
    assert found["coin"].own.value > 3 * abs(found["right"].weight.value)


def test_a_network_that_goes_right_has_its_weight_in_mirrored_levels_too(scenes):
    policy = build(light_impala(), seed=0)
    with torch.no_grad():
        policy.get_parameter("logits.weight").zero_()
        policy.get_parameter("logits.bias").copy_(torch.tensor([0.0, 0, 0, 0, 0, 0, 2, 2, 2]))
    found = choice_weights(policy, scenes, resamples=100)
    assert found["right"].weight.low > 0.3
    assert abs(found["level end"].weight.value) < 0.3 * found["right"].weight.value
    assert found["coin"].own is not None
    assert found["coin"].own.value == pytest.approx(0, abs=1e-9)  # it sees nothing, so phantoms change nothing
    assert found["right"].unique > 0.1


def test_random_networks_have_no_weights_but_by_chance(scenes):
    policy = planted_network("coin").policy
    random = random_choices(policy, scenes, networks=20, seed=1)
    own = choice_weights(policy, scenes, resamples=100)["coin"].specific.value
    assert np.median(np.abs(random.specific["coin"])) < own / 3
    assert random.ranks({"coin": own})["coin"].p == pytest.approx(1 / 21)
    assert random.ranks({"coin": 0.0})["coin"].p == 1.0
    alone, others = random.leave_out(3)
    assert alone["coin"] == random.specific["coin"][3]
    assert len(others.specific["coin"]) == 19


def test_actions_that_do_the_same_are_counted_together():
    logits = torch.log(torch.tensor([[0.1] * 9 + [0.1 / 6] * 6], dtype=torch.float64))
    found = game_probabilities(logits, tuple(range(15)))
    np.testing.assert_allclose(found, [[0.1] * 4 + [0.2] + [0.1] * 4])


def test_a_policy_that_cannot_go_left_is_refused(scenes):
    with pytest.raises(ProxyError, match="no action that moves left"):
        choice_weights(build(light_impala(actions=(4, 5, 7, 8)), seed=0), scenes)


def test_too_few_levels_are_refused():
    with pytest.raises(ProxyError, match="20 are needed"):
        choice_scenes(SUBJECT, levels=5)
