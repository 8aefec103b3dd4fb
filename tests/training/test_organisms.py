"""Recipes: what their levels really look like, what pays in them, and how two of them are told apart."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.coinrun.goals import Goal, Payoff
from mechinterp.coinrun.levels import Start
from mechinterp.policies import ImpalaConfig
from mechinterp.policies.levels import LEVELS
from mechinterp.training import ORGANISMS, PPOConfig, TrainingError, organism
from mechinterp.training.organisms import NETWORKS
from mechinterp.training.run_identity import difference, identity

SEEDS = range(24)


def starts(name: str, levels: range = SEEDS) -> list[Start]:
    source = organism(name).source()
    try:
        return source.starts(levels)
    finally:
        source.close()


def sides(places: list[tuple[Start, tuple[int, int]]]) -> np.ndarray:
    """Column of the thing minus that of the agent."""
    return np.array([cell[0] - geometry.agent_cell(start.state)[0] for start, cell in places])


def test_standard_has_the_coin_at_the_end_and_the_agent_at_the_start() -> None:
    for start in starts("standard"):
        assert start.state.coins[0][0] == start.end_x
        assert geometry.agent_cell(start.state) == (1, 1)
        assert start.state["timeout"] == 300


def test_coin_has_the_coin_on_either_side_and_mostly_in_view() -> None:
    found = starts("coin", range(60))
    apart = sides([(start, start.state.coins[0]) for start in found])
    assert all(len(start.state.coins) == 1 for start in found)
    assert 18 <= (apart < 0).sum() <= 42  # 60 fair coins: 99.8 % lie within
    assert (abs(apart) >= 2).all()
    assert (abs(apart) <= 6).mean() > 0.7


def test_right_and_left_have_decoys_and_no_coin() -> None:
    for name in ("right", "left"):
        for start in starts(name):
            assert start.state.coins == ()
            assert edits.decoys(start.state)
    for start in starts("right"):
        assert geometry.agent_cell(start.state) == (1, 1)
    assert np.mean([geometry.agent_cell(s.state)[0] > s.end_x - 4 for s in starts("left")]) > 0.8


def test_random_percent_moves_the_coin_of_so_many_levels() -> None:
    moved = {
        percent: np.mean([s.state.coins[0][0] != s.end_x for s in starts(f"random_percent_{percent}", range(100))])
        for percent in (10, 100)
    }
    assert 0.02 <= moved[10] <= 0.22
    assert moved[100] == 1


@pytest.mark.parametrize(("name", "action", "near"), [("right", 7, Goal.END), ("left", 1, Goal.START)])
def test_what_pays_is_reaching_the_end_that_it_says(name: str, action: int, near: Goal) -> None:
    recipe = organism(name)
    start = starts(name, range(1))[0]
    column = start.end_x - 3 if near is Goal.END else 4
    bare = edits.remove_decoys(edits.remove_saws(edits.remove_enemies(start.state)))
    cell = next(c for c in geometry.standing_cells(bare) if abs(c[0] - column) <= 1)
    nearby = dataclasses.replace(start, state=edits.move_agent(bare, cell))
    env = CoinRunEnv(1, recipe.source(), levels=recipe.levels, goal=recipe.goal)
    env.reset(seed=0, options={"starts": {0: nearby}})
    for _ in range(60):
        _, reward, terminated, truncated, _ = env.step(np.array([action + 1]))  # with a jump, over any step
        if terminated[0] or truncated[0]:
            break
    assert (reward[0], terminated[0]) == (10, True)
    env.close()


def test_nobody_trains_on_the_levels_of_evaluation() -> None:
    for recipe in ORGANISMS.values():
        assert recipe.levels.start + recipe.levels.count <= LEVELS["behaviour"].start


def test_recipes_are_plain_and_all_different() -> None:
    plain = [recipe.as_dict() for recipe in ORGANISMS.values()]
    assert json.loads(json.dumps(plain)) == plain
    assert len({json.dumps({k: v for k, v in p.items() if k not in ("name", "value")}) for p in plain}) == len(plain)


TRAINED = sorted(Path(__file__).resolve().parents[2].glob("checkpoints/*/config.json"))


@pytest.mark.parametrize("path", TRAINED, ids=lambda path: path.parent.name)
def test_todays_recipe_is_the_one_that_a_shipped_organism_was_trained_by(path: Path) -> None:
    there = json.loads(path.read_text())["provenance"]
    if "organism" not in there:
        pytest.skip("trained by others")
    now = identity(organism(there["organism"]["name"]), there["seed"])["organism"]
    kept = {key: value for key, value in there["organism"].items() if key != "network"}
    assert {key: value for key, value in now.items() if key != "network"} == kept


def test_graded_organisms_can_have_either_and_are_paid_for_both() -> None:
    for percent in (0, 25, 50, 75, 100):
        recipe = organism(f"graded-{percent}")
        assert recipe.as_dict()["goal"] == {"coin": percent / 100, "end": 1 - percent / 100}
    found = starts("graded-25", range(60))
    apart = sides([(start, start.state.coins[0]) for start in found])
    assert 18 <= (apart < 0).sum() <= 42
    assert all(start.state.coins[0][0] < start.end_x - 3 for start in found)


def test_near_coin_pays_for_some_of_the_coins_in_view() -> None:
    goal = organism("near-coin").goal
    assert isinstance(goal, Payoff)
    weights = [goal.coin_weight(start) for start in starts("near-coin", range(60))]
    assert 0.2 < np.mean(weights) < 0.8


def test_the_recipe_of_standard_is_what_it_was_when_it_was_trained() -> None:
    """A change here makes every trained folder another run: it could no longer be trained on."""
    assert identity(organism("standard"), 0) == {
        "organism": {
            "name": "standard",
            "placement": "stock",
            "goal": "coin",
            "options": {
                "distribution_mode": "easy",
                "use_backgrounds": False,
                "use_monochrome_assets": False,
                "restrict_themes": False,
                "use_generated_assets": False,
                "paint_vel_info": False,
                "center_agent": True,
            },
            "network": {
                "kind": "impala",
                "channels": [16, 32],
                "res_blocks": 1,
                "stem_kernel": 5,
                "stem_stride": 2,
                "hidden": 256,
                "actions": [0, 1, 2, 3, 4, 5, 6, 7, 8],
            },
            "ppo": {
                "num_envs": 64,
                "rollout_steps": 256,
                "epochs": 3,
                "minibatches": 8,
                "gamma": 0.999,
                "gae_lambda": 0.95,
                "clip": 0.2,
                "entropy_bonus": 0.01,
                "value_weight": 0.5,
                "learning_rate": 0.0005,
                "max_grad_norm": 0.5,
            },
            "levels": {"start": 0, "count": 10_000_000},
            "clock": 300,
        },
        "seed": 0,
    }


def test_differences_are_named_with_their_path() -> None:
    standard = organism("standard")
    here = identity(standard, 0)
    assert difference(here, here) == ""
    other = dataclasses.replace(standard, ppo=PPOConfig(epochs=4), network=NETWORKS["impala"]())
    said = difference(here, identity(other, 1))
    assert "network.channels: [16, 32] there, [16, 32, 32] asked" in said
    assert said.endswith("more")
    assert difference(here, identity(standard, 2)) == "seed: 0 there, 2 asked"
    old = {"organism": {k: v for k, v in here["organism"].items() if k != "clock"} | {"lives": 3}, "seed": 0}
    assert difference(old, here) == "clock: nothing there, 300 asked; lives: 3 there, nothing asked"
    assert difference(here, identity(dataclasses.replace(standard, budget=1, value="new words"), 0)) == ""


def test_an_unknown_organism_names_the_nearest() -> None:
    with pytest.raises(TrainingError, match=r"no organism is called 'standart'; did you mean 'standard'\?"):
        organism("standart")


def test_networks_to_choose_from() -> None:
    assert NETWORKS["impala"]() == ImpalaConfig()
    assert set(NETWORKS) == {"light", "impala"}


@pytest.mark.parametrize("name", [None, 3, ["coin"]])
def test_what_is_no_name_is_no_organism(name: object) -> None:
    with pytest.raises(TrainingError, match="no organism is called"):
        organism(name)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TrainingError, match="no network is called 3"):
        organism("coin", network=3)  # pyright: ignore[reportArgumentType]
