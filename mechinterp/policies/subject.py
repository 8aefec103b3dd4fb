"""The policy that an experiment is about: network, card, game and identity in one object."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mechinterp.coinrun.engine import GameOptions
from mechinterp.policies import checkpoints
from mechinterp.policies.card import Card
from mechinterp.policies.checkpoints import WEIGHTS
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.graph import Policy
from mechinterp.policies.home import home_options
from mechinterp.policies.networks import DistillConfig, ImpalaConfig, NatureConfig


@dataclass(frozen=True)
class Identity:
    """Which policy a result is about.

    Attributes:
        name: of the checkpoint, as people say it: "standard".
        network: its architecture in a few words: "IMPALA 16-32-32, 15 actions".
        sha256: of its weights' file.
        provenance: who trained it, on what, with which command; anything that JSON holds.
    """

    name: str
    network: str
    sha256: str
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("name", "network", "sha256"):
            value = getattr(self, key)
            if not isinstance(value, str) or not value.strip():
                raise PolicyError(f"identity.{key} must be a text that is not empty, got {value!r}")


@dataclass(frozen=True, eq=False)
class Subject:
    """A policy, what is known of it, and the game that it plays.

    Attributes:
        name: of the checkpoint's folder or file.
        policy: the network, in evaluation mode and without gradients of weights.
        card: what the checkpoint says about itself.
        sha256: of its weights' file.
        options: the game that it was trained on, as far as the card tells.
    """

    name: str
    policy: Policy
    card: Card
    sha256: str
    options: GameOptions

    @classmethod
    def load(cls, path: str | Path, *, format: str | None = None) -> Subject:
        """Read a checkpoint folder or anybody's weights file; see `checkpoints.read`.

        Raises:
            CheckpointError: see `checkpoints.read`.
        """
        path = Path(path)
        policy, card = checkpoints.read(path, format=format)
        policy.eval().requires_grad_(False)
        weights = path / WEIGHTS if path.is_dir() else path
        sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        name = path.resolve().name if path.is_dir() else path.stem
        return cls(name, policy, card, sha256, home_options(card))

    @property
    def identity(self) -> Identity:
        """What a result says about whom it is about."""
        source = {} if self.card.source is None else {"file": self.card.source.file, "format": self.card.source.format}
        return Identity(self.name, network_words(self.policy), self.sha256, {**self.card.provenance, **source})


def network_words(policy: Policy) -> str:
    """The architecture in a few words, such as ``IMPALA 16-32-32, 15 actions``."""
    config = policy.config
    kinds = {ImpalaConfig: "IMPALA", NatureConfig: "Nature CNN", DistillConfig: "five-layer CNN"}
    channels = "-".join(str(width) for width in config.channels)
    return f"{kinds.get(type(config), config.kind)} {channels}, {len(policy.actions)} actions"
