"""Whole pages from Python: what the commands measure, as results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mechinterp.experiments.results import Results
from mechinterp.experiments.runner import Progress, default_plan, run
from mechinterp.policies.hooks import Names
from mechinterp.policies.subject import Subject


def locate(
    subject: Subject,
    *,
    levels: int | None = None,
    quick: bool = False,
    seed: int = 0,
    hooks: Names = None,
    only: Sequence[str] | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Find where a network represents the coin, and whether this causally affects the action.

    Args:
        levels: held-out levels; by default 70, or 40 if `quick`.
        quick: a first look, with wide intervals.
        hooks: hook points, or patterns such as ``block2.*``; by default the outputs of the network's stages.
        only: names of sections, measured with those that they need; by default all.
        folder: where finished sections are kept, so that an interrupted run can resume; `write_page` turns the results
            into a page there.

    Returns:
        The sections' typed results: ``results["coin_features"].layers["block2.res1.hook_out"].verdict``.

    Raises:
        UnknownHook: see `Policy.select`.
        ExperimentError: too few levels, or an unknown section.
    """
    plan = default_plan(
        "localization", quick=quick, levels=levels, seed=seed,
        hooks=None if hooks is None else subject.policy.select(hooks),
    )  # fmt: skip
    return run("localization", subject, plan, folder=folder, only=only, progress=progress)
