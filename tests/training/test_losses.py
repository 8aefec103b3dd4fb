"""Advantages and losses against sums written out by hand in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import special
from scipy import stats as scipy_stats

from mechinterp.training.losses import advantage, ppo_losses


def brute_force_advantage(
    rewards: np.ndarray, values: np.ndarray, ended: np.ndarray, last_value: np.ndarray, gamma: float, lam: float
) -> np.ndarray:
    """The definition: sum over l of (gamma lambda)^l delta_{t+l}, cut off behind the end of the episode."""
    steps, envs = rewards.shape
    result = np.zeros((steps, envs))
    for env in range(envs):
        for t in range(steps):
            weight = 1.0
            for later in range(t, steps):
                following = last_value[env] if later == steps - 1 else values[later + 1, env]
                bootstrap = 0.0 if ended[later, env] else gamma * following
                result[t, env] += weight * (rewards[later, env] + bootstrap - values[later, env])
                if ended[later, env]:
                    break
                weight *= gamma * lam
    return result


@pytest.mark.parametrize(("gamma", "lam"), [(0.999, 0.95), (0.9, 1.0), (0.5, 0.0), (1.0, 1.0)])
def test_advantages_are_the_sums_of_their_definition(gamma: float, lam: float) -> None:
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(size=(2, 12, 5))
    ended = (rng.random((12, 5)) < 0.25).astype(float)
    ended[:, 0], ended[-1, 1], ended[-1, 2] = 0, 1, 0
    last = rng.normal(size=5)
    r, v, e, after = (torch.tensor(a) for a in (rewards, values, ended, last))
    found = advantage(r, v, e, after, gamma, lam).numpy()
    np.testing.assert_allclose(found, brute_force_advantage(rewards, values, ended, last, gamma, lam), atol=1e-12)


def test_with_lambda_1_advantage_plus_value_is_the_discounted_return() -> None:
    rewards, ended = torch.tensor([[0.0], [0.0], [10.0]]), torch.tensor([[0.0], [0.0], [1.0]])
    found = advantage(rewards, torch.ones(3, 1), ended, torch.tensor([7.0]), 0.9, 1.0)
    np.testing.assert_allclose(found.numpy()[:, 0] + 1, [8.1, 9.0, 10.0], rtol=1e-6)


def test_losses_are_those_of_the_paper() -> None:
    rng = np.random.default_rng(1)
    rows, columns, clip = 64, 9, 0.2
    logits, old_logits = rng.normal(size=(2, rows, columns))
    old_logits = logits + 0.3 * old_logits
    actions = rng.integers(columns, size=rows)
    values, old_values, advantages, returns = rng.normal(size=(4, rows))
    p, old_p = special.softmax(logits, axis=1), special.softmax(old_logits, axis=1)
    each = np.arange(rows)
    found = ppo_losses(
        torch.tensor(logits),
        torch.tensor(values),
        actions=torch.tensor(actions),
        old_log_probs=torch.tensor(np.log(old_p[each, actions])),
        old_values=torch.tensor(old_values),
        advantages=torch.tensor(advantages),
        returns=torch.tensor(returns),
        clip=clip,
    )
    ratio = p[each, actions] / old_p[each, actions]
    assert 0.1 < np.mean(abs(ratio - 1) > clip) < 0.9, "the batch must have rows on both sides of the clip"
    scaled = (advantages - advantages.mean()) / advantages.std(ddof=1)
    surrogate = [min(r * a, min(max(r, 1 - clip), 1 + clip) * a) for r, a in zip(ratio, scaled, strict=True)]
    assert found.policy.item() == pytest.approx(-np.mean(surrogate), abs=1e-6)
    near = [old + min(max(v - old, -clip), clip) for v, old in zip(values, old_values, strict=True)]
    worse = [max((v - r) ** 2, (n - r) ** 2) for v, n, r in zip(values, near, returns, strict=True)]
    assert found.value.item() == pytest.approx(np.mean(worse) / 2)
    assert found.entropy.item() == pytest.approx(np.asarray(scipy_stats.entropy(p, axis=1)).mean())
    assert found.approx_kl.item() == pytest.approx(np.mean(ratio - 1 - np.log(ratio)))
    assert found.clip_fraction.item() == pytest.approx(np.mean(abs(ratio - 1) > clip))


def test_a_ratio_that_has_gone_far_enough_has_no_gradient_and_one_that_went_astray_has() -> None:
    # Actions 0 and 1 alone; the policy made action 0 twice as likely as it was (0.8, not 0.4).
    logits = torch.tensor([[np.log(4.0), 0.0]] * 4, requires_grad=True)
    old = torch.full((4,), float(np.log(0.4)))
    zeros = torch.zeros(4)
    signs = torch.tensor([1.0, 1.0, -1.0, -1.0])
    arguments = {
        "actions": torch.zeros(4, dtype=torch.int64),
        "old_log_probs": old,
        "old_values": zeros,
        "returns": zeros,
    }
    ppo_losses(logits, zeros, **arguments, advantages=signs, clip=0.2).policy.backward()
    assert logits.grad is not None
    assert (logits.grad[:2] == 0).all(), "it was good, and is likelier by more than the clip: no more"
    assert (logits.grad[2:, 0] > 0).all(), "it was bad, and is likelier: descent must take that back"
