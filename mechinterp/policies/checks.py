"""Refusing numbers that nothing can be done with, before anything is played."""

from __future__ import annotations

from typing import Any

import numpy as np

from mechinterp.errors import MechinterpError
from mechinterp.policies.errors import PolicyError

MOST = 2**63 - 1


def is_whole(value: Any, *, least: int, most: int = MOST) -> bool:
    """Whether it is a whole number in this range (truth values are none)."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(least <= value <= most)


def check_whole(*, least: int, most: int = MOST, error: type[MechinterpError] = PolicyError, **given: Any) -> None:
    """Refuse what is no whole number from `least` to `most`, by the name that it is given under."""
    for name, value in given.items():
        if not is_whole(value, least=least, most=most):
            allowed = f"at least {least}" if most == MOST else f"{least:,} to {most:,}"
            raise error(f"{name}={value!r:.80}: a whole number is needed, {allowed}")
