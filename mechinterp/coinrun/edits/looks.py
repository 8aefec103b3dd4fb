"""Edits of how the game looks, and of its clock. What happens in it stays the same."""

from __future__ import annotations

from typing import Any

from mechinterp.coinrun.edits._shared import EditError, of_state, whole
from mechinterp.coinrun.layout import EntityType
from mechinterp.coinrun.state import GameState


@of_state
def with_looks(
    state: GameState,
    *,
    background: int | None = None,
    backgrounds: bool | None = None,
    monochrome: bool | None = None,
    wall_theme: int | None = None,
    agent_theme: int | None = None,
    enemy_theme: int | None = None,
    crate_theme: int | None = None,
    visibility: float | None = None,
) -> GameState:
    """The same game in other looks; what is not named stays.

    Args:
        background: which picture is behind the level, 0 to 61.
        backgrounds: whether there is one at all, or black.
        monochrome: everything in plain colours instead of pictures.
        wall_theme: of the ground, 0 to 5.
        agent_theme: colour of the agent, 0 to 4.
        enemy_theme: of all enemies, 0 to 8.
        crate_theme: of all crates, 0 to 3.
        visibility: cells along a side of the view, 3 to 256; stock is 13.

    Raises:
        StateError: for a value out of range, or a theme that is not a whole number.
    """
    scalars: dict[str, Any] = {}
    for name, value in (
        ("background_index", background),
        ("use_backgrounds", backgrounds),
        ("use_monochrome_assets", monochrome),
        ("wall_theme", wall_theme),
        ("visibility", visibility),
    ):
        if value is not None:
            scalars[name] = value
    entities = state.entities.copy()
    themes = ((EntityType.AGENT, agent_theme), (EntityType.ENEMY, enemy_theme), (EntityType.CRATE, crate_theme))
    for kind, theme in themes:
        if theme is not None:
            entities["image_theme"][entities["type"] == kind] = whole(theme, f"{kind.name.lower()}_theme")
    return state.replace(entities=entities, **scalars)


@of_state
def with_clock(state: GameState, *, elapsed: int | None = None, timeout: int | None = None) -> GameState:
    """The episode ends at step ``timeout`` (stock: 1000), and ``elapsed`` of its steps are over.

    Raises:
        EditError: if none would be left.
    """
    changed = state.replace(
        cur_time=state["cur_time"] if elapsed is None else elapsed,
        timeout=state["timeout"] if timeout is None else timeout,
    )
    if changed["cur_time"] >= changed["timeout"]:
        raise EditError(f"clock: {changed['cur_time']} steps elapsed of {changed['timeout']}, at least 1 must be left")
    return changed
