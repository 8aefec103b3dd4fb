"""What is drawn and said of attributions, from results made by hand."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mechinterp.experiments.attribution import captions
from mechinterp.experiments.attribution.result import ChannelShare, LayerAttribution, ObjectShare, Result
from mechinterp.experiments.attribution.view import METHOD, figures, text
from tests.experiments.handmade import drawn, estimate, notes, null, read_back, reasons, spaced


def share(own: float, area: float, *, half: float = 0.01, untrained: tuple[float, float] | None = None) -> ObjectShare:
    return ObjectShare(
        share=estimate(own, half, null=None if untrained is None else null(*untrained)),
        area=estimate(area, 0.001),
        excess=estimate(own - area, half),
    )


def layer(coin: float | None = None, *, needed: int = 3) -> LayerAttribution:
    channels = {
        number: ChannelShare(share=estimate(value, 0.02), mean=estimate(-0.5, 0.1))
        for number, value in ((7, 0.4), (2, 0.3))
    }
    return LayerAttribution(
        channels=channels, needed=needed, coin_excess=None if coin is None else estimate(coin, 0.05)
    )


def result(**changes) -> Result:
    own = {
        "objects": {
            "movement": {
                "coin": share(0.20, 0.02, untrained=(0.05, 0.15)),
                "ground": share(0.50, 0.48, untrained=(0.3, 0.6)),
                "saw": share(0.02, 0.05, untrained=(0.01, 0.1)),
            },
            "value": {"coin": share(0.021, 0.02), "ground": share(0.2, 0.48)},
        },
        "layers": {"movement": {"block1": layer(), "hidden": layer(needed=9)}, "value": {"block1": layer()}},
        "coverage": 0.8,
        "frames": 40,
        "left_out": {},
    }
    return Result(**{**own, **changes})


def test_shares_areas_and_channels_are_drawn():
    objects, channels = figures(result())
    assert (objects.name, channels.name) == ("attribution-objects", "attribution-channels")
    assert {0.20, 0.50, 0.021, 0.02, 0.48} <= drawn(objects)
    assert [trace.name for trace in objects.plot.data] == ["area", "null", "movement", "value"]
    assert drawn(channels) == {0.4, 0.3}
    assert "80 % in 3 channels; drawn: 7, 2" in notes(channels)
    assert "80 % in 9 channels; drawn: 7, 2" in notes(channels)


def test_dots_of_several_readouts_in_a_row_do_not_lie_on_each_other():
    objects, _ = figures(result())
    heights = [trace.y[0] for trace in objects.plot.data if trace.name in ("movement", "value")]
    assert heights[0] - heights[1] == pytest.approx(0.4)
    many = {f"readout {i}": {"coin": share(0.1, 0.02)} for i in range(8)}  # more than there are colours
    (only,) = figures(result(objects=many, layers={}))
    heights = [trace.y[0] for trace in only.plot.data if trace.name.startswith("readout")]
    assert len(set(heights)) == 8
    assert max(heights) - min(heights) == pytest.approx(0.4)


def test_objects_that_get_more_than_their_area_and_more_than_in_untrained_networks():
    first, movement, value = spaced(captions.objects(result())).split("\n")
    assert "Grey band: the share for movement in untrained networks" in first
    assert movement == (
        "Movement: coin (+18 % [17, 19]) and ground (+2.0 % [1.0, 3.0]) get more than their area. Coin gets more than "
        "in untrained networks."
    )
    assert value == "Value: no object clearly gets more than its area."
    bare = {"movement": {"coin": share(0.03, 0.02, half=0.02, untrained=(0.0, 0.2))}}
    assert captions.objects(result(objects=bare)).endswith(
        "Movement: no object clearly gets more than its area. No object clearly gets more than in untrained networks."
    )
    two = {"movement": {kind: share(0.3, 0.02, untrained=(0.0, 0.2)) for kind in ("coin", "saw")}}
    assert captions.objects(result(objects=two)).endswith("Coin and saw get more than in untrained networks.")
    one = {"jump": {"saw": share(0.3, 0.02)}}
    assert "Jump: saw (+28" in captions.objects(result(objects=one))
    assert captions.objects(result(objects=one)).endswith("gets more than its area.")
    assert "Grey" not in captions.objects(result(objects={"value": {"coin": share(0.2, 0.02)}}))


@pytest.mark.parametrize(
    ("excess", "said"),
    [
        ({"a": 0.2}, "Coin channels get more than their share of the channels at a (+20 % [15, 25]) (movement;"),
        ({"a": 0.2, "b": -0.1}, "at a (+20 % [15, 25]); less at b (-10 % [-15, -5]) (movement;"),
        (
            {"a": -0.1, "b": 0.01},
            "get less than their share of the channels at a (-10 % [-15, -5]); not clearly either at b (",
        ),
        ({"b": 0.01}, "get not clearly more or less than their share of the channels at b (+1"),
        ({"a": 0.2, "b": 0.01}, "at a (+20 % [15, 25]); not clearly either at b (+1"),
        ({}, None),
    ],
)
def test_what_coin_channels_get_is_grouped_by_what_may_be_said(excess, said):
    layers = {"movement": {"none": layer(), **{hook: layer(value) for hook, value in excess.items()}}}
    text = spaced(captions.channels(result(layers=layers)))
    if said is None:
        assert "Coin channels" not in text
    else:
        assert said in text
    assert "how many channels cover 80 % of the attribution" in text


def test_what_could_not_be_attributed_is_said_and_not_drawn():
    failed = result(objects={}, layers={}, left_out={"attribution of value to pixels": "off by 3"})
    assert figures(failed) == []
    assert reasons(text(failed)) == [("attribution of value to pixels", "off by 3")]
    some = result(objects={"movement": {}}, layers={"value": {"block1": layer()}})
    (only,) = figures(some)
    assert only.name == "attribution-channels"


def test_the_method_says_how_many_frames():
    assert "on 40 frames with a coin" in METHOD[0].format(result=result())


def test_a_result_is_read_back_as_it_was_written_and_a_wrong_one_is_refused():
    assert read_back(result()) == result()
    with pytest.raises(ValidationError, match="frames"):
        result(frames=1.5)
