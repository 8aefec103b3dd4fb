"""The mathematics of PPO on tensors alone: advantages and losses."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F


class Losses(NamedTuple):
    """Means over a minibatch. ``policy``, ``value`` and ``entropy`` carry gradients."""

    policy: Float[Tensor, ""]
    value: Float[Tensor, ""]
    entropy: Float[Tensor, ""]
    """Of the policy, in nats."""
    approx_kl: Float[Tensor, ""]
    """Of the old policy from the new, in nats: the estimator (r - 1) - log r of Schulman (2020), never negative."""
    clip_fraction: Float[Tensor, ""]
    """Share of rows whose probability ratio lies outside the clip range."""


def advantage(
    rewards: Float[Tensor, "steps envs"],
    values: Float[Tensor, "steps envs"],
    ended: Float[Tensor, "steps envs"],
    last_value: Float[Tensor, " envs"],
    gamma: float,
    gae_lambda: float,
) -> Float[Tensor, "steps envs"]:
    """Generalised advantage estimates (Schulman et al. 2016): discounted sums of the one-step errors of the value.

    ``ended[t]`` is 1 where the episode ended with step t: nothing is carried back over it.
    """
    result = torch.empty_like(rewards)
    carried = torch.zeros_like(last_value)
    following = last_value
    for t in reversed(range(len(rewards))):
        going_on = 1 - ended[t]
        error = rewards[t] + gamma * following * going_on - values[t]
        carried = error + gamma * gae_lambda * going_on * carried
        result[t] = carried
        following = values[t]
    return result


def ppo_losses(
    logits: Float[Tensor, "batch actions"],
    values: Float[Tensor, " batch"],
    *,
    actions: Int[Tensor, " batch"],
    old_log_probs: Float[Tensor, " batch"],
    old_values: Float[Tensor, " batch"],
    advantages: Float[Tensor, " batch"],
    returns: Float[Tensor, " batch"],
    clip: float,
) -> Losses:
    """PPO's clipped losses (Schulman et al. 2017), with the value clipped in the same way (OpenAI's baselines).

    Advantages are brought to mean 0 and standard deviation 1 within the minibatch first.

    Args:
        actions: column of the logits that was taken.
        old_log_probs, old_values: of the policy that collected the rows.
        clip: how far the probability ratio (and, in units of value, the value) may move before its gradient ends.
    """
    log_p = logits.log_softmax(-1)
    log_probs = log_p.gather(1, actions[:, None])[:, 0]
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    log_ratio = log_probs - old_log_probs
    ratio = log_ratio.exp()
    policy_loss = -torch.min(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).mean()
    clipped_values = old_values + (values - old_values).clamp(-clip, clip)
    value_loss = 0.5 * torch.max((values - returns).square(), (clipped_values - returns).square()).mean()
    entropy = -(log_p.exp() * log_p).sum(-1).mean()
    with torch.no_grad():
        kl = ((ratio - 1) - log_ratio).mean()
        clipped = F.threshold((ratio - 1).abs(), clip, 0).count_nonzero() / len(ratio)
    return Losses(policy_loss, value_loss, entropy, kl, clipped)
