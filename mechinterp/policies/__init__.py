"""The networks: build, load, run, and read what their logits do."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Actor": "actors",
        "AlwaysRight": "actors",
        "Captured": "nodes",
        "Card": "card",
        "Checkpoint": "checkpoints",
        "CheckpointError": "errors",
        "DistillConfig": "networks",
        "EmptySelection": "errors",
        "Episodes": "rollout",
        "ImpalaConfig": "networks",
        "NatureConfig": "networks",
        "Node": "nodes",
        "Outcome": "rollout",
        "Policy": "graph",
        "PolicyActor": "actors",
        "PolicyError": "errors",
        "PolicyOutput": "nodes",
        "UniformRandom": "actors",
        "UnknownHook": "errors",
        "actions": "actions",
        "build": "networks",
        "convert": "checkpoints",
        "light_impala": "networks",
        "load": "checkpoints",
        "read": "checkpoints",
        "save": "checkpoints",
        "save_step": "checkpoints",
        "series": "checkpoints",
        "shuffled": "controls",
        "untrained": "controls",
        "visited_states": "visits",
    },
)

if TYPE_CHECKING:
    from mechinterp.policies import actions as actions
    from mechinterp.policies.actors import Actor as Actor
    from mechinterp.policies.actors import AlwaysRight as AlwaysRight
    from mechinterp.policies.actors import PolicyActor as PolicyActor
    from mechinterp.policies.actors import UniformRandom as UniformRandom
    from mechinterp.policies.card import Card as Card
    from mechinterp.policies.checkpoints import Checkpoint as Checkpoint
    from mechinterp.policies.checkpoints import convert as convert
    from mechinterp.policies.checkpoints import load as load
    from mechinterp.policies.checkpoints import read as read
    from mechinterp.policies.checkpoints import save as save
    from mechinterp.policies.checkpoints import save_step as save_step
    from mechinterp.policies.checkpoints import series as series
    from mechinterp.policies.controls import shuffled as shuffled
    from mechinterp.policies.controls import untrained as untrained
    from mechinterp.policies.errors import CheckpointError as CheckpointError
    from mechinterp.policies.errors import EmptySelection as EmptySelection
    from mechinterp.policies.errors import PolicyError as PolicyError
    from mechinterp.policies.errors import UnknownHook as UnknownHook
    from mechinterp.policies.graph import Policy as Policy
    from mechinterp.policies.networks import DistillConfig as DistillConfig
    from mechinterp.policies.networks import ImpalaConfig as ImpalaConfig
    from mechinterp.policies.networks import NatureConfig as NatureConfig
    from mechinterp.policies.networks import build as build
    from mechinterp.policies.networks import light_impala as light_impala
    from mechinterp.policies.nodes import Captured as Captured
    from mechinterp.policies.nodes import Node as Node
    from mechinterp.policies.nodes import PolicyOutput as PolicyOutput
    from mechinterp.policies.rollout import Episodes as Episodes
    from mechinterp.policies.rollout import Outcome as Outcome
    from mechinterp.policies.visits import visited_states as visited_states
