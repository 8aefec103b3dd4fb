"""Which level this is, by what it contains: another seed often makes the same level.

In easy levels without backgrounds a third of fresh seeds repeat the level of one of 30,000 others
(https://github.com/openai/procgen/issues/100), so a seed that training never drew may well be of a level that it saw.
"""

from __future__ import annotations

import hashlib

import numpy as np

from mechinterp.coinrun.layout import EntityType
from mechinterp.coinrun.state import GameState

PARTS = 64
"""Places of entities are compared to this part of a cell, so that the last bit of a float is no difference."""
_KIND_AND_PLACE = (0, 3, 4)


def level_identity(state: GameState) -> int:
    """64 bits that stand for the level at the start of an episode: two with the same bits look and play alike.

    Of the grid; of the kind, theme, direction and place of each entity, the agent too; of the theme of the walls; and
    of the background, where the game draws one. Not of the seed, of random generators, or of what an episode does. A
    placement makes another level: ask it of the level before one (`LevelSource.identity`).

    BLAKE2b of the numbers in a fixed order and byte order, so that it is the same on every platform.
    """
    grid, entities = state.grid, state.entities
    trails = entities["type"] == EntityType.TRAIL
    kept = entities[~trails]
    columns = [kept[name].astype(np.int64) for name in ("type", "image_theme", "is_reflected")]
    columns += [np.rint(kept[name].astype(np.float64) * PARTS).astype(np.int64) for name in ("x", "y", "rx", "ry")]
    rows = np.stack(columns, axis=1)
    # Crates may stand in one another: the one that is drawn last hides the others.
    _, last = np.unique(rows[::-1][:, _KIND_AND_PLACE], axis=0, return_index=True)
    rows = rows[::-1][last]
    looks = [int(state["wall_theme"])]
    if state["use_backgrounds"]:
        looks += [int(state["background_index"]), round(float(state["bg_pct_x"]) * 2**16)]
    digest = hashlib.blake2b(digest_size=8)
    for part in (np.array(grid.shape), grid, rows, np.array(looks)):
        digest.update(np.ascontiguousarray(part, "<i8").tobytes())
        digest.update(b"/")
    return int.from_bytes(digest.digest(), "little")
