"""Edits in a running policy, against TransformerLens' own hooks."""

from __future__ import annotations

import pytest
import torch

from mechinterp.coinrun.engine import GameOptions
from mechinterp.interventions import (
    Ablate,
    Clamp,
    InterventionError,
    Patch,
    ProjectOut,
    Site,
    Steer,
    apply,
    apply_each,
    run_each,
)
from mechinterp.interventions.applying import tiled
from mechinterp.policies import ImpalaConfig, UnknownHook, build
from mechinterp.policies.card import Card
from mechinterp.policies.subject import Subject


@pytest.fixture(scope="module")
def policy():
    return build(ImpalaConfig(channels=(4, 6), res_blocks=1, hidden=12), seed=1)


def frames(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (count, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_apply_is_what_a_transformer_lens_hook_does(policy):
    images, others = frames(3), policy.capture(frames(3, 1)).values
    name = "block1.res1.hook_out"

    def by_hand(value, hook):
        value = value.clone()
        value[:, [1, 3]] = others[name][:, [1, 3]]
        value[:, 0] = 0
        return value

    expected = policy.run_with_hooks(images, fwd_hooks=[(name, by_hand)])
    plain = policy(images)
    with apply(policy, [Patch(hook=name, channels=[1, 3], replacement=others), Ablate(hook=name, channels=0)]):
        output = policy(images)
    assert torch.equal(output.logits, expected.logits)
    assert not torch.allclose(output.logits, plain.logits)
    assert torch.equal(policy(images).logits, plain.logits)  # nothing is left behind


@torch.no_grad()
def test_edits_at_one_hook_point_run_in_order(policy):
    name = "hidden.hook_post"
    set_then_steer = [Clamp(hook=name, value=1.0), Steer(hook=name, direction=torch.ones(12))]
    with apply(policy, set_then_steer):
        assert (policy(frames(2), stop_at=name) == 2).all()
    with apply(policy, set_then_steer[::-1]):
        assert (policy(frames(2), stop_at=name) == 1).all()


@torch.no_grad()
def test_each_part_of_a_batch_gets_its_own_edits(policy):
    images = frames(2)
    other = policy.capture(frames(2, 5)).values
    sets = [
        [Ablate(hook="block1.hook_pool", channels=[2])],
        [],
        [
            Patch(hook="block2.res1.hook_branch", replacement=other),
            Clamp(hook="hidden.hook_pre", channels=[3], value=4.0),
        ],
        [ProjectOut(hook="block1.hook_pool", direction=torch.arange(4.0))],
    ]
    separately = []
    for edits in sets:
        with apply_each(policy, [edits]):
            separately.append(policy(images))
    with apply_each(policy, sets):
        together = policy(images.repeat(len(sets), 1, 1, 1))
    for at_once in (None, 1, 3):
        each = run_each(policy, images, sets, at_once=at_once)
        assert each.logits.shape == (4, 2, 15)
        for number, expected in enumerate(separately):
            torch.testing.assert_close(each.logits[number], expected.logits, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(each.value[number], expected.value, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(together.logits.unflatten(0, (4, 2))[number], expected.logits)
    assert torch.equal(run_each(policy, images, [[], []]).logits[1], policy(images).logits)


def test_what_does_not_fit_is_refused_before_anything_runs(policy):
    with (
        pytest.raises(UnknownHook, match=r"did you mean 'block1\.hook_pool'"),
        apply(policy, Ablate(hook="block1.pool")),
    ):
        pass
    with pytest.raises(InterventionError, match="there is no channel"):
        apply(policy, Ablate(hook="block1.hook_pool", channels=[4]))
    with pytest.raises(InterventionError, match="direction has shape"):
        apply(policy, Steer(hook="block1.hook_pool", direction=torch.ones(5)))
    with pytest.raises(InterventionError, match="no edits"):
        apply(policy, [])
    sets = [[Ablate(hook="block1.hook_pool")], []]
    with pytest.raises(InterventionError, match="3 rows cannot hold 2 parts"), apply_each(policy, sets):
        policy(frames(3))
    assert not policy.hook_dict["block1.hook_pool"].fwd_hooks
    with pytest.raises(InterventionError, match="needs a set"):
        run_each(policy, frames(1), [])


def test_tiling_repeats_the_batch_in_the_memory_that_convolutions_want():
    maps = torch.randn(2, 3, 4, 5)
    for value in (maps, maps.contiguous(memory_format=torch.channels_last), maps[:, 0, 0]):
        out = tiled(value, 3)
        assert torch.equal(out, torch.cat([value] * 3))
        out[0] = 7  # a copy: neither the source nor the other rows change
        assert torch.equal(out[1:], torch.cat([value] * 3)[1:])
    assert tiled(maps, 3).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 4)])
@pytest.mark.parametrize("times", [1, 2])
def test_tiled_values_can_be_written_to(shape, times):
    """Even where memory is as it should be already, the run that they were taken from stays as it was."""
    values = torch.rand(shape)
    values = values.to(memory_format=torch.channels_last) if len(shape) == 4 else values
    kept, copies = values.clone(), tiled(values, times)
    assert torch.equal(copies, torch.cat([kept] * times))
    copies.zero_()
    assert torch.equal(values, kept)


@torch.no_grad()
def test_a_subject_is_taken_wherever_its_policy_is(policy):
    subject = Subject("mine", policy, Card(policy.config), "0" * 64, GameOptions())
    images, edit = frames(2), Ablate("hidden.hook_post")
    with apply(policy, edit):
        expected = policy(images).logits
    with apply(subject, edit):
        assert torch.equal(policy(images).logits, expected)
    with apply_each(subject, [[edit]]):
        assert torch.equal(policy(images).logits, expected)
    assert torch.equal(run_each(subject, images, [[edit]]).logits[0], expected)


@pytest.mark.parametrize("edits", [None, 3, "x", Site("hidden.hook_post"), [None], ["x"], [Site("hidden.hook_post")]])
def test_what_is_no_edit_is_refused(policy, edits):
    for run in (apply, lambda policy, one: apply_each(policy, [one]), lambda p, one: run_each(p, frames(1), [one])):
        with pytest.raises(InterventionError, match="Ablate, Patch, Clamp, Steer or ProjectOut"):
            run(policy, edits)
    with pytest.raises(InterventionError, match=r"a list of edits for each part|Ablate, Patch, Clamp"):
        apply_each(policy, edits)
