"""Channels that respond to the coin: chosen on some levels, shown on others, next to untrained networks."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mechinterp.experiments.coin_contrast import view
from mechinterp.experiments.coin_contrast.measure import Size, measure
from mechinterp.experiments.coin_contrast.result import Layer, Result
from mechinterp.experiments.inputs.examples import Examples, one_a_level
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.policies.stages import stage_outputs
from mechinterp.stats import Null
from tests.experiments import synthetic


@pytest.fixture(scope="module")
def result() -> Result:
    return synthetic.the_coin_contrast(np.random.default_rng(0))


def made(
    *values: float,
    chosen: tuple[int, ...] = (),
    band: float = 0.5,
    p: float = 0.048,
    strength: tuple[float, float] = (0.3, 1.0),
    networks: int = 20,
) -> Result:
    """One layer of channels with these contrasts, each within 0.1, and a null up to `band`; of untrained strength 0.2.

    Args:
        p: of every channel.
        strength: the layer's, and its p.
    """
    null = Null(description="untrained", value=0.0, low=-band, high=band, p=p)
    own = tuple(synthetic.estimate(value, 0.1, null=null) for value in values)
    layer = Layer(side=8, channels=own, strength=strength[0], untrained_strength=0.2, strength_p=strength[1])
    return Result(
        statistic="s", unit="correlation", untrained_networks=networks, pairs=9, pairs_choose=6,
        layers={"a.hook_out": layer},
        chosen=tuple(("a.hook_out", channel) for channel in chosen), examples=None,
    )  # fmt: skip


def test_a_channel_is_beyond_only_if_its_whole_interval_is(result):
    channels = view.figures(result)[0].plot
    groups = {trace.name: trace for trace in channels.data}
    beyond = groups["interval beyond it"]
    for y, minus, plus in zip(beyond.y, beyond.error_y.arrayminus, beyond.error_y.array, strict=True):
        assert y - minus > 0.5 or y + plus < -0.5  # the narrowest band is 0.5
    names = ("interval beyond it", "not clearly beyond it", "chosen on other levels")
    assert sum(len(groups[name].y) for name in names) == 8 * synthetic.CHANNELS
    assert len(groups["chosen on other levels"].y) == len(synthetic.CHOSEN)
    assert "standard deviations" in channels.layout.yaxis.title.text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.1, 0.2), "None of 2 channels has an interval wholly beyond"),
        ((0.1, 0.7), "1 of 2 channels has an interval wholly beyond"),
        ((-0.7, 0.7), "2 of 2 channels have an interval wholly beyond"),
        ((0.55, 0.7), "1 of 2 channels has"),
    ],
)
def test_channels_are_counted(values, words):
    text = view.counted(made(*values))
    assert words in text
    assert "by chance" not in text  # 5 % of two channels is less than one


def test_chance_is_told_where_it_is_a_channel_or_more():
    assert "(at most about 2 by chance)" in view.counted(made(*[0.0] * 40))


@pytest.mark.parametrize(
    ("value", "p", "verdict"),
    [
        (0.9, 0.048, "is beyond that range"),
        (0.3, 0.048, "is not clearly beyond that"),
        (0.9, 0.095, "is not clearly beyond that"),  # two networks of twenty have a channel that is as far out
    ],
)
def test_the_strongest_chosen_channel_in_words(value, p, verdict):
    one = made(value, 0.0, chosen=(0,), p=p)
    text = view.counted(one)
    assert f"The strongest chosen channel, a.hook_out channel 0, {verdict}" in text
    assert f"correlation +{value:.2f} [" in text
    assert f"untrained networks: \N{MINUS SIGN}0.50 to 0.50, p = {p}" in text
    (key,) = view.text(one).keys
    assert ("not clearly beyond" in key.context) is ("not clearly" in verdict)
    assert view.text(made(0.9)).keys == ()


def test_what_was_chosen_is_confirmed_on_other_levels():
    assert view.confirmed(made(0.9, 0.0, chosen=(0, 1))).startswith("1 of the 2 channels chosen on other levels is")
    assert view.confirmed(made(0.9, 0.8, chosen=(0, 1))).startswith("2 of the 2 channels chosen on other levels are")
    assert view.confirmed(made(0.0, chosen=(0,))).startswith("None of the 1 channels")
    assert view.confirmed(made(0.9, chosen=(0,), p=0.3)).startswith("None of the 1 channels")
    many = made(*[0.9] * 9, chosen=tuple(range(9)))
    assert view.confirmed(many).endswith("The first 8 are drawn.")
    assert len(view.figures(many)[1].plot.layout.yaxis.ticktext) == 8


@pytest.mark.parametrize(
    ("strength", "p", "networks", "words"),
    [
        (0.3, 0.048, 20, "a.hook_out (0.30 against 0.20, p = 0.048) holds more of the coin than untrained"),
        (0.1, 0.048, 20, "a.hook_out (0.10 against 0.20, p = 0.048) holds less of the coin than untrained"),
        (0.1, 0.095, 20, "No layer was shown to hold more or less"),
        (0.1, 1 / 3, 2, "cannot be said: that needs 19 untrained networks"),
    ],
)
def test_layers_that_hold_more_or_less_than_untrained_ones_in_words(strength, p, networks, words):
    one = made(0.1, strength=(strength, p), networks=networks)
    assert words in view.counted(one)
    assert (one.layers["a.hook_out"].discarded, one.layers["a.hook_out"].added) == (
        "holds less" in words, "holds more" in words,
    )  # fmt: skip


def test_a_network_that_sees_no_coin_has_discarded_it(tiny):
    """The first filters are 0: no channel changes with the coin anywhere."""
    blind = copy.deepcopy(tiny.policy)
    for name, parameter in blind.named_parameters():
        if name.startswith("block1.conv") and name.endswith("bias"):
            parameter.data.fill_(0)
        elif name.startswith("block1.conv"):
            parameter.data.mul_(0)
    inputs = Inputs(dataclasses.replace(tiny, policy=blind), Plan(levels=12))
    result = measure(Context(inputs, Size(untrained=20, channels=1), np.random.default_rng(0)))
    first = result.layers[next(iter(result.layers))]
    assert first.strength == 0
    assert first.discarded
    assert first.strength_p == pytest.approx(1 / 21)
    assert "hold less of the coin than untrained networks do" in view.counted(result)


def test_figures_follow_what_there_is(result):
    assert [figure.name for figure in view.figures(result)] == ["channels", "top-channels", "maps"]
    assert [figure.name for figure in view.figures(made(0.1))] == ["channels"]
    assert "not evidence" in view.figures(result)[2].caption
    assert "n = 90 levels" in " ".join(note.text for note in view.figures(result)[1].plot.layout.annotations)


def test_each_channel_needs_its_null_and_each_chosen_one_a_number(result):
    layer = result.layers["block2.hook_pool"]
    null = layer.channels[3].null
    for nothing in (None, dataclasses.replace(null, p=None)):
        channels = (*layer.channels[:3], layer.channels[3].against(nothing), *layer.channels[4:])
        bare = layer.model_copy(update={"channels": channels})
        with pytest.raises(ValidationError, match=r"block2\.hook_pool channel 3 has no null with a p"):
            Result(**{**dict(result), "layers": {**result.layers, "block2.hook_pool": bare}})
    for wrong in (("block2.hook_pool", 99), ("nowhere", 0), ("block2.hook_pool", -1)):
        with pytest.raises(ValidationError, match="was chosen, but not measured"):
            Result(**{**dict(result), "chosen": (wrong,)})


def test_examples_must_be_as_many_as_their_boxes(result):
    with pytest.raises(ValidationError, match="must be of as many examples"):
        Examples(**{**dict(result.examples), "levels": (17,)})


def test_channels_are_chosen_and_reported_on_different_levels(tiny):
    inputs = Inputs(tiny, Plan(levels=12))
    result = measure(Context(inputs, Size(untrained=2, channels=1), np.random.default_rng(0)))
    choose, report = inputs(scenes).split("coin on the right", "coin on the left")
    assert (result.pairs_choose, result.pairs) == (len(choose), len(report))
    assert not set(choose.levels) & set(report.levels)
    hooks = stage_outputs(tiny.policy)
    assert tuple(result.layers) == hooks
    assert sorted(hook for hook, _ in result.chosen) == sorted(hooks)  # one of each
    for hook, layer in result.layers.items():
        assert len(layer.channels) == tiny.policy.shapes[hook][0]
        assert {contrast.n for contrast in layer.channels} == {report.n_levels}
    assert result.examples is not None
    assert set(result.examples.levels) <= set(report.levels.tolist())
    one = result.examples.maps[0]
    without = torch.from_numpy(result.examples.frames[:, 1].copy())
    activations = tiny.policy.activations(without, [one.hook])[one.hook]
    np.testing.assert_allclose(one.values[:, 1], activations[:, one.channel].detach().numpy(), atol=1e-5)


def test_examples_are_of_different_levels(tiny):
    pairs = Inputs(tiny, Plan(levels=12))(scenes).pairs("coin on the right")
    few = one_a_level(pairs, 3)
    assert len(few) == few.n_levels == 3
    assert len(one_a_level(pairs, 10**6)) == pairs.n_levels
