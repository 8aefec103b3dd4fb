"""`patch` as it is called first: a subject or a network, pairs or two frames, and what to patch by."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from mechinterp.circuits import CircuitError, attribution_patching, edge_effects, patch, path_effects, run_circuit
from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.coinrun import GameOptions
from mechinterp.interventions import (
    Ablate,
    Clamp,
    InterventionError,
    Mask,
    Patch,
    ProjectOut,
    Site,
    Steer,
    apply,
    sites_by,
)
from mechinterp.policies import Subject, UnknownHook, save, stage_outputs
from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.errors import PolicyError
from tests.circuits.conftest import lively, local_pairs, random_frames

HOOK = "block2.hook_pool"


def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    return Subject.load(save(lively("light"), tmp_path_factory.mktemp("lively") / "light", provenance={"steps": 0}))


def test_a_subject_is_as_good_as_its_network_in_every_method(subject):
    pairs, policy = local_pairs(4), subject.policy
    assert isinstance(subject.options, GameOptions)
    edge = Edge(Node("block1.hook_conv", 0), Node("block2.hook_conv", 1))
    one = Circuit.of(policy, [Node("block1.hook_conv", 0)])
    for method, what in (
        (patch, [Site(HOOK, 1)]),
        (edge_effects, [edge]),
        (path_effects, str(edge)),
        (run_circuit, one),
        (attribution_patching, [Site(HOOK, c) for c in range(3)] + [Site("hidden.hook_pre", c) for c in range(3)]),
    ):
        found = [method(who, pairs, what) for who in (subject, policy)]
        np.testing.assert_array_equal(found[0].values, found[1].values)
    with pytest.raises(PolicyError, match="a policy or a Subject is needed, got str"):
        patch("checkpoints/standard", pairs)


def test_by_channel_by_layer_and_by_position_of_every_stage(subject):
    pairs, policy = local_pairs(4), subject.policy
    hooks = stage_outputs(policy)
    for by, count in (
        ("channel", sum(policy.shapes[hook][0] for hook in hooks)),
        ("layer", len(hooks)),
        ("position", sum(len(policy.shapes[hook]) == 3 for hook in hooks) * 64),
    ):
        found = patch(subject, pairs, by=by)
        assert found.parts == sites_by(policy, hooks, by)
        assert len(found) == count
    assert patch(subject, pairs).parts == patch(subject, pairs, by="channel").parts
    assert patch(subject, pairs, hooks=HOOK, by="layer").parts == (Site(HOOK),)
    whole = patch(subject, pairs, [Site(HOOK)]).effect()[0]
    np.testing.assert_allclose(patch(subject, pairs, by="layer", hooks=HOOK).effect()[0], whole)
    with pytest.raises(InterventionError, match="did you mean 'channel'"):
        patch(subject, pairs, by="chanel")
    with pytest.raises(CircuitError, match="either sites, or by and hooks"):
        patch(subject, pairs, [Site(HOOK)], by="layer")
    with pytest.raises(UnknownHook):
        patch(subject, pairs, hooks="blok2")


def test_two_frames_are_one_pair_as_arrays_and_as_tensors(impala):
    clean, corrupted = random_frames(2)
    pair = patch(impala, (clean[None], corrupted[None]), [Site(HOOK, 1)])
    for sides in ((clean, corrupted), (torch.from_numpy(clean), torch.from_numpy(corrupted))):
        one = patch(impala, sides, [Site(HOOK, 1)])
        np.testing.assert_array_equal(one.values, pair.values)
    table = one.top(1).to_frame()
    assert table["low"].isna().all()  # a single level has no interval
    assert table["effect"][0] == pair.effect()[0, 0]
    given = [
        patch(impala, sides, [Site(HOOK)], replacement="mean", reference=f) for f in (clean, torch.from_numpy(clean))
    ]
    np.testing.assert_array_equal(given[0].values, given[1].values)


def test_metrics_are_names_actions_and_functions(impala):
    def first(logits, value):
        return logits[:, 0] - value

    pairs, sites = local_pairs(3), [Site(HOOK, c) for c in range(5)]
    found = patch(impala, pairs, sites, metrics=["movement", "action:right+jump", first])
    assert found.metrics == ("movement", "action:right+jump", "first")
    alone = patch(impala, pairs, sites, metrics=first)
    np.testing.assert_array_equal(alone.effect(), found.effect("first"))
    for metric in ("action:right+jump", first):
        quick = attribution_patching(impala, pairs, sites, metrics=metric, rng=rng())
        assert np.abs(quick.effect()).max() > 1e-4
        exact = patch(impala, pairs, sites, metrics=metric)
        np.testing.assert_allclose(quick.exact[0], exact.scores()[quick.compared], atol=1e-5)
        np.testing.assert_allclose(quick.total(), exact.total(), atol=1e-5)
    with pytest.raises(CircuitError, match="got 7"):
        attribution_patching(impala, pairs, sites, metrics=7)
    with pytest.raises(CircuitError, match="of the same name"):
        patch(impala, pairs, sites, metrics=[lambda logits, value: value, lambda logits, value: -value])


def edits(policy):
    mask = np.zeros((4, 16, 16), bool)
    for row in range(4):
        mask[row, row : row + 9, 3:14] = True
    values = policy.activations(torch.from_numpy(random_frames(4, 8)), HOOK)
    direction = torch.arange(1.0, 6)
    return [
        Ablate(HOOK, 2),
        Site(HOOK),
        Ablate("hidden.hook_pre", (0, 3)),
        Ablate(HOOK, (1, 4), mode="mean", reference=values),
        Ablate(HOOK, 3, Mask(mask), mode="resample", reference=values),
        Patch(HOOK, 0, replacement=values),
        Clamp("hidden.hook_post", (4, 1), value=(2.0, -1.0)),
        Steer(HOOK, direction=direction, strength=torch.tensor([0.0, 1.0, -2.0, 0.5])),
        ProjectOut(HOOK, (0, 1, 2, 4), direction=direction),
        Clamp("hook_value", value=3.0),
    ]


@pytest.mark.parametrize("engine", ["auto", "whole"])
@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_edits_are_run_as_sites_are(impala, engine, direction):
    pairs, sites = local_pairs(4), edits(impala)
    found = patch(impala, pairs, sites, direction=direction, metrics=["movement", "value"], engine=engine)
    base = torch.from_numpy(pairs.corrupted if direction == "denoise" else pairs.clean)
    other = torch.from_numpy(pairs.clean if direction == "denoise" else pairs.corrupted)
    sites[1] = Patch(HOOK, replacement=impala.activations(other, [HOOK]))
    for i, edit in enumerate(sites):
        with apply(impala, edit), torch.no_grad():
            out = impala(base)
        np.testing.assert_allclose(found.run[0, i], movement_logodds(out.logits, impala.actions), atol=1e-4)
        np.testing.assert_allclose(found.run[1, i], out.value, atol=1e-4)
    assert found.replacements[:4] == ("zero", "counterfactual", "zero", "Ablate")
    assert np.abs(found.effect("movement")[:-1]).max(1).min() > 1e-3
    tight = patch(
        impala, pairs, edits(impala), direction=direction, metrics=["movement", "value"], engine=engine, memory=1 << 20
    )
    np.testing.assert_allclose(tight.values, found.values, atol=1e-4)
    again = type(found).from_json(found.to_json())
    assert again.labels == found.labels
    same = patch(impala, pairs, again.parts, direction=direction, engine=engine)
    np.testing.assert_allclose(same.values, found.values[:1], atol=1e-5)


def test_edits_that_do_not_fit_the_pairs(impala):
    values = impala.activations(torch.from_numpy(random_frames(3)), [HOOK])
    with pytest.raises(InterventionError, match="replacement has 3 rows for a batch of 2"):
        patch(impala, local_pairs(2), [Patch(HOOK, replacement=values)])
    with pytest.raises(CircuitError, match="not an edit such as zero ablation"):
        attribution_patching(impala, local_pairs(2), [Ablate(HOOK, c) for c in range(5)])


def test_results_are_tables_and_pages(impala):
    found = patch(impala, local_pairs(6), by="channel", hooks=[HOOK, "hidden.hook_post"], metrics=["movement", "value"])
    best = found.top(3, "value")
    assert list(best.parts) == [found.parts[i] for i in found.ranking("value")[:3]]
    table = best.to_frame("value")
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == ["part", "metric", "effect", "low", "high", "share"]
    np.testing.assert_allclose(table["effect"], found.scores("value")[found.ranking("value")[:3]])
    assert (table["low"] <= table["effect"]).all()
    np.testing.assert_allclose(table["share"], table["effect"] / found.total("value").mean())
    assert len(found.to_frame()) == 2 * len(found)
    page = found._repr_html_()
    assert "the 10 largest" in page
    assert found.top(1, "movement").labels[0] in page
    assert len(repr(found).splitlines()) == 1
    assert len(repr(found)) < 120


def test_effects_are_saved_and_read(impala, tmp_path):
    pairs = local_pairs(4)
    one = Circuit.of(impala, [Node("block1.hook_conv", 0)])
    edge = Edge(Node("block1.hook_conv", 0), Node("block2.hook_conv", 1))
    for found in (
        patch(impala, pairs, by="position", hooks=HOOK),
        edge_effects(impala, pairs, [edge]),
        path_effects(impala, pairs, [f"{edge} -> hidden.hook_pre[1]"]),
        run_circuit(impala, pairs, [one, one.without(one.parts)]),
    ):
        found.save(tmp_path / "effects.json")
        again = type(found).load(tmp_path / "effects.json")
        assert again.parts == found.parts
        assert (again.metrics, again.direction, again.replacement) == (
            found.metrics,
            found.direction,
            found.replacement,
        )
        np.testing.assert_array_equal(again.values, found.values)
        np.testing.assert_array_equal(again.total(), found.total())
        json.loads((tmp_path / "effects.json").read_text())
    (tmp_path / "effects.json").write_text("{")
    with pytest.raises(CircuitError, match=r"effects\.json.*no JSON of effects"):
        type(found).load(tmp_path / "effects.json")
