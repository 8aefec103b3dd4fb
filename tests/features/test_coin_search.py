"""Finding the coin in networks where the answer is known: planted ones, and ones that know nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mechinterp.circuits.planted import LIGHT, planted_network
from mechinterp.coinrun import LevelSource
from mechinterp.coinrun.engine import GameOptions
from mechinterp.features import (
    CoinAblation,
    FeatureError,
    NullResponses,
    Verdict,
    ablate_coin,
    channel_responses,
    coin_directions,
    coin_effects,
    counterfactual_scenes,
    find_coin_channels,
    null_responses,
)
from mechinterp.features.changes import ACTING, KL, QUANTITIES
from mechinterp.features.coin_ablation import Line
from mechinterp.features.findings import findings
from mechinterp.features.responses import balanced_correlation
from mechinterp.policies import AlwaysRight, UnknownHook, build, visited_states
from mechinterp.stats import Estimate, Null

PLAIN = GameOptions(distribution_mode="easy", use_backgrounds=False)
LEVELS = 44


@pytest.fixture(scope="module")
def states():
    source = LevelSource(PLAIN, seed=0)
    starts = source.starts(range(5000, 5000 + LEVELS))
    source.close()
    return visited_states(AlwaysRight(), starts, per_level=2, max_steps=60)


@pytest.fixture(scope="module")
def scenes(states):
    return counterfactual_scenes(states, most=120)


@pytest.fixture(scope="module")
def null(scenes):
    return null_responses(build(LIGHT, seed=0), scenes, seeds=range(100, 120))


def parts(scenes, own, null):
    levels = np.random.default_rng(0).permutation(np.unique(scenes.levels))
    choose, report = levels[: len(levels) * 2 // 5], levels[len(levels) * 2 // 5 :]
    cut = own.of_levels(choose), null.of_levels(choose), own.of_levels(report), null.of_levels(report)
    return cut, report


def search(kind, scenes, null):
    net = planted_network(kind, distractors=0.0)
    own = channel_responses(net.policy, scenes)
    cut, levels = parts(scenes, own, null)
    rng = np.random.default_rng(0)
    channels = find_coin_channels(*cut, rng=rng)
    lines = coin_directions(cut[0], cut[2], cut[1], cut[3], rng=rng)
    found = findings(net.policy, scenes.of_levels(levels), cut[2], channels, lines, rng=rng, random=3)
    return net, {(c.hook, c.channel) for c in channels}, {f.hook: f for f in found}


def streams(nodes, hook):
    """The planted channels that are visible at the output of a block: what its convolutions and branches write."""
    block = hook.split(".")[0]
    return {(hook, n.channel) for n in nodes if n.hook.startswith(block) and not n.hook.endswith("hook_conv1")}


def test_a_planted_coin_is_found_exactly_where_it_was_put_and_is_used(scenes, null):
    net, channels, found = search("coin", scenes, null)
    hook = "block2.res1.hook_out"
    assert {c for c in channels if c[0] == hook} == streams(net.channels["coin"], hook)
    assert found[hook].verdict is Verdict.CHANNELS_USED
    assert found[hook].channels_ablated.effects["movement by side"].low > 0.1
    # a unit sees one side only, so that half of these few scenes tell nothing of it: one of the two may be missed
    hidden = {c for h, c in channels if h == "hidden.hook_post"}
    assert hidden
    assert hidden <= {n.channel for n in net.used if n.hook == "hidden.hook_pre"}


def test_an_unconnected_coin_is_decodable_but_not_causally_used(scenes, null):
    net, channels, found = search("coin unused", scenes, null)
    hook = "block2.res1.hook_out"
    assert {c for c in channels if c[0] == hook} == streams(net.channels["idle coin"], hook)
    assert found[hook].verdict is found["hidden.hook_post"].verdict is Verdict.CHANNELS_UNUSED
    effects = found[hook].channels_ablated.effects  # no path leads from there to an action
    assert all(effects[name].low == effects[name].high == 0 for name in ACTING)
    assert found[hook].direction.auroc.value > 0.99
    assert found[hook].channels_ablated.effects["value by presence"].low > 0  # the critic reads it, and only the critic


def test_a_coin_that_does_the_same_on_either_side_is_used(scenes, null):
    """Its effect cancels in the mean by side; by presence, and unsigned, it is there at every hook point."""
    net, _, found = search("presence", scenes, null)
    hook = "block2.res1.hook_out"
    ablated = found[hook].channels_ablated
    assert abs(ablated.effects["movement by side"].value) < ablated.effects["movement by presence"].value / 4
    assert found[hook].verdict is Verdict.CHANNELS_USED
    assert {"movement by presence", "movement unsigned", "jump by presence", KL} <= set(ablated.affected)
    assert not any(own.verdict in (Verdict.CHANNELS_UNUSED, Verdict.DIRECTION_UNUSED) for own in found.values())
    assert net.wants.startswith("go right and jump")


def test_paths_that_undo_one_another_are_used(scenes, null):
    """Together the two coin channels change nothing; each by itself is worth several nats."""
    net, _, found = search("cancelling", scenes, null)
    _, *both = net.channels["coin"]
    hook, rng = "block2.res1.hook_out", np.random.default_rng(0)
    (ablated,) = ablate_coin(net.policy, scenes, {hook: tuple(node.channel for node in both)}, rng=rng)
    assert all(abs(ablated.effects[name].value) < 1e-5 for name in ACTING)
    assert {f"channel {node.channel}: movement unsigned" for node in both} <= set(ablated.affected)
    assert not ablated.negligible
    assert found[hook].verdict is Verdict.CHANNELS_USED
    assert not any(own.verdict in (Verdict.CHANNELS_UNUSED, Verdict.DIRECTION_UNUSED) for own in found.values())


def test_nothing_but_ground_is_no_coin(scenes, null):
    _, channels, found = search("right", scenes, null)
    assert not channels
    assert not {f.verdict for f in found.values()} & {Verdict.CHANNELS_USED, Verdict.CHANNELS_UNUSED}


def test_of_untrained_networks_one_in_twenty_at_most_reports_a_coin_channel(scenes, null):
    reports = 0
    for i, network in enumerate(null.networks):
        others = NullResponses(tuple(n for j, n in enumerate(null.networks) if j != i))
        cut, _ = parts(scenes, network, others)
        reports += bool(find_coin_channels(*cut, rng=np.random.default_rng(i)))
    assert reports <= 1


def test_a_real_coin_and_its_picture_are_the_same_frame(scenes):
    assert scenes.decoy_difference == 0
    assert {"crate", "saw", "enemy", "lava", "end wall"} <= set(scenes.objects)
    square = scenes.objects["coin-coloured square"]
    box = (square.frames[0] != scenes.coin.corrupted[0]).any(-1)
    rows, columns = np.flatnonzero(box.any(1)), np.flatnonzero(box.any(0))
    assert box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


def test_the_balanced_correlation_is_pearsons_correlation_for_groups_of_the_same_size():
    rng = np.random.default_rng(0)
    first, second = rng.normal(1, 2, (40, 3)), rng.normal(0, 1, (40, 3))
    second[:, 2] = first[:, 2] = 5
    label = np.repeat([1, 0], 40)
    expected = [np.corrcoef(label, np.r_[first[:, c], second[:, c]])[0, 1] for c in (0, 1)]
    assert balanced_correlation(first, second)[:2] == pytest.approx(expected)
    assert balanced_correlation(first, second)[2] == 0
    assert balanced_correlation(np.tile(first, (3, 1)), second)[:2] == pytest.approx(expected)


def test_ablating_everything_is_the_total_effect(scenes):
    net = planted_network("coin", distractors=0.0)
    rng = np.random.default_rng(0)
    whole = coin_effects(net.policy, scenes, rng=rng)
    (use,) = ablate_coin(net.policy, scenes, {"trunk.hook_relu": tuple(range(8))}, rng=rng, random=1)
    for readout, estimate in whole.items():
        assert use.effects[readout].value == pytest.approx(estimate.value, abs=1e-5)
    with pytest.raises(FeatureError, match="8 numbers that are not all 0"):
        ablate_coin(net.policy, scenes, {"trunk.hook_relu": Line(direction=np.zeros(8), others={})}, rng=rng)
    with pytest.raises(UnknownHook, match=r"trunk\.hook_rely"):
        ablate_coin(net.policy, scenes, {"trunk.hook_rely": (0,)}, rng=rng)


def test_the_one_direction_of_a_single_number_is_all_of_it(scenes):
    policy, rng = planted_network("coin", distractors=0.0).policy, np.random.default_rng(0)
    (line,) = ablate_coin(
        policy, scenes, {"hook_value": Line(direction=np.array([-2.0]), others={})}, rng=rng, random=4
    )
    (whole,) = ablate_coin(policy, scenes, {"hook_value": (0,)}, rng=rng, random=4)
    for readout, estimate in whole.effects.items():
        assert line.effects[readout].value == estimate.value
    assert line.effects["movement by side"].value == 0
    assert line.others == whole.others == dict.fromkeys(whole.effects, ())
    assert not line.affects("movement by side")


def test_bad_input(states):
    with pytest.raises(FeatureError, match="too few scenes"):
        counterfactual_scenes([])
    policy = build(LIGHT, seed=0)
    scenes = counterfactual_scenes(states[:6])
    with pytest.raises(UnknownHook, match=r"block1\.hook_poll.*did you mean 'block1\.hook_pool'"):
        channel_responses(policy, scenes, hooks="block1.hook_poll")
    small = dataclasses.replace(scenes.coin, clean=scenes.coin.clean)
    assert len(small) == len(scenes.levels)
    thing = dataclasses.replace(scenes.objects["coin"], frames=scenes.coin.clean[:, :32, :32])
    with pytest.raises(FeatureError, match=r"frames must be uint8 \[frames, 64, 64, 3\].*32, 32"):
        channel_responses(policy, dataclasses.replace(scenes, objects={"coin": thing}))
    bare = channel_responses(policy, dataclasses.replace(scenes, objects={"coin": scenes.objects["coin"]}))
    with pytest.raises(FeatureError, match="give more levels"):
        bare.selective("block1.hook_pool")


def test_a_layer_that_never_changes_is_called_dead(scenes, null):
    policy = build(LIGHT, seed=0).requires_grad_(False)
    policy.get_parameter("hidden.linear.bias").fill_(-1e6)
    own = channel_responses(policy, scenes)
    cut, levels = parts(scenes, own, null)
    rng = np.random.default_rng(0)
    lines = coin_directions(cut[0], cut[2], cut[1], cut[3], rng=rng)
    *_, found = findings(policy, scenes.of_levels(levels), cut[2], [], lines, rng=rng, random=1)
    assert (found.verdict, found.dead, found.direction_ablated) == (Verdict.DEAD, found.width, None)


def ablation(movement, jump, *, half=0.02, random=0.0, p=0.001, unsigned=0.0, kl=0.0):
    """Effects by side, all others but those that are asked for being 0."""
    asked = {"movement by side": movement, "jump by side": jump, "movement unsigned": unsigned, KL: kl}
    values = {name: asked.get(name, 0.0) for name in QUANTITIES} | {"value by presence": 5.0}
    width = {name: half if name in list(asked)[:2] else 0.0005 for name in values}
    effects = {
        name: Estimate(
            name=name, value=value, low=value - width[name], high=value + width[name], n=30, unit="levels",
            null=Null(description="flips", value=0.0, low=-0.1, high=0.1, p=p),
        )
        for name, value in values.items()
    }  # fmt: skip
    others = {name: (random * (value != 0), -random * (value != 0)) for name, value in values.items()}
    return CoinAblation(
        hook="h", channels=(0,), effects=effects, own=values, others=others, labels=("one", "other"), tests=2
    )


def test_used_means_that_an_effect_was_shown_that_matters():
    assert ablation(0.3, 0.0).affected == ("movement by side",)
    assert ablation(0.0, -0.3).affected == ("jump by side",)
    assert ablation(0.0, 0.0, unsigned=0.3).affected == ("movement unsigned",)
    assert ablation(0.0, 0.0, unsigned=0.05).affected == ()
    assert ablation(0.0, 0.0, kl=0.01).affected == (KL,)  # some action that no readout speaks of
    assert ablation(0.0, 0.0, unsigned=0.3, random=0.4).exceeded_by["movement unsigned"] == "one"
    assert ablation(0.05, 0.0).affected == ()  # shown, but it does not matter
    assert ablation(0.3, 0.0, random=0.4).affected == ()  # as with any part of the layer
    assert ablation(0.3, 0.0, p=0.04).affected == ()  # two readouts were asked
    assert ablation(0.3, 0.0, half=0.31).affected == ()
    assert ablation(0.05, 0.0).negligible
    assert not ablation(0.01, 0.0, half=0.2).negligible  # it may matter: that was not shown either way
    assert not ablation(0.0, 0.0, unsigned=0.3).negligible  # what cancels is no absence
    assert not ablation(0.0, 0.0, kl=0.01).negligible


def test_the_verdict_distinguishes_channels_and_direction(scenes, null):
    _, _, every = search("coin", scenes, null)
    found = every["block2.res1.hook_out"]
    no_channels = {"channels": (), "channels_ablated": None}
    for channels, direction, verdict, without in (
        (ablation(0.3, 0), ablation(0, 0), Verdict.CHANNELS_USED, Verdict.DIRECTION_UNUSED),
        (ablation(0.01, 0), ablation(0.38, 0), Verdict.CHANNELS_DIRECTION_USED, Verdict.DIRECTION_USED),
        (ablation(0.01, 0), ablation(0.01, 0), Verdict.CHANNELS_UNUSED, Verdict.DIRECTION_UNUSED),
        (ablation(0.01, 0), ablation(0.2, 0, half=0.3), Verdict.CHANNELS_UNCLEAR, Verdict.DIRECTION_UNCLEAR),
    ):
        changed = dataclasses.replace(
            found, channels_ablated=channels, direction_ablated=direction, later_affects=False
        )
        assert changed.verdict is verdict
        assert verdict.has_channels
        assert not verdict.direction_alone
        only_direction = dataclasses.replace(changed, **no_channels).verdict
        assert only_direction is without
        assert only_direction.direction_alone
        # what a later layer uses came through here
        assert "not used" not in dataclasses.replace(changed, later_affects=True).verdict
        assert not only_direction.has_channels
    area = found.direction.auroc
    by_chance = dataclasses.replace(area.null, p=0.5)
    direction = dataclasses.replace(found.direction, auroc=area.against(by_chance), below=0.5)
    bare = dataclasses.replace(found, direction=direction, **no_channels)
    within = dataclasses.replace(bare, direction_ablated=ablation(0, 0.3)).verdict
    assert within is Verdict.USED_WITHIN_NULL
    assert not within.used  # a causal effect, but of nothing that exceeds untrained networks
    assert dataclasses.replace(bare, direction_ablated=ablation(0, 0.01)).verdict is Verdict.WITHIN_NULL
    dim = dataclasses.replace(direction, auroc=dataclasses.replace(area, value=0.5, low=0.4, high=0.6))
    none = dataclasses.replace(bare, direction=dim, direction_ablated=ablation(0, 0))
    assert none.verdict is Verdict.NOT_DECODABLE
    less = dataclasses.replace(bare, direction=dataclasses.replace(direction, below=0.04))
    assert less.verdict is Verdict.USED_DISCARDED
    assert dataclasses.replace(less, direction_ablated=ablation(0, 0)).verdict is Verdict.DISCARDED
    assert {v for v in Verdict if v.used} == {
        Verdict.CHANNELS_USED, Verdict.CHANNELS_DIRECTION_USED, Verdict.DIRECTION_USED,
    }  # fmt: skip


def test_nothing_that_is_found_fills_the_screen(scenes, null):
    _, _, found = search("coin", scenes, null)
    own = found["block2.res1.hook_out"]
    things = (scenes, scenes.objects["coin"], null, null.networks[0], null.contrasts(), null.contrasts().networks[0])
    for thing in (*things, own, own.direction, own.channels_ablated, own.direction_ablated, own.channels[0]):
        assert type(thing).__name__ in repr(thing)
        assert len(repr(thing)) < 160
    assert "coin channels, used" in repr(own)


def test_what_is_shown_is_corrected_for_all_tests(scenes, null):
    """Four signed effects a part; a p that would do for two tests does not do for four."""
    _, _, found = search("coin", scenes, null)
    parts = [part for f in found.values() for part in (f.channels_ablated, f.direction_ablated) if part is not None]
    assert {part.tests for part in parts} == {4 * len(parts)}
    assert ablation(0.3, 0.0, p=0.02).affected == ("movement by side",)
    assert dataclasses.replace(ablation(0.3, 0.0, p=0.02), tests=4).affected == ()
