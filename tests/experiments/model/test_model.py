"""The model's section: its layers, its training, and one episode."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.model import view
from mechinterp.experiments.model.measure import SIZES, layers_of, measure, training_of
from mechinterp.experiments.model.result import Episode, Result, Source, Training
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.policies import ImpalaConfig, build
from mechinterp.policies.card import Card
from tests.experiments import synthetic


@pytest.fixture(scope="module")
def result() -> Result:
    return synthetic.the_model(np.random.default_rng(0))


def test_layers_are_those_of_the_policy_and_their_parameters_add_up(tiny):
    layers = layers_of(tiny.policy)
    assert [layer.hook for layer in layers] == list(tiny.policy.hook_names)
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in tiny.policy.parameters())
    for layer in layers:
        assert layer.shape == tuple(tiny.policy.shapes[layer.hook])
    first = next(layer for layer in layers if layer.module == "Conv2d")
    assert (first.channels, first.side) == (2, 16)
    assert layers[-1].shape == ()
    assert (layers[-1].channels, layers[-1].side) == (1, 1)


def test_what_the_card_says_of_training():
    config = ImpalaConfig((2, 2))
    assert training_of(Card(config)) is None
    provenance = {"organism": {"name": "coin", "placement": "stock", "goal": "coin"}, "seed": 3, "steps": 100}
    one = training_of(Card(config, provenance=provenance))
    assert one == Training(organism="coin", seed=3, placement="stock", goal="coin", steps=100)


def test_an_episode_is_measured_step_by_step(tiny):
    result = measure(Context(Inputs(tiny, Plan(levels=10)), SIZES.quick, np.random.default_rng(0)))
    episode = result.episode
    assert len(episode.actions) == len(episode.p_right) == len(episode.value)
    assert episode.shown[0] == 0
    assert episode.shown[-1] == len(episode.actions) - 1
    assert episode.frames.shape == (len(episode.shown), 64, 64, 3)
    assert ((episode.p_right >= 0) & (episode.p_right <= 1)).all()
    assert episode.outcome in view.OUTCOMES
    assert result.parameters == sum(p.numel() for p in build(tiny.policy.config, seed=0).parameters())
    with torch.no_grad():
        output = tiny.policy(torch.from_numpy(np.array(episode.frames[:1])))
    assert episode.value[0] == pytest.approx(float(output.value[0]), abs=1e-5)


def test_figures_say_what_they_show(result):
    network, film, course = view.figures(result)
    assert "11 hook points; their modules have 76,554 parameters" in network.caption
    assert film.caption.startswith("8 frames of one episode (level 1234): it took the coin.")
    assert "not evidence" in film.caption
    assert "P(right) ranges from 0.55 to 0.95 and the value estimate from 6.0 to 9.1" in course.caption
    assert len([trace for trace in film.plot.data if trace.type == "image"]) == 8
    assert len(course.plot.data) == 3
    assert list(network.plot.layout.xaxis.ticktext) == [layer.hook for layer in result.layers]
    titles = [note.text for note in film.plot.layout.annotations]
    assert titles[1].startswith("<b>step 8</b>: right+jump<br>P(right) ")


@pytest.mark.parametrize("outcome", view.OUTCOMES)
def test_every_ending_has_words(result, outcome):
    episode = result.episode.model_copy(update={"outcome": outcome})
    film = view.figures(result.model_copy(update={"episode": episode}))[1]
    assert view.OUTCOMES[outcome] in film.caption


def _rows(result: Result) -> dict[str, str]:
    (table,) = view.text(result).tables
    return {item: value for item, value in table.rows}


def test_the_card_of_an_organism_and_of_a_foreign_file(result):
    rows = _rows(result)
    assert rows["model organism"] == "invented, seed 0"
    assert rows["training levels"] == "placement stock; goal coin"
    assert rows["game"] == "easy levels; plain looks, no backgrounds"
    source = Source(file="weights.pt", layout="distill")
    foreign = result.model_copy(update={"training": None, "source": source, "looks": ("use backgrounds",)})
    rows = _rows(foreign)
    assert rows["source"] == "weights.pt, layout distill; its training is not recorded"
    assert rows["game"] == "easy levels; use backgrounds"
    assert "model organism" not in rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actions": ("right",)}, "must have the same steps"),
        ({"actions": (), "p_right": np.zeros(0), "p_jump": np.zeros(0), "value": np.zeros(0)}, "at least 1"),
        ({"shown": (0,)}, "8 frames need a step each"),
        ({"shown": tuple(range(57, 65))}, "of 64"),
    ],
)
def test_episodes_that_do_not_agree_are_refused(result, change, message):
    with pytest.raises(ValidationError, match=message):
        Episode(**{**dict(result.episode), **change})
