"""What nulls of untrained networks have in common: the same measurement of networks with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from mechinterp.features.errors import FeatureError

Measured = TypeVar("Measured")


@dataclass(frozen=True, eq=False, repr=False)
class RandomNetworks(Generic[Measured]):
    """One measurement of several networks with random weights.

    Attributes:
        networks: what was measured of each.
    """

    networks: tuple[Measured, ...]

    def __post_init__(self) -> None:
        if not self.networks:
            raise FeatureError("a null needs at least one network with random weights")

    def __len__(self) -> int:
        return len(self.networks)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} untrained networks; {self.networks[0]!r})"
