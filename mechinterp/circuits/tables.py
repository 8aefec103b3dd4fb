"""Effects as a table."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mechinterp.circuits.zero import SMALLEST
from mechinterp.interventions.edits import Edit
from mechinterp.interventions.sites import Site

if TYPE_CHECKING:
    from mechinterp.circuits.effects import Effects

_SHOWN = 10


def effects_frame(effects: Effects[Any], metric: str, rng: np.random.Generator) -> pd.DataFrame:
    """A row a part: see `Effects.to_frame`."""
    levels, whole, count = len(np.unique(effects.levels)), float(effects.total(metric).mean()), len(effects)
    columns: dict[str, Any] = {"part": effects.labels}
    sites = [part.site if isinstance(part, Edit) else part for part in effects.parts]
    if all(isinstance(site, Site) for site in sites):
        columns["hook"] = [site.hook for site in sites]
        columns["channels"] = ["all" if site.channels is None else site.channels for site in sites]
    columns |= {"metric": [metric] * count, "effect": effects.scores(metric)}
    found = effects.estimates(metric, rng=rng) if levels > 1 and count else []
    for end in ("low", "high"):
        columns[end] = [getattr(estimate, end) for estimate in found] or np.full(count, np.nan)
    columns["share"] = effects.scores(metric) / whole if abs(whole) > SMALLEST else np.full(count, np.nan)
    return pd.DataFrame({**columns, "levels": np.full(count, levels)})


def effects_html(effects: Effects[Any]) -> str:
    """The parts with the largest effects on the first metric, with what was measured above them."""
    metric = effects.metrics[0]
    shown = effects.top(_SHOWN, metric) if len(effects) else effects
    words = f"{effects!r}: total effect on {metric} {effects.total(metric).mean():.3g}"
    words += f"; the {len(shown)} largest" if len(effects) > len(shown) else ""
    table = shown.to_frame(metric).to_html(index=False, float_format="{:.3f}".format)
    return f"<p>{html.escape(words)}</p>{table}"
