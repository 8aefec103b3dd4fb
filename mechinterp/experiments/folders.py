"""A page in its folder: who may write into it, and what is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mechinterp import _folders
from mechinterp._files import FileError, read_json
from mechinterp.experiments.drawing import as_page
from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.registry import page as page_of
from mechinterp.experiments.registry import slices
from mechinterp.experiments.results import FORMAT, Results
from mechinterp.experiments.runner import chosen, settings_of
from mechinterp.experiments.store import PARTIAL, Store
from mechinterp.policies.subject import Subject
from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.output import FIGURES, Written, write

RESULTS = "results.json"
_FREE = ("command", "sizes")
"""Settings that may differ between sections of one page."""


@contextmanager
def claimed(
    page: str, subject: Subject, plan: Plan, folder: str | Path, *, only: Sequence[str] | None = None
) -> Iterator[None]:
    """Hold the folder of a page, from before anything is measured until the page is written.

    Raises:
        ExperimentError: another process writes there; it holds another page or policy, or a file of another kind under
            a name of the page's; or sections that this page would lose, since they were measured in another way.
        OSError: it cannot be made or written.
    """
    folder = Path(folder)
    kind = page_of(page)
    with _folders.held(folder, parts=(FIGURES, PARTIAL), error=ExperimentError):
        for name in (RESULTS, kind.file):
            if (folder / name).is_dir():
                raise ExperimentError(
                    f"{folder / name} is a folder, and a file of this page goes there; choose another one"
                )
        _refuse_other(page, subject, folder)
        sections, earlier = chosen(page, only), _results_in(folder)
        if earlier is not None:
            _refuse_loss(earlier, settings_of(subject, plan, sections), [one.name for one in sections], folder)
        elif (folder / RESULTS).exists() and len(sections) < len(slices(page)):
            raise ExperimentError(
                f"{folder}: holds a page that another version of this library wrote; sections of it would be "
                "lost; choose another folder, or measure all sections"
            )
        yield


def write_page(results: Results, folder: str | Path, *, png: bool = True) -> Written:
    """Write the page of results, ``results.json`` first: whatever happens while drawing, the numbers are there.

    Sections that an earlier run with the same policy, settings and code wrote there stay on the page.

    Raises:
        ExperimentError: the page there has sections that were measured in another way, and would be lost.
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    measured = tuple(results.sections)
    earlier = _results_in(folder)
    if earlier is not None and (earlier.page, earlier.identity) == (results.page, results.identity):
        _refuse_loss(earlier, results.settings, measured, folder)
        results = _joined(results, earlier)
    results.save(folder / RESULTS)
    written = write(as_page(results), folder, name=page_of(results.page).file, png=png)
    Store(folder).forget(measured)
    return written


def _refuse_other(page: str, subject: Subject, folder: Path) -> None:
    """Refuse to write over the page, or the kept parts, of another policy, and over files that are no page's."""
    own = (subject.name, subject.sha256)
    if (folder / RESULTS).exists():
        there = _identity(folder / RESULTS)
        if there["page"] != page:
            raise ExperimentError(
                f"{folder}: holds the page {there['page']!r} of {there['name']}; choose another folder"
            )
        if there["sha256"] != subject.sha256:
            raise ExperimentError(_others(folder, "the page", (there["name"], there["sha256"]), own))
    for other in Store(folder).subjects():
        if other[1] != subject.sha256:
            raise ExperimentError(_others(folder, "parts of an interrupted page", other, own))


def _others(folder: Path, what: str, there: tuple[str, str], own: tuple[str, str]) -> str:
    return (
        f"{folder}: holds {what} of {there[0]} (weights with SHA-256 {there[1]}), and not of {own[0]} ({own[1]}); "
        "choose another folder, or remove that one"
    )


def _identity(path: Path) -> dict[str, str]:
    """Whose results a file holds, though other versions of the library wrote them. ExperimentError where it is none."""
    try:
        content = read_json(path)
    except FileError as error:
        raise ExperimentError(f"{error}; remove it, or choose another folder") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ExperimentError(f"{path} is not of a page of this library; choose another folder")
    identity = content.get("identity")
    identity = identity if isinstance(identity, dict) else {}
    return {key: str(identity.get(key)) for key in ("name", "sha256")} | {"page": str(content.get("page"))}


def _results_in(folder: Path) -> Results | None:
    """What an earlier run wrote; None where there is nothing, or nothing that this version of the library can read."""
    try:
        return Results.load(folder / RESULTS)
    except ResultsError:
        return None


def _refuse_loss(earlier: Results, settings: Mapping[str, Any], measured: Sequence[str], folder: Path) -> None:
    """Refuse to replace a page by one that lacks sections of it."""
    differs = [
        name
        for name in {**settings, **earlier.settings}
        if name not in _FREE and settings.get(name) != earlier.settings.get(name)
    ]
    lost = [name for name in earlier.sections if name not in measured]
    if lost and differs:
        name = differs[0]
        there, asked = earlier.settings.get(name), settings.get(name)
        raise ExperimentError(
            f"{folder}: holds the sections {', '.join(lost)}, which would be lost: they were measured with another "
            f"{name} ({there!r:.60} there, {asked!r:.60} asked); choose another folder, or measure all sections"
        )


def _joined(results: Results, earlier: Results) -> Results:
    """The results, with the other sections of an earlier run that measured in the same way."""
    kept = {name: one for name, one in earlier.sections.items() if name not in results.sections}
    if not kept:
        return results
    sizes = {**earlier.settings["sizes"], **results.settings["sizes"]}
    settings = {**results.settings, "sizes": sizes}
    return dataclasses.replace(results, settings=settings, sections={**kept, **results.sections})
