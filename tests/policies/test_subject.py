"""A subject makes the scenes that an analysis needs, and cuts them at levels."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import torch

from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.scenes import MinimalPairs, SceneError, minimal_pairs
from mechinterp.coinrun.scenes.pool import pool_states
from mechinterp.policies import (
    CheckpointError,
    PolicyActor,
    PolicyError,
    Subject,
    as_policy,
    as_subject,
    build,
    light_impala,
    save,
    visited_states,
)
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.subject import load


@pytest.fixture(scope="module")
def subject(tmp_path_factory) -> Subject:
    folder = save(
        build(light_impala(hidden=8), seed=1), tmp_path_factory.mktemp("one") / "mine", provenance={"by": "me"}
    )
    return Subject.load(folder)


@pytest.fixture(scope="module")
def sides(subject):
    return subject.pairs("coin side", levels=8, per_level=2)


def test_states_are_those_that_the_long_way_gives(subject, sides):
    with LevelSource(subject.options, seed=0) as source:
        starts = source.starts(LEVELS["scenes"].first(8))
    states = visited_states(PolicyActor(subject.policy), starts, per_level=2, seed=0)
    own = {"levels": 8, "per_level": 2, "source": "own"}
    assert list(subject.states(**own)) == states
    assert subject.states(**own) is subject.states(**own)  # played once


def test_states_of_the_pool_are_the_same_for_every_policy(subject, sides):
    pooled = pool_states(subject.options, levels=8, per_level=12)
    assert list(subject.states(levels=8, per_level=12)) == pooled
    other = Subject("other", build(light_impala(hidden=8), seed=2), subject.card, "0" * 64, subject.options)
    assert other.states(levels=8, per_level=12) == subject.states(levels=8, per_level=12)
    assert other.states(levels=2, source="own") != subject.states(levels=2, source="own")
    assert sides.digest == minimal_pairs(pooled, "coin side", seed=0, per_level=2).digest
    with pytest.raises(PolicyError, match="the pool of states has levels for scenes, none for nulls"):
        subject.states(purpose="nulls")
    with pytest.raises(PolicyError, match="source of states: 'pol'; did you mean 'pool'"):
        subject.states(source="pol")


def test_other_levels_for_another_purpose(subject):
    (level,) = {state.level_seed for state in subject.states(levels=1, purpose="nulls", source="own")}
    assert level == LEVELS["nulls"].start
    with pytest.raises(PolicyError, match="no levels are for 'scnes'; did you mean 'scenes'"):
        subject.states(purpose="scnes")
    with pytest.raises(PolicyError, match=r"levels=0, per_level=3: allowed are 1 to 600 levels for scenes"):
        subject.states(levels=0)


def test_a_split_has_no_level_in_common_and_cuts_every_variable_alike(subject, sides):
    choose, report = subject.split("coin side", levels=8, per_level=2)
    assert not set(choose.levels) & set(report.levels)
    assert {*choose.levels, *report.levels} == set(sides.levels)
    for variable in ("coin on the right", "coin on the left"):
        other, others = subject.split(variable, levels=8, per_level=2)
        assert not set(other.levels) & set(report.levels)
        assert not set(others.levels) & set(choose.levels)
    both, _ = subject.split("coin on the right", "coin on the left", levels=8, per_level=2)
    assert both.variable == "coin on the right or coin on the left"


@pytest.mark.parametrize("seed", [0, 1])
def test_levels_are_cut_in_the_order_that_they_always_were(subject, seed):
    order = np.random.default_rng([seed, 5]).permutation(
        sorted({state.level_seed for state in subject.states(levels=8)})
    )
    for variable in ("coin side", "coin on the right", "coin above"):
        choose, report = subject.split(variable, levels=8, per_level=2, seed=seed)
        assert set(choose.levels) <= set(order[:3])
        assert set(report.levels) <= set(order[3:])


def test_pairs_are_cut_as_their_names_are(subject, sides, tmp_path):
    sides.save(tmp_path / "sides.npz")
    expected = [half.digest for half in subject.split("coin side", levels=8, per_level=2)]
    for pairs in (sides, sides.select(range(len(sides))), MinimalPairs.load(tmp_path / "sides.npz")):
        assert [half.digest for half in subject.split(pairs)] == expected
    above = subject.pairs("coin above", levels=8, per_level=2)
    named = subject.split("coin side", "coin above", levels=8, per_level=2)
    assert [half.digest for half in subject.split(sides, above)] == [half.digest for half in named]
    assert [half.digest for half in subject.split(sides, "coin above", levels=8, per_level=2)] == [
        half.digest for half in named
    ]
    assert above.played == sides.played == tuple(sorted({state.level_seed for state in subject.states(levels=8)}))


def test_pairs_of_ones_own_are_cut_at_their_own_levels(subject, sides):
    sides = dataclasses.replace(sides, played=())
    choose, report = subject.split(sides)
    assert len(choose) + len(report) == len(sides)
    assert not set(choose.levels) & set(report.levels)
    assert choose.n_levels == round(0.4 * sides.n_levels)
    with pytest.raises(SceneError, match=r"coin side: \d pairs? of 1 level cannot be cut in two"):
        subject.split(sides.select(sides.levels == sides.levels[0]))


def test_what_a_notebook_shows(subject, sides):
    assert repr(subject) == "Subject('mine': IMPALA 16-32, 9 actions)"
    shown = subject._repr_html_()
    assert all(
        word in shown for word in ("mine", "IMPALA 16-32", subject.sha256[:16], "distribution_mode = easy", "me")
    )
    assert repr(sides) == (
        f"MinimalPairs('coin side': coin right against coin left, {len(sides)} pairs of {sides.n_levels} levels)"
    )
    assert sides._repr_html_().count("<img src='data:image/png;base64,") == 2
    assert "&#x27;coin side&#x27;" in sides.select(np.zeros(len(sides), bool))._repr_html_()


def test_a_policy_or_a_subject(subject):
    assert as_policy(subject) is as_policy(subject.policy) is subject.policy
    with pytest.raises(PolicyError, match="a policy or a Subject is needed, got str"):
        as_policy("checkpoints/standard")  # pyright: ignore[reportArgumentType]


def test_something_else_is_no_subject(subject):
    assert as_subject(subject) is subject
    for other, name in ((subject.policy, "Policy"), ("checkpoints/standard", "str"), (None, "NoneType")):
        with pytest.raises(PolicyError, match=rf"a Subject is needed, got {name}; mi.load\(path\) gives a Subject"):
            as_subject(other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_level": 1.5},
        {"per_level": None},
        {"per_level": True},
        {"levels": True},
        {"levels": None},
        {"levels": "3"},
        {"levels": 2.5},
    ],
)
def test_numbers_of_states_that_are_none(subject, wrong):
    with pytest.raises(PolicyError, match=r"levels=.*, per_level=.*: allowed are .* in whole numbers"):
        subject.states(**wrong)
    (name,) = wrong
    with pytest.raises(PolicyError, match=f"{name}={wrong[name]!r}"):
        subject.pairs("coin side", **wrong)


def test_purposes_and_seeds_that_are_none(subject):
    for purpose in (None, 3, ["scenes"]):
        with pytest.raises(PolicyError, match="no levels are for"):
            subject.states(purpose=purpose)
    for seed in (None, -1, 0.5, "0"):
        with pytest.raises(PolicyError, match=f"seed={seed!r}: a whole number is needed, at least 0"):
            subject.states(levels=1, seed=seed)


@pytest.mark.parametrize("path", [None, 3, [], ""])
def test_what_is_no_path(path):
    for read in (Subject.load, load):
        with pytest.raises(
            CheckpointError, match=f"{re.escape(repr(path))} is no path; give that of a checkpoint folder"
        ):
            read(path)


@pytest.fixture
def changed(tmp_path) -> Subject:
    """One whose weights a test may change."""
    return Subject.load(save(build(light_impala(hidden=8), seed=1), tmp_path / "mine"))


def _goes(value, hook):
    """Always right + jump."""
    value = value.clone()
    value[:, 8] += 1e3
    return value


def test_states_under_hooks_are_not_kept(changed):
    plain = changed.states(levels=2, source="own")
    with changed.policy.hooks_on({"hook_logits": _goes}):
        hooked = changed.states(levels=2, source="own")
        fresh = changed.states(levels=3, source="own")
    assert hooked != plain
    assert changed.states(levels=2, source="own") is plain
    assert changed.states(levels=3, source="own") != fresh
    handle = changed.policy.register_forward_hook(lambda module, args, output: None)  # not all hooks are ours
    assert changed.states(levels=2, source="own") is not plain
    handle.remove()


@pytest.mark.parametrize("way", ["in place", "data", "parameter"])
def test_other_weights_reach_other_states(changed, way):
    plain = changed.states(levels=2, source="own")
    bias = changed.policy.get_parameter("logits.bias")
    with torch.no_grad():
        if way == "in place":
            bias[8] += 1e3
        elif way == "data":
            bias.data[8] += 1e3  # leaves the tensor's version as it was
        else:
            owner = changed.policy.get_submodule("logits")
            owner.bias = torch.nn.Parameter(bias + 1e3 * torch.eye(len(bias))[8], requires_grad=False)
    right = changed.states(levels=2, source="own")
    assert right != plain
    assert changed.states(levels=2, source="own") is right
