"""Which level seeds serve what. No two of these ranges share a seed, so that what chooses never reports.

A seed is not yet a level: in easy levels without backgrounds, a third of all seeds repeat the level of another one.
What was not trained on is decided by what levels contain: `seen_levels`, `Subject.held_out`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mechinterp._discovery import Registry
from mechinterp.coinrun.levels import LevelRange

_HELD_OUT = 1_000_000_000
"""No seed from here on is trained on."""

LEVELS: Mapping[str, LevelRange] = Registry(
    "purpose of levels",
    {
        "training": LevelRange(0, 10_000_000),  # of organisms
        "behaviour": LevelRange(_HELD_OUT, 80_000),  # whole episodes: evaluation, model cards, performance
        "choice tests": LevelRange(_HELD_OUT + 80_000, 20_000),  # forks that are made of stock levels
        "scenes": LevelRange(_HELD_OUT + 500_000, 100_000),  # minimal pairs; split into choosing and reporting
        "localization": LevelRange(_HELD_OUT + 600_000, 100_000),  # scenes of the localization report
        "choices": LevelRange(_HELD_OUT + 800_000, 100_000),  # moments that choice models are fitted to
        "nulls": LevelRange(_HELD_OUT + 700_000, 100_000),  # false-alarm rates of the methods themselves
    },
)
"""Level seeds by what they are for."""
