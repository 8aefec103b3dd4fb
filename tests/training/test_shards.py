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


def test_gradients_are_those_of_the_whole_batch(sharded: ShardedNetwork) -> None:
    rows = torch.tensor([8, 1, 4, 2, 6, 0, 9])
    more = torch.randint(0, 256, (10, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    plain = sharded.policy(more[rows])
    expected = torch.autograd.grad(mixed(Outputs(plain.logits, plain.value)), list(sharded.policy.parameters()))
    sharded.backward(more, rows, mixed)
    assert sharded.parts == CPU_PARTS > 1
    for (name, parameter), gradient in zip(sharded.policy.named_parameters(), expected, strict=True):
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-5 * float(gradient.abs().max()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_thread_gives_what_two_give_to_the_last_bit(obs: torch.Tensor, dtype: torch.dtype) -> None:
    found = []
    for threads in (1, 2):
        network = ShardedNetwork(build(CONFIG, seed=1), torch.device("cpu"), threads=threads, dtype=dtype)
        network.backward(obs, torch.arange(len(obs)), mixed)
        found.append([parameter.grad for parameter in network.policy.parameters()])
        network.close()
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


def test_bfloat16_is_autocast_of_the_whole_network_and_close_to_float32(obs: torch.Tensor) -> None:
    networks = [
        ShardedNetwork(build(CONFIG, seed=1), torch.device("cpu"), threads=1, dtype=dtype)
        for dtype in (torch.float32, torch.bfloat16)
    ]
    with torch.no_grad():
        for network in networks:
            network.policy.get_parameter("logits.weight").mul_(100)
    exact, rounded = (network.look(obs) for network in networks)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        cast = networks[1].policy(obs)  # its image is divided in float32
    for one, plain, reference in zip(rounded, exact, (cast.logits, cast.value), strict=True):
        assert one.dtype is torch.float32
        assert torch.equal(one, reference.float())
        assert not torch.equal(one, plain)
        torch.testing.assert_close(one, plain, rtol=0.02, atol=0.02 * float(plain.abs().max()))
    for network in networks:
        network.backward(obs, torch.arange(len(obs)), mild)
    with torch.autocast("cpu", torch.bfloat16):
        cast = networks[1].policy(obs)
    whole = torch.autograd.grad(mild(Outputs(cast.logits.float(), cast.value.float())), networks[1].policy.parameters())
    plain, rounded = ([p.grad for p in network.policy.parameters()] for network in networks)
    for one, reference in zip(rounded, whole, strict=True):
        assert one.dtype is torch.float32
        torch.testing.assert_close(one, reference, rtol=0.05, atol=0.01 * float(reference.abs().max()))
    one, other = (torch.cat([grad.flatten() for grad in grads]) for grads in (plain, rounded))
    assert 0.99 < float(torch.cosine_similarity(one, other, dim=0)) < 1
    for network in networks:
        network.close()


def mild(outputs: Outputs) -> torch.Tensor:
    return outputs.logits.log_softmax(-1)[:, 0].mean() + outputs.values.mean()
