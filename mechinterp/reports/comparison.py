"""Several atlases side by side: what holds for each subject, with the numbers that say so.

Every number of a subject is read at a place that is fixed beforehand, not at the layer that looks best: the coin's
direction, and what is lost with it, at the last hook point with maps; linear probes at the last hook point of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mechinterp.features.verdicts import HELD
from mechinterp.reporting.errors import ResultsError
from mechinterp.reports.found import Found, found
from mechinterp.reports.judged import verdicts
from mechinterp.reports.results import Results
from mechinterp.reports.section import Section
from mechinterp.stats import Estimate, widened, widened_area

PROBED = ("coin in view", "coin on the right", "end wall in view", "movement log-odds")


@dataclass(frozen=True, eq=False, kw_only=True)
class Compared:
    """One subject.

    Attributes:
        name, network: who it is.
        represented, used: whether coin channels were confirmed, and whether an action hangs on what a layer holds.
        verdicts: hook point -> verdict, in the network's order, by `judged.verdicts`.
        coin_channels: over all hook points; `channels`: looked at.
        last, last_maps: the last hook point, and the last with maps.
        decode: AUROC of the coin's direction at `last_maps`, against untrained networks.
        pull: what the coin does to movement, toward its side; `jump`: to jumping.
        lost: by "channels" and "direction", what of the pull is lost when they are taken back at `last_maps`.
        answering: variable -> channels at `last_maps` that tell it apart and do so beyond untrained networks (None in
            older files, which counted otherwise), those that tell it apart at all, and how many are not silent.
        on_coin: share of the movement's attribution on the coin's pixels, against untrained networks; None where it is
            not known.
        place: the coin's place at `last_maps`, share of right guesses above the best baseline.
        probes: label -> score above the best baseline at `last`.
        mean, spread, right: of the tendency.
        constant: share of the log-odds' mean square that is there whatever is seen.
        steered: added at `last`, and the share of frames in which the direction works both ways.
    """

    name: str
    network: str
    represented: bool
    used: bool
    verdicts: dict[str, str]
    coin_channels: Found
    channels: int
    last: str
    last_maps: str
    decode: Estimate
    pull: Estimate
    jump: Estimate
    lost: dict[str, Estimate]
    answering: dict[str, tuple[int | None, int, int]]
    on_coin: Estimate | None
    place: Estimate | None
    probes: dict[str, Estimate]
    mean: Estimate
    spread: Estimate
    right: Estimate
    constant: float
    steered: tuple[Estimate, Estimate] | None


def compared(results: Results) -> Compared:
    """What an atlas says of its subject, in short.

    Where all levels agreed, files of earlier versions have intervals of no length: they are widened to exact bounds.

    Raises:
        ResultsError: results that are no atlas, or one without the sections that are read here.
    """
    for name in ("atlas", "variables", "attribution", "tendency"):
        if name not in results.sections:
            raise ResultsError(
                f"{results.identity.name}: a comparison needs the section {name!r}, which `mechinterp locate` writes"
            )
    atlas, tendency = results.sections["atlas"], results.sections["tendency"]
    layers, by_hook = atlas.table("layers").records(), verdicts(atlas)
    maps = [layer["hook"] for layer in layers if layer["side"]]
    if not maps:
        raise ResultsError(f"{results.identity.name}: no hook point with maps was looked at")
    last, last_maps = layers[-1]["hook"], maps[-1]
    parts = {part: atlas.get(f"use/{last_maps}/{part}/movement") for part in ("channels", "direction")}
    probes = {label: atlas.get(f"probe/{label}/{last}/above") for label in PROBED}
    added, both = (tendency.get(f"steer/{last}/{what}") for what in ("added", "both ways"))
    return Compared(
        name=results.identity.name,
        network=results.identity.network,
        represented=bool(atlas.facts["represented"]),
        used=bool(set(by_hook.values()) & set(HELD)),
        verdicts=by_hook,
        coin_channels=Found.total(found(atlas).values()),
        channels=sum(layer["channels"] for layer in layers),
        last=last,
        last_maps=last_maps,
        decode=widened_area(atlas[f"decode/{last_maps}"]),
        pull=atlas["total/movement"],
        jump=atlas["total/jump"],
        lost={part: estimate for part, estimate in parts.items() if estimate is not None},
        answering={
            row["variable"]: (row.get("beyond_both"), row["beyond_labels"], row["channels"])
            for row in results.sections["variables"].table("rows").records()
            if row["hook"] == last_maps
        },
        on_coin=results.sections["attribution"].get("share/movement/coin/share"),
        place=atlas.get(f"probe/place of the coin/{last_maps}/above"),
        probes={label: estimate for label, estimate in probes.items() if estimate is not None},
        mean=tendency["tendency/mean"],
        spread=tendency["tendency/spread"],
        right=widened(tendency["tendency/right"]),
        constant=float(tendency.facts["constant_share"] or 0),
        steered=None if added is None or both is None else (added, widened(both)),
    )


def load(paths: Sequence[str | Path]) -> list[Results]:
    """Atlases from files, in the order given; of one subject in two files the later is taken.

    Raises:
        ResultsError: no file, one that cannot be read, or two different networks of the same name.
    """
    if not paths:
        raise ResultsError("nothing to compare: give the atlas.json of at least one subject")
    found: dict[str, Results] = {}
    for path in paths:
        results = Results.load(path)
        name = results.identity.name
        if name in found and found[name].identity.sha256 != results.identity.sha256:
            raise ResultsError(f"{path}: another network than that of an earlier file is called {name!r} too")
        found[name] = results
    return list(found.values())


def slim(results: Results) -> Results:
    """The same without pictures and clouds: small enough to keep, enough to compare."""
    sections = {name: _without_arrays(section) for name, section in results.sections.items()}
    return replace(results, sections=sections)


def _without_arrays(section: Section) -> Section:
    tables = {name: table for name, table in section.tables.items() if name != "examples"}
    return Section(section.name, section.estimates, tables, {}, section.facts)
