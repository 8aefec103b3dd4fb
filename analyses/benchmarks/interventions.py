"""What does a step cost with 32 interventions side by side, against 32 plain games?

    python analyses/benchmarks/interventions.py checkpoints/standard

Two batches of 32 games from the same starts play on, in turns: one plain, one in which every game has another
intervention (steering, ablation, projection, retargeting, edits at the coin, conditions). A step is all of it: reading
the games' states, the network, the edits, and the games' own step. The order of the two turns at every repeat; what is
reported is the median of the ratios of neighbouring times, with its quartiles.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

import mechinterp as mi
from mechinterp.coinrun import Engine, LevelSource, Start, placement
from mechinterp.interventions import (
    Ablate,
    AtObject,
    Edit,
    Grounded,
    InLevel,
    InView,
    ProjectOut,
    ProjectSubspace,
    Ramp,
    Resample,
    Retarget,
    Scale,
    Steer,
    When,
    Within,
)
from mechinterp.interventions.actors import EachActor
from mechinterp.policies import Policy
from mechinterp.policies.actors import Games
from mechinterp.policies.stages import stage_outputs

GAMES = 32


def interventions(policy: Policy) -> dict[str, Sequence[Edit]]:
    """32 of them: four kinds of place and condition, eight kinds of edit, at the stages' outputs."""
    draw = torch.Generator().manual_seed(0)
    maps = [hook for hook in stage_outputs(policy) if len(policy.shapes[hook]) == 3]
    sets: dict[str, Sequence[Edit]] = {}
    while len(sets) < GAMES:
        hook = maps[len(sets) % len(maps)]
        channels, side = policy.shapes[hook][:2]

        def random(*shape: int) -> torch.Tensor:
            return torch.randn(*shape, generator=draw)

        kinds: list[Sequence[Edit]] = [
            [Steer(hook, direction=random(channels), strength=1.0)],
            [Ablate(hook, (0, 3), mode="mean", reference=random(40, channels, side, side))],
            [ProjectOut(hook, direction=random(channels))],
            [ProjectSubspace(hook, basis=random(4, channels))],
            [Ablate(hook, positions=AtObject("coin", radius=1))],
            [Retarget(hook, template=random(channels, 3, 3), to=InLevel(9.5, 4.5))],
            [When(Scale(hook, (1, 2), factor=2.0), Within("hazard", 4) | Grounded())],
            [
                When(Steer(hook, direction=random(channels), strength=Ramp(0, 1, 0, 50)), ~InView("saw")),
                Resample(hook, (1,), reference=random(20, channels, side, side), name="noise"),
            ],
        ]
        for edits in kinds:
            sets[f"{len(sets)}: {', '.join(map(str, edits))}"] = edits
    return dict(list(sets.items())[:GAMES])


class Play:
    """A batch of games that an actor plays on and on."""

    def __init__(self, actor: EachActor, starts: Sequence[Start], now: Callable[[], float]) -> None:
        self.actor, self.engine, self.now = actor, Engine(GAMES), now
        self.engine.load({slot: start.state for slot, start in enumerate(starts)})
        self.rng, self.steps = np.random.default_rng(0), 0

    def step(self) -> float:
        """Seconds of one step of all games."""
        begun = self.now()
        states = [self.engine.state_bytes(slot) for slot in range(GAMES)]
        frames = self.engine.observe()[1]
        episodes = np.arange(GAMES)
        games = Games(states, episodes, np.full(GAMES, self.steps), episodes)
        self.engine.step(self.actor.act(frames, self.rng.random(GAMES), games))
        self.steps += 1
        return self.now() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--repeats", type=int, default=150)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="cpu: on a machine that others use")
    options = parser.parse_args()
    torch.set_num_threads(1)
    now = time.perf_counter if options.clock == "wall" else time.process_time
    subject = mi.load(options.checkpoint)
    with LevelSource(subject.options, placement=placement("random_agent_and_coin")) as source:
        starts = source.starts(mi.LEVELS["behaviour"].first(GAMES))
    sets = interventions(subject.policy)
    plain = Play(EachActor(subject.policy, {"plain": ()}), starts, now)
    each = Play(EachActor(subject.policy, sets, np.arange(GAMES)), starts, now)
    for _ in range(5):
        plain.step()
        each.step()
    ratios, base = [], []
    for repeat in range(options.repeats):
        order = (plain, each) if repeat % 2 else (each, plain)
        taken = {play: play.step() for play in order}
        ratios.append(taken[each] / taken[plain])
        base.append(taken[plain])
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    print(f"{subject!r}: {GAMES} plain games {1e3 * np.median(base):.1f} ms a step")
    print(
        f"{GAMES} interventions: {middle:.3f} times that (quartiles {low:.3f} to {high:.3f}, n = {len(ratios)} steps)"
    )


if __name__ == "__main__":
    main()
