from __future__ import annotations

import torch
from torch import Tensor

from mechinterp.policies import Policy, build, shuffled, untrained


def test_untrained_is_the_same_architecture_built_anew(impala: Policy):
    control = untrained(impala, seed=4)
    fresh = build(impala.config, seed=4)
    assert control.config == impala.config
    for name, weight in control.state_dict().items():
        assert torch.equal(weight, fresh.state_dict()[name])


def test_shuffled_keeps_the_numbers_of_each_tensor_and_moves_them(policy: Policy, frames: Tensor):
    before = {name: weight.clone() for name, weight in policy.state_dict().items()}
    control = shuffled(policy, seed=4)
    for name, weight in control.state_dict().items():
        assert torch.equal(weight.flatten().sort().values, before[name].flatten().sort().values), name
        assert torch.equal(before[name], policy.state_dict()[name]), name
        if name.endswith("weight"):
            assert not torch.equal(weight, before[name]), name
    assert not torch.equal(control(frames).logits, policy(frames).logits)


def test_shuffled_depends_on_the_seed_alone(impala: Policy):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one, same = shuffled(impala, seed=4), shuffled(impala, seed=torch.Generator().manual_seed(4))
    other = shuffled(impala, seed=5)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(weight, same.state_dict()[name]) for name, weight in one.state_dict().items())
    assert not torch.equal(one.state_dict()["logits.weight"], other.state_dict()["logits.weight"])
