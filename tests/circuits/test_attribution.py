"""Attribution patching against exact patching, finite differences and planted circuits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from mechinterp.circuits import BudgetTooSmall, CircuitError, FramePairs, patch
from mechinterp.circuits.agreement import rank_agreement, sample_to_compare
from mechinterp.circuits.attribution import attribution_patching
from mechinterp.circuits.attribution_effects import AttributionEffects
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.planted import planted_network
from mechinterp.circuits.routes import edge_effects
from mechinterp.coinrun import GameOptions, scenes
from mechinterp.coinrun.scenes.pool import pool_states
from mechinterp.interventions import Site, channel_sites
from mechinterp.interventions.positions import Box
from mechinterp.policies import ImpalaConfig, NatureConfig, build
from tests.circuits.brute import effect_of_value, target_value
from tests.circuits.conftest import local_pairs, random_frames

METHODS = ["gradient", "eap-ig inputs", "eap-ig activations"]
ONE_EACH = (1, 4, 5, 7)


def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def linear():
    """All weights and frames are positive, so that no relu ever does anything; movement is a difference of logits."""
    policy = build(NatureConfig(channels=(3, 4, 3), hidden=6, actions=ONE_EACH), seed=1).double().eval()
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if not name.startswith(("logits", "value")):
                parameter.abs_()
    return policy.requires_grad_(False)


@pytest.fixture(scope="module")
def coin_pairs():
    states = pool_states(GameOptions(use_backgrounds=False), levels=10, per_level=6)
    return scenes.minimal_pairs(states, "coin side", per_level=1)


def small_impala():
    policy = build(ImpalaConfig((3, 4), res_blocks=1, hidden=5, actions=ONE_EACH), seed=2).double().eval()
    with torch.no_grad():
        policy.logits.weight *= 100
    return policy.requires_grad_(False)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_exact_where_the_network_is_linear(linear, method, direction):
    pairs = local_pairs(3)
    sites = [*channel_sites(linear), Site("layer1.hook_conv", (1,), Box((2, 9), (3, 12)))]
    sites = [site for site in sites if site.hook != "hook_value"]
    found = attribution_patching(linear, pairs, sites, rng=rng(), method=method, direction=direction, steps=3)
    exact = patch(linear, pairs, sites, direction=direction)
    np.testing.assert_allclose(found.effect("movement"), exact.effect("movement"), atol=1e-10)
    assert found.rank_correlation("movement").value == pytest.approx(1)


@pytest.mark.parametrize("method", METHODS)
def test_edges_are_exact_where_the_network_is_linear(linear, method):
    pairs = local_pairs(2)
    edges = [e for e in ResidualGraph.of(linear).edges() if e.target.hook != "hook_value"]
    found = attribution_patching(linear, pairs, edges, rng=rng(), method=method, steps=2)
    exact = edge_effects(linear, pairs, edges)
    np.testing.assert_allclose(found.effect("movement"), exact.effect("movement"), atol=1e-10)


@pytest.mark.parametrize(("replacement", "direction"), [("zero", "noise"), ("mean", "denoise"), ("resample", "noise")])
def test_other_replacements_where_the_network_is_linear(linear, replacement, direction):
    pairs, sites = local_pairs(3), channel_sites(linear, "layer2.hook_conv") + channel_sites(linear, "hidden.hook_pre")
    found = attribution_patching(linear, pairs, sites, rng=rng(), direction=direction, replacement=replacement)
    assert found.rank_correlation("movement").value == pytest.approx(1)
    means = found.effect("movement").mean(1)[found.compared]
    np.testing.assert_allclose(means, found.exact[0], atol=1e-9)


def test_gradient_is_the_slope_of_the_patch():
    """Finite differences: the site mixed by a millionth with the other run's value."""
    policy, pairs, share = small_impala(), local_pairs(2), 1e-6
    sites = channel_sites(policy, lambda name: name != "hook_value")
    found = attribution_patching(policy, pairs, sites, rng=rng())
    base, other = (policy.capture(torch.from_numpy(f)).values for f in (pairs.corrupted, pairs.clean))
    for site, score in zip(sites, found.effect("movement"), strict=True):
        mixed = base[site.hook].clone()
        mixed[:, site.channels] += share * (other[site.hook] - base[site.hook])[:, site.channels]
        slope = effect_of_value(policy, site.hook, mixed, base) / share
        np.testing.assert_allclose(score, slope.numpy(), atol=1e-4, err_msg=site.label)


def test_gradient_of_edges_is_the_slope_at_their_target():
    policy, pairs, share = small_impala(), local_pairs(2), 1e-6
    edges = [e for e in ResidualGraph.of(policy).edges() if e.target.hook != "hook_value"]
    found = attribution_patching(policy, pairs, edges, rng=rng())
    base, other = (policy.capture(torch.from_numpy(f)).values for f in (pairs.corrupted, pairs.clean))
    for i in rng().choice(len(edges), 60, replace=False):
        hook = edges[i].target.hook
        mixed = base[hook] + share * (target_value(policy, edges[i], base, other) - base[hook])
        slope = effect_of_value(policy, hook, mixed, base) / share
        np.testing.assert_allclose(found.effect("movement")[i], slope.numpy(), atol=1e-4, err_msg=str(edges[i]))


@pytest.mark.parametrize("hook", ["hook_input", "block1.hook_conv", "block2.hook_pool", "hidden.hook_post"])
def test_integrated_gradients_of_a_hook_point_add_up(hook):
    """Completeness: all channels together have the effect of patching the whole activation."""
    policy, pairs = small_impala(), local_pairs(3)
    found = attribution_patching(policy, pairs, _five(policy, hook), rng=rng(), method="eap-ig activations", steps=60)
    whole = patch(policy, pairs, [Site(hook)]).effect("movement")[0]
    width = policy.shapes[hook][0]
    np.testing.assert_allclose(found.effect("movement")[:width].sum(0), whole, rtol=0.05, atol=1e-3)


def _five(policy, hook):
    """Every channel of the hook point, and some of another, so that there are enough to compare."""
    return channel_sites(policy, hook) + channel_sites(policy, "block2.hook_conv")[:3]


@pytest.mark.parametrize("kind", ["coin", "coin by skip"])
def test_integrated_gradients_see_through_the_relu_that_hides_a_coin(kind, coin_pairs):
    """A single channel carries the coin, through relus that are shut in the run without it."""
    made = planted_network(kind)
    hooks = list(dict.fromkeys(node.hook for node in made.channels["coin"]))
    sites = channel_sites(made.policy, hooks)
    exact = patch(made.policy, coin_pairs, sites).effect("movement").mean(1)
    errors = {}
    for method in ("gradient", "eap-ig activations"):
        found = attribution_patching(made.policy, coin_pairs, sites, rng=rng(), method=method, steps=30)
        errors[method] = np.abs(found.effect("movement").mean(1) - exact).max()
    assert exact.max() > 3
    assert errors["eap-ig activations"] < 0.05 * exact.max()
    assert errors["gradient"] > 0.3 * exact.max()


@pytest.mark.parametrize("kind", ["coin", "coin and right", "coin by skip", "interference"])
def test_planted_edges_are_found(kind, coin_pairs):
    made, edges = _candidates(kind)
    found = attribution_patching(made.policy, coin_pairs, edges, rng=rng(), method="eap-ig activations", compared=200)
    assert _area(made, edges, found.effect("movement")) >= 0.99


def test_redundant_paths_hide_one_another_from_gradients_but_not_from_exact_patching(coin_pairs):
    made, edges = _candidates("two coin paths")
    found = attribution_patching(made.policy, coin_pairs, edges, rng=rng(), direction="noise")
    assert _area(made, edges, found.effect("movement")) < 0.95
    exact = edge_effects(made.policy, coin_pairs, edges)
    assert _area(made, edges, exact.effect("movement")) == 1


def _candidates(kind):
    made = planted_network(kind)
    undecided = made.undecided("coin side")
    graph = ResidualGraph.of(made.policy)
    return made, [e for e in graph.edges() if e not in undecided and e.target.hook != "hook_value"]


def _area(made, edges, effects):
    """Area under the ROC of true edges, against all that are not connected to movement."""
    scores, truth = np.abs(effects).mean(1), made.truth("coin side")
    true = np.array([edge in truth for edge in edges])
    wins = (scores[true][:, None] > scores[~true]) + 0.5 * (scores[true][:, None] == scores[~true])
    return wins.mean()


def test_several_metrics_at_once_are_each_alone():
    policy, pairs = small_impala(), local_pairs(2)
    sites = channel_sites(policy, ["block1.hook_pool", "hidden.hook_pre"])
    both = attribution_patching(policy, pairs, sites, rng=rng(), metrics=["movement", "value"])
    alone = attribution_patching(policy, pairs, sites, rng=rng(), metrics="value")
    np.testing.assert_allclose(both.effect("value"), alone.effect("value"), atol=1e-12)
    assert len(both.agreement) == 2


def test_memory_changes_nothing_but_the_batches():
    policy, pairs = small_impala(), local_pairs(5)
    sites = channel_sites(policy, "block2.hook_conv") + channel_sites(policy, "hidden.hook_pre")
    roomy = attribution_patching(policy, pairs, sites, rng=rng())
    tight = attribution_patching(policy, pairs, sites, rng=rng(), memory=6 << 20)
    np.testing.assert_allclose(roomy.values, tight.values, atol=1e-12)
    with pytest.raises(BudgetTooSmall, match="gradients of one pair"):
        attribution_patching(policy, pairs, sites, rng=rng(), memory=1000)


def test_json_and_back():
    policy, pairs = small_impala(), local_pairs(3)
    for made in (
        attribution_patching(
            policy, pairs, channel_sites(policy, "block2.hook_conv", positions=Box((12, 20), (8, 26))) * 2, rng=rng()
        ),
        attribution_patching(
            policy, pairs, ResidualGraph.of(policy).edges(), rng=rng(), method="eap-ig inputs", steps=2
        ),
    ):
        again = AttributionEffects.from_json(made.to_json())
        np.testing.assert_array_equal(again.values, made.values)
        assert (again.parts, again.agreement, again.method) == (made.parts, made.agreement, made.method)
    with pytest.raises(CircuitError, match="no JSON of attribution effects"):
        AttributionEffects.from_json("{}")


def test_rank_correlation_is_spearmans():
    a = rng().normal(size=40).round(1)  # with ties
    b = a + rng().normal(size=40)
    found = rank_agreement(a, b, name="x", unit="sites", rng=rng())
    assert found.value == pytest.approx(spearmanr(a, b).statistic)
    assert found.low < found.value < found.high
    assert found.n == 40
    assert found.null is not None
    assert abs(found.null.value) < 0.05
    perfect = rank_agreement(b[:6], b[:6], name="x", unit="sites", rng=rng())
    assert (perfect.value, perfect.high) == (pytest.approx(1), pytest.approx(1))
    assert perfect.low < 0.5  # six in order do not show that a seventh would be
    many = rank_agreement(b, b, name="x", unit="sites", rng=rng())
    assert perfect.low < many.low < 1
    assert rank_agreement(0 * a, b, name="x", unit="sites", rng=rng()).value == 0


@pytest.mark.parametrize("count", [5, 6, 9])
def test_rank_correlations_of_few_parts_stay_between_minus_one_and_one(count):
    a = rng().normal(size=count)
    for b in (a, -a, rng().normal(size=count), np.roll(a, 1)):
        found = rank_agreement(a, b, name="x", unit="sites", rng=rng())
        assert found.value == pytest.approx(spearmanr(a, b).statistic)
        assert -1 <= found.low <= found.value <= found.high <= 1


def test_half_of_the_sample_are_the_largest():
    scores = np.zeros((2, 400, 3))
    scores[0, 50] = [3, -1, 1]  # the mean counts
    scores[0, 60] = [9, -9, 0]
    scores[1, 70] = 1e-3  # the only one of its metric, whatever the unit
    samples = [sample_to_compare(scores, 20, np.random.default_rng(seed)) for seed in range(20)]
    for sample in samples:
        assert len(set(sample)) == 20
        assert {50, 70} <= set(sample.tolist())
    by_chance = np.bincount(np.concatenate(samples), minlength=400)[100:]
    assert by_chance.max() < 10  # others come and go
    assert (by_chance > 0).sum() > 50
    assert sample_to_compare(scores, 1000, rng()).tolist() == list(range(400))


def test_sparse_edges_never_lack_something_to_agree_with(coin_pairs):
    made = planted_network("coin")
    for seed in range(4):  # 12 of 660 edges carry anything
        options = {"rng": np.random.default_rng(seed), "compared": 24, "method": "eap-ig activations"}
        found = attribution_patching(made.policy, coin_pairs, ResidualGraph.of(made.policy).edges(), **options)
        assert np.count_nonzero(found.exact) >= 10
        (agreement,) = found.agreement
        assert agreement.value > 0.5
        assert agreement.method.endswith("edges: half have the largest scores, half are random")


def test_bad_input_is_told():
    policy, pairs = small_impala(), local_pairs(2)
    sites = channel_sites(policy, "hidden.hook_pre")
    with pytest.raises(CircuitError, match="always compared with exact"):
        attribution_patching(policy, pairs, sites[:3], rng=rng())
    with pytest.raises(CircuitError, match=r"unknown method.*eap-ig inputs"):
        attribution_patching(policy, pairs, sites, rng=rng(), method="eap-ig input")
    with pytest.raises(CircuitError, match="no frame to go to"):
        attribution_patching(policy, pairs, sites, rng=rng(), method="eap-ig inputs", replacement="zero")
    with pytest.raises(CircuitError, match="steps"):
        attribution_patching(policy, pairs, sites, rng=rng(), method="eap-ig inputs", steps=0)
    same = random_frames(2)
    (alike,) = attribution_patching(policy, FramePairs(same, same.copy()), sites, rng=rng()).agreement
    assert (alike.value, alike.n) == (0, len(sites))
    assert "no order to agree with" in alike.method
    with pytest.raises(CircuitError, match="does not exist"):
        attribution_patching(policy, pairs, [Edge(Node("hook_input", 7), Node("block1.hook_conv", 0))], rng=rng())
    with pytest.raises(CircuitError, match="no sites"):
        attribution_patching(policy, pairs, [], rng=rng())
