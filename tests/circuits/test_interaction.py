"""What no pair of frames shows: gates in 2 x 2 scenes, and effects whose signs cancel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits import (
    CircuitError,
    FramePairs,
    TwoByTwo,
    ZeroEffect,
    attribution_patching,
    by_effects,
    edge_effects,
    minimal_faithful_circuit,
    patch,
    run_circuit,
)
from mechinterp.circuits.planted import planted_network
from mechinterp.circuits.planted.pieces import COIN_SIDE_AND_LAVA
from mechinterp.interventions import Site
from mechinterp.policies.actions import movement_logodds
from tests.circuits.test_discovery import scenes

LAVA = 224, 102, 22


def four(count: int, seed: int = 0) -> TwoByTwo:
    """A coin right or left, and a square of lava in the lower left corner or none."""
    pairs = scenes(count, seed=seed)
    frames = {}
    for side, own in (("right", pairs.clean), ("left", pairs.corrupted)):
        for lava in (True, False):
            made = own.copy()
            if lava:
                made[:, 56:62, 2:8] = LAVA
            frames[side, lava] = made
    return TwoByTwo(
        frames["right", True], frames["right", False], frames["left", True], frames["left", False], pairs.levels
    )


@torch.no_grad()
def movement(policy, frames):
    return movement_logodds(policy(torch.from_numpy(frames.copy())).logits, policy.actions).double().numpy()


def test_the_total_is_the_difference_of_two_effects():
    made, cells = planted_network("gated"), four(6)
    found = patch(made.policy, cells, Site("hook_logits"))
    m = {name: movement(made.policy, getattr(cells, name)) for name in ("both", "first", "second", "neither")}
    expected = (m["both"] - m["second"]) - (m["first"] - m["neither"])
    np.testing.assert_allclose(found.total(), expected, atol=1e-5)
    np.testing.assert_allclose(found.effect()[0], expected, atol=1e-5)  # everything passes the logits
    assert expected.min() > 1
    additive = planted_network("coin and right")
    np.testing.assert_allclose(patch(additive.policy, cells, Site("hook_logits")).total(), 0, atol=1e-4)


def test_pairs_of_the_coin_leave_the_gate_out_and_four_frames_find_it():
    made, cells = planted_network("gated"), four(8)
    truth = made.truth(COIN_SIDE_AND_LAVA)
    ranking = by_effects(made.policy, cells, kind="edges")
    assert ranking.auroc(truth, undecided=made.undecided(COIN_SIDE_AND_LAVA)) == 1
    by_edge = dict(zip(ranking.parts, ranking.scores.tolist(), strict=True))
    assert min(by_edge[edge] for edge in truth) > 0.1
    assert max(score for edge, score in by_edge.items() if edge not in made.edges) < 1e-5
    _, lava = made.channels["lava"]
    into_gate = [edge for edge in truth if edge.source == lava]
    with_lava = FramePairs(cells.both, cells.second, cells.levels)
    assert len(into_gate) == 2
    for way in ("denoise", "noise"):  # the coin's side with lava: the gate carries the same in both frames
        assert not edge_effects(made.policy, with_lava, into_gate, direction=way).effect().any()


def test_the_smallest_circuit_of_an_interaction_holds_the_gate():
    made, choose, other = planted_network("gated"), four(8), four(8, seed=1)
    report = TwoByTwo(other.both, other.first, other.second, other.neither, other.levels + 8)
    ranking = by_effects(made.policy, choose, kind="nodes")
    found = minimal_faithful_circuit(
        made.policy, choose, report, ranking, rng=np.random.default_rng(0), draws=20, band=0
    )
    assert found.circuit is not None, found.why
    assert set(found.circuit.parts) <= made.used
    assert set(made.channels["lava"]) & set(found.circuit.parts)
    assert set(made.channels["coin"]) & set(found.circuit.parts)
    for way in found.ways.values():
        assert way.chosen.value > 0.8
        assert way.chosen.null.p <= 0.05
    whole = found.circuit.with_parts(ranking.parts)
    run = run_circuit(made.policy, report, [whole, found.circuit.with_parts(())])
    np.testing.assert_allclose(run.effect()[0], run.total(), atol=1e-4)
    np.testing.assert_allclose(run.effect()[1], 0, atol=1e-5)


def test_effects_that_differ_in_sign_from_pair_to_pair_do_not_cancel_in_a_distance():
    """The coin's side both ways around: no signed effect in the mean, the same distance in every pair."""
    made, pairs = planted_network("coin"), scenes(8)
    turned = FramePairs(
        np.concatenate([pairs.clean[:4], pairs.corrupted[:4]]), np.concatenate([pairs.corrupted[:4], pairs.clean[:4]])
    )
    last = made.channels["coin"][-1]
    site = Site(last.hook, last.channel)
    found = {
        way: patch(made.policy, turned, site, metrics=["movement", "unsigned:movement", "kl"], direction=way)
        for way in ("denoise", "noise")
    }
    for effects in found.values():
        assert abs(effects.total("movement").mean()) < 1e-5
        np.testing.assert_allclose(effects.total("unsigned:movement"), -np.abs(effects.total("movement")), atol=1e-5)
        assert effects.total("kl").max() < -0.1
        assert effects.share(0, "unsigned:movement").value == pytest.approx(1, abs=0.05)
    with pytest.raises(ZeroEffect):
        found["denoise"].share(0, "movement")


def test_what_is_refused():
    made, cells = planted_network("gated"), four(2)
    with pytest.raises(CircuitError, match="as many frames of each version"):
        TwoByTwo(cells.both, cells.first[:1], cells.second, cells.neither)
    with pytest.raises(CircuitError, match="'kl' is a distance"):
        patch(made.policy, cells, Site("hook_logits"), metrics="kl")
    with pytest.raises(CircuitError, match="2 x 2 scenes are no pairs"):
        attribution_patching(made.policy, cells, [Site("hook_logits", c) for c in range(4)])
    with pytest.raises(CircuitError, match="of different levels"):
        TwoByTwo.of(FramePairs(cells.both, cells.second), FramePairs(cells.first, cells.neither, np.array([3, 4])))
    with pytest.raises(CircuitError, match=r"'movment'.*did you mean 'movement'"):
        patch(made.policy, cells, Site("hook_logits"), metrics="unsigned:movment")
