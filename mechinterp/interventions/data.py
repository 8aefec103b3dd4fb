"""Small frozen objects that go to plain values and back: places, conditions, schedules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.arrays import array_from_dict, array_to_dict
from mechinterp.interventions.errors import InterventionError


class Data:
    """A frozen dataclass of numbers, texts, tensors, None, and others of its kind; `to_dict` names its class."""

    what: ClassVar[str] = "object"
    """What such objects are, in words."""

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # pyright: ignore[reportArgumentType]
        return {"type": type(self).__name__, **{name: plain(value) for name, value in values.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`, for all classes below. Raises InterventionError for what it did not write."""
        try:
            kinds, given = _kinds(cls), dict(data)
            name = given.pop("type")
            if name not in kinds:
                raise InterventionError(f"no {cls.what} is called {name!r}{nearest(str(name), kinds)}")
            return kinds[name](**{key: stored(value) for key, value in given.items()})
        except InterventionError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InterventionError(f"this is no {cls.what}: {error!r}") from error


def _kinds(base: type[Any]) -> dict[str, type[Any]]:
    found = {}
    for kind in base.__subclasses__():
        found |= {kind.__name__: kind} | _kinds(kind)
    return {name: kind for name, kind in found.items() if not name.startswith("_")}


def plain(value: Any) -> Any:
    """A value as `json` writes it, tensors in full."""
    if isinstance(value, Data):
        return value.to_dict()
    if isinstance(value, Tensor | np.ndarray):
        return {"tensor": array_to_dict(value)}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def stored(value: Any) -> Any:
    """The inverse of `plain`."""
    if isinstance(value, Mapping):
        return Data.from_dict(value) if "type" in value else torch.from_numpy(array_from_dict(value["tensor"]))
    return tuple(stored(one) for one in value) if isinstance(value, list) else value


def check_number(what: str, value: Any, *, least: float | None = None, whole: bool = False) -> None:
    """Raise InterventionError unless `value` is a finite number (a whole one), and at least `least`."""
    kinds = (int,) if whole else (int, float)
    good = isinstance(value, kinds) and not isinstance(value, bool) and abs(value) < float("inf")
    if not good or (least is not None and value < least):
        wanted = ("a whole number" if whole else "a finite number") + ("" if least is None else f" from {least:g}")
        raise InterventionError(f"{what} must be {wanted}, got {value!r:.80}")
