from __future__ import annotations

import numpy as np
import pytest

from mechinterp import stats
from mechinterp.circuits import CircuitError, PatchEffects, PatchSite, ZeroEffect
from mechinterp.interventions import Box, Mask

SITES = (
    PatchSite("a", (1,)),
    PatchSite("b", None, Box((0, 2), (1, 3))),
    PatchSite("c", (0, 4), Mask(np.eye(3, dtype=bool))),
)


def effects(direction="denoise", levels=(1, 1, 2, 3)) -> PatchEffects:
    clean, corrupted = np.array([[4.0, 6.0, 8.0, 2.0]]), np.array([[0.0, 2.0, 4.0, -2.0]])
    share = np.array([0.25, 1.0, -0.5])[:, None]
    start, end = (corrupted, clean) if direction == "denoise" else (clean, corrupted)
    patched = start + share * (end - start)
    return PatchEffects(
        sites=SITES,
        metrics=("m",),
        direction=direction,
        source="other",
        patched=patched[None],
        clean=clean,
        corrupted=corrupted,
        levels=np.array(levels),
    )


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_effects_are_what_goes_along_with_the_site_in_both_directions(direction):
    result = effects(direction)
    assert result.total("m").tolist() == [4, 4, 4, 4]
    np.testing.assert_allclose(result.effect("m"), np.array([[1.0], [4.0], [-2.0]]) * np.ones(4))
    np.testing.assert_allclose(result.normalised("m"), np.array([[0.25], [1.0], [-0.5]]) * np.ones(4))
    assert result.ranking("m").tolist() == [1, 2, 0]


def test_estimates_count_levels_not_pairs():
    rng = np.random.default_rng(0)
    result = effects()
    estimates = result.estimates("m", rng=rng)
    assert [round(e.value, 9) for e in estimates] == [1, 4, -2]
    assert all(isinstance(e, stats.Estimate) and e.n == 3 and e.unit == "levels" for e in estimates)
    assert result.estimate(SITES[1], "m", rng=rng).value == pytest.approx(4)
    assert result.estimate(1, "m", rng=rng).name == "denoise b rows 0-2 columns 1-3: m"
    assert result.total_estimate("m", rng=rng).value == pytest.approx(4)


def test_a_share_is_a_ratio_of_means():
    result = effects(levels=range(4))
    assert result.share(0, "m", rng=np.random.default_rng(0)).value == pytest.approx(0.25)


def test_pairs_without_an_effect_are_named_and_never_divided_by():
    result = effects()
    flat = PatchEffects(**{**vars(result), "clean": np.array([[4.0, 2.0, 8.0, -2.0]])})
    with pytest.raises(ZeroEffect, match=r"2 of 4 pairs have no effect on 'm'.*\[1, 3\].*select") as error:
        flat.normalised("m")
    assert error.value.pairs == (1, 3)
    kept = flat.select(flat.usable("m"))
    assert kept.levels.tolist() == [1, 2]
    np.testing.assert_allclose(kept.normalised("m")[0], [0.25, 0.25])
    none = PatchEffects(**{**vars(result), "clean": result.corrupted})
    with pytest.raises(stats.UndefinedRatio):
        none.share(0, "m", rng=np.random.default_rng(0))


def test_json_round_trip():
    result = effects("noise")
    back = PatchEffects.from_json(result.to_json())
    assert back.sites == result.sites
    assert back.direction == "noise"
    for name in ("patched", "clean", "corrupted", "levels"):
        np.testing.assert_array_equal(getattr(back, name), getattr(result, name))
    for text in ("{}", "[1]", "nonsense", result.to_json().replace('"noise"', '"nose"')):
        with pytest.raises(CircuitError):
            PatchEffects.from_json(text)


def test_what_is_not_there_is_named():
    result = effects()
    with pytest.raises(CircuitError, match="'k' was not measured"):
        result.effect("k")
    with pytest.raises(CircuitError, match="no site 3"):
        result.estimate(3, "m", rng=np.random.default_rng(0))
    with pytest.raises(CircuitError, match="was not patched"):
        result.estimate(PatchSite("z"), "m", rng=np.random.default_rng(0))
    with pytest.raises(CircuitError, match="must be finite"):
        PatchEffects(**{**vars(result), "clean": result.clean[:, :2]})
    with pytest.raises(ValueError, match="read-only"):
        result.patched[0, 0, 0] = 1
