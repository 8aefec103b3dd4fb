"""`Edit`: what is done at a site, as a pure function from an activation (with its batch) to a new one."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.data import plain, stored
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment
from mechinterp.interventions.places import Place
from mechinterp.interventions.positions import Mask, Positions
from mechinterp.interventions.sites import Site

Looked = tuple[Any, Any]
"""What an edit saw in a game: the cells of its place, and what else it asks for."""
_KEPT = 1024
"""Masks of places that an edit keeps."""


@dataclass(frozen=True, eq=False)
class Edit:
    """What all edits have in common: the site.

    Attributes:
        hook, channels, positions: as those of `Site`.
    """

    hook: str
    channels: int | Sequence[int] | None = None
    positions: Positions | None = None

    def __post_init__(self) -> None:
        if isinstance(self.hook, Site):
            kind = type(self).__name__
            raise InterventionError(
                f"{kind} takes the hook point's name, and its channels and positions next, not a Site: "
                f"{kind}(site.hook, site.channels, site.positions)"
            )
        object.__setattr__(self, "channels", self.site.channels)
        for field in dataclasses.fields(self):
            if isinstance(given := getattr(self, field.name), np.ndarray) and given.dtype.kind in "buif":
                object.__setattr__(self, field.name, torch.from_numpy(given.copy()))

    @cached_property
    def site(self) -> Site:
        """Where it is done."""
        return Site(self.hook, self.channels, self.positions)

    def check(self, shape: Sequence[int]) -> None:
        """Raise InterventionError unless the edit fits an activation of `shape` (without the batch)."""
        self.site.check(shape)

    def check_rows(self, rows: int) -> None:
        """Raise InterventionError where the edit is for another number of rows."""
        self.site.check_rows(rows)
        for name, given in self._by_row().items():
            if len(given) != rows:
                raise InterventionError(f"{self}: {name} has {len(given)} rows for a batch of {rows}")

    def __call__(self, value: Float[Tensor, " rows *shape"]) -> Float[Tensor, " rows *shape"]:
        """The edited activation; `value` is not changed.

        Raises:
            InterventionError: it does not fit, or depends on the games behind the rows (`momentary`).
        """
        if self.momentary:
            raise InterventionError(
                f"{self}: it depends on the game: give the frames' states (`states=`), or play (`rollout_each`)"
            )
        return torch.where(self._mask(value), self._new(value), value)

    @property
    def momentary(self) -> bool:
        """Whether it depends on the game behind each row: on where the coin is, say, or on a condition."""
        return isinstance(self.positions, Place)

    @property
    def reads_output(self) -> bool:
        """Whether it depends on what the network says of the frame without edits."""
        return False

    @property
    def by_row(self) -> bool:
        """Whether it holds something for each row of one batch, and so fits no other."""
        masked = isinstance(self.positions, Mask) and self.positions.cells.ndim == 3
        return masked or bool(self._by_row())

    def for_row(self, row: int) -> Edit:
        """What it is for one row of the batch that it was made for."""
        if not self.by_row:
            return self
        own: dict[str, Any] = {name: given[row : row + 1] for name, given in self._by_row().items()}
        if isinstance(self.positions, Mask) and self.positions.cells.ndim == 3:
            own["positions"] = Mask(self.positions.cells[row])
        return dataclasses.replace(self, **own)

    def at(self, value: Float[Tensor, " 1 *shape"], moment: Moment) -> Float[Tensor, " 1 *shape"] | None:
        """The edited activation of one row at this moment; None where the edit is not done then."""
        looked = self.look(moment, value.shape[2] if value.ndim == 4 else 0)
        return None if looked is None else self._edited(value, looked)

    def look(self, moment: Moment, side: int) -> Looked | None:
        """What the game says: all that the edit needs to know of it. None where it is not done at this moment.

        Args:
            side: cells along each side of the map (0 where the activation is no map).
        """
        centres = self.positions.centres(moment, side) if isinstance(self.positions, Place) else None
        own = None if centres == () else self._look(moment, side)
        return None if own is None else (centres, own)

    def ready(self, like: Float[Tensor, " rows *shape"]) -> Callable[[Tensor, Looked], None]:
        """A function that edits one row, of activations such as `like`, in place, after a look at its game.

        It does what `at` does; what does not depend on the moment is worked out once.
        """

        def run(row: Tensor, looked: Looked) -> None:
            row.copy_(self._edited(row, looked))

        return run

    def _look(self, moment: Moment, side: int) -> Any:
        """What the edit needs to know beside its cells; None where it is not done."""
        return ()

    def _edited(self, value: Tensor, looked: Looked) -> Tensor:
        centres, own = looked
        new = self._new_at(value, own)
        if self.site.whole:
            return new.expand_as(value)
        return torch.where(self._mask(value) if centres is None else self._mask_at(centres, value), new, value)

    def _mask_at(self, centres: tuple[tuple[int, int], ...], value: Tensor) -> Tensor:
        """The mask of the site, with its place at these cells."""
        assert isinstance(self.positions, Place)
        key = (value.shape[1:], value.device, centres)
        if key not in self._masks:
            if len(self._masks) >= _KEPT:
                self._masks.clear()
            self._masks[key] = self._mask(value) & self.positions.cells(centres, value.shape[2]).to(value.device)
        return self._masks[key]

    def describe(self) -> str:
        """One sentence: where, and what is done."""
        return f"{self.site.words}: {self._does()}."

    def _does(self) -> str:
        return type(self).__name__.lower()

    def _new_at(self, value: Tensor, own: Any) -> Tensor:
        """What to put in, after a look at the game."""
        return self._new(value)

    @cached_property
    def _masks(self) -> dict[Any, Tensor]:
        return {}

    def _mask(self, value: Tensor) -> Tensor:
        """The mask of the site, without its place; kept, since the same edit runs at every step of every game."""
        if isinstance(self.positions, Mask) and self.positions.cells.ndim == 3:
            return self.site.mask(value)
        key = (value.shape[1:], value.device)
        if key not in self._masks:
            positions = None if isinstance(self.positions, Place) else self.positions
            self._masks[key] = Site(self.hook, self.channels, positions).mask(value)
        return self._masks[key]

    def new_values(self, value: Float[Tensor, " rows *shape"], rows: slice) -> Float[Tensor, " rows *shape"]:
        """What the edit puts in, everywhere; `value` are these rows of the batch that the edit was made for."""
        own = {name: given[rows] for name, given in self._by_row().items()}
        edit = dataclasses.replace(self, positions=None, **own) if own else self
        return edit._new(value).expand_as(value)

    @abstractmethod
    def _new(self, value: Tensor) -> Tensor:
        """What to put in, broadcastable against `value`."""

    def _by_row(self) -> dict[str, Tensor]:
        """Attributes that hold a value for each row of the batch."""
        return {}

    def _check_tensor(self, name: str, words: str) -> None:
        """Raise InterventionError where the attribute is no tensor, has no numbers, or some that are not finite."""
        given = getattr(self, name)
        what = f"{type(self).__name__} at {self.hook}: {name} must be {words}, a tensor or array of finite numbers"
        if not isinstance(given, Tensor):
            raise InterventionError(f"{what}; got {given!r:.80}")
        if not given.ndim or not given.numel() or given.is_complex():
            raise InterventionError(f"{what}; got {given.dtype} of shape {list(given.shape)}")
        if bad := int((~torch.isfinite(given)).sum()):
            raise InterventionError(f"{what}; {bad} of {given.numel()} numbers are not finite")

    def _fits(self, what: str, tensor: Tensor, value: Tensor) -> Tensor:
        """`tensor`, whole activations for each row or one for all, in the dtype and on the device of `value`."""
        if tensor.shape[1:] != value.shape[1:] or len(tensor) not in (1, len(value)):
            raise InterventionError(
                f"{type(self).__name__} at {self.hook}: {what} has shape {tuple(tensor.shape)}; expected "
                f"{tuple(value.shape)}, or 1 row for all"
            )
        return tensor.to(value)

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.site.label}"

    def __repr__(self) -> str:
        def short(value: Any) -> str:
            return f"tensor{list(value.shape)}" if isinstance(value, Tensor) else repr(value)

        shown = [f"{f.name}={short(v)}" for f in dataclasses.fields(self) if (v := getattr(self, f.name)) is not None]
        return f"{type(self).__name__}({', '.join(shown)})"

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes, tensors in full."""
        own = [field.name for field in dataclasses.fields(self)][3:]
        return {"edit": type(self).__name__, **self.site.to_dict(), **{n: plain(getattr(self, n)) for n in own}}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Edit:
        """The inverse of `to_dict`, for every kind of edit. Raises InterventionError for what it did not write."""
        try:
            kinds, given = _kinds(Edit), dict(data)
            name = given.pop("edit")
            if name not in kinds:
                raise InterventionError(f"no edit is called {name!r}{nearest(str(name), kinds)}")
            return kinds[name]._from_plain(given)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InterventionError(f"this is no edit: {error!r}") from error

    @classmethod
    def _from_plain(cls, given: Mapping[str, Any]) -> Edit:
        """An edit of this kind, of what `to_dict` wrote."""
        site = Site.from_dict(given)
        own = {key: stored(value) for key, value in given.items() if key not in site.to_dict()}
        return cls(site.hook, site.channels, site.positions, **own)


def _kinds(base: type[Edit]) -> dict[str, type[Edit]]:
    found = {}
    for kind in base.__subclasses__():
        found |= {kind.__name__: kind} | _kinds(kind)
    return {name: kind for name, kind in found.items() if not name.startswith("_")}
