"""`Results`: everything that one analysis of one policy found, as data. Figures and the page are drawn from it alone.

What each section holds is said in `mechinterp.reports.schema`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mechinterp.policies.subject import Identity as Identity
from mechinterp.reporting.errors import ResultsError
from mechinterp.reports import codec, schema
from mechinterp.reports.checks import check
from mechinterp.reports.section import Section

FORMAT, VERSION = "mechinterp-results", 1


@dataclass(frozen=True, eq=False)
class Results:
    """What one analysis of one policy found.

    Attributes:
        identity: which policy.
        settings: how it was measured: "command", "levels", "seed", "versions" (a mapping) and anything else that is
            plain JSON.
        sections: by name, each checked against `schema`. Those that were not measured are left out.

    Raises:
        ResultsError: a section that does not fit the schema, or under another name than its own.
    """

    identity: Identity
    settings: Mapping[str, Any] = field(default_factory=dict)
    sections: Mapping[str, Section] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _plain(self.settings, what="settings")
        _plain(self.identity.provenance, what="identity.provenance")
        for name, section in self.sections.items():
            if not isinstance(section, Section) or section.name != name:
                raise ResultsError(f"sections[{name!r}] must be the section of that name, got {section!r:.80}")
            check(section)
        ordered = {name: self.sections[name] for name in schema.SPECS if name in self.sections}
        object.__setattr__(self, "sections", ordered)

    def to_json(self) -> str:
        """As the text of `results.json`; the same results give the same text."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "identity": {**vars(self.identity), "provenance": dict(self.identity.provenance)},
            "settings": dict(self.settings),
            "sections": [section.to_json() for section in self.sections.values()],
        }
        return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, where: str = "results") -> Results:
        """The inverse of `to_json`; `where` names the file in errors.

        Raises:
            ResultsError: not JSON or cut off, another format or version, or content that does not fit the schema.
        """
        content = load_json(text, where=where)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ResultsError(f"{where}: not the results of an analysis (its 'format' should be {FORMAT!r})")
        if content.get("version") != VERSION:
            raise ResultsError(f"{where}: version {content.get('version')!r}; this library reads version {VERSION}")
        codec.check_fields(content, ("format", "version", "identity", "settings", "sections"), where=where)
        codec.check_fields(
            content["identity"], ("name", "network", "sha256", "provenance"), where=f"{where}: identity"
        )  # fmt: skip
        parts = codec.sequence(content["sections"], where=f"{where}: sections")
        sections = [Section.from_json(part, where=where) for part in parts]
        if len({section.name for section in sections}) < len(sections):
            raise ResultsError(f"{where}: a section is there twice: {[section.name for section in sections]}")
        try:
            return cls(
                Identity(**content["identity"]), content["settings"], {section.name: section for section in sections}
            )
        except ResultsError as error:
            raise ResultsError(f"{where}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write `to_json` to a file, at once or not at all."""
        write_text(Path(path), self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """Read what `save` wrote. Raises ResultsError for a missing, foreign or truncated file."""
        return cls.from_json(read_text(Path(path)), where=str(path))


def load_json(text: str, *, where: str) -> Any:
    """Parse JSON. Raises ResultsError that names the file."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ResultsError(f"{where}: not JSON, or cut off: {error}") from error


def read_text(path: Path) -> str:
    """A text file. Raises ResultsError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path}: cannot be read as results: {error}") from error


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, also if the process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _plain(value: Any, *, what: str) -> None:
    """Refuse what would not come back from JSON as it was."""
    try:
        same = json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError) as error:
        raise ResultsError(f"{what} must be plain JSON: {error}") from error
    if not same or not isinstance(value, Mapping):
        raise ResultsError(f"{what} must be plain JSON: a mapping with text keys, lists instead of tuples")
