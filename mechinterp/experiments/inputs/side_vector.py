"""The steering vector of the coin's side: found once, on levels that choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.coinrun.scenes import MinimalPairs
from mechinterp.experiments.inputs.blindings import blindings
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.features.blinding import layer_values, movement
from mechinterp.interventions import Steer
from mechinterp.policies.graph import Policy

SIDE = "coin side"


@dataclass(frozen=True, eq=False, kw_only=True)
class SideVector:
    """What the coin's side changes in one layer.

    Attributes:
        hook: the layer.
        vector: mean activation with the coin on the right minus that with the coin on the left.
        norm: of it, as a share of the mean norm of the layer's activations around their mean.
        pairs: how many gave it.
        report: pairs of other levels.
    """

    hook: str
    vector: Float[Tensor, "channels side side"]
    norm: float
    pairs: int
    report: MinimalPairs


def side_vector(inputs: Inputs) -> SideVector:
    """Of the layers with maps, that where adding the vector to frames with the coin on the left, and taking it from
    those with it on the right, comes nearest to exchanging them, in movement log-odds.

    Raises:
        SceneError: no state has room for coins on both sides.
    """
    choose, report = inputs(scenes).split(SIDE)
    hooks = inputs(blindings).hooks
    inputs.tick("choosing a layer to steer")
    tried = [_tried(inputs.subject.policy, hook, choose, report) for hook in hooks]
    return min(tried, key=lambda one: one[0])[1]


def _tried(policy: Policy, hook: str, choose: MinimalPairs, report: MinimalPairs) -> tuple[float, SideVector]:
    """How far the vector of one layer is from exchanging the sides, in nats; and the vector."""
    clean, corrupted = (layer_values(policy, part, hook) for part in (choose.clean, choose.corrupted))
    vector = (clean - corrupted).mean(0)
    right, left = (movement(policy, part, [()])[0] for part in (choose.clean, choose.corrupted))
    up = movement(policy, choose.corrupted, [(Steer(hook, direction=vector),)])[0]
    down = movement(policy, choose.clean, [(Steer(hook, direction=vector, strength=-1.0),)])[0]
    off = float(np.abs(up - right).mean() + np.abs(down - left).mean())
    around = torch.cat([clean, corrupted])
    size = float((around - around.mean(0)).flatten(1).norm(dim=1).mean())
    norm = float(vector.norm()) / max(size, 1e-12)
    return off, SideVector(hook=hook, vector=vector, norm=norm, pairs=len(choose), report=report)
