from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mechinterp.policies import DistillConfig, ImpalaConfig, NatureConfig, Policy, PolicyError, build, light_impala
from mechinterp.policies.layers import Add, Flatten, L2Pool


def test_output_has_a_column_for_each_action_and_one_value_per_frame(policy: Policy, frames: Tensor):
    logits, value, state = policy(frames)
    assert logits.shape == (3, len(policy.actions))
    assert value.shape == (3,)
    assert state is None
    assert policy.initial_state(3) is None


def test_one_hook_point_for_each_node_and_for_nothing_else(policy: Policy):
    assert set(policy.hook_dict) == set(policy.hook_names)
    assert len(set(policy.hook_names)) == len(policy.hook_names) == len(policy.nodes)


def test_every_computing_module_is_used_by_exactly_one_node(policy: Policy):
    leaves = [name for name, module in policy.named_modules() if not list(module.children())]
    assert sorted(node.module for node in policy.nodes) == sorted(set(leaves) - set(policy.hook_names))


def test_no_relu_is_in_place(policy: Policy):
    assert not any(module.inplace for module in policy.modules() if isinstance(module, nn.ReLU))


@pytest.mark.parametrize(
    ("config", "shapes", "parameters"),
    [
        # IMPALA 16-32-32 has 626,256 parameters with 15 actions in the Procgen literature.
        (ImpalaConfig(), {"block1.hook_pool": (16, 32, 32), "block3.res2.hook_out": (32, 8, 8)}, 626_256),
        (light_impala(), {"block1.hook_pool": (16, 16, 16), "block2.res1.hook_out": (32, 8, 8)}, None),
        (NatureConfig(), {"layer3.hook_relu": (64, 4, 4), "hidden.hook_post": (512,)}, None),
        (DistillConfig(), {"layer4a.hook_pool": (32, 4, 4), "trunk.hook_flat": (512,)}, None),
    ],
)
def test_sizes_of_the_full_networks(config, shapes, parameters):
    policy = build(config)
    captured = policy.capture(torch.zeros(2, 64, 64, 3, dtype=torch.uint8)).values
    assert {name: tuple(value.shape[1:]) for name, value in captured.items()} == dict(policy.shapes)
    assert {name: policy.shapes[name] for name in shapes} == shapes
    if parameters:
        assert sum(p.numel() for p in policy.parameters()) == parameters


def test_maps_stay_in_channels_last_memory(impala: Policy, frames: Tensor):
    for name, value in impala.capture(frames).values.items():
        assert value.ndim == 2 or value.ndim == 1 or value.is_contiguous(memory_format=torch.channels_last), name


def test_memory_format_does_not_change_the_answer(policy: Policy, frames: Tensor):
    with torch.no_grad():
        expected = policy(frames).logits
        actual = copy.deepcopy(policy).to(memory_format=torch.contiguous_format)(frames).logits  # pyright: ignore
    torch.testing.assert_close(actual, expected, atol=1e-6, rtol=1e-5)


def test_the_weights_do_not_depend_on_the_number_of_threads():
    threads = torch.get_num_threads()
    made = []
    try:
        for number in (1, 2, 4):
            torch.set_num_threads(number)
            made.append(build(light_impala(), seed=np.int64(0)).state_dict())
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)
    for name, weight in made[0].items():
        assert torch.equal(weight, made[1][name])
        assert torch.equal(weight, made[2][name])


def test_seed_decides_the_weights_and_global_random_state_is_left_alone(impala: Policy):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    same, other = build(impala.config, seed=1), build(impala.config, seed=torch.Generator().manual_seed(2))
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(6)
    again = build(impala.config, seed=1)
    for name, weight in impala.state_dict().items():
        assert torch.equal(weight, same.state_dict()[name])
        assert torch.equal(weight, again.state_dict()[name])
        if name.endswith("weight"):
            assert not torch.equal(weight, other.state_dict()[name])


def test_initial_weights_are_orthogonal_with_the_documented_gains(impala: Policy):
    def gram(layer: nn.Module) -> Tensor:
        weight = layer.weight.detach().flatten(1)  # pyright: ignore
        return weight @ weight.T

    torch.testing.assert_close(gram(impala.get_submodule("hidden.linear")), 2 * torch.eye(12), atol=1e-5, rtol=0)
    branches = 4  # two blocks of two
    torch.testing.assert_close(
        gram(impala.get_submodule("block1.res2.conv2")), 2 / branches * torch.eye(4), atol=1e-5, rtol=0
    )
    assert math.isclose(float(impala.get_submodule("value").weight.detach().norm()), 0.01, abs_tol=1e-5)  # pyright: ignore
    assert float(impala.get_submodule("logits").weight.detach().norm(dim=0).max()) <= 0.0101  # pyright: ignore


def test_gradients_reach_every_parameter(policy: Policy, frames: Tensor):
    output = policy(frames)
    (output.logits.square().sum() + output.value.sum()).backward()
    for name, parameter in policy.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0 or "bias" in name, name


def test_a_copy_runs_its_own_weights(impala: Policy, frames: Tensor):
    twin = copy.deepcopy(impala)
    with torch.no_grad():
        expected = impala(frames).logits
        for parameter in impala.parameters():
            parameter.zero_()
        assert torch.equal(twin(frames).logits, expected)
        assert not impala(frames).logits.any()


def test_a_module_put_in_the_place_of_another_is_the_one_that_runs(impala: Policy, frames: Tensor):
    impala.get_submodule("trunk").relu = nn.LeakyReLU(0.5)
    values = impala.capture(frames).values
    expected = nn.functional.leaky_relu(values["block2.res2.hook_out"], 0.5)
    assert torch.equal(values["trunk.hook_relu"], expected)


def test_float64_policy_computes_in_float64(impala: Policy, frames: Tensor):
    assert impala.double()(frames).logits.dtype == torch.float64


@pytest.mark.parametrize("bad", [torch.zeros(2, 64, 64, 3), torch.zeros(2, 3, 64, 64, dtype=torch.uint8)])
def test_frames_that_are_not_uint8_nhwc_are_refused(impala: Policy, bad: Tensor):
    with pytest.raises(PolicyError, match=r"observations must be uint8 \[frames, 64, 64, 3\]; got"):
        impala(bad)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ImpalaConfig(channels=(16, 0)),
        lambda: ImpalaConfig(channels=[16, 32]),  # pyright: ignore
        lambda: ImpalaConfig(channels=()),
        lambda: ImpalaConfig(stem_kernel=4),
        lambda: ImpalaConfig(hidden=True),
        lambda: ImpalaConfig(actions=(1, 1)),
        lambda: ImpalaConfig(actions=(1,)),
        lambda: ImpalaConfig(actions=(1, 15)),
        lambda: NatureConfig(channels=(1, 2)),  # pyright: ignore
        lambda: DistillConfig(hidden=(1, 2, 3)),  # pyright: ignore
    ],
)
def test_impossible_configs_are_refused(make):
    with pytest.raises(PolicyError):
        make()


def test_unknown_config_is_refused():
    with pytest.raises(PolicyError, match=r"no architecture for int; there are ImpalaConfig"):
        build(3)  # pyright: ignore


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_layers_neither_change_nor_share_memory_with_their_input(memory_format: torch.memory_format):
    maps = torch.rand(2, 3, 4, 4).contiguous(memory_format=memory_format)
    for layer, inputs in ((Flatten(), (maps,)), (L2Pool(), (maps,)), (Add(), (maps, maps))):
        before = maps.clone()
        layer(*inputs).fill_(7)
        assert torch.equal(maps, before), layer


def test_flatten_is_channel_major_whatever_the_memory_format():
    maps = torch.arange(24.0).reshape(1, 2, 3, 4)
    for memory_format in (torch.contiguous_format, torch.channels_last):
        assert Flatten()(maps.contiguous(memory_format=memory_format)).tolist() == [list(range(24))]


def test_l2_pool_by_hand():
    maps = torch.tensor([[[[3.0, 0.0], [0.0, 4.0]]]])
    torch.testing.assert_close(L2Pool()(maps), torch.tensor([[[[math.sqrt(25 / 4 + 1e-8)]]]]))
