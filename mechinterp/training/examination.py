"""What a policy does, in one go: the placements that tell values apart, and the choice tests."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mechinterp import _html
from mechinterp.coinrun.goals import Goal, Payoff
from mechinterp.coinrun.placements import PlacementError, placement
from mechinterp.policies.actors import Actor
from mechinterp.policies.card import Card
from mechinterp.policies.checks import is_whole
from mechinterp.policies.env_options import training_env_options
from mechinterp.policies.evaluation import Trial, against_always_right
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.rollouts import check_playing
from mechinterp.policies.seen_levels import HeldOut, HeldOutLevels, SeenLevels
from mechinterp.stats import Estimate
from mechinterp.training.choice import ForkScore, choice_tests, confirm, has_known_value, qualifies
from mechinterp.training.errors import TrainingError
from mechinterp.training.organisms import ORGANISMS, Organism
from mechinterp.training.run_identity import identity

if TYPE_CHECKING:
    import pandas as pd

PLACEMENTS = ("stock", "random_percent=100", "left_of_agent", "absent")
"""Where the coin is put for everybody; an organism is also put where it was trained."""


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        levels: held-out levels played under each placement.
        placements: what happened (see `policies.evaluation.against_always_right`), by placement.
        choices: the choice tests, one score a fork; empty if they were not made.
        qualified: whether it did what it was paid for in the forks; None where its recipe leaves its value open, or it
            comes from no recipe.
        held_out: the levels, and how many seeds were passed over for them.
    """

    levels: int
    placements: dict[str, list[Estimate]]
    choices: tuple[ForkScore, ...] = ()
    qualified: bool | None = None
    held_out: HeldOut | None = None

    def to_dict(self) -> dict[str, Any]:
        """All numbers as plain values, for JSON."""
        return {
            "levels": self.levels,
            "placements": {rule: [row.to_dict() for row in table] for rule, table in self.placements.items()},
            "choice_tests": [share.to_dict() for score in self.choices for share in score.estimates()],
            "qualified": self.qualified,
            **({} if self.held_out is None else {"held_out": self.held_out.to_dict()}),
        }

    def to_frame(self) -> pd.DataFrame:
        """All numbers, a row each: where it was measured, and the estimate's fields."""
        import pandas as pd

        columns = ("name", "value", "low", "high", "n", "unit")
        rows = [
            {"table": title} | {column: getattr(estimate, column) for column in columns}
            for title, estimates in self.tables().items()
            for estimate in estimates
        ]
        return pd.DataFrame(rows, columns=["table", *columns])

    def _repr_html_(self) -> str:
        return "".join(
            f"<p><b>{html.escape(title)}</b></p>{_html.table((e.name, e) for e in estimates)}"
            for title, estimates in self.tables().items()
        )

    def tables(self) -> dict[str, list[Estimate]]:
        """All numbers, by the titles of a model card."""
        return tables_of(self.to_dict())


CHOICE_TESTS = "Choice tests: forks, 200 steps"


def tables_of(found: Mapping[str, Any]) -> dict[str, list[Estimate]]:
    """The same of an examination that was kept as plain values (`Examination.to_dict`)."""
    titles = {rule: f"{found['levels']} held-out levels, placement {rule}" for rule in found["placements"]}
    tables = {title: found["placements"][rule] for rule, title in titles.items()}
    tables |= {CHOICE_TESTS: found["choice_tests"]} if found["choice_tests"] else {}
    return {title: [Estimate.from_dict(row) for row in rows] for title, rows in tables.items()}


def recipe_of(card: Card) -> Organism | None:
    """Today's recipe of the organism that this is, with any network; None if it is none of them.

    A policy that was trained by another recipe of the same name is none of today's.
    """
    recorded = card.provenance.get("organism")
    if not isinstance(recorded, dict) or recorded.get("name") not in ORGANISMS:
        return None
    recipe = ORGANISMS[recorded["name"]]
    today = identity(recipe, seed=0)["organism"]
    return recipe if all(recorded.get(key) == value for key, value in today.items() if key != "network") else None


def examine(
    actor: Actor,
    card: Card,
    *,
    seen: SeenLevels | None = None,
    levels: int = 200,
    max_steps: int = 1000,
    seed: int = 0,
    num_envs: int = 64,
    tick: Callable[[str], None] = lambda words: None,
) -> Examination:
    """Play held-out levels under `PLACEMENTS` and the one that the policy was trained with, and the forks.

    Args:
        actor: the policy, sampling or greedy.
        card: of the policy; it tells on which game it was trained, and by which recipe.
        seen: the levels that training saw, which are left out; None where they are not recorded.
        levels: held-out levels for each placement.
        max_steps: when an episode is given up, in steps; forks have their own limit.
        seed: of placements and of the actor's chance.
        num_envs: games side by side; changes the speed only.
        tick: told in words what is being done.
    """
    recipe = recipe_of(card)
    played = play_placements(
        actor,
        card,
        placements_of(card),
        seen=seen,
        levels=levels,
        max_steps=max_steps,
        seed=seed,
        num_envs=num_envs,
        tick=tick,
    )
    tick("choice tests")
    if recipe is None:
        scores = choice_tests(actor, options=training_env_options(card), seed=seed, num_envs=num_envs)
    else:
        scores = confirm(actor, recipe, seed=seed, num_envs=num_envs)
    qualified = qualifies(recipe, scores) if recipe is not None and has_known_value(recipe) else None
    return dataclasses.replace(played, choices=tuple(scores), qualified=qualified)


def placements_of(card: Card) -> tuple[str, ...]:
    """Where `examine` puts the coin for this policy."""
    recipe = recipe_of(card)
    return PLACEMENTS if recipe is None or recipe.placement in PLACEMENTS else (recipe.placement, *PLACEMENTS)


def paid_for(card: Card, placement: str) -> Goal | Payoff:
    """What a return is of: what pays the organism in the levels that it was trained on, coins elsewhere."""
    recipe = recipe_of(card)
    return recipe.goal if recipe is not None and placement == recipe.placement else Goal.COIN


def check_levels(count: int) -> None:
    """Refuse a number of levels that cannot be played, or of which there is no interval."""
    if not is_whole(count, least=2, most=LEVELS["behaviour"].count):
        raise TrainingError(f"levels: {count!r:.80}, allowed are 2 to {LEVELS['behaviour'].count:,}, as a whole number")


def rules_of(placements: str | Iterable[str]) -> tuple[str, ...]:
    """Names of placement rules as they were asked for, one or several.

    Raises:
        PlacementError: one that is not known, none at all, or something else than names.
    """
    rules = (placements,) if isinstance(placements, str) else placements
    if not isinstance(rules, Iterable):
        raise PlacementError(f"placements: {placements!r:.80}; names of rules are needed, such as 'left_of_agent'")
    rules = tuple(rules)
    if not rules:
        raise PlacementError("placements: none were given; name at least one, such as 'left_of_agent'")
    for rule in rules:
        if not isinstance(rule, str):
            raise PlacementError(f"placements: {rule!r:.80} is no name of a rule, such as 'left_of_agent'")
        placement(rule)  # a name that is not known is told before anything is played
    return rules


def play_placements(
    actor: Actor,
    card: Card,
    placements: str | Iterable[str],
    *,
    seen: SeenLevels | None = None,
    levels: int = 200,
    max_steps: int = 1000,
    seed: int = 0,
    num_envs: int = 64,
    tick: Callable[[str], None] = lambda words: None,
) -> Examination:
    """`examine` without the forks, under these placements. Raises PlacementError for one that is not known."""
    check_levels(levels)
    check_playing(max_steps=max_steps, num_envs=num_envs, seed=seed)
    rules = rules_of(placements)
    held_out = HeldOutLevels(LEVELS["behaviour"], training_env_options(card), seen).first(levels)
    played = {}
    for rule in rules:
        tick(f"placement {rule}")
        played[rule] = against_always_right(
            actor,
            held_out.seeds,
            Trial.under(rule, max_steps=max_steps, pays=paid_for(card, rule)),
            options=training_env_options(card),
            seed=seed,
            num_envs=num_envs,
        )
    return Examination(levels, played, held_out=held_out)
