"""captum works on these networks as they are: its attributions add up to the change of the output."""

from __future__ import annotations

import torch
from captum.attr import IntegratedGradients, LayerIntegratedGradients
from torch import Tensor

from mechinterp.policies import Policy, actions


def right(policy: Policy, images: Tensor) -> Tensor:
    logits = policy(start_at="hook_input", values={"hook_input": images}).logits
    return actions.movement_logodds(logits, policy.actions) * 1000  # the first logits are small


def test_integrated_gradients_are_complete(impala: Policy, frames: Tensor):
    images = impala.activations(frames[:1], "hook_input").requires_grad_()
    baseline = torch.zeros_like(images)
    change = (right(impala, images) - right(impala, baseline)).item()
    explained = IntegratedGradients(lambda x: right(impala, x)).attribute(images, baseline, n_steps=200).sum().item()
    assert abs(change) > 1
    assert abs(explained - change) < 0.02 * abs(change)


def test_layer_integrated_gradients_at_a_hook_point_are_complete(impala: Policy, frames: Tensor):
    images = impala.activations(frames[:1], "hook_input")
    method = LayerIntegratedGradients(lambda x: right(impala, x), impala.hook_dict["block1.res2.hook_out"])
    baseline = torch.zeros_like(images)
    _, error = method.attribute(images, baseline, n_steps=200, return_convergence_delta=True)
    change = (right(impala, images) - right(impala, baseline)).item()
    assert isinstance(error, Tensor)
    assert abs(error.item()) < 0.02 * abs(change)
