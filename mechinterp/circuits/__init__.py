"""How a variable of the world reaches the action: which parts of the network carry its effect."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Attribution": "attributed",
        "BudgetTooSmall": "errors",
        "CircuitError": "errors",
        "FramePairs": "pairs",
        "PatchEffects": "effects",
        "PatchSite": "sites",
        "ZeroEffect": "errors",
        "attribute": "attribution",
        "attribute_edges": "attribution",
        "channel_sites": "sites",
        "patch": "patching",
    },
)

if TYPE_CHECKING:
    from mechinterp.circuits.attributed import Attribution as Attribution
    from mechinterp.circuits.attribution import attribute as attribute
    from mechinterp.circuits.attribution import attribute_edges as attribute_edges
    from mechinterp.circuits.effects import PatchEffects as PatchEffects
    from mechinterp.circuits.errors import BudgetTooSmall as BudgetTooSmall
    from mechinterp.circuits.errors import CircuitError as CircuitError
    from mechinterp.circuits.errors import ZeroEffect as ZeroEffect
    from mechinterp.circuits.pairs import FramePairs as FramePairs
    from mechinterp.circuits.patching import patch as patch
    from mechinterp.circuits.sites import PatchSite as PatchSite
    from mechinterp.circuits.sites import channel_sites as channel_sites
