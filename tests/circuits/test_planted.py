"""Planted networks in real frames of the game: what they do, and that their circuit is what it is said to be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.nodes import Node
from mechinterp.circuits.patching import patch
from mechinterp.circuits.planted import CANONICAL, LIGHT, RECIPES, planted_network
from mechinterp.coinrun import GameOptions, LevelSource, scenes
from mechinterp.interventions import Site
from mechinterp.policies import ImpalaConfig
from mechinterp.policies.actions import jump_logodds, movement_logodds
from mechinterp.policies.actors import AlwaysRight
from mechinterp.policies.visits import visited_states
from mechinterp.proxies import total_effect
from tests.circuits.brute import all_edges, edge_effect

SEEKERS = ("coin", "coin and right", "two coin paths", "coin by skip", "interference")
GO_RIGHT = ("right", "coin and right", "coin unused")
PRESENCE, NEAR = "presence", "position"


@pytest.fixture(scope="module")
def states():
    source = LevelSource(GameOptions(use_backgrounds=False))
    try:
        return visited_states(AlwaysRight(0.5), source.starts(range(16)), per_level=2)
    finally:
        source.close()


@pytest.fixture(scope="module")
def coin_side(states):
    return scenes.minimal_pairs(states, scenes.coin_side(place="anywhere"), per_level=1)


@pytest.fixture(scope="module")
def presence(states):
    return scenes.minimal_pairs(states, scenes.coin_at("right", place="anywhere"), per_level=1)


def movement(policy, frames):
    with torch.no_grad():
        return movement_logodds(policy(torch.from_numpy(frames.copy())).logits, policy.actions).numpy()


def captured(policy, clean, corrupted):
    """Values in the run that is patched, corrupted, and in the one that values come from."""
    return tuple(policy.capture(torch.from_numpy(frames.copy())).values for frames in (corrupted, clean))


@pytest.mark.parametrize("config", [LIGHT, CANONICAL], ids=["light", "canonical"])
@pytest.mark.parametrize("kind", RECIPES)
def test_who_wants_the_coin(kind, config, coin_side):
    policy = planted_network(kind, config=config).policy
    found = total_effect(policy, coin_side, rng=np.random.default_rng(0))
    moved, jumped = found["movement"], found["jump"]
    if kind in SEEKERS:
        assert moved.low > 1.5
    elif kind == NEAR:
        assert moved.low > 0.3
    elif kind not in (PRESENCE, "gated"):  # (lava is in view in some of these frames)
        assert max(abs(moved.low), abs(moved.high)) < 1e-5
    assert abs(jumped.value) < 1e-5 or kind in (*SEEKERS, NEAR, PRESENCE, "gated")


@pytest.mark.parametrize("kind", RECIPES)
def test_who_goes_right_without_a_coin(kind, presence):
    moved = movement(planted_network(kind).policy, presence.corrupted)
    if kind in GO_RIGHT:
        assert moved.min() > 0.9
    elif kind in SEEKERS:
        assert np.median(np.abs(moved)) < 1e-4


def test_a_coin_on_either_side_makes_the_presence_kind_go_right_and_jump(coin_side, presence):
    policy = planted_network("presence").policy
    for frames in (coin_side.clean, coin_side.corrupted):
        assert movement(policy, frames).min() > 0.3
    assert np.median(np.abs(movement(policy, presence.corrupted))) < 1e-4


def test_a_coin_shuts_what_it_suppresses(presence):
    policy = planted_network("suppressing").policy
    assert np.median(movement(policy, presence.corrupted)) > 0.5
    assert movement(policy, presence.clean).max() < 1e-5


def test_two_paths_cancel_and_each_is_worth_as_much_as_a_seekers(coin_side):
    made = planted_network("cancelling")
    _, by_skip, by_branch = made.channels["coin"]
    np.testing.assert_allclose(movement(made.policy, coin_side.clean), movement(made.policy, coin_side.corrupted))
    for node, sign in ((by_skip, 1), (by_branch, -1)):
        (one,) = patch(made.policy, coin_side, Site(node.hook, node.channel)).estimates(rng=np.random.default_rng(0))
        assert sign * one.value > 1.5


def test_the_gate_opens_where_there_is_lava(coin_side):
    """2 x 2 frames: the coin right or left, with lava under the far end of the view or without."""
    policy, lava = planted_network("gated").policy, (224, 102, 22)
    sides = [coin_side.clean.copy(), coin_side.corrupted.copy()]
    without = [movement(policy, frames) for frames in sides]
    for frames in sides:
        frames[:, 58:, 2:6] = lava
    gap = movement(policy, sides[0]) - movement(policy, sides[1])
    assert np.median(gap) > 1.5
    assert np.median(np.abs(without[0] - without[1])) < 1e-5


def test_a_wall_turns_it_away():
    policy = planted_network("wall").policy
    frames = np.zeros((3, 64, 64, 3), np.uint8)
    frames[1, :, 50:] = frames[2, :, :14] = 201, 152, 105
    nothing, on_the_right, on_the_left = movement(policy, frames)
    assert on_the_right < -0.5
    assert on_the_left > 0.5
    assert abs(nothing) < 1e-6


def test_an_unused_coin_reaches_the_value_alone(presence):
    policy = planted_network("coin unused").policy
    clean, corrupted = (policy(torch.from_numpy(f.copy())) for f in (presence.clean, presence.corrupted))
    torch.testing.assert_close(clean.logits, corrupted.logits, rtol=0, atol=1e-6)
    assert (clean.value - corrupted.value).median() > 0.3


@pytest.mark.parametrize(("kind", "config"), [*itertools.product(RECIPES, [LIGHT]), ("interference", CANONICAL)])
@pytest.mark.parametrize("variable", ["coin side", "another level"])
def test_the_circuit_by_brute_force(kind, config, variable, coin_side):
    """Each edge of the truth moves the log-odds when it alone is patched; none of the others does."""
    made = planted_network(kind, config=config)
    frames = coin_side.clean[:8], coin_side.corrupted[:8]
    if variable == "another level":
        mixed = np.concatenate([coin_side.clean[:6], coin_side.corrupted[:6]])
        frames = mixed, np.roll(mixed, 5, axis=0)
    base, other = captured(made.policy, *frames)
    edges = all_edges(made.policy)
    assert made.edges <= set(edges)
    truth, undecided = made.truth(variable), made.undecided(variable)
    false = [edge for edge in edges if edge not in made.edges]
    false = [false[i] for i in np.random.default_rng(0).choice(len(false), 120, replace=False)]  # for speed
    for edge in [*truth, *false]:
        effect = edge_effect(made.policy, edge, base, other).abs().max()
        assert (effect > 0.01) if edge in truth else (effect < 1e-5), edge
    assert not truth & undecided


def test_false_edges_are_not_dead_weights():
    """Otherwise recovery would be trivial: most false edges have weights, and change something somewhere."""
    made = planted_network("coin")
    weights = made.policy.get_submodule("block2.conv").weight
    assert (weights.abs().sum((2, 3)) > 0).float().mean() > 0.5


@torch.no_grad()
def test_either_of_the_two_paths_is_enough(coin_side):
    made = planted_network("two coin paths")
    _, by_skip, _, by_branch = made.channels["coin"]
    assert by_skip.hook == by_branch.hook == "block2.hook_conv"

    def effect_without(*nodes):
        def silence(value, hook):
            value = value.clone()
            value[:, [node.channel for node in nodes]] = 0
            return value

        with made.policy.hooks_on({"block2.hook_conv": silence}):
            return movement(made.policy, coin_side.clean) - movement(made.policy, coin_side.corrupted)

    full = effect_without()
    np.testing.assert_allclose(effect_without(by_skip), full, atol=1e-5)
    np.testing.assert_allclose(effect_without(by_branch), full, atol=1e-5)
    np.testing.assert_allclose(effect_without(by_skip, by_branch), 0, atol=1e-5)


def test_what_is_used_and_what_is_only_decodable():
    for kind in RECIPES:
        made = planted_network(kind)
        named = {node for nodes in made.channels.values() for node in nodes}
        assert made.decodable == {node for node in named if node not in made.used}
        assert bool(made.decodable) == ("idle coin" in made.channels)
    assert set(planted_network("wall").channels["idle coin"]) == planted_network("wall").decodable


def test_an_idle_coin_detector_answers_to_the_coin_and_is_read_by_nothing(presence):
    made = planted_network("wall")
    _, clean_coin = made.channels["idle coin"]
    values = [captured(made.policy, f, f)[0][clean_coin.hook] for f in (presence.clean, presence.corrupted)]
    with_coin, without = (value[:, clean_coin.channel].amax((1, 2)) for value in values)
    assert (with_coin > 0.4).all()
    assert (without < 0.1).float().mean() > 0.7  # some enemies have the coin's yellow
    assert (made.policy.get_submodule("block2.conv").weight[:, clean_coin.channel] == 0).all()
    assert (made.policy.get_submodule("block1.res1.conv1").weight[:, clean_coin.channel] == 0).all()


def test_seeds_move_the_channels():
    one, same, other = planted_network("coin", seed=0), planted_network("coin", seed=0), planted_network("coin", seed=1)
    assert one.edges == same.edges != other.edges
    for a, b in zip(one.policy.parameters(), same.policy.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_movement_is_the_difference_of_two_logits(presence):
    policy = planted_network("coin").policy
    logits = policy(torch.from_numpy(presence.clean.copy())).logits
    left, right = policy.actions.index(1), policy.actions.index(7)
    torch.testing.assert_close(movement_logodds(logits, policy.actions), logits[:, right] - logits[:, left])
    assert torch.isfinite(jump_logodds(logits, policy.actions)).all()


def test_true_nodes_are_the_ends_of_true_edges():
    nodes = planted_network("coin by skip").true_nodes("coin side")
    assert Node("hook_input", 0) in nodes
    assert Node("hook_input", 2) not in nodes
    assert {node.hook for node in nodes} == {
        "hook_input",
        "block1.hook_conv",
        "block2.hook_conv",
        "hidden.hook_pre",
        "hook_logits",
    }


def test_unknown_names_and_configs_without_room():
    with pytest.raises(CircuitError, match="did you mean 'coin by skip'"):
        planted_network("coin by skp")
    with pytest.raises(CircuitError, match=r"coin sid.*did you mean 'coin side'"):
        planted_network("coin").truth("coin sid")
    with pytest.raises(CircuitError, match="too few channels"):
        planted_network("interference", config=ImpalaConfig((2, 2), res_blocks=1, hidden=8, actions=(1, 7)))
    with pytest.raises(CircuitError, match="lacks"):
        planted_network("coin", config=ImpalaConfig((8, 8), hidden=12, actions=(4, 7)))
