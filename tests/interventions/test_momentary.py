"""Edits that depend on the game, against what their formulas say, number by number, in hand-designed levels."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from mechinterp.circuits.planted import planted_network
from mechinterp.coinrun import GameOptions
from mechinterp.coinrun import edits as game
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.camera import Camera
from mechinterp.coinrun.raw_state import trusted_state
from mechinterp.coinrun.scenes import render
from mechinterp.interventions import (
    Ablate,
    AllOf,
    AtObject,
    Clamp,
    Constant,
    Decay,
    Edit,
    FromAgent,
    Grounded,
    InColumns,
    InLevel,
    InterventionError,
    InView,
    MapCell,
    Moment,
    PatchSubspace,
    ProjectSubspace,
    Pulse,
    Ramp,
    ReadoutIn,
    Resample,
    Retarget,
    Scale,
    Site,
    Steer,
    Steps,
    When,
    Where,
    Within,
    apply,
    coin_template,
    departures,
    moments_of,
    object_template,
    patch_from,
    run_each,
)

ART = """
#.............#
#.............#
#..C..........#
#.....A....SE.#
###############
"""
COIN, AGENT, SAW, ENEMY = (3.5, 2.5), (6.5, 1.5), (11.5, 1.5), (12.5, 1.5)
SIDE = 8
HOOK = "block2.res1.hook_branch"


@pytest.fixture(scope="module")
def planted():
    return planted_network("coin", seed=1)


@pytest.fixture(scope="module")
def policy(planted):
    return planted.policy


@pytest.fixture(scope="module")
def scene():
    return level(ART, options=GameOptions(use_backgrounds=False))


def moment(state, **given) -> Moment:
    return Moment(state, **given)


def value(policy, hook=HOOK, seed=0) -> torch.Tensor:
    return torch.randn(1, *policy.shapes[hook], generator=torch.Generator().manual_seed(seed))


def cell(state, x, y, side=SIDE) -> tuple[int, int]:
    found = Camera.of(state).feature_cell(x, y, side)
    assert found is not None
    return found


def test_objects_are_where_the_drawing_has_them(scene):
    seen = moment(scene)
    assert seen.objects("coin") == (COIN,)
    for kind, (x, y) in (("saw", SAW), ("enemy", ENEMY)):
        ((found_x, found_y),) = seen.objects(kind)
        assert (found_x, found_y) == pytest.approx((x, y), abs=0.3)
    assert len(seen.objects("hazard")) == 2
    assert seen.objects("decoy") == seen.objects("lava") == seen.objects("crate") == ()
    decoy = moment(game.coin_to_decoy(scene))
    assert decoy.objects("coin") == ()
    assert decoy.objects("decoy") == (COIN,)
    pictured = moment(game.harmless_saws(scene))
    assert pictured.objects("saw") == seen.objects("saw")  # it looks like one
    assert pictured.objects("decoy") == ()
    molten = level(ART.replace("A....S", "A.^..S"), options=GameOptions(use_backgrounds=False))
    assert moment(molten).objects("lava") == ((8.5, 1.5),)
    assert moment(game.harmless_lava(molten)).objects("lava") == ((8.5, 1.5),)
    again = moment(scene.to_bytes())
    assert {kind: again.objects(kind) for kind in ("coin", "saw", "enemy")} == {
        kind: seen.objects(kind) for kind in ("coin", "saw", "enemy")
    }


def test_a_trusted_state_reads_as_a_checked_one(scene):
    trusted = trusted_state(scene.to_bytes())
    assert trusted.scalars.tobytes() == scene.scalars.tobytes()
    assert (trusted.grid == scene.grid).all()
    assert (trusted.entities == scene.entities).all()
    assert (trusted.agent_xy, trusted.coins, trusted.agent_index) == (scene.agent_xy, scene.coins, scene.agent_index)


@pytest.mark.parametrize("radius", [0, 1])
def test_an_edit_at_the_coin_is_done_in_the_coins_cells_and_nowhere_else(policy, scene, radius):
    before = value(policy)
    row, column = cell(scene, *COIN)
    near = np.zeros((SIDE, SIDE), bool)
    near[max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1] = True
    after = Clamp(HOOK, (2, 5), AtObject("coin", radius), value=(7.0, 8.0)).at(before, moment(scene))
    expected = before.numpy().copy()
    for y, x in np.argwhere(near):
        expected[0, 2, y, x], expected[0, 5, y, x] = 7, 8
    assert (after.numpy() == expected).all()
    assert Clamp(HOOK, positions=AtObject("coin"), value=1.0).at(before, moment(game.remove_coin(scene))) is None


def test_places_are_cells_of_the_camera(policy, scene):
    x, y = scene.agent_xy
    for place, expected in (
        (AtObject("coin"), {cell(scene, *COIN)}),
        (AtObject("hazard"), {cell(scene, *at) for kind in ("saw", "enemy") for at in moment(scene).objects(kind)}),
        (AtObject("hazard", which="nearest"), {cell(scene, *moment(scene).objects("saw")[0])}),
        (AtObject("agent"), {cell(scene, x, y)}),
        (InLevel(9.5, 2.5), {cell(scene, 9.5, 2.5)}),
        (InLevel(60, 2.5), set()),
        (FromAgent(-2, 1), {cell(scene, x - 2, y + 1)}),
        (MapCell(3, 4), {(3, 4)}),
    ):
        assert set(place.centres(moment(scene), SIDE)) == expected, place
    walked = game.put_agent(scene, 8.5, scene.agent_xy[1])
    assert InLevel(9.5, 2.5).centres(moment(walked), 16) != InLevel(9.5, 2.5).centres(moment(scene), 16)
    assert FromAgent(2, 0).centres(moment(walked), 16) == FromAgent(2, 0).centres(moment(scene), 16)


def test_retargeting_writes_the_template_there_cut_at_the_edge(policy, scene):
    before, template = value(policy), value(policy, seed=5)[0, :, :3, :3].clone()
    for place, (row, column) in ((InLevel(9.5, 2.5), cell(scene, 9.5, 2.5)), (MapCell(0, 7), (0, 7))):
        for way in ("add", "set"):
            after = Retarget(HOOK, template=template, to=place, way=way, strength=2.0).at(before, moment(scene))
            expected = before.numpy().copy()
            for i in range(3):
                for j in range(3):
                    r, c = row + i - 1, column + j - 1
                    if 0 <= r < SIDE and 0 <= c < SIDE:
                        here = 2 * template[:, i, j].numpy()
                        expected[0, :, r, c] = here + (expected[0, :, r, c] if way == "add" else 0)
            np.testing.assert_allclose(after.numpy(), expected, rtol=1e-6)
    some = Retarget(HOOK, (1,), template=template, to=MapCell(4, 4)).at(before, moment(scene))
    assert (some[:, [0, *range(2, 8)]] == before[:, [0, *range(2, 8)]]).all()
    assert Retarget(HOOK, template=template, to=AtObject("decoy")).at(before, moment(scene)) is None


@torch.no_grad()
def test_a_coin_written_elsewhere_moves_the_planted_network_as_a_coin_does(planted, policy, scene):
    """Go to the side where the coin is: written on the right, with the real one blinded, it goes right."""
    channels = [node.channel for node in planted.channels["coin"] if node.hook == HOOK]
    template = coin_template(policy, HOOK, [scene, game.move_coin(scene, (9, 3))], radius=1)
    assert template.shape == (8, 3, 3)
    assert template[channels].abs().max() > 0.01
    write = Retarget(HOOK, channels, template=template, to=InLevel(9.5, 2.5))
    blind = Ablate(HOOK, channels)
    frames = torch.from_numpy(render([scene]))
    output = run_each(policy, frames, [[], [blind], [blind, write]], states=[scene])
    right, left = (policy.actions.index(action) for action in (7, 1))
    movement = (output.logits[..., right] - output.logits[..., left]).flatten().tolist()
    assert movement[0] < -0.05
    assert movement[1] == pytest.approx(0, abs=1e-6)
    assert movement[2] > 0.05


@torch.no_grad()
def test_the_template_is_the_mean_difference_in_the_window(policy, scene):
    states = [scene, game.move_coin(scene, (8, 3)), game.move_coin(scene, (6, 5))]
    bare = [game.remove_coin(state) for state in states]
    found = coin_template(policy, HOOK, states)
    windows = []
    for one, other in zip(states, bare, strict=True):
        both = policy.activations(torch.from_numpy(render([one, other])), HOOK)
        (x, y), difference = one.coins[0], both[0] - both[1]
        r, c = cell(one, x + 0.5, y + 0.5)
        windows.append(difference[:, r - 1 : r + 2, c - 1 : c + 2])
    torch.testing.assert_close(found, torch.stack(windows).mean(0))
    with pytest.raises(InterventionError, match="no feature map"):
        object_template(policy, "hidden.hook_pre", states, bare, at=AtObject("coin"))
    with pytest.raises(InterventionError, match="in none of 1 scenes"):
        object_template(policy, HOOK, states[:1], bare[:1], at=AtObject("decoy"))
    with pytest.raises(InterventionError, match="3 scenes with the object and 1 without"):
        object_template(policy, HOOK, states, bare[:1], at=AtObject("coin"))


def test_subspaces_are_removed_kept_and_patched(policy):
    before, other = value(policy).double(), value(policy, seed=9).double()
    basis = torch.randn(3, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    q = np.linalg.qr(basis.numpy().T)[0]
    projector = q @ q.T

    def project(array):
        return np.einsum("dc,rcyx->rdyx", projector, array)

    mean = value(policy, seed=4)[0].double()
    centred = before.numpy() - mean.numpy()
    for edit, expected in (
        (ProjectSubspace(HOOK, basis=basis), before.numpy() - project(before.numpy())),
        (ProjectSubspace(HOOK, basis=basis, part="keep"), project(before.numpy())),
        (ProjectSubspace(HOOK, basis=basis, part="keep", center=mean), mean.numpy() + project(centred)),
        (PatchSubspace(HOOK, basis=basis, replacement=other), before.numpy() + project((other - before).numpy())),
    ):
        np.testing.assert_allclose(edit(before).numpy(), expected, atol=1e-12)
    whole = torch.randn(2, *policy.shapes[HOOK], generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    out = ProjectSubspace(HOOK, basis=whole)(before)
    assert torch.einsum("rcyx,kcyx->rk", out, whole).abs().max() < 1e-10
    with pytest.raises(InterventionError, match="linearly dependent"):
        ProjectSubspace(HOOK, basis=torch.cat([basis, basis[:1]]))
    with pytest.raises(InterventionError, match="basis has vectors of shape"):
        ProjectSubspace(HOOK, basis=basis[:, :5]).check(policy.shapes[HOOK])


def test_scaling_and_schedules(policy, scene):
    before = value(policy)
    scaled = Scale(HOOK, (3, 1), factor=(2.0, -1.0))(before)
    assert torch.equal(scaled[:, 3], 2 * before[:, 3])
    assert torch.equal(scaled[:, 1], -before[:, 1])
    assert torch.equal(scaled[:, [0, 2, *range(4, 8)]], before[:, [0, 2, *range(4, 8)]])
    direction = torch.arange(8.0)
    for schedule, expected in (
        (Constant(2.0), {0: 2, 9: 2}),
        (Pulse(3.0, 2, 4), {1: 0, 2: 3, 4: 3, 5: 0}),
        (Ramp(1.0, 3.0, 10, 20), {0: 1, 10: 1, 15: 2, 20: 3, 99: 3}),
        (Decay(4.0, 10.0), {0: 4, 10: 2, 20: 1}),
    ):
        for step, strength in expected.items():
            after = Steer(HOOK, direction=direction, strength=schedule).at(before, moment(scene, step=step))
            if strength == 0:
                assert after is None
            else:
                torch.testing.assert_close(after, before + strength * direction[:, None, None])
    with pytest.raises(InterventionError, match="before it begins at 4"):
        Pulse(1.0, 4, 2)
    with pytest.raises(InterventionError, match="strength must be a finite number"):
        Constant(float("nan"))


def test_a_resampled_row_follows_from_level_and_step_alone(policy, scene):
    rows = torch.randn(50, *policy.shapes[HOOK], generator=torch.Generator().manual_seed(1))
    before = value(policy)

    def drawn(step, level_seed, **given) -> int:
        edit = Resample(HOOK, reference=rows, name="others", **given)
        after = edit.at(before, moment(scene, step=step, level_seed=level_seed))
        (found,) = [i for i, row in enumerate(rows) if torch.equal(row, after[0])]
        return found

    steps = [drawn(step, 7) for step in range(200)]
    assert steps == [drawn(step, 7) for step in range(200)]
    assert len(set(steps)) > 40  # of 50
    assert np.abs(np.mean(steps) - 24.5) < 4  # standard error 1.0
    assert steps != [drawn(step, 8) for step in range(200)]
    assert steps != [drawn(step, 7, seed=1) for step in range(200)]
    assert len({drawn(step, 7, per="episode") for step in range(20)}) == 1


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (InView("coin"), True),
        (InView("coin", "left"), True),
        (InView("coin", "right"), False),
        (~InView("decoy"), True),
        (Within("coin", 3.3), True),
        (Within("coin", 3.0), False),
        (Within("hazard", 5.1), True),
        (Within("hazard", 4.0), False),
        (Within("lava", 100), False),
        (Grounded(), True),
        (InColumns(6, 7), True),
        (InColumns(7, 9), False),
        (Steps(3, 8), True),
        (Steps(6), False),
        (AllOf((Grounded(), Steps(6))), False),
        (Grounded() & Steps(5, 5), True),
        (Steps(6) | InView("saw"), True),
        (Where(lambda seen: seen.step == 5, "at step 5"), True),
    ],
)
def test_conditions_in_a_scene_that_is_known(policy, scene, condition, holds):
    before, edit = value(policy), Ablate(HOOK)
    after = When(edit, condition).at(before, moment(scene, step=5))
    assert (after is not None) == holds == condition.holds(moment(scene, step=5))
    if holds:
        assert (after == 0).all()


def test_a_condition_on_what_the_network_says(policy, scene):
    states = [scene, game.move_coin(scene, (9, 3))]
    frames = render(states)
    seen = moments_of(policy, frames, states)
    goes_left, goes_right = ReadoutIn("movement", high=0.0), ReadoutIn("movement", low=0.0)
    assert [goes_left.holds(one) for one in seen] == [True, False]
    assert [goes_right.holds(one) for one in seen] == [False, True]
    edit = When(Clamp("hook_logits", value=0.0), goes_left)
    output = run_each(policy, torch.from_numpy(frames), [[edit]], states=states)
    assert (output.logits[0, 0] == 0).all()
    assert not (output.logits[0, 1] == 0).all()
    with pytest.raises(InterventionError, match="reads the network's output"):
        goes_left.holds(moment(scene))
    with pytest.raises(InterventionError, match="without them it always holds"):
        ReadoutIn("movement")


@torch.no_grad()
def test_batches_of_frames_take_the_games_behind_them(policy, scene):
    states = [scene, game.remove_coin(scene), game.move_coin(scene, (9, 3))]
    frames = torch.from_numpy(render(states))
    edit = Clamp(HOOK, positions=AtObject("coin"), value=50.0)
    with apply(policy, edit, states=states):
        found = policy.activations(frames, HOOK)
    plain = policy.activations(frames, HOOK)
    assert torch.equal(found[1], plain[1])
    for row, (x, y) in ((0, COIN), (2, (9.5, 3.5))):
        hits = (found[row] == 50).all(0).nonzero().tolist()
        assert hits == [list(cell(states[row], x, y))]
    with (
        pytest.raises(InterventionError, match=r"it depends on the game: give the frames' states"),
        apply(policy, edit),
    ):
        policy(frames)
    with pytest.raises(InterventionError, match="3 states were given for 2 rows"), apply(policy, edit, states=states):
        policy(frames[:2])
    with pytest.raises(InterventionError, match="2 states were given for 3 frames"):
        run_each(policy, frames, [[edit]], states=states[:2])
    assert not policy.hook_dict[HOOK].fwd_hooks


def test_the_activation_of_another_scene(policy, scene):
    other = game.move_coin(scene, (9, 3))
    edit = patch_from(policy, other, "hidden.hook_post")
    frames = torch.from_numpy(render([scene, other]))
    output = run_each(policy, frames[:1], [[edit]])
    torch.testing.assert_close(output.logits[0], policy(frames)[0][1:], atol=1e-5, rtol=1e-5)


def edits_of_every_kind(policy) -> list[Edit]:
    channels, side = policy.shapes[HOOK][:2]
    return [
        Ablate(HOOK, positions=AtObject("saw", 1, "nearest")),
        Scale(HOOK, (1, 2), FromAgent(1.5, -1.0), factor=(0.5, 2.0)),
        ProjectSubspace(HOOK, basis=torch.eye(channels)[:3], part="keep", center=torch.ones(channels, side, side)),
        PatchSubspace(HOOK, basis=torch.eye(channels)[:1], replacement=torch.ones(1, channels, side, side)),
        Resample(HOOK, reference=torch.ones(2, channels, side, side), name="ones", per="episode", seed=3),
        Retarget(HOOK, template=torch.ones(channels, 3, 1), to=InLevel(3, 4), way="set", strength=Ramp(0, 1, 2, 9)),
        Steer(HOOK, positions=MapCell(1, 2), direction=torch.ones(channels), strength=Decay(2.0, 5.0)),
        When(
            Steer(HOOK, direction=torch.ones(channels), strength=Pulse(1.0, 2, 3)),
            ~(Grounded() & InView("coin", "left")),
        ),
        When(
            When(Ablate(HOOK), ReadoutIn("action:right", low=-1.0)), Steps(2) | InColumns(1, 2) | Within("enemy", 2.5)
        ),
    ]


def test_edits_are_the_same_after_a_file_and_say_what_they_do(policy, scene):
    before = value(policy)
    for edit in edits_of_every_kind(policy):
        edit.check(policy.shapes[HOOK])
        again = Edit.from_dict(json.loads(json.dumps(edit.to_dict())))
        assert again.to_dict() == edit.to_dict()
        assert (str(again), again.describe()) == (str(edit), edit.describe())
        assert HOOK in edit.describe()
        if not edit.reads_output:
            first, second = (one.at(before, moment(scene, step=2)) for one in (edit, again))
            assert first is second is None or torch.equal(first, second)
    said = When(Steer(HOOK, (1,), direction=torch.ones(8), strength=2.0), InView("coin", "left")).describe()
    assert (
        said
        == f"channel 1 of {HOOK}: a direction of norm 2.83 is added, times 2, when the coin is in view on the left."
    )
    with pytest.raises(InterventionError, match="'my rule' is a function, which cannot be saved"):
        When(Ablate(HOOK), Where(lambda seen: True, "my rule")).to_dict()
    with pytest.raises(InterventionError, match="no condition is called 'InVeiw'; did you mean 'InView'"):
        Edit.from_dict({"edit": "When", "what": Ablate(HOOK).to_dict(), "condition": {"type": "InVeiw"}})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AtObject("coyn"), "did you mean 'coin'"),
        (lambda: AtObject("coin", radius=-1), "radius must be a whole number from 0"),
        (lambda: AtObject("coin", which="first"), "which must be all or nearest"),
        (lambda: InLevel(float("nan"), 1), "x must be a finite number"),
        (lambda: InView("coin", "up"), "side must be left, right"),
        (lambda: Within("coin", -2), "cells must be a finite number from 0"),
        (lambda: Steps(5, 2), "last must be a whole number from 5"),
        (lambda: InColumns(5, 5), "ends at 5"),
        (lambda: Where(3, "three"), "a function of a moment"),
        (lambda: When(Ablate(HOOK), "coin in view"), "a condition such as InView"),
        (lambda: Grounded() & 3, "a condition such as InView"),
        (lambda: Scale(HOOK, factor=float("inf")), "factor must be one finite number"),
        (lambda: Resample(HOOK, reference=torch.ones(1, 2), name=""), "needs a name"),
        (lambda: Retarget(HOOK, template=torch.ones(8, 2, 3), to=MapCell(1, 1)), "odd sides"),
        (lambda: Retarget(HOOK, template=torch.full((8, 1, 1), float("nan")), to=MapCell(1, 1)), "not finite"),
        (lambda: Retarget(HOOK, template=torch.ones(8, 1, 1), to=(1, 1)), "a place such as InLevel"),
        (lambda: Site(HOOK, positions="coin"), "or a place such as AtObject"),
        (lambda: Site("hidden.hook_pre", positions=AtObject("coin")).check((12,)), "no feature map"),
        (lambda: Ablate(HOOK, positions=AtObject("coin")).check((8, 4, 5)), "need square maps"),
        (lambda: Ablate(HOOK, positions=MapCell(9, 1)).check((8, 8, 8)), "there is no cell 9, 1"),
        (lambda: Retarget(HOOK, template=torch.ones(7, 1, 1), to=MapCell(1, 1)).check((8, 8, 8)), "7 channels"),
        (lambda: ReadoutIn("movment", low=0), "did you mean 'movement'"),
    ],
)
def test_bad_input_is_told_where_it_is_made(make, words):
    from mechinterp.errors import MechinterpError

    with pytest.raises(MechinterpError, match=words):
        make()


def test_how_far_an_edit_leaves_the_natural_range(policy, scene):
    states = [scene, game.remove_coin(scene), game.move_coin(scene, (9, 3)), game.move_coin(scene, (6, 5))]
    frames = render(states)
    far, near = Clamp(HOOK, 2, value=1e6), Ablate(HOOK, 2, AtObject("coin"))
    first, second = departures(policy, [far, near], frames, states=states)
    assert first.changed == 1 / 8
    assert (first.outside, first.percentiles) == (1, (100, 100, 100))
    assert second.changed == 3 / (4 * 8 * SIDE * SIDE)  # one cell of one channel, in three of four frames
    natural = policy.activations(torch.from_numpy(frames), HOOK)[:, 2].flatten().numpy()
    rank = 100 * ((natural < 0).mean() + (natural <= 0).mean()) / 2
    assert second.percentiles == pytest.approx([rank] * 3)
    assert "of these lie outside the natural range" in str(first)
    with pytest.raises(InterventionError, match="changes nothing in any of the 4 frames"):
        departures(policy, Scale(HOOK, factor=1.0), frames)
