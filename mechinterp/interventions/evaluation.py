"""What a policy does over whole episodes, as it is or under edits: `evaluate`.

With edits, the policy plays every level twice, with and without them, drawing the same random numbers; differences are
paired by level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from mechinterp import stats
from mechinterp.coinrun.goals import REWARD, Goal, Payoff
from mechinterp.coinrun.scenes import render
from mechinterp.interventions.actors import EditedActor
from mechinterp.interventions.edits import Ablate, Edit
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.rollouts import rollout_each
from mechinterp.interventions.sites import Site
from mechinterp.policies.actors import PolicyActor
from mechinterp.policies.evaluation import Trial, mean_return, starts_of
from mechinterp.policies.graph import Policy
from mechinterp.policies.rollouts import Episodes, Outcome, check_playing
from mechinterp.policies.subject import Subject, as_subject
from mechinterp.stats import Estimate
from mechinterp.training.examination import (
    Examination,
    check_levels,
    examine,
    paid_for,
    placements_of,
    play_placements,
    rules_of,
)

T = TypeVar("T")

WITHOUT = "without edits"
_BATCH = 128


def evaluate(
    subject: Subject,
    *,
    edits: Edit | Sequence[Edit] = (),
    placements: str | Sequence[str] | None = None,
    levels: int = 200,
    max_steps: int = 1000,
    greedy: bool = False,
    seed: int = 0,
    num_envs: int = 64,
    tick: Callable[[str], None] = lambda words: None,
) -> Examination:
    """Play one whole episode on each of so many held-out levels, under each placement.

    As it is, a policy is compared with the rule "always right + jump", and without `placements` it also makes the
    choice tests. Under edits it is compared with itself without them.

    Args:
        edits: what is done to the activations, such as ``Ablate("block2.res1.hook_out", (3, 17))``.
        placements: a rule, such as "left_of_agent", or several; by default where it was trained, and those of
            `examination`.
        levels: how many levels for behaviour.
        max_steps: when an episode is given up, in steps.
        greedy: take the likeliest action instead of sampling.
        seed: random seed of placements and actions.
        num_envs: games at the same time; changes the speed only.
        tick: told in words what is being done.

    Raises:
        UnknownHook, InterventionError: edits that do not fit the network.
        PlacementError: an unknown placement, or none.
        TrainingError: levels out of range.
        PolicyError: no `Subject`, or other numbers out of range.

    Without two channels of a layer (few levels and steps, to be quick; the differences are paired by level):

    >>> import mechinterp as mi
    >>> subject = mi.load("checkpoints/coin")
    >>> edits = mi.mean_ablation(subject, mi.Site("block2.hook_pool", (3, 17)), levels=4)
    >>> found = mi.evaluate(subject, edits=edits, placements=["left_of_agent"], levels=4, max_steps=30)
    >>> found.to_frame()["name"].head(3).tolist()
    ['return', 'return/without edits', 'return/difference']
    """
    subject, edits = as_subject(subject), _several(edits, Edit, "edits", "Ablate('block2.res1.hook_out', (3, 17))")
    check_levels(levels)
    check_playing(max_steps=max_steps, num_envs=num_envs, seed=seed)
    how = {"levels": levels, "max_steps": max_steps, "seed": seed, "num_envs": num_envs, "tick": tick}
    if not edits:
        actor = PolicyActor(subject.policy, greedy)
        if placements is None:
            return examine(actor, subject.card, seen=subject.seen, **how)
        return play_placements(actor, subject.card, placements, seen=subject.seen, **how)
    EditedActor(subject.policy, edits)  # what does not fit is told before anything is played
    rules = placements_of(subject.card) if placements is None else rules_of(placements)
    trials = {rule: Trial.under(rule, max_steps=max_steps, pays=paid_for(subject.card, rule)) for rule in rules}
    played = {}
    for rule, trial in trials.items():
        tick(f"placement {rule}")
        played[rule] = _compared(subject, edits, trial, levels, greedy=greedy, seed=seed, num_envs=num_envs)
    return Examination(levels, played, held_out=subject.held_out("behaviour", levels))


def mean_ablation(
    subject: Subject, sites: Site | Sequence[Site], *, levels: int = 40, per_level: int = 3, seed: int = 0
) -> tuple[Ablate, ...]:
    """Ablations that put in the mean over frames that the subject itself meets, cell by cell.

    Args:
        sites: what is ablated.
        levels, per_level, seed: of the states, see `Subject.states`.
    """
    subject, sites = as_subject(subject), _several(sites, Site, "sites", "Site('block2.res1.hook_out', (3, 17))")
    frames = render(subject.states(levels=levels, per_level=per_level, seed=seed, source="own"))
    hooks = list(dict.fromkeys(site.hook for site in sites))
    device = next(subject.policy.parameters()).device
    sums: dict[str, torch.Tensor] = {}
    for at in range(0, len(frames), _BATCH):
        batch = torch.from_numpy(frames[at : at + _BATCH]).to(device)
        for hook, value in subject.policy.activations(batch, hooks).items():
            total = value.double().sum(0, keepdim=True)
            sums[hook] = sums[hook] + total if hook in sums else total
    means = {hook: (total / len(frames)).float() for hook, total in sums.items()}
    return tuple(
        Ablate(site.hook, site.channels, site.positions, mode="mean", reference=means[site.hook]) for site in sites
    )


def parse_sites(text: str, policy: Policy) -> tuple[Site, ...]:
    """Sites as the command line writes them: ``HOOK`` or ``HOOK:CHANNELS``.

    Args:
        text: a hook point or a pattern, and channels such as ``3,17`` or ``0-3,9``: "block2.res1.hook_out:3,17".

    Raises:
        UnknownHook: no hook point matches.
        InterventionError: channels that are no numbers, or that a hook point does not have.
    """
    pattern, colon, listed = text.partition(":")
    channels = _channels(listed, text) if colon else None
    sites = tuple(Site(hook, channels) for hook in policy.select(pattern))
    for site in sites:
        site.check(policy.shapes[site.hook])
    return sites


def _channels(listed: str, text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in listed.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise InterventionError(f"{text!r}: channels are written like 3,17 or 0-3,9, got {listed!r}")
        if dash and int(last) < int(first):
            raise InterventionError(f"{text!r}: the range {part.strip()} runs backwards; write {last}-{first}")
        found += range(int(first), int(last if dash else first) + 1)
    return tuple(found)


def _several(given: T | Sequence[T], kind: type[T], what: str, example: str) -> tuple[T, ...]:
    """One or several as a tuple. Raises InterventionError for something else."""
    if isinstance(given, kind):
        return (given,)
    several: tuple[Any, ...] = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    for one in several:
        if not isinstance(one, kind):
            raise InterventionError(
                f"{what}: {one!r:.80} is no {kind.__name__}; give one or several, such as {example}"
            )
    return several


def _compared(
    subject: Subject,
    edits: Sequence[Edit],
    trial: Trial,
    levels: int,
    *,
    greedy: bool,
    seed: int,
    num_envs: int,
) -> list[Estimate]:
    """The policy under edits and without them on the same levels; each number, then the other, then the difference."""
    rng = np.random.default_rng([seed, levels])
    starts = starts_of(subject.held_out("behaviour", levels).seeds, trial, options=subject.options, seed=seed)
    played = rollout_each(
        subject,
        starts,
        {"edited": edits, WITHOUT: ()},
        seed=seed,
        max_steps=trial.max_steps,
        stop_at=trial.stop_at,
        greedy=greedy,
        num_envs=num_envs,
    )
    edited, plain = played["edited"], played[WITHOUT]
    bounds, by_level = (Payoff.of(trial.pays).least, REWARD), edited.level_seed
    returns = trial.earned(edited, starts), trial.earned(plain, starts)

    def difference(with_edits: np.ndarray, without: np.ndarray, name: str, ends: tuple[float, float]) -> Estimate:
        return stats.paired_difference(
            with_edits, without, name=f"{name}/difference", unit="levels", rng=rng, clusters=by_level, bounds=ends
        )

    found = [
        mean_return(returns[0], name="return", rng=rng, levels=by_level, least=bounds[0]),
        mean_return(returns[1], name=f"return/{WITHOUT}", rng=rng, levels=by_level, least=bounds[0]),
        difference(*returns, "return", bounds),
    ]
    stopped = (trial.stop_at or Goal.END).value
    shares = zip(_outcomes(edited, stopped).items(), _outcomes(plain, stopped).values(), strict=True)
    for (name, with_edits), without in shares:
        prefix = f"outcome/{name}"
        found += [
            stats.proportion(with_edits, name=prefix, unit="levels", clusters=by_level),
            stats.proportion(without, name=f"{prefix}/{WITHOUT}", unit="levels", clusters=by_level),
            difference(with_edits, without, prefix, (0, 1)),
        ]
    return found


def _outcomes(episodes: Episodes, stopped: str) -> dict[str, np.ndarray]:
    return {
        "coin": episodes.outcome == Outcome.COIN,
        stopped: episodes.outcome == Outcome.STOPPED,
        "died": episodes.died,
        "timeout": episodes.outcome == Outcome.TIMEOUT,
    }
