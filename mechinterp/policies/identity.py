"""What a result says about whom it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mechinterp._text import visible
from mechinterp.policies.errors import PolicyError


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
            if visible(value) != value:
                raise PolicyError(
                    f"identity.{key} {value!r} has bytes that are not UTF-8, or that cannot be seen; give the "
                    "checkpoint another name"
                )
