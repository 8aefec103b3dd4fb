"""Registries say which name was meant."""

from __future__ import annotations

import re
from typing import Any

import pytest

import mechinterp as mi
from mechinterp.errors import MechinterpError
from mechinterp.training import NETWORKS


@pytest.mark.parametrize(
    ("registry", "typo", "message"),
    [
        (mi.OBJECTS, "crat", "no object is called 'crat'; did you mean 'crate'"),
        (mi.VARIABLES, "coin sde", "no variable is called 'coin sde'; did you mean 'coin side'"),
        (mi.LEVELS, "scnes", "no purpose of levels is called 'scnes'; did you mean 'scenes'"),
        (mi.READOUTS, "movment", "no readout is called 'movment'; did you mean 'movement'"),
        (mi.PLACEMENTS, "stok", "no placement is called 'stok'; did you mean 'stock'"),
        (mi.ORGANISMS, "standart", "no organism is called 'standart'; did you mean 'standard'"),
        (NETWORKS, "lihgt", "no network is called 'lihgt'; did you mean 'light'"),
    ],
)
def test_a_name_that_is_not_there(registry: Any, typo: str, message: str) -> None:
    for kind in (MechinterpError, KeyError):
        with pytest.raises(kind, match=f"^{message}"):
            registry[typo]
    for other in (None, 3, ["stock"]):
        assert other not in registry
        with pytest.raises(MechinterpError, match=re.escape(f"is called {other!r}")):
            registry[other]
    assert registry.get(typo) is None
    assert dict(registry) == registry
    assert repr(registry).startswith("Registry(")
    assert all(name in repr(registry) for name in registry)
    with pytest.raises(TypeError):
        registry[typo] = 1
