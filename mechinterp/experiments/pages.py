"""Pages in one call: measure, and write where a folder is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from mechinterp.experiments.folders import claimed, write_page
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.results import Results
from mechinterp.experiments.runner import Progress, chosen, default_plan, run
from mechinterp.policies.hooks import Names
from mechinterp.policies.subject import Subject, as_subject


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
        out: folder to write the page into; what was measured is kept there if the run is interrupted.
        progress: told how far the run is.

    Returns:
        The sections' typed results: ``results["performance"].policy.mean_return``.

    Raises:
        ExperimentError: too few levels, an unknown section, or an `out` that holds something else (`folders.claimed`).
        OSError: `out` cannot be written.
    """
    subject = as_subject(subject)
    plan = default_plan("report", quick=quick, levels=levels, seed=seed)
    return _measured("report", subject, plan, only, out, progress)


def locate(
    subject: Subject,
    *,
    levels: int | None = None,
    seed: int = 0,
    quick: bool = False,
    hooks: Names = None,
    only: Sequence[str] | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Find where a network represents the coin, and whether this causally affects the action: ``mechinterp locate``.

    Args:
        levels: held-out levels; by default 70, or 40 where `quick`.
        hooks: hook points, or patterns such as ``block2.*``; by default the outputs of the network's stages.
        quick, only, out, progress: as in `report`.

    Returns:
        The sections' typed results: ``results["coin_features"].layers["block2.res1.hook_out"].verdict``.

    Raises:
        UnknownHook: see `Policy.select`.
        ExperimentError: too few levels, an unknown section, or an `out` that holds something else (`folders.claimed`).
        OSError: `out` cannot be written.
    """
    subject = as_subject(subject)
    plan = default_plan("localization", quick=quick, levels=levels, seed=seed)
    if hooks is not None:
        plan = dataclasses.replace(plan, hooks=subject.policy.select(hooks))
    return _measured("localization", subject, plan, only, out, progress)


def choices(
    subject: Subject,
    *,
    levels: int | None = None,
    seed: int = 0,
    quick: bool = False,
    only: Sequence[str] | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Fit which values explain what a policy chooses: the page of ``mechinterp choices``.

    Args:
        levels: held-out levels; by default 150, or 60 where `quick`.
        quick, only, out, progress: as in `report`.

    Returns:
        The sections' typed results: ``results["choice_weights"].proxies["coin"].own``.

    Raises:
        ExperimentError: too few levels, an unknown section, or an `out` that holds something else (`folders.claimed`).
        OSError: `out` cannot be written.
    """
    subject = as_subject(subject)
    plan = default_plan("choices", quick=quick, levels=levels, seed=seed)
    return _measured("choices", subject, plan, only, out, progress)


def steer(
    subject: Subject,
    *,
    levels: int | None = None,
    seed: int = 0,
    quick: bool = False,
    hooks: Names = None,
    only: Sequence[str] | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Blind a network, steer it, write coins into it, and watch it play: the page of ``mechinterp steer``.

    Args:
        levels: held-out levels; by default 200, or 40 where `quick`.
        hooks: hook points with maps that may be blinded and steered; by default the outputs of the network's stages.
        quick, only, out, progress: as in `report`.

    Returns:
        The sections' typed results: ``results["removal"].forks["coin absent"].shares["took the coin"]``.

    Raises:
        UnknownHook: see `Policy.select`.
        ExperimentError: too few levels, an unknown section, or an `out` that holds something else (`folders.claimed`).
        OSError: `out` cannot be written.
    """
    subject = as_subject(subject)
    plan = default_plan("steering", quick=quick, levels=levels, seed=seed)
    if hooks is not None:
        plan = dataclasses.replace(plan, hooks=subject.policy.select(hooks))
    return _measured("steering", subject, plan, only, out, progress)


def _measured(
    page: str,
    subject: Subject,
    plan: Plan,
    only: Sequence[str] | None,
    out: str | Path | None,
    progress: Progress | None,
) -> Results:
    chosen(page, only)  # what can be refused first is refused first
    if out is None:
        return run(page, subject, plan, only=only, progress=progress)
    with claimed(page, subject, plan, out, only=only):
        results = run(page, subject, plan, folder=out, only=only, progress=progress)
        write_page(results, out, png=not plan.quick)
    return results
