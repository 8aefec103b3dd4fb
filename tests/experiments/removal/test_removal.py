"""Blinded games: planted networks whose answer is known, organisms, and what is said of results made by hand."""

from __future__ import annotations

import numpy as np
import pytest

import mechinterp as mi
from mechinterp.circuits.planted import planted_network
from mechinterp.experiments import Context, Inputs, Plan
from mechinterp.experiments.inputs.blindings import blindings
from mechinterp.experiments.inputs.games import forks, level_games, play_games
from mechinterp.experiments.removal.measure import ABSENT, PLAIN, Size, measure
from mechinterp.experiments.removal.result import Arm, Part, Result
from mechinterp.experiments.removal.view import figures, headline, strongest, text
from mechinterp.policies import Outcome
from tests.experiments.handmade import estimate, null, read_back, spaced
from tests.experiments.planted_wall import subject

SMALL = Size(forks=8, levels=10, fork_steps=20, level_steps=20, random=3)
TOOK, TOWARD = "took the coin", "first toward the coin"
CHANNELS, DIRECTION = "blind to the coin (channels)", "blind to the coin (direction)"


def inputs(of) -> Inputs:
    return Inputs(of, Plan(levels=20, states=2, quick=True))


def test_a_planted_coin_seeker_that_is_blinded_plays_as_if_there_were_no_coin():
    """Its only reason to move is the coin, so that without it, or blind to it, its chance alone decides."""
    policy = planted_network("coin", distractors=0.0).policy
    policy.get_parameter("logits.weight").data *= 4  # as it is, it dawdles
    own = inputs(subject(policy))
    found = measure(Context(own, SMALL, np.random.default_rng(0)))
    assert found.forks[PLAIN].shares[TOOK].value == 1
    for name in (CHANNELS, DIRECTION):
        assert found.parts[name].left.value < 0.1 * found.parts[name].effect.value
        for measured in (TOOK, TOWARD):
            assert found.forks[name].shares[measured].value == found.forks[ABSENT].shares[measured].value
    assert "3 random" in found.forks[CHANNELS].changes[TOOK].null.description
    assert read_back(found) == found


def test_games_have_a_coin_on_the_side_that_they_say_and_are_otherwise_bare():
    own = inputs(mi.load("checkpoints/coin"))
    for games in (forks(own, 6), level_games(own, 6)):
        for start, bare, side in zip(games.starts, games.bare, games.sides, strict=True):
            assert np.sign(start.state.coins[0][0] + 0.5 - start.state.agent_xy[0]) == side
            assert not bare.state.coins
    assert forks(own, 6).sides.tolist() == [-1, -1, -1, 1, 1, 1]


def test_coming_to_where_the_coin_would_be_counts_as_taking_it():
    """Who does not look at coins goes the same way with and without them."""
    own = inputs(subject(planted_network("right", distractors=0.0).policy))
    games = forks(own, 16)
    played = play_games(own, games, {"with": (), "without": ()}, max_steps=60, without_coin=["without"])
    with_coin, without = played["with"].outcome == Outcome.COIN, played["without"].outcome == Outcome.COIN
    assert with_coin.any()
    assert not with_coin.all()
    assert with_coin.tolist() == without.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coin", "right"])
def test_blinding_destroys_the_choice_of_the_coin_organism_alone(name):
    own = inputs(mi.load(f"checkpoints/{name}"))
    games, found = forks(own, 24), own(blindings)
    sets = {PLAIN: (), CHANNELS: (found.coin["channels"].edit,), DIRECTION: (found.coin["direction"].edit,)}
    played = play_games(own, games, sets, max_steps=50)
    toward = {one: (episodes.first_side == games.sides).mean() for one, episodes in played.items()}
    took = {one: (episodes.outcome == Outcome.COIN).mean() for one, episodes in played.items()}
    if name == "coin":
        assert took[PLAIN] == 1
        assert max(took[CHANNELS], took[DIRECTION]) < 0.7
        assert min(toward[CHANNELS], toward[DIRECTION]) < 0.7
    else:
        assert toward[PLAIN] == toward[CHANNELS] == toward[DIRECTION] == 0.5  # right, wherever the coin is


def arm(took: float, change: float | None = None, *, random: bool = False) -> Arm:
    shares = {name: estimate(took, 0.0) for name in (TOOK, TOWARD, "died")}
    made = null(-0.1, 0.0, p=0.01)
    made = made if not random else type(made)(**{**made.to_dict(), "description": "3 random sets"})
    changes = {} if change is None else {name: estimate(change, 0.05).against(made) for name in shares}
    return Arm(shares=shares, changes=changes)


def part(thing: str, left: float) -> Part:
    return Part(
        thing=thing, hook="block2", channels=(1, 2), effect=estimate(2.0, 0.1), left=estimate(left, 0.1), like_coin=-0.5
    )


def result(change: float = -0.6) -> Result:
    arms = {
        PLAIN: arm(0.9), ABSENT: arm(0.1, -0.8), CHANNELS: arm(0.9 + change, change, random=True),
        DIRECTION: arm(0.5, -0.4, random=True),
    }  # fmt: skip
    parts = {CHANNELS: part("coin", 0.2), DIRECTION: part("coin", 0.4)}
    return Result(parts=parts, forks=arms, levels=arms, fork_steps=50, level_steps=90, random=3)


def test_the_headline_is_of_the_blinding_that_is_nearest_to_perfect():
    assert strongest(result()) == CHANNELS
    said = spaced(headline(result()))
    assert said.startswith("Blinded to the coin it takes it less often: in 30")
    assert "farther than random parts" in said
    assert "makes no clear difference" in headline(result(change=0.0))
    assert "no clean blinding" not in said


def test_a_blinding_that_changes_more_than_the_coin_does_is_called_unclean():
    made = result()
    bad = made.model_copy(update={"parts": {name: part("coin", 2.5) for name in made.parts}})
    assert "no clean blinding, though: on single frames it changes movement by 2.50 nats" in spaced(headline(bad))


def test_every_arm_is_drawn_with_its_null_as_shares():
    first, second = figures(result())
    assert {first.name, second.name} == {"removal-forks", "removal-levels"}
    band = first.plot.data[0]
    assert min(x for x in band.x if x is not None) == pytest.approx(0.8)  # 0.9 and a change of -0.1
    assert list(second.plot.data[0].z[0]) == [0, 0, 0]
    assert "Coin absent: it comes to where the coin would be in 10" in spaced(first.caption)
    assert "-0.50" in spaced(str(text(result()).tables[0].rows))
