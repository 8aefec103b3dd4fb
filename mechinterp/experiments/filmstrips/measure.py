"""Play a fork and a held-out level under each intervention, and keep some frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.levels import Start
from mechinterp.experiments.filmstrips.result import Film, Result, Strip
from mechinterp.experiments.inputs.blindings import blindings
from mechinterp.experiments.inputs.games import Games, forks, level_games
from mechinterp.experiments.inputs.side_vector import side_vector
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.interventions import Edit, Steer, rollout_each
from mechinterp.policies.rollouts import Outcome, StepView

ABSENT = "coin absent"
DOSE = 2.0
_ENDINGS = {
    Outcome.COIN: "takes the coin",
    Outcome.STOPPED: "reaches the end",
    Outcome.TIMEOUT: "goes on",
    Outcome.SAW: "dies of a saw",
    Outcome.ENEMY: "dies of an enemy",
    Outcome.LAVA: "dies in lava",
    Outcome.SEVERAL: "dies of several hazards",
}


@dataclass(frozen=True)
class Size:
    """How much is shown.

    Attributes:
        frames: of each episode, at most.
        every: steps from one to the next.
        levels: held-out levels among which the one is chosen whose coin is nearest.
    """

    frames: int
    every: int
    levels: int


SIZES = Sizes(full=Size(frames=10, every=4, levels=20), quick=Size(frames=10, every=4, levels=10))


def measure(context: Context[Size]) -> Result:
    """The fork with the coin left of the agent, and the held-out level whose coin begins nearest to it."""
    found, vector = context.inputs(blindings), context.inputs(side_vector)
    nearest = min(found.coin.values(), key=lambda one: one.distance)
    sets: dict[str, Sequence[Edit]] = {
        "plain": (),
        f"blind to the coin ({nearest.way})": (nearest.edit,),
        ABSENT: (),
        "steered left": (Steer(vector.hook, direction=vector.vector, strength=-DOSE),),
        "steered right": (Steer(vector.hook, direction=vector.vector, strength=DOSE),),
    }
    context.tick("filming")
    free = level_games(context.inputs, context.size.levels)
    far = [_distance(start) for start in free.starts]
    shown = {
        "a fork, the coin on the left": _one(forks(context.inputs, 2), 0),
        f"held-out level {free.starts[int(np.argmin(far))].level_seed}": _one(free, int(np.argmin(far))),
    }
    films = tuple(_film(context, words, games, sets) for words, games in shown.items())
    return Result(films=films, every=context.size.every, dose=DOSE)


def _one(games: Games, row: int) -> Games:
    return Games(games.starts[row : row + 1], games.sides[row : row + 1])


def _distance(start: Start) -> float:
    (x, y), (agent_x, agent_y) = start.state.coins[0], start.state.agent_xy
    return float(np.hypot(x + 0.5 - agent_x, y + 0.5 - agent_y))


def _film(context: Context[Size], words: str, games: Games, sets: Mapping[str, Sequence[Edit]]) -> Film:
    size = context.size
    kept: dict[str, list[np.ndarray]] = {name: [] for name in sets}

    def watch(name: str, view: StepView) -> None:
        if view.step % size.every == 0:
            kept[name].append(view.frame)

    played = rollout_each(
        context.subject,
        {name: games.bare if name == ABSENT else list(games.starts) for name in sets},
        sets,
        seed=context.plan.seed,
        max_steps=size.frames * size.every,
        stop_at=Goal.END,
        observers=[watch],
        never="report",
    )
    strips = tuple(
        Strip(
            intervention=name,
            frames=np.stack(kept[name]),
            ending=_ENDINGS[Outcome(int(episodes.outcome[0]))],
            length=int(episodes.length[0]),
        )
        for name, episodes in played.items()
    )
    return Film(level=words, strips=strips)
