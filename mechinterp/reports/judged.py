"""The verdicts of an atlas, from its numbers: files that were written by an earlier rule are judged by today's."""

from __future__ import annotations

from typing import Any

from mechinterp.features.uses import ACTS, MARGIN, corrected
from mechinterp.features.verdicts import Evidence
from mechinterp.reports.section import Section

_PARTS = {"channels": "channels_move", "direction": "direction_moves"}


def verdicts(section: Section) -> dict[str, str]:
    """Hook point -> verdict (a key of `features.verdicts.VERDICTS`), in the network's order.

    An effect that the file names as shown is held against the p that is right for all effects that were asked.

    Args:
        section: the section "atlas".
    """
    layers = section.table("layers").records()
    asked = len(ACTS) * sum(f"use/{row['hook']}/{part}/{ACTS[0]}" in section for row in layers for part in _PARTS)
    return {row["hook"]: _evidence(section, row, asked).verdict for row in layers}


def _evidence(section: Section, row: dict[str, Any], asked: int) -> Evidence:
    hook, moved, idle = row["hook"], {}, True
    for part, column in _PARTS.items():
        effects = {act: section.get(f"use/{hook}/{part}/{act}") for act in ACTS}
        named = str(row[column]).split(", ")
        kept = []
        for act, effect in effects.items():
            if effect is None:
                continue
            idle = idle and effect.within(-MARGIN, MARGIN)
            p = effect.null.p if effect.null is not None else None
            if act in named and p is not None and p <= corrected(asked):
                kept.append(act)
        moved[part] = tuple(kept)
    return Evidence(
        dead=row["dead"] == row["channels"],
        channels=row["coin_channels"],
        auroc=section[f"decode/{hook}"],
        channels_move=moved["channels"],
        direction_moves=moved["direction"],
        idle=idle,
    )
