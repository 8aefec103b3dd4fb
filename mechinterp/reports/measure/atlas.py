"""From what `features.locate` found to the sections of an atlas."""

from __future__ import annotations

import numpy as np
import torch

from mechinterp.coinrun import camera
from mechinterp.features.findings import VERDICTS
from mechinterp.features.locate import Located
from mechinterp.policies.graph import Policy
from mechinterp.reports.section import Section, Table

EXAMPLES, MAPS, FRAMES = 2, 4, 6
_CLOUD = 400
"""So many channels of untrained networks are drawn for each layer."""


def atlas_sections(policy: Policy, located: Located) -> dict[str, Section]:
    """The three sections."""
    sections = (_coin(policy, located), _tendency(located), _factors(located))
    return {section.name: section for section in sections}


def _coin(policy: Policy, located: Located) -> Section:
    estimates = [*located.totals.values()]
    found = []
    layers = []
    for finding in located.findings:
        estimates.append(finding.direction.auroc)
        for use in (finding.by_channels, finding.by_direction):
            if use is not None:
                estimates += use.effects.values()
        for one in finding.channels:
            estimates.append(one.contrast)
            square, other = one.share.values()
            words = {"hook": one.hook, "channel": one.channel, "selective": one.selective, "q": one.q}
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
            }
        )
    probes = []
    for probe in located.probes:
        prefix = f"probe/{probe.label}/{probe.hook}"
        estimates += [probe.score.renamed(f"{prefix}/score"), probe.above.renamed(f"{prefix}/above")]
        words = {"label": probe.label, "hook": probe.hook, "kind": probe.kind}
        probes.append({**words, "best_baseline": probe.best_baseline})
    for kinds in located.shares.values():
        estimates += kinds.values()
    tables = {"layers": Table.of(layers)}
    tables |= {name: Table.of(rows) for name, rows in (("found", found), ("probes", probes)) if rows}
    top = _drawn(located)
    arrays, examples = _pictures(policy, located, top)
    if top:
        tables |= {"top": Table(("hook", "channel"), tuple(top)), "examples": examples}
    facts = {
        "represented": located.represented,
        "used": located.used,
        "decoy_difference": located.scenes.decoy_difference,
        "untrained_networks": len(located.null),
        "pairs": len(located.scenes.coin),
        "statement": "; ".join(f"{name} was not probed: {why}" for name, why in located.unprobed.items()),
    }
    return Section("atlas", tuple(estimates), tables, arrays | _clouds(located), facts)


def _drawn(located: Located) -> list[tuple[str, int]]:
    """Maps are drawn of the coin channels farthest from chance; where there are none, of the best candidates."""
    found = [c for finding in located.findings for c in finding.channels if finding.side]
    if found:
        best = sorted(found, key=lambda c: -abs(c.selective))
        return [(c.hook, c.channel) for c in best[:MAPS]]
    chosen = located.answers.of_levels(located.choosing)
    maps = [finding.hook for finding in located.findings if finding.side]
    far = [(abs(v), hook, c) for hook in maps for c, v in enumerate(chosen.selective(hook).tolist())]
    return [(hook, channel) for _, hook, channel in sorted(far, reverse=True)[:MAPS]]


def _clouds(located: Located) -> dict[str, np.ndarray]:
    held = np.setdiff1d(np.unique(located.scenes.levels), located.choosing)
    own, null = located.answers.of_levels(held), located.null.of_levels(held)
    arrays = {}
    for hook in own.coin.hooks:
        arrays[f"cloud/{hook}"] = np.stack([own.coin.effect(hook), own.selective(hook)], 1).astype(np.float32)
        points = [np.stack([n.coin.effect(hook), n.selective(hook)], 1) for n in null.networks]
        cloud = np.concatenate(points)
        arrays[f"null/{hook}"] = cloud[:: max(1, len(cloud) // _CLOUD)].astype(np.float32)
    return arrays


def _pictures(policy: Policy, located: Located, channels: list[tuple[str, int]]) -> tuple[dict[str, np.ndarray], Table]:
    pairs = located.scenes.coin
    held = np.flatnonzero(~np.isin(pairs.levels, located.choosing))
    rows = pairs.select(held[np.linspace(0, len(held) - 1, EXAMPLES).round().astype(int)])
    arrays: dict[str, np.ndarray] = {"examples": np.stack([rows.clean, rows.corrupted], 1)}
    frames = np.concatenate([located.frames, pairs.clean[held]])
    for hook in dict.fromkeys(hook for hook, _ in channels):
        sides = [policy.activations(torch.from_numpy(f), hook)[hook] for f in (rows.clean, rows.corrupted)]
        values = torch.cat(
            [policy.activations(torch.from_numpy(frames[i : i + 64]), hook)[hook] for i in range(0, len(frames), 64)]
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


def _tendency(located: Located) -> Section:
    own = located.tendency
    estimates = [own.mean, own.spread, own.right, *own.parts.values()]
    for steer in located.steering:
        estimates += [steer.added, steer.removed, steer.both_ways]
    return Section(
        "tendency",
        tuple(estimates),
        {"layers": Table.of([{"hook": steer.hook} for steer in located.steering])},
        facts={"black": own.black, "constant_share": own.constant_share},
    )


def _factors(located: Located) -> Section:
    own = located.factors
    estimates, rows = [], []
    for kind, names in own.names.items():
        for one in names:
            estimates.append(one.score.renamed(f"factor/{kind}/{one.factor}"))
            rows.append({"kind": kind, "number": one.factor, "name": one.name})
    if own.recovery is not None:
        estimates += [*own.recovery.divergence.values(), *own.recovery.agreement.values()]
        if own.recovery.recovered is not None:
            estimates.append(own.recovery.recovered)
    facts = {
        "hook": own.hook,
        "explained_activations": own.activations.explained if own.activations else None,
        "explained_attributions": own.attributions.explained if own.attributions else None,
        "explained_latents": own.sae.explained if own.sae else None,
        "dead": own.sae.dead if own.sae else None,
        "statement": own.statement,
    }
    table = Table.of(rows) if rows else Table(("kind", "number", "name"))
    return Section("factors", tuple(estimates), {"factors": table}, facts=facts)
