"""Interventions in a file, with the network that they were made for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mechinterp._files import read_json, write_text
from mechinterp.interventions.base import Edit
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.rows import placed_edits
from mechinterp.interventions.weight_edits import WeightEdit
from mechinterp.interventions.weights import new_weights
from mechinterp.policies.fingerprint import weights_digest
from mechinterp.policies.graph import Policy, network_words
from mechinterp.policies.subject import PolicyLike, as_policy

_FORMAT = "mechinterp-intervention-1"

AnyEdit = Edit | WeightEdit


def save_edits(path: str | Path, edits: AnyEdit | Sequence[AnyEdit], subject: PolicyLike) -> None:
    """Write edits to a JSON file, with the hash of the weights of the network that they are for, and what they do.

    Raises:
        UnknownHook, InterventionError: edits that do not fit the network, or that hold a function (`Where`).
        OSError: the file cannot be written.
    """
    policy, several = as_policy(subject), several_edits(edits)
    _check(several, policy)
    content = {
        "format": _FORMAT,
        "network": network_words(policy),
        "weights_sha256": weights_digest(policy),
        "does": [edit.describe() for edit in several],
        "edits": [edit.to_dict() for edit in several],
    }
    write_text(path, json.dumps(content, indent=1) + "\n")


def load_edits(path: str | Path, subject: PolicyLike) -> tuple[AnyEdit, ...]:
    """The edits of a file that `save_edits` wrote for this network.

    Raises:
        InterventionError: not such a file, or one for another network.
    """
    content, policy = read_json(path, error=InterventionError), as_policy(subject)
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise InterventionError(f"{path}: no intervention that `save_edits` wrote ({_FORMAT})")
    if content.get("weights_sha256") != weights_digest(policy):
        raise InterventionError(
            f"{path}: the intervention was made for another network ({content.get('network')}, weights "
            f"{str(content.get('weights_sha256'))[:12]}); this one is {network_words(policy)}, weights "
            f"{weights_digest(policy)[:12]}"
        )
    listed = content.get("edits")
    if not isinstance(listed, list) or not listed:
        raise InterventionError(f"{path}: it holds no edits")
    edits = tuple(WeightEdit.from_dict(one) if "type" in one else Edit.from_dict(one) for one in listed)
    _check(edits, policy)
    return edits


def describe(edits: AnyEdit | Sequence[AnyEdit]) -> str:
    """What edits do, a sentence each."""
    return "\n".join(edit.describe() for edit in several_edits(edits)) or "Nothing is changed."


def several_edits(edits: AnyEdit | Sequence[AnyEdit]) -> tuple[AnyEdit, ...]:
    """One or several as a tuple. Raises InterventionError for something else."""
    several = (edits,) if isinstance(edits, AnyEdit) else tuple(edits)
    if wrong := [one for one in several if not isinstance(one, AnyEdit)]:
        raise InterventionError(f"an edit of activations or weights is needed, got {wrong[0]!r:.80}")
    return several


def _check(edits: Sequence[AnyEdit], policy: Policy) -> None:
    placed_edits(policy, [[edit for edit in edits if isinstance(edit, Edit)]])
    if weights := [edit for edit in edits if isinstance(edit, WeightEdit)]:
        new_weights(policy, weights)
