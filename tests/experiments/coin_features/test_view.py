"""What is drawn and said of the coin, from results made by hand so that the right answer is known."""

from __future__ import annotations

import pytest

from mechinterp.experiments.coin_features.captions import TOLD, clouds, decoding, effects, headline, looks, maps
from mechinterp.experiments.coin_features.captions import ablation as ablation_words
from mechinterp.experiments.coin_features.counts import ChannelCounts, counts, total
from mechinterp.experiments.coin_features.result import Place, Result
from mechinterp.experiments.coin_features.view import METHOD, figures, text
from mechinterp.features.changes import QUANTITIES
from mechinterp.features.verdicts import Verdict
from tests.experiments.coin_features.handmade_coin import JUMP, SIDE, ablation, channel, layer, pictures, result
from tests.experiments.handmade import drawn, estimate, notes, null, spaced

GOLD = {
    "first": layer([channel(0.048, 1.2, 0.1), channel(0.95, 0.9, 0.2)]),
    "second": layer([channel(0.095, 0.85, 0.9)]),
}


def test_channels_that_pass_one_criterion_alone_are_counted_separately():
    assert counts(GOLD["first"]) == ChannelCounts(
        confirmed=2, exceed_maximum=1, square=2, square_all=1, other_colours=0
    )
    assert counts(GOLD["second"]) == ChannelCounts(
        confirmed=1, exceed_maximum=0, square=1, square_all=0, other_colours=1
    )
    own = result(**GOLD)
    said = spaced(headline(own))
    assert "3 channels discriminate it from the other objects of the game; 1 of them exceed the maximum" in said
    assert "the other 2 pass the false discovery rate (5 %) alone" in said
    assert "first (1 of 2 exceed the maximum) and second (0 of 1 exceed the maximum): coin channels" in decoding(own)
    assert "3 channels were confirmed" in clouds(own)
    assert "No channel was confirmed" in clouds(result())


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (GOLD, "at least 80 % of the response to the coin in 3 of 3 coin channels (at least 100 % in 1)"),
        (GOLD, "Most respond to a patch of that colour, not to the coin's shape"),
        ({"first": layer([channel(square=0.1, other=0.9)])}, "Most respond to the coin's shape, not to its colour"),
        ({"first": layer([channel(square=0.9, other=0.9)])}, "Neither colour nor shape alone"),
        ({"first": layer([channel(square=None, other=None)])}, "in 0 of 1 coin channel"),
    ],
)
def test_a_channel_may_respond_to_a_patch_of_the_coins_colour(layers, said):
    own = result(**layers)
    assert said in spaced(looks(total(own)))
    for caption in (decoding(own), clouds(own)):
        assert said in spaced(caption)


def test_nothing_is_said_of_the_looks_where_no_channel_was_confirmed():
    assert looks(total(result())) == ""


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (
            {"first": layer([channel()], channels_affected=(SIDE,))},
            "1 channel discriminates it from the other objects of the game; it exceeds the maximum over untrained "
            "networks (FWER 5 %). It causally affects",
        ),
        ({"first": layer([channel()], affected=(JUMP,))}, "Coin directions causally affect the action; for the"),
        ({"first": layer([channel()], half=0.2)}, "Whether it causally affects the action is unclear."),
        ({"first": layer([channel()])}, "It is decodable but not causally used."),
        (GOLD, "They are decodable but not causally used."),
        ({"first": layer(decodable=0.01, affected=(JUMP,))}, "untrained networks; it causally affects the action."),
        (
            {"first": layer(decodable=0.01, half=0.2)},
            "untrained networks; whether it causally affects the action is un",
        ),
        ({"first": layer(decodable=0.01)}, "untrained networks; it is decodable but not causally used."),
        ({"second": layer(below=0.03)}, "second holds less of the coin than untrained networks do."),
        ({}, "No channel and no direction was shown to represent the coin better than untrained networks do."),
        (
            {"second": layer(affected=(JUMP,))},
            "Yet the coin direction of second causally affects the action, but does not exceed them.",
        ),
        (
            {"first": layer(affected=(JUMP,)), "second": layer(affected=(JUMP,))},
            "Yet the coin directions of first and second causally affect the action, but do not exceed them.",
        ),
        (
            {"first": layer([channel()]), "second": layer(affected=(JUMP,))},
            "not causally used. The coin direction of second causally affects the action",
        ),
    ],
)
def test_the_headline_claims_what_the_verdicts_say(layers, said):
    assert said in spaced(headline(result(**layers)))


@pytest.mark.parametrize(
    ("own", "verdict"),
    [
        (layer([channel()], channels_affected=(SIDE,)), Verdict.CHANNELS_USED),
        (layer([channel()], affected=(JUMP,)), Verdict.CHANNELS_DIRECTION_USED),
        (layer([channel()]), Verdict.CHANNELS_UNUSED),
        (layer([channel()], half=0.2), Verdict.CHANNELS_UNCLEAR),
        (layer(decodable=0.01, affected=(SIDE,)), Verdict.DIRECTION_USED),
        (layer(affected=(SIDE,)), Verdict.USED_WITHIN_NULL),
        (layer(), Verdict.WITHIN_NULL),
        (layer(auroc=0.55), Verdict.NOT_DECODABLE),
        (layer(below=0.04), Verdict.DISCARDED),
        (layer(below=0.04, affected=(SIDE,)), Verdict.USED_DISCARDED),
        (layer(dead=8), Verdict.DEAD),
    ],
)
def test_the_verdict_of_a_layer_follows_from_its_numbers(own, verdict):
    assert own.verdict is verdict
    hooks = "first and second" if verdict is layer().verdict else "first"
    start = f"{hooks} (1 of 1 exceed the maximum)" if verdict.has_channels else hooks
    assert f"{start}: {verdict.words}." in decoding(result(own))


def test_a_change_left_of_the_coin_and_above_it_is_said_to_be_there():
    place = Place(right=estimate(-3.4, 0.5), below=estimate(-4.7, 0.5), around=estimate(0.9, 0.05))
    own = result(layer([channel(place=place)]), **pictures())
    assert "lies 3.4 pixels [2.9, 3.9] left of and 4.7 pixels [4.2, 5.2] above it" in spaced(maps(own))
    right = Place(right=estimate(3.4, 0.5), below=estimate(4.7, 0.5), around=estimate(0.9, 0.05))
    assert "3.4 pixels [2.9, 3.9] right of and 4.7" in spaced(maps(result(layer([channel(place=right)]), **pictures())))
    assert len(maps(result(layer([channel()]), **pictures())).splitlines()) == 1


@pytest.mark.parametrize(
    ("value", "half", "said"),
    [
        (0.4, 0.1, "The coin attracts the policy to its side (on the right instead of the left: +0.40 nats"),
        (-0.4, 0.1, "The coin repels the policy from its side"),
        (0.01, 0.05, "side on movement is equivalent to 0 within 0.1 nats"),
        (0.2, 0.5, "Whether the coin attracts the policy is unclear"),
    ],
)
def test_what_is_said_of_the_coins_own_effect(value, half, said):
    effects = {**result().effects, SIDE: estimate(value, half, null=null(-0.1, 0.1))}
    assert said in spaced(ablation_words(result(effects=effects)))


def test_every_ablated_part_has_a_row_with_what_was_shown():
    rows = effects(result(layer([channel(), channel()], channels_affected=(SIDE, JUMP))))
    assert [row[:2] for row in rows] == [("first", "2 channels"), ("first", "direction"), ("second", "direction")]
    assert spaced(rows[0][2]) == "+0.300 nats [0.290, 0.310]"
    assert [row[-2] for row in rows] == ["movement by side and jump by presence", "\N{EN DASH}", "\N{EN DASH}"]


def test_the_figures_show_what_they_are_given():
    own = result(layer([channel()], channels_affected=(SIDE,), dead=3), **pictures())
    by_name = {figure.name: figure for figure in figures(own)}
    assert list(by_name) == ["coin-decoding", "coin-clouds", "coin-ablation", "coin-maps", "coin-top-frames"]
    assert drawn(by_name["coin-decoding"]) == {0.8}
    labels = by_name["coin-decoding"].plot.layout.yaxis.ticktext
    assert "1 of 8 channels confirmed: coin channels, used" in labels[0]
    assert {0.4, 0.3, 0.0} == drawn(by_name["coin-ablation"])
    assert "first (3 of 8)" in by_name["coin-decoding"].caption
    confirmed = [trace for trace in by_name["coin-clouds"].plot.data if trace.name == "confirmed coin channels"]
    assert [len(trace.x) for trace in confirmed] == [1, 0]
    assert "level 7<br>with coin" in notes(by_name["coin-maps"])
    said = text(own)
    assert said.keys[0].value == "1 of 16"
    assert said.tables[0].columns[2:4] == ("movement by side", "movement by presence")


def test_what_is_kept_for_comparison_has_no_pictures_and_every_number():
    own = result(layer([channel()]), **pictures())
    kept = own.without_pictures()
    assert (kept.examples, kept.top_frames) == (None, ())
    assert all(one.cloud is None for one in kept.layers.values())
    assert headline(kept) == headline(own)
    assert [figure.name for figure in figures(kept)] == ["coin-decoding", "coin-ablation"]
    again = Result.model_validate_json(kept.model_dump_json())
    assert again.coin_channels == {"first": (0,), "second": ()}
    assert again.layers["first"].channels[0].contrast == own.layers["first"].channels[0].contrast


def test_the_method_names_the_sizes_of_this_run():
    said = " ".join(paragraph.format(result=result()) for paragraph in METHOD)
    for words in ("16 levels were used to choose", "24 others", "20 untrained networks", "4 random sets"):
        assert words in said


def test_a_coin_that_differs_from_its_picture_is_said_to_differ():
    assert "are the same in every pixel" in decoding(result())
    assert "differ by up to 3 of 255" in decoding(result(decoy_difference=3))


def test_an_ablation_without_affected_actions_is_equivalent_to_zero():
    assert layer([channel()]).channels_ablated == ablation()


def test_what_a_later_layer_uses_came_through_the_earlier_ones():
    own = layer([channel()])
    assert own.verdict is Verdict.CHANNELS_UNUSED
    assert own.model_copy(update={"later_affects": True}).verdict is Verdict.CHANNELS_UNCLEAR


def test_what_equals_a_part_elsewhere_is_named():
    part = ablation((), size=0.3).model_copy(
        update={"exceeded_by": {SIDE: "the direction of the crate"}, "effects": ablation((SIDE,)).effects}
    )
    own = result(layer().model_copy(update={"direction_ablated": part}))
    assert effects(own)[0][-2:] == ("\N{EN DASH}", "the direction of the crate (movement by side)")


def test_long_lists_are_counted():
    """A cell that names eight effects, and more of single channels, cannot be read."""
    names = (*TOLD, "channel 3: jump unsigned", "channel 3: KL divergence", "channel 9: jump unsigned")
    rows = effects(result(layer([channel(), channel()], channels_affected=names)))
    assert spaced(rows[0][-2]) == f"{len(TOLD)} of {len(QUANTITIES)} effects and 2 channels alone"
    part = ablation((SIDE,)).model_copy(update={"exceeded_by": dict.fromkeys(TOLD, "channels 1, 2 and 5")})
    part = part.model_copy(update={"effects": {name: estimate(3.0, 0.1) for name in part.effects}})
    own = result(layer().model_copy(update={"direction_ablated": part}))
    assert effects(own)[0][-1] == f"random channels ({len(TOLD)} of {len(part.effects)} effects)"
