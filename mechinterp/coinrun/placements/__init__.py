"""Placement rules: functions (state, generator) -> state that edit each fresh level before it is played."""

from mechinterp.coinrun.levels import Placement, stock
from mechinterp.coinrun.placements.coin import absent, decoy, left_of_agent, random_percent
from mechinterp.coinrun.placements.organisms import agent_at_right, decoys, random_agent_and_coin
from mechinterp.coinrun.placements.registry import PLACEMENTS, PlacementError, Rule, placement

__all__ = [
    "PLACEMENTS",
    "Placement",
    "PlacementError",
    "Rule",
    "absent",
    "agent_at_right",
    "decoy",
    "decoys",
    "left_of_agent",
    "placement",
    "random_agent_and_coin",
    "random_percent",
    "stock",
]
