"""Runs the slices of a page one after the other, resumes where it was interrupted, and writes the page."""

from __future__ import annotations

import dataclasses
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from mechinterp.coinrun import game_version
from mechinterp.errors import MechinterpError, nearest
from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.fields import Record, estimates
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan, generator
from mechinterp.experiments.registry import page as page_of
from mechinterp.experiments.registry import slices
from mechinterp.experiments.results import Results
from mechinterp.experiments.slice import Context, Slice
from mechinterp.experiments.store import Key, Store, code_version, network_digest
from mechinterp.policies.fingerprint import has_hooks
from mechinterp.policies.subject import Subject
from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.output import Written, write
from mechinterp.reporting.page.render import Page, Section

RESULTS = "results.json"
PACKAGES = ("mechinterp", "torch", "transformer-lens", "captum", "numpy", "plotly")


class Progress(Protocol):
    """Told how far a run is."""

    def start(self, one: Slice) -> None:
        """A slice begins."""
        ...

    def tick(self, words: str) -> None:
        """What is being done within it."""
        ...


class Silent:
    """A `Progress` that says nothing."""

    def start(self, one: Slice) -> None:
        """Nothing."""

    def tick(self, words: str) -> None:
        """Nothing."""


def default_plan(page: str, *, quick: bool = False, levels: int | None = None, seed: int = 0, **more: Any) -> Plan:
    """The plan of a page, by default or for a first look.

    Raises:
        ExperimentError: an unknown page, or fewer levels than its intervals need.
    """
    kind = page_of(page)
    levels = kind.levels[quick] if levels is None else levels
    if levels < kind.fewest:
        raise ExperimentError(f"levels: {levels}; the {page} page needs at least {kind.fewest}, since n counts levels")
    return Plan(
        levels=levels,
        states=kind.states[quick],
        seed=seed,
        quick=quick,
        **more,
    )


def chosen(page: str, only: Sequence[str] | None = None) -> list[Slice]:
    """The slices of a page, in its order: all, or those of these names with all that they need.

    Raises:
        ExperimentError: an unknown page or slice, with the nearest names.
    """
    known = {one.name: one for one in slices(page)}
    if only is None:
        return list(known.values())
    only = (only,) if isinstance(only, str) else only
    if not isinstance(only, Sequence) or not only:
        raise ExperimentError(f"only: {only!r}, but it must name sections{nearest('', known)}; leave it out for all")
    if unknown := [name for name in only if name not in known]:
        raise ExperimentError(f"page {page!r} has no section {unknown[0]!r}{nearest(unknown[0], known)}")
    wanted: set[str] = set()
    waiting = list(only)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += known[name].needs
    return [one for one in known.values() if one.name in wanted]


def claim(page: str, folder: str | Path) -> None:
    """Make the folder of a page, so that one that cannot take it is refused before anything is measured.

    Raises:
        ExperimentError: it holds the results of another page.
        OSError: it cannot be made or written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
    there = _results_in(folder)
    if there is not None and there.page != page:
        raise ExperimentError(
            f"{folder}: holds the page {there.page!r} of {there.identity.name}; choose another folder"
        )


def run(
    page: str,
    subject: Subject,
    plan: Plan,
    *,
    folder: str | Path | None = None,
    only: Sequence[str] | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> Results:
    """Measure the slices of a page, or find them in `folder` if an earlier run with the same settings was interrupted.

    Args:
        page: name of the page.
        folder: where the page goes; what is measured is kept in ``results.partial`` in it until the page is written
            (`write_page`). None keeps nothing.
        only: names of slices to measure, with those that they need; by default all.
        command: the command line, for the page's footer.

    Raises:
        ExperimentError: an unknown page or slice; and whatever a slice's measurement raises.
    """
    progress = progress or Silent()
    if has_hooks(subject.policy):
        hooked = [name for name in subject.policy.hook_names if subject.policy.hook_dict[name].fwd_hooks] or ["torch's"]
        raise ExperimentError(
            f"the policy has hooks on ({', '.join(hooked[:3])}): what is measured now would be kept as its own; leave "
            "the `with` block first, or evaluate the edited policy with mi.evaluate(subject, edits=...)"
        )
    store = None if folder is None else Store(folder)
    inputs = Inputs(subject, plan, tick=progress.tick)
    code, network = code_version(), network_digest(subject.policy)
    versions = {
        "python": platform.python_version(), **{name: version(name) for name in PACKAGES}, **dict([game_version()]),
    }  # fmt: skip
    found: dict[str, Record] = {}
    sections = chosen(page, only)
    for one in sections:
        one.check_view()  # what cannot be shown is refused before it is measured
    for one in sections:
        progress.start(one)
        size = one.sizes.of(plan)
        decided = {"slice": one.name, **asdict(plan), "size": asdict(size), "game": asdict(subject.options)}
        key = Key(network, {**decided, "versions": versions}, code)
        result = None if store is None else store.get(one, key)
        if result is None:
            context = Context(inputs, size, generator(plan.seed, one.name), progress.tick)
            try:
                result = one.measure(context, found)
            except MechinterpError as error:
                raise ExperimentError(f"section {one.name!r}: {error}") from error
            if store is not None:
                store.put(one, key, result)
        found[one.name] = result
    settings = {
        "command": command,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in asdict(plan).items()},
        "sizes": {one.name: asdict(one.sizes.of(plan)) for one in sections},
        "game": asdict(subject.options),
        "versions": versions,
        "code": code,
    }
    return Results(page=page, identity=subject.identity, settings=settings, sections=found)


def write_page(results: Results, folder: str | Path, *, png: bool = True) -> Written:
    """Write the page of results, ``results.json`` first: whatever happens while drawing, the numbers are there.

    Sections that an earlier run with the same policy, settings and code wrote there stay on the page.
    """
    folder = Path(folder)
    measured = tuple(results.sections)
    results = _with_earlier(results, _results_in(folder))
    results.save(folder / RESULTS)
    written = write(as_page(results), folder, name=page_of(results.page).file, png=png)
    Store(folder).forget(measured)
    return written


def _results_in(folder: Path) -> Results | None:
    """What an earlier run wrote; None where there is nothing, or nothing that can be read."""
    try:
        return Results.load(folder / RESULTS)
    except ResultsError:
        return None


def _with_earlier(results: Results, earlier: Results | None) -> Results:
    """The results, with those sections of an earlier run that were measured in the same way."""
    if earlier is None or (earlier.page, earlier.identity) != (results.page, results.identity):
        return results
    own, theirs = ({k: v for k, v in r.settings.items() if k not in ("command", "sizes")} for r in (results, earlier))
    if own != theirs:
        return results
    sizes = {**earlier.settings["sizes"], **results.settings["sizes"]}
    sections = {**earlier.sections, **results.sections}
    return dataclasses.replace(results, settings={**results.settings, "sizes": sizes}, sections=sections)


def as_page(results: Results) -> Page:
    """The page of results, drawn from the results alone: no network is run."""
    kind = page_of(results.page)
    settings = {**results.settings, **{f"provenance: {k}": v for k, v in results.identity.provenance.items()}}
    sizes = settings.pop("sizes", {})
    settings |= {f"size of {name}": size for name, size in sizes.items()}
    settings["SHA-256 of the weights"] = results.identity.sha256
    return Page(
        title=kind.title.format(name=results.identity.name),
        kicker=results.identity.network,
        sections=[_section(one, results.sections.get(one.name)) for one in slices(results.page)],
        settings=settings,
    )


def headlines(results: Results) -> list[str]:
    """The sentences at the top of the page."""
    known = {one.name: one for one in slices(results.page)}
    return [line for name, result in results.sections.items() for line in known[name].text(result).headlines]


def _section(one: Slice, result: Record | None) -> Section:
    if result is None:
        return Section(name=one.name, title=one.title, question=one.question, missing="This part was not measured.")
    return Section(
        name=one.name,
        title=one.title,
        question=one.question,
        figures=one.figures(result),
        text=one.text(result),
        method=one.method(result),
        numbers=list(estimates(result)),
    )
