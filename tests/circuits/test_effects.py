from __future__ import annotations

import numpy as np
import pytest

from mechinterp import stats
from mechinterp.circuits import CircuitError, Effects, ZeroEffect
from mechinterp.interventions import Box, Mask, Site

SITES = (
    Site("a", (1,)),
    Site("b", None, Box((0, 2), (1, 3))),
    Site("c", (0, 4), Mask(np.eye(3, dtype=bool))),
)


def effects(direction="denoise", levels=(1, 1, 2, 3), **change) -> Effects:
    clean, corrupted = np.array([[4.0, 6.0, 8.0, 2.0]]), np.array([[0.0, 2.0, 4.0, -2.0]])
    share = np.array([0.25, 1.0, -0.5])[:, None]
    start, goal = (corrupted, clean) if direction == "denoise" else (clean, corrupted)
    fields = {
        "parts": SITES, "metrics": ("m",), "direction": direction, "replacement": "counterfactual",
        "values": (share * (clean - corrupted))[None], "start": start, "goal": goal, "levels": np.array(levels),
    }  # fmt: skip
    return Effects(**fields | change)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_effects_are_what_goes_along_with_the_site_in_both_directions(direction):
    result = effects(direction)
    assert result.total("m").tolist() == [4, 4, 4, 4]
    np.testing.assert_allclose(result.effect("m"), np.array([[1.0], [4.0], [-2.0]]) * np.ones(4))
    np.testing.assert_allclose(result.normalised("m"), np.array([[0.25], [1.0], [-0.5]]) * np.ones(4))
    np.testing.assert_allclose(result.run[0], result.start + (result.goal - result.start) * [[0.25], [1.0], [-0.5]])
    assert result.ranking("m").tolist() == [1, 2, 0]
    assert result.scores().tolist() == [1, 4, -2]


def test_estimates_count_levels_not_pairs():
    rng = np.random.default_rng(0)
    result = effects()
    estimates = result.estimates("m", rng=rng)
    assert [round(e.value, 9) for e in estimates] == [1, 4, -2]
    assert all(isinstance(e, stats.Estimate) and e.n == 3 and e.unit == "levels" for e in estimates)
    assert result.estimate(SITES[1], "m", rng=rng).value == pytest.approx(4)
    assert result.estimate("b rows 0-2 columns 1-3").value == pytest.approx(4)
    assert result.estimate(1, "m", rng=rng).name == "denoise b rows 0-2 columns 1-3: m"
    assert result.total_estimate("m", rng=rng).value == pytest.approx(4)
    assert result.estimates() == result.estimates("m", rng=np.random.default_rng(0))


def test_a_share_is_a_ratio_of_means():
    result = effects(levels=range(4))
    assert result.share(0, "m", rng=np.random.default_rng(0)).value == pytest.approx(0.25)
    assert [share.value for share in result.shares()] == pytest.approx([0.25, 1, -0.5])


def test_pairs_without_an_effect_are_named_and_never_divided_by():
    result = effects()
    flat = effects(goal=np.array([[4.0, 2.0, 8.0, -2.0]]))
    with pytest.raises(ZeroEffect, match=r"2 of 4 pairs have no effect on 'm'.*\[1, 3\].*select") as error:
        flat.normalised("m")
    assert error.value.pairs == (1, 3)
    kept = flat.select(flat.usable("m"))
    assert kept.levels.tolist() == [1, 2]
    np.testing.assert_allclose(kept.normalised("m")[0], [0.25, 0.25])
    none = effects(goal=result.start)
    with pytest.raises(stats.UndefinedRatio):
        none.share(0, "m", rng=np.random.default_rng(0))
    with pytest.raises(ZeroEffect, match="none of the 4 pairs"):
        none.shares()
    assert none.to_frame()["share"].isna().all()


def test_some_of_the_parts():
    result = effects(replacement=("mean", "zero", "counterfactual"))
    best = result.top(2)
    assert best.parts == (SITES[1], SITES[2])
    assert best.labels == ("b rows 0-2 columns 1-3 from zero", "c[0, 4] masked")
    np.testing.assert_array_equal(best.effect(), result.effect()[[1, 2]])
    assert result.only([SITES[2], 0]).parts == (SITES[2], SITES[0])
    assert len(result.top(99)) == 3
    with pytest.raises(CircuitError, match="at least 1 part"):
        result.top(0)


def test_json_round_trip():
    result = effects("noise")
    back = Effects.from_json(result.to_json())
    assert back.parts == result.parts
    assert back.direction == "noise"
    for name in ("values", "start", "goal", "levels"):
        np.testing.assert_array_equal(getattr(back, name), getattr(result, name))
    for text in ("{}", "[1]", "nonsense", result.to_json().replace('"noise"', '"nose"')):
        with pytest.raises(CircuitError):
            Effects.from_json(text)


def test_what_is_not_there_is_named():
    result, rng = effects(), np.random.default_rng(0)
    with pytest.raises(CircuitError, match="'k' was not measured"):
        result.effect("k")
    with pytest.raises(CircuitError, match="named by text, such as 'm', got 0"):
        result.effect(0)
    both = effects(metrics=("m", "k"), **{n: np.repeat(getattr(result, n), 2, 0) for n in ("values", "start", "goal")})
    with pytest.raises(CircuitError, match="name one of the metrics 'm', 'k'"):
        both.effect()
    with pytest.raises(CircuitError, match="no part 3"):
        result.estimate(3, "m", rng=rng)
    for missing in (Site("z"), "z", None, ("a", 1)):
        with pytest.raises(CircuitError, match="was not measured"):
            result.estimate(missing, "m", rng=rng)
    with pytest.raises(CircuitError, match="must be finite"):
        effects(start=result.start[:, :2])
    with pytest.raises(CircuitError, match="3 parts and 2 replacements"):
        effects(replacement=("zero", "mean"))
    with pytest.raises(ValueError, match="read-only"):
        result.values[0, 0, 0] = 1
