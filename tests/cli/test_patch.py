"""`mechinterp patch` on networks whose answer is known."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest

from mechinterp.circuits import BudgetTooSmall, CircuitError, FramePairs, ZeroEffect, patch
from mechinterp.circuits.planted import planted_network
from mechinterp.circuits.sweeps import PatchingSweep, patching_sweep
from mechinterp.cli import main
from mechinterp.interventions import InterventionError, Site, channel_sites, sites_by
from mechinterp.policies import UnknownHook, build, light_impala, save
from tests.circuits.conftest import local_pairs


def saved(kind, folder):
    options = {"use_backgrounds": False}
    return save(planted_network(kind).policy, folder, provenance={"steps": 0, "organism": {"options": options}})


@pytest.fixture(scope="module")
def coin(tmp_path_factory):
    return str(saved("coin", tmp_path_factory.mktemp("planted") / "coin"))


@pytest.fixture(scope="module")
def lively(tmp_path_factory):
    """Random weights that react to everything."""
    policy = build(light_impala(hidden=8), seed=0)
    policy.get_parameter("logits.weight").data.mul_(300)
    return str(save(policy, tmp_path_factory.mktemp("random") / "lively", provenance={"steps": 0}))


def test_the_planted_coin_channel_comes_first(coin, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    assert main(["patch", coin, "--levels", "12", "--top", "3", "--hook", "block2.*", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    *_, onward, last = planted_network("coin").channels["coin"]
    found = json.loads((out / "patch.json").read_text())
    again = PatchingSweep.from_dict(found["sweep"])
    carriers = {(node.hook, node.channel) for node in planted_network("coin").true_nodes("coin side")}
    carriers |= {(hook, onward.channel) for hook in ("block2.hook_pool", "block2.res1.hook_relu1")}
    carriers |= {("block2.res1.hook_relu2", c) for h, c in carriers if h == "block2.res1.hook_conv1"}
    carriers |= {("block2.res1.hook_out", last.channel)}
    for i, measured in zip(again.top, again.measured, strict=True):
        assert (again.sites[i].hook, again.sites[i].channels[0]) in carriers
        assert measured.value > 1
        assert again.sites[i].label in printed
    others = [m for s, m in zip(again.sites, again.ranked, strict=True) if (s.hook, s.channels[0]) not in carriers]
    np.testing.assert_allclose(others, 0, atol=1e-5)
    assert "coin right against coin left" in printed
    assert "rank correlation of attribution patching with exact patching" in printed
    rows = list(csv.DictReader((out / "patch.csv").read_text().splitlines()))
    assert len(rows) == len(again.sites)
    assert sorted(row["rank"] for row in rows if row["rank"]) == ["1", "2", "3"]
    assert float(rows[again.top[0]]["value"]) == again.measured[0].value


def test_a_policy_that_does_not_care_is_told_apart(tmp_path, capsys):
    path = saved("wall", tmp_path / "wall")  # (a coin on the ground covers some of what "right" reads)
    assert main(["patch", str(path), "--levels", "8"]) == 2
    assert "does not react to this variable" in capsys.readouterr().err


def test_a_wall_network_is_found_by_the_end_wall(tmp_path, capsys):
    path, solid = saved("wall", tmp_path / "wall"), planted_network("wall").channels["wall"]
    words = ["patch", str(path), "--variable", "end wall", "--levels", "12", "--top", "1", "--hook", "block?.hook_conv"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "no end wall in view against the end wall ahead, movement" in printed
    best = printed.splitlines()[4].split()[0]
    assert best in {f"{node.hook}[{node.channel}]" for node in solid}


def test_a_budget_that_one_pair_does_not_fit_into(lively, capsys):
    assert main(["patch", lively, "--levels", "8", "--memory", "1"]) == 2
    assert re.search(r"--memory 1: one pair needs [2-9] MiB", capsys.readouterr().err)


def test_levels_without_room_for_the_change(coin, capsys):
    assert main(["patch", coin, "--variable", "hazard ahead", "--levels", "5"]) == 2
    assert re.search(
        r"(only [0-3] of 5 levels have room|none of the \d+ states has room)", capsys.readouterr().err
    )  # fmt: skip


def test_a_hazard_and_jumping_are_a_question_too(lively, capsys):
    words = ["--variable", "hazard ahead", "--metric", "jump", "--levels", "40", "--by", "layer"]
    assert main(["patch", lively, *words]) == 0
    assert "a hazard ahead against none, jump" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--variable", "coin sid"], "did you mean 'coin side'"),
        (["--hook", "blok2.hook_conv"], "did you mean 'block2.hook_conv'"),
        (["--hook", "hidden.*", "--by", "position"], "there are no positions"),
        (["--memory", "0"], "--memory 0"),
        (["--levels", "2"], "--levels 2"),
        (["--top", "0"], "--top 0"),
        (["--variable", "end wal"], "did you mean 'end wall'"),
        (["--metric", "movment"], "did you mean 'movement'"),
        (["--hook", "block2.*", "--hook", "nothing*"], "no hook point 'nothing*'"),
        (["--memory", "-3"], "--memory -3"),
        (["--out", __file__], "is a file; give a folder"),
        (["--out", f"{__file__}/new"], "is a file; give a folder"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_played(coin, words, message, capsys, monkeypatch):
    monkeypatch.setattr("mechinterp.policies.visits.rollout", None)
    assert main(["patch", coin, *words]) == 2
    assert message in capsys.readouterr().err


def test_sites_of_each_kind():
    policy = planted_network("coin").policy
    hooks = policy.select(["block2.hook_*", "hidden.hook_post"])
    assert hooks == ("block2.hook_conv", "block2.hook_pool", "hidden.hook_post")
    assert sites_by(policy, hooks, "layer") == tuple(Site(hook) for hook in hooks)
    assert len(sites_by(policy, hooks, "channel")) == 8 + 8 + 12
    positions = sites_by(policy, hooks, "position")
    assert {site.hook for site in positions} == {"block2.hook_conv", "block2.hook_pool"}
    cells = np.zeros((16, 16), int)
    for site in positions:
        if site.hook == "block2.hook_conv":
            cells += site.positions.mask(16, 16).numpy()
    assert (cells == 1).all()  # each cell once
    with pytest.raises(InterventionError, match="did you mean 'channel'"):
        sites_by(policy, hooks, "chanel")
    with pytest.raises(UnknownHook, match="blok"):
        policy.select(["block*", "blok*"])


def test_a_sweep_measures_what_patch_does():
    policy, pairs = planted_network("coin and right").policy, local_pairs(24, seed=3)
    halves = [FramePairs(pairs.clean[s], pairs.corrupted[s], pairs.levels[s]) for s in (slice(12), slice(12, 24))]
    sites = channel_sites(policy, "block2.hook_conv")
    found = patching_sweep(policy, *halves, sites, rng=np.random.default_rng(0), direction="noise", top=2)
    by_hand = [patch(policy, half, sites, direction="noise").effect("movement").mean(1) for half in halves]
    np.testing.assert_allclose(found.ranked, by_hand[0], atol=1e-6)
    np.testing.assert_allclose([e.value for e in found.measured], by_hand[1][found.top], atol=1e-6)
    assert abs(found.ranked[found.top[0]]) == abs(by_hand[0]).max()
    assert "kl" not in found.lines()[0]
    distance = patching_sweep(policy, *halves, sites, rng=np.random.default_rng(0), metric="kl", top=1)
    assert distance.total.value < 0
    assert "negative" in distance.lines()[0]
    few = patching_sweep(policy, *halves, sites_by(policy, "block2.hook_conv", "layer"), rng=np.random.default_rng(0))
    assert few.agreement is None
    assert "was not compared" in few.lines()[-1]


def test_bad_pairs_and_budgets():
    policy, pairs = planted_network("coin").policy, local_pairs(4)
    sites, rng = channel_sites(policy, "block2.hook_conv"), np.random.default_rng(0)
    other = FramePairs(pairs.clean, pairs.corrupted, pairs.levels + 10)
    with pytest.raises(CircuitError, match="share levels"):
        patching_sweep(policy, pairs, pairs, sites, rng=rng)
    with pytest.raises(BudgetTooSmall, match="memory budget of 1,000 bytes"):
        patching_sweep(policy, pairs, other, sites, rng=rng, memory=1000)
    same = FramePairs(pairs.clean, pairs.clean, pairs.levels)
    with pytest.raises(ZeroEffect, match="no site can carry"):
        patching_sweep(policy, same, other, sites, rng=rng)
    with pytest.raises(CircuitError, match="no JSON of a patching sweep"):
        PatchingSweep.from_dict({"metric": "movement"})
