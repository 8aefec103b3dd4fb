"""Runs the slices of a page one after the other, and resumes where it was interrupted."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from mechinterp.coinrun import game_version
from mechinterp.errors import MechinterpError, nearest
from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.fields import Record
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan, generator
from mechinterp.experiments.registry import page as page_of
from mechinterp.experiments.registry import slices
from mechinterp.experiments.results import Results
from mechinterp.experiments.slice import Context, Slice
from mechinterp.experiments.store import Key, Store, code_version, network_digest
from mechinterp.policies.fingerprint import has_hooks
from mechinterp.policies.subject import Subject

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
            (`folders.write_page`). None keeps nothing. Hold it first (`folders.claimed`).
        only: names of slices to measure, with those that they need; by default all.
        command: the command line, for the page's footer.

    Raises:
        ExperimentError: an unknown page or slice, and a policy with hooks on; before anything is measured.
        ResultsError: what is known of the policy cannot be written as JSON (NaN, bytes that are not UTF-8); before
            anything is measured.
        MechinterpError: whatever a slice's measurement raises.
    """
    progress = progress or Silent()
    if has_hooks(subject.policy):
        hooked = [name for name in subject.policy.hook_names if subject.policy.hook_dict[name].fwd_hooks] or ["torch's"]
        raise ExperimentError(
            f"the policy has hooks on ({', '.join(hooked[:3])}): what is measured now would be kept as its own; leave "
            "the `with` block first, or evaluate the edited policy with mi.evaluate(subject, edits=...)"
        )
    sections = chosen(page, only)
    settings = settings_of(subject, plan, sections, command=command)
    Results(page=page, identity=subject.identity, settings=settings).to_json()  # what cannot be written is refused now
    store = None if folder is None else Store(folder)
    inputs = Inputs(subject, plan, tick=progress.tick)
    network = network_digest(subject.policy)
    found: dict[str, Record] = {}
    for one in sections:
        one.check_view()  # what cannot be shown is refused before it is measured
    for one in sections:
        progress.start(one)
        size = one.sizes.of(plan)
        decided = {"slice": one.name, **asdict(plan), "size": asdict(size), "game": asdict(subject.options)}
        key = Key(network, {**decided, "versions": settings["versions"]}, settings["code"])
        result = None if store is None else store.get(one, key)
        if result is None:
            context = Context(inputs, size, generator(plan.seed, one.name), progress.tick)
            try:
                result = one.measure(context, found)
            except MechinterpError as error:
                raise ExperimentError(f"section {one.name!r}: {error}") from error
            if store is not None:
                store.put(one, key, result, of=subject)
        found[one.name] = result
    return Results(page=page, identity=subject.identity, settings=settings, sections=found)


def settings_of(subject: Subject, plan: Plan, sections: Sequence[Slice], *, command: str = "") -> dict[str, Any]:
    """How these sections are measured, as plain JSON: what a page says of itself in its footer."""
    versions = {
        "python": platform.python_version(), **{name: version(name) for name in PACKAGES}, **dict([game_version()]),
    }  # fmt: skip
    return {
        "command": command,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in asdict(plan).items()},
        "sizes": {one.name: asdict(one.sizes.of(plan)) for one in sections},
        "game": asdict(subject.options),
        "versions": versions,
        "code": code_version(),
    }
