"""Activations of a run together with the gradients of a number with respect to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformer_lens.hook_points import HookPoint

from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.hooks import attached
from mechinterp.policies.nodes import PolicyOutput

if TYPE_CHECKING:
    from mechinterp.policies.graph import Policy

SUFFIX = "_grad"
"""What TransformerLens puts behind a hook point's name for its gradient."""
_NOT_TOGETHER = ("reset_hooks_end", "clear_contexts", "pos_slice")


def run_with_gradients(
    policy: Policy,
    args: Sequence[Any],
    options: Mapping[str, Any],
    *,
    names_filter: Any,
    of: Callable[[Any], Tensor] | None,
    device: Any,
    remove_batch_dim: bool,
) -> tuple[Any, dict[str, Tensor]]:
    """The output of a run; and name -> activation and name_grad -> gradient, at the hook points that run.

    An activation is the value that later nodes saw, after all hooks, and its gradient is taken along every path from
    there to the number: 0 where there is none. Weights need no gradients, and theirs are not touched. Gradients are
    those of the sum over rows; rows do not influence one another, so each row has the gradient of its own number.

    Args:
        args, options: of `Policy.forward`.
        names_filter, of, device, remove_batch_dim: see `Policy.run_with_cache`.

    Raises:
        UnknownHook, EmptySelection: see `select`.
        PolicyError: `of` gives no tensor, or one that does not depend on the activations; and as `Policy.forward`.
    """
    if there := [name for name in _NOT_TOGETHER if name in options]:
        raise PolicyError(f"run_with_cache: {', '.join(there)} cannot be given together with incl_bwd=True")
    kept: dict[str, Tensor] = {}

    def keep(value: Tensor, hook: HookPoint) -> Tensor:
        # With frozen weights nothing has a gradient up to the first node that is asked for one.
        kept[str(hook.name)] = value if value.requires_grad else value.detach().requires_grad_()
        return kept[str(hook.name)]

    def movement(output: Any) -> Tensor:
        if not isinstance(output, PolicyOutput):
            raise PolicyError("of: say what is to be differentiated, a function of what the run gives: of=torch.sum")
        return movement_logodds(output.logits, policy.actions)

    keeping = attached(policy.hook_dict, dict.fromkeys(policy.select(names_filter), keep))
    with torch.inference_mode(mode=False), torch.enable_grad(), keeping:
        output = policy(*args, **options)
        number = (of or movement)(output)
        if not isinstance(number, Tensor) or not number.requires_grad:
            given = (
                "does not depend on the activations" if isinstance(number, Tensor) else f"is no tensor: {number!r:.80}"
            )
            raise PolicyError(f"of: what it gives {given}; it must be computed from the output, by torch alone")
        gradients = torch.autograd.grad(number.sum(), list(kept.values()), allow_unused=True)
    whole = {name: value.detach().clone() for name, value in kept.items()}
    for (name, value), gradient in zip(kept.items(), gradients, strict=True):
        whole[name + SUFFIX] = torch.zeros_like(value) if gradient is None else gradient.detach().clone()
    cache = {name: _put(value, device, remove_batch_dim=remove_batch_dim) for name, value in whole.items()}
    if isinstance(output, PolicyOutput):
        return output._replace(logits=output.logits.detach(), value=output.value.detach()), cache
    return output.detach(), cache


def _put(value: Tensor, device: Any, *, remove_batch_dim: bool) -> Tensor:
    if remove_batch_dim and len(value) != 1:
        raise PolicyError(f"remove_batch_dim: the batch has {len(value)} rows; only that of a single one can go")
    return (value[0] if remove_batch_dim else value).to(device)
