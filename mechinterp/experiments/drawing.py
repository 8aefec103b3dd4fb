"""The page of results, drawn from the results alone: no network is run."""

from __future__ import annotations

from mechinterp.experiments.fields import Record, estimates
from mechinterp.experiments.registry import page as page_of
from mechinterp.experiments.registry import slices
from mechinterp.experiments.results import Results
from mechinterp.experiments.slice import Slice
from mechinterp.reporting.page.render import Page, Section


def as_page(results: Results) -> Page:
    """The page of results: a section for each that was measured; the others are named in its footer."""
    settings = {**results.settings, **{f"provenance: {k}": v for k, v in results.identity.provenance.items()}}
    sizes = settings.pop("sizes", {})
    settings |= {f"size of {name}": size for name, size in sizes.items()}
    settings["SHA-256 of the weights"] = results.identity.sha256
    there = slices(results.page)
    return Page(
        title=page_of(results.page).title.format(name=results.identity.name),
        kicker=results.identity.network,
        sections=[_section(one, results.sections[one.name]) for one in there if one.name in results.sections],
        settings=settings,
        left_out=[one.title for one in there if one.name not in results.sections],
    )


def headlines(results: Results) -> list[str]:
    """The sentences at the top of the page."""
    known = {one.name: one for one in slices(results.page)}
    return [line for name, result in results.sections.items() for line in known[name].text(result).headlines]


def _section(one: Slice, result: Record) -> Section:
    return Section(
        name=one.name,
        title=one.title,
        question=one.question,
        figures=one.figures(result),
        text=one.text(result),
        method=one.method(result),
        numbers=list(estimates(result)),
    )
