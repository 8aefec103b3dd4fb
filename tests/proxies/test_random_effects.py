"""Effects in random networks of the same sensitivity, and ranks among them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mechinterp.circuits.pairs import FramePairs
from mechinterp.policies import READOUTS, Policy, PolicyError, build, light_impala, matched, random_networks
from mechinterp.proxies import pair_differences, random_effects, ranked, total_effect


@pytest.fixture(scope="module")
def policy() -> Policy:
    made = build(light_impala(hidden=16), seed=3).eval().requires_grad_(False)
    made.get_parameter("logits.weight").mul_(300)
    return made


@pytest.fixture(scope="module")
def pairs() -> dict[str, FramePairs]:
    clean, corrupted, third = np.random.default_rng(0).integers(0, 256, (3, 5, 64, 64, 3), dtype=np.uint8)
    return {"one": FramePairs(clean, corrupted), "two": FramePairs(third, corrupted), "none": FramePairs(third, third)}


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)


def test_each_network_has_the_effect_of_the_matched_network(policy, pairs, reference):
    found = random_effects(policy, pairs, reference=reference, networks=3, seed=4)
    for what, one in pairs.items():
        for name, values in pair_differences(policy, one).items():
            assert found.own[what, name] == pytest.approx(values.mean(), abs=1e-5)
    for i, network in enumerate(itertools.islice(random_networks(policy, seed=4), 3)):
        for what, one in pairs.items():
            for name in READOUTS:
                made = matched(network, policy, reference, readout=name)
                mean = pair_differences(made, one)[name].mean()
                assert found.random[what, name][i] == pytest.approx(mean, abs=2e-3), (i, what, name)
    assert all(found.random["none", name].any() is np.False_ for name in READOUTS)


def test_ranks_by_hand():
    random = {"a": np.array([-3.0, 1.0, 2.0, 0.5]), "b": np.array([0.1, -0.1, 0.1, 0.3])}
    alone = ranked({"a": 2.5}, {"a": random["a"]})["a"]
    assert (alone.smaller, alone.networks, alone.family) == (3, 4, 1)
    assert alone.p == pytest.approx(2 / 5)  # itself, and the network with -3
    assert (alone.low, alone.high) == pytest.approx(np.quantile(random["a"], [0.025, 0.975]))
    both = ranked({"a": 2.5, "b": 0.2}, random)
    rms = {"a": np.sqrt((9 + 1 + 4 + 0.25 + 6.25) / 5), "b": np.sqrt((0.01 * 3 + 0.09 + 0.04) / 5)}
    largest = np.max([np.abs(random[key]) / rms[key] for key in random], 0)
    assert both["a"].p == pytest.approx((1 + (largest >= 2.5 / rms["a"]).sum()) / 5)
    assert both["b"].p == pytest.approx((1 + (largest >= 0.2 / rms["b"]).sum()) / 5)
    assert ranked({}, {}) == {}
    assert ranked({"a": 0.0}, {"a": np.zeros(9)})["a"].p == 1.0


def test_ranks_call_at_most_five_percent_of_networks_that_are_no_different():
    """Of exchangeable networks, each against the others: a family of 4 dependent effects, as often as promised."""
    rng = np.random.default_rng(0)
    calls, tried = 0, 0
    for _ in range(20):
        effects = rng.standard_normal((60, 1)) * 0.5 + rng.standard_normal((60, 4)) * np.array([1, 1, 5, 20.0])
        for i in range(60):
            others = np.delete(effects, i, 0)
            ranks = ranked(dict(enumerate(effects[i])), dict(enumerate(others.T)))
            calls += any(rank.p <= 0.05 for rank in ranks.values())
            tried += 1
    assert 0.02 < calls / tried <= 0.05


def test_an_effect_that_no_random_network_has_gets_the_smallest_p(policy, pairs, reference):
    found = random_effects(policy, {"one": pairs["one"]}, reference=reference, networks=4, seed=0)
    key = ("one", "movement")
    large = ranked({key: 1e3}, {key: found.random[key]})[key]
    assert (large.smaller, large.p) == (4, pytest.approx(0.2))


def test_total_effects_come_in_standard_deviations_and_with_ranks(policy, pairs, reference):
    plain = total_effect(policy, pairs["one"])
    asked = total_effect(policy, pairs["one"], networks=4, reference=reference)
    assert plain.ranks == {}
    assert {name: e.value for name, e in plain.items()} == {name: e.value for name, e in asked.items()}
    frame = asked.to_frame()
    assert frame["readout"].tolist() == list(asked)
    assert frame["SDs"].tolist() == pytest.approx([one.value / asked.spreads[name] for name, one in asked.items()])
    assert frame["random networks"].tolist() == [4] * len(asked)
    assert frame["larger than"].tolist() == [rank.smaller for rank in asked.ranks.values()]
    assert {rank.family for rank in asked.ranks.values()} == {1}
    assert "random networks" not in plain.to_frame()
    with pytest.raises(PolicyError, match="networks=-1: a whole number is needed"):
        total_effect(policy, pairs["one"], networks=-1)


def test_a_policy_that_sees_nothing_has_no_standard_deviation(pairs):
    blind = build(light_impala(hidden=16), seed=3).eval().requires_grad_(False)
    for head in ("logits", "value"):
        blind.get_parameter(f"{head}.weight").zero_()
    found = total_effect(blind, pairs["one"], networks=2)
    assert found.to_frame()["SDs"].tolist() == [None] * len(found)
    assert all(rank.p == 1.0 for rank in found.ranks.values())


def test_a_network_that_is_left_out_takes_the_policys_place(policy, pairs, reference):
    found = random_effects(policy, {"one": pairs["one"]}, reference=reference, networks=3, seed=4)
    left = found.leave_out(1)
    key = ("one", "movement")
    assert left.networks == found.networks - 1 == 2
    assert left.own[key] == found.random[key][1]
    assert left.random[key].tolist() == found.random[key][[0, 2]].tolist()
