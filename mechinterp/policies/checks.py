"""Refusing numbers that nothing can be done with, before anything is played."""

from __future__ import annotations

from typing import Any

from mechinterp.coinrun.checks import is_whole as is_whole
from mechinterp.errors import MechinterpError
from mechinterp.policies.errors import PolicyError

MOST = 2**63 - 1


def check_whole(*, least: int, most: int = MOST, error: type[MechinterpError] = PolicyError, **given: Any) -> None:
    """Refuse what is no whole number from `least` to `most`, by the name that it is given under."""
    for name, value in given.items():
        if not is_whole(value, least=least, most=most):
            allowed = f"at least {least}" if most == MOST else f"{least:,} to {most:,}"
            raise error(f"{name}={value!r:.80}: a whole number is needed, {allowed}")
