"""From what `features.locate` found to the sections of an atlas; here the coin itself, the others in `located`."""

from __future__ import annotations

import numpy as np
import torch

from mechinterp.coinrun import camera
from mechinterp.features.counterfactuals import LOOKS
from mechinterp.features.locate import Located
from mechinterp.features.searching import Searched
from mechinterp.features.uses import Use
from mechinterp.features.verdicts import VERDICTS
from mechinterp.policies.graph import Policy
from mechinterp.reports.measure.located import others
from mechinterp.reports.section import Section, Table

EXAMPLES, MAPS, FRAMES = 2, 4, 6
_CLOUD = 400
"""So many channels of untrained networks are drawn for each layer."""


def atlas_sections(policy: Policy, located: Located) -> dict[str, Section]:
    """The sections, in the order of the page."""
    sections = (_coin(policy, located), *others(located))
    return {section.name: section for section in sections}


def _coin(policy: Policy, located: Located) -> Section:
    search = located.search
    estimates = [*search.totals.values()]
    found = []
    layers = []
    for place in located.places:
        estimates += [place.right, place.below, place.around]
    for finding in search.findings:
        estimates.append(finding.direction.auroc)
        for use in (finding.by_channels, finding.by_direction):
            if use is not None:
                estimates += use.effects.values()
        for one in finding.channels:
            estimates.append(one.contrast)
            words = {"hook": one.hook, "channel": one.channel, "selective": one.selective, "q": one.q}
            square, other = (one.share.get(look) for look in LOOKS)
            found.append({**words, "square": square, "other_colours": other})
        layers.append(
            {
                "hook": finding.hook,
                "channels": finding.width,
                "side": finding.side,
                "dead": finding.dead,
                "verdict": finding.verdict,
                "words": VERDICTS[finding.verdict],
                "coin_channels": len(finding.channels),
                "channels_move": _moved(finding.by_channels),
                "direction_moves": _moved(finding.by_direction),
            }
        )
    probes = []
    for probe in located.probes:
        prefix = f"probe/{probe.label}/{probe.hook}"
        estimates += [probe.score.renamed(f"{prefix}/score"), probe.above.renamed(f"{prefix}/above")]
        words = {"label": probe.label, "hook": probe.hook, "kind": probe.kind}
        probes.append({**words, "best_baseline": probe.best_baseline})
    tables = {"layers": Table.of(layers)}
    tables |= {name: Table.of(rows) for name, rows in (("found", found), ("probes", probes)) if rows}
    top = _drawn(search)
    arrays: dict[str, np.ndarray] = {}
    if top:  # a network is also asked where no layer has a map to be drawn
        arrays, examples = _pictures(policy, search, top)
        tables |= {"top": Table(("hook", "channel"), tuple(top)), "examples": examples}
    facts = {
        "represented": search.represented,
        "used": search.used,
        "decoy_difference": search.scenes.decoy_difference,
        "untrained_networks": len(search.null),
        "pairs": len(search.scenes.coin),
        "choosing": len(search.choosing),
        "held": len(search.held),
        "statement": "; ".join(f"{name} could not be asked: {why}" for name, why in located.left_out.items()),
    }
    return Section("atlas", tuple(estimates), tables, arrays | _clouds(search), facts)


def _moved(use: Use | None) -> str:
    """The actions that were shown to hang on it, in words."""
    return "" if use is None else ", ".join(use.moved)


def _drawn(search: Searched) -> list[tuple[str, int]]:
    """Maps are drawn of the coin channels farthest from chance; where there are none, of the best candidates."""
    found = [c for finding in search.findings for c in finding.channels if finding.side]
    if found:
        best = sorted(found, key=lambda c: -abs(c.selective))
        return [(c.hook, c.channel) for c in best[:MAPS]]
    chosen = search.answers.of_levels(search.choosing)
    maps = [finding.hook for finding in search.findings if finding.side]
    far = [(abs(v), hook, c) for hook in maps for c, v in enumerate(chosen.selective(hook).tolist())]
    return [(hook, channel) for _, hook, channel in sorted(far, reverse=True)[:MAPS]]


def _clouds(search: Searched) -> dict[str, np.ndarray]:
    own, null = search.answers.of_levels(search.held), search.null.of_levels(search.held)
    arrays = {}
    for hook in own.coin.hooks:
        arrays[f"cloud/{hook}"] = np.stack([own.coin.effect(hook), own.selective(hook)], 1).astype(np.float32)
        points = [np.stack([n.coin.effect(hook), n.selective(hook)], 1) for n in null.networks]
        cloud = np.concatenate(points)
        arrays[f"null/{hook}"] = cloud[:: max(1, len(cloud) // _CLOUD)].astype(np.float32)
    return arrays


def _pictures(policy: Policy, search: Searched, channels: list[tuple[str, int]]) -> tuple[dict[str, np.ndarray], Table]:
    pairs = search.scenes.coin
    held = np.flatnonzero(~np.isin(pairs.levels, search.choosing))
    rows = pairs.select(held[np.linspace(0, len(held) - 1, EXAMPLES).round().astype(int)])
    arrays: dict[str, np.ndarray] = {"examples": np.stack([rows.clean, rows.corrupted], 1)}
    frames = np.concatenate([search.frames, pairs.clean[held]])
    for hook in dict.fromkeys(hook for hook, _ in channels):
        sides = [policy.activations(torch.from_numpy(f), hook) for f in (rows.clean, rows.corrupted)]
        values = torch.cat(
            [policy.activations(torch.from_numpy(frames[i : i + 64]), hook) for i in range(0, len(frames), 64)]
        )
        for channel in [c for h, c in channels if h == hook]:
            arrays[f"map/{hook}/{channel}"] = np.stack([side[:, channel].numpy() for side in sides], 1)
            largest = values[:, channel].flatten(1).amax(1)
            arrays[f"top/{hook}/{channel}"] = frames[largest.topk(FRAMES).indices.numpy()]
    boxes = [camera.boxes(state)["coin"][0] for state in rows.states("clean")]
    table = [
        {"level": int(level), "left": box.left, "top": box.top, "right": box.right, "bottom": box.bottom}
        for level, box in zip(rows.levels, boxes, strict=True)
    ]
    return arrays, Table.of(table)
