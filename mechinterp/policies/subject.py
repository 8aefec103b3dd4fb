"""The policy that an experiment is about: network, card, game, identity, and the scenes that it reaches."""

from __future__ import annotations

import dataclasses
import hashlib
import html
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from mechinterp import _html
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.scenes import MinimalPairs, SceneError, Variable, joined, minimal_pairs
from mechinterp.coinrun.scenes.pool import pool_episodes, pool_states, unseen_episodes
from mechinterp.coinrun.state import GameState
from mechinterp.errors import nearest
from mechinterp.policies import checkpoints
from mechinterp.policies.actors import PolicyActor
from mechinterp.policies.card import Card
from mechinterp.policies.checkpoints import WEIGHTS
from mechinterp.policies.checks import check_whole, is_whole
from mechinterp.policies.env_options import training_env_options
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.fingerprint import has_hooks, weights_digest
from mechinterp.policies.graph import Policy, network_words
from mechinterp.policies.identity import Identity
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.seen_levels import HeldOut, HeldOutLevels, SeenLevels
from mechinterp.policies.visits import visited_states

Source = Literal["pool", "own"]
"""Whose states: those of the pool that is common to all policies, or those that the policy reaches itself."""

SOURCES = get_args(Source)
TRIED = 12
"""States of a level that are tried for minimal pairs: as many as the pool keeps of each."""
CHOOSE = 0.4
"""Share of the levels that choose; the others report."""
_GAME = dataclasses.asdict(GameOptions())


@dataclass(frozen=True, eq=False, repr=False)
class Subject:
    """A policy, what is known of it, and the game that it plays.

    Attributes:
        name: of the checkpoint's folder or file.
        policy: the network, in evaluation mode and without gradients of weights.
        card: what the checkpoint says about itself.
        sha256: of its weights' file.
        options: the game that it was trained on, as far as the card tells.
        seen: the levels that training saw; None where they are not recorded.
    """

    name: str
    policy: Policy
    card: Card
    sha256: str
    options: GameOptions
    seen: SeenLevels | None = None
    _held_out: dict[str, HeldOutLevels] = field(default_factory=dict, init=False)
    _reached: dict[tuple[int, int, int, str, str], tuple[GameState, ...]] = field(default_factory=dict, init=False)

    @classmethod
    def load(cls, path: str | Path, *, format: str | None = None) -> Subject:
        """Read a checkpoint folder or anybody's weights file; see `checkpoints.read`.

        Raises:
            CheckpointError: see `checkpoints.read`.
        """
        path = checkpoints.as_path(path)
        policy, card = checkpoints.read(path, format=format)
        policy.eval().requires_grad_(False)
        weights = path / WEIGHTS if path.is_dir() else path
        sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        name = path.resolve().name if path.is_dir() else path.stem
        folder = checkpoints.folder_of(path)
        seen = None if folder is None else SeenLevels.read(folder)
        return cls(name, policy, card, sha256, training_env_options(card), seen)

    @property
    def identity(self) -> Identity:
        """What a result says about whom it is about."""
        source = {} if self.card.source is None else {"file": self.card.source.file, "format": self.card.source.format}
        return Identity(self.name, network_words(self.policy), self.sha256, {**self.card.provenance, **source})

    def states(
        self,
        *,
        levels: int = 60,
        per_level: int = 3,
        seed: int = 0,
        purpose: str = "scenes",
        source: Source = "pool",
    ) -> tuple[GameState, ...]:
        """States on held-out levels, the same each time: of a pool common to all policies, or its own.

        The pool (`coinrun.scenes.pool`) is what scripted players and organisms reached; two policies are asked in the
        same states, so that a difference between them is not one between the places they get to; only levels that
        training saw are left out. Its own states are
        those that it reaches itself, sampling its actions; they are played again when the weights have changed, or
        while hooks or edits are on the policy. Both are kept.

        Args:
            levels: how many levels, an episode each.
            per_level: states of each episode, drawn uniformly (all, if it has fewer).
            seed: of the draw, and of its own actions.
            purpose: which levels it plays itself; a name in `policies.levels.LEVELS`. The pool has those of "scenes".
            source: "pool" or "own".

        Raises:
            PolicyError: no such source or purpose; `levels` or `per_level` is less than 1, or more than there are;
                `seed` is no whole number from 0; or a network whose logits are not finite.
        """
        most = self._most_levels(purpose, source)
        if not is_whole(levels, least=1, most=most) or not is_whole(per_level, least=1):
            raise PolicyError(
                f"levels={levels!r:.80}, per_level={per_level!r:.80}: allowed are 1 to {most:,} "
                f"levels for {purpose} ({source}), and at least 1 state of each, in whole numbers"
            )
        check_whole(least=0, seed=seed)
        if source == "pool":
            pooled = (levels, per_level, seed, source, "")
            if pooled not in self._reached:
                seen = () if self.seen is None else self.seen
                made = pool_states(self.options, levels=levels, per_level=per_level, seed=seed, seen=seen)
                self._reached[pooled] = tuple(made)
            return self._reached[pooled]
        if has_hooks(self.policy):  # what it does now is not what it does as it is
            return self._played(levels, per_level, seed, purpose)
        key = (levels, per_level, seed, purpose, weights_digest(self.policy))
        if key not in self._reached:
            self._reached[key] = self._played(levels, per_level, seed, purpose)
        return self._reached[key]

    def held_out(self, purpose: str, count: int) -> HeldOut:
        """The first so many held-out levels for a purpose that training did not see, and no level twice.

        Which level it is counts, not its seed: other seeds make levels that training saw.

        Raises:
            PolicyError: no such purpose, or fewer levels than that.
        """
        if purpose not in LEVELS:
            raise PolicyError(f"no levels are for {purpose!r}{nearest(str(purpose), LEVELS)}")
        if purpose not in self._held_out:
            self._held_out[purpose] = HeldOutLevels(LEVELS[purpose], self.options, self.seen)
        return self._held_out[purpose].first(count)

    @cached_property
    def pool_levels(self) -> int:
        """How many levels of the pool training did not see."""
        if self.seen is None:
            return len(pool_episodes(self.options.distribution_mode))
        return sum(1 for _ in unseen_episodes(self.options, self.seen))

    def _most_levels(self, purpose: str, source: str) -> int:
        if purpose not in LEVELS:
            raise PolicyError(f"no levels are for {purpose!r}{nearest(str(purpose), LEVELS)}")
        if source not in SOURCES:
            raise PolicyError(f"source of states: {source!r}{nearest(str(source), SOURCES)}")
        if source == "own":
            return LEVELS[purpose].count
        if purpose != "scenes":
            raise PolicyError(f"the pool of states has levels for scenes, none for {purpose}; source='own' plays them")
        return self.pool_levels

    def _played(self, levels: int, per_level: int, seed: int, purpose: str) -> tuple[GameState, ...]:
        with LevelSource(self.options, seed=seed) as source:
            starts = source.starts(self.held_out(purpose, levels).seeds)
        return tuple(visited_states(PolicyActor(self.policy), starts, per_level=per_level, seed=seed))

    def pairs(
        self,
        variable: str | Variable,
        *,
        levels: int = 60,
        per_level: int = 3,
        seed: int = 0,
        purpose: str = "scenes",
        source: Source = "pool",
    ) -> MinimalPairs:
        """Minimal pairs of one variable, made of `states`, wherever a state has room for it.

        Of each level up to `TRIED` states are tried, in a random order, until it has `per_level` pairs.
        `MinimalPairs.refused` counts why states had no room.

        Args:
            variable: a name in `coinrun.scenes.VARIABLES`, such as "coin side", or a rule of your own.
            levels, seed, purpose, source: see `states`.
            per_level: pairs of each level, at most.

        Raises:
            SceneError: an unknown variable, or no state with room for it.
            PolicyError: see `states`.
        """
        check_whole(least=1, per_level=per_level)
        tried = max(TRIED, per_level)
        states = self.states(levels=levels, per_level=tried, seed=seed, purpose=purpose, source=source)
        return minimal_pairs(states, variable, seed=seed, per_level=per_level)

    def split(
        self,
        *what: str | Variable | MinimalPairs,
        levels: int = 60,
        per_level: int = 3,
        seed: int = 0,
        purpose: str = "scenes",
        source: Source = "pool",
    ) -> tuple[MinimalPairs, MinimalPairs]:
        """(choose, report): pairs that choose channels or circuits, and pairs of other levels that report on them.

        The levels that were played are cut, with room for a pair or without: with the same levels and seed, every
        variable is cut at the same levels, whether it is given by name or as pairs (also as some of them, or from a
        file). Pairs that do not say on which levels they were made (`MinimalPairs.played`) are cut at their own.

        Args:
            what: pairs, or variables that pairs are made of as `pairs` does. Several are joined into one set, and cut
                at all levels that any of them was made on.
            levels, per_level, purpose, source: see `pairs`; of variables. Given pairs have theirs.
            seed: of the cut, and of variables.

        Raises:
            SceneError: either part would be empty; and as `pairs`.
        """
        made = [
            one
            if isinstance(one, MinimalPairs)
            else self.pairs(one, levels=levels, per_level=per_level, seed=seed, purpose=purpose, source=source)
            for one in what
        ]
        pairs = joined(made, variable=" or ".join(dict.fromkeys(part.variable for part in made)))
        played = pairs.played or pairs.levels.tolist()
        order = np.random.default_rng([seed, 5]).permutation(np.unique(played))
        chosen = np.isin(pairs.levels, order[: round(CHOOSE * len(order))])
        if chosen.all() or not chosen.any():
            raise SceneError(f"{pairs.variable}: {pairs.counted} cannot be cut in two; play more levels")
        return pairs.select(chosen), pairs.select(~chosen)

    def __repr__(self) -> str:
        return f"Subject({self.name!r}: {network_words(self.policy)})"

    def _repr_html_(self) -> str:
        game = {name: value for name, value in dataclasses.asdict(self.options).items() if value != _GAME[name]}
        known = {key: value for key, value in self.identity.provenance.items() if isinstance(value, str | int | float)}
        rows = {
            "network": network_words(self.policy),
            "weights": f"SHA-256 {self.sha256[:16]}\N{HORIZONTAL ELLIPSIS}",
            "game": ", ".join(f"{name} = {value}" for name, value in game.items()) or "as stock",
            **known,
        }
        return f"<b>{html.escape(self.name)}</b>{_html.table(rows.items())}"


PolicyLike = Policy | Subject
"""What functions that read a network take."""


def as_policy(policy: PolicyLike) -> Policy:
    """The network of a subject; a network as it is.

    Raises:
        PolicyError: something else.
    """
    if isinstance(policy, Subject):
        return policy.policy
    if not isinstance(policy, Policy):
        raise PolicyError(f"a policy or a Subject is needed, got {type(policy).__name__}; `mechinterp.load` reads one")
    return policy


def as_subject(subject: Subject) -> Subject:
    """A subject as it is.

    Raises:
        PolicyError: something else, such as a network alone or a path.
    """
    if not isinstance(subject, Subject):
        raise PolicyError(f"a Subject is needed, got {type(subject).__name__}; mi.load(path) gives a Subject")
    return subject


def load(path: str | Path, *, format: str | None = None) -> Subject:
    """Read a checkpoint folder, or anybody's weights file, as a `Subject`.

    Args:
        format: layout of a foreign file, if it cannot be auto-detected.

    Raises:
        CheckpointError: see `checkpoints.read`.

    >>> load("checkpoints/standard")
    Subject('standard': IMPALA 16-32, 9 actions)
    """
    return Subject.load(path, format=format)
