"""Total effects, on networks whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mechinterp.circuits import FramePairs
from mechinterp.coinrun import edits
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.scenes import VARIABLES, MinimalPairs, SceneError, Variable, coin_side, minimal_pairs
from mechinterp.coinrun.scenes.pool import pool_states
from mechinterp.policies.card import Card
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.networks import build, light_impala
from mechinterp.policies.readouts import READOUTS, readout_values
from mechinterp.policies.subject import Subject
from mechinterp.proxies import TotalEffect, pair_differences, total_effect
from mechinterp.stats import TooFewSamples


@pytest.fixture(scope="module")
def states():
    options = GameOptions(distribution_mode="easy", use_backgrounds=False)
    return pool_states(options, levels=24, per_level=12)


@pytest.fixture(scope="module")
def sides(states) -> MinimalPairs:
    return minimal_pairs(states, "coin side", per_level=3)


def test_readouts_equal_probabilities_summed_by_hand():
    policy = build(light_impala(hidden=16, actions=(0, 1, 2, 4, 5, 7, 8, 9)), seed=1)
    policy.get_parameter("logits.weight").data.mul_(500)
    frames = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    with torch.no_grad():
        p = policy(torch.from_numpy(frames)).logits.double().softmax(-1).numpy()
    found = readout_values(policy, frames)
    np.testing.assert_allclose(found["movement"], np.log((p[:, 5] + p[:, 6]) / p[:, :3].sum(1)), atol=1e-5)
    jump = p[:, 2] + p[:, 4] + p[:, 6]
    np.testing.assert_allclose(found["jump"], np.log(jump / (1 - jump)), atol=1e-5)


def _real_and_picture(state, rng):
    real, _ = coin_side().edit(state, rng)
    return real, edits.coin_to_decoy(real)


def test_the_decoy_moves_nothing_and_swapping_sides_flips_the_sign(states, sides):
    policy = build(light_impala(hidden=16), seed=2)
    policy.get_parameter("logits.weight").data.mul_(500)
    picture = Variable("picture", "a real coin", "its picture", "control", _real_and_picture)
    decoy = minimal_pairs(states, picture, per_level=2)  # the same pixels: a check of the code
    assert not decoy.changed_pixels().any()
    assert all((values == 0).all() for values in pair_differences(policy, decoy).values())
    swapped = MinimalPairs(
        sides.variable, sides.corrupted_label, sides.clean_label, sides.corrupted, sides.clean, sides.levels,
        sides.corrupted_states, sides.clean_states,
    )  # fmt: skip
    for name, values in pair_differences(policy, sides).items():
        np.testing.assert_allclose(pair_differences(policy, swapped)[name], -values)
        assert np.abs(values).max() > 0


def test_estimates_are_means_over_pairs_named_by_readout(sides):
    policy = build(light_impala(hidden=16), seed=2)
    found = total_effect(policy, sides, rng=np.random.default_rng(0))
    assert list(found) == list(READOUTS)
    movement = found["movement"]
    assert movement.name == "total effect of coin side on movement"
    assert movement.value == pytest.approx(pair_differences(policy, sides)["movement"].mean())
    assert movement.n == sides.n_levels
    assert movement.null is not None
    assert dict(total_effect(policy, sides)) == dict(found)  # the default generator


def test_a_table_a_page_and_a_line(sides):
    found = total_effect(build(light_impala(hidden=16), seed=2), sides)
    table = found.to_frame()
    assert table["readout"].tolist() == list(found)
    assert table["unit"].tolist()[:2] == ["nats", "nats"]
    assert table["effect"].tolist() == [estimate.value for estimate in found.values()]
    assert (table["p"].between(0, 1)).all()
    assert "coin side: coin right against coin left" in found._repr_html_()
    assert repr(found).startswith("TotalEffect(movement ")
    assert len(repr(found)) < 120


def test_any_readout_of_a_subject_or_a_network_in_pairs_of_frames(sides):
    policy = build(light_impala(hidden=16), seed=2)
    subject = Subject("mine", policy, Card(policy.config), "0" * 64, GameOptions())
    asked = {"right+jump": "action:right+jump", "first": lambda logits, value: logits[:, 0] - value}
    found = total_effect(subject, (sides.clean, torch.from_numpy(sides.corrupted)), readouts=asked)
    assert isinstance(found, TotalEffect)
    assert list(found) == ["right+jump", "first"]
    with torch.no_grad():
        outputs = [policy(torch.from_numpy(frames.copy())) for frames in (sides.clean, sides.corrupted)]
    first, second = (out.logits[:, 0] - out.value for out in outputs)
    assert found["first"].value == pytest.approx(float((first - second).mean()), abs=1e-5)
    assert found["first"].n == len(sides)
    assert list(total_effect(policy, sides, readouts="value")) == ["value"]
    with pytest.raises(TooFewSamples):
        total_effect(policy, (sides.clean[0], sides.corrupted[0]))
    with pytest.raises(PolicyError, match="did you mean 'movement'"):
        total_effect(policy, sides, readouts=["movment"])


def test_every_variable_changes_only_what_it_names(states):
    for name, variable in VARIABLES.items():
        pairs = minimal_pairs(states, name, per_level=3)
        changed = pairs.changed_pixels()
        assert changed.any((1, 2)).all(), name
        if variable.role != "coin":
            continue
        assert changed.sum((1, 2)).max() <= 2 * 9, name  # a coin covers 4 to 7 pixels
        for which in ("clean", "corrupted"):
            cells = pairs.coin_cells(8, which)
            for row in range(len(pairs)):
                if cells[row, 0] < 0:
                    continue
                r, c = cells[row] * 8
                assert changed[row, max(r - 1, 0) : r + 9, max(c - 1, 0) : c + 9].any(), name
    right, left = (
        minimal_pairs(states, "coin side", per_level=3).coin_cells(64, which) for which in ("clean", "corrupted")
    )
    np.testing.assert_allclose((right + left)[:, 1], 63, atol=64 / 13 + 1)  # mirrored about the agent's cell
    assert (right[:, 1] > 32).all()


def test_pairs_survive_a_file_and_bad_files_are_refused(sides, tmp_path):
    path = tmp_path / "pairs.npz"
    sides.save(path)
    back = MinimalPairs.load(path)
    assert np.array_equal(back.clean, sides.clean)
    assert back.clean_states == sides.clean_states
    assert (back.variable, back.clean_label) == (sides.variable, sides.clean_label)
    whole = path.read_bytes()
    for name, data in {"short": whole[: len(whole) // 2], "foreign": b"hello", "none": b""}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SceneError):
            MinimalPairs.load(tmp_path / name)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(SceneError, match="no mark"):
        MinimalPairs.load(tmp_path / "other.npz")
    with pytest.raises(SceneError):
        MinimalPairs.load(tmp_path / "absent.npz")


def test_splits_share_no_level_and_errors_say_what_is_wrong(states, sides):
    choose, report = sides.split(0.4, np.random.default_rng(1))
    assert not set(choose.levels) & set(report.levels)
    assert len(choose) + len(report) == len(sides)
    with pytest.raises(SceneError, match="empty"):
        sides.select(sides.levels == sides.levels[0]).split(0.5, np.random.default_rng(1))
    with pytest.raises(SceneError, match="did you mean 'coin side'"):
        minimal_pairs(states, "coin sid")
    with pytest.raises(SceneError, match="more states"):
        minimal_pairs([], "coin side")


def frame_pairs() -> FramePairs:
    clean, corrupted = np.random.default_rng(0).integers(0, 256, (2, 4, 64, 64, 3), dtype=np.uint8)
    return FramePairs(clean, corrupted)


def test_readouts_of_one_name_are_refused_and_every_way_to_name_them_is_taken():
    policy, pairs = build(light_impala(hidden=16), seed=2), frame_pairs()

    def made(index: int):
        def readout(logits, value):
            return logits[:, index]

        return readout

    first, second = made(0), made(1)
    with pytest.raises(PolicyError, match="readouts of the same name, readout, readout: give name -> readout"):
        total_effect(policy, pairs, readouts=[first, second])
    both = total_effect(policy, pairs, readouts={"first": first, "second": second})
    assert list(both) == ["first", "second"]
    for one, name in ((first, "readout"), ("jump", "jump"), (READOUTS["value"], "value"), ({"mine": "jump"}, "mine")):
        assert list(total_effect(policy, pairs, readouts=one)) == [name]
    assert total_effect(policy, pairs, readouts=first)["readout"].value == both["first"].value


@pytest.mark.parametrize("readouts", [None, 3, [], {}, [None], {"x": 3}], ids=str)
def test_what_is_no_readout_is_refused(readouts):
    with pytest.raises(PolicyError, match=r"a readout is a name|no readouts were given; built in are movement"):
        total_effect(build(light_impala(hidden=16), seed=2), frame_pairs(), readouts=readouts)


def test_a_readout_that_was_not_measured_is_told_the_nearest_and_the_page_is_escaped():
    found = total_effect(build(light_impala(hidden=16), seed=2), frame_pairs())
    with pytest.raises(KeyError) as error:
        found["movment"]
    assert str(error.value) == "no effect on 'movment' was measured; did you mean 'movement'?"
    assert isinstance(error.value, PolicyError)
    assert "movment" not in found
    assert found.get("movment") is None
    assert "<p>Total effect of a &lt;b&gt;" in replace(found, what="a <b>")._repr_html_()
