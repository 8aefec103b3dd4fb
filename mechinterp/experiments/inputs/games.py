"""Games in which the coin lies to one side, the same without it, and what becomes of them under interventions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from mechinterp.coinrun.edits import remove_coin
from mechinterp.coinrun.empty import AGENT_RX, AGENT_RY
from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.raw_state import agent_position
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.interventions import Edit, rollout_each
from mechinterp.policies.evaluation import Trial, starts_of
from mechinterp.policies.rollouts import Episodes, Outcome, StepView
from mechinterp.training.forks import FORKS

PLACEMENT = "coin_or_end"
SIDES = {"coin left": -1, "coin right": 1}
"""The hand-designed forks that are played, and the coin's side in each; walls are out of view."""


@dataclass(frozen=True, eq=False)
class Games:
    """Starts with one coin each.

    Attributes:
        starts: of episodes.
        sides: of the coin, seen from the agent: 1 right, -1 left.
    """

    starts: tuple[Start, ...]
    sides: Int64[np.ndarray, " games"]

    @property
    def bare(self) -> list[Start]:
        """The same without the coin."""
        return [dataclasses.replace(start, state=remove_coin(start.state)) for start in self.starts]

    def measures(self) -> Mapping[str, Callable[[Episodes], np.ndarray]]:
        """What is read off the episodes: truth values, by name."""
        return {
            "took the coin": lambda played: played.outcome == Outcome.COIN,
            "first toward the coin": lambda played: played.first_side == self.sides,
            "reached the end": lambda played: played.outcome == Outcome.STOPPED,
            "died": lambda played: played.died,
            "died of a saw": lambda played: played.outcome == Outcome.SAW,
            "died of an enemy": lambda played: played.outcome == Outcome.ENEMY,
            "died in lava": lambda played: played.outcome == Outcome.LAVA,
        }


def forks(inputs: Inputs, count: int) -> Games:
    """Hand-designed levels, half with the coin on each side; nothing in them kills."""
    half, found = max(1, count // 2), []
    for number, name in enumerate(SIDES):
        found += FORKS[name].starts(half, options=inputs.subject.options, first_seed=10_000 * number)
    return Games(tuple(found), np.repeat(list(SIDES.values()), half))


def level_games(inputs: Inputs, count: int) -> Games:
    """Held-out levels, agent and coin at random places before the end."""
    plan, subject = inputs.plan, inputs.subject
    levels = subject.held_out("behaviour", count).seeds
    starts = [
        start
        for start in starts_of(levels, Trial.under(PLACEMENT), options=subject.options, seed=plan.seed)
        if len(start.state.coins) == 1
    ]
    across = [start.state.coins[0][0] + 0.5 - start.state.agent_xy[0] for start in starts]
    return Games(tuple(starts), np.where(np.array(across) > 0, 1, -1))


def play_games(
    inputs: Inputs,
    games: Games,
    sets: Mapping[str, Sequence[Edit]],
    *,
    max_steps: int,
    without_coin: Sequence[str] = (),
) -> dict[str, Episodes]:
    """Episodes of each intervention, those of one level with the same chance.

    Args:
        without_coin: names of `sets` that are played without the coin. An episode in which the agent comes to where the
            coin would be counts as one that took it, and as over then.
    """
    watch = _Watch(games.starts, frozenset(without_coin))
    bare = games.bare if without_coin else []
    played = rollout_each(
        inputs.subject,
        {name: bare if name in without_coin else list(games.starts) for name in sets},
        sets,
        seed=inputs.plan.seed,
        max_steps=max_steps,
        stop_at=Goal.END,
        observers=[watch] if without_coin else (),
        never="report",
    )
    return {name: watch.counted(name, episodes) for name, episodes in played.items()}


class _Watch:
    """Looks for agents that stand where the coin would be."""

    def __init__(self, starts: Sequence[Start], names: frozenset[str]) -> None:
        self._cells = [start.state.coins[0] for start in starts]
        self._reached = {name: np.zeros(len(starts), bool) for name in names}

    def __call__(self, name: str, view: StepView) -> None:
        if name not in self._reached:
            return
        x, y = agent_position(view.state)
        cell_x, cell_y = self._cells[view.episode]
        across, up = abs(x - cell_x - 0.5) < AGENT_RX + 0.5, abs(y - cell_y - 0.5) < AGENT_RY + 0.5
        self._reached[name][view.episode] |= across and up

    def counted(self, name: str, episodes: Episodes) -> Episodes:
        """The same episodes, with those that came to the place as ones that took the coin."""
        if name not in self._reached:
            return episodes
        return dataclasses.replace(episodes, outcome=np.where(self._reached[name], int(Outcome.COIN), episodes.outcome))
