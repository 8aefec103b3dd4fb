"""Keep what is done: each result is written as soon as it is measured, and found again after an interruption."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mechinterp._files import FileError, read_json, write_text
from mechinterp.experiments.fields import Record
from mechinterp.experiments.results import read_section
from mechinterp.experiments.slice import Slice
from mechinterp.reporting.errors import ResultsError

PARTIAL = "results.partial"


@dataclass(frozen=True)
class Key:
    """What a result depends on: any change of it makes it be measured again.

    Attributes:
        checkpoint: SHA-256 of the weights.
        configuration: everything that decides the numbers: plan, size, game options. Plain JSON.
        code: version of the code, such as `code_version()`.
    """

    checkpoint: str
    configuration: Mapping[str, Any]
    code: str

    @property
    def digest(self) -> str:
        """A text that is the same for equal keys alone."""
        text = json.dumps([self.checkpoint, dict(self.configuration), self.code], sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


class Store:
    """The folder ``results.partial`` of a report, one file a slice."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder) / PARTIAL

    def get(self, one: Slice, key: Key) -> Record | None:
        """The result kept under this key; None if there is none, or if its file is damaged or of another key."""
        path = self.folder / f"{one.name}.json"
        if not path.is_file():
            return None
        try:
            content = read_json(path)
            if not isinstance(content, dict) or content.get("key") != key.digest:
                return None
            return read_section(one, content.get("result"), where=str(path))
        except (FileError, ResultsError):
            return None  # nothing that can be trusted is there: measuring again mends it

    def put(self, one: Slice, key: Key, result: Record) -> None:
        """Write a result, at once or not at all."""
        content = {"key": key.digest, "result": result.model_dump(mode="json")}
        write_text(
            self.folder / f"{one.name}.json",
            json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":")),
        )

    def forget(self) -> None:
        """Delete what is kept, once the report is written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def code_version() -> str:
    """The version of this library and a digest of its source files: any edit of what measures changes it."""
    import mechinterp

    root = Path(mechinterp.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if not _draws(path.relative_to(root)):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{mechinterp.__version__}+{digest.hexdigest()[:12]}"


def _draws(path: Path) -> bool:
    """Whether a file only draws, words or takes commands, which changes no number."""
    return path.parts[0] in ("reporting", "commands") or path.name in ("view.py", "captions.py", "cli.py")
