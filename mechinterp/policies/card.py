"""What a checkpoint says about itself: `config.json`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mechinterp._files import parse_json
from mechinterp.errors import nearest
from mechinterp.policies.errors import CheckpointError, PolicyError
from mechinterp.policies.networks import GRAPHS, Config

FORMAT, VERSION = "mechinterp-policy", 1
KINDS = {config.kind: config for config in GRAPHS}


@dataclass(frozen=True)
class Source:
    """The foreign file that weights were read from: its name, layout and SHA-256."""

    file: str
    format: str
    sha256: str


@dataclass(frozen=True)
class Card:
    """What is known of a policy.

    Attributes:
        network: its architecture.
        source: the foreign file that it came from, if it did.
        provenance: anything else that JSON can hold: who trained it, on what, with which command, for how many steps.
    """

    network: Config
    source: Source | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


def to_json(card: Card) -> str:
    """The text of `config.json`.

    Raises:
        CheckpointError: the provenance is not plain JSON (it must come back as it was; NaN and tuples would not).
    """
    content: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    content["network"] = {"kind": card.network.kind, **dataclasses.asdict(card.network)}
    if card.source is not None:
        content["source"] = dataclasses.asdict(card.source)
    content["provenance"] = dict(card.provenance)
    try:
        text = json.dumps(content, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the provenance of a checkpoint must be plain JSON: {error}") from error
    if parse_json(text, where="what a checkpoint says of itself", error=CheckpointError)["provenance"] != dict(
        card.provenance
    ):
        raise CheckpointError(
            "the provenance of a checkpoint must be plain JSON: lists, and dictionaries with text keys"
        )
    return text + "\n"


def from_json(text: str, *, where: str) -> Card:
    """The inverse of `to_json`; `where` names the file in errors.

    Raises:
        CheckpointError: not JSON, not this format or version, a field missing, unknown or of the wrong type.
    """
    content = parse_json(text, where=where, error=CheckpointError)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{where}: not the config of a policy (its 'format' should be {FORMAT!r})")
    if type(content.get("version")) is not int or content["version"] != VERSION:
        raise CheckpointError(f"{where}: version {content.get('version')!r}; this library reads version {VERSION}")
    fields = {"format", "version", "network", "source", "provenance"}
    _check_fields(where, content, known=fields, required=fields - {"source"})
    if not isinstance(content["provenance"], dict):
        raise CheckpointError(f"{where}: provenance should be an object, is {content['provenance']!r}")
    source = content.get("source")
    return Card(_network(where, content["network"]), source and _source(where, source), content["provenance"])


def _network(where: str, content: Any) -> Config:
    kind = content.get("kind") if isinstance(content, dict) else content
    if not isinstance(kind, str) or kind not in KINDS:
        raise CheckpointError(f"{where}: unknown network.kind {kind!r}{nearest(str(kind), KINDS)}")
    config = KINDS[kind]
    values = {name: value for name, value in content.items() if name != "kind"}
    names = {known.name for known in dataclasses.fields(config)}
    _check_fields(f"{where}: network", values, known=names, required=names)
    try:
        return config(**{n: tuple(value) if isinstance(value, list) else value for n, value in values.items()})
    except (PolicyError, TypeError) as error:
        raise CheckpointError(f"{where}: network: {error}") from error


def _source(where: str, content: Any) -> Source:
    names = {known.name for known in dataclasses.fields(Source)}
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise CheckpointError(f"{where}: source should be an object of texts, is {content!r}")
    _check_fields(f"{where}: source", content, known=names, required=names)
    return Source(**content)


def _check_fields(where: str, content: Mapping[str, Any], *, known: set[str], required: set[str]) -> None:
    for name in content:
        if name not in known:
            raise CheckpointError(f"{where}: unknown field {name!r}{nearest(name, known)}")
    if missing := sorted(required - content.keys()):
        raise CheckpointError(f"{where}: missing fields: {', '.join(missing)}")
