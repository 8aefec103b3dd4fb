"""What an atlas says of the coin, from numbers made up so that the right answer is known."""

from __future__ import annotations

import json

import pytest

from mechinterp.reports import ResultsError, Section, Table
from mechinterp.reports.found import Found, found
from mechinterp.reports.judged import verdicts
from mechinterp.reports.sentences.atlas import headline, looks
from mechinterp.reports.sentences.atlas import sentences as words
from mechinterp.reports.untrained import rates
from mechinterp.stats import Null
from tests.reports import synthetic

HOOKS = ("first", "second")


def section(channels=(), *, decodable=1.0, moves=("", ""), p=0.001, size=0.3) -> Section:
    """Two layers. `channels`: (hook, corrected p, share of the square, share of the coin in other colours)."""
    chance = Null(description="untrained", value=0.7, low=0.6, high=0.8, p=decodable)
    estimates = [synthetic.estimate("total/movement", 0.4, 0.1), synthetic.estimate("total/jump", 0.0, 0.1)]
    layers, rows = [], []
    for hook, move in zip(HOOKS, moves, strict=True):
        estimates.append(synthetic.estimate(f"decode/{hook}", 0.8, 0.1, null=chance))
        for act in ("movement", "jump"):
            own = size if act in move else 0.0
            estimates.append(synthetic.estimate(f"use/{hook}/direction/{act}", own, 0.01, null=synthetic.flips(0.1, p)))
        count = sum(channel[0] == hook for channel in channels)
        layers.append((hook, 8, 4, 0, "written by an older rule", "older words", count, "", move))
    for number, (hook, corrected, square, other) in enumerate(channels):
        null = Null(description="channels", value=0.0, low=-0.1, high=0.1, p=corrected)
        estimates.append(synthetic.estimate(f"channel/{hook}/{number}", 0.5, 0.1, null=null))
        rows.append((hook, number, 0.5, 0.01, square, other))
    columns = ("hook", "channels", "side", "dead", "verdict", "words", "coin_channels")
    tables = {"layers": Table((*columns, "channels_move", "direction_moves"), tuple(layers))}
    if rows:
        tables["found"] = Table(("hook", "channel", "selective", "q", "square", "other_colours"), tuple(rows))
    facts = {"represented": bool(rows), "used": False, "untrained_networks": 20}
    return Section("atlas", tuple(estimates), tables, {}, facts)


GOLD = [("first", 0.048, 1.2, 0.1), ("first", 0.95, 0.9, 0.2), ("second", 0.095, 0.85, 0.9)]


def test_channels_that_pass_one_criterion_alone_are_told_apart():
    counts = found(section(GOLD))
    assert counts["first"] == Found(channels=2, beyond_all=1, square=2, square_most=1, other_colours=0)
    assert counts["second"] == Found(channels=1, beyond_all=0, square=1, square_most=0, other_colours=1)
    text = headline(section(GOLD))
    assert "3 channels tell it from other things of the game, 1 of them farther than any channel of untrained" in text
    assert "the other 2 by the false discovery rate alone" in text
    lines = words(section(GOLD))["atlas-decode"]
    assert "(1 of 2 beyond any of untrained networks)" in lines
    assert "(0 of 1 beyond any of untrained networks)" in lines


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        (GOLD, "at least 80% of the answer in 3 of the 3 coin channels (in 1 as much as the coin, or more)"),
        (GOLD, "most answer to a patch of that colour, not to the coin's shape"),
        ([("first", 0.01, 0.1, 0.9)], "most answer to the coin's shape, not to its colour"),
        ([("first", 0.01, 0.9, 0.9)], "neither colour nor shape alone"),
        ([("first", 0.01, None, None)], "in 0 of the 1 coin channels"),
    ],
)
def test_it_is_said_whether_a_patch_of_the_coins_colour_would_do(channels, said):
    assert said in looks(Found.total(found(section(channels)).values()))
    for figure in ("atlas-decode", "atlas-cloud"):
        assert said in words(section(channels))[figure]


def test_a_change_left_of_the_coin_and_above_it_is_said_to_be_there():
    estimates = [
        synthetic.estimate(f"place/first/0/{name}", value, 0.5)
        for name, value in (("right", -3.4), ("below", -4.7), ("around", 0.9))
    ]
    own = section(GOLD)
    top = {"top": Table(("hook", "channel"), (("first", 0),))}
    text = words(Section("atlas", (*own.estimates, *estimates), {**own.tables, **top}, {}, own.facts))["maps"]
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    assert "lies 3.4 pixels [2.9, 3.9] left of and 4.7 pixels [4.2, 5.2] above it" in text


def test_how_often_the_search_is_wrong_is_counted_in_the_file(tmp_path):
    said = ["spread, unclear"] * 3 + ["dead"] * 17
    rows = [{"coin_channels": {"a": i == 0}, "verdicts": {"a": verdict}} for i, verdict in enumerate(said)]
    plan = {"levels": 40, "pairs": 100, "untrained": 20}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"settings": {"architecture": "light", "plan": plan}, "networks": rows}))
    text = rates(path).replace("\N{NO-BREAK SPACE}", " ")
    assert "of 20 untrained networks (light architecture, 40 levels" in text
    assert "a coin channel was reported in 1 (5 % [" in text
    assert "a direction beyond chance was reported in 3 (15 % [" in text
    path.write_text("{}")
    with pytest.raises(ResultsError, match="not what analyses/untrained_networks"):
        rates(path)


def test_an_action_that_hangs_on_what_is_not_beyond_chance_is_in_the_headline():
    text = headline(section(moves=("", "jump")))
    assert "was shown to hold the coin better than untrained networks do by chance. Yet an action hangs on" in text
    assert "direction at second" in text
    assert "Yet" not in headline(section())
    assert "No channel and no direction was shown" in headline(section())
    assert "holds the coin and moves the action" in headline(section(moves=("", "jump"), decodable=0.01))


def test_effects_that_an_older_file_calls_shown_are_held_against_every_effect_that_was_asked():
    """Four effects were asked, so that p must be at most 0.0125."""
    for p, verdict in ((0.012, "used, not beyond chance"), (0.02, "not shown beyond chance")):
        assert list(verdicts(section(moves=("", "jump"), p=p)).values()) == ["not shown beyond chance", verdict]
    beyond = section(moves=("", "jump"), decodable=0.01, p=0.02)
    assert list(verdicts(beyond).values()) == ["spread, not connected", "spread, unclear"]
