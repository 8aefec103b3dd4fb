"""Total effects: what is measured next to what, and sentences that say as much as the interval allows."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.experiments.total_effect import view
from mechinterp.experiments.total_effect.measure import Size, effects, measure
from mechinterp.experiments.total_effect.result import Effect, Result, VariableEffects
from mechinterp.policies.controls import shuffled
from mechinterp.policies.readouts import READOUTS
from mechinterp.proxies import pair_differences
from mechinterp.stats import Estimate
from tests.experiments import synthetic
from tests.experiments.toys import subject


def made(value: float, low: float, high: float, *, p: float | None = None) -> Estimate:
    null = None if p is None else synthetic.flips(0.1, p)
    return Estimate(name="effect", value=value, low=low, high=high, n=50, unit="levels", null=null)


def variable(effect: Estimate, *, role: str = "coin", readout: str = "movement") -> VariableEffects:
    one = Effect(effect=effect, shuffled=synthetic.estimate(0.01, 0.02))
    return VariableEffects(
        role=role,  # pyright: ignore[reportArgumentType]
        clean="coin right", corrupted="coin left", pairs=60, readouts={readout: one},
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
    text = view.sentence(variable(estimate), READOUTS["movement"], margin=0.1).replace("\N{NO-BREAK SPACE}", " ")
    assert words in text
    assert never not in text


def test_each_readout_has_its_own_words_and_only_margins_that_were_fixed():
    one = variable(made(0.02, -0.05, 0.09), readout="value")
    assert "no clear effect (+0.02 [" in view.sentence(one, READOUTS["value"], margin=None)
    raised = variable(made(0.3, 0.1, 0.5), readout="value")
    assert "raises what it expects to earn: +0.30 [0.10, 0.50]." in view.sentence(
        raised, READOUTS["value"], margin=None
    )
    jumps = variable(made(-0.3, -0.5, -0.2), readout="jump")
    assert "makes it less inclined to jump" in view.sentence(jumps, READOUTS["jump"], margin=0.1)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.42, "The coin's side affects movement: the preference shifts toward the coin (+0.42"),
        (-0.42, "the preference shifts away from the coin (\N{MINUS SIGN}0.42"),
        (0.0, "does not affect movement: equivalent to zero within 0.1 nats"),
        (0.05, "is unclear"),
    ],
)
def test_the_headline_follows_the_interval(value, words):
    text = view.text(synthetic.the_total_effect(value))
    assert words in text.headlines[0]
    assert len(text.headlines) == len(text.keys) == 1


def test_the_key_number_has_a_scale():
    (key,) = view.text(synthetic.the_total_effect()).keys
    assert key.label == "total effect on movement, coin right \N{MINUS SIGN} coin left"
    assert key.value == "+0.42\N{NO-BREAK SPACE}nats"
    assert "n = 120 levels; for scale: hazard ahead +1.3" in key.context


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
    assert [figure.name for figure in made] == [f"total-effect-{name}" for name in ("movement", "jump", "value")]
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
    assert shown["shuffled weights"] == 5


def test_captions_put_the_coin_first_and_then_what_it_is_compared_with():
    lines = view.figures(synthetic.the_total_effect())[0].caption.split("\n")
    assert len(lines) == 5
    assert lines[2].startswith("A real coin instead of its picture changes nothing")
    assert lines[3].startswith("For scale: hazard ahead +1.3")
    assert lines[4].startswith("With shuffled weights, the largest effect of the coin is +0.01")


def test_a_readout_that_was_measured_for_some_variables_only():
    whole = synthetic.the_total_effect()
    some = whole.variables["hazard ahead"]
    some = some.model_copy(update={"readouts": {"movement": some.readouts["movement"]}})
    result = whole.model_copy(update={"variables": {**whole.variables, "hazard ahead": some}})
    assert [len(figure.plot.layout.yaxis.ticktext) for figure in view.figures(result)] == [5, 4, 4]


def test_roles_are_known():
    with pytest.raises(ValidationError, match="'coin', 'ceiling' or 'control'"):
        variable(made(1, 0, 2), role="other")


def test_effects_are_means_over_pairs_next_to_the_largest_of_the_shuffled_networks():
    tiny = subject()
    tiny.policy.get_parameter("logits.weight").data.mul_(100)
    pairs = Inputs(tiny, Plan(levels=10))(scenes).pairs("coin side")
    controls = [shuffled(tiny.policy, seed=seed) for seed in range(3)]
    found = effects(tiny.policy, pairs, controls, rng=np.random.default_rng(0))
    own, others = pair_differences(tiny.policy, pairs), [pair_differences(one, pairs) for one in controls]
    assert list(found) == list(READOUTS)
    for name, one in found.items():
        assert one.effect.value == pytest.approx(own[name].mean())
        assert abs(one.shuffled.value) == pytest.approx(max(abs(other[name].mean()) for other in others))
        assert one.effect.n == pairs.n_levels
        assert one.effect.null is not None


def test_a_variable_without_room_is_left_out(tiny, monkeypatch):
    from mechinterp.coinrun.scenes import SceneError
    from mechinterp.experiments.inputs.scenes import Scenes

    real = Scenes.pairs

    def pairs(self, variable):
        if variable != "coin side":
            raise SceneError("no room")
        return real(self, variable)

    monkeypatch.setattr(Scenes, "pairs", pairs)
    result = measure(Context(Inputs(tiny, Plan(levels=10)), Size(shuffled=1), np.random.default_rng(0)))
    assert list(result.variables) == ["coin side"]
    assert result.margins == {"movement": 0.1, "jump": 0.1}
    assert isinstance(result, Result)
