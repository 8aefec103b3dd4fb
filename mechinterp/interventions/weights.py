"""Doing edits of weights: for the length of a `with` block, or in a copy of the network that lasts."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.weight_edits import Blind, WeightEdit
from mechinterp.policies.errors import UnknownHook
from mechinterp.policies.fingerprint import has_hooks, weights_digest
from mechinterp.policies.graph import Policy
from mechinterp.policies.subject import PolicyLike, Subject, as_policy
from mechinterp.policies.traits import traits_of

Network = TypeVar("Network", Policy, Subject)


@dataclass(frozen=True)
class WeightChange:
    """How much weight edits change.

    Attributes:
        changed, total: how many numbers, of the edited network's all.
        norm: of the change, over all parameters.
        relative: the same as a share of the norm of the parameters that are edited.
    """

    changed: int
    total: int
    norm: float
    relative: float

    @property
    def share(self) -> float:
        """Changed numbers as a share of all."""
        return self.changed / self.total

    def __str__(self) -> str:
        return (
            f"{self.changed} of {self.total} weights ({100 * self.share:.2g} %), by a norm of {self.norm:.3g} "
            f"({100 * self.relative:.2g} % of that of the edited parameters)"
        )


@torch.no_grad()
def new_weights(policy: Policy, edits: Sequence[WeightEdit]) -> dict[str, Tensor]:
    """What the edited parameters become, in the order of the edits; the policy is not changed.

    Raises:
        InterventionError: no edits, an unknown parameter, an edit that does not fit or that changes nothing.
    """
    known = dict(policy.named_parameters())
    found: dict[str, Tensor] = {}
    if not edits:
        raise InterventionError("no weight edits were given")
    for edit in edits:
        if not isinstance(edit, WeightEdit):
            raise InterventionError(f"a weight edit (such as Blind or SparseWeights) is needed, got {edit!r:.80}")
        if edit.parameter not in known:
            raise InterventionError(f"the network has no parameter {edit.parameter!r}{nearest(edit.parameter, known)}")
        before = found.get(edit.parameter, known[edit.parameter].detach())
        after = edit.changed(before)
        if not bool(torch.isfinite(after).all()):
            raise InterventionError(f"{edit}: the new weights are not finite")
        if torch.equal(after, before):
            raise InterventionError(f"{edit}: it changes nothing in this network")
        found[edit.parameter] = after
    return found


def weight_change(subject: PolicyLike, edits: Sequence[WeightEdit]) -> WeightChange:
    """How many weights these edits change, and by how much. Raises InterventionError: see `new_weights`."""
    policy = as_policy(subject)
    known = dict(policy.named_parameters())
    pairs = [(known[name].detach(), weight) for name, weight in new_weights(policy, edits).items()]
    norm = sum(float((new.double() - old.double()).square().sum()) for old, new in pairs) ** 0.5
    whole = sum(float(old.double().square().sum()) for old, _ in pairs) ** 0.5
    changed = sum(int((new != old).sum()) for old, new in pairs)
    return WeightChange(
        changed, sum(one.numel() for one in known.values()), norm, norm / whole if whole else float("inf")
    )


@contextmanager
def weights_edited(subject: PolicyLike, edits: Sequence[WeightEdit]) -> Iterator[None]:
    """Within the `with` block the policy has these weights; afterwards, to the last bit, those that it had.

    Raises:
        InterventionError: see `new_weights`; nothing has been changed then.
    """
    policy = as_policy(subject)
    known = dict(policy.named_parameters())
    edited = new_weights(policy, edits)
    before = {name: known[name].detach().clone() for name in edited}
    try:
        _write(known, edited)
        yield
    finally:
        _write(known, before)


def edited_copy(subject: Network, edits: Sequence[WeightEdit], *, name: str | None = None) -> Network:
    """A copy of the network, or of the subject, that has these weights for good.

    Args:
        name: of the copy of a subject; by default the old one and "edited". Its SHA-256 is that of its weights.

    Raises:
        InterventionError: see `new_weights`; or hooks are on the network, which would be copied with it.
    """
    policy = as_policy(subject)
    edited = new_weights(policy, edits)
    if has_hooks(policy):
        raise InterventionError("hooks are on the network, and would be copied with it; copy it outside of their block")
    other = copy.deepcopy(policy)
    _write(dict(other.named_parameters()), edited)
    if isinstance(subject, Subject):
        named = name or f"{subject.name}, edited"
        return dataclasses.replace(subject, name=named, policy=other, sha256=weights_digest(other))
    return other


def blind(subject: PolicyLike, hook: str, direction: Float[Tensor, " channels"]) -> tuple[Blind, ...]:
    """The edits that blind every layer that reads a hook point to a direction of it.

    Raises:
        UnknownHook: no such hook point.
        InterventionError: something without weights reads it (a relu, say), which projects nothing out.
    """
    policy = as_policy(subject)
    if hook not in policy.hook_names:
        raise UnknownHook([hook], policy.hook_names)
    found, front = [], [hook]
    while front:
        reads = front.pop()
        for node in policy.nodes:
            if reads not in node.inputs:
                continue
            traits = traits_of(policy.get_submodule(node.module))
            if traits.weighted:
                weights = [name for name, _ in policy.get_submodule(node.module).named_parameters() if "weight" in name]
                found += [Blind(f"{node.module}.{name}", direction) for name in weights]
            elif traits.copies:
                front.append(node.name)
            else:
                raise InterventionError(
                    f"{node.name} reads {hook} without weights, and what lies behind it would still see the direction; "
                    "choose a hook point that only convolutions and linear layers read, or use ProjectOut"
                )
    return tuple(found)


@torch.no_grad()
def _write(parameters: dict[str, torch.nn.Parameter], weights: dict[str, Tensor]) -> None:
    for name, weight in weights.items():
        parameters[name].copy_(weight)
