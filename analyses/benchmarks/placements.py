"""What does a placement rule cost an environment?

    python analyses/benchmarks/placements.py

Two environments play the same episodes, in turns: one makes its start states by the rule, the other looks up the very
same states in a table. What the first takes longer is the rule. It is counted on two clocks: CPU seconds of the
process, and CPU seconds of the thread that steps the games, which is all that a step waits for while starts are made
ahead in a thread of their own (``prefetch``) and a core is free for it. Measured numbers are in `README.md`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping

import numpy as np

from mechinterp.coinrun import GameOptions, GameState, LevelSource
from mechinterp.coinrun.env import PREFETCH, CoinRunEnv
from mechinterp.coinrun.levels import LevelRange, Placement
from mechinterp.coinrun.placements import placement

RULES = ("random_percent=100", "absent", "decoy", "left_of_agent", "random_agent_and_coin", "coin_or_end", "decoys=2")
RIGHT_JUMP, ACTIONS = 8, 15


class Played:
    """An environment, and what its steps took."""

    def __init__(self, options: GameOptions, rule: Placement, levels: LevelRange, games: int, prefetch: int) -> None:
        source = LevelSource(options, placement=rule)
        self.env = CoinRunEnv(games, source, levels=levels, prefetch=prefetch)
        self.frames = self.env.reset(seed=0)[0]
        self.rng = np.random.default_rng(1)
        self.episodes = 0

    def play(self, steps: int) -> tuple[float, float]:
        """CPU seconds of the process, and of this thread. Half of the steps go right and jump, the others anywhere."""
        start = time.process_time(), time.thread_time()
        for _ in range(steps):
            anywhere = self.rng.integers(ACTIONS, size=self.env.num_envs)
            actions = np.where(self.rng.random(self.env.num_envs) < 0.5, RIGHT_JUMP, anywhere)
            self.frames, _, ended, cut, _ = self.env.step(actions)
            self.episodes += int((ended | cut).sum())
        return time.process_time() - start[0], time.thread_time() - start[1]


def cut_short(rule: Placement, clock: int) -> Placement:
    """The rule in levels whose clock runs out after so many steps."""
    return lambda state, rng: rule(state, rng).replace(timeout=clock)


def looked_up(table: Mapping[int, GameState]) -> Placement:
    """The states that a rule made before."""
    return lambda state, rng: table[state.level_seed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", type=int, default=64)
    parser.add_argument("--steps", type=int, default=150, help="of all games, in each turn")
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--levels", type=int, default=400)
    parser.add_argument("--clock", type=int, default=80, help="steps after which an episode ends; a good policy's")
    parser.add_argument("--mode", choices=["easy", "hard"], default="easy")
    options = parser.parse_args()
    game, levels = GameOptions(distribution_mode=options.mode, use_backgrounds=False), LevelRange(0, options.levels)
    print("rule, starts ahead: steps an episode; what the rule adds to all CPU time, and to the stepping thread's")
    for text in RULES:
        edit = placement(text)
        with LevelSource(game, placement=edit) as source:
            table = {start.level_seed: start.state for start in source.starts(levels.first(options.levels))}
        for prefetch in (0, PREFETCH):
            rules = (cut_short(edit, options.clock), cut_short(looked_up(table), options.clock))
            with_rule, without = (Played(game, rule, levels, options.games, prefetch) for rule in rules)
            ratios = []
            for turn in range(options.turns + 1):
                pair = (with_rule, without) if turn % 2 else (without, with_rule)
                taken = {one: one.play(options.steps) for one in pair}
                assert np.array_equal(with_rule.frames, without.frames), "they must play the same episodes"
                ratios.append([a / b - 1 for a, b in zip(taken[with_rule], taken[without], strict=True)])
            cpu, own = (statistics.median(column) for column in zip(*ratios[1:], strict=True))  # the first warms up
            length = options.games * options.steps * len(ratios) / max(1, with_rule.episodes)
            print(f"{text:24s} {prefetch}   {length:4.0f}   {cpu:+6.1%}   {own:+6.1%}", flush=True)
            for one in (with_rule, without):
                one.env.close()


if __name__ == "__main__":
    main()
