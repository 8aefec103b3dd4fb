"""Many interventions side by side: each as if alone, paired, counted, and clean after an error."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from mechinterp.circuits.planted import planted_network
from mechinterp.coinrun import GameOptions, LevelSource, placement
from mechinterp.coinrun.raw_state import trusted_state
from mechinterp.interventions import (
    Ablate,
    AtObject,
    Clamp,
    Grounded,
    InLevel,
    InterventionError,
    InView,
    NeverDone,
    Patch,
    ProjectOut,
    ProjectSubspace,
    Pulse,
    ReadoutIn,
    Resample,
    Retarget,
    Scale,
    Steer,
    Steps,
    When,
    Where,
    Within,
    apply,
    compare,
    rollout_each,
)
from mechinterp.interventions.actors import EachActor
from mechinterp.policies import Episodes, PolicyActor, PolicyError, UnknownHook, rollout
from mechinterp.policies.actors import BATCH
from mechinterp.policies.fingerprint import has_hooks

COIN = "block2.res1.hook_branch"
OPTIONS = GameOptions(distribution_mode="easy", use_backgrounds=False)


@pytest.fixture(scope="module")
def planted():
    return planted_network("coin", seed=1)


@pytest.fixture(scope="module")
def starts():
    with LevelSource(OPTIONS, placement=placement("random_agent_and_coin")) as source:
        return source.starts(range(70_000, 70_005))


def interventions(policy) -> dict:
    """Some of every kind."""
    draw = torch.Generator().manual_seed(0)
    channels, side = policy.shapes[COIN][:2]
    early = "block1.hook_pool"
    wide = policy.shapes[early]

    def random(*shape):
        return torch.randn(*shape, generator=draw)

    return {
        "plain": (),
        "zero": Ablate(COIN),
        "mean": Ablate(COIN, mode="mean", reference=random(5, channels, side, side)),
        "clamp": Clamp(early, (1, 3), value=(0.5, 2.0)),
        "scale": Scale(early, positions=AtObject("agent", radius=2), factor=3.0),
        "steer": Steer("hidden.hook_pre", direction=random(12), strength=2.0),
        "early steps": Steer("hidden.hook_pre", direction=random(12), strength=Pulse(3.0, 0, 20)),
        "project": ProjectOut(early, direction=random(wide[0])),
        "subspace": ProjectSubspace(COIN, basis=random(3, channels), part="keep"),
        "whole": ProjectSubspace(COIN, basis=random(2, channels, side, side)),
        "resample": Resample(COIN, reference=random(7, channels, side, side), name="noise"),
        "coin cells": Ablate(COIN, positions=AtObject("coin", radius=1)),
        "retarget": Retarget(COIN, template=random(channels, 3, 3), to=InLevel(5.5, 3.5)),
        "standing": When(Steer("hidden.hook_pre", direction=random(12)), Grounded()),
        "unsure": When(Ablate(early), ReadoutIn("movement", high=0.5)),
        "two": (Steer(COIN, direction=random(channels)), When(Ablate("hidden.hook_post", 3), ~InView("saw"))),
    }


def same(first: Episodes, second: Episodes) -> bool:
    return all(np.array_equal(getattr(first, f.name), getattr(second, f.name)) for f in fields(Episodes))


def seen(view) -> tuple[int, bytes, bytes]:
    """All of a step but the generators, which belong to the slot and are not read on the way."""
    return view.action, view.frame.tobytes(), trusted_state(view.state).entities.tobytes()


def test_each_comes_out_as_it_does_alone(planted, starts):
    sets = interventions(planted.policy)
    trace: dict[str, dict[tuple[int, int], tuple[int, bytes, bytes]]] = {name: {} for name in sets}

    def watch(name, view):
        trace[name][view.episode, view.step] = seen(view)

    options = {"max_steps": 40, "seed": 3, "never": "report"}
    together = rollout_each(planted.policy, starts, sets, num_envs=37, observers=[watch], **options)
    assert list(together) == list(sets)
    assert len({tuple(episodes.farthest_x) for episodes in together.values()}) > 8  # they do different things
    for name, edits in sets.items():
        alone: dict[tuple[int, int], tuple[int, bytes, bytes]] = {}

        def watch_alone(name, view, alone=alone):
            alone[view.episode, view.step] = seen(view)

        found = rollout_each(planted.policy, starts, {name: edits}, num_envs=3, observers=[watch_alone], **options)
        assert same(found[name], together[name]), name
        assert alone == trace[name], name  # every action, frame and thing, to the last bit
        assert found.uses == {name: together.uses[name]}


def test_the_plain_row_is_the_plain_policy_and_a_static_edit_is_what_apply_does(planted, starts):
    edit = Ablate(COIN)
    found = rollout_each(planted.policy, starts, {"plain": (), "blind": edit}, max_steps=40, seed=3)
    assert same(found["plain"], rollout(PolicyActor(planted.policy), starts, max_steps=40, seed=3))
    with apply(planted.policy, edit):
        assert same(found["blind"], rollout(PolicyActor(planted.policy), starts, max_steps=40, seed=3))


def test_logits_of_every_kind_are_the_same_alone_and_in_any_company(planted, starts):
    """Not only the actions that were drawn."""
    sets = {
        name: edits if isinstance(edits, tuple) else (edits,) for name, edits in interventions(planted.policy).items()
    }
    states = [start.state.to_bytes() for start in starts]
    from mechinterp.coinrun.scenes import render
    from mechinterp.interventions import Moment

    frames = render([start.state for start in starts])
    rng = np.random.default_rng(0)
    pairs = [(number, frame) for number in range(len(sets)) for frame in range(len(frames))]
    actor = EachActor(planted.policy, sets)
    alone = {}
    for number, frame in pairs:
        alone[number, frame] = actor._logits(frames[[frame]], np.array([number]), [Moment(states[frame], step=3)])[0]
    for _ in range(24):
        chosen = [pairs[i] for i in rng.permutation(len(pairs))[:BATCH]]
        numbers, rows = (np.array(column) for column in zip(*chosen, strict=True))
        moments = [Moment(states[row], step=3) for row in rows]
        for (number, row), logits in zip(chosen, actor._logits(frames[rows], numbers, moments), strict=True):
            assert np.array_equal(logits, alone[number, row]), list(sets)[number]


def test_blind_to_the_coin_it_does_not_go_to_the_coin(planted, starts):
    channels = [node.channel for node in planted.channels["coin"] if node.hook == COIN]
    blind = Ablate(COIN, channels)
    sets = {"plain": (), "blind": blind, "coin cells": Ablate(COIN, channels, AtObject("coin", radius=2))}
    found = compare(rollout_each(planted.policy, starts * 2, sets, max_steps=60, greedy=True))
    assert found.values["plain"]["took the coin"].value > found.values["blind"]["took the coin"].value
    for name in ("blind", "coin cells"):
        change = found.differences[name]["took the coin"]
        plain, edited = (found.values[one]["took the coin"].value for one in ("plain", name))
        assert change.value == pytest.approx(edited - plain)
        assert change.n == 5  # levels, though each was played twice
    frame = found.to_frame()
    assert set(frame["intervention"]) == set(sets)
    assert frame[frame["intervention"] == "plain"]["difference"].isna().all()
    assert found._repr_html_().count("<p>") == 3


def test_starts_of_their_own_for_an_intervention(planted, starts):
    from mechinterp.coinrun import edits as game

    bare = [game.remove_coin(start.state) for start in starts]
    sets = {"plain": (), "no coin": ()}
    found = rollout_each(planted.policy, {"plain": starts, "no coin": bare}, sets, max_steps=30)
    assert same(found["plain"], rollout(PolicyActor(planted.policy), starts, max_steps=30))
    assert np.array_equal(found["no coin"].length, rollout(PolicyActor(planted.policy), bare, max_steps=30).length)
    with pytest.raises(InterventionError, match="not of the levels of those of 'plain'"):
        rollout_each(planted.policy, {"plain": starts, "no coin": bare[::-1]}, sets)
    with pytest.raises(InterventionError, match=r"starts are given for \['plain'\]"):
        rollout_each(planted.policy, {"plain": starts}, sets)


def test_an_edit_that_is_never_done_is_an_error_or_shows(planted, starts):
    sets = {"plain": (), "late": When(Ablate(COIN), Steps(500)), "gone": Ablate(COIN, positions=InLevel(-50, 0))}
    with pytest.raises(
        NeverDone, match=r"not done at any step of 5 episodes: 'late': .* from step 500, in \d+ steps; 'gone'"
    ):
        rollout_each(planted.policy, starts, sets, max_steps=5)
    found = rollout_each(planted.policy, starts, sets, max_steps=5, never="report")
    assert [use.done for use in found.uses["late"] + found.uses["gone"]] == [0, 0]
    assert found.uses["late"][0].steps == 25
    assert same(found["late"], found["plain"])
    sometimes = rollout_each(planted.policy, starts, {"from 3": When(Ablate(COIN), Steps(3))}, max_steps=5)
    assert sometimes.uses["from 3"][0].done == 2 * 5


def test_what_cannot_be_played_is_told_before_anything_is(planted, starts):
    policy = planted.policy
    rows = torch.zeros(2, *policy.shapes[COIN])
    for sets, words in (
        ({"x": Ablate("hook_value")}, "x: zero ablation hook_value cannot change an action"),
        ({"x": Patch(COIN, replacement=rows)}, "x: Patch .* one row for all"),
        ({"x": Ablate(COIN, 99)}, "there is no channel"),
        ({"x": Steer(COIN, direction=torch.ones(3))}, "direction has shape"),
        ({"x": [3]}, "an edit of activations or weights is needed, got 3"),
        ([Ablate(COIN)], "given by name"),
        ({}, "given by name"),
    ):
        with pytest.raises(InterventionError, match=words):
            rollout_each(policy, starts, sets)
    with pytest.raises(UnknownHook, match="did you mean"):
        rollout_each(policy, starts, {"x": Ablate("block2.res1.hook_brunch")})
    with pytest.raises(InterventionError, match="never: 'ignore'"):
        rollout_each(policy, starts, {"x": ()}, never="ignore")  # pyright: ignore[reportArgumentType]


def test_an_error_in_the_middle_leaves_the_network_and_the_games_clean(planted, starts, monkeypatch):
    from mechinterp.policies import rollouts

    engines = []
    made = rollouts.Engine

    def watched(*args, **kwargs):
        engines.append(made(*args, **kwargs))
        return engines[-1]

    monkeypatch.setattr(rollouts, "Engine", watched)
    policy = planted.policy
    before = rollout(PolicyActor(policy), starts, max_steps=20)

    def fails(moment):
        if moment.step == 7:
            raise RuntimeError("in the middle")
        return True

    sets = {"plain": (), "fails": When(Ablate(COIN), Where(fails, "until it fails"))}
    with pytest.raises(RuntimeError, match="in the middle"):
        rollout_each(policy, starts, sets)
    infinite = Steer("hidden.hook_pre", direction=torch.full((12,), 3e38), strength=1e3)
    with pytest.raises(PolicyError, match=r"under 'far': no action follows .* activations from hidden\.hook_pre on"):
        rollout_each(policy, starts, {"plain": (), "far": infinite}, max_steps=3)
    with pytest.raises(InterventionError, match="the function must say True or False, it said 1"):
        rollout_each(policy, starts, {"x": When(Ablate(COIN), Where(lambda moment: 1, "one"))}, max_steps=3)  # pyright: ignore[reportArgumentType]
    assert not has_hooks(policy)
    assert all(engine._closed for engine in engines)
    assert same(before, rollout(PolicyActor(policy), starts, max_steps=20))


def test_a_condition_holds_where_the_game_says_so(planted, starts):
    """Against the states that an observer sees."""
    from mechinterp.coinrun import geometry
    from mechinterp.coinrun.state import GameState

    expected = {"standing": 0, "near": 0}

    def watch(name, view):
        state = GameState.from_bytes(view.state)
        if name == "standing":
            expected[name] += geometry.on_ground(state)
        else:
            x, y = state.agent_xy
            expected[name] += any(np.hypot(a + 0.5 - x, b + 0.5 - y) <= 6 for a, b in state.coins)

    sets = {
        "standing": When(Scale(COIN, factor=1.5), Grounded()),
        "near": When(Scale(COIN, factor=1.5), Within("coin", 6)),
    }
    found = rollout_each(planted.policy, starts, sets, max_steps=30, observers=[watch], never="report")
    assert {name: uses[0].done for name, uses in found.uses.items()} == expected
    assert 0 < expected["standing"] < found.uses["standing"][0].steps
