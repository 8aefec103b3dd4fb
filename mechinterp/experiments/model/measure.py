"""Describe the model, and play one episode."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from mechinterp import stats
from mechinterp.coinrun.levels import LevelSource
from mechinterp.experiments.inputs.behaviour import POLICY, stock_episodes
from mechinterp.experiments.model.result import Episode, HeldOutLevels, Layer, Result, Source, Training
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.policies.actions import NAMES, groups
from mechinterp.policies.card import Card
from mechinterp.policies.graph import Policy
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.rollouts import Outcome, StepView, rollout

_BATCH = 128


@dataclass(frozen=True)
class Size:
    """How much is kept.

    Attributes:
        others: seeds that held-out levels are looked up among, where it is not recorded what training saw.
        frames: of the episode.
    """

    others: int
    frames: int = 8


SIZES = Sizes(full=Size(others=2000), quick=Size(others=400))


def measure(context: Context[Size]) -> Result:
    """The card, the layers, and one episode on the first held-out level, whatever comes of it."""
    subject = context.subject
    looks = {name: value for name, value in dataclasses.asdict(subject.options).items() if value is True}
    source = subject.card.source
    return Result(
        parameters=sum(parameter.numel() for parameter in subject.policy.parameters()),
        training=training_of(subject.card),
        source=None if source is None else Source(file=source.file, layout=source.format),
        difficulty=subject.options.distribution_mode,
        looks=tuple(name.replace("_", " ") for name in looks if name.startswith(("use", "p"))),
        layers=layers_of(subject.policy),
        episode=_episode(context),
        held_out=_held_out(context),
    )


def training_of(card: Card) -> Training | None:
    """What the card records of the training of a model organism; None where it records none."""
    provenance = card.provenance
    organism = provenance.get("organism")
    if organism is None:
        return None
    return Training(
        organism=organism["name"],
        seed=provenance["seed"],
        placement=organism["placement"],
        goal=organism["goal"],
        steps=provenance["steps"],
    )


def layers_of(policy: Policy) -> tuple[Layer, ...]:
    """Every hook point with its module, in running order."""
    modules = dict(policy.named_modules())
    return tuple(
        Layer(
            hook=node.name,
            module=type(modules[node.module]).__name__,
            shape=tuple(policy.shapes[node.name]),
            parameters=sum(parameter.numel() for parameter in modules[node.module].parameters()),
        )
        for node in policy.nodes
    )


def _held_out(context: Context[Size]) -> HeldOutLevels:
    subject = context.subject
    held_out, alike, others = subject.held_out("behaviour", context.plan.levels), None, 0
    if subject.seen is None:
        others = context.size.others
        context.tick(f"looking levels up among {others:,} other seeds")
        with LevelSource(subject.options) as source:
            there = {source.identity(seed) for seed in LEVELS["training"].first(others)}
            hits = [source.identity(seed) in there for seed in held_out.seeds]
        alike = stats.proportion(hits, name=f"held-out levels that are among {others} other seeds", unit="levels")
    return HeldOutLevels(
        levels=held_out.levels,
        repeated=held_out.repeated,
        seen=held_out.share_seen,
        alike=alike,
        others=others,
        exact=subject.seen is None or subject.seen.exact,
    )


def _episode(context: Context[Size]) -> Episode:
    subject, seed = context.subject, context.plan.seed
    source = LevelSource(subject.options, seed=seed)
    try:
        start = source.start(subject.held_out("behaviour", 1).seeds[0])
    finally:
        source.close()
    actor, _ = context.inputs(stock_episodes).actors[POLICY]
    views: list[StepView] = []
    episodes = rollout(actor, [start], seed=seed, observers=[views.append])
    frames = np.stack([view.frame for view in views])
    shown = np.unique(np.linspace(0, len(views) - 1, context.size.frames).round().astype(int))
    p_right, p_jump, value = _outputs(subject.policy, frames)
    return Episode(
        level=start.level_seed,
        outcome=Outcome(episodes.outcome[0]).name.lower(),
        actions=tuple(NAMES[view.action] for view in views),
        p_right=p_right,
        p_jump=p_jump,
        value=value,
        shown=tuple(shown.tolist()),
        frames=frames[shown],
    )


@torch.no_grad()
def _outputs(policy: Policy, frames: UInt8[np.ndarray, "frames 64 64 3"]) -> tuple[Float32[np.ndarray, " frames"], ...]:
    """P(right), P(jump) and the value of each frame."""
    outputs = [policy(torch.from_numpy(frames[at : at + _BATCH])) for at in range(0, len(frames), _BATCH)]
    parts = groups(torch.cat([output.logits for output in outputs]), policy.actions)
    values = torch.cat([output.value for output in outputs])
    return tuple(column.float().numpy() for column in (parts.movement[:, 2], parts.press[:, 0], values))
