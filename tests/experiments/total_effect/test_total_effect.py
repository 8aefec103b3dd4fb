"""Total effects: what is measured next to what, and sentences that say as much as the interval allows."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from mechinterp.coinrun.scenes import SceneError
from mechinterp.experiments.inputs.scenes import Scenes, scenes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.experiments.total_effect import captions, view
from mechinterp.experiments.total_effect.measure import SIZES, Size, families, measure, own_effects
from mechinterp.experiments.total_effect.result import Effect, Rank, Result, Role, VariableEffects
from mechinterp.policies.readouts import READOUTS
from mechinterp.proxies import pair_differences
from mechinterp.stats import Estimate
from tests.experiments import synthetic


def made(value: float, low: float, high: float, *, p: float | None = None) -> Estimate:
    null = None if p is None else synthetic.flips(0.1, p)
    return Estimate(name="effect", value=value, low=low, high=high, n=50, unit="levels", null=null)


def effect(estimate: Estimate, *, rank_p: float = 0.01) -> Effect:
    rank = Rank(smaller=100 if rank_p < 0.05 else 48, low=-0.3, high=0.3, p=rank_p, family=8)
    return Effect(effect=estimate, rank=rank)


def variable(
    estimate: Estimate, *, role: Role = "coin", readout: str = "movement", rank_p: float = 0.01
) -> VariableEffects:
    one = effect(estimate, rank_p=rank_p)
    return VariableEffects(
        role=role, clean="coin right", corrupted="coin left", pairs=60, readouts={readout: one}, strata={}
    )


def words_of(one: VariableEffects, readout: str = "movement") -> str:
    """The sentence about this variable, in a result of it alone."""
    alone = RESULT.model_copy(update={"variables": {"coin side": one}})
    return captions.sentence("coin side", READOUTS[readout], alone)


RESULT = Result(
    margins={"movement": 0.1, "jump": 0.1}, networks=100, frames=60,
    spreads={"movement": 2.0, "jump": 1.0, "value": 0.0}, variables={}, fewest=40, objects={},
    same_scenes={}, own_play={},
)  # fmt: skip


@pytest.mark.parametrize(
    ("estimate", "words", "never"),
    [
        (made(0.42, 0.32, 0.52), "Coin right instead of coin left moves it toward the right: +0.42 nats", "left:"),
        (made(-0.42, -0.52, -0.32), "moves it toward the left: \N{MINUS SIGN}0.42 nats", "right:"),
        (made(0.2, -0.1, 0.5), "no clear effect (+0.2 nats [\N{MINUS SIGN}0.1, 0.5])", "moves"),
        (made(0.01, -0.05, 0.07), "equivalent to zero within 0.1 nats (+0.01 nats", "moves"),
        (made(0.5, 0.2, 0.8, p=0.2), "no clear effect (+0.5 nats [0.2, 0.8], p = 0.2)", "moves"),
        (made(0, 0, 0), "changes nothing in any pair", "moves"),
    ],
)
def test_effects_in_words(estimate, words, never):
    text = words_of(variable(estimate)).replace("\N{NO-BREAK SPACE}", " ")
    assert words in text
    assert never not in text


def test_each_readout_has_its_own_words_and_only_margins_that_were_fixed():
    one = variable(made(0.02, -0.05, 0.09), readout="value")
    assert "no clear effect (+0.02 [" in words_of(one, "value")
    raised = variable(made(0.3, 0.1, 0.5), readout="value")
    assert "raises what it expects to earn: +0.30 [0.10, 0.50], more than in 100 of 100 random networks" in words_of(
        raised, "value"
    )
    jumps = variable(made(-0.3, -0.5, -0.2), readout="jump")
    assert "makes it less inclined to jump" in words_of(jumps, "jump")


@pytest.mark.parametrize(
    ("estimate", "rank_p", "found"),
    [
        (made(0.42, 0.32, 0.52), 0.01, "above"),
        (made(-0.42, -0.52, -0.32), 0.05, "below"),
        (made(0.42, 0.32, 0.52), 0.051, "ordinary"),  # random networks do it as well
        (made(0.42, 0.32, 0.52, p=0.06), 0.01, "unclear"),  # a mean of 0 does it as well
        (made(0.2, 0.08, 0.32), 0.01, "small"),  # beyond 0, but not beyond the margin of 0.1
        (made(-0.2, -0.32, -0.1), 0.01, "small"),
        (made(0.05, 0.02, 0.09), 0.01, "equivalent"),
        (made(0.05, -0.3, 0.4), 0.01, "unclear"),
    ],
)
def test_a_claim_needs_the_margin_both_p_values_and_the_interval(estimate, rank_p, found):
    assert captions.claim(effect(estimate, rank_p=rank_p), 0.1) == found


def test_without_a_margin_zero_is_the_border():
    assert captions.claim(effect(made(0.05, 0.02, 0.09)), None) == "above"
    assert captions.claim(effect(made(0.05, 0.02, 0.09), rank_p=0.5), None) == "ordinary"


@pytest.mark.parametrize(
    ("estimate", "rank_p", "words"),
    [
        (made(0.42, 0.3, 0.5), 0.01, "affects movement: the preference shifts toward it (+0.42"),
        (made(0.42, 0.3, 0.5), 0.01, "more than in 100 of 100 random networks of the same sensitivity."),
        (made(-0.42, -0.5, -0.3), 0.01, "the preference shifts away from it (\N{MINUS SIGN}0.42"),
        (made(-0.42, -0.5, -0.3), 0.5, "no more than it would in a random network: larger than in 48 of 100 random"),
        (made(0.0, -0.06, 0.06), 0.01, "does not affect movement: equivalent to zero within 0.1 nats"),
        (made(0.2, 0.05, 0.35), 0.01, "by an amount not shown to exceed 0.1 nats"),
        (made(0.05, -0.1, 0.2), 0.01, "is unclear"),
    ],
)
def test_the_headline_follows_the_claim(estimate, rank_p, words):
    measured = RESULT.model_copy(update={"variables": {"coin side": variable(estimate, rank_p=rank_p)}})
    text = view.text(measured)
    assert words in text.headlines[0]
    assert len(text.headlines) == len(text.keys) == 1


def test_the_key_number_has_a_scale():
    (key,) = view.text(synthetic.the_total_effect()).keys
    assert key.label == "total effect on movement, coin right \N{MINUS SIGN} coin left"
    assert key.value == "+0.42\N{NO-BREAK SPACE}nats"
    assert "n = 120 levels; larger than in 99 of 100 random networks of the same sensitivity" in key.context
    assert "; for scale: hazard ahead +1.3" in key.context


def test_effects_in_standard_deviations_of_the_policys_own_readout():
    assert captions.in_sds(effect(made(0.42, 0.3, 0.5)), 2.0) == "+0.21\N{NO-BREAK SPACE}SD"
    assert captions.in_sds(effect(made(-0.42, -0.5, -0.3)), 2.0) == "\N{MINUS SIGN}0.21\N{NO-BREAK SPACE}SD"
    assert captions.in_sds(effect(made(0.0, 0.0, 0.0)), 0.0) == ""


def test_without_the_measurement_the_headline_says_so():
    whole = synthetic.the_total_effect()
    rest = {name: one for name, one in whole.variables.items() if name != "coin side"}
    for variables in (rest, {}):
        text = view.text(whole.model_copy(update={"variables": variables}))
        assert "was not measured" in text.headlines[0]
        assert not text.keys
    assert view.figures(whole.model_copy(update={"variables": {}})) == []


def test_a_forest_plot_for_each_readout_shows_every_variable():
    result = synthetic.the_total_effect()
    made = view.figures(result)
    assert [figure.name for figure in made] == [
        f"total-effect-{name}" for name in ("movement", "jump", "value", "objects", "strata")
    ]
    fig = made[0].plot
    assert fig.layout.xaxis.title.text == READOUTS["movement"].axis
    assert "nats" in fig.layout.xaxis.title.text
    assert len(fig.layout.yaxis.ticktext) == len(result.variables)
    texts = " ".join(note.text for note in fig.layout.annotations)
    assert "n = 120 levels" in texts
    assert "equivalent to zero" in texts
    assert "equivalent to zero" not in " ".join(note.text for note in made[2].plot.layout.annotations)  # no margin
    shown = {trace.name: len(trace.x) for trace in fig.data}
    assert shown["the coin"] == shown["for scale: other changes"] == 2
    assert shown["control"] == 1
    assert shown["random networks"] == 6 * 5
    assert "+0.28\N{NO-BREAK SPACE}SD" in texts
    assert "larger than 99 of 100 random networks" in texts


def test_captions_put_the_coin_first_and_then_what_it_is_compared_with():
    lines = view.figures(synthetic.the_total_effect())[0].caption.split("\n")
    assert len(lines) == 5
    assert lines[2].startswith("A real coin instead of its picture changes nothing")
    assert lines[3].startswith("A hazard ahead instead of none moves it toward the right: +1.3")


def test_a_readout_that_was_measured_for_some_variables_only():
    whole = synthetic.the_total_effect()
    some = whole.variables["hazard ahead"]
    some = some.model_copy(update={"readouts": {"movement": some.readouts["movement"]}})
    result = whole.model_copy(update={"variables": {**whole.variables, "hazard ahead": some}})
    assert [len(figure.plot.layout.yaxis.ticktext) for figure in view.figures(result)[:3]] == [5, 4, 4]


def test_roles_are_known():
    with pytest.raises(ValidationError, match="'coin', 'ceiling' or 'control'"):
        variable(made(1, 0, 2), role="other")  # pyright: ignore[reportArgumentType]


def test_families_are_a_role_on_actions_and_a_role_on_the_value():
    made = families(["coin side", "coin on the left", "hazard ahead"])
    assert made == [
        [(name, readout) for name in ("coin side", "coin on the left") for readout in ("movement", "jump")],
        [("coin side", "value"), ("coin on the left", "value")],
        [("hazard ahead", "movement"), ("hazard ahead", "jump")],
        [("hazard ahead", "value")],
    ]


def test_effects_are_means_over_pairs_with_p_values_of_their_family(tiny, monkeypatch):
    """All of a family's p from the same few numbers, corrected by hand."""
    real = Scenes.pairs

    def pairs(self, variable):
        if not variable.startswith("coin"):
            raise SceneError("no room")
        return real(self, variable)

    monkeypatch.setattr(Scenes, "pairs", pairs)
    inputs = Inputs(tiny, Plan(levels=10))
    result = measure(
        Context(inputs, Size(networks=20, levels=6, frames=10, objects=3, own=0), np.random.default_rng(0))
    )
    made = inputs(scenes).pairs("coin side")
    own, plain = pair_differences(tiny.policy, made), own_effects(tiny.policy, made, seed=0)
    for name, one in result.variables["coin side"].readouts.items():
        assert one.effect.value == pytest.approx(own[name].mean())
        assert one.effect.n == made.n_levels
        family = sum(READOUTS[name].acts == readout.acts for readout in READOUTS.values()) * len(result.variables)
        assert one.rank.family == family
        raw, corrected = plain[name].null, one.effect.null
        assert raw
        assert raw.p is not None
        assert corrected
        assert corrected.p is not None
        assert raw.p <= corrected.p <= min(1, family * raw.p) + 1e-12  # Holm
        assert 0 <= one.rank.smaller <= result.networks == 20
    assert result.margins == {"movement": 0.1, "jump": 0.1}
    assert result.frames == 10
    assert set(result.spreads) == set(READOUTS)


def test_a_variable_without_room_is_left_out(tiny, monkeypatch):
    real = Scenes.pairs

    def pairs(self, variable):
        if variable != "coin side":
            raise SceneError("no room")
        return real(self, variable)

    monkeypatch.setattr(Scenes, "pairs", pairs)
    size = Size(networks=1, levels=3, frames=3, objects=3, own=0)
    result = measure(Context(Inputs(tiny, Plan(levels=10)), size, np.random.default_rng(0)))
    assert list(result.variables) == ["coin side"]


def test_the_page_ranks_among_as_many_networks_as_its_p_needs():
    """A p of 0.05 takes 19 networks at least; a headline is ranked among 100."""
    assert SIZES.full.networks >= 100
    assert 1 / (1 + SIZES.quick.networks) <= captions.ALPHA


def test_what_else_may_be_claimed_of_the_coin_is_said_and_nothing_more():
    """Not the headline's question, no change for scale, no value, and nothing that random networks have as well."""
    side = variable(made(0.42, 0.32, 0.52)).readouts | variable(made(-0.7, -0.8, -0.6), readout="jump").readouts
    near = variable(made(0.9, 0.8, 1.0)).readouts | variable(made(0.9, 0.8, 1.0), readout="value").readouts
    variables = {
        "coin side": variable(made(0.42, 0.32, 0.52)).model_copy(update={"readouts": side}),
        "coin presence": variable(made(0.9, 0.8, 1.0)).model_copy(update={"readouts": near}),
        "coin above": variable(made(0.9, 0.8, 1.0), rank_p=0.5),
        "end wall": variable(made(0.9, 0.8, 1.0), role="ceiling"),
    }
    text = captions.other_claims(RESULT.model_copy(update={"variables": variables})).replace("\N{NO-BREAK SPACE}", " ")
    assert text == (
        "Effects of the coin that exceed those of random networks: "
        "coin side, on jumping (\N{MINUS SIGN}0.70 nats [\N{MINUS SIGN}0.80, \N{MINUS SIGN}0.60]); "
        "coin presence, on moving right (+0.90 nats [0.80, 1.00])."
    )
    assert not captions.other_claims(RESULT)
