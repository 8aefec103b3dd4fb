"""Does the policy still behave the same with an SAE's reconstruction in place of the layer?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch.nn import functional as F

from mechinterp.features.errors import FeatureError
from mechinterp.features.factorisation.sae import LayerAutoencoder
from mechinterp.features.frames import Frames, frame_array
from mechinterp.interventions import Ablate, Edit, Patch, run_each
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate, StatsError, means, ratio

_BATCH = 32
_REPLACEMENTS = {"reconstruction": "its reconstruction", "zero": "zeros", "mean": "its mean activation"}


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What the policy does with the layer replaced, on held-out levels.

    Attributes:
        divergence: by replacement ("reconstruction", "zero", "mean"), the mean Kullback-Leibler divergence of the
            actions with the replacement from the policy's own, in nats.
        agreement: by replacement, share of frames in which the likeliest action stays the same.
        recovered: "loss recovered", 1 - divergence(reconstruction) / divergence(mean ablation); None where mean
            ablation changes nothing, so that the ratio has no bounded interval.
    """

    divergence: dict[str, Estimate]
    agreement: dict[str, Estimate]
    recovered: Estimate | None

    def __repr__(self) -> str:
        return f"Recovery(loss recovered {self.recovered}, same action {self.agreement['reconstruction']})"


def loss_recovered(
    policy: Policy,
    autoencoder: LayerAutoencoder,
    frames: Frames,
    levels: Int64[np.ndarray, " frames"],
    *,
    rng: np.random.Generator,
) -> Recovery:
    """Splice the reconstruction in; for comparison, zeros, and the mean activation (cell by cell) of these frames.

    Raises:
        UnknownHook: the policy has no such layer.
        FeatureError: the autoencoder was made for a layer of another width.
    """
    (hook,) = policy.select(autoencoder.hook)
    width, have = autoencoder.model.decoder_bias.numel(), (policy.shapes[hook] or (1,))[0]
    if have != width:
        raise FeatureError(f"the autoencoder was trained on {width} channels, {hook} has {have}")
    frames = frame_array(frames)
    parts = [torch.from_numpy(frames[at : at + _BATCH]) for at in range(0, len(frames), _BATCH)]
    mean = torch.cat([policy.activations(part, hook) for part in parts]).mean(0, keepdim=True)
    divergence, agreement = [], []
    for part in parts:
        values = policy.activations(part, hook)
        sets: list[list[Edit]] = [
            [],
            [Patch(hook, replacement=autoencoder.reconstruct(values).to(values))],
            [Ablate(hook=hook, mode="zero")],
            [Patch(hook, replacement=mean)],
        ]
        logs = F.log_softmax(run_each(policy, part, sets).logits.double(), -1)
        own = logs[0]
        divergence.append(torch.stack([(own.exp() * (own - other)).sum(1) for other in logs[1:]], 1).numpy())
        agreement.append(torch.stack([own.argmax(1) == other.argmax(1) for other in logs[1:]], 1).numpy())
    far, same = np.concatenate(divergence), np.concatenate(agreement).astype(float)
    kinds = {}
    for what, title, table in (("divergence", "KL divergence", far), ("agreement", "same likeliest action", same)):
        words = [f"{title} with {words} in place of {hook}" for words in _REPLACEMENTS.values()]
        bounds = (0, 1) if what == "agreement" else None
        made = means(table, names=words, unit="levels", rng=rng, clusters=levels, bounds=bounds)
        kinds[what] = dict(zip(_REPLACEMENTS, made, strict=True))
    try:
        lost = ratio(far[:, 0], far[:, 2], name="loss not recovered", unit="levels", rng=rng, clusters=levels)
        recovered = Estimate(
            name="loss recovered", value=1 - lost.value, low=1 - lost.high, high=1 - lost.low, n=lost.n, unit=lost.unit,
            level=lost.level, method=lost.method,
        )  # fmt: skip
    except StatsError:
        recovered = None
    return Recovery(divergence=kinds["divergence"], agreement=kinds["agreement"], recovered=recovered)
