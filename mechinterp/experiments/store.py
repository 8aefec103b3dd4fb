"""Keep what is done: each result is written as soon as it is measured, and found again after an interruption."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mechinterp._files import FileError, read_json, write_text
from mechinterp.experiments.fields import Record
from mechinterp.experiments.results import read_section
from mechinterp.experiments.slice import Slice
from mechinterp.policies.fingerprint import weights_digest
from mechinterp.policies.graph import Policy
from mechinterp.policies.subject import Subject
from mechinterp.reporting.errors import ResultsError

PARTIAL = "results.partial"


@dataclass(frozen=True)
class Key:
    """What a result depends on: any change of it makes it be measured again.

    Attributes:
        network: digest of the network as it is in memory (`network_digest`).
        configuration: everything else that decides the numbers: plan, size, game options, versions. Plain JSON.
        code: version of the code, such as `code_version()`.
    """

    network: str
    configuration: Mapping[str, Any]
    code: str

    @property
    def digest(self) -> str:
        """A text that is the same for equal keys alone."""
        text = json.dumps([self.network, dict(self.configuration), self.code], sort_keys=True, allow_nan=False)
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

    def put(self, one: Slice, key: Key, result: Record, *, of: Subject) -> None:
        """Write a result, at once or not at all."""
        subject = {"name": of.name, "sha256": of.sha256}
        content = {"key": key.digest, "subject": subject, "result": result.model_dump(mode="json")}
        write_text(
            self.folder / f"{one.name}.json",
            json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":")),
        )

    def subjects(self) -> list[tuple[str, str]]:
        """(name, SHA-256 of the weights) of those whose results are kept; damaged files are of nobody."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            with suppress(FileError, TypeError, KeyError):
                subject = read_json(path)["subject"]
                found.append((str(subject["name"]), str(subject["sha256"])))
        return found

    def forget(self, names: Iterable[str]) -> None:
        """Delete what is kept of these slices, once they are written; what an interrupted run kept of others stays."""
        for name in names:
            (self.folder / f"{name}.json").unlink(missing_ok=True)
        with suppress(OSError):  # others are still in it, or it was never made
            self.folder.rmdir()


def network_digest(policy: Policy) -> str:
    """SHA-256 of a network as it is in memory: its architecture, weights, and what its logits stand for."""
    what = repr((policy.config, policy.actions, weights_digest(policy)))
    return hashlib.sha256(what.encode()).hexdigest()


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
