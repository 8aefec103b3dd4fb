"""What is drawn and said of probes, from results made by hand."""

from __future__ import annotations

from mechinterp.experiments.probes.result import Probe, Result
from mechinterp.experiments.probes.view import METHOD, best, best_words, figures, layer_words, text
from tests.experiments.handmade import drawn, estimate, notes, reasons


def probe(above: float, half: float = 0.05, *, kind: str = "class") -> Probe:
    score = estimate(0.5 + above, half)
    return Probe(kind=kind, score=score, above_baseline=estimate(above, half), best_baseline="pixels")


def result(**changes) -> Result:
    own = {
        "hooks": ("first", "last"),
        "probes": {
            "coin in view": {"first": probe(0.1), "last": probe(0.3)},
            "agent x": {"first": probe(-0.2), "last": probe(0.01, kind="number")},
            "place of the coin": {"first": probe(0.2, kind="place")},
        },
        "left_out": {"hazard ahead": "true in 6 of 80 scenes; 10 of each are needed"},
    }
    return Result(**{**own, **changes})


def test_the_best_layer_of_each_label_is_drawn_and_every_layer_under_it():
    assert {label: hook for label, (hook, _) in best(result()).items()} == {
        "coin in view": "last", "agent x": "last", "place of the coin": "first",
    }  # fmt: skip
    one, every = figures(result())
    assert drawn(one) == {0.3, 0.01, 0.2}
    labels = one.plot.layout.yaxis.ticktext
    assert "best at last; balanced accuracy 0.80, best baseline: pixels" in labels[0]
    assert "share of correct guesses" in labels[2]
    (heat,) = every.plot.data
    assert [list(row) for row in heat.z] == [[0.1, 0.3], [-0.2, 0.01], [0.2, None]]
    assert "<b>+0.30</b>" in notes(every)
    assert "<b>+0.01</b>" not in notes(every)


def test_what_exceeds_its_baselines_is_named_and_counted():
    assert best_words(result()).startswith("Above every baseline at some layer: coin in view and place of the coin.")
    assert "3 of 5 probes clearly exceed" in layer_words(result())
    nothing = result(probes={"agent x": {"first": probe(0.01)}})
    assert best_words(nothing).startswith("Nothing clearly exceeds its baselines.")


def test_what_could_not_be_probed_is_in_a_table_and_nothing_probed_draws_nothing():
    assert reasons(text(result())) == [("hazard ahead", "true in 6 of 80 scenes; 10 of each are needed")]
    assert figures(result(probes={})) == []
    assert all(paragraph.format(result=result()) for paragraph in METHOD)
