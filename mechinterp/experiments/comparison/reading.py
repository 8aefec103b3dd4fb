"""Localization results from files, checked and summarised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mechinterp.experiments.comparison.summary import Summary
from mechinterp.experiments.results import Results
from mechinterp.reporting.errors import ResultsError

PAGE = "localization"
_SECTIONS = ("coin_features", "probes", "variables", "attribution", "action_tendency")


def load(paths: Sequence[str | Path]) -> list[Results]:
    """Results from files, in the order given; of one subject in two files the later is taken.

    Raises:
        ResultsError: no file, one that cannot be read, or two different networks of the same name.
    """
    if not paths:
        raise ResultsError("nothing to compare: give the results.json of at least one subject")
    found: dict[str, Results] = {}
    for path in paths:
        results = Results.load(path)
        name = results.identity.name
        if name in found and found[name].identity.sha256 != results.identity.sha256:
            raise ResultsError(f"{path}: another network than that of an earlier file is called {name!r} too")
        found[name] = results
    return list(found.values())


def summarise(results: Results) -> Summary:
    """What localization results say of their subject, in short.

    Raises:
        ResultsError: results of another page, without a section that is read here, or of no hook point with maps.
    """
    name = results.identity.name
    if results.page != PAGE:
        raise ResultsError(f"{name}: a comparison is of {PAGE} results, these are of the page {results.page!r}")
    for section in _SECTIONS:
        if section not in results.sections:
            raise ResultsError(
                f"{name}: a comparison needs the section {section!r}, which `mechinterp locate` measures"
            )
    if not any(layer.side for layer in results["coin_features"].layers.values()):
        raise ResultsError(f"{name}: no hook point with maps was measured")
    return Summary(
        identity=results.identity,
        coin=results["coin_features"],
        probes=results["probes"],
        variables=results["variables"],
        attribution=results["attribution"],
        tendency=results["action_tendency"],
    )


def without_pictures(results: Results) -> Results:
    """The same without frames, maps and clouds: small enough to keep, enough to compare."""
    coin = results["coin_features"].without_pictures()
    return replace(results, sections={**results.sections, "coin_features": coin})
