from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.edits import EditError
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.layout import Tile
from mechinterp.coinrun.levels import MAX_LEVEL_SEED, LevelRange, LevelSource, Placement, Start
from mechinterp.coinrun.placements import (
    PLACEMENTS,
    PlacementError,
    absent,
    agent_at_right,
    coin_or_end,
    decoy,
    decoys,
    left_of_agent,
    placement,
    random_agent_and_coin,
    random_percent,
    stock,
)
from mechinterp.coinrun.placements.sections import section_starts
from mechinterp.coinrun.raw_state import agent_position
from mechinterp.coinrun.state import GameState


def placed(rule: Placement, levels: list[Start], *, seed: int = 0) -> list[GameState]:
    return [rule(start.state, np.random.default_rng([seed, start.level_seed, at])) for at, start in enumerate(levels)]


def chance(count: int, of: int, probability: float) -> bool:
    """Whether a count is within 4 standard deviations of what its probability says."""
    return abs(count - of * probability) <= 4 * np.sqrt(of * probability * (1 - probability))


def agent_and_coin(state: GameState) -> tuple[tuple[int, int], tuple[int, int]]:
    return geometry.agent_cell(state), edits.only_coin(state)


# ------------------------------------------------------------------------------------------------ the coin elsewhere


def test_sections_explain_every_enemy_barrier_of_a_level(stock_levels: list[Start]) -> None:
    """The game puts a barrier before and after each section: an independent trace of where they are."""
    counts = Counter()
    for start in stock_levels:
        sections, grid = section_starts(start.state), start.state.grid
        counts[len(sections)] += 1
        expected: set[tuple[int, int]] = set()
        before = None
        for x, y in sections:
            if not geometry.solid(start.state)[y, x - 1]:
                expected.add((x - 1, y))
            if before is not None and not geometry.solid(start.state)[before, x]:
                expected.add((x, before))
            before = y
        assert expected == set(geometry.cells_of(grid == Tile.ENEMY_BARRIER))
        assert sections[0][0] == 5
    # One to five of them: 1 + n - 1 for n in 1..3, drawn twice.
    assert set(counts) == {1, 2, 3, 4, 5}
    assert chance(counts[1], len(stock_levels), 1 / 3)
    assert chance(counts[5], len(stock_levels), 1 / 9)


def test_random_percent_moves_the_coin_that_often(stock_levels: list[Start]) -> None:
    for percent in (0, 10, 50):
        states = placed(random_percent(percent), stock_levels)
        moved = sum(state.coins != start.state.coins for state, start in zip(states, stock_levels, strict=True))
        assert chance(moved, len(states), percent / 100)


def test_random_percent_draws_the_section_uniformly_and_leaves_an_inert_cell(stock_levels: list[Start]) -> None:
    drawn = Counter()
    for start, state in zip(stock_levels, placed(random_percent(100), stock_levels), strict=True):
        x, y = start.state.coins[0]
        assert state.grid[y, x] == Tile.INVISIBLE
        cell = edits.only_coin(state)
        sections = section_starts(start.state)
        if len(sections) == 3:
            drawn[sections.index(cell)] += 1
        assert geometry.standing(edits.remove_coin(state))[cell[1], cell[0]], "on the ground"
        assert (state.grid != start.state.grid).sum() == 2
        assert (state.entities == start.state.entities).all()
    total = sum(drawn.values())
    assert total > 60
    assert all(chance(drawn[at], total, 1 / 3) for at in range(3))


def test_absent_and_decoy_change_the_coins_cell_alone(stock_levels: list[Start]) -> None:
    for start, bare, swapped in zip(
        stock_levels[::3], placed(absent, stock_levels[::3]), placed(decoy, stock_levels[::3]), strict=True
    ):
        x, y = start.state.coins[0]
        assert bare.coins == swapped.coins == ()
        assert bare.grid[y, x] == Tile.EMPTY
        assert edits.add_coin(bare, (x, y)) == start.state
        assert edits.decoys(swapped) == ((x, y),)
        assert edits.remove_decoys(swapped) == bare


def test_left_of_agent(stock_levels: list[Start]) -> None:
    apart = Counter()
    chosen = stock_levels[::2]
    for start, state in zip(chosen, placed(left_of_agent, chosen), strict=True):
        (x, y), (coin_x, coin_y) = agent_and_coin(state)
        assert x < start.end_x
        apart[x - coin_x] += 1
        assert abs(y - coin_y) <= 2
        assert geometry.on_ground(state)
        assert state["facing_right"] == 1
    assert set(apart) == {2, 3, 4, 5}


# ------------------------------------------------------------------------------------------------ organisms


@pytest.fixture(scope="module")
def forked(stock_levels: list[Start]) -> list[GameState]:
    return placed(random_agent_and_coin, stock_levels)


def test_the_coin_is_on_either_side_and_mostly_in_view(forked: list[GameState]) -> None:
    offsets = []
    for state in forked:
        (x, y), (coin_x, coin_y) = agent_and_coin(state)
        offsets.append((coin_x - x, coin_y - y))
    across, up = np.abs(offsets).T
    assert chance(int((np.array(offsets)[:, 0] > 0).sum()), len(forked), 0.5)
    assert across.min() >= 2
    assert 0.78 <= ((across <= 6) & (up <= 5)).mean() <= 0.92
    assert len(set(across.tolist())) > 8
    assert chance(sum(state["facing_right"] for state in forked), len(forked), 0.5)  # pyright: ignore[reportArgumentType]


def test_facing_says_nothing_about_the_side(forked: list[GameState]) -> None:
    towards = 0
    for state in forked:
        (x, _), (coin_x, _) = agent_and_coin(state)
        towards += bool(state["facing_right"]) == (coin_x > x)
    assert chance(towards, len(forked), 0.5)


def test_agent_and_coin_are_on_safe_ground_and_reach_each_other(forked: list[GameState]) -> None:
    for state in forked[::4]:
        cells = agent_and_coin(state)
        bare = edits.remove_coin(state)
        assert all(geometry.safe(bare)[y, x] for x, y in cells)
        assert geometry.reachable(bare, cells).all()
        for hazard in geometry.hazards(state):
            for x, y in cells:
                assert max(abs(hazard.cell[0] - x), abs(hazard.cell[1] - y)) >= 2


def test_nobody_dies_of_waiting_at_the_start(forked: list[GameState]) -> None:
    game = Engine(50)
    for at in range(0, len(forked), 50):
        game.load(dict(enumerate(forked[at : at + 50])))
        game.observe()
        for _ in range(8):
            game.step(np.full(50, 4))
            assert not game.observe()[2].any()
    game.close()


def test_clumsy_players_find_the_coin(forked: list[GameState]) -> None:
    """Of 24 players that run towards the coin's column and jump at random, some get there: it can be reached."""
    game, rng, found = Engine(24), np.random.default_rng(0), []
    for state in forked[::30]:
        target = edits.only_coin(state)[0] + 0.5
        game.load(dict.fromkeys(range(24), state))
        game.observe()
        alive, got = np.ones(24, bool), False
        jumps, strays = rng.uniform(0, 0.5, 24), rng.uniform(0, 0.35, 24)
        way = np.zeros(24, int)
        for step in range(200):
            if step % 6 == 0:
                xs = np.array([agent_position(game.state_bytes(slot))[0] for slot in range(24)])
                wanted = np.sign(target - xs).astype(int)
                way = np.where(rng.random(24) < strays, rng.integers(-1, 2, 24), wanted)
            game.step(3 * (way + 1) + 1 + (rng.random(24) < jumps))
            reward, _, first = game.observe()
            got = bool((alive & (reward > 0)).any())
            alive &= ~first
            if got or not alive.any():
                break
        found.append(got)
    game.close()
    assert np.mean(found) >= 0.9


def test_coin_or_end_leaves_the_choice_between_the_two(stock_levels: list[Start]) -> None:
    sides = []
    for start, state in zip(stock_levels, placed(coin_or_end, stock_levels), strict=True):
        agent, coin = agent_and_coin(state)
        bare = edits.remove_coin(state)
        end = geometry.ground_cell(bare, start.end_x)
        assert max(agent[0], coin[0]) <= start.end_x - 4
        assert abs(coin[0] - agent[0]) >= 2
        ways = geometry.reachable(bare, (agent, coin, end))
        assert ways[0, 1]
        assert ways[1, 0]
        assert ways[:2, 2].all()
        assert all(geometry.safe(bare)[y, x] for x, y in (agent, coin))
        sides.append(coin[0] > agent[0])
    assert chance(sum(sides), len(sides), 0.5)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_decoys_lie_about_and_never_at_the_ends(stock_levels: list[Start], count: int) -> None:
    seen = []
    for start, state in zip(stock_levels[::2], placed(decoys(count), stock_levels[::2]), strict=True):
        cells = edits.decoys(state)
        assert state.coins == ()
        assert len(cells) == count or len(cells) >= 2
        assert not {x for x, _ in cells} & {1, start.end_x}
        assert state.agent_xy == start.state.agent_xy
        assert all(geometry.safe(state)[y, x] for x, y in cells)
        assert all(abs(x - 1) >= 2 for x, _ in cells)
        seen.append(any(x - 1 <= 6 and abs(y - 1) <= 5 for x, y in cells))
    if count:
        assert np.mean(seen) >= 0.78


def test_agent_at_right(stock_levels: list[Start]) -> None:
    from_end = []
    for start, state in zip(stock_levels[::3], placed(agent_at_right(2), stock_levels[::3]), strict=True):
        cell = geometry.agent_cell(state)
        from_end.append(start.end_x - cell[0])
        assert state.coins == ()
        assert state["facing_right"] == 0
        assert geometry.safe(state)[cell[1], cell[0]]
        assert geometry.reachable(state, (cell, (1, 1)))[0, 1], "the way to the left end is open"
        assert not {x for x, _ in edits.decoys(state)} & {1, start.end_x}
    assert np.mean(np.array(from_end) <= 3) > 0.9


def test_levels_without_room_are_an_error_that_says_so() -> None:
    narrow = level("#A.C#\n#####")
    rng = np.random.default_rng(0)
    with pytest.raises(EditError, match="no two places for agent and coin"):
        random_agent_and_coin(level("#AC#\n####"), rng)
    with pytest.raises(EditError, match="no two safe places"):
        left_of_agent(level("#AC#\n####"), rng)
    assert edits.decoys(decoys(3)(narrow, rng)) == ()
    with pytest.raises(EditError, match="0 coins"):
        decoy(edits.remove_coin(narrow), rng)


# ------------------------------------------------------------------------------------------------ by name


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("stock", stock),
        ("absent", absent),
        ("decoy", decoy),
        ("left_of_agent", left_of_agent),
        ("random_agent_and_coin", random_agent_and_coin),
        (" random_percent=10 ", random_percent(10)),
        ("random_percent=2.5", random_percent(2.5)),
        ("decoys", decoys(2)),
        ("decoys=4", decoys(4)),
        ("agent_at_right=1", agent_at_right(1)),
    ],
)
def test_rules_by_name_do_what_the_functions_do(written: str, rule: Placement, stock_levels: list[Start]) -> None:
    some = stock_levels[::30]
    assert placed(placement(written), some) == placed(rule, some)
    assert placement(rule) is rule
    assert written.strip().split("=")[0] in PLACEMENTS


def test_a_rule_says_what_it_is_called_and_what_may_happen() -> None:
    rule = placement("random_percent=10")
    assert (rule.text, rule.number, rule.rule) == ("random_percent=10", 10, PLACEMENTS["random_percent"])
    assert rule.label == "at a random place in 10 % of levels"
    assert placement("random_percent=100").label == "at a random place"
    assert placement("decoys").number == 2
    for name, known in PLACEMENTS.items():
        rule = placement(f"{name}=100" if known.default is None and known.argument else name)
        assert rule.label
        assert rule.settles in (None, Goal.COIN) or not rule.has_coin
    stopped = {name: rule.stop_at for name, rule in PLACEMENTS.items() if rule.stop_at is not Goal.END}
    assert stopped == {"stock": None, "random_agent_and_coin": None, "agent_at_right": Goal.START}
    assert {name for name, rule in PLACEMENTS.items() if not rule.has_coin} == {
        "absent", "decoy", "decoys", "agent_at_right"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("random", "unknown placement 'random'; did you mean"),
        ("", "unknown placement ''"),
        ("decoy=3", "placement 'decoy' takes no number"),
        ("random_percent", r"write random_percent=PERCENT, such as random_percent=10"),
        ("random_percent=", "write random_percent=PERCENT"),
        ("random_percent=abc", "could not convert string to float: 'abc'"),
        ("random_percent=101", "101.0, allowed is 0 to 100"),
        ("random_percent=nan", "allowed is 0 to 100"),
        ("decoys=1.5", "count must be a whole number"),
        ("decoys=inf", "write decoys"),
        ("decoys=-1", "-1 decoys: allowed are 0 to 32"),
    ],
)
def test_rules_written_wrongly(written: str, message: str) -> None:
    with pytest.raises(PlacementError, match=message):
        placement(written)


def test_rules_that_are_no_text() -> None:
    with pytest.raises(PlacementError, match=r"a placement is a name or a function of \(state, generator\), got 5"):
        placement(5)  # pyright: ignore[reportArgumentType, reportCallIssue]


# ------------------------------------------------------------------------------------------------ level sources


def test_a_level_is_the_same_whenever_and_wherever_it_is_asked_for(sources: dict[str, LevelSource]) -> None:
    def make(seed: int) -> LevelSource:
        return LevelSource(GameOptions(distribution_mode="easy"), placement=random_agent_and_coin, seed=seed)

    first, second, other = make(0), make(0), make(1)
    forward = first.starts([3, 4, 5])
    backward = second.starts([5, 4, 3])[::-1]
    assert [start.state for start in forward] == [start.state for start in backward]
    assert forward[0].state != other.start(3).state
    assert forward[0].end_x == sources["easy"].start(3).end_x
    assert forward[0].level_seed == forward[0].state.level_seed == 3
    for source in (first, second, other):
        source.close()


def test_levels_differ_from_seed_to_seed_and_carry_nothing_over(sources: dict[str, LevelSource]) -> None:
    source = sources["hard"]
    once = [source.start(seed).state for seed in (0, 1, 2, MAX_LEVEL_SEED)]
    assert len({state.to_bytes() for state in once}) == 4
    source.start(99)
    assert [source.start(seed).state for seed in (0, 1, 2, MAX_LEVEL_SEED)] == once


@pytest.mark.parametrize(
    "ask", [lambda s: s.start(-1), lambda s: s.start(MAX_LEVEL_SEED + 1), lambda s: s.starts([0, -3])]
)
def test_seeds_out_of_range(sources: dict[str, LevelSource], ask: Callable[[LevelSource], object]) -> None:
    with pytest.raises(ValueError, match="allowed are 0 to"):
        ask(sources["easy"])


def test_ranges_of_levels() -> None:
    levels = LevelRange(10, 5)
    assert list(levels.first(3)) == [10, 11, 12]
    assert {levels.draw(np.random.default_rng(seed)) for seed in range(60)} == {10, 11, 12, 13, 14}
    for start, count in ((-1, 5), (0, 0), (MAX_LEVEL_SEED, 2)):
        with pytest.raises(ValueError, match="allowed are"):
            LevelRange(start, count)
    with pytest.raises(ValueError, match="6 levels asked of a range of 5"):
        levels.first(6)
