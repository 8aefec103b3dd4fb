"""A pool of states common to all policies: what scripted players and organisms reached, played again from its record.

States that a policy itself reaches differ from policy to policy: one that goes left stands at the left wall. So that an
effect is asked of all policies in the same states, the package holds a record of play: for each episode a level seed,
where it began, and the actions taken, with the steps whose states are kept. The game is deterministic: played again, it
gives the states back exactly. Level geometry and dynamics depend on the distribution mode alone, so one record serves
games of any look. ``analyses/state_pool.py`` makes the record.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import islice, pairwise

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.edits import EditError, move_agent, move_coin
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.levels import LevelSource, Placement
from mechinterp.coinrun.placements.draws import IN_VIEW, free_places, pick
from mechinterp.coinrun.scenes.natural import NEAR, level_places
from mechinterp.coinrun.scenes.strata import SceneError
from mechinterp.coinrun.state import GameState

RECORD = "pool.npz"
_SLOTS = 64
_STAND = 4
"""The action that does nothing."""


def level_ground(state: GameState, rng: np.random.Generator) -> GameState:
    """The agent on level ground with room for a coin on both sides, every distance that the level has equally likely.

    Raises:
        EditError: the level has no such ground.
    """
    places = level_places(state, NEAR)
    places = {cell: far for cell, far in places.items() if cell not in state.coins}
    if not places:
        raise EditError(f"level {state.level_seed}: no level ground with room for a coin on both sides")
    far = int(rng.choice(sorted(set(places.values()))))
    cell = pick(tuple(sorted(place for place, own in places.items() if own == far)), rng)
    return move_agent(state, cell, facing="right" if rng.random() < 0.5 else "left")


def level_ground_and_coin(state: GameState, rng: np.random.Generator) -> GameState:
    """As `level_ground`, and the coin at a random place on safe ground, mostly in view."""
    placed = level_ground(state, rng)
    x, y = cell = geometry.agent_cell(placed)
    places = tuple(place for place in free_places(placed) if abs(place[0] - x) >= NEAR or abs(place[1] - y) > NEAR)
    return move_coin(placed, pick(places, rng, near=cell, chance=IN_VIEW)) if places else placed


BEGINNINGS: dict[str, Placement] = {
    "level ground": level_ground,
    "level ground, coin at a random place": level_ground_and_coin,
}
"""Where the episodes of the pool begin."""


@dataclass(frozen=True)
class PoolEpisode:
    """One episode of the pool, up to the last state that is kept.

    Attributes:
        level_seed: of its level; no two episodes of a pool share one.
        beginning: a name in `BEGINNINGS`.
        player: who played it: "right and jump", "organism coin", ...
        actions: Procgen's, one a step.
        steps: how many actions were taken before each of the states that are kept.
    """

    level_seed: int
    beginning: str
    player: str
    actions: bytes
    steps: tuple[int, ...]


@lru_cache(maxsize=2)
def pool_episodes(mode: str) -> tuple[PoolEpisode, ...]:
    """The episodes of the pool for a distribution mode, "easy" or "hard"; any first so many are a fair mixture.

    Raises:
        SceneError: another mode.
    """
    if mode not in ("easy", "hard"):
        raise SceneError(f"pool of states: there is none for {mode!r}; modes are 'easy' and 'hard'")
    with resources.files("mechinterp.coinrun.scenes").joinpath(RECORD).open("rb") as file, np.load(file) as read:
        record = {name.removeprefix(f"{mode}/"): read[name] for name in read.files if name.startswith(f"{mode}/")}
    actions, steps = (_cut(record[name], record[f"{name}_lengths"]) for name in ("actions", "steps"))
    return tuple(
        PoolEpisode(int(seed), str(rule), str(player), own.tobytes(), tuple(kept.tolist()))
        for seed, rule, player, own, kept in zip(
            record["levels"], record["beginnings"], record["players"], actions, steps, strict=True
        )
    )


def unseen_episodes(options: GameOptions, seen: Container[int]) -> Iterator[PoolEpisode]:
    """The episodes of the pool on levels whose identity (`level_identity`, in this look) is not among those `seen`."""
    with LevelSource(options) as source:
        for episode in pool_episodes(options.distribution_mode):
            if source.identity(episode.level_seed) not in seen:
                yield episode


def pool_states(
    options: GameOptions, *, levels: int, per_level: int, seed: int = 0, seen: Container[int] = ()
) -> list[GameState]:
    """States of the first so many levels of the pool, in the look of these options, level by level.

    Args:
        seen: identities of levels that are passed over, since a policy was trained on them.
        per_level: states of each level, drawn uniformly of those that are kept (all, if there are fewer).
        seed: of the draw.

    Raises:
        SceneError: more levels than the pool has.
    """
    episodes = pool_episodes(options.distribution_mode)
    if not isinstance(seen, tuple) or seen:
        episodes = tuple(islice(unseen_episodes(options, seen), max(levels, 0)))
    if not 1 <= levels <= len(episodes):
        raise SceneError(f"pool of states: {levels} levels, there are 1 to {len(episodes)}")
    drawn = [_drawn(episode, per_level, seed) for episode in episodes[:levels]]
    return replay(drawn, options)


def replay(episodes: Sequence[PoolEpisode], options: GameOptions) -> list[GameState]:
    """The kept states of these episodes, in their order, with blank generators."""
    with LevelSource(options) as source:
        starts = []
        for episode in episodes:
            source.placement = BEGINNINGS[episode.beginning]
            starts.append(source.start(episode.level_seed).state)
    found: list[list[GameState]] = [[] for _ in episodes]
    slots = min(_SLOTS, len(episodes))
    engine = Engine(slots)
    try:
        waiting = iter(range(len(episodes)))
        playing = {slot: [episode, 0] for slot, episode in zip(range(slots), waiting, strict=False)}
        engine.load({slot: starts[episode] for slot, (episode, _) in playing.items()})
        while playing:
            actions = np.full(slots, _STAND)
            for slot in list(playing):
                while slot in playing:
                    number, step = playing[slot]
                    episode = episodes[number]
                    if step in episode.steps:
                        found[number].append(_bare(engine.states([slot])[0]))
                    if step < max(episode.steps):
                        actions[slot] = episode.actions[step]
                        playing[slot][1] += 1
                        break
                    following = next(waiting, None)
                    if following is None:
                        del playing[slot]
                    else:
                        playing[slot] = [following, 0]
                        engine.load({slot: starts[following]})
            engine.step(actions)
    finally:
        engine.close()
    return [state for states in found for state in states]


def _bare(state: GameState) -> GameState:
    """Without what belongs to the slot that the episode ran in: generators, and the game's last random number."""
    blank = {name: getattr(state, name).blank() for name in ("level_rng", "step_rng", "asset_rng")}
    return state.replace(rngs=blank, step_rand_int=0)


def _drawn(episode: PoolEpisode, count: int, seed: int) -> PoolEpisode:
    rng = np.random.default_rng([seed, episode.level_seed])
    kept = rng.permutation(len(episode.steps))[:count]
    steps = tuple(sorted(episode.steps[at] for at in kept))
    return PoolEpisode(episode.level_seed, episode.beginning, episode.player, episode.actions, steps)


def _cut(values: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    ends = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    return [values[start:end] for start, end in pairwise(ends)]
