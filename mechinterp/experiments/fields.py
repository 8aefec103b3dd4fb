"""What results are made of: records of estimates, plain values and arrays, checked when made and when read."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, PlainSerializer, PlainValidator
from pydantic_core import core_schema

from mechinterp.stats import Estimate, StatsError

_KINDS = {"uint8": np.uint8, "int64": np.int64, "float32": np.float32}
_LARGEST = 1 << 28
"""More bytes than any array of a result has: a damaged file must not make us ask for more memory than there is."""


class Record(BaseModel):
    """Base of all results: frozen, with no unknown fields, no NaN, and no silent conversion of one type to another."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True
    )
    __hash__ = None  # pyright: ignore  # it may hold arrays and mappings

    def __eq__(self, other: object) -> bool:
        """Whether both are of one kind and hold the same values; arrays are compared as a whole."""
        if not isinstance(other, Record) or type(self) is not type(other):
            return False
        return self.model_dump(mode="json") == other.model_dump(mode="json")


def _as_estimate(value: Any) -> Estimate:
    if isinstance(value, Estimate):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"must be an Estimate (value, interval, n), got {type(value).__name__} {value!r:.40}")
    try:
        return Estimate.from_dict(value)
    except StatsError as error:
        raise ValueError(str(error)) from error


EstimateField: TypeAlias = Annotated[
    Estimate, PlainValidator(_as_estimate), PlainSerializer(Estimate.to_dict, return_type=dict)
]
"""A number of a result: value, interval, n, null."""


@dataclass(frozen=True)
class Array:
    """The one kind of array field: ``Annotated[np.ndarray, Array("uint8", "frames 64 64 3")]``.

    Values are copied, made read-only and brought to the field's type; floats must be finite. As JSON: dtype, shape and
    compressed little-endian bytes.

    Attributes:
        dtype: ``uint8``, ``int64`` or ``float32``.
        shape: as in jaxtyping: a number is a size, a name any size (the same name the same size), ``...`` any axes.
    """

    dtype: str
    shape: str

    def __post_init__(self) -> None:
        if self.dtype not in _KINDS:
            raise TypeError(f"arrays of results are {', '.join(_KINDS)}, not {self.dtype!r}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read, serialization=core_schema.plain_serializer_function_ser_schema(encode)
        )

    def _read(self, value: Any) -> np.ndarray:
        if isinstance(value, Mapping):
            value = decode(value)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "buif":
            raise ValueError(f"must be an array of real numbers, got {type(value).__name__}")
        if value.dtype.kind == "f" and self.dtype != "float32":
            raise ValueError(f"must be {self.dtype}, got {value.dtype}")
        copy = np.array(value, dtype=_KINDS[self.dtype], order="C")
        if bad := int((~np.isfinite(copy)).sum()):
            raise ValueError(f"{bad} of {copy.size} values are not finite")
        if value.dtype.kind != "f" and not np.array_equal(copy, value):
            raise ValueError(f"does not fit into {self.dtype}")
        if not _fits(copy.shape, self.shape.split()):
            raise ValueError(f"must be [{self.shape}], is {list(copy.shape)}")
        copy.flags.writeable = False
        return copy


def _fits(shape: tuple[int, ...], wanted: list[str]) -> bool:
    if "..." in wanted:
        at = wanted.index("...")
        after = len(wanted) - at - 1
        if len(shape) < at + after:
            return False
        wanted = [*wanted[:at], *[f"?{i}" for i in range(len(shape) - at - after)], *wanted[at + 1 :]]
    sizes: dict[str, int] = {}
    return len(shape) == len(wanted) and all(
        size == int(word) if word.isdigit() else sizes.setdefault(word, size) == size
        for size, word in zip(shape, wanted, strict=True)
    )


def encode(array: np.ndarray) -> dict[str, Any]:
    """An array as its dtype, shape and compressed little-endian bytes."""
    raw = zlib.compress(array.astype(array.dtype.newbyteorder("<")).tobytes(), 9)
    return {"dtype": array.dtype.name, "shape": list(array.shape), "zlib": base64.b64encode(raw).decode("ascii")}


def decode(data: Mapping[str, Any]) -> np.ndarray:
    """The inverse of `encode`.

    Raises:
        ValueError: fields missing or unknown, an unknown dtype, a shape that does not fit, or damaged bytes.
    """
    if set(data) != {"dtype", "shape", "zlib"}:
        raise ValueError(f"an array has the fields dtype, shape and zlib, got {sorted(map(str, data))}")
    kind, shape = data["dtype"], data["shape"]
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"unknown dtype {kind!r}; arrays of results are {', '.join(_KINDS)}")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"its shape must be a list of sizes, is {shape!r}")
    little = np.dtype(_KINDS[kind]).newbyteorder("<")
    expected = math.prod(shape) * little.itemsize
    if expected > _LARGEST:
        raise ValueError(f"shape {shape} would take {expected} bytes, more than {_LARGEST}")
    try:
        raw = zlib.decompressobj().decompress(base64.b64decode(data["zlib"], validate=True), expected + 1)
    except (TypeError, binascii.Error, zlib.error) as error:
        raise ValueError(f"its bytes are damaged: {error}") from error
    if len(raw) != expected:
        raise ValueError(f"shape {shape} of {kind} needs {expected} bytes, there are {len(raw)}")
    return np.frombuffer(raw, little).astype(_KINDS[kind]).reshape(shape)


def estimates(result: Any, path: str = "") -> Iterator[tuple[str, Estimate]]:
    """Every estimate of a result with its path, such as ``baselines/uniform random/mean_return``."""
    if isinstance(result, Estimate):
        yield path, result
        return
    if isinstance(result, BaseModel):
        parts = [(name, getattr(result, name)) for name in type(result).model_fields]
    elif isinstance(result, Mapping):
        parts = [(str(key), value) for key, value in result.items()]
    elif isinstance(result, tuple | list):
        parts = [(str(index), value) for index, value in enumerate(result)]
    else:
        return
    for name, value in parts:
        yield from estimates(value, f"{path}/{name}" if path else name)
