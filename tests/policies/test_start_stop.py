from __future__ import annotations

import weakref

import pytest
import torch
from torch import Tensor

from mechinterp.policies import Policy, PolicyError, UnknownHook


def test_starting_at_any_node_gives_the_full_forward_exactly(policy: Policy, frames: Tensor):
    full = policy.capture(frames)
    for name in policy.hook_names:
        values = {read: full.values[read] for read in policy.frontier(name)}
        with torch.no_grad():
            output = policy(start_at=name, values=values)
        assert torch.equal(output.logits, full.output.logits), name
        assert torch.equal(output.value, full.output.value), name
        assert all(torch.equal(values[read], full.values[read]) for read in values), name


def test_stopping_at_any_node_gives_its_value(policy: Policy, frames: Tensor):
    full = policy.capture(frames).values
    for name in policy.hook_names:
        with torch.no_grad():
            assert torch.equal(policy(frames, stop_at=name), full[name]), name
        assert torch.equal(policy.activations(frames, name), full[name]), name


def test_any_stretch_can_be_run_from_its_frontier(impala: Policy, frames: Tensor):
    full = impala.capture(frames).values
    for i, start in enumerate(impala.hook_names):
        for stop in impala.hook_names[i:]:
            values = {read: full[read] for read in impala.frontier(start, stop_at=stop)}
            with torch.no_grad():
                assert torch.equal(impala(start_at=start, stop_at=stop, values=values), full[stop]), (start, stop)


def test_frontier_is_what_must_be_known_and_no_more(impala: Policy, frames: Tensor):
    assert impala.frontier("block1.hook_pool") == ("block1.hook_pool",)
    assert impala.frontier("block1.res1.hook_relu2") == ("block1.hook_pool", "block1.res1.hook_relu2")
    assert impala.frontier("block1.res1.hook_out") == ("block1.res1.hook_out",)
    assert impala.frontier("block1.res1.hook_relu2", stop_at="block1.res1.hook_branch") == ("block1.res1.hook_relu2",)
    assert impala.frontier("hook_logits") == ("hidden.hook_post", "hook_logits")
    assert impala.frontier("hook_value") == ("hook_logits", "hook_value")
    full = impala.capture(frames).values
    for name in impala.hook_names:
        needed = impala.frontier(name)
        assert needed[-1] == name
        for left_out in needed:
            values = {read: full[read] for read in needed if read != left_out}
            with pytest.raises(PolicyError, match=rf"starting at '{name}' needs .*missing: \['{left_out}'\]"):
                impala(start_at=name, values=values)


def test_hooks_at_the_start_do_not_run_and_later_ones_do(impala: Policy, frames: Tensor):
    full = impala.capture(frames)
    seen: list[str] = []

    def note(value: Tensor, hook) -> None:
        seen.append(hook.name)

    with impala.hooks_on(dict.fromkeys(impala.hook_names, note)), torch.no_grad():
        for position, name in enumerate(impala.hook_names):
            seen.clear()
            impala(start_at=name, values=full.values)
            assert seen == list(impala.hook_names[position + 1 :])


def test_going_on_from_values_captured_under_hooks_does_not_apply_them_twice(impala: Policy, frames: Tensor):
    hooks = {name: lambda value, hook: value * 1.5 + 0.1 for name in impala.hook_names}
    with impala.hooks_on(hooks), torch.no_grad():
        full = impala.capture(frames)
        for name in impala.hook_names:
            assert torch.equal(impala(start_at=name, values=full.values).logits, full.output.logits), name


def test_a_patched_value_gives_what_a_hook_gives(impala: Policy, frames: Tensor):
    full = impala.capture(frames)
    for name in impala.hook_names:
        patched = full.values[name].flip(0)
        with torch.no_grad(), impala.hooks_on({name: lambda value, hook, patched=patched: patched}):
            expected = impala(frames)
        with torch.no_grad():
            actual = impala(start_at=name, values={**full.values, name: patched})
        assert torch.equal(actual.logits, expected.logits), name
        assert torch.equal(actual.value, expected.value), name


def test_gradients_pass_through_a_start_in_the_middle(impala: Policy, frames: Tensor):
    full = impala.capture(frames)
    name = "block2.res1.hook_branch"
    values = {read: full.values[read].requires_grad_() for read in impala.frontier(name)}
    impala(start_at=name, values=values).value.sum().backward()
    skip, branch = (values[read].grad for read in impala.frontier(name))
    assert skip is not None
    assert branch is not None
    assert torch.equal(skip, branch)  # both are summed into the same stream


def test_capture_from_the_middle_keeps_later_nodes_only(impala: Policy, frames: Tensor):
    full = impala.capture(frames)
    part = impala.capture(names=None, start_at="trunk.hook_relu", values=full.values)
    assert tuple(part.values) == ("trunk.hook_flat", "hidden.hook_pre", "hidden.hook_post", "hook_logits", "hook_value")
    assert all(torch.equal(part.values[name], full.values[name]) for name in part.values)
    with pytest.raises(PolicyError, match=r"only later nodes are computed; cannot capture \['hook_input'\]"):
        impala.capture(names=["hook_input", "hook_value"], start_at="trunk.hook_relu", values=full.values)
    with pytest.raises(PolicyError, match="only later nodes"):
        impala.activations(start_at="hook_value", values=full.values)


def test_activations_stop_at_the_last_node_asked_for(impala: Policy, frames: Tensor):
    def never(value: Tensor, hook) -> None:
        raise AssertionError(f"{hook.name} ran")

    with impala.hooks_on({"block1.res1.hook_branch": never}):
        impala.activations(frames, ["block1.res1.hook_conv1", "hook_input"])


def test_values_that_no_later_node_reads_are_freed(impala: Policy, frames: Tensor):
    alive: dict[str, weakref.ref[Tensor]] = {}
    most = 0

    def count(value: Tensor, hook) -> None:
        nonlocal most
        most = max(most, 1 + sum(ref() is not None for ref in alive.values()))
        alive[hook.name] = weakref.ref(value)

    with torch.no_grad(), impala.hooks_on(dict.fromkeys(impala.hook_names, count)):
        impala(frames)
    assert most <= 3  # of 33 values: the skip, the branch and the one being computed


def test_wrong_use_is_refused(impala: Policy, frames: Tensor):
    values = impala.capture(frames).values
    start = "block1.res1.hook_branch"
    with pytest.raises(PolicyError, match="either obs, or start_at"):
        impala()
    with pytest.raises(PolicyError, match="either obs, or start_at"):
        impala(frames, values=values)
    with pytest.raises(PolicyError, match="obs is not read"):
        impala(frames, start_at=start, values=values)
    with pytest.raises(PolicyError, match="comes before"):
        impala(start_at=start, stop_at="hook_input", values=values)
    with pytest.raises(PolicyError, match="feed-forward"):
        impala(frames, torch.zeros(3, 8))
    with pytest.raises(UnknownHook):
        impala(start_at=start, values={**values, "block1.res1.hook_brunch": values[start]})
    for name in impala.frontier(start):  # both of these would otherwise be broadcast by the sum
        with pytest.raises(PolicyError, match=r"has shape .*; expected"):
            impala(start_at=start, values={**values, name: values[name][:1]})
        with pytest.raises(PolicyError, match=r"has shape .*; expected"):
            impala(start_at=start, values={**values, name: values[name][..., :1]})


def test_one_name_gives_its_tensor_and_several_a_dictionary(impala: Policy, frames: Tensor):
    name = "block1.res1.hook_out"
    one = impala.activations(frames, name)
    assert isinstance(one, Tensor)
    assert torch.equal(one, impala.activations(frames, [name])[name])
    assert list(impala.activations(frames, ["block1.*"])) == [n for n in impala.hook_names if n.startswith("block1.")]
    with pytest.raises(UnknownHook, match=r"block1\.\*"):
        impala.activations(frames, "block1.*")


def test_arrays_are_as_good_as_tensors(impala: Policy, frames: Tensor):
    array = frames.numpy()
    assert torch.equal(impala(array).logits, impala(frames).logits)
    assert torch.equal(impala(array[::-1]).logits, impala(frames.flip(0)).logits)  # numpy's views, too
    assert torch.equal(impala.capture(array, "hook_logits").values["hook_logits"], impala(frames).logits)
    assert torch.equal(impala.activations(array, "hook_logits"), impala(frames).logits)
    pooled = impala.activations(frames, "block1.hook_pool")
    behind = impala(start_at="block1.hook_pool", values={"block1.hook_pool": pooled.numpy()})
    assert torch.equal(behind.logits, impala(frames).logits)
    with pytest.raises(PolicyError, match=r"observations must be an array or a tensor .*, got list"):
        impala(array.tolist())
    with pytest.raises(PolicyError, match=r"observations must be uint8 \[frames, 64, 64, 3\]; got .* as frame\[None\]"):
        impala(array[0])
