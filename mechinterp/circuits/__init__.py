"""How a variable of the world reaches the action: which parts of the network carry its effect."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Attribution": "attributed",
        "BudgetTooSmall": "errors",
        "Circuit": "circuit",
        "CircuitError": "errors",
        "Curve": "faithfulness",
        "Edge": "nodes",
        "FramePairs": "pairs",
        "Node": "nodes",
        "PatchEffects": "effects",
        "PatchSite": "sites",
        "Ranking": "ranking",
        "ResidualGraph": "graph",
        "Route": "routes",
        "Sufficient": "held_out",
        "ZeroEffect": "errors",
        "attribute": "attribution",
        "attribute_edges": "attribution",
        "by_attribution": "discovery",
        "by_effects": "discovery",
        "by_mask": "masks",
        "by_paths": "paths",
        "by_pruning": "discovery",
        "channel_sites": "sites",
        "compare": "ranking",
        "completeness": "hypotheses",
        "curve": "faithfulness",
        "edge_effects": "routes",
        "edge_weight": "graph",
        "equivalence": "hypotheses",
        "independence": "hypotheses",
        "minimality": "hypotheses",
        "minimality_tests": "hypotheses",
        "patch": "patching",
        "path_effects": "routes",
        "random_like": "faithfulness",
        "run_alone": "alone",
        "smallest": "faithfulness",
        "stability": "faithfulness",
        "stream": "graph",
        "sufficient": "held_out",
    },
)

if TYPE_CHECKING:
    from mechinterp.circuits.alone import run_alone as run_alone
    from mechinterp.circuits.attributed import Attribution as Attribution
    from mechinterp.circuits.attribution import attribute as attribute
    from mechinterp.circuits.attribution import attribute_edges as attribute_edges
    from mechinterp.circuits.circuit import Circuit as Circuit
    from mechinterp.circuits.discovery import by_attribution as by_attribution
    from mechinterp.circuits.discovery import by_effects as by_effects
    from mechinterp.circuits.discovery import by_pruning as by_pruning
    from mechinterp.circuits.effects import PatchEffects as PatchEffects
    from mechinterp.circuits.errors import BudgetTooSmall as BudgetTooSmall
    from mechinterp.circuits.errors import CircuitError as CircuitError
    from mechinterp.circuits.errors import ZeroEffect as ZeroEffect
    from mechinterp.circuits.faithfulness import Curve as Curve
    from mechinterp.circuits.faithfulness import curve as curve
    from mechinterp.circuits.faithfulness import random_like as random_like
    from mechinterp.circuits.faithfulness import smallest as smallest
    from mechinterp.circuits.faithfulness import stability as stability
    from mechinterp.circuits.graph import ResidualGraph as ResidualGraph
    from mechinterp.circuits.graph import edge_weight as edge_weight
    from mechinterp.circuits.graph import stream as stream
    from mechinterp.circuits.held_out import Sufficient as Sufficient
    from mechinterp.circuits.held_out import sufficient as sufficient
    from mechinterp.circuits.hypotheses import completeness as completeness
    from mechinterp.circuits.hypotheses import equivalence as equivalence
    from mechinterp.circuits.hypotheses import independence as independence
    from mechinterp.circuits.hypotheses import minimality as minimality
    from mechinterp.circuits.hypotheses import minimality_tests as minimality_tests
    from mechinterp.circuits.masks import by_mask as by_mask
    from mechinterp.circuits.nodes import Edge as Edge
    from mechinterp.circuits.nodes import Node as Node
    from mechinterp.circuits.pairs import FramePairs as FramePairs
    from mechinterp.circuits.patching import patch as patch
    from mechinterp.circuits.paths import by_paths as by_paths
    from mechinterp.circuits.ranking import Ranking as Ranking
    from mechinterp.circuits.ranking import compare as compare
    from mechinterp.circuits.routes import Route as Route
    from mechinterp.circuits.routes import edge_effects as edge_effects
    from mechinterp.circuits.routes import path_effects as path_effects
    from mechinterp.circuits.sites import PatchSite as PatchSite
    from mechinterp.circuits.sites import channel_sites as channel_sites
