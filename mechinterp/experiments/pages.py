"""Pages in one call: measure, and write where a folder is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mechinterp.experiments.results import Results
from mechinterp.experiments.runner import Progress, chosen, claim, default_plan, run, write_page
from mechinterp.policies.subject import Subject


def report(
    subject: Subject,
    *,
    levels: int | None = None,
    seed: int = 0,
    quick: bool = False,
    only: Sequence[str] | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Measure what a policy wants: the page of ``mechinterp report``.

    Args:
        levels: held-out levels; by default 200, or 40 where `quick`.
        quick: a first look, with wide intervals and no PNG files.
        only: names of sections to measure, with those that they need; by default all.
        out: folder to write the page into; there, what was measured is kept if the run is interrupted.
        progress: told how far the run is.

    Raises:
        ExperimentError: too few levels, or an unknown section.
        OSError: `out` cannot be written.
    """
    plan = default_plan("report", quick=quick, levels=levels, seed=seed)
    chosen("report", only)
    if out is not None:
        claim(out)
    results = run("report", subject, plan, folder=out, only=only, progress=progress)
    if out is not None:
        write_page(results, out, png=not quick)
    return results
