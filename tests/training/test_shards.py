"""A batch in parts: the outputs and gradients of the whole, however many threads there are."""

from __future__ import annotations

import pytest
import torch

from mechinterp.policies import ImpalaConfig, build
from mechinterp.training.shards import CPU_PARTS, Outputs, ShardedNetwork

CONFIG = ImpalaConfig((3, 4), res_blocks=1, stem_kernel=5, stem_stride=4, hidden=6)


@pytest.fixture
def obs() -> torch.Tensor:
    return torch.randint(0, 256, (7, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def mixed(outputs: Outputs) -> torch.Tensor:
    """A loss that cannot be taken apart into rows."""
    return (outputs.logits.log_softmax(-1)[:, 0].std() * outputs.values.mean()).exp() + outputs.values.square().sum()


@pytest.fixture(params=[1, 2])
def sharded(request: pytest.FixtureRequest):
    policy = build(CONFIG, seed=1)
    with torch.no_grad():
        for head in ("logits.weight", "value.weight"):
            policy.get_parameter(head).mul_(100)
    network = ShardedNetwork(policy, torch.device("cpu"), threads=request.param)
    yield network
    network.close()


def test_outputs_are_those_of_the_policy_and_carry_no_gradient(sharded: ShardedNetwork, obs: torch.Tensor) -> None:
    looked, plain = sharded.look(obs), sharded.policy(obs)
    torch.testing.assert_close(looked.logits, plain.logits.detach())
    torch.testing.assert_close(looked.values, plain.value.detach())
    assert not looked.logits.requires_grad


def test_gradients_are_those_of_the_whole_batch(sharded: ShardedNetwork, obs: torch.Tensor) -> None:
    plain = sharded.policy(obs)
    expected = torch.autograd.grad(mixed(Outputs(plain.logits, plain.value)), list(sharded.policy.parameters()))
    sharded.backward(obs, mixed)
    assert sharded.parts == CPU_PARTS > 1
    for (name, parameter), gradient in zip(sharded.policy.named_parameters(), expected, strict=True):
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-5 * float(gradient.abs().max()))


def test_one_thread_gives_what_two_give_to_the_last_bit(obs: torch.Tensor) -> None:
    found = []
    for threads in (1, 2):
        network = ShardedNetwork(build(CONFIG, seed=1), torch.device("cpu"), threads=threads)
        network.backward(obs, mixed)
        found.append([parameter.grad for parameter in network.policy.parameters()])
        network.close()
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))
