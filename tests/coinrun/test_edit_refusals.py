"""Edits and level constructors refuse what they cannot take with an error of their own, never a TypeError."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import numpy as np
import pytest

from mechinterp.coinrun import edits
from mechinterp.coinrun.ascii import draw, level
from mechinterp.coinrun.empty import empty_level
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.state import StateError

STATE = level("#....A..C.S.B.E..#\n##################")
OF_STATES = [
    name
    for name in edits.__all__
    if inspect.isfunction(edit := getattr(edits, name)) and next(iter(inspect.signature(edit).parameters)) == "state"
]
ODD: tuple[Any, ...] = (
    3,
    2.5,
    None,
    "ab",
    [],
    {},
    object(),
    (1,),
    (1, 2, 3),
    [[1, 2], [3]],
    np.zeros(3),
    True,
    float("nan"),
)
RIGHT: dict[str, Any] = {
    "cell": (6, 1), "cells": [(6, 1)], "x": 3.5, "y": 3.0, "end_x": 20, "facing": "left", "count": 1,
}  # fmt: skip


def test_every_edit_is_asked() -> None:
    assert len(OF_STATES) >= 24


@pytest.mark.parametrize("name", OF_STATES)
@pytest.mark.parametrize("given", [None, 3, "state", b"bytes", [STATE], Start(STATE, 0, 5)])
def test_an_edit_of_something_that_is_no_state(name: str, given: Any) -> None:
    edit = getattr(edits, name)
    rest = [
        RIGHT[parameter.name]
        for parameter in list(inspect.signature(edit).parameters.values())[1:]
        if parameter.default is inspect.Parameter.empty
    ]
    with pytest.raises(
        edits.EditError, match=f"{name}: a {type(given).__name__}, where a GameState is needed"
    ) as error:
        edit(given, *rest)
    assert ("give its .state" in str(error.value)) == isinstance(given, Start)


@pytest.mark.parametrize("name", OF_STATES)
def test_odd_arguments_are_refused_or_taken_but_never_a_bug(name: str) -> None:
    edit = getattr(edits, name)
    parameters = list(inspect.signature(edit).parameters.values())[1:]
    for odd_one in parameters:
        for odd in ODD:
            given = {one.name: RIGHT[one.name] for one in parameters if one.default is inspect.Parameter.empty}
            with contextlib.suppress(StateError):
                edit(STATE, **{**given, odd_one.name: odd})


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda: edits.add_decoys(STATE, 3), r"decoy in 3: several cells are needed, such as \[\(3, 1\), \(4, 1\)\]"),  # pyright: ignore
        (lambda: edits.add_lava(STATE, 3), "lava in 3: several cells"),  # pyright: ignore
        (lambda: edits.add_lava(STATE, (6, 1)), "lava at 6: a cell is a pair"),  # pyright: ignore
        (lambda: edits.remove_saws(STATE, 3), "remove in 3: several cells"),  # pyright: ignore
        (lambda: edits.remove_crates(STATE, "ab"), "remove in 'ab': several cells"),  # pyright: ignore
        (lambda: edits.remove_lava(STATE, leave=["pit"]), "allowed are"),  # pyright: ignore
        (lambda: edits.retile(None), "retile: a NoneType"),  # pyright: ignore
        (lambda: edits.mirrored_action("a"), "action: 'a'"),  # pyright: ignore
    ],
)
def test_the_message_says_what_is_needed(edit: Any, message: str) -> None:
    with pytest.raises(edits.EditError, match=message):
        edit()


@pytest.mark.parametrize("art", [None, 3, b"#A#", ["#A#", "###"], np.zeros((3, 3))])
def test_a_drawing_is_text(art: Any) -> None:
    with pytest.raises(StateError, match=f"a drawing is text, .*got a {type(art).__name__}"):
        level(art)


def test_levels_of_odd_sizes_seeds_and_options() -> None:
    for make in (lambda **given: level("#A#\n###", **given), empty_level):
        for odd in (None, "a", 2.5, [], True, -1, 10**12):
            for name in ("level_seed", "width", "height"):
                with pytest.raises(StateError, match=name if odd not in (-1, 10**12) else "allowed are|has room for"):
                    make(**{name: odd})
        with pytest.raises(StateError, match="options: a dict, where GameOptions are needed"):
            make(options={})
    with pytest.raises(StateError, match="draw: a NoneType, where a GameState is needed"):
        draw(None)  # pyright: ignore[reportArgumentType]
