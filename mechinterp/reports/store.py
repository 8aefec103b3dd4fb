"""Keep what is done: each section is written as soon as it is measured, and found again after an interruption."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mechinterp.reporting.errors import ResultsError
from mechinterp.reports import codec, schema
from mechinterp.reports.checks import check
from mechinterp.reports.results import Identity, Results, load_json, read_text, write_text
from mechinterp.reports.section import Section

PARTIAL = "results.partial"
_DRAWING = {"figures", "sentences", "page", "methods", "output", "summary", "wording"}


@dataclass(frozen=True)
class Key:
    """What a section depends on: any change of it makes the section be measured again.

    Attributes:
        checkpoint: SHA-256 of the weights.
        configuration: everything that decides the numbers: levels, seeds, sizes. Plain JSON.
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


def forget(folder: str | Path) -> None:
    """Delete what is stored in the folder of a report, once the report is written."""
    shutil.rmtree(Path(folder) / PARTIAL, ignore_errors=True)


class Store:
    """The folder ``results.partial`` beside the report, one file a section.

    >>> store = Store("out", Key(sha, {"levels": 200, "seed": 0}, code_version()))   # doctest: +SKIP
    >>> drive = store.section("drive", lambda: measure_drive(policy))                # doctest: +SKIP
    """

    def __init__(self, folder: str | Path, key: Key) -> None:
        self.folder = Path(folder) / PARTIAL
        self.key = key

    def get(self, name: str) -> Section | None:
        """The section stored under the same key; None if there is none, or its file is damaged or of another key."""
        path = self._path(name)
        if not path.is_file():
            return None
        try:
            content = load_json(read_text(path), where=str(path))
            codec.check_fields(content, ("key", "section"), where=str(path))
            if content["key"] != self.key.digest:
                return None
            section = check(Section.from_json(content["section"], where=str(path)))
        except ResultsError:
            return None  # nothing that can be trusted is there: measuring again mends it
        return section if section.name == name else None

    def put(self, section: Section) -> Section:
        """Write a section, at once or not at all. Raises ResultsError where it does not fit the schema."""
        check(section)
        content = {"key": self.key.digest, "section": section.to_json()}
        write_text(self._path(section.name), json.dumps(content, allow_nan=False, ensure_ascii=False))
        return section

    def section(self, name: str, measure: Callable[[], Section]) -> Section:
        """The stored section, or else that which `measure` returns, which is stored.

        Raises:
            ResultsError: `measure` returned a section of another name, or one that does not fit the schema.
        """
        found = self.get(name)
        if found is not None:
            return found
        measured = measure()
        if measured.name != name:
            raise ResultsError(f"the measurement of section {name!r} returned the section {measured.name!r}")
        return self.put(measured)

    def assemble(self, identity: Identity, settings: Mapping[str, Any]) -> Results:
        """The results out of all sections that are stored under this key."""
        sections = {name: section for name in schema.SPECS if (section := self.get(name)) is not None}
        return Results(identity, settings, sections)

    def _path(self, name: str) -> Path:
        schema.spec(name)
        return self.folder / f"{name}.json"


def _draws(path: Path) -> bool:
    """Whether a file only draws and words results, which changes no number."""
    return path.parts[0] == "reports" and path.parts[1].removesuffix(".py") in _DRAWING


def code_version() -> str:
    """The version of this library and a digest of its source files: any edit of what measures changes it."""
    import mechinterp

    root = Path(mechinterp.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if not _draws(path.relative_to(root)):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{mechinterp.__version__}+{digest.hexdigest()[:12]}"
