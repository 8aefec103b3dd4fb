"""Minimal pairs on disk: one compressed file that says when it was altered, and holds only states that are safe."""

from __future__ import annotations

import hashlib
import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from mechinterp._files import parse_json, write_bytes
from mechinterp.coinrun.scenes.pairs import COLUMNS, SIDES, STATES, WORDS, MinimalPairs, SceneError
from mechinterp.coinrun.scenes.strata import Strata
from mechinterp.coinrun.state import StateError

_FORMAT = "mechinterp-minimal-pairs-2"
_PLAYED, _NOTES = "played", "notes"
"""Not in the files of earlier versions. Notes are strata and refusals, as JSON."""
_DTYPES = {
    "clean": "uint8",
    "corrupted": "uint8",
    "levels": "int64",
    _PLAYED: "int64",
    **dict.fromkeys(STATES, "uint8"),
    **{f"{name}_lengths": "int64" for name in STATES},
}
_KEYS = {"format", "digest", _NOTES, *WORDS, *_DTYPES}


def save(pairs: MinimalPairs, path: str | Path) -> None:
    """Write one compressed file, whole or not at all."""
    columns = {name: getattr(pairs, name) for name in COLUMNS if name not in STATES}
    columns["levels"] = pairs.levels.astype(np.int64)
    words = {name: np.array(getattr(pairs, name)) for name in (*WORDS, "digest")}
    packed = {_PLAYED: np.array(pairs.played, np.int64), _NOTES: np.array(_notes(pairs))}
    for name in STATES:
        data = getattr(pairs, name)
        packed[name] = np.frombuffer(b"".join(data), np.uint8)
        packed[f"{name}_lengths"] = np.array([len(state) for state in data], np.int64)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, format=np.array(_FORMAT), **columns, **words, **packed)
    write_bytes(Path(path), buffer.getvalue())


def load(path: str | Path) -> MinimalPairs:
    """Read what `save` wrote.

    Raises:
        SceneError: for a missing, foreign, truncated or otherwise altered file, and for a state that is not safe.
    """
    try:
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
            arrays = dict(file)
    except Exception as error:  # unpacking damaged bytes can fail in as many ways as there are decoders
        raise SceneError(f"{path}: not a file of minimal pairs, or cut off or damaged ({error})") from error
    if "format" not in arrays or str(arrays["format"]) != _FORMAT:
        raise SceneError(f"{path}: not a file of minimal pairs (no mark {_FORMAT!r})")
    try:
        return _unpacked(arrays)
    except StateError as error:
        raise SceneError(f"{path}: {error}") from None


def digest(pairs: MinimalPairs) -> str:
    """SHA-256 of everything that the pairs hold, in hexadecimal."""
    result = hashlib.sha256(json.dumps([getattr(pairs, name) for name in WORDS]).encode())
    lengths = [len(pairs), *map(len, pairs.clean_states), *map(len, pairs.corrupted_states)]
    result.update(np.array(lengths, "<i8").tobytes())
    for part in (pairs.clean, pairs.corrupted, pairs.levels.astype("<i8")):
        result.update(part.tobytes())
    for state in (*pairs.clean_states, *pairs.corrupted_states):
        result.update(state)
    if pairs.played:
        result.update(np.array(pairs.played, "<i8").tobytes())
    if pairs.strata or pairs.refused:
        result.update(_notes(pairs).encode())
    return result.hexdigest()


def _notes(pairs: MinimalPairs) -> str:
    """Strata and refusals; nothing, where there are none."""
    if not (pairs.strata or pairs.refused):
        return ""
    return json.dumps({"strata": dict(pairs.strata.labels), "refused": dict(pairs.refused)}, sort_keys=True)


def _unpacked(arrays: dict[str, np.ndarray]) -> MinimalPairs:
    arrays = {_PLAYED: np.empty(0, np.int64), _NOTES: np.array("")} | arrays
    if set(arrays) != _KEYS:
        lacking, foreign = sorted(_KEYS - set(arrays)), sorted(set(arrays) - _KEYS)
        raise SceneError(f"a damaged file of minimal pairs: it lacks {lacking} and has {foreign} too many")
    for name, kind in _DTYPES.items():
        axes = 4 if name in SIDES else 1
        if arrays[name].dtype != kind or arrays[name].ndim != axes:
            found = f"{arrays[name].ndim} axes of {arrays[name].dtype}"
            raise SceneError(f"{name}: {found}, expected {axes} of {kind}")
    states = {name: _cut(name, arrays[name], arrays[f"{name}_lengths"]) for name in STATES}
    strata, refused = _read_notes(arrays[_NOTES])
    variable, clean_label, corrupted_label = (str(arrays[name]) for name in WORDS)
    pairs = MinimalPairs(
        variable,
        clean_label,
        corrupted_label,
        arrays["clean"],
        arrays["corrupted"],
        arrays["levels"],
        **states,
        played=tuple(arrays[_PLAYED]),
        strata=strata,
        refused=refused,
    )
    if pairs.digest != str(arrays["digest"]):
        raise SceneError("frames, states, levels or words are not those that were saved: the digest differs")
    for side in SIDES:
        pairs.states(side)
    return pairs


def _read_notes(notes: np.ndarray) -> tuple[Strata, dict[str, int]]:
    if notes.dtype.kind != "U" or notes.ndim != 0:
        raise SceneError(f"{_NOTES}: {notes.ndim} axes of {notes.dtype}, expected one text")
    if not str(notes):
        return Strata({}), {}
    try:
        read = parse_json(str(notes), where=_NOTES, error=SceneError)
        strata = Strata({str(name): tuple(map(str, labels)) for name, labels in read["strata"].items()})
        return strata, {str(reason): int(count) for reason, count in read["refused"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SceneError(f"{_NOTES}: not strata and refusals ({error})") from None


def _cut(name: str, data: UInt8[np.ndarray, " bytes"], lengths: Int64[np.ndarray, " states"]) -> tuple[bytes, ...]:
    """The states that lie one behind the other."""
    if (lengths < 0).any() or (lengths > len(data)).any() or lengths.sum() != len(data):
        raise SceneError(f"{name}: their lengths do not add up to the {len(data)} bytes that are there")
    ends = np.concatenate([[0], lengths.cumsum()]).tolist()
    return tuple(data[start:end].tobytes() for start, end in pairwise(ends))
