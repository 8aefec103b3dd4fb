"""Edits: pure functions from a state to a state in which only the named thing has changed."""

from mechinterp.coinrun.edits._shared import EditError, retile
from mechinterp.coinrun.edits.agent import Facing, face, move_agent, put_agent
from mechinterp.coinrun.edits.coin import (
    add_coin,
    add_decoy,
    add_decoys,
    coin_to_decoy,
    decoys,
    move_coin,
    only_coin,
    remove_coin,
    remove_decoys,
)
from mechinterp.coinrun.edits.hazards import (
    add_crate,
    add_enemy,
    add_lava,
    add_saw,
    add_saw_picture,
    harmless_lava,
    harmless_saws,
    remove_crates,
    remove_enemies,
    remove_lava,
    remove_saws,
)
from mechinterp.coinrun.edits.level import mirrored, mirrored_action, move_end
from mechinterp.coinrun.edits.looks import with_clock, with_looks

__all__ = [
    "EditError",
    "Facing",
    "add_coin",
    "add_crate",
    "add_decoy",
    "add_decoys",
    "add_enemy",
    "add_lava",
    "add_saw",
    "add_saw_picture",
    "coin_to_decoy",
    "decoys",
    "face",
    "harmless_lava",
    "harmless_saws",
    "mirrored",
    "mirrored_action",
    "move_agent",
    "move_coin",
    "move_end",
    "only_coin",
    "put_agent",
    "remove_coin",
    "remove_crates",
    "remove_decoys",
    "remove_enemies",
    "remove_lava",
    "remove_saws",
    "retile",
    "with_clock",
    "with_looks",
]
