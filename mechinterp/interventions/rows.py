"""The one place where edits change activations: a part of a batch at a time, or a row with the game behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

from mechinterp.interventions.base import Edit
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment
from mechinterp.policies.errors import UnknownHook
from mechinterp.policies.graph import Policy

KINDS = "Ablate, Patch, Clamp, Steer or ProjectOut"


def edit_part(value: Tensor, part: slice, edit: Edit, moments: Sequence[Moment] | None) -> None:
    """Edit these rows of a batch in place, all at once, or, where the edit depends on the game, each by itself.

    Args:
        moments: of the rows of the part.

    Raises:
        InterventionError: the edit does not fit, or needs moments that are not there.
    """
    if not edit.momentary or moments is None:
        value[part] = edit(value[part])
        return
    edit.check_rows(part.stop - part.start)
    for at, moment in enumerate(moments, part.start):  # each by itself, so that the rest of a batch changes nothing
        row = value[at : at + 1]
        after = edit.for_row(at - part.start).at(row, moment)
        if after is not None:
            row.copy_(after)


def checked_sets(sets: Any) -> list[tuple[Edit, ...]]:
    """Sets of edits, in lists. Raises InterventionError for anything else."""
    if not isinstance(sets, Iterable) or isinstance(sets, str):
        raise InterventionError(f"sets of edits are a list with a list of edits for each part, got {sets!r:.80}")
    return [checked_edits(edits) for edits in sets]


def checked_edits(edits: Any) -> tuple[Edit, ...]:
    """One set of edits. Raises InterventionError for anything else."""
    if not isinstance(edits, Iterable) or isinstance(edits, str):
        raise InterventionError(f"a list of edits (such as {KINDS}) is needed, got {edits!r:.80}")
    listed = tuple(edits)
    if wrong := [one for one in listed if not isinstance(one, Edit)]:
        raise InterventionError(f"what is done is an edit (such as {KINDS}), got {wrong[0]!r:.80}")
    return listed


def placed_edits(policy: Policy, sets: Sequence[Sequence[Edit]]) -> dict[str, list[tuple[int, Edit]]]:
    """Edits with the number of their set, by hook point, after checking that each fits the network.

    Raises:
        UnknownHook: an edit at no hook point of the policy.
        InterventionError: an edit that does not fit its activation.
    """
    placed: dict[str, list[tuple[int, Edit]]] = {}
    for number, edits in enumerate(sets):
        for edit in edits:
            placed.setdefault(edit.hook, []).append((number, edit))
    if unknown := [name for name in placed if name not in policy.hook_names]:
        raise UnknownHook(unknown, policy.hook_names)
    for name, group in placed.items():
        for _, edit in group:
            edit.check(policy.shapes[name])
    return placed
