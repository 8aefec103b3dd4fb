"""Weight edits: what they change, what they leave, and that they are undone to the last bit."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from mechinterp.circuits.planted import planted_network
from mechinterp.coinrun import GameOptions, LevelSource, placement
from mechinterp.interventions import (
    Ablate,
    AddWeights,
    AtObject,
    Blind,
    InterventionError,
    LowRank,
    ProjectOut,
    SparseWeights,
    WeightEdit,
    apply,
    blind,
    describe,
    edited_copy,
    load_edits,
    rollout_each,
    save_edits,
    weight_change,
    weights_edited,
)
from mechinterp.policies import PolicyActor, UnknownHook, build, light_impala, rollout
from mechinterp.policies.fingerprint import weights_digest
from mechinterp.policies.networks import DistillConfig, ImpalaConfig

NAME = "block1.res1.conv1.weight"
RELU = "block1.res1.hook_relu1"


@pytest.fixture(scope="module")
def policy():
    return build(ImpalaConfig(channels=(4, 6), res_blocks=1, hidden=12), seed=1).requires_grad_(False)


def frames(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def parameter(policy, name=NAME) -> np.ndarray:
    return policy.get_parameter(name).detach().numpy().copy()


def test_each_kind_changes_what_it_says(policy):
    before = parameter(policy)
    delta = np.random.default_rng(0).normal(size=(2, 1, 3, 3)).astype(np.float32)
    at, values = np.array([[0, 1, 2, 2], [3, 0, 0, 1]]), np.array([5.0, -2.0], np.float32)
    left, right = np.random.default_rng(1).normal(size=(4, 2)), np.random.default_rng(2).normal(size=(2, 36))
    d = np.array([1.0, -2.0, 0.0, 0.5])
    part = before.copy()
    part[1:3, 2:3] += delta
    added, put = before.copy(), before.copy()
    for index, number in zip(map(tuple, at), values, strict=True):
        added[index] += number
        put[index] = number
    unit = d / np.linalg.norm(d)
    blinded = before - np.einsum("oihw,i,j->ojhw", before, unit, unit)
    for edit, expected in (
        (AddWeights(NAME, delta, (1, 2, 0, 0)), part),
        (AddWeights(NAME, np.ones((4, 4, 3, 3), np.float32)), before + 1),
        (SparseWeights(NAME, at, values), added),
        (SparseWeights(NAME, at, values, way="set"), put),
        (LowRank(NAME, left, right), before + (left @ right).reshape(before.shape)),
        (Blind(NAME, d), blinded),
    ):
        again = WeightEdit.from_dict(json.loads(json.dumps(edit.to_dict())))
        for one in (edit, again):
            np.testing.assert_allclose(one.changed(torch.from_numpy(before)).numpy(), expected, atol=1e-6)
        assert again.describe() == edit.describe()
        assert NAME in edit.describe()
    assert (parameter(policy) == before).all()


def test_they_last_for_the_block_and_are_undone_to_the_last_bit(policy):
    digest, image = weights_digest(policy), frames(2)
    plain = policy(image).logits
    edits = [
        Blind(NAME, torch.tensor([1.0, 2, 3, 4])),
        SparseWeights("logits.bias", torch.tensor([[3]]), torch.tensor([9.0])),
    ]
    with weights_edited(policy, edits):
        inside = policy(image).logits
        assert weights_digest(policy) != digest
    assert not torch.equal(inside, plain)
    assert weights_digest(policy) == digest
    with pytest.raises(RuntimeError, match="in the middle"), weights_edited(policy, edits):
        raise RuntimeError("in the middle")
    assert weights_digest(policy) == digest
    other = edited_copy(policy, edits)
    assert torch.equal(other(image).logits, inside)
    assert torch.equal(policy(image).logits, plain)
    twice = [AddWeights("logits.bias", torch.ones(15)), AddWeights("logits.bias", torch.ones(15))]
    assert torch.equal(edited_copy(policy, twice).get_parameter("logits.bias"), policy.get_parameter("logits.bias") + 2)


@pytest.mark.parametrize(
    "config",
    [ImpalaConfig(channels=(4, 6), res_blocks=1, hidden=12), DistillConfig(channels=(4, 5, 6, 5, 4), hidden=(9, 7))],
)
def test_blinding_a_kernel_is_projecting_its_input(config):
    """At every hook point that layers with weights alone read."""
    policy, image = build(config, seed=2).requires_grad_(False), frames(2)
    tried = 0
    for hook in policy.hook_names[:-2]:
        shape = policy.shapes[hook]
        direction = torch.randn(shape[0], generator=torch.Generator().manual_seed(1))
        if not read_by_weights_alone(policy, hook):
            with pytest.raises(InterventionError, match=r"reads .* without weights"):
                blind(policy, hook, direction)
            continue
        edits = blind(policy, hook, direction)
        tried += 1
        with apply(policy, ProjectOut(hook, direction=direction)):
            expected = policy(image)
        found = edited_copy(policy, edits)(image)
        torch.testing.assert_close(found.logits, expected.logits, atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(found.value, expected.value, atol=2e-5, rtol=1e-4)
    assert tried >= 4
    assert [edit.parameter for edit in blind(policy, policy.hook_names[0], torch.ones(3))]


def read_by_weights_alone(policy, hook) -> bool:
    """Whether all that reads a hook point, through flattening or not, is a convolution or linear."""
    readers = [(node.name, policy.get_submodule(node.module)) for node in policy.nodes if hook in node.inputs]
    return all(
        read_by_weights_alone(policy, name)
        if type(module).__name__ == "Flatten"
        else hasattr(module, "weight") or type(module).__name__ == "ValueHead"
        for name, module in readers
    )


def test_how_much_is_changed(policy):
    edit = SparseWeights(NAME, torch.tensor([[0, 0, 0, 0], [1, 1, 1, 1]]), torch.tensor([3.0, 4.0]))
    change = weight_change(policy, [edit])
    assert (change.changed, change.total) == (2, sum(one.numel() for one in policy.parameters()))
    assert change.norm == pytest.approx(5, rel=1e-5)
    assert change.relative == pytest.approx(5 / np.linalg.norm(parameter(policy)), rel=1e-5)
    assert str(change).startswith(f"2 of {change.total} weights")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: [], "no weight edits"),
        (lambda: [AddWeights("block1.res1.conv1.wieght", torch.ones(1))], "did you mean 'block1.res1.conv1.weight'"),
        (lambda: [AddWeights(NAME, torch.ones(4, 4, 3))], r"delta has shape \(4, 4, 3\)"),
        (lambda: [AddWeights(NAME, torch.ones(4, 4, 3, 3), (1, 0, 0, 0))], "begins at"),
        (lambda: [AddWeights(NAME, torch.full((4, 4, 3, 3), float("nan")))], "not finite"),
        (lambda: [AddWeights(NAME, torch.zeros(4, 4, 3, 3))], "changes nothing"),
        (lambda: [AddWeights(NAME, torch.full((4, 4, 3, 3), 3e38))] * 2, "new weights are not finite"),
        (lambda: [SparseWeights(NAME, torch.tensor([[4, 0, 0, 0]]), torch.ones(1))], "not there"),
        (lambda: [SparseWeights(NAME, torch.tensor([[1, 0, 0, 0]] * 2), torch.ones(2))], "twice"),
        (lambda: [LowRank(NAME, torch.ones(4, 1), torch.ones(1, 35))], "left and right have shapes"),
        (lambda: [Blind(NAME, torch.ones(3))], "direction has 3 numbers"),
        (lambda: [Blind(NAME, torch.zeros(4))], "and not zero"),
        (lambda: [Ablate(RELU)], "a weight edit .* is needed"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_nothing_is_changed(policy, make, words):
    digest = weights_digest(policy)
    with pytest.raises(InterventionError, match=words), weights_edited(policy, make()):
        pass
    assert weights_digest(policy) == digest


def test_a_copy_takes_no_hooks_with_it_and_hook_points_are_known(policy):
    edit = Blind(NAME, torch.ones(4))
    with pytest.raises(InterventionError, match="hooks are on the network"), apply(policy, Ablate(RELU)):
        edited_copy(policy, [edit])
    with pytest.raises(UnknownHook):
        blind(policy, "block1.res1.hook_relu9", torch.ones(4))


def test_rows_of_one_batch_may_have_other_weights(tmp_path):
    planted = planted_network("coin", seed=1)
    policy = planted.policy
    with LevelSource(
        GameOptions(distribution_mode="easy", use_backgrounds=False), placement=placement("random_agent_and_coin")
    ) as source:
        starts = source.starts(range(70_000, 70_004))
    (channel,) = [node.channel for node in planted.channels["coin"] if node.hook == "block2.res1.hook_branch"]
    direction = torch.eye(8)[channel]
    edits = blind(policy, "trunk.hook_relu", direction)
    both = (*edits, Ablate("block2.res1.hook_branch", positions=AtObject("coin")))
    digest = weights_digest(policy)
    found = rollout_each(policy, starts, {"plain": (), "blind": edits, "both": both}, max_steps=40, never="report")
    assert weights_digest(policy) == digest
    expected = rollout(PolicyActor(edited_copy(policy, edits)), starts, max_steps=40)
    assert np.array_equal(found["blind"].farthest_x, expected.farthest_x)
    assert np.array_equal(found["plain"].farthest_x, rollout(PolicyActor(policy), starts, max_steps=40).farthest_x)
    assert not np.array_equal(found["plain"].length, found["blind"].length)
    assert len(found.uses["both"]) == 1
    assert found.uses["both"][0].steps == found["both"].length.sum()

    path = tmp_path / "blind.json"
    save_edits(path, both, policy)
    again = load_edits(path, policy)
    assert describe(again) == describe(both)
    same = rollout_each(policy, starts, {"both": again}, max_steps=40, never="report")
    assert np.array_equal(same["both"].farthest_x, found["both"].farthest_x)
    other = build(light_impala(hidden=4), seed=1)
    with pytest.raises(InterventionError, match="made for another network"):
        load_edits(path, other)
    with pytest.raises(InterventionError, match="made for another network"):
        load_edits(path, edited_copy(policy, edits))
    path.write_text(path.read_text()[:-40])
    with pytest.raises(InterventionError, match="not JSON, or damaged"):
        load_edits(path, policy)
    path.write_text("{}")
    with pytest.raises(InterventionError, match="no intervention that"):
        load_edits(path, policy)
