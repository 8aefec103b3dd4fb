"""Running a policy under edits: all together, or a different set for each part of one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor

from mechinterp.coinrun.levels import StatesLike
from mechinterp.interventions.edits import Edit
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment, as_moments, moments_of
from mechinterp.interventions.rows import checked_edits, checked_sets, edit_part, placed_edits
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import HookFn
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.subject import PolicyLike, as_policy


def apply(
    subject: PolicyLike, edits: Edit | Sequence[Edit], *, states: StatesLike | Sequence[Moment] | None = None
) -> AbstractContextManager[None]:
    """Within the `with` block the policy runs under these edits; those at one hook point in the order given.

    Args:
        subject: a `Subject`, or its policy.
        states: the games behind the frames of each batch, for edits that depend on them; or their moments
            (`moments_of`), which conditions on the network's output need.

    Raises:
        UnknownHook: an edit at no hook point of the policy.
        InterventionError: an edit that does not fit its activation, or no edit at all; or, while running, the batch.
    """
    edits = (edits,) if isinstance(edits, Edit) else checked_edits(edits)
    if not edits:
        raise InterventionError("apply: no edits were given")
    return apply_each(subject, [edits], states=states)


def apply_each(
    subject: PolicyLike, sets: Sequence[Sequence[Edit]], *, states: StatesLike | Sequence[Moment] | None = None
) -> AbstractContextManager[None]:
    """Within the `with` block, the first part of each batch runs under the first set of edits, the next under the next.

    A batch must be the same number of rows for each set, the rows of the first set first (`run_each` makes such
    batches); the rows that an edit sees, and those that its values must have, are the rows of its part. An empty set
    leaves its part alone.

    Args:
        states: the games behind the rows of one part, see `apply`.

    Raises:
        UnknownHook, InterventionError: as `apply`.
    """
    policy, sets = as_policy(subject), checked_sets(sets)
    by_hook = placed_edits(policy, sets)
    moments = as_moments(states)
    return policy.hooks_on({name: _hook(name, placed, len(sets), moments) for name, placed in by_hook.items()})


@torch.no_grad()
def run_each(
    subject: PolicyLike,
    frames: UInt8[Tensor, "batch 64 64 3"],
    sets: Sequence[Sequence[Edit]],
    *,
    at_once: int | None = None,
    states: StatesLike | None = None,
) -> PolicyOutput:
    """The outputs of the same frames under each set of edits, without gradients: logits [sets, batch, actions], value
    [sets, batch].

    What comes before the first edited hook point is computed once.

    Args:
        at_once: sets in one batch, where all of them would not fit in memory.
        states: the game behind each frame, for edits that depend on it.

    Raises:
        UnknownHook, InterventionError: as `apply`.
    """
    policy, sets = as_policy(subject), checked_sets(sets)
    by_hook = placed_edits(policy, sets)
    at_once = len(sets) if at_once is None else at_once
    if not sets or at_once < 1:
        raise InterventionError(f"run_each: needs a set of edits and at_once >= 1, got {len(sets)} sets, {at_once=}")
    if not by_hook:
        plain = policy(frames)
        return PolicyOutput(
            plain.logits.expand(len(sets), *plain.logits.shape), plain.value.expand(len(sets), *plain.value.shape)
        )
    first = next(name for name in policy.hook_names if name in by_hook)
    needed = policy.frontier(first)
    base = policy.activations(frames, needed)
    moments = None if states is None else moments_of(policy, frames, states)
    outputs = [_run(policy, sets[at : at + at_once], first, base, moments) for at in range(0, len(sets), at_once)]
    return PolicyOutput(torch.cat([out.logits for out in outputs]), torch.cat([out.value for out in outputs]))


def _run(
    policy: Policy,
    sets: Sequence[Sequence[Edit]],
    first: str,
    base: Mapping[str, Tensor],
    moments: Sequence[Moment] | None,
) -> PolicyOutput:
    by_hook = placed_edits(policy, sets)
    values = {name: tiled(value, len(sets)) for name, value in base.items()}
    here = by_hook.pop(first, [])  # a forward that starts at a node does not run that node's own hooks
    values[first] = _edited(first, here, len(sets), values[first], moments)
    with policy.hooks_on({name: _hook(name, placed, len(sets), moments) for name, placed in by_hook.items()}):
        output = policy(start_at=first, values=values)
    return PolicyOutput(output.logits.unflatten(0, (len(sets), -1)), output.value.unflatten(0, (len(sets), -1)))


def tiled(value: Shaped[Tensor, " batch *shape"], times: int) -> Shaped[Tensor, " times*batch *shape"]:
    """The batch repeated as a whole, `times` times, copied; maps in channels_last memory, in which networks run."""
    if value.ndim != 4:
        return value.expand(times, *value.shape).flatten(0, 1).clone()
    nhwc = value.permute(0, 2, 3, 1)
    return nhwc.repeat(times, 1, 1, 1).permute(0, 3, 1, 2)  # a copy even of a single one, unlike `contiguous`


def _hook(name: str, placed: Sequence[tuple[int, Edit]], parts: int, moments: Sequence[Moment] | None) -> HookFn:
    def edit(value: Tensor, hook: object) -> Tensor:
        return _edited(name, placed, parts, value, moments)

    return edit


def _edited(
    name: str, placed: Sequence[tuple[int, Edit]], parts: int, value: Tensor, moments: Sequence[Moment] | None
) -> Tensor:
    if len(value) % parts:
        raise InterventionError(
            f"at {name}: a batch of {len(value)} rows cannot hold {parts} parts of the same size, "
            "one for each set of edits"
        )
    rows = len(value) // parts
    if moments is not None and len(moments) != rows:
        raise InterventionError(f"at {name}: {len(moments)} states were given for {rows} rows a set of edits")
    result = value.clone()
    for number, edit in placed:
        edit_part(result, slice(number * rows, (number + 1) * rows), edit, moments)
    return result
