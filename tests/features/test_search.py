"""What is asked beside coin channels, of a planted network that turns from walls and holds a coin without a use."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.circuits.planted import planted
from mechinterp.coinrun.engine import GameOptions
from mechinterp.features import Grid, LocatePlan, carried, search, searching, variable_table
from mechinterp.features.variables import largest_difference
from mechinterp.features.whereabouts import _table, whereabouts
from mechinterp.policies import ImpalaConfig, build

PLAIN = GameOptions(distribution_mode="easy", use_backgrounds=False)
HOOKS = ("block1.res1.hook_out", "block2.res1.hook_out")


@pytest.fixture(scope="module")
def wall():
    return planted("wall", distractors=0.0)


@pytest.fixture(scope="module")
def asked():
    """The levels of each part that the search hands to what chooses and confirms."""
    return {}


@pytest.fixture(scope="module")
def found(wall, asked):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("find_coin_channels", "coin_directions"):
            patch.setattr(searching, name, spied(name, getattr(searching, name), asked))
        return search(wall.policy, PLAIN, LocatePlan.quick(levels=36), np.random.default_rng(0), hooks=HOOKS)


def spied(name, function, asked):
    def called(*parts, rng):
        asked[name] = [[set(own.coin.levels.tolist()) for own in getattr(part, "networks", (part,))] for part in parts]
        return function(*parts, rng=rng)

    return called


@pytest.mark.slow
def test_levels_that_are_reported_on_choose_nothing(found, asked):
    choose, held = set(found.choosing.tolist()), set(found.held.tolist())
    assert choose
    assert held
    assert not choose & held
    order = {"find_coin_channels": (choose, choose, held, held), "coin_directions": (choose, held, choose, held)}
    for name, expected in order.items():
        for levels, part in zip(expected, asked[name], strict=True):
            assert part == [levels] * len(part)


@pytest.mark.slow
def test_a_coin_without_a_use_and_a_wall_that_has_one(wall, found):
    first, last = found.findings
    coin = {n.channel for n in wall.channels["idle coin"]}
    assert {c.channel for c in first.channels} <= coin
    assert first.channels
    assert first.verdict == "not connected"
    assert not last.channels
    (_, wall_channel) = wall.channels["wall"]
    assert wall_channel.hook.startswith("block2")
    table = variable_table(wall.policy, found, rng=np.random.default_rng(0), hooks=HOOKS)
    rows = {(row.variable, row.hook): row for row in table.contrasts}
    assert rows["coin", HOOKS[0]].channel in coin
    assert 1 <= rows["coin", HOOKS[0]].beyond_both <= rows["coin", HOOKS[0]].beyond_labels
    assert rows["end wall", HOOKS[1]].channel == wall_channel.channel
    assert rows["end wall", HOOKS[1]].strongest.low > max(0.5, rows["coin", HOOKS[1]].strongest.high)
    assert (table.picture_difference, table.pictures >= 20) == (0.0, True)
    # a real coin against none does differ: the check can fail
    assert largest_difference(wall.policy, found.scenes.coin, HOOKS) > 0.1

    frames, levels = found.scenes.coin.clean[:40], found.scenes.levels[:40]
    parts, failed = carried(
        wall.policy, frames, levels, levels[:12], rng=np.random.default_rng(0), hooks=HOOKS,
        coin_channels={HOOKS[0]: sorted(coin)},
    )  # fmt: skip
    by = {(part.readout, part.hook): part for part in parts}
    movement = by["movement", HOOKS[1]]
    assert movement.channels[0] == wall_channel.channel
    assert movement.shares[0].value == pytest.approx(1)
    assert movement.needed == 1
    on_coin = by["movement", HOOKS[0]].on_coin
    assert on_coin is not None
    assert on_coin.value == pytest.approx(-len(coin) / first.width)  # nothing falls on it
    assert not [words for words in failed if words.startswith("attribution of movement")]

    (place,) = whereabouts(wall.policy, found.scenes, [(HOOKS[0], min(coin))], rng=np.random.default_rng(0))
    assert place.around.low > 0.8
    assert abs(place.right.value) < 2
    assert abs(place.below.value) < 2


def test_a_network_that_knows_nothing_goes_through_the_whole_search():
    """`analyses/untrained_networks.py` at a reduced size; `test_locate` has twenty, from shared scenes."""
    tiny = ImpalaConfig(channels=(6, 8), res_blocks=1, hidden=10)
    plan = LocatePlan(levels=36, states=2, pairs=50, random=1)
    policy = build(tiny, seed=1).requires_grad_(False)
    found = search(policy, PLAIN, plan, np.random.default_rng(1))
    assert not found.represented
    assert not set(found.choosing) & set(found.held)
    assert len(found.null) == 20


def test_the_middle_of_a_change_and_its_share_around_the_coin():
    grid = Grid(8, 8.0, 4.0, 8.0)
    change = np.zeros((2, 8, 8))
    change[0, 2, 3], change[0, 2, 7] = 3, 1  # columns at 28 and 60 pixels, row at 20
    table = _table(change, np.array([[20.0, 28.0], [20.0, 28.0]]), grid)
    assert table[0] == pytest.approx([8, 0, 0.75])
    assert np.isnan(table[1]).all()
