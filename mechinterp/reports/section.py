"""`Section`: what one part of an analysis found, as data that figures are drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from mechinterp.errors import nearest
from mechinterp.reporting.errors import ResultsError
from mechinterp.reports import codec
from mechinterp.stats import Estimate

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """Columns with names, and rows of plain values: what describes the estimates and is no claim itself.

    Raises:
        ResultsError: a row of another length than `columns`, a name twice, or a value that JSON cannot hold.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", tuple(tuple(_scalar(v) for v in row) for row in self.rows))
        if not self.columns or len(set(self.columns)) < len(self.columns):
            raise ResultsError(f"a table needs columns with different names, got {self.columns}")
        for index, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ResultsError(
                    f"row {index} of a table of {len(self.columns)} columns has {len(row)} values: {row}"
                )

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> Table:
        """From one mapping a row, all with the same keys in the same order."""
        listed = list(records)
        if not listed:
            raise ResultsError("a table cannot be made of no records: its columns would be unknown")
        columns = tuple(listed[0])
        for index, record in enumerate(listed):
            if tuple(record) != columns:
                raise ResultsError(f"row {index} of a table has the columns {tuple(record)}, the first has {columns}")
        return cls(columns, tuple(tuple(record.values()) for record in listed))

    def __len__(self) -> int:
        return len(self.rows)

    def records(self) -> list[dict[str, Any]]:
        """One dictionary a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> tuple[Any, ...]:
        """The values of one column."""
        if name not in self.columns:
            raise ResultsError(f"a table has no column {name!r}{nearest(name, self.columns)}")
        index = self.columns.index(name)
        return tuple(row[index] for row in self.rows)


@dataclass(frozen=True, eq=False)
class Section:
    """One part of an analysis. Which estimates, tables, arrays and facts each section has is said in `schema`.

    Attributes:
        name: ``"who"``, ``"maximises"``, ``"relocated"``, ``"drive"``, ``"contrast"``, ``"patching"`` or
            ``"circuit"``.
        estimates: every number that is a claim; each `Estimate.name` is a path such as ``"return/policy"``.
        tables: what describes them.
        arrays: frames (uint8) and maps (float); figures alone use them.
        facts: single settings of this section, such as the number of pairs.

    Raises:
        ResultsError: when made with anything that is not of these types, or a name twice.
    """

    name: str
    estimates: tuple[Estimate, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "estimates", tuple(self.estimates))
        seen: set[str] = set()
        for estimate in self.estimates:
            if not isinstance(estimate, Estimate):
                raise ResultsError(
                    f"section {self.name!r}: a number must be an Estimate (value, interval, n), got "
                    f"{type(estimate).__name__} {estimate!r}"
                )
            if estimate.name in seen:
                raise ResultsError(f"section {self.name!r}: two estimates are named {estimate.name!r}")
            seen.add(estimate.name)
        for key, table in self.tables.items():
            if not isinstance(table, Table):
                raise ResultsError(f"section {self.name!r}: table {key!r} must be a Table, got {type(table).__name__}")
        arrays = {key: codec.own(array, name=f"{self.name}: {key}") for key, array in self.arrays.items()}
        object.__setattr__(self, "arrays", arrays)
        object.__setattr__(self, "facts", {key: _scalar(value) for key, value in self.facts.items()})

    def __getitem__(self, name: str) -> Estimate:
        """The estimate of this name. Raises ResultsError, with the nearest names, where there is none."""
        found = self.get(name)
        if found is None:
            raise ResultsError(f"section {self.name!r} has no estimate {name!r}{nearest(name, self._names)}")
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def get(self, name: str) -> Estimate | None:
        """The estimate of this name, or None."""
        return self._names.get(name)

    def under(self, *path: str) -> dict[str, Estimate]:
        """The estimates whose names begin with `path`, by the rest of their names, in the order they were given."""
        start = "".join(f"{part}/" for part in path)
        return {name[len(start) :]: e for name, e in self._names.items() if name.startswith(start)}

    def table(self, name: str) -> Table:
        """The table of this name. Raises ResultsError, with the nearest names, where there is none."""
        if name not in self.tables:
            raise ResultsError(f"section {self.name!r} has no table {name!r}{nearest(name, self.tables)}")
        return self.tables[name]

    def to_json(self) -> dict[str, Any]:
        """As plain values that `json` writes without loss."""
        return {
            "name": self.name,
            "estimates": [estimate.to_dict() for estimate in self.estimates],
            "tables": {
                name: {"columns": list(table.columns), "rows": [list(row) for row in table.rows]}
                for name, table in self.tables.items()
            },
            "arrays": {name: codec.encode(array) for name, array in self.arrays.items()},
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, data: Any, *, where: str) -> Section:
        """The inverse of `to_json`; `where` names the file in errors.

        Raises:
            ResultsError: fields missing, unknown or of the wrong type, or a number that is no estimate.
        """
        codec.check_fields(data, ("name", "estimates", "tables", "arrays", "facts"), where=where)
        where = f"{where}: section {data['name']!r}"
        tables = {}
        for name, table in codec.mapping(data["tables"], where=f"{where}: tables").items():
            codec.check_fields(table, ("columns", "rows"), where=f"{where}: table {name!r}")
            tables[name] = Table(tuple(table["columns"]), tuple(tuple(row) for row in table["rows"]))
        arrays = codec.mapping(data["arrays"], where=f"{where}: arrays")
        return cls(
            name=data["name"],
            estimates=tuple(
                codec.estimate(item, where=where) for item in codec.sequence(data["estimates"], where=where)
            ),
            tables=tables,
            arrays={name: codec.decode(item, where=f"{where}: array {name!r}") for name, item in arrays.items()},
            facts=codec.mapping(data["facts"], where=f"{where}: facts"),
        )

    @cached_property
    def _names(self) -> dict[str, Estimate]:
        return {estimate.name: estimate for estimate in self.estimates}


def _scalar(value: Any) -> Scalar:
    """As a built-in value that JSON holds without loss."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is not None and not isinstance(value, (str, int, float, bool)):
        raise ResultsError(f"tables and facts hold texts and numbers, got {type(value).__name__} {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ResultsError(f"tables and facts hold finite numbers, or None for what was not measured; got {value}")
    return value
