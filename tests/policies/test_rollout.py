"""Episodes: determinism, outcomes against the game's own rules, causes of death against hand-made hazards."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from mechinterp.coinrun import edits
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.levels import LevelSource, Start
from mechinterp.coinrun.scenes import minimal_pairs, render
from mechinterp.errors import MechinterpError
from mechinterp.policies.actors import AlwaysRight, PolicyActor, UniformRandom
from mechinterp.policies.deaths import DeathAttributor
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.networks import build, light_impala
from mechinterp.policies.rollouts import Episodes, Outcome, rollout
from mechinterp.policies.visits import visited_states

EASY = GameOptions(distribution_mode="easy", use_backgrounds=False)


@pytest.fixture(scope="module")
def starts() -> list[Start]:
    source = LevelSource(EASY)
    try:
        return source.starts(range(700_000_000, 700_000_040))
    finally:
        source.close()


def same(first: Episodes, second: Episodes) -> bool:
    return all(
        np.array_equal(getattr(first, field.name), getattr(second, field.name))
        for field in dataclasses.fields(Episodes)
    )


def test_an_episode_does_not_depend_on_its_neighbours(starts):
    policy = build(light_impala(hidden=32), seed=3)
    policy.get_parameter("logits.weight").data.mul_(300)  # preferences strong enough to matter
    together = rollout(PolicyActor(policy), starts[:12], seed=5, max_steps=60)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2 if before == 1 else 1)
        apart = rollout(PolicyActor(policy), starts[:12], seed=5, max_steps=60, num_envs=5)
    finally:
        torch.set_num_threads(before)
    assert same(together, apart)
    chance = [rollout(UniformRandom(), starts[:12], seed=seed, max_steps=60) for seed in (5, 5, 6)]
    assert same(chance[0], chance[1])
    assert not same(chance[0], chance[2])


def test_outcomes_agree_with_the_games_own_rewards(starts):
    """The same actions stepped by hand, one game at a time, give the same rewards and lengths."""
    episodes = rollout(AlwaysRight(), starts, max_steps=300)
    for row, start in enumerate(starts[:15]):
        engine = Engine(1)
        engine.load({0: start.state})
        steps, first, reward = 0, [False], [0.0]
        while not first[0]:
            engine.step(np.array([8]))
            reward, _, first = engine.observe()
            steps += 1
        engine.close()
        assert episodes.length[row] == steps
        assert episodes.reward[row] == reward[0]
        assert (episodes.outcome[row] == Outcome.COIN) == (reward[0] > 0)
    assert {Outcome.COIN, Outcome.SAW} <= set(episodes.outcome.tolist())
    assert np.array_equal(episodes.died | (episodes.outcome == Outcome.COIN), np.ones(len(starts), bool))
    assert episodes.reached_end[episodes.outcome == Outcome.COIN].all()


def test_stopping_at_the_end_and_the_clock(starts):
    bare = [dataclasses.replace(start, state=edits.remove_coin(start.state)) for start in starts]
    episodes = rollout(AlwaysRight(), bare, max_steps=300, stop_at=Goal.END)
    assert set(episodes.outcome.tolist()) <= {Outcome.STOPPED, *(Outcome.SAW, Outcome.ENEMY, Outcome.LAVA)}
    arrived = episodes.outcome == Outcome.STOPPED
    ends = np.array([start.end_x for start in bare])
    assert arrived.any()
    assert (episodes.farthest_x[arrived] >= ends[arrived]).all()
    assert (episodes.farthest_x[~arrived] < ends[~arrived]).all()
    short = rollout(AlwaysRight(), bare, max_steps=7)
    assert (short.length == 7).all()
    assert (short.outcome == Outcome.TIMEOUT).all()
    clocked = [dataclasses.replace(start, state=start.state.replace(timeout=9)) for start in bare]
    assert set(rollout(AlwaysRight(jump=0), clocked).outcome.tolist()) == {Outcome.TIMEOUT}


def _beside_agent(start: Start, kind: str):
    """The start with one hazard right in front of the agent, and no other."""
    state = start.state
    kept = np.isin(state.entities["type"], (EntityType.AGENT,))
    bare = state.replace(entities=state.entities[kept])
    x, y = int(bare.agent_xy[0]), int(bare.agent_xy[1] - 0.5)
    if kind == "LAVA":
        grid = bare.grid.copy()
        grid[y, x + 1] = Tile.LAVA_TOP
        return bare.replace(grid=grid)
    entities = np.repeat(bare.entities[bare.agent_index : bare.agent_index + 1], 2)
    hazard = entities[1:]
    hazard["type"] = hazard["image_type"] = EntityType[kind]
    hazard["image_type"] = {"SAW": 2, "ENEMY": 6}[kind]
    hazard["image_theme"], hazard["x"], hazard["y"] = 0, x + 1.5, y + 0.5
    hazard["rx"], hazard["ry"], hazard["vx"] = 0.5, 0.5, 0.0
    return bare.replace(entities=entities)


@pytest.mark.parametrize("kind", ["SAW", "ENEMY", "LAVA"])
def test_the_cause_of_death_is_the_hazard_that_was_put_there(starts, kind):
    lethal = [dataclasses.replace(start, state=_beside_agent(start, kind)) for start in starts[:8]]
    episodes = rollout(AlwaysRight(jump=0), lethal, max_steps=10)
    assert {Outcome(code).name for code in episodes.outcome} == {kind}


def test_two_hazards_at_once_are_called_several(starts):
    state = _beside_agent(starts[0], "SAW")
    both = np.concatenate([state.entities, _beside_agent(starts[0], "ENEMY").entities[1:]])
    state = state.replace(entities=both)
    engine = Engine(1)
    engine.load({0: state})
    while True:
        before = engine.states([0])[0]
        engine.step(np.array([7]))
        if engine.observe()[2][0]:
            break
    engine.close()
    attributor = DeathAttributor()
    assert attributor.cause(before, 7) == "SEVERAL"
    attributor.close()


def test_observers_see_every_step_and_actions_have_the_right_frequencies(starts):
    seen = []
    episodes = rollout(UniformRandom(), starts[:10], max_steps=200, observers=[seen.append])
    assert len(seen) == episodes.length.sum()
    counts = np.bincount([view.action for view in seen], minlength=15)
    expected = len(seen) / 15
    assert ((counts - expected) ** 2 / expected).sum() < 36.1  # chi-squared, 14 degrees of freedom, p = .001


def test_visited_states_are_states_of_the_episode(starts):
    states = visited_states(AlwaysRight(), starts[:6], per_level=3, num_envs=4)
    again = visited_states(AlwaysRight(), starts[:6], per_level=3, num_envs=6)
    assert [s.to_bytes() for s in states] == [s.to_bytes() for s in again]
    assert len(states) == 18
    assert [state.level_seed for state in states] == np.repeat([s.level_seed for s in starts[:6]], 3).tolist()
    assert max(state["cur_time"] for state in states) > 10


def test_bad_arguments_say_what_would_be_right(starts):
    with pytest.raises(MechinterpError, match="no starts"):
        rollout(AlwaysRight(), [])
    with pytest.raises(MechinterpError, match="max_steps=0"):
        rollout(AlwaysRight(), starts[:1], max_steps=0)


def test_starts_and_states_one_or_several() -> None:
    with LevelSource(GameOptions(distribution_mode="easy")) as source:
        starts = source.starts([5, 6])
    several = rollout(AlwaysRight(), starts, max_steps=30)
    assert rollout(AlwaysRight(), [start.state for start in starts], max_steps=30).to_frame().equals(several.to_frame())
    one = rollout(AlwaysRight(), starts[0], max_steps=30)
    assert (len(one), one.length[0]) == (1, several.length[0])
    assert (render(starts) == render([start.state for start in starts])).all()
    assert visited_states(AlwaysRight(), starts[0].state, per_level=2) == visited_states(
        AlwaysRight(), starts[:1], per_level=2
    )
    with pytest.raises(MechinterpError, match="states: a int; allowed are a Start, a GameState, or several of them"):
        render(5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(MechinterpError, match="no variable is called 5"):
        minimal_pairs(starts, 5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(MechinterpError, match="state 1 is a int; allowed are a Start and a GameState"):
        rollout(AlwaysRight(), [starts[0], 5])  # pyright: ignore[reportArgumentType]


def test_what_is_printed_fits_a_line() -> None:
    source = LevelSource(GameOptions(distribution_mode="easy"))
    starts = source.starts([5, 6])
    source.close()
    episodes = rollout(AlwaysRight(), starts, max_steps=30)
    assert len(repr(starts[0])) < 120
    assert repr(starts[0]).startswith("Start(GameState(level 5, step 0: agent at 1.5, 1.6, coins [(")
    assert repr(episodes).startswith("Episodes(2: ")
    frame = episodes.to_frame()
    assert frame["level_seed"].tolist() == [5, 6]
    assert set(frame["outcome"]) <= {"timeout", "saw", "enemy", "lava", "coin"}


@pytest.mark.parametrize(
    "wrong", [{"max_steps": 2.5}, {"max_steps": None}, {"num_envs": "4"}, {"seed": -1}, {"seed": None}]
)
def test_numbers_that_are_none(starts, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(MechinterpError, match=f"{name}={value!r}: a whole number is needed, at least [01]"):
        rollout(AlwaysRight(), starts[:1], **wrong)


def test_a_network_whose_logits_are_not_finite_does_not_play():
    policy = build(light_impala(hidden=8), seed=1)
    frames, uniform = np.zeros((18, 64, 64, 3), np.uint8), np.full(18, 0.5)
    with policy.hooks_on({"hook_logits": lambda value, hook: value.index_fill(1, torch.tensor([1, 2]), -torch.inf)}):
        assert not {1, 2} & set(PolicyActor(policy)(frames, uniform).tolist())  # forbids actions, and plays
    frames[17] = 255

    def spoil(value: torch.Tensor, hook: object) -> torch.Tensor:
        """Spoils whatever is not black."""
        return torch.where(value.sum((1, 2, 3), keepdim=True) > 0, torch.nan, value)

    first = policy.hook_names[0]
    for greedy in (False, True):
        with policy.hooks_on({first: spoil}), pytest.raises(PolicyError) as caught:
            PolicyActor(policy, greedy)(frames, uniform)
        assert str(caught.value).startswith(
            "IMPALA 16-32, 9 actions: no action follows from the logits of 1 of 18 frames"
        )
        assert f"and activations from {first} on" in str(caught.value)
    with torch.no_grad():
        policy.get_parameter("logits.bias")[7] = torch.inf
    with pytest.raises(
        PolicyError, match=r"18 of 18 frames.* not finite for right, and activations from hook_logits on"
    ):
        PolicyActor(policy)(frames, uniform)
