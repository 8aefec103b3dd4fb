"""What an effect is an effect of, and where: hand-made numbers, and planted networks whose answer is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mechinterp.circuits.planted.pieces import push_to_sides
from mechinterp.circuits.planted.planting import LIGHT
from mechinterp.circuits.planted.wiring import COIN, SOLID, Wiring
from mechinterp.coinrun import GameOptions
from mechinterp.coinrun.scenes import MinimalPairs, minimal_pairs
from mechinterp.coinrun.scenes.pool import pool_states
from mechinterp.experiments.total_effect import captions, forests, view
from mechinterp.experiments.total_effect.controls import Measured, objects, strata
from mechinterp.experiments.total_effect.result import Stratum
from mechinterp.experiments.total_effect.specificity import as_much, exceeds, what_moves
from mechinterp.policies import Policy
from tests.experiments.synthetic import estimate, flips, the_object, the_total_effect

SHAPE, COLOUR, NEITHER = ("blue coin", "grey coin"), ("shuffled coin", "coin-coloured square"), ("crate", "saw")
YELLOW_GREEN = "greenish coin"
KINDS = {
    **dict.fromkeys((*SHAPE, YELLOW_GREEN), "colour"),
    **dict.fromkeys(COLOUR, "pixels"),
    **dict.fromkeys(NEITHER, "thing"),
}
EFFECT = estimate(1.0, 0.2)


def made(*same: str, effect: float = 1.0):
    """All objects, the coin leading by all of its effect, but not over those that do the same."""
    return {name: the_object(kind, 0.0 if name in same else effect) for name, kind in KINDS.items()}


@pytest.mark.parametrize(
    ("same", "cause"),
    [
        ((), "coin"),
        ((YELLOW_GREEN,), "hue"),
        (COLOUR, "colour"),
        ((*COLOUR, YELLOW_GREEN), "colour"),
        (("shuffled coin",), "colour"),
        (SHAPE, "shape"),
        (("grey coin",), "shape"),
        ((*SHAPE, "shuffled coin"), "colour or shape"),
        (("crate",), "object"),
        ((*SHAPE, *COLOUR, *NEITHER, YELLOW_GREEN), "object"),
    ],
)
def test_the_cause_is_what_all_objects_with_as_much_effect_share(same, cause):
    assert what_moves(EFFECT, made(*same), "movement") == cause
    assert as_much(EFFECT, made(*same), "movement") == [name for name in KINDS if name in same]
    away = estimate(-1.0, 0.2)  # the same for an effect away from the coin
    assert what_moves(away, made(*same, effect=-1.0), "movement") == cause


def test_a_lead_in_the_other_direction_or_without_p_is_none():
    lead = estimate(1.0, 0.2, null=flips(0.1, 0.04))
    assert exceeds(EFFECT, lead)
    assert not exceeds(estimate(-1.0, 0.2), lead)
    assert not exceeds(EFFECT, estimate(1.0, 0.2, null=flips(0.1, 0.06)))  # Holm over the objects
    assert not exceeds(EFFECT, estimate(1.0, 1.1, null=flips(0.1, 0.04)))
    assert not exceeds(EFFECT, estimate(1.0, 0.2))


def test_without_one_of_the_groups_the_cause_is_unknown():
    for group in (SHAPE, COLOUR, NEITHER):
        some = {name: one for name, one in made().items() if name not in group}
        assert what_moves(EFFECT, some, "movement") == "unknown"
    assert what_moves(EFFECT, {}, "movement") == "unknown"


@pytest.mark.parametrize(
    ("same", "words"),
    [
        ((), "The side of the coin affects movement: the preference shifts toward the coin (+0.42"),
        (COLOUR, "The side of a yellow patch affects movement: the preference shifts toward it (+0.42"),
        (("crate",), "The side of any object affects movement"),
        (("crate",), "In the coin's place, as much was not ruled out for: crate."),
        (
            tuple(KINDS),
            "as much was not ruled out for: blue coin, grey coin, greenish coin and 4 others.",
        ),
    ],
)
def test_the_headline_names_what_moves_it(same, words):
    result = the_total_effect().model_copy(update={"objects": made(*same, effect=0.42)})
    assert words in view.text(result).headlines[0]
    assert forests.objects(result, result.variables["coin side"]).caption


def mixed_result():
    def stratum(value: float) -> Stratum:
        return Stratum(levels=50, effects={"movement": estimate(value, 0.1)})

    result = the_total_effect()
    side = result.variables["coin side"].model_copy(
        update={"strata": {"agent": {"grounded": stratum(-0.5), "airborne": stratum(0.6)}}}
    )
    return result.model_copy(update={"variables": {**result.variables, "coin side": side}})


def test_strata_of_different_signs_are_mixed_and_the_headline_says_so():
    result = mixed_result()
    side = result.variables["coin side"]
    assert captions.mixed(side, "movement").startswith("agent grounded \N{MINUS SIGN}0.50")
    assert "Mixed: agent grounded" in view.text(result).headlines[0]
    assert captions.by_stratum(side, "movement", 40)[0].startswith("Mixed: the sign differs between strata")
    plain = the_total_effect()
    assert "Mixed" not in view.text(plain).headlines[0]
    lines = captions.by_stratum(plain.variables["coin side"], "movement", 40)
    assert lines == [
        "No two strata have effects of clearly different signs.",
        "Too few levels, of 40 that a stratum needs: hazard in view (12).",
    ]
    caption = forests.strata(plain, plain.variables["coin side"]).caption
    assert "In states that the policy itself reaches: +0.4" in caption


def test_a_stratum_needs_its_levels_and_has_the_mean_of_its_pairs(coin_side: MinimalPairs):
    rng = np.random.default_rng(0)
    values = {"movement": rng.normal(size=len(coin_side)), "jump": rng.normal(size=len(coin_side))}
    levels = {
        key: len(np.unique(coin_side.levels[mask])) for key, mask in coin_side.strata.masks().items()
    }  # fmt: skip
    fewest = max(levels.values())
    found = strata(Measured(values, coin_side.levels), coin_side, fewest=fewest, seed=0)
    for (name, label), mask in coin_side.strata.masks().items():
        one = found[name][label]
        assert one.levels == levels[name, label]
        if one.levels < fewest:
            assert one.effects == {}
        else:
            for readout, own in values.items():
                assert one.effects[readout].value == pytest.approx(own[mask].mean())
                assert one.effects[readout].n == one.levels


@pytest.fixture(scope="module")
def coin_side() -> MinimalPairs:
    states = pool_states(GameOptions(distribution_mode="easy", use_backgrounds=False), levels=16, per_level=4, seed=0)
    return minimal_pairs(states, "coin side", per_level=1)


def detector(colour: tuple[Sequence[float], float]) -> Policy:
    """A network that goes to where it sees this colour."""
    net = Wiring(LIGHT, np.random.default_rng(0))
    push_to_sides(net, [net.onward_to_last(net.detector(colour), 1)], gain=2.0)
    return net.policy


def test_planted_networks_are_said_to_see_what_they_see(coin_side: MinimalPairs):
    """A detector of the coin's colour is moved by a yellow patch; one of whatever is no sky, by any object."""
    for colour, cause in ((COIN, "colour"), (SOLID, "object")):
        policy = detector(colour)
        swapped = objects(policy, coin_side, seed=0)
        own = Measured.of(policy, coin_side).estimates("coin side", np.random.default_rng(0))["movement"]
        assert abs(own.value) > 0.1
        assert what_moves(own, swapped, "movement") == cause
