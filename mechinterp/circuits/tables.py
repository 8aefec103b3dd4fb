"""Effects as a table."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mechinterp.circuits.pairwise import PairwiseEffects
from mechinterp.circuits.zero import SMALLEST
from mechinterp.stats import Estimate

SHOWN = 10
"""Rows that a notebook shows."""


def effects_frame(effects: PairwiseEffects[Any], metric: str, means: Sequence[Estimate]) -> pd.DataFrame:
    """A row a part: see `Effects.to_frame`.

    Args:
        means: the mean effect of each part with its interval; empty where there are too few levels for one.
    """
    whole, count = float(effects.total(metric).mean()), len(effects)
    columns: dict[str, Any] = {"part": effects.labels}
    if len(effects.metrics) > 1:
        columns["metric"] = [metric] * count
    columns["effect"] = effects.scores(metric)
    for end in ("low", "high"):
        columns[end] = [getattr(estimate, end) for estimate in means] or np.full(count, np.nan)
    columns["share"] = effects.scores(metric) / whole if abs(whole) > SMALLEST else np.full(count, np.nan)
    return pd.DataFrame(columns)


def effects_html(effects: PairwiseEffects[Any], frame: pd.DataFrame) -> str:
    """What was measured on the first metric, above the table of its largest effects."""
    words = f"{effects!r}: total effect on {effects.metrics[0]} {effects.total(effects.metrics[0]).mean():.3g}"
    words += f"; the {len(frame)} largest" if len(effects) > len(frame) else ""
    return f"<p>{html.escape(words)}</p>{frame.to_html(index=False, float_format='{:.3f}'.format)}"
