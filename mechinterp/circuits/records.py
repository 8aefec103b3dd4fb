"""Results as JSON: text, and files that are there whole or not at all."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

from mechinterp._files import parse_json, read_text, write_text
from mechinterp.circuits.errors import CircuitError
from mechinterp.errors import MechinterpError


class Record:
    """What is written to JSON and read back, without loss."""

    WHAT: ClassVar[str]
    """What it is, in an error: "effects"."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""

    @classmethod
    @abstractmethod
    def _from_dict(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_dict`; any error means that the data is not what it wrote."""

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The inverse of `to_dict`. Raises CircuitError for data that it did not write."""
        try:
            return cls._from_dict(dict(data))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, MechinterpError) as error:
            raise CircuitError(f"this is no JSON of {cls.WHAT}: {error!r}") from error

    def to_json(self) -> str:
        """As one JSON object."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str, *, where: str = "this text") -> Self:
        """The inverse of `to_json`. Raises CircuitError for text that it did not write."""
        try:
            return cls.from_dict(parse_json(text, where=where))
        except MechinterpError as error:
            raise CircuitError(f"{where}: this is no JSON of {cls.WHAT}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write `to_json` to a file, whole or not at all."""
        write_text(path, self.to_json() + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote. Raises CircuitError for a missing or foreign file."""
        if not isinstance(path, str | Path):
            raise CircuitError(f"{cls.WHAT} are loaded from a path, text or a Path, got {path!r:.80}")
        return cls.from_json(read_text(path, error=CircuitError), where=str(path))
