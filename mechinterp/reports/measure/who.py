"""Section 1: which network this is, and frames of it playing."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from mechinterp.coinrun.levels import LevelSource
from mechinterp.policies.actions import NAMES, groups
from mechinterp.policies.actors import PolicyActor
from mechinterp.policies.graph import Policy
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.rollouts import Outcome, StepView, rollout
from mechinterp.reports.measure.subject import Plan, Subject
from mechinterp.reports.section import Section, Table

FILM_FRAMES = 8


def who(subject: Subject, plan: Plan) -> Section:
    """The card, the layers, and one episode on the first unseen level, whatever comes of it."""
    source = LevelSource(subject.options, seed=plan.seed)
    try:
        start = source.start(LEVELS["behaviour"].start)
    finally:
        source.close()
    views: list[StepView] = []
    episodes = rollout(PolicyActor(subject.policy), [start], seed=plan.seed, observers=[views.append])
    frames = np.stack([view.frame for view in views])
    p_right, p_jump, value = _says(subject.policy, frames)
    shown = np.unique(np.linspace(0, len(views) - 1, FILM_FRAMES).round().astype(int))
    film = [
        {"step": views[i].step, "action": NAMES[views[i].action], "p_right": p_right[i], "value": value[i]}
        for i in shown
    ]
    episode = [
        {"step": view.step, "p_right": p_right[i], "p_jump": p_jump[i], "value": value[i]}
        for i, view in enumerate(views)
    ]
    return Section(
        name="who",
        tables={
            "card": Table(("item", "value"), tuple(_card(subject))),
            "layers": Table.of(_layers(subject.policy)),
            "film": Table.of(film),
            "episode": Table.of(episode),
        },
        arrays={"film": frames[shown]},
        facts={"film_level": start.level_seed, "film_ending": Outcome(episodes.outcome[0]).name.lower()},
    )


def _says(policy: Policy, frames: np.ndarray) -> tuple[list[float], list[float], list[float]]:
    with torch.no_grad():
        outputs = [policy(torch.from_numpy(frames[at : at + 128])) for at in range(0, len(frames), 128)]
    parts = groups(torch.cat([output.logits for output in outputs]), policy.actions)
    values = torch.cat([output.value for output in outputs])
    return parts.movement[:, 2].tolist(), parts.press[:, 0].tolist(), values.tolist()


def _card(subject: Subject) -> list[tuple[str, str]]:
    card, options = subject.card, subject.options
    weights = sum(parameter.numel() for parameter in subject.policy.parameters())
    rows = [("weights", f"{weights:,}")]
    organism = card.provenance.get("organism")
    if organism is not None:
        rows += [
            ("trained as", f"organism {organism['name']}, seed {card.provenance['seed']}"),
            ("training levels", f"placement {organism['placement']}, goal {organism['goal']}"),
            ("trained for", f"{card.provenance['steps']:,} steps"),
        ]
    if card.source is not None:
        rows += [("came from", f"{card.source.file}, layout {card.source.format}; its training is not recorded")]
    looks = [
        name for name, value in dataclasses.asdict(options).items() if value is True and name.startswith(("use", "p"))
    ]
    shown = ", ".join(name.replace("_", " ") for name in looks) or "plain looks, no backgrounds"
    return [*rows, ("game here", f"{options.distribution_mode} levels; {shown}")]


def _layers(policy: Policy) -> list[dict[str, object]]:
    modules = dict(policy.named_modules())
    rows = []
    for node in policy.nodes:
        module = modules[node.module]
        shape = " x ".join(str(size) for size in policy.shapes[node.name]) or "1"
        count = sum(parameter.numel() for parameter in module.parameters())
        rows.append({"hook": node.name, "computes": type(module).__name__, "shape": shape, "parameters": count})
    return rows
