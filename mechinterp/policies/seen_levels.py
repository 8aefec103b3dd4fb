"""Which levels a training run saw, by what they contain, and held-out levels that leave them out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt32

from mechinterp import stats
from mechinterp._files import write_bytes
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.levels import LevelRange, LevelSource
from mechinterp.policies.errors import CheckpointError, PolicyError
from mechinterp.stats import Estimate

SEEN_LEVELS = "levels.npz"
"""The file of a checkpoint folder."""
_VERSION = 1


@dataclass(frozen=True, eq=False)
class SeenLevels:
    """The levels of a training run, as a set of identities (`coinrun.identity.level_identity`).

    Of each identity 32 bits are kept: of 50,000 levels, one fresh level in 86,000 is taken for one of them.

    Attributes:
        hashes: sorted, each once.
        drawn: how many levels training drew; some came more than once.
        exact: whether these are the levels that were drawn; False where the set is known to hold them, and more.
    """

    hashes: UInt32[np.ndarray, " levels"]
    drawn: int
    exact: bool = True

    @classmethod
    def of(cls, identities: Iterable[int], *, exact: bool = True) -> SeenLevels:
        """The set of these."""
        kept = np.array([_short(identity) for identity in identities], np.uint32)
        return cls(np.unique(kept), len(kept), exact)

    def __contains__(self, identity: int) -> bool:
        at = int(np.searchsorted(self.hashes, np.uint32(_short(identity))))
        return at < len(self.hashes) and int(self.hashes[at]) == _short(identity)

    def __len__(self) -> int:
        return len(self.hashes)

    def write(self, folder: str | Path) -> Path:
        """Into a checkpoint folder, as differences of the sorted hashes: about 2.5 bytes a level."""
        held, path = io.BytesIO(), Path(folder) / SEEN_LEVELS
        steps = np.diff(self.hashes, prepend=np.uint32(0)).astype("<u4")
        about = np.array([_VERSION, self.drawn, self.exact], "<i8")
        np.savez_compressed(held, steps=steps.view(np.uint8).reshape(-1, 4).T, about=about)  # like bytes together
        write_bytes(path, held.getvalue())
        return path

    @classmethod
    def read(cls, folder: str | Path) -> SeenLevels | None:
        """Of a checkpoint folder; None where none are recorded.

        Raises:
            CheckpointError: the file is damaged, or of another version.
        """
        path = Path(folder) / SEEN_LEVELS
        if not path.exists():
            return None
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                version, drawn, exact = file["about"].tolist()
                steps = np.ascontiguousarray(file["steps"].T).view("<u4").ravel()
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"{path}: damaged, or no list of levels: {error}") from error
        if version != _VERSION:
            raise CheckpointError(f"{path}: version {version}; this library reads version {_VERSION}")
        return cls(np.cumsum(steps, dtype=np.uint32), drawn, bool(exact))


@dataclass(frozen=True)
class HeldOut:
    """Held-out levels of a range, and which were passed over.

    Attributes:
        seeds: of the levels; empty where they were not kept.
        levels: how many there are.
        seen: how many levels were left out since training saw them.
        repeated: how many were left out since they are one of `seeds` again.
        recorded: whether it is known what training saw; where it is not, none are left out for that.
    """

    seeds: tuple[int, ...]
    levels: int
    seen: int
    repeated: int
    recorded: bool

    @property
    def looked_at(self) -> int:
        """How many seeds were gone through."""
        return self.levels + self.seen + self.repeated

    def to_dict(self) -> dict[str, Any]:
        """As plain values, without the seeds."""
        return {"levels": self.levels, "seen": self.seen, "repeated": self.repeated, "recorded": self.recorded}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> HeldOut:
        """What `to_dict` gave. Raises PolicyError for anything else."""
        wanted = {"levels": int, "seen": int, "repeated": int, "recorded": bool}
        if not isinstance(data, Mapping) or {name: type(value) for name, value in data.items()} != wanted:
            raise PolicyError(f"held-out levels are written as {', '.join(wanted)}, got {data!r:.80}")
        return cls((), **data)

    @property
    def words(self) -> str:
        """What was left out, in a sentence."""
        repeats = f"{self.repeated} of {self.looked_at} held-out seeds were left out since they repeat a level"
        if self.share_seen is None:
            return f"Which levels training saw is not recorded, so levels of other seeds may have been seen; {repeats}."
        share = self.share_seen
        low, high = (f"{100 * end:.0f}" for end in (share.low, share.high))
        return (
            f"{self.seen} of {self.looked_at} held-out seeds ({share.value:.0%} [{low}, {high}]) were left out, since "
            f"training saw the same level under another seed, and {repeats}."
        )

    @property
    def share_seen(self) -> Estimate | None:
        """Of the levels that were looked at, the share that training saw; None where that is not recorded."""
        if not self.recorded:
            return None
        hits = np.arange(self.looked_at) < self.seen
        return stats.proportion(hits, name="held-out seeds whose level training saw", unit="seeds")


class HeldOutLevels:
    """Walks through a range of seeds and keeps the levels that are new, in order: more levels begin with fewer."""

    def __init__(self, levels: LevelRange, options: GameOptions, seen: SeenLevels | None) -> None:
        self._levels, self._options, self._seen = levels, options, seen
        self._fates: list[str] = []
        self._kept: set[int] = set()

    def first(self, count: int) -> HeldOut:
        """The first so many.

        Raises:
            PolicyError: the range has fewer.
        """
        if len(self._kept) < count:
            with LevelSource(self._options) as source:
                while len(self._kept) < count:
                    if len(self._fates) == self._levels.count:
                        raise PolicyError(
                            f"{count} levels asked; of the {self._levels.count:,} seeds from {self._levels.start}, "
                            f"{len(self._kept)} make levels that training did not see"
                        )
                    self._look(source)
        kept = [at for at, fate in enumerate(self._fates) if fate == "kept"][:count]
        before = self._fates[: kept[-1] + 1]
        seeds = tuple(self._levels.start + at for at in kept)
        return HeldOut(seeds, count, before.count("seen"), before.count("repeated"), self._seen is not None)

    def _look(self, source: LevelSource) -> None:
        identity = source.identity(self._levels.start + len(self._fates))
        if self._seen is not None and identity in self._seen:
            self._fates.append("seen")
        elif identity in self._kept:
            self._fates.append("repeated")
        else:
            self._kept.add(identity)
            self._fates.append("kept")


def drawn_levels(levels: LevelRange, *, seed: int, count: int) -> Iterator[int]:
    """The first seeds that a game draws whose generator has this seed: whatever is played, in this order."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield levels.draw(rng)


def _short(identity: int) -> int:
    return identity & 0xFFFFFFFF
