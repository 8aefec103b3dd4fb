"""The networks: build, load, run, and read what their logits do."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Captured": "graph",
        "DistillConfig": "networks",
        "EmptySelection": "errors",
        "ImpalaConfig": "networks",
        "NatureConfig": "networks",
        "Node": "graph",
        "Policy": "graph",
        "PolicyError": "errors",
        "PolicyOutput": "graph",
        "UnknownHook": "errors",
        "actions": "actions",
        "build": "networks",
        "light_impala": "networks",
    },
)

if TYPE_CHECKING:
    from mechinterp.policies import actions as actions
    from mechinterp.policies.errors import EmptySelection as EmptySelection
    from mechinterp.policies.errors import PolicyError as PolicyError
    from mechinterp.policies.errors import UnknownHook as UnknownHook
    from mechinterp.policies.graph import Captured as Captured
    from mechinterp.policies.graph import Node as Node
    from mechinterp.policies.graph import Policy as Policy
    from mechinterp.policies.graph import PolicyOutput as PolicyOutput
    from mechinterp.policies.networks import DistillConfig as DistillConfig
    from mechinterp.policies.networks import ImpalaConfig as ImpalaConfig
    from mechinterp.policies.networks import NatureConfig as NatureConfig
    from mechinterp.policies.networks import build as build
    from mechinterp.policies.networks import light_impala as light_impala
