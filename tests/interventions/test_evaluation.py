"""Whole episodes under edits, on policies whose answer to an edit is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mechinterp import cli
from mechinterp.coinrun.placements import PlacementError
from mechinterp.coinrun.scenes import render
from mechinterp.interventions import (
    Ablate,
    EditedActor,
    InterventionError,
    Site,
    apply,
    evaluate,
    mean_ablation,
    parse_sites,
)
from mechinterp.policies import PolicyActor, PolicyError, Subject, UnknownHook, build, light_impala, save
from mechinterp.training import TrainingError

HIDDEN = "hidden.hook_post"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Unit 0 of the hidden layer always says 1 and makes it go right and jump; without it, it goes left."""
    policy = build(light_impala(hidden=4), seed=1)
    with torch.no_grad():
        policy.get_parameter("hidden.linear.weight").zero_()
        policy.get_parameter("hidden.linear.bias").copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        logits = policy.get_parameter("logits.weight")
        logits.zero_()
        logits[8, 0] = 100.0
        policy.get_parameter("logits.bias").copy_(torch.tensor([0.0, 50.0, *[0.0] * 7]))
    return save(policy, tmp_path_factory.mktemp("unit") / "unit")


@pytest.fixture(scope="module")
def subject(folder: Path) -> Subject:
    return Subject.load(folder)


def test_zero_ablation_turns_it_round_and_the_difference_is_paired(subject: Subject):
    found = evaluate(subject, edits=Ablate(HIDDEN, 0), placements=["stock"], levels=6, max_steps=80)
    (rows,) = found.tables().values()
    value = {row.name: row.value for row in rows}
    always_right = evaluate(subject, placements=["stock"], levels=6, max_steps=80)
    (plain,) = always_right.tables().values()
    assert value["return/without edits"] == plain[0].value == plain[1].value  # it is the rule
    assert value["return"] == 0
    assert value["outcome/timeout"] == 1  # it stands at the left wall
    assert value["outcome/died/without edits"] > 0
    for name in ("return", "outcome/coin", "outcome/end", "outcome/died", "outcome/timeout"):
        assert value[f"{name}/difference"] == pytest.approx(value[name] - value[f"{name}/without edits"])
    assert len(found.to_frame()) == len(rows)
    assert found._repr_html_().count("<b>") == 1 + len(rows)


def test_mean_ablation_of_a_constant_changes_nothing(subject: Subject):
    (edit,) = mean_ablation(subject, Site(HIDDEN, (0,)), levels=2, per_level=2)
    assert edit.reference is not None
    assert edit.reference[0].tolist() == [1, 0, 0, 0]
    found = evaluate(subject, edits=edit, placements=["stock"], levels=3, max_steps=60)
    (rows,) = found.tables().values()
    assert all(row.value == 0 for row in rows if row.name.endswith("/difference"))


def test_the_mean_is_that_of_the_frames_that_it_meets():
    policy = build(light_impala(hidden=4), seed=2).eval().requires_grad_(False)
    from mechinterp.coinrun.engine import GameOptions
    from mechinterp.policies.card import Card

    subject = Subject("mine", policy, Card(policy.config), "0" * 64, GameOptions(distribution_mode="easy"))
    hook = "block1.hook_pool"
    (edit,) = mean_ablation(subject, Site(hook), levels=3, per_level=2)
    frames = render(subject.states(levels=3, per_level=2, source="own"))
    expected = np.mean([policy.activations(frame[None], hook)[0].numpy() for frame in frames], 0)
    assert edit.reference is not None
    np.testing.assert_allclose(edit.reference[0].numpy(), expected, atol=1e-6)


def test_an_edited_actor_does_what_the_policy_does_under_the_edits(subject: Subject):
    frames = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    uniform = np.random.default_rng(1).random(20)
    edit = Ablate(HIDDEN, 0)
    with apply(subject.policy, edit):
        expected = PolicyActor(subject.policy)(frames, uniform)
    assert (EditedActor(subject.policy, [edit])(frames, uniform) == expected).all()
    assert set(expected.tolist()) == {1}
    assert set(PolicyActor(subject.policy)(frames, uniform).tolist()) == {8}


def test_sites_as_they_are_typed(subject: Subject):
    policy = subject.policy
    assert parse_sites("block2.hook_pool:3,17", policy) == (Site("block2.hook_pool", (3, 17)),)
    assert parse_sites("block2.hook_pool:0-2, 9", policy) == (Site("block2.hook_pool", (0, 1, 2, 9)),)
    assert [site.hook for site in parse_sites("block2.res1.*", policy)] == [
        name for name in policy.hook_names if name.startswith("block2.res1.")
    ]
    assert parse_sites("hidden.hook_post", policy) == (Site(HIDDEN),)
    for text in ("block2.hook_pool:", "block2.hook_pool:a", "block2.hook_pool:3-", "block2.hook_pool:-1"):
        with pytest.raises(InterventionError, match="channels are written like 3,17 or 0-3,9"):
            parse_sites(text, policy)
    with pytest.raises(InterventionError, match="channels 0 to 31"):
        parse_sites("block2.hook_pool:32", policy)
    with pytest.raises(UnknownHook, match=r"block2\.hook_pol"):
        parse_sites("block2.hook_pol:3", policy)


def test_the_command_ablates_and_compares(folder: Path, capsys: pytest.CaptureFixture[str]):
    words = ["evaluate", str(folder), "--placement", "stock", "--levels", "3", "--max-steps", "40"]
    assert cli.main([*words, "--ablate", f"{HIDDEN}:0", "--ablation", "zero", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ablate"], found["ablation"]) == ([f"{HIDDEN}:0"], "zero")
    rows = {row["name"]: row["value"] for row in found["placements"]["stock"]}
    assert (rows["return"], rows["outcome/timeout"]) == (0, 1)
    assert cli.main([*words, "--ablate", f"{HIDDEN}:0"]) == 0
    printed = capsys.readouterr().out
    assert f", mean ablation of {HIDDEN}:0, 3 held-out levels, placement stock, 95 % intervals" in printed
    assert "return/without edits" in printed
    assert cli.main([*words, "--ablate", "hidden.hook_pst:0"]) == 2
    assert "hidden.hook_pst" in capsys.readouterr().err


def test_what_cannot_be_evaluated_is_told_before_anything_is_played(subject: Subject):
    for wrong in (subject.policy, "checkpoints/standard", None):
        with pytest.raises(PolicyError, match=r"a Subject is needed, got .*; mi.load\(path\) gives a Subject"):
            evaluate(wrong)  # pyright: ignore[reportArgumentType]
        with pytest.raises(PolicyError, match="a Subject is needed"):
            mean_ablation(wrong, Site(HIDDEN))  # pyright: ignore[reportArgumentType]
    for wrong, shown in ((None, "None"), (3, "3"), (Site(HIDDEN), "Site"), (["x"], "'x'"), ("x", "'x'")):
        with pytest.raises(
            InterventionError, match=f"edits: {shown}.* is no Edit; give one or several, such as Ablate"
        ):
            evaluate(subject, edits=wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InterventionError, match="sites: 'x' is no Site; give one or several, such as Site"):
        mean_ablation(subject, ["x"])  # pyright: ignore[reportArgumentType]
    for edits in ((), Ablate(HIDDEN, 0)):
        for placements in ([], 3, [None]):
            with pytest.raises(PlacementError, match=r"placements: .* such as 'left_of_agent'"):
                evaluate(subject, edits=edits, placements=placements)  # pyright: ignore[reportArgumentType]
        for levels in (None, "4", 2.5, True, 1):
            with pytest.raises(TrainingError, match=f"levels: {levels!r}, allowed are 2 to 80,000, as a whole number"):
                evaluate(subject, edits=edits, levels=levels)  # pyright: ignore[reportArgumentType]
        for name, value in (("max_steps", 2.5), ("num_envs", 0), ("seed", -1), ("seed", None)):
            with pytest.raises(PolicyError, match=f"{name}={value!r}: a whole number is needed"):
                evaluate(subject, edits=edits, **{name: value})


def test_one_placement_may_stand_alone(subject: Subject):
    for edits in ((), Ablate(HIDDEN, 0)):
        found = evaluate(subject, edits=edits, placements="absent", levels=2, max_steps=5)
        assert list(found.placements) == ["absent"]


def test_a_range_of_channels_does_not_run_backwards(subject: Subject):
    with pytest.raises(InterventionError, match=r"'block2.hook_pool:3-1': the range 3-1 runs backwards; write 1-3"):
        parse_sites("block2.hook_pool:3-1", subject.policy)
