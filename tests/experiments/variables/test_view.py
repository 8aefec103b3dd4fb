"""What is drawn and said of variables, from results made by hand."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mechinterp.experiments.variables.result import Contrast, Result
from mechinterp.experiments.variables.view import METHOD, caption, figures, text
from tests.experiments.handmade import estimate, notes, read_back, reasons, spaced


def contrast(
    above: int,
    discriminating: int = 5,
    active: int = 16,
    channel: int = 3,
    *,
    untrained: float = 0.12,
    p: float = 0.048,
) -> Contrast:
    return Contrast(
        active=active, discriminating=discriminating, above_untrained=above, strength=0.31,
        untrained_strength=untrained, strength_p=p, channel=channel,
        strongest=estimate(0.6, 0.1, name="the strongest"),
    )  # fmt: skip


def result(**changes) -> Result:
    own = {
        "contrasts": {
            "coin": {"block1": contrast(0), "block2": contrast(2, 6, 8)},
            "end wall": {"block1": contrast(3), "block2": contrast(4)},
            "saw": {"block1": contrast(0), "block2": contrast(0)},
        },
        "left_out": {},
        "picture_difference": 0.0,
        "pictures": 40,
        "untrained_networks": 20,
    }
    return Result(**{**own, **changes})


def test_each_cell_counts_channels_beyond_both_nulls_the_first_in_brackets():
    (figure,) = figures(result())
    assert figure.name == "variables"
    (heat,) = figure.plot.data
    assert list(heat.y) == ["coin", "end wall", "saw"]
    assert list(heat.x) == ["block1", "block2"]
    assert heat.z[0][1] == 2 / 8
    assert "<b>2 (6) / 8</b>" in notes(figure)
    assert "0 (5) / 16" in notes(figure)
    assert "<b>0 (5) / 16</b>" not in notes(figure)
    hover = spaced(heat.customdata[0][1])
    assert "6 of 8 channels discriminate the scenes, 2 of them better than untrained ones" in hover
    assert "contrast 0.31, in untrained networks 0.12 (p = 0.048: more)" in hover
    assert "strongest: channel 3<br>the strongest<br>0.60 [0.50, 0.70]" in hover


def test_variables_are_listed_by_their_channels_and_those_without_any_last():
    said = caption(result())
    assert "all layers together: end wall (7) and coin (2). None for saw." in said
    nothing = {"coin": {"block1": contrast(0)}, "saw": {"block1": contrast(0)}}
    assert "No channel exceeds untrained networks for coin and saw." in caption(result(contrasts=nothing))
    everything = {"coin": {"block1": contrast(1)}}
    assert "all layers together: coin (1)." in caption(result(contrasts=everything))
    assert "None for" not in caption(result(contrasts=everything))


def test_layers_that_hold_less_of_a_variable_have_discarded_it():
    rows = {
        "coin": {"block1": contrast(0, untrained=0.5), "block2": contrast(0, untrained=0.5, p=0.095)},
        "saw": {"block1": contrast(0), "block2": contrast(0, untrained=0.4)},
    }
    said = caption(result(contrasts=rows))
    assert "hold less of a variable than untrained networks do (discarded): coin (block1); saw (block2)." in said
    assert "hold more of a variable than untrained networks do: saw (block1)." in said
    nothing = caption(result(contrasts={"coin": {"block1": contrast(0, p=0.095)}}))
    assert "discarded" not in nothing
    (figure,) = figures(result(contrasts=rows))
    assert "(p = 0.048: discarded)" in spaced(figure.plot.data[0].customdata[0][0])


def test_a_picture_that_differs_from_a_coin_is_a_failed_check():
    assert "give identical activations at all hook points (40 pairs)" in caption(result())
    failed = caption(result(picture_difference=0.25))
    assert "A check failed" in failed
    assert "differ by up to 0.25 in some activation (40 pairs)" in failed
    assert "picture" not in caption(result(pictures=0))


def test_a_variable_measured_in_one_layer_alone_leaves_the_other_cell_empty():
    (figure,) = figures(result(contrasts={"coin": {"block1": contrast(1)}, "saw": {"block2": contrast(1)}}))
    (heat,) = figure.plot.data
    assert heat.z[0][1] is None
    assert notes(figure).count(" / ") == 2


def test_nothing_measured_draws_nothing_and_says_why():
    empty = result(contrasts={}, left_out={"coin side": "no room"})
    assert figures(empty) == []
    assert reasons(text(empty)) == [("coin side", "no room")]
    assert text(result()).tables == ()


def test_the_method_names_the_networks_of_the_null():
    assert any("in 20 networks with random weights" in part.format(result=result()) for part in METHOD)


def test_a_result_is_read_back_as_it_was_written_and_a_wrong_one_is_refused():
    assert read_back(result()) == result()
    with pytest.raises(ValidationError, match="contrasts"):
        result(contrasts={"coin": {"block1": "none"}})
