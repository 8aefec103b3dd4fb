"""Does the network still do the same with the autoencoder's reconstruction in place of the layer?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch.nn import functional as F

from mechinterp.features.errors import FeatureError
from mechinterp.features.factorisation.sae import Trained
from mechinterp.interventions import Ablate, Edit, Patch, run_each
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate, StatsError, means, ratio

_BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What the policy does with the layer replaced, on held-out levels.

    Attributes:
        divergence: by replacement ("reconstruction", "zero", "mean"), the mean Kullback-Leibler divergence of the
            replaced policy's actions from the policy's own, in nats.
        agreement: by replacement, share of frames in which the likeliest action stays the same.
        recovered: 1 - divergence(reconstruction) / divergence(mean); None where that cannot be told from 0 / 0.
    """

    divergence: dict[str, Estimate]
    agreement: dict[str, Estimate]
    recovered: Estimate | None


def recovery(
    policy: Policy,
    trained: Trained,
    frames: UInt8[np.ndarray, "frames 64 64 3"],
    levels: Int64[np.ndarray, " frames"],
    *,
    rng: np.random.Generator,
) -> Recovery:
    """Splice the reconstruction in, and beside it zeros and the mean activation (cell by cell) of these frames.

    Raises:
        UnknownHook: the policy has no such layer.
        FeatureError: the autoencoder was made for a layer of another width.
    """
    hook = trained.hook
    (hook,) = policy.select(hook)
    if (policy.shapes[hook] or (1,))[0] != trained.model.middle.numel():
        raise FeatureError(
            f"the autoencoder has {trained.model.middle.numel()} channels, {hook} has {policy.shapes[hook]}"
        )
    parts = [torch.from_numpy(frames[at : at + _BATCH]) for at in range(0, len(frames), _BATCH)]
    mean = torch.cat([policy.activations(part, hook)[hook] for part in parts]).mean(0, keepdim=True)
    names = ("reconstruction", "zero", "mean")
    divergence, agreement = [], []
    for part in parts:
        values = policy.activations(part, hook)[hook]
        sets: list[list[Edit]] = [
            [],
            [Patch(hook, replacement=trained.rebuilt(values).to(values))],
            [Ablate(hook=hook, mode="zero")],
            [Patch(hook, replacement=mean)],
        ]
        said = F.log_softmax(run_each(policy, part, sets).logits.double(), -1)
        own = said[0]
        divergence.append(torch.stack([(own.exp() * (own - other)).sum(1) for other in said[1:]], 1).numpy())
        agreement.append(torch.stack([own.argmax(1) == other.argmax(1) for other in said[1:]], 1).numpy())
    far, same = np.concatenate(divergence), np.concatenate(agreement).astype(float)
    kinds = {}
    for what, table in (("divergence", far), ("agreement", same)):
        words = [f"sae/{what}/{name}" for name in names]
        kinds[what] = dict(zip(names, means(table, names=words, unit="levels", rng=rng, clusters=levels), strict=True))
    try:
        lost = ratio(far[:, 0], far[:, 2], name="sae/lost", unit="levels", rng=rng, clusters=levels)
        recovered = Estimate(
            name="sae/recovered", value=1 - lost.value, low=1 - lost.high, high=1 - lost.low, n=lost.n, unit=lost.unit,
            level=lost.level, method=lost.method,
        )  # fmt: skip
    except StatsError:
        recovered = None
    return Recovery(divergence=kinds["divergence"], agreement=kinds["agreement"], recovered=recovered)
