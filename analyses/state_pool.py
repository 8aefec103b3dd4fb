"""Make the record of play behind the pool of states that is common to all policies (`coinrun.scenes.pool`).

    python analyses/state_pool.py                       # writes mechinterp/coinrun/scenes/pool.npz

A mixture of scripted players and of the organisms in checkpoints/ plays held-out levels, one episode a level. Levels
that look like one before (the same grid, entities and themes) are left out. Each episode begins where the level has
level, safe ground with room for a coin on both sides, every second one 3 columns or more away; in half of the levels
the coin is moved to a random place. Of each episode 12 states are kept: up to 6 of the first 16, in which a coin has
room on both sides (half of them in the air, if there are so many), up to 2 later ones with a hazard just ahead, and
others drawn uniformly from the first 80.
"""

from __future__ import annotations

import argparse
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.raw_state import agent_position
from mechinterp.coinrun.scenes.natural import FAR, NEAR, NoRoom, free_ways, level_places
from mechinterp.coinrun.scenes.pool import BEGINNINGS, RECORD, PoolEpisode
from mechinterp.coinrun.scenes.variables import VARIABLES
from mechinterp.coinrun.scenes.variables.variable import without_coins
from mechinterp.coinrun.state import GameState
from mechinterp.policies import PolicyActor, load
from mechinterp.policies.levels import LEVELS

OUT = Path(__file__).parents[1] / "mechinterp" / "coinrun" / "scenes" / RECORD
STEPS, EARLY, BATCH = 80, 16, 64
KEPT, WITH_ROOM, WITH_HAZARD, EVERY = 12, 6, 2, 3

Player = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
"""(columns of the agents, frames, generator) -> a Procgen action for each."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", type=int, default=600, help="of each distribution mode")
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    record = {}
    for mode in ("easy", "hard"):
        episodes = collect(mode, arguments.levels, players(arguments.checkpoints))
        record |= {f"{mode}/{name}": values for name, values in packed(episodes).items()}
        steps = sum(max(episode.steps) for episode in episodes)
        print(f"{mode}: {len(episodes)} levels, {steps} steps to play again", flush=True)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **record)
    arguments.out.write_bytes(buffer.getvalue())
    print(f"{arguments.out}: {len(buffer.getvalue()):,} bytes")


# ------------------------------------------------------------------------------------------------ who plays


def players(checkpoints: Path) -> dict[str, Player]:
    """Three rules and four organisms; each is made anew for a batch of episodes."""
    found: dict[str, Player] = {"right and jump": _toward(1), "left and jump": _toward(-1), "wander": _wander}
    for name in ("coin", "left", "right", "standard"):
        found[f"organism {name}"] = _organism(checkpoints / name)
    return found


def _toward(way: int) -> Player:
    """This way in 80 % of all steps, otherwise any action; a jump in 40 %."""

    def play(xs: np.ndarray, frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        straight = 3 * (way + 1) + 1 + (rng.random(len(xs)) < 0.4)
        return np.where(rng.random(len(xs)) < 0.2, rng.integers(9, size=len(xs)), straight)

    return play


def _wander(xs: np.ndarray, frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Away from the nearest multiple of eight columns and back, a jump in 30 % of all steps, a stand in 20 %."""
    way = np.where((xs // 8) % 2 == 0, 1, -1) * np.where(rng.random(len(xs)) < 0.2, 0, 1)
    return 3 * (way + 1) + 1 + (rng.random(len(xs)) < 0.3)


def _organism(folder: Path) -> Player:
    actor = PolicyActor(load(folder))
    return lambda xs, frames, rng: actor(frames, rng.random(len(xs)))


# ------------------------------------------------------------------------------------------------ what is kept


@dataclass
class _Track:
    """An episode as it was played: the state before each action, as bytes."""

    seed: int
    beginning: str
    player: str
    states: list[bytes]
    actions: list[int]


def collect(mode: str, count: int, who: dict[str, Player]) -> list[PoolEpisode]:
    """`count` levels, every second one with much level ground."""
    rows: dict[bool, list[PoolEpisode]] = {True: [], False: []}
    rng = np.random.default_rng(7)
    levels = _fresh(GameOptions(distribution_mode=mode, use_backgrounds=False))
    turns = cycle(product(BEGINNINGS, who))
    while min(map(len, rows.values())) < count // 2:
        beginning, name = next(turns)
        starts = []
        while len(starts) < BATCH:
            far, seed, fresh = next(levels)
            if len(rows[far]) + sum(one == far for one, _, _ in starts) < count // 2:
                starts.append((far, seed, BEGINNINGS[beginning](fresh, np.random.default_rng([0, seed]))))
            elif min(len(own) + sum(one == key for one, _, _ in starts) for key, own in rows.items()) >= count // 2:
                break
        tracks = _played(who[name], name, beginning, [(seed, state) for _, seed, state in starts], rng)
        for (far, _, _), track in zip(starts, tracks, strict=True):
            rows[far].append(_kept(track, rng))
        print(f"  {mode}, {name}, {beginning}: {[len(own) for own in rows.values()]}", flush=True)
    shuffled = [[own[at] for at in rng.permutation(len(own))] for own in rows.values()]
    return [episode for both in zip(*shuffled, strict=True) for episode in both]


def _fresh(options: GameOptions) -> Iterator[tuple[bool, int, GameState]]:
    """New levels with level ground somewhere: whether it goes far, the seed, and the stock start."""
    seen: set[str] = set()
    with LevelSource(options) as source:
        for seed in LEVELS["scenes"].first(LEVELS["scenes"].count):
            state = source.start(seed).state
            looks = state.entities[["x", "y", "type", "image_theme"]].tolist()
            content = hashlib.sha256(state.grid.tobytes() + repr((looks, state["wall_theme"])).encode()).hexdigest()
            ground = level_places(state, NEAR)
            if content not in seen and any(cell not in state.coins for cell in ground):
                seen.add(content)
                yield max(ground.values()) > NEAR, seed, state


def _played(
    player: Player, name: str, beginning: str, starts: list[tuple[int, GameState]], rng: np.random.Generator
) -> list[_Track]:
    engine = Engine(len(starts))
    tracks = [_Track(seed, beginning, name, [], []) for seed, _ in starts]
    try:
        engine.load({slot: state for slot, (_, state) in enumerate(starts)})
        alive = np.ones(len(starts), bool)
        for _ in range(STEPS):
            data, frames = [engine.state_bytes(slot) for slot in range(len(starts))], engine.observe()[1]
            actions = player(np.array([agent_position(one)[0] for one in data]), frames, rng)
            for slot in np.flatnonzero(alive).tolist():
                tracks[slot].states.append(data[slot])
                tracks[slot].actions.append(int(actions[slot]))
            engine.step(actions)
            alive &= ~engine.observe()[2]
            if not alive.any():
                break
    finally:
        engine.close()
    return tracks


def _kept(track: _Track, rng: np.random.Generator) -> PoolEpisode:
    """The episode with its kept steps: half drawn uniformly, half where there is room for a coin on both sides."""
    early = [GameState.from_bytes(data) for data in track.states[:EARLY]]
    room = {step: far for step, state in enumerate(early) if (far := _room(state))}
    chosen: list[int] = []
    for grounded in (True, False):
        own = [step for step in room if geometry.on_ground(early[step]) == grounded]
        far_first = sorted(rng.permutation(np.array(own, int)).tolist(), key=lambda step: room[step] <= NEAR)
        chosen += far_first[: WITH_ROOM // 2]
    later = [step for step in range(EARLY, len(track.states), EVERY) if _hazard_ahead(track.states[step])]
    chosen += rng.permutation(np.array(later, int))[:WITH_HAZARD].tolist()
    rest = [step for step in range(len(track.states)) if step not in chosen]
    chosen += rng.permutation(np.array(rest, int))[: KEPT - len(chosen)].tolist()
    steps = tuple(sorted(chosen))
    return PoolEpisode(track.seed, track.beginning, track.player, bytes(track.actions[: steps[-1]]), steps)


def _room(state: GameState) -> int:
    """The largest distance at which both sides have natural places for a coin; 0 where none has."""
    columns = [sign * distance for distance in range(NEAR, FAR + 1) for sign in (1, -1)]
    try:
        free = free_ways(without_coins(state), columns)[1]
    except NoRoom:
        return 0
    return max((distance for distance in free if -distance in free), default=0)


def _hazard_ahead(data: bytes) -> bool:
    return VARIABLES["hazard ahead"].edit(GameState.from_bytes(data), np.random.default_rng(0)) is not None


def packed(episodes: list[PoolEpisode]) -> dict[str, np.ndarray]:
    """Arrays of what the episodes hold; those of unequal lengths one behind the other."""
    return {
        "levels": np.array([one.level_seed for one in episodes], np.int64),
        "beginnings": np.array([one.beginning for one in episodes]),
        "players": np.array([one.player for one in episodes]),
        "actions": np.frombuffer(b"".join(one.actions for one in episodes), np.uint8),
        "actions_lengths": np.array([len(one.actions) for one in episodes], np.int64),
        "steps": np.array([step for one in episodes for step in one.steps], np.int64),
        "steps_lengths": np.array([len(one.steps) for one in episodes], np.int64),
    }


if __name__ == "__main__":
    main()
