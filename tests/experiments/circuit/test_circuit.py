"""Circuits: found where they were planted, drawn from left to right, and no more claimed than shown."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError

from mechinterp.circuits import Circuit, Effects, ResidualGraph, matched_random_circuits
from mechinterp.circuits.faithfulness import Curve
from mechinterp.circuits.minimal import _one_way
from mechinterp.circuits.planted import planted_network
from mechinterp.coinrun.engine import GameOptions
from mechinterp.experiments.circuit import captions, view
from mechinterp.experiments.circuit.measure import GATE, QUESTIONS, Size, _faithfulness, answer, measure, some
from mechinterp.experiments.circuit.result import Question, Result
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.policies.card import Card
from mechinterp.policies.subject import Subject
from mechinterp.stats import Null
from tests.experiments import synthetic
from tests.experiments.toys import ranked

TRIES = 150
RANKED = ranked("coin side", "movement", 0.01)


@pytest.fixture(scope="module")
def result() -> Result:
    return synthetic.the_circuit()


@pytest.fixture(scope="module")
def coin():
    """A network with a planted circuit for the coin's side, and its pairs."""
    network = planted_network("coin")
    options = GameOptions(distribution_mode="easy", use_backgrounds=False)
    one = Subject("planted", network.policy, Card(network.policy.config), "0", options)
    return network, Inputs(one, Plan(levels=40, states=2))


def test_the_planted_circuit_is_found(coin):
    network, inputs = coin
    choose, report = inputs(scenes).split("coin side")
    found = answer(network.policy, "movement", choose, report, draws=2, rng=np.random.default_rng(0))
    assert found.circuit is not None
    true = {(node.hook, node.channel) for node in network.true_nodes("coin side")}
    assert set(found.circuit.channels) <= true
    assert found.circuit.denoise.chosen.value == pytest.approx(1, abs=0.2)
    assert found.circuit.noise.chosen.value >= 0.8
    assert found.candidates == sum(len(values) for values in found.denoise.values())
    assert (found.pairs, found.pairs_choose) == (len(report), len(choose))
    assert found.total.n == report.n_levels
    for edge in found.circuit.edges:
        assert edge.source in found.circuit.channels
        assert edge.target in found.circuit.channels


def test_questions_do_not_depend_on_one_another(coin, monkeypatch):
    _, inputs = coin
    size = Size(pairs=10, random_circuits=2, band=1)
    whole = measure(Context(inputs, size, np.random.default_rng(3)), RANKED)
    assert {name.removesuffix(", unsigned") for name in whole.questions} <= {*QUESTIONS, GATE}
    kept = next(iter(whole.questions))
    others = {name: readout if name == kept else "value" for name, readout in QUESTIONS.items()}
    monkeypatch.setattr("mechinterp.experiments.circuit.measure.QUESTIONS", others)
    changed = measure(Context(inputs, size, np.random.default_rng(3)), RANKED)
    assert changed.questions[kept].model_dump_json() == whole.questions[kept].model_dump_json()


def test_some_pairs_are_of_as_many_levels_as_there_are(coin):
    _, inputs = coin
    pairs = inputs(scenes).pairs("coin side")
    few = some(pairs, 5, np.random.default_rng(0))
    assert len(few) == few.n_levels == 5
    assert len(some(pairs, 10**6, np.random.default_rng(0))) == len(pairs)
    more = some(pairs, pairs.n_levels + 1, np.random.default_rng(0))
    assert more.n_levels == pairs.n_levels


def test_a_circuit_is_drawn_from_left_to_right_with_widths_and_signs(result):
    drawn = view.figures(result)
    assert [figure.name for figure in drawn] == [
        "circuit-coin-side-drawing", "circuit-coin-side-curve", "circuit-coin-side-effects",
        "circuit-hazard-ahead-effects",
    ]  # fmt: skip
    assert drawn[0].plot.layout.title.text == "Coin side \N{RIGHTWARDS ARROW} moving right: which channels carry it?"
    circuit = result.questions["coin side"].circuit
    assert circuit is not None
    lines = [trace for trace in drawn[0].plot.data if trace.mode == "lines"]
    assert len(lines) == len(circuit.edges)
    assert all(line.x[0] < line.x[-1] for line in lines)
    assert "0.0800" in max(lines, key=lambda line: line.line.width).text
    colours = {line.line.color for line in lines if "+0.0" in line.text and "+0.0000" not in line.text}
    assert len(colours) == 1
    dots = sum(len(trace.x) for trace in drawn[0].plot.data if trace.mode != "lines")
    assert dots == len(circuit.channels)


def test_the_curve_shows_both_directions_and_random_circuits(result):
    fig = view.figures(result)[1].plot
    names = [trace.name for trace in fig.data if trace.name]
    assert names == [
        "denoising: sufficient?",
        "noising: necessary?",
        "random circuits, as many channels in every layer",
    ]
    assert fig.data[0].x == (1, 4, 12, 50)
    band = fig.data[-1]
    assert (min(band.y), max(band.y)) == (-0.05, 0.1)
    assert fig.layout.xaxis.title.text == "channels in the circuit, of 64"


def test_the_maps_have_a_row_a_layer_and_a_square_a_channel(result):
    question = result.questions["coin side"]
    wider = {**question.denoise, "block1.hook_conv": np.zeros(20, np.float32)}
    noise = {**question.noise, "block1.hook_conv": np.zeros(20, np.float32)}
    uneven = Question(**{**dict(question), "denoise": wider, "noise": noise})
    fig = view.figures(result.model_copy(update={"questions": {"coin side": uneven}}))[2].plot
    assert [len(row) for row in fig.data[0].z] == [20] * 4
    assert list(fig.data[0].z[1][16:]) == [None] * 4
    assert fig.data[0].y[0] == "block1 conv"
    assert fig.data[1].colorbar.title.text == "nats"


def test_what_the_circuit_carries_in_words(result):
    question = result.questions["coin side"]
    text = captions.chosen(question, 0.8).replace("\N{NO-BREAK SPACE}", " ")
    assert text.startswith("12 of 64 channels reach a faithfulness of 80 % both ways on the levels that choose.")
    assert "the circuit alone restores 86 % [81, 91] of the effect" in text
    assert "removes 86 % [81, 91]: both are clearly at least 80 %." in text
    assert "not both are clearly at least 85" in captions.chosen(question, 0.85)


@pytest.mark.parametrize(
    ("p", "words"), [(0.01, "(beyond 95 % of them, p = 0.01)"), (0.06, "(not clearly beyond 95 % of them, p = 0.06)")]
)
def test_random_circuits_in_words(result, p, words):
    circuit = result.questions["coin side"].circuit
    null = Null(description="random", value=0.02, low=-0.05, high=0.1, p=p)
    way = circuit.denoise.model_copy(update={"chosen": circuit.denoise.chosen.against(null)})
    text = captions.random(circuit.model_copy(update={"denoise": way, "noise": way}))
    assert text.count(words) == 2
    assert "share 0.70 [0.60, 0.80] of their channels (Jaccard)" in text


def test_of_an_effect_that_random_networks_have_no_circuit_is_claimed(result):
    question = result.questions["coin side"]
    assert captions.claimed(question, 0.8)
    assert "Random networks" not in captions.chosen(question, 0.8)
    for p, words in ((0.06, "have effects as large (p = 0.06)"), (None, "was not ranked among random networks")):
        ordinary = question.model_copy(update={"random_p": p})
        assert not captions.claimed(ordinary, 0.8)
        assert words in captions.chosen(ordinary, 0.8)
        drawn = view.figures(result.model_copy(update={"questions": {"coin side": ordinary}}))
        assert [words in figure.caption for figure in drawn] == [True, True, False]
    unfaithful = question.circuit.denoise.model_copy(update={"chosen": synthetic.estimate(0.5, 0.1)})
    neither = question.model_copy(update={"circuit": question.circuit.model_copy(update={"denoise": unfaithful})})
    assert not captions.claimed(neither, 0.8)  # its random circuits have no p either


def test_a_random_circuit_in_the_place_of_the_chosen_one_is_better_than_random_in_one_of_twenty_tries(result):
    """Two strong channels of 32, whose effects are skewed over levels; circuits have two at each of two hook points."""
    policy, rng = planted_network("coin").policy, np.random.default_rng(0)
    universe = ("block1.hook_conv", "block2.hook_conv")
    parts = [part for part in ResidualGraph.of(policy).nodes(universe) if part.channel < 16]
    by_part = {part: rng.normal(0, 0.02, 40) for part in parts}
    for strong in (parts[3], parts[-2]):
        by_part[strong] = by_part[strong] + rng.lognormal(-1, 1, 40)
    both = [[part for part in parts if part.hook == hook][:2] for hook in universe]
    base = Circuit.of(policy, [part for two in both for part in two], kind="nodes", universe=universe)

    def run(circuits, direction):
        values = np.stack([sum((by_part[part] for part in one.parts), np.zeros(40)) for one in circuits])
        return Effects(
            parts=tuple(circuits), metrics=("movement",), direction=direction, replacement="counterfactual",
            values=values[None], start=np.zeros((1, 40)), goal=np.full((1, 40), 2.0), levels=np.arange(40),
        )  # fmt: skip

    found = {"denoise": [], "noise": []}
    for _ in range(TRIES):
        own, *others = matched_random_circuits(policy, base, 101, rng)
        size = len(own.parts)
        for direction, better in found.items():
            one = Curve((0, size), run([own.with_parts(()), own], direction))
            way = _faithfulness(direction, _one_way(run, one, size, {size: others}, rng), everything=32)
            circuit = result.questions["coin side"].circuit.model_copy(update={"denoise": way, "noise": way})
            better.append("(beyond 95 %" in captions.random(circuit))
            assert captions.beyond_random(circuit) is better[-1]
    for better in found.values():
        assert 0 < np.mean(better) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / TRIES)


def test_below_all_random_circuits_is_not_beyond(result):
    circuit = result.questions["coin side"].circuit
    null = Null(description="random", value=2, low=1.5, high=2.5, p=1.0)
    way = circuit.denoise.model_copy(update={"chosen": circuit.denoise.chosen.against(null)})
    assert "(not clearly beyond 95 % of them" in captions.random(circuit.model_copy(update={"denoise": way}))


def test_a_circuit_of_everything_has_no_random_ones(result):
    circuit = result.questions["coin side"].circuit
    way = circuit.denoise.model_copy(update={"random": None})
    text = captions.random(circuit.model_copy(update={"denoise": way, "noise": way}))
    assert text.startswith("It takes all 12 channels.")


def test_without_an_effect_there_is_no_circuit(result):
    question = result.questions["hazard ahead"]
    figures = view.figures(result.model_copy(update={"questions": {"hazard ahead": question}}))
    assert [figure.name for figure in figures] == ["circuit-hazard-ahead-effects"]
    assert "no effect for a circuit to carry" in figures[0].caption
    assert "A hazard ahead instead of none changes log P(jump)" in figures[0].caption
    assert "A square is the part" in captions.each(result.questions["coin side"])


def test_parts_that_do_not_fit_are_refused(result):
    question = result.questions["coin side"]
    circuit = question.circuit.model_copy(update={"channels": (("block1.hook_conv", 99),)})
    with pytest.raises(ValidationError, match=r"block1\.hook_conv channel 99 is in the circuit"):
        Question(**{**dict(question), "circuit": circuit})
    with pytest.raises(ValidationError, match="the same hook points with as many channels"):
        Question(**{**dict(question), "noise": {}})
    assert dataclasses.is_dataclass(Size)


def test_what_is_asked_is_said(result):
    question = result.questions["coin side"]
    unsigned = dataclasses.replace(question.total, value=-0.3, low=-0.4, high=-0.2)
    said = captions.each(question.model_copy(update={"measured": "unsigned", "total": unsigned}))
    assert "by 0.30\N{NO-BREAK SPACE}nats [0.20, 0.40] on average, up or down" in said
    gate = question.model_copy(update={"measured": "interaction", "clean": "with a saw", "corrupted": "without"})
    assert captions.each(gate).startswith("With a saw, less without, changes log P(right)")


def test_a_coin_that_does_the_same_on_either_side_is_asked_by_presence(coin):
    """And one that draws to its own side, which its presence does not on the whole, by the size of the change."""
    network, inputs = coin
    size = Size(pairs=10, random_circuits=20, band=1)
    drawn = measure(Context(inputs, size, np.random.default_rng(3)), RANKED).questions["coin presence, unsigned"]
    assert (drawn.measured, drawn.readout) == ("unsigned", "movement")
    assert set(drawn.circuit.channels) <= {(node.hook, node.channel) for node in network.used}
    network = planted_network("presence")
    one = Subject("planted", network.policy, Card(network.policy.config), "0", inputs.subject.options)
    own = Inputs(one, Plan(levels=40, states=2))
    found = measure(Context(own, size, np.random.default_rng(3)), RANKED).questions
    assert found["coin side"].circuit is None
    presence = found["coin presence"]
    assert set(presence.circuit.channels) <= {(node.hook, node.channel) for node in network.used}
    assert presence.circuit.denoise.chosen.null.p <= 0.05
