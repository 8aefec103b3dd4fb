"""How the parts of results are written as JSON, and read with errors that say where."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mechinterp.errors import nearest
from mechinterp.reporting.errors import ResultsError
from mechinterp.stats import Estimate, StatsError

_KINDS = {"uint8": np.uint8, "float32": np.float32, "int64": np.int64}
_LARGEST = 1 << 28
"""More bytes than any array of a report has: a damaged file must not make us ask for more memory than there is."""


def own(array: Any, *, name: str) -> np.ndarray:
    """A read-only copy as uint8, int64 or (any other real number) float32.

    Raises:
        ResultsError: not an array of finite real numbers.
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "buif":
        raise ResultsError(f"{name} must be an array of real numbers, got {type(array).__name__}")
    kind = "float32" if array.dtype.kind == "f" else "uint8" if array.dtype in (np.uint8, np.bool_) else "int64"
    copy = np.array(array, dtype=kind, order="C")
    if kind == "float32" and not np.isfinite(copy).all():
        raise ResultsError(f"{name}: {int((~np.isfinite(copy)).sum())} of {copy.size} values are not finite")
    copy.flags.writeable = False
    return copy


def encode(array: np.ndarray) -> dict[str, Any]:
    """As its dtype, shape and compressed little-endian bytes."""
    raw = zlib.compress(array.astype(array.dtype.newbyteorder("<")).tobytes(), 9)
    return {"dtype": array.dtype.name, "shape": list(array.shape), "zlib": base64.b64encode(raw).decode("ascii")}


def decode(data: Any, *, where: str) -> np.ndarray:
    """The inverse of `encode`.

    Raises:
        ResultsError: an unknown dtype, a shape that does not fit, or bytes that are damaged.
    """
    check_fields(data, ("dtype", "shape", "zlib"), where=where)
    if data["dtype"] not in _KINDS:
        raise ResultsError(f"{where}: unknown dtype {data['dtype']!r}{nearest(str(data['dtype']), _KINDS)}")
    shape = data["shape"]
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ResultsError(f"{where}: its shape must be a list of sizes, is {shape!r}")
    kind = np.dtype(_KINDS[data["dtype"]]).newbyteorder("<")
    expected = math.prod(shape) * kind.itemsize
    if expected > _LARGEST:
        raise ResultsError(f"{where}: shape {shape} would take {expected} bytes, more than {_LARGEST}")
    try:
        raw = zlib.decompressobj().decompress(base64.b64decode(data["zlib"], validate=True), expected + 1)
    except (TypeError, binascii.Error, zlib.error) as error:
        raise ResultsError(f"{where}: its bytes are damaged: {error}") from error
    if len(raw) != expected:
        raise ResultsError(f"{where}: shape {shape} of {data['dtype']} needs {expected} bytes, there are {len(raw)}")
    return np.frombuffer(raw, kind).astype(_KINDS[data["dtype"]]).reshape(shape)


def estimate(data: Any, *, where: str) -> Estimate:
    """An estimate from its dictionary. Raises ResultsError that says where it stands."""
    try:
        return Estimate.from_dict(data)
    except StatsError as error:
        raise ResultsError(f"{where}: {error}") from error


def check_fields(data: Any, names: Iterable[str], *, where: str) -> None:
    """Refuse anything but a mapping with exactly these fields."""
    names = tuple(names)
    for key in mapping(data, where=where):
        if key not in names:
            raise ResultsError(f"{where}: unknown field {key!r}{nearest(key, names)}")
    if missing := [name for name in names if name not in data]:
        raise ResultsError(f"{where}: missing fields: {', '.join(missing)}")


def mapping(data: Any, *, where: str) -> Mapping[str, Any]:
    """`data`, which must be a JSON object."""
    if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
        raise ResultsError(f"{where}: should be an object, is {type(data).__name__}")
    return data


def sequence(data: Any, *, where: str) -> list[Any]:
    """`data`, which must be a JSON list."""
    if not isinstance(data, list):
        raise ResultsError(f"{where}: should be a list, is {type(data).__name__}")
    return data
