"""What is drawn and said of probes, from results made by hand."""

from __future__ import annotations

from mechinterp.experiments.probes.result import Probe, Result, Untrained
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


def test_what_is_less_decodable_than_from_untrained_networks_was_discarded():
    def untrained(own: float, p: float) -> Untrained:
        return Untrained(own=own, value=0.82, low=0.8, high=0.83, p=p, networks=20)

    cells = {"first": (0.95, 0.048), "middle": (0.7, 0.095), "last": (0.73, 0.048)}
    own = {hook: probe(0.1).model_copy(update={"untrained": untrained(*cell)}) for hook, cell in cells.items()}
    said = layer_words(result(hooks=tuple(cells), probes={"coin in view": own}))
    assert "Less is decodable than from untrained networks: discarded: coin in view at last (0.73 against 0.82" in said
    assert "More is decodable than from untrained networks: coin in view at first (0.95 against 0.82" in said
    assert "middle" not in said
    nothing = layer_words(result(probes={"coin in view": {"middle": own["middle"]}}))
    assert nothing.endswith("Nothing of the coin was shown to be more or less decodable than from untrained networks.")
    assert layer_words(result()).endswith("excludes 0.")  # not asked


def test_what_could_not_be_probed_is_in_a_table_and_nothing_probed_draws_nothing():
    assert reasons(text(result())) == [("hazard ahead", "true in 6 of 80 scenes; 10 of each are needed")]
    assert figures(result(probes={})) == []
    assert all(paragraph.format(result=result()) for paragraph in METHOD)
