"""Does a section hold what `schema` says?"""

from __future__ import annotations

import re

from mechinterp.errors import nearest
from mechinterp.reporting.errors import ResultsError
from mechinterp.reports import schema
from mechinterp.reports.section import Section


def check(section: Section) -> Section:
    """The section itself, if it holds what `schema` says.

    Raises:
        ResultsError: an unknown section or name (with the nearest ones), a table with other columns, or something
            required that is missing.
    """
    known, where = schema.spec(section.name), f"section {section.name!r}"
    for estimate in section.estimates:
        _known(estimate.name, known.estimates, where=f"{where}: estimate")
    columns = dict(known.tables)
    for name, table in section.tables.items():
        _known(name, tuple(columns), where=f"{where}: table")
        if table.columns != columns[name] and (name, table.columns) not in known.older:
            raise ResultsError(f"{where}: table {name!r} should have the columns {columns[name]}, has {table.columns}")
    for name in section.arrays:
        _known(name, known.arrays, where=f"{where}: array")
    for name in section.facts:
        _known(name, known.facts, where=f"{where}: fact")
    have = {estimate.name for estimate in section.estimates} | {*section.tables} | {*section.facts}
    missing = [name for name in known.required if name not in have]
    missing = missing or [name for name in _implied(section) if name not in have]
    if missing:
        raise ResultsError(f"{where} lacks {', '.join(map(repr, missing[:6]))}{', ...' if len(missing) > 6 else ''}")
    _values(section, where)
    return section


def _implied(section: Section) -> list[str]:
    """Estimates that the section's own tables call for."""
    match section.name:
        case "drive":
            return [f"effect/{row['variable']}/movement" for row in section.table("variables").records()]
        case "contrast":
            layers = section.table("layers").records()
            return [f"channel/{row['hook']}/{c}" for row in layers for c in range(row["channels"])]
        case "patching":
            hooks = section.table("sets").column("hook")
            parts = ("top", "random", "difference")
            return [f"{d}/{hook}/{part}" for d in schema.DIRECTIONS for hook in hooks for part in parts]
        case "circuit":
            rows = section.table("questions").records()
            found = [row["variable"] for row in rows if row["found"]]
            chosen = [f"chosen/{variable}/{d}" for variable in found for d in schema.DIRECTIONS]
            return [*(f"total/{row['variable']}" for row in rows), *chosen]
    return []


def _values(section: Section, where: str) -> None:
    """Values that figures could not draw, or that would say something else than they seem to."""
    if section.name == "relocated":
        for placement in schema.PLACEMENTS:
            shares = section.under("outcome", placement)
            total = sum(share.value for share in shares.values())
            if shares and abs(total - 1) > 1e-6:
                raise ResultsError(f"{where}: the outcomes with the coin {placement!r} add up to {total:.6g}, not 1")
    if section.name == "drive":
        for role in section.table("variables").column("role"):
            _known(str(role), schema.ROLES, where=f"{where}: role")
    if section.name == "contrast":
        for name, estimate in section.under("channel").items():
            if estimate.null is None:
                raise ResultsError(f"{where}: channel {name!r} has no null: the same layer of untrained networks")
        for row in section.table("top").records():
            if f"channel/{row['hook']}/{row['channel']}" not in section:
                raise ResultsError(f"{where}: table 'top' names {row['hook']!r} channel {row['channel']}, not measured")
    if section.name == "circuit":
        rows = len(section.table("layers"))
        for name, array in section.arrays.items():
            if array.ndim != 2 or len(array) != rows:
                raise ResultsError(f"{where}: {name!r} must be [layers channels] for {rows} layers, is {array.shape}")
        return
    _pictures(section, where)


def _pictures(section: Section, where: str) -> None:
    frames = {"film": 3, "examples": 4}
    for name, array in section.arrays.items():
        if name in frames:
            if array.dtype.name != "uint8" or array.ndim != 1 + frames[name] or array.shape[-1] != 3:
                raise ResultsError(f"{where}: {name!r} must be RGB frames in uint8, is {array.dtype} {array.shape}")
            if name not in section.tables or len(section.tables[name]) != len(array):
                raise ResultsError(
                    f"{where}: {name!r} has {len(array)} pictures; a table {name!r} must have as many rows"
                )
        elif (
            "examples" not in section.arrays
            or array.shape[:2] != section.arrays["examples"].shape[:2]
            or array.ndim != 4
        ):
            raise ResultsError(f"{where}: {name!r} must be [examples 2 side side], is {array.shape}")


def _known(name: str, patterns: tuple[str, ...], *, where: str) -> None:
    if any(_pattern(pattern).fullmatch(name) for pattern in patterns):
        return
    words = [option for pattern in patterns for option in _options(pattern)]
    raise ResultsError(f"{where} {name!r} is not in the schema{nearest(name, words)}")


def _pattern(pattern: str) -> re.Pattern[str]:
    parts = []
    for part in pattern.split("/"):
        word = part[1:-1] if part.startswith("{") else None
        if word is None:
            parts.append(re.escape(part))
        elif word in schema.WORDS:
            parts.append("(?:" + "|".join(map(re.escape, schema.WORDS[word])) + ")")
        else:
            parts.append("(?:0|[1-9][0-9]*)" if word == "channel" else "[^/]+")
    return re.compile("/".join(parts))


def _options(pattern: str) -> list[str]:
    """Every name that fits a pattern, open parts left as they are: what a wrong name may have meant."""
    names = [""]
    for part in pattern.split("/"):
        words = schema.WORDS.get(part[1:-1], (part,)) if part.startswith("{") else (part,)
        names = [f"{name}/{word}" if name else word for name in names for word in words]
    return names
