"""The geometry of receptive fields by brute force, what the fast engine may not do, and the memory that it takes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from mechinterp.circuits import patch
from mechinterp.interventions import Box, Site, channel_sites
from mechinterp.interventions.engine.alike import merged
from mechinterp.interventions.engine.fast import can_run
from mechinterp.interventions.engine.regions import Region, Span, Window, around, influenced, needed, whole
from mechinterp.policies import ImpalaConfig, build
from mechinterp.policies.actions import movement_logodds
from tests.circuits.conftest import lively, local_pairs, slow_patch


@given(
    sides=st.tuples(st.integers(7, 20), st.integers(7, 20)),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    data=st.data(),
)
def test_a_region_holds_all_that_a_change_reaches_and_all_that_it_needs(sides, kernel, stride, data):
    padding = data.draw(st.integers(0, kernel // 2))
    window = Window((kernel, kernel), (stride, stride), (padding, padding))
    spans = []
    for side in sides:
        first = data.draw(st.integers(0, side - 1))
        spans.append(Span(first, data.draw(st.integers(first + 1, side))))
    region = Region(*spans)
    changed = torch.zeros(1, 1, *sides)
    changed[0, 0, spans[0].slice, spans[1].slice] = 1
    reached = F.conv2d(changed, torch.ones(1, 1, kernel, kernel), stride=stride, padding=padding)[0, 0] > 0
    out = whole(*reached.shape)
    found = influenced(region, window, out)
    exact = around(reached)
    if exact is None:
        assert found is None
        return
    assert found in (exact, out)
    assert found is not out or exact.area > 0.75 * out.area or exact == out
    cells = needed(found, window)
    for span, source, limit in zip(found, cells, sides, strict=True):
        read = [o * stride - padding + k for o in range(span.first, span.stop) for k in range(kernel)]
        assert (min(read), max(read) + 1) == tuple(source)
        assert source.first >= -padding
        assert source.stop <= limit + padding


def test_nothing_that_changes_nothing_is_run(monkeypatch):
    policy, pairs = lively("impala"), local_pairs(2)
    same = (pairs.clean, pairs.clean)

    def fail(*args):
        raise AssertionError("a layer was run")

    monkeypatch.setattr(
        "mechinterp.interventions.engine.fast.STEPS", dict.fromkeys([torch.nn.ReLU, torch.nn.Conv2d], fail)
    )
    effects = patch(policy, same, channel_sites(policy, "block1.hook_pool"))
    assert (effects.run[0] == effects.start[0]).all()


def test_patches_that_come_to_the_same_are_run_once():
    policy, pairs = lively("impala"), local_pairs(2)
    hooks = ["block1.hook_conv", "block1.hook_pool", "block1.res1.hook_conv1", "block1.res1.hook_relu2"]
    box = Site("block1.hook_conv", (0,), Box((0, 40), (0, 40)))
    sites = [*channel_sites(policy, [*hooks, "block1.res1.hook_out"]), box, box]
    kept, index = merged(policy, sites)
    # 3 channels: conv is read by the pool alone, conv1 by the relu alone; out by a relu and a sum, and boxes stay.
    assert [kept[i].hook for i in index[::3][:5]] == [hooks[1], hooks[1], hooks[3], hooks[3], "block1.res1.hook_out"]
    assert len(kept) == 3 + 3 + 3 + 2
    whole = patch(policy, pairs, sites, engine="whole")
    np.testing.assert_allclose(patch(policy, pairs, sites).run, whole.run, atol=1e-4)
    assert np.abs(whole.effect("movement")).max() > 1e-2


@pytest.mark.parametrize("hook", ["block1.hook_conv", "block1.res1.hook_conv1"])
def test_the_mean_before_a_relu_or_a_pool_is_not_that_behind_it(hook):
    policy, pairs = lively("impala"), local_pairs(2)
    sites, frames = channel_sites(policy, hook), torch.from_numpy(np.concatenate([pairs.clean, pairs.corrupted]))
    mean = policy.activations(frames, hook).mean(0, keepdim=True)
    found = patch(policy, pairs, sites, replacement="mean", direction="noise")
    for i, site in enumerate(sites):
        out = slow_patch(policy, pairs, site, mean, direction="noise")
        np.testing.assert_allclose(found.run[0, i], movement_logodds(out.logits, policy.actions), atol=1e-4)


def test_networks_that_the_rules_do_not_cover_and_hooks_are_left_to_the_network_itself():
    policy = lively("impala")
    assert can_run(policy, "hook_input")
    with policy.hooks_on({"block2.res1.hook_relu1": lambda value, hook: None}):
        assert not can_run(policy, "hook_input")
        assert not can_run(policy, "block2.hook_pool")
        assert can_run(policy, "block2.res1.hook_relu1")  # its value is already the hooked one
    assert can_run(policy, "hook_input")
    policy.block2.conv = torch.nn.Conv2d(3, 5, 3, padding=2, dilation=2)
    assert not can_run(policy, "hook_input")
    pairs = local_pairs(1)
    sites = [Site("block1.hook_pool", (0,))]
    auto, through = (patch(policy, pairs, sites, engine=engine) for engine in ("auto", "whole"))
    np.testing.assert_array_equal(auto.run, through.run)


MEASURE = """
import sys
import numpy as np
from mechinterp.circuits import patch
from mechinterp.interventions import channel_sites
from mechinterp.policies import ImpalaConfig, build
policy = build(ImpalaConfig(channels=(16, 16), res_blocks=1, hidden=16), seed=1)
rng = np.random.default_rng(0)
pairs = tuple(rng.integers(0, 256, (2, 40, 64, 64, 3), dtype=np.uint8))

def resident(field):  # not ru_maxrss, which a process takes over from the one that started it
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(field))

peak, now = (lambda: resident("VmHWM")), (lambda: resident("VmRSS"))
engine = sys.argv[1]
sites = channel_sites(policy, ["block1.res1.hook_conv1", "block1.hook_pool"])
patch(policy, (pairs[0][:1], pairs[1][:1]), sites[:2], engine=engine, memory=8 << 20)
# Importing may have taken more than what is in use now, and would hide what follows: fill up to that mark.
ballast = np.ones(max(0, peak() - now()), np.uint8)
start = peak()
patch(policy, pairs, sites, engine=engine, memory=8 << 20)
small = peak() - start
patch(policy, pairs, sites, engine=engine, memory=1 << 30)
print(small, peak() - start)
"""


@pytest.mark.parametrize("engine", ["auto", "whole"])
def test_memory_stays_under_the_budget_whatever_the_number_of_patches(engine):
    result = subprocess.run([sys.executable, "-c", MEASURE, engine], capture_output=True, text=True, check=True)
    small, large = map(int, result.stdout.split())
    assert small < 8 << 20
    assert large > 24 << 20  # the same work without that budget takes more, so that it is the budget that holds


def test_the_peak_that_is_planned_for_grows_with_the_network():
    from mechinterp.circuits.budget import plan, starts

    needs = []
    for width in (4, 16):
        policy = build(ImpalaConfig(channels=(width,), res_blocks=1, hidden=4), seed=0)
        hooks = ["block1.hook_pool"]
        planned = plan(policy, hooks, 10, memory=1 << 30, cached=starts(policy, hooks))
        assert planned.pairs == 10
        needs.append(planned.rows["block1.hook_pool"])
    assert needs[0] >= needs[1] >= 1
