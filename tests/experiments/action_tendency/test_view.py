"""What is drawn and said of the preference for right, from results made by hand."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mechinterp.experiments.action_tendency import captions
from mechinterp.experiments.action_tendency.measure import last_of_each_block
from mechinterp.experiments.action_tendency.result import Result, Steering
from mechinterp.experiments.action_tendency.view import METHOD, figures, text
from tests.experiments.handmade import drawn, estimate, null, read_back, reasons, spaced


def steering(added=2.0, consistent=0.95, half=0.02, *, untrained=(-0.5, 0.5), both=(0.0, 0.3)) -> Steering:
    return Steering(
        added=estimate(added, 0.2, null=null(*untrained) if untrained else None),
        subtracted=estimate(-added, 0.2, null=null(*untrained) if untrained else None),
        consistent=estimate(consistent, half, null=null(*both) if both else None),
        relative_norm=0.7,
    )


def result(**changes) -> Result:
    own = {
        "mean": estimate(1.5, 0.2),
        "standard_deviation": estimate(0.9, 0.1),
        "parts": {"hidden units": estimate(1.2, 0.2), "bias": estimate(0.3, 0.01)},
        "constant_share": 0.735,
        "prefers_right": estimate(0.9, 0.05),
        "black_frame": -0.4,
        "hook": "hidden.hook_post",
        "units": 256,
        "units_needed": 75,
        "top_units": {11: estimate(0.2, 0.05), 4: estimate(-0.1, 0.02), 9: estimate(0.1, 0.02), 1: estimate(0.01, 0.1)},
        "steering": {"block1": steering(0.1), "hidden": steering()},
        "left_out": {},
    }
    return Result(**{**own, **changes})


def test_parts_and_vectors_are_drawn():
    parts, vectors = figures(result())
    assert (parts.name, vectors.name) == ("tendency-parts", "tendency-steering")
    assert drawn(parts) == {1.5, 1.2, 0.3, 0.9}
    assert drawn(vectors) == {0.1, 2.0, -0.1, -2.0}
    assert [trace.name for trace in vectors.plot.data] == ["null", "added", "subtracted"]
    assert len(figures(result(steering={}))) == 1


def test_what_does_not_depend_on_the_frame_is_said():
    said = spaced(captions.parts(result()))
    assert said.startswith("On average right is preferred to left by 1.50 nats [1.30, 1.70]; the standard deviation")
    assert "so 74 % of the mean square does not depend on the frame" in said
    assert "On a black frame the log-odds are -0.40 nats." in said
    assert "Right is likelier than left in 90 % [85, 95] of frames." in said
    assert said.endswith(
        "75 of the 256 units of hidden.hook_post cover 80 % of the absolute mean contributions; the largest: 11 (+0.20 "
        "nats [0.15, 0.25]), 4 (-0.100 nats [-0.120, -0.080]) and 9 (+0.100 nats [0.080, 0.120])."
    )
    assert "units of" not in captions.parts(result(top_units={}))


@pytest.mark.parametrize(
    ("mean", "said"),
    [
        (estimate(-1.5, 0.2), "On average left is preferred to right: the mean log-odds are -1.50 nats"),
        (estimate(0.1, 0.2), "On average neither side is clearly preferred: the mean log-odds are 0.10 nats"),
    ],
)
def test_a_mean_toward_left_or_near_zero_is_not_called_a_preference_for_right(mean, said):
    assert spaced(captions.parts(result(mean=mean))).startswith(said)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (steering(), "lowers them in 95 % [93, 97] of held-out frames, clearly more than 90 %."),
        (steering(consistent=0.5), "clearly less than 90 %: it does not work on every frame."),
        (steering(consistent=0.9, half=0.05), "of held-out frames; whether that is more than 90 % is unclear."),
        (steering(), "changes them less (-0.50 to 0.50 nats, grey), and works both ways in 30 % of frames at most."),
        (steering(both=(0.5, 0.96)), "less (-0.50 to 0.50 nats, grey), but some work both ways in as many frames (up"),
        (steering(untrained=(-1.0, 1.9)), "can change them as much (-1.00 to 1.90 nats, grey)."),
        (steering(), 'At hidden the steering vector "right" changes the log-odds by +2.00 nats [1.80, 2.20] when'),
        (steering(), "and by -2.00 nats [-2.20, -1.80] when subtracted"),
    ],
)
def test_whether_one_direction_encodes_right_is_said_of_the_last_layer(own, said):
    text = spaced(captions.steering(result(steering={"block1": steering(0.1), "hidden": own})))
    assert said in text


def test_without_a_null_nothing_is_said_of_random_directions():
    assert "random" not in captions.steering(result(steering={"hidden": steering(untrained=None)}))
    assert "random" not in captions.steering(result(steering={"hidden": steering(both=None)}))


def test_what_could_not_be_measured_is_said():
    own = result(steering={}, left_out={'the steering vector "right"': "always the same"})
    assert reasons(text(own)) == [('the steering vector "right"', "always the same")]
    assert text(result()).tables == ()


def test_the_method_names_the_layer():
    assert "each of the 256 units of hidden.hook_post" in METHOD[0].format(result=result())


def test_steering_is_tried_at_the_last_hook_point_of_each_block():
    names = ("block1.hook_pool", "block1.res1.hook_out", "block2.hook_pool", "hidden.hook_post")
    assert last_of_each_block(names) == ("block1.res1.hook_out", "block2.hook_pool", "hidden.hook_post")


def test_a_result_is_read_back_as_it_was_written_and_a_wrong_one_is_refused():
    assert read_back(result()) == result()
    with pytest.raises(ValidationError, match="units"):
        result(units="many")
