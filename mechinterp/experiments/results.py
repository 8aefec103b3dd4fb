"""`Results`: everything that one page of experiments found about one policy, as data that figures are drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mechinterp._files import parse_json, read_text, write_text
from mechinterp._text import visible
from mechinterp.errors import nearest
from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.fields import Record, estimates
from mechinterp.experiments.registry import slices
from mechinterp.experiments.slice import Slice
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.identity import Identity
from mechinterp.reporting.errors import ResultsError

if TYPE_CHECKING:
    import pandas as pd

FORMAT, VERSION = "mechinterp-results", 2


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Results:
    """What the slices of a page found about one policy.

    Attributes:
        page: name of the page, a key of `registry.PAGES`.
        identity: which policy.
        settings: how it was measured: command, levels, seed, sizes, versions; plain JSON.
        sections: the result of each slice that was measured, by the slice's name, in the page's order.
    """

    page: str
    identity: Identity
    settings: Mapping[str, Any] = field(default_factory=dict)
    sections: Mapping[str, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {one.name: one for one in slices(self.page)}
        for name, result in self.sections.items():
            if name not in known:
                raise ResultsError(f"page {self.page!r} has no section {name!r}{nearest(name, known)}")
            if not isinstance(result, known[name].result_type):
                raise ResultsError(f"section {name!r} must be its slice's Result, got {type(result).__name__}")
        for what in ("identity.provenance", "settings"):
            value = self.settings if what == "settings" else self.identity.provenance
            _require_plain(value, what)
        object.__setattr__(self, "sections", {name: self.sections[name] for name in known if name in self.sections})

    def __getitem__(self, name: str) -> Any:
        """The result of the slice of this name. Raises ResultsError, with the nearest names, if it was not measured."""
        if name not in self.sections:
            raise ResultsError(f"section {name!r} was not measured{nearest(name, self.sections)}")
        return self.sections[name]

    def __repr__(self) -> str:
        numbers = sum(1 for result in self.sections.values() for _ in estimates(result))
        return f"Results({self.page!r} of {self.identity.name!r}: {', '.join(self.sections)}; {numbers} estimates)"

    def to_frame(self) -> pd.DataFrame:
        """Every estimate: section, path within it, value, interval, n, what n counts, and p where there is a null."""
        import pandas as pd

        rows = [
            {
                "section": name, "path": path, "value": e.value, "low": e.low, "high": e.high, "n": e.n, "unit": e.unit,
                "p": None if e.null is None else e.null.p,
            }
            for name, result in self.sections.items()
            for path, e in estimates(result)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["section", "path", "value", "low", "high", "n", "unit", "p"])

    def to_json(self) -> str:
        """As the text of a results file; equal results give equal texts."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "page": self.page,
            "identity": asdict(self.identity),
            "settings": dict(self.settings),
            "sections": {name: result.model_dump(mode="json") for name, result in self.sections.items()},
        }
        return json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str, *, where: str = "results") -> Results:
        """The inverse of `to_json`; `where` names the file in errors.

        Raises:
            ResultsError: not JSON or cut off, another format or version, or content that is not what its slices say.
        """
        content = parse_json(text, where=where, error=ResultsError)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ResultsError(f"{where}: not results of experiments (its 'format' should be {FORMAT!r})")
        if content.get("version") != VERSION or content["version"] is True:
            raise ResultsError(f"{where}: version {content.get('version')!r}; this library reads version {VERSION}")
        fields = {"format", "version", "page", "identity", "settings", "sections"}
        if content.keys() != fields:
            odd = sorted(content.keys() ^ fields)
            raise ResultsError(
                f"{where}: should have the fields {', '.join(sorted(fields))}; differs in {', '.join(odd)}"
            )
        sections = content["sections"]
        if not isinstance(content["page"], str) or not isinstance(sections, dict):
            raise ResultsError(f"{where}: 'page' should be a text and 'sections' an object")
        try:
            known = {one.name: one for one in slices(content["page"])}
        except ExperimentError as error:
            raise ResultsError(f"{where}: {error}") from error
        read = {}
        for name, data in sections.items():
            if name not in known:
                raise ResultsError(f"{where}: page {content['page']!r} has no section {name!r}{nearest(name, known)}")
            read[name] = read_section(known[name], data, where=where)
        try:
            identity = Identity(**content["identity"])
            return cls(page=content["page"], identity=identity, settings=content["settings"], sections=read)
        except (TypeError, PolicyError, ResultsError) as error:
            raise ResultsError(f"{where}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write `to_json` to a file, at once or not at all."""
        write_text(path, self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """Read what `save` wrote. Raises ResultsError for a missing, foreign or damaged file."""
        return cls.from_json(read_text(path, error=ResultsError), where=str(path))


def read_section(one: Slice, data: Any, *, where: str) -> Record:
    """The result of a slice from its plain values.

    Raises:
        ResultsError: with the first field that is not what the slice's `Result` says.
    """
    try:
        return one.result_type.model_validate_json(json.dumps(data))
    except ValidationError as error:
        first = error.errors()[0]
        at = "/".join(map(str, first["loc"]))
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ResultsError(f"{where}: section {one.name!r}, {at}: {first['msg']}{more}") from error


def _require_plain(value: Any, what: str) -> None:
    """Refuse what would not come back from JSON as it was."""
    try:
        text = json.dumps(dict(value), allow_nan=False, ensure_ascii=False) if isinstance(value, Mapping) else ""
        text.encode("utf-8")
        same = bool(text) and json.loads(text) == value
    except UnicodeEncodeError as error:
        raise ResultsError(f"{what} has a text that is not UTF-8: {visible(error.object)!r:.200}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultsError(f"{what} must be plain JSON: {error}") from error
    if not same:
        raise ResultsError(f"{what} must be plain JSON: a mapping with text keys, lists instead of tuples")
