from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mechinterp.policies import EmptySelection, Policy, PolicyError, UnknownHook


def no_hooks_left(policy: Policy) -> bool:
    return not any(
        point.fwd_hooks or point.bwd_hooks or point._forward_hooks or point._backward_hooks
        for point in policy.hook_dict.values()
    )


def test_captured_values_equal_those_computed_by_hand(impala: Policy, frames: Tensor):
    w = impala.state_dict()
    values = impala.capture(frames).values

    def conv(x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=1)

    x = frames.permute(0, 3, 1, 2).float() / 255
    hand = {"hook_input": x, "block1.hook_conv": conv(x, "block1.conv")}
    hand["block1.hook_pool"] = x = F.max_pool2d(hand["block1.hook_conv"], 3, 2, 1)
    hand["block1.res1.hook_relu1"] = x.clamp(min=0)
    hand["block1.res1.hook_conv1"] = conv(x.clamp(min=0), "block1.res1.conv1")
    hand["block1.res1.hook_relu2"] = hand["block1.res1.hook_conv1"].clamp(min=0)
    hand["block1.res1.hook_branch"] = conv(hand["block1.res1.hook_relu2"], "block1.res1.conv2")
    hand["block1.res1.hook_out"] = x + hand["block1.res1.hook_branch"]
    for name, expected in hand.items():
        torch.testing.assert_close(values[name], expected, atol=1e-5, rtol=1e-5, msg=name)

    last = values["block2.res2.hook_out"].clamp(min=0).flatten(1)
    hidden = (last @ w["hidden.linear.weight"].T + w["hidden.linear.bias"]).clamp(min=0)
    torch.testing.assert_close(values["hidden.hook_post"], hidden, atol=1e-5, rtol=1e-5)
    value = hidden @ w["value.weight"][0] + w["value.bias"]
    torch.testing.assert_close(values["hook_value"], value, atol=1e-5, rtol=1e-5)


def test_capture_agrees_with_transformer_lens(policy: Policy, frames: Tensor):
    with torch.no_grad():
        output, cache = policy.run_with_cache(frames)
    ours = policy.capture(frames)
    assert set(cache) == set(ours.values) == set(policy.hook_names)
    for name, value in ours.values.items():
        assert torch.equal(value, cache[name]), name
    assert torch.equal(output.logits, ours.output.logits)
    assert no_hooks_left(policy)


def test_hooks_agree_with_transformer_lens(impala: Policy, frames: Tensor):
    def half(value: Tensor, hook) -> Tensor:
        return value * 0.5

    name = "block1.res2.hook_branch"
    with torch.no_grad():
        theirs = impala.run_with_hooks(frames, fwd_hooks=[(name, half)])
        with impala.hooks_on({name: half}):
            ours = impala(frames)
        assert torch.equal(ours.logits, theirs.logits)
        assert not torch.equal(ours.logits, impala(frames).logits)


def test_a_hook_replaces_what_all_later_nodes_see(impala: Policy, frames: Tensor):
    clean = impala.capture(frames).values
    with impala.hooks_on({"block1.hook_pool": lambda value, hook: torch.zeros_like(value)}):
        patched = impala.capture(frames).values
    assert not patched["block1.hook_pool"].any()
    assert torch.equal(patched["block1.hook_conv"], clean["block1.hook_conv"])
    assert not patched["block1.res1.hook_relu1"].any()
    assert torch.equal(patched["block1.res1.hook_out"], patched["block1.res1.hook_branch"])  # the skip is zero too


def test_hooks_get_the_hook_point_and_run_outer_before_inner(impala: Policy, frames: Tensor):
    seen = []
    name = "hidden.hook_post"
    outer = {name: lambda value, hook: seen.append(("outer", hook.name))}
    inner = {name: lambda value, hook: seen.append(("inner", hook.name))}
    with impala.hooks_on(outer), impala.hooks_on(inner):
        impala(frames)
    assert seen == [("outer", name), ("inner", name)]
    impala(frames)
    assert len(seen) == 2


def test_a_hook_that_writes_in_place_changes_its_own_value_alone(policy: Policy, frames: Tensor):
    """Whatever node a hook overwrites, what was captured before it stays, and the effect is that of replacing."""
    clean = policy.capture(frames).values

    def overwrite(value: Tensor, hook) -> None:
        value.fill_(0.25)

    def replace(value: Tensor, hook) -> Tensor:
        return torch.full_like(value, 0.25)

    for position, name in enumerate(policy.hook_names):
        with policy.hooks_on({name: overwrite}):
            overwritten = policy.capture(frames)
        with policy.hooks_on({name: replace}):
            replaced = policy.capture(frames)
        for earlier in policy.hook_names[:position]:
            assert torch.equal(overwritten.values[earlier], clean[earlier]), (name, earlier)
        for later in policy.hook_names[position:]:
            assert torch.equal(overwritten.values[later], replaced.values[later]), (name, later)
        assert torch.equal(overwritten.output.logits, replaced.output.logits)


def test_captured_values_are_owned(impala: Policy, frames: Tensor):
    first = impala.capture(frames)
    kept = {name: value.clone() for name, value in first.values.items()}
    for value in first.values.values():
        value.fill_(9)
    second = impala.capture(frames)
    assert all(torch.equal(second.values[name], kept[name]) for name in kept)
    assert not (first.output.logits == 9).any()  # the output is not what was captured at hook_logits
    assert not any(value.requires_grad for value in second.values.values())


def test_no_hook_survives_an_exception(impala: Policy, frames: Tensor):
    def broken(value: Tensor, hook) -> Tensor:
        raise RuntimeError("broken hook")

    with pytest.raises(RuntimeError, match="broken hook"), impala.hooks_on({"hook_input": broken}):
        impala(frames)
    assert no_hooks_left(impala)
    with pytest.raises(UnknownHook), impala.hooks_on({"hook_input": broken, "nowhere": broken}):
        pass  # pragma: no cover
    assert no_hooks_left(impala)


def test_hooks_of_others_stay(impala: Policy, frames: Tensor):
    impala.add_hook("hook_logits", lambda tensor, hook: tensor + 1)
    with impala.hooks_on({"hook_logits": lambda value, hook: value * 2}):
        pass
    assert len(impala.hook_dict["hook_logits"].fwd_hooks) == 1
    impala.reset_hooks()
    assert no_hooks_left(impala)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda value: value[:1], r"hook at trunk.hook_flat returned torch.float32 \(1, .*expected .*\(3, "),
        (lambda value: value.double(), r"returned torch.float64"),
        (lambda value: 0.0, r"returned float, expected a Tensor or None"),
    ],
)
def test_a_replacement_of_another_shape_or_type_is_refused(impala: Policy, frames: Tensor, result, message: str):
    hooks = {"trunk.hook_flat": lambda value, hook: result(value)}
    with impala.hooks_on(hooks), pytest.raises(PolicyError, match=message):
        impala(frames)


def test_gradients_of_an_activation(impala: Policy, frames: Tensor):
    """The value at a hook can be kept attached; its gradient is that of the part of the network after it."""
    kept = {}

    def keep(value: Tensor, hook) -> None:
        kept[hook.name] = value

    name = "hidden.hook_post"
    with impala.hooks_on({name: keep}):
        (gradient,) = torch.autograd.grad(impala(frames).logits[:, 3].sum(), kept[name])
    expected = impala.get_submodule("logits").weight[3].expand(3, -1)  # pyright: ignore
    torch.testing.assert_close(gradient, expected)


# ---- selecting -----------------------------------------------------------------------------------------------------


def test_names_are_selected_by_string_sequence_or_predicate_in_running_order(impala: Policy):
    assert impala.select("hook_value") == ("hook_value",)
    assert impala.select(["hook_value", "hook_input", "hook_value"]) == ("hook_input", "hook_value")
    assert impala.select(("hook_value", "hook_input")) == ("hook_input", "hook_value")
    assert impala.select(lambda name: name.endswith("hook_pool")) == ("block1.hook_pool", "block2.hook_pool")
    assert impala.select() == impala.hook_names


def test_what_selects_nothing_sensible_is_told(impala: Policy):
    for given in (5, [5], {"hook_input": 3}.values()):
        with pytest.raises(PolicyError, match="hook points are selected by names, patterns or a predicate, got"):
            impala.select(given)  # pyright: ignore[reportArgumentType]


def test_an_unknown_name_is_refused_with_the_nearest_names(impala: Policy, frames: Tensor):
    wrong = "block1.res1.hook_ot"
    attempts = (
        lambda: impala.select(wrong),
        lambda: impala.capture(frames, ["hook_input", wrong]),
        lambda: impala.activations(frames, (wrong,)),
        lambda: impala(frames, stop_at=wrong),
        lambda: impala(start_at=wrong, values={}),
        lambda: impala.frontier(wrong),
        lambda: impala.hooks_on({wrong: print}).__enter__(),
        lambda: impala.run_with_cache(frames, names_filter=wrong),
        lambda: impala.run_with_cache(frames, names_filter=[wrong]),
        lambda: impala.run_with_hooks(frames, fwd_hooks=[(wrong, print)]),
    )
    for attempt in attempts:
        with pytest.raises(UnknownHook, match=r"no hook point 'block1.res1.hook_ot'.*'block1.res1.hook_out'"):
            attempt()
    assert no_hooks_left(impala)


def test_an_empty_selection_is_refused(impala: Policy, frames: Tensor):
    for nothing in ([], (), lambda name: False):
        with pytest.raises(EmptySelection, match="matches none of"):
            impala.capture(frames, nothing)
        with pytest.raises(EmptySelection):
            impala.run_with_cache(frames, names_filter=list(nothing) if not callable(nothing) else nothing)


# ---- gradients -----------------------------------------------------------------------------------------------------


def readout_behind(policy: Policy, name: str, value: Tensor, base: dict[str, Tensor]) -> Tensor:
    """log P(right) - log P(left), from the value at one hook point on, written out."""
    logits = policy(start_at=name, values={**base, name: value}).logits
    right = [column for column, action in enumerate(policy.actions) if action in (6, 7, 8)]
    left = [column for column, action in enumerate(policy.actions) if action in (0, 1, 2)]
    return logits[:, right].logsumexp(1) - logits[:, left].logsumexp(1)


@pytest.mark.parametrize("frozen", [False, True])
def test_cached_gradients_are_those_of_autograd(policy: Policy, frames: Tensor, frozen: bool):
    """At every hook point, with the rest of the network run from there as a function of that value alone."""
    policy.requires_grad_(not frozen)
    output, cache = policy.run_with_cache(frames, incl_bwd=True)
    assert set(cache) == {name + end for name in policy.hook_names for end in ("", "_grad")}
    base = policy.capture(frames).values
    assert torch.equal(output.logits, base["hook_logits"])
    for name in policy.hook_names:
        assert torch.equal(cache[name], base[name])
        if name in ("hook_logits", "hook_value"):
            continue
        value = base[name].clone().requires_grad_()
        (expected,) = torch.autograd.grad(readout_behind(policy, name, value, base).sum(), value)
        torch.testing.assert_close(cache[name + "_grad"], expected, atol=1e-7, rtol=1e-4, msg=name)
        assert expected.abs().max() > 0
    assert not cache["hook_value_grad"].any()
    assert all(weight.grad is None for weight in policy.parameters())
    assert no_hooks_left(policy)


def test_cached_gradients_agree_with_transformer_lens(impala: Policy, frames: Tensor):
    """Its own hooks, with a scalar that this library's output lacks, on the nodes that it can reach."""
    cache, forwards, backwards = impala.get_caching_hooks("block*", incl_bwd=True)
    with impala.hooks(fwd_hooks=forwards, bwd_hooks=backwards):
        impala(frames).value.sum().backward()
    ours = impala.run_with_cache(frames, names_filter="block*", incl_bwd=True, of=lambda output: output.value)[1]
    assert set(ours) == set(cache)
    for name, value in cache.items():
        torch.testing.assert_close(ours[name], value, atol=1e-7, rtol=1e-5, msg=name)


def test_gradients_follow_hooks_parts_and_modes(impala: Policy, frames: Tensor):
    name, later = "block1.hook_pool", "block2.hook_pool"
    plain = impala.run_with_cache(frames, names_filter=name, incl_bwd=True)[1]
    with torch.no_grad():
        same = impala.run_with_cache(frames, names_filter=[name], incl_bwd=True, device="cpu")[1]
    with torch.inference_mode():
        again = impala.run_with_cache(frames, names_filter=[name], incl_bwd=True)[1]
    assert torch.equal(plain[name + "_grad"], same[name + "_grad"])
    assert torch.equal(plain[name + "_grad"], again[name + "_grad"])
    with impala.hooks_on({later: lambda value, hook: 0 * value}):  # what is cut off has no gradient
        cut = impala.run_with_cache(frames, names_filter=name, incl_bwd=True)[1]
    assert plain[name + "_grad"].any()
    assert not cut[name + "_grad"].any()
    of = {"of": lambda value: value[:, 0].square().sum((1, 2)), "stop_at": later}
    part = impala.run_with_cache(frames, names_filter=later, incl_bwd=True, **of)[1]
    assert torch.equal(part[later + "_grad"][:, 0], 2 * part[later][:, 0])
    assert not part[later + "_grad"][:, 1:].any()
    one = impala.run_with_cache(frames[:1], names_filter=name, incl_bwd=True, remove_batch_dim=True)[1]
    torch.testing.assert_close(one[name + "_grad"], plain[name + "_grad"][0], atol=1e-7, rtol=1e-4)


def test_what_cannot_be_differentiated_is_refused(impala: Policy, frames: Tensor):
    calls = [
        ({"of": lambda output: output.value}, "give incl_bwd=True"),
        ({"of": lambda output: 1.0, "incl_bwd": True}, "is no tensor: 1.0"),
        ({"of": lambda output: output.value.detach(), "incl_bwd": True}, "does not depend on the activations"),
        ({"stop_at": "block1.hook_pool", "names_filter": "block1.*", "incl_bwd": True}, "say what is to be"),
        ({"remove_batch_dim": True, "incl_bwd": True}, "the batch has 3 rows"),
        ({"pos_slice": 1, "incl_bwd": True}, "pos_slice cannot be given"),
    ]
    for options, message in calls:
        with pytest.raises(PolicyError, match=message):
            impala.run_with_cache(frames, **options)
        assert no_hooks_left(impala)
    for wrong in ("block9.hook_pool", ["block1.hook_pool", "nowhere"]):
        with pytest.raises(UnknownHook):
            impala.run_with_cache(frames, names_filter=wrong, incl_bwd=True)
        with pytest.raises(UnknownHook):
            impala.add_caching_hooks(wrong)
