"""From the logits over Procgen's actions to what they do in CoinRun.

Procgen's action a < 9 moves by a // 3 - 1 (left, still, right) and presses a % 3 - 1 (down, none, up; up is a jump);
9 to 14 do what 4 does: nothing. Logits are first summed, as probabilities, over all actions that do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.policies.errors import PolicyError

MOVEMENTS = ("left", "still", "right")
PRESSES = ("down", "none", "jump")
NAMES = (
    "left+down", "left", "left+jump", "down", "none", "jump", "right+down", "right", "right+jump",
    "none", "none", "none", "none", "none", "none",
)  # fmt: skip
"""What each of Procgen's 15 actions does in CoinRun."""


class Groups(NamedTuple):
    """Probabilities; `movement` has the columns left, still, right and `press` the columns jump, none, down."""

    movement: Float[Tensor, "batch 3"]
    press: Float[Tensor, "batch 3"]


def movement_of(action: int) -> str:
    """`left`, `still` or `right`, for a Procgen action from 0 to 14."""
    return MOVEMENTS[action // 3] if _checked(action) < 9 else "still"


def press_of(action: int) -> str:
    """`jump`, `none` or `down`, for a Procgen action from 0 to 14."""
    return PRESSES[action % 3] if _checked(action) < 9 else "none"


def movement_logodds(logits: Float[Tensor, "batch actions"], actions: Sequence[int]) -> Float[Tensor, " batch"]:
    """The log-odds log P(right) - log P(left), in nats.

    Raises:
        PolicyError: `actions` does not fit the logits, or has none that moves left or none that moves right.
    """
    kinds = _kinds(logits, actions, movement_of)
    return _total(logits, kinds, "right") - _total(logits, kinds, "left")


def jump_logodds(logits: Float[Tensor, "batch actions"], actions: Sequence[int]) -> Float[Tensor, " batch"]:
    """The log-odds log P(jump) - log P(no jump), in nats.

    Raises:
        PolicyError: `actions` does not fit the logits, or has none that jumps or none that does not.
    """
    kinds = ["jump" if kind == "jump" else "no jump" for kind in _kinds(logits, actions, press_of)]
    return _total(logits, kinds, "jump") - _total(logits, kinds, "no jump")


def action_logodds(
    logits: Float[Tensor, "batch actions"], actions: Sequence[int], action: str
) -> Float[Tensor, " batch"]:
    """The log-odds log P(action) - log P(any other), in nats.

    Args:
        action: one of `NAMES`.

    Raises:
        PolicyError: `actions` does not fit the logits, or has no such action, or no other.
    """
    kinds = _kinds(logits, actions, NAMES.__getitem__)
    others = [action if kind == action else f"not {action}" for kind in kinds]
    return _total(logits, kinds, action) - _total(logits, others, f"not {action}")


def action_divergence(
    logits: Float[Tensor, "batch actions"], other: Float[Tensor, "batch actions"], actions: Sequence[int]
) -> Float[Tensor, " batch"]:
    """The KL divergence of the distribution `other` from that of `logits` over what actions do, in nats, in float64.

    Raises:
        PolicyError: `actions` does not fit the logits.
    """
    kinds = _kinds(logits, actions, NAMES.__getitem__)
    names = list(dict.fromkeys(kinds))
    # In float64: the divergence is of second order in the change, so that rounding would drown a small one.
    ours, theirs = (
        torch.stack([_total(part.double(), kinds, name) for name in names], -1).log_softmax(-1)
        for part in (logits, other)
    )
    return (ours.exp() * (ours - theirs)).sum(-1)


def groups(logits: Float[Tensor, "batch actions"], actions: Sequence[int]) -> Groups:
    """Probabilities of left / still / right and of jump / none / down (0 for a kind that `actions` does not have).

    Raises:
        PolicyError: `actions` does not fit the logits.
    """
    movements, presses = _kinds(logits, actions, movement_of), _kinds(logits, actions, press_of)
    probabilities = torch.softmax(logits, -1)

    def columns(kinds: list[str], order: Sequence[str]) -> Tensor:
        return torch.stack([probabilities[..., _where(kinds, kind)].sum(-1) for kind in order], -1)

    return Groups(columns(movements, MOVEMENTS), columns(presses, PRESSES[::-1]))


def _checked(action: int) -> int:
    if not 0 <= action < len(NAMES):
        raise PolicyError(f"Procgen's actions are 0 to 14, got {action}")
    return action


def _kinds(logits: Tensor, actions: Sequence[int], kind_of: Callable[[int], str]) -> list[str]:
    if logits.shape[-1] != len(actions):
        raise PolicyError(f"logits have {logits.shape[-1]} columns for {len(actions)} actions {tuple(actions)}")
    return [kind_of(int(action)) for action in actions]


def _where(kinds: list[str], kind: str) -> list[int]:
    return [column for column, other in enumerate(kinds) if other == kind]


def _total(logits: Tensor, kinds: list[str], kind: str) -> Tensor:
    if not (columns := _where(kinds, kind)):
        raise PolicyError(f"none of this policy's actions is {kind!r}; they are {kinds}")
    return torch.logsumexp(logits[..., columns], -1)
