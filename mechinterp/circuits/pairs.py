"""Pairs of frames to patch between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from jaxtyping import Int64, UInt8
from torch import Tensor

from mechinterp.circuits.errors import CircuitError
from mechinterp.policies.frames import as_frames as as_tensor
from mechinterp.policies.frames import frame_array


class Pairs(Protocol):
    """What patching reads of a set of minimal pairs; `scenes.MinimalPairs` has these, and so has `FramePairs`."""

    @property
    def clean(self) -> UInt8[np.ndarray, "pairs 64 64 3"]: ...
    @property
    def corrupted(self) -> UInt8[np.ndarray, "pairs 64 64 3"]: ...
    @property
    def levels(self) -> Int64[np.ndarray, " pairs"]: ...


Frames = UInt8[np.ndarray, "*pairs 64 64 3"] | UInt8[Tensor, "*pairs 64 64 3"]
"""A frame, or several."""
AnyPairs = Pairs | tuple[Frames, Frames]
"""Minimal pairs, or (clean frames, corrupted frames), or two frames."""


@dataclass(frozen=True, eq=False)
class FramePairs:
    """Frames in pairs, from anywhere.

    Attributes:
        clean: frames of the one side, uint8; or a single frame.
        corrupted: of the other, in the same order.
        levels: the level (cluster) of each pair; by default each pair is its own.

    Raises:
        CircuitError: shapes or dtypes that differ or are no frames; no pairs.
    """

    clean: UInt8[np.ndarray, "pairs 64 64 3"]
    corrupted: UInt8[np.ndarray, "pairs 64 64 3"]
    levels: Int64[np.ndarray, " pairs"] = None  # pyright: ignore[reportAssignmentType]: never None once made

    def __post_init__(self) -> None:
        for name in ("clean", "corrupted"):
            object.__setattr__(self, name, as_frames(getattr(self, name), name))
        if self.clean.shape != self.corrupted.shape:
            raise CircuitError(
                f"pairs need frames of one shape, got clean {list(self.clean.shape)} and corrupted "
                f"{list(self.corrupted.shape)}"
            )
        levels = np.arange(len(self.clean)) if self.levels is None else np.asarray(self.levels)
        if levels.shape != (len(self.clean),) or levels.dtype.kind not in "iu":
            raise CircuitError(f"levels must be one whole number for each of {len(self.clean)} pairs, got {levels!r}")
        object.__setattr__(self, "levels", levels.astype(np.int64))

    def __len__(self) -> int:
        return len(self.levels)

    def __repr__(self) -> str:
        return f"FramePairs({len(self)} pairs of {len(np.unique(self.levels))} levels)"


def as_frames(frames: Any, name: str) -> UInt8[np.ndarray, "frames 64 64 3"]:
    """Frames as an array with a batch axis, whatever holds them.

    Raises:
        CircuitError: another shape or type, or none at all.
    """
    found = np.asarray(frames.detach().cpu() if isinstance(frames, Tensor) else frames)
    return frame_array(found[None] if found.ndim == 3 else found, name=f"{name} frames", error=CircuitError)


def as_pairs(pairs: AnyPairs) -> FramePairs:
    """Checked pairs, from anything that has clean, corrupted and levels, or from (clean, corrupted)."""
    if isinstance(pairs, tuple | list):
        if len(pairs) != 2:
            raise CircuitError(f"pairs are (clean frames, corrupted frames), got {len(pairs)} of them")
        return FramePairs(*(as_frames(side, name) for side, name in zip(pairs, ("clean", "corrupted"), strict=True)))
    if hasattr(pairs, "neither"):
        raise CircuitError(
            "2 x 2 scenes are no pairs: their interaction is measured by patch, edge_effects, path_effects and "
            "run_circuit, and by what stands on these (by_effects, path_patching, acdc, minimal_faithful_circuit)"
        )
    if missing := [name for name in ("clean", "corrupted", "levels") if not hasattr(pairs, name)]:
        raise CircuitError(
            f"pairs need clean, corrupted and levels, or are (clean frames, corrupted frames); {type(pairs).__name__} "
            f"has no {', '.join(missing)}"
        )
    return FramePairs(pairs.clean, pairs.corrupted, pairs.levels)


def apart(choose: Pairs, report: Pairs) -> None:
    """Make sure that what is chosen on some pairs is measured on other levels.

    Raises:
        CircuitError: pairs without levels, or levels that both have.
    """
    for name, pairs in (("choose", choose), ("report", report)):
        if not hasattr(pairs, "levels"):
            raise CircuitError(
                f"the pairs to {name} on need their levels, FramePairs(clean, corrupted, levels), so that the two can "
                f"be kept apart; got {type(pairs).__name__}"
            )
    if shared := np.intersect1d(choose.levels, report.levels).tolist():
        raise CircuitError(f"the pairs to choose on and those to report on share levels: {shared[:5]}")


def tensor(frames: UInt8[np.ndarray, "pairs 64 64 3"]) -> UInt8[Tensor, "pairs 64 64 3"]:
    """As torch takes it; see `policies.frames.as_frames`."""
    return as_tensor(frames)
