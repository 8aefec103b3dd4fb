"""The policy that a report is about, and how much is to be measured."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mechinterp.coinrun.engine import GameOptions
from mechinterp.policies import checkpoints
from mechinterp.policies.card import Card
from mechinterp.policies.checkpoints import WEIGHTS
from mechinterp.policies.graph import Policy
from mechinterp.policies.home import home_options
from mechinterp.policies.networks import DistillConfig, ImpalaConfig, NatureConfig
from mechinterp.reports.errors import ResultsError
from mechinterp.reports.results import Identity

SCENE_LEVELS = 500_000
"""How far into the unseen levels those for scenes lie: behaviour and scenes never share a level."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A policy, what is known of it, and the game that it plays."""

    name: str
    policy: Policy
    card: Card
    sha256: str
    options: GameOptions

    @classmethod
    def load(cls, path: str | Path, *, format: str | None = None) -> Subject:
        """Read a checkpoint folder or a foreign file; see `policies.checkpoints.read`."""
        path = Path(path)
        policy, card = checkpoints.read(path, format=format)
        policy.eval().requires_grad_(False)
        weights = path / WEIGHTS if path.is_dir() else path
        sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        name = path.resolve().name if path.is_dir() else path.stem
        return cls(name, policy, card, sha256, home_options(card))

    def identity(self) -> Identity:
        """What the report says about whom it is about."""
        source = {} if self.card.source is None else {"file": self.card.source.file, "format": self.card.source.format}
        return Identity(self.name, network_words(self.policy), self.sha256, {**self.card.provenance, **source})


@dataclass(frozen=True)
class Plan:
    """How much to measure. Everything that decides a number is here.

    Attributes:
        levels: unseen levels for behaviour; scenes come from as many others.
        seed: of every random draw.
        states: states sampled from each scene level.
        untrained: networks with random weights that make the null.
        max_steps: when an episode with a relocated coin is given up, in steps.
        channels: channels chosen at each hook point.
        random_sets: sets of random channels beside them.
        circuit_pairs: pairs that circuits are chosen on, and as many others that they are reported on.
        random_circuits: random circuits at each size.
    """

    levels: int = 200
    seed: int = 0
    states: int = 3
    untrained: int = 5
    max_steps: int = 400
    channels: int = 4
    random_sets: int = 5
    circuit_pairs: int = 60
    random_circuits: int = 6

    def __post_init__(self) -> None:
        if not 10 <= self.levels <= SCENE_LEVELS:
            raise ResultsError(f"levels: {self.levels}; a report needs 10 to {SCENE_LEVELS:,} for its intervals")

    @classmethod
    def quick(cls, *, levels: int = 40, seed: int = 0) -> Plan:
        """A first look: wide intervals, in under a minute."""
        smaller = {"untrained": 2, "random_sets": 2, "circuit_pairs": 12, "random_circuits": 3}
        return cls(levels=levels, seed=seed, states=2, max_steps=250, **smaller)


def network_words(policy: Policy) -> str:
    """The architecture in a few words, such as ``IMPALA 16-32-32, 15 actions``."""
    config = policy.config
    kinds = {ImpalaConfig: "IMPALA", NatureConfig: "Nature CNN", DistillConfig: "five-layer CNN"}
    channels = "-".join(str(width) for width in config.channels)
    return f"{kinds.get(type(config), config.kind)} {channels}, {len(policy.actions)} actions"
