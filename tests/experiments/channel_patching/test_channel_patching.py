"""Patching of channels: which are patched, and what is said of chosen against random ones."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from mechinterp.circuits import Effects, patch
from mechinterp.experiments.channel_patching import view
from mechinterp.experiments.channel_patching.captions import claimed, effects, shares, toward_effect
from mechinterp.experiments.channel_patching.measure import Size, _patched, chosen_maps, measure, random_sets
from mechinterp.experiments.channel_patching.result import Result, Site
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.features.random_parts import channel_sets
from mechinterp.interventions import Site as PatchSite
from mechinterp.reporting.wording import reading
from mechinterp.stats import Estimate
from tests.experiments import synthetic
from tests.experiments.toys import ranked, subject


def made(value: float, low: float, high: float, *, p: float | None = None) -> Estimate:
    null = None if p is None else synthetic.flips(0.1, p)
    return Estimate(name="effect", value=value, low=low, high=high, n=50, unit="levels", null=null)


def with_numbers(total: Estimate, difference: Estimate | None = None, *, share: bool = True) -> Result:
    """The made-up result, with this total and this difference everywhere."""
    whole = synthetic.the_channel_patching()

    def changed(one):
        update = {} if difference is None else {"difference": difference}
        return one.model_copy(update=update if share else {**update, "share": None})

    sites = {
        hook: Site(channels=site.channels, denoise=changed(site.denoise), noise=changed(site.noise))
        for hook, site in whole.sites.items()
    }
    return whole.model_copy(update={"total": total, "sites": sites})


@pytest.mark.parametrize(
    ("total", "difference", "words"),
    [
        (made(1, 0.8, 1.2), made(0.3, 0.1, 0.5, p=0.01), "restore more of it than random channels"),
        (made(1, 0.8, 1.2), made(-0.3, -0.5, -0.1, p=0.99), "Not clearly more than random channels"),
        (made(1, 0.8, 1.2), made(0.1, -0.1, 0.3, p=0.01), "Not clearly more than random channels"),
        (made(-1, -1.2, -0.8), made(-0.3, -0.5, -0.1, p=0.001), "restore more"),  # of a negative effect
        (made(-1, -1.2, -0.8), made(0.3, 0.1, 0.5, p=0.999), "Not clearly more"),
        (made(-1, -1.2, -0.8), made(-0.3, -0.5, -0.1, p=0.06), "Not clearly more"),  # 6 of 100 random sets do so
    ],
)
def test_chosen_against_random_in_words(total, difference, words):
    result = with_numbers(total, difference)
    text = effects(result, "denoise")
    assert words in text
    assert sum(word in text for word in ("restore more", "Not clearly more")) == 1
    assert words.replace("restore", "remove") in effects(result, "noise")


@pytest.mark.parametrize(
    ("total", "words"),
    [
        (made(1, 0.8, 1.2), "toward the right: +1.00"),
        (made(-1, -1.2, -0.8), "toward the left: \N{MINUS SIGN}1.00"),
    ],
)
def test_the_total_effect_comes_first(total, words):
    text = effects(with_numbers(total), "denoise")
    assert text.startswith(f"Coin right instead of coin left moves the policy {words}")


def test_nothing_to_carry_is_said():
    text = effects(with_numbers(made(0.05, -0.1, 0.2)), "denoise")
    assert "has no clear effect" in text
    assert "random" not in text  # there is nothing that channels could carry more or less of


def test_of_an_effect_that_random_networks_have_nothing_is_claimed():
    clear = with_numbers(made(1, 0.8, 1.2), made(0.3, 0.1, 0.5, p=0.01))
    assert claimed(clear, "denoise") == tuple(clear.sites)
    assert "Random networks" not in effects(clear, "denoise")
    for p, words in ((0.06, "Random networks of the same sensitivity have effects as large (p = 0.06)"),
                     (None, "It was not ranked among random networks")):  # fmt: skip
        ordinary = clear.model_copy(update={"random_p": p})
        assert claimed(ordinary, "denoise") == ()
        assert words in effects(ordinary, "denoise")
    assert claimed(with_numbers(made(0.05, -0.1, 0.2), made(0.3, 0.1, 0.5, p=0.01)), "denoise") == ()


def test_differences_are_mirrored_with_their_null():
    one = toward_effect(made(-1, -2, -0.5), made(-0.3, -0.5, -0.2, p=0.01))
    assert (one.value, one.low, one.high) == (0.3, 0.2, 0.5)
    assert one.null is not None
    assert (one.null.low, one.null.high, one.null.p) == (-0.1, 0.1, 0.01)
    same = made(0.3, 0.1, 0.5)
    assert toward_effect(made(1, 0.5, 2), same) is same


def test_shares_are_told_for_both_directions():
    text = shares(synthetic.the_channel_patching())
    assert text.startswith("Share of the total effect by the chosen channels, restored (denoising): 10")
    assert "; removed (noising): 2" in text
    assert text.count("block2.hook_pool") == 2


def test_figures_with_and_without_shares():
    whole = synthetic.the_channel_patching()
    made_figures = view.figures(whole)
    assert [figure.name for figure in made_figures] == ["patching-denoise", "patching-noise", "patching-shares"]
    denoise = made_figures[0].plot
    assert denoise.layout.xaxis.title.text.startswith("effect restored in the “coin left” frame")
    assert denoise.layout.xaxis.title.text.endswith("nats")
    assert {trace.name: len(trace.x) for trace in denoise.data} == {
        "chosen channels": 4, "size-matched random channels": 4, "all channels": 4,
    }  # fmt: skip
    assert denoise.layout.yaxis.ticktext[1] == "<b>block2.hook_pool</b><br><span style='color:#6E7781'>3</span>"
    assert "n = 90 levels" in " ".join(note.text for note in denoise.layout.annotations)
    bare = with_numbers(made(0.05, -0.1, 0.2), share=False)
    assert [figure.name for figure in view.figures(bare)] == ["patching-denoise", "patching-noise"]


def test_the_key_number_is_the_first_hook_points_and_none_is_picked_by_its_result():
    (key,) = view.text(synthetic.the_channel_patching()).keys
    assert key.label == "share of the coin's effect restored by the chosen channels of block1.res1.hook_out"
    assert "at block2.res1.hook_out" in key.context
    (key,) = view.text(with_numbers(made(0.05, -0.1, 0.2), share=False)).keys
    assert key.label == "total effect to be restored"


def test_hidden_units_are_not_patched():
    layers = {"a": SimpleNamespace(side=8), "b": SimpleNamespace(side=4), "hidden": SimpleNamespace(side=1)}
    chosen = (("hidden", 200), ("b", 7), ("b", 2))
    contrast = SimpleNamespace(layers=layers, chosen=chosen)
    assert chosen_maps(contrast) == {"b": (2, 7)}  # pyright: ignore[reportArgumentType]


def test_random_sets_are_all_others_of_the_size_where_there_are_few(tiny):
    hook, rng = "block1.hook_pool", np.random.default_rng(0)  # of two channels
    assert random_sets(tiny.policy, hook, (1,), 20, rng) == [(0,)]
    assert random_sets(tiny.policy, hook, (0, 1), 20, rng) == []
    assert set(channel_sets(range(5), 3, 100, rng, other_than=(4, 0, 1))) == {*combinations(range(5), 3)} - {(0, 1, 4)}
    many = channel_sets(range(32), 4, 100, rng, other_than=(0, 1, 2, 3))
    assert len(set(many)) == 100
    assert {len(set(one)) for one in many} == {4}
    assert set().union(*many) == set(range(32))  # the chosen ones may be among them, one at a time


def test_a_random_set_in_the_place_of_the_chosen_one_is_clearly_more_in_one_of_twenty_tries():
    """One strong channel of 32, whose effect is skewed over levels: what the mean of a few random sets gets wrong."""
    rng = np.random.default_rng(0)
    by_channel = rng.normal(0, 0.02, (32, 60))
    by_channel[[3, 11]] += rng.lognormal(-1, 1, (2, 60))
    sets = channel_sets(range(32), 4, 400, rng)
    values = np.stack([by_channel[list(one)].sum(0) for one in sets])
    clear = []
    for _ in range(300):
        own, *others = rng.choice(len(sets), 101, replace=False)
        effects = Effects(
            parts=tuple(PatchSite("h", sets[i]) for i in (own, own, *others)), metrics=("movement",),
            direction="denoise", replacement="counterfactual", values=values[None, [own, own, *others]],
            start=np.zeros((1, 60)), goal=np.full((1, 60), 1.0), levels=np.arange(60),
        )  # fmt: skip
        clear.append(reading(_patched(effects, "made up", 1.0, rng).difference) == "above")
    assert 0.005 < np.mean(clear) <= 0.05 + 0.03  # two standard errors of 300 tries


def test_effects_are_those_of_patching_each_set(tiny):
    big = subject()
    big.policy.get_parameter("logits.weight").data.mul_(100)
    inputs, hook = Inputs(big, Plan(levels=14)), "block1.hook_pool"
    contrast = SimpleNamespace(layers={hook: SimpleNamespace(side=8)}, chosen=((hook, 1),))
    result = measure(
        Context(inputs, Size(pairs=1000, random_sets=2), np.random.default_rng(0)),
        contrast,
        ranked("coin side", "movement", 0.01),
    )  # pyright: ignore
    _, report = inputs(scenes).split("coin side")
    assert result.pairs == len(report)
    assert result.pairs + result.pairs_choose == len(inputs(scenes).pairs("coin side"))
    for direction in ("denoise", "noise"):
        found = patch(
            big.policy, report, [PatchSite(hook, 1), PatchSite(hook, 0), PatchSite(hook)], direction=direction
        )
        means = found.effect().mean(1)
        one = getattr(result.sites[hook], direction)
        np.testing.assert_allclose([one.chosen.value, one.random.value, one.every.value], means, atol=1e-9)
        assert one.difference.value == pytest.approx(means[0] - means[1])
        if one.share is not None:
            assert one.share.value == pytest.approx(means[0] / result.total.value)
    assert one.every.value == pytest.approx(result.total.value, abs=1e-5)  # all that passes here


def test_a_first_look_patches_a_pair_of_each_of_some_levels(tiny):
    inputs, hook = Inputs(subject(), Plan(levels=14)), "block1.hook_pool"
    contrast = SimpleNamespace(layers={hook: SimpleNamespace(side=8)}, chosen=((hook, 1),))
    context = Context(inputs, Size(pairs=3, random_sets=2), np.random.default_rng(0))
    result = measure(context, contrast, ranked("coin side", "movement", 0.01))  # pyright: ignore
    assert result.pairs == result.total.n == 3
