"""Random networks as sensitive as a policy: the same mean logits, and the same spread of a readout."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from mechinterp.policies import (
    READOUTS,
    Policy,
    PolicyError,
    PolicyOutput,
    build,
    light_impala,
    matched,
    policy_outputs,
    random_networks,
    readout_values,
    shuffled,
)
from mechinterp.policies.sensitivity import scaling, silent


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def policy() -> Policy:
    """One with logits that vary, as a trained policy's do."""
    made = build(light_impala(hidden=16), seed=3).eval().requires_grad_(False)
    made.get_parameter("logits.weight").mul_(300)
    made.get_parameter("logits.bias").add_(torch.arange(9.0) / 4)
    return made


def test_random_networks_come_by_turns_and_do_not_depend_on_how_many_are_drawn(policy):
    one, two, three = itertools.islice(random_networks(policy, seed=5), 3)
    again = next(random_networks(policy, seed=5))
    assert torch.equal(one.get_parameter("logits.weight"), again.get_parameter("logits.weight"))
    for network, numbers_of_the_policy in ((one, True), (two, False), (three, True)):
        ours, theirs = (p.get_parameter("logits.weight").flatten().sort().values for p in (network, policy))
        assert torch.equal(ours, theirs) is numbers_of_the_policy
    assert not torch.equal(one.get_parameter("logits.weight"), three.get_parameter("logits.weight"))
    other = next(random_networks(policy, seed=6))
    assert not torch.equal(one.get_parameter("logits.weight"), other.get_parameter("logits.weight"))


@pytest.mark.parametrize("readout", [*READOUTS, "action:right+jump"])
def test_a_matched_network_has_the_policys_spread_and_mean_logits(policy, frames, readout):
    readouts = {readout: readout}
    wanted = readout_values(policy, frames, readouts)[readout]
    for network in itertools.islice(random_networks(policy, seed=1), 4):
        made = matched(network, policy, frames, readout=readout)
        assert readout_values(made, frames, readouts)[readout].std() == pytest.approx(wanted.std(), rel=1e-3)
        ours, theirs = policy_outputs(made, frames), policy_outputs(policy, frames)
        torch.testing.assert_close(ours.logits.mean(0), theirs.logits.mean(0), atol=2e-3, rtol=1e-3)
        assert float(ours.value.mean()) == pytest.approx(float(theirs.value.mean()), abs=2e-3)
        before = policy_outputs(network, frames).logits
        ratio = (ours.logits - ours.logits.mean(0)) / (before - before.mean(0))
        assert float(ratio.std() / ratio.mean()) < 0.05  # one factor for all logits; rounding aside


def test_scaling_by_hand():
    """Two actions, right and left: the log-odds are a difference of logits, and the factor a ratio of spreads."""
    network = PolicyOutput(torch.tensor([[1.0, 0.0], [3.0, 0.0]]).double(), torch.tensor([0.0, 2.0]).double())
    policy = PolicyOutput(torch.tensor([[5.0, 1.0], [5.0, -9.0]]).double(), torch.tensor([7.0, 7.0]).double())
    change = scaling(READOUTS["movement"], network, policy, (7, 1))
    assert change.factor == pytest.approx(5.0)  # log-odds 1, 3 (SD 1) against 4, 14 (SD 5)
    got = change(network)
    torch.testing.assert_close(got.logits, torch.tensor([[0.0, -4.0], [10.0, -4.0]]).double())
    assert got.value.tolist() == [7.0, 7.0]


def test_a_policy_that_never_varies_makes_its_random_networks_constant(policy, frames):
    constant = shuffled(policy, seed=0)
    constant.get_parameter("logits.weight").data.zero_()
    constant.get_parameter("value.weight").data.zero_()
    made = matched(next(random_networks(policy, seed=1)), constant, frames)
    for values in readout_values(made, frames).values():
        assert values.std() < 1e-5


def test_networks_that_see_nothing_are_known_and_refused(policy, frames):
    dead = shuffled(policy, seed=0)
    dead.get_parameter("logits.weight").data.zero_()
    assert silent(policy_outputs(dead, frames))
    assert not silent(policy_outputs(policy, frames))
    with pytest.raises(PolicyError, match="no scale of its logits gives a network the policy's spread of movement"):
        matched(dead, policy, frames)
    other = build(light_impala(hidden=16, actions=(7, 1)), seed=0)
    with pytest.raises(PolicyError, match="different actions"):
        matched(other, policy, frames)
