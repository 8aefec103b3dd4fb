"""What is drawn and said of factors, from results made by hand."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mechinterp.experiments.factors import captions
from mechinterp.experiments.factors.result import Autoencoder, Factor, Factorisation, Result
from mechinterp.experiments.factors.view import figures, text
from tests.experiments.handmade import drawn, estimate, null, read_back, reasons, spaced


def factor(name: str, value: float) -> Factor:
    return Factor(object=name, correlation=estimate(value, 0.05, null=null(-0.1, 0.1)))


def sae(**changes) -> Autoencoder:
    own = {
        "explained": 0.86,
        "size": 128,
        "k": 6,
        "dead": 0.0,
        "latents": {91: factor("coin", 0.7), 5: factor("no ground", 0.3)},
        "divergence": {name: estimate(0.2, 0.1) for name in ("reconstruction", "zero", "mean")},
        "agreement": {name: estimate(0.9, 0.05) for name in ("reconstruction", "zero", "mean")},
        "recovered": estimate(0.8, 0.1),
    }
    return Autoencoder(**{**own, **changes})


def result(**changes) -> Result:
    own = {
        "hook": "trunk.hook_relu",
        "activations": Factorisation(explained=0.73, factors={0: factor("ground", 0.8), 1: factor("sky", 0.6)}),
        "attributions": Factorisation(explained=0.68, factors={0: factor("agent", 0.5)}),
        "autoencoder": sae(),
        "left_out": {},
    }
    return Result(**{**own, **changes})


def test_every_factor_is_drawn_with_its_label():
    (figure,) = figures(result())
    assert figure.name == "factors"
    assert drawn(figure) == {0.8, 0.6, 0.5, 0.7, 0.3}
    assert [trace.name for trace in figure.plot.data] == [
        "null", "NMF factor of activations", "NMF factor of attributions", "SAE latent",
    ]  # fmt: skip
    labels = " ".join(figure.plot.layout.yaxis.ticktext)
    for words in ("ground", "(activation factor 0)", "(attribution factor 0)", "coin", "(SAE latent 91)", "no ground"):
        assert words in labels


def test_how_well_the_factors_reconstruct_the_layer_is_said():
    first, spliced, coin, how = spaced(captions.factors(result())).split("\n")
    assert first == (
        "On held-out levels, at trunk.hook_relu: 2 NMF factors reconstruct 73 % of the sum of squares of the "
        "activations, 1 NMF factor reconstructs 68 % of the sum of squares of the attributions and an SAE with 128 "
        "latents, 6 active in each cell, reconstructs 86 % of the variance."
    )
    assert spliced == (
        "With the SAE's reconstruction in place of the layer 80 % [70, 90] of the loss (KL divergence) of mean "
        "ablation is recovered, and the likeliest action stays the same in 90 % [85, 95] of frames."
    )
    assert coin == "The coin is followed by SAE latent 91 (r = 0.70 [0.65, 0.75])."
    assert how == captions.HOW


def test_dead_latents_and_an_undefined_recovery_are_said():
    own = spaced(captions.factors(result(autoencoder=sae(dead=0.25, recovered=None))))
    assert "an SAE with 128 latents, 25 % of them dead, 6 active" in own
    assert "Loss recovered is not defined: mean ablation of the layer changes the actions too little." in own


def test_parts_that_are_missing_are_left_out_of_figure_and_text():
    some = result(attributions=None, left_out={"factors of attributions": "off by 3"})
    (figure,) = figures(some)
    assert "NMF factor of attributions" not in [trace.name for trace in figure.plot.data]
    assert "of the attributions" not in captions.factors(some)
    assert reasons(text(some)) == [("factors of attributions", "off by 3")]
    assert "SAE" not in captions.factors(result(autoencoder=None))


def test_a_dead_layer_draws_nothing_and_says_why():
    dead = result(activations=None, attributions=None, autoencoder=None, left_out={"factors": "it is dead"})
    assert figures(dead) == []
    assert reasons(text(dead)) == [("factors", "it is dead")]
    assert captions.factors(dead) == captions.HOW


def test_a_coin_label_that_does_not_stand_out_from_its_null_is_not_the_coins():
    weak = sae(latents={91: factor("coin", 0.1), 5: factor("ground", 0.8)})
    assert "None of them clearly follows the coin." in captions.factors(result(autoencoder=weak))
    both = sae(latents={91: factor("coin", 0.7), 5: factor("coin", 0.5)})
    said = spaced(captions.factors(result(autoencoder=both)))
    assert "followed by SAE latent 91 (r = 0.70 [0.65, 0.75]) and SAE latent 5 (r = 0.50 [0.45, 0.55])." in said


def test_a_result_is_read_back_as_it_was_written_and_a_wrong_one_is_refused():
    assert read_back(result()) == result()
    with pytest.raises(ValidationError, match="hook"):
        result(hook=3)
