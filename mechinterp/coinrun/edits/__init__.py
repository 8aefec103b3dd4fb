"""Edits: pure functions from a state to a state in which only the named thing has changed."""

from mechinterp.coinrun.edits._shared import EditError
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

__all__ = [
    "EditError",
    "Facing",
    "add_coin",
    "add_decoy",
    "add_decoys",
    "coin_to_decoy",
    "decoys",
    "face",
    "move_agent",
    "move_coin",
    "only_coin",
    "put_agent",
    "remove_coin",
    "remove_decoys",
]
