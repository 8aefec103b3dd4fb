"""Do the methods of `locate` and the patching of the report find the coin where it is known to be used?

    python analyses/features_on_planted.py --out analyses/reports/planted      # about five minutes of CPU time

For each kind of planted network: which hook points hold confirmed coin channels, whether causal use of the coin is
shown (ablation of channels or of the coin direction), by which quantities, whether use is excluded anywhere although
the coin is used, and whether patching the channels that respond to the coin carries more of the effect of its side on
movement than random channels do. Writes `features.json` and, drawn from that alone, `features.md`.

A gate is asked twice: in scenes as they come, of which few have lava in view, and in the same with lava, without which
the coin does nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mechinterp.circuits.planted import LIGHT, RECIPES, PlantedNetwork, planted_network
from mechinterp.coinrun import GameOptions, LevelSource, edits, geometry
from mechinterp.coinrun.state import GameState
from mechinterp.experiments.channel_patching import captions
from mechinterp.experiments.channel_patching import measure as patching
from mechinterp.experiments.coin_contrast import measure as contrast
from mechinterp.experiments.inputs.ranks import VariableReadouts
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.features import (
    channel_responses,
    coin_directions,
    counterfactual_scenes,
    find_coin_channels,
    null_responses,
)
from mechinterp.features.changes import ACTING
from mechinterp.features.counterfactuals import CounterfactualScenes
from mechinterp.features.findings import findings
from mechinterp.features.responses import NullResponses
from mechinterp.features.verdicts import Verdict
from mechinterp.policies import AlwaysRight, Card, Subject, build, visited_states
from mechinterp.policies.levels import LEVELS
from mechinterp.reporting.wording import number, reading

PLAIN = GameOptions(distribution_mode="easy", use_backgrounds=False)
UNUSED = (Verdict.CHANNELS_UNUSED, Verdict.DIRECTION_UNUSED)
GATED, LAVA = "gated", "gated, lava in view"
PLANNED = Plan(levels=40, states=2, quick=True)


CHANNELS = 2
"""Channels chosen at each hook point: of the eight of the later maps, four would be first with many random sets."""


@dataclass(frozen=True)
class NotRanked:
    """Planted networks are not ranked among random ones: their answer is known."""

    variables: Mapping[str, VariableReadouts] = field(default_factory=dict)


def lava_in_view(state: GameState) -> GameState | None:
    """The same with lava in the ground near the agent, where there is room for it."""
    x, y = geometry.agent_cell(state)
    for cell in [(x + dx, y + dy) for dy in (-1, -2, -3) for dx in (2, -2, 3, -3, 4, -4, 1, -1, 0)]:
        try:
            return edits.add_lava(state, [cell])
        except edits.EditError:
            continue
    return None


def used_by(network: PlantedNetwork, scenes: CounterfactualScenes, null: NullResponses, seed: int) -> dict[str, Any]:
    """What the search for the coin says of a network."""
    rng = np.random.default_rng(seed)
    own = channel_responses(network.policy, scenes)
    levels = rng.permutation(np.unique(scenes.levels))
    parts = (levels[: len(levels) * 2 // 5], levels[len(levels) * 2 // 5 :])
    (choose, choose_null), (report, report_null) = [(own.of_levels(part), null.of_levels(part)) for part in parts]
    channels = find_coin_channels(choose, choose_null, report, report_null, rng=rng)
    lines = coin_directions(choose, report, choose_null, report_null, rng=rng)
    found = findings(network.policy, scenes.of_levels(parts[1]), report, channels, lines, rng=rng)
    quantities = {
        name.split(": ")[-1]
        for one in found
        for part in (one.channels_ablated, one.direction_ablated)
        if part is not None
        for name in part.affected
    }
    return {
        "channels": [one.hook for one in found if one.channels],
        "used": [one.hook for one in found if one.verdict.used],
        "quantities": [name for name in ACTING if name in quantities],
        "unused": [one.hook for one in found if one.verdict in UNUSED],
    }


def carried(network: PlantedNetwork, seed: int) -> dict[str, Any]:
    """Whether the channels that respond to the coin carry the effect of its side on movement."""
    policy = network.policy
    inputs = Inputs(Subject("planted", policy, Card(policy.config), "0", PLAIN), PLANNED)
    rng = np.random.default_rng(seed)
    found = contrast.measure(Context(inputs, contrast.Size(channels=CHANNELS), rng))
    result = patching.measure(Context(inputs, patching.Size(pairs=60), rng), found, NotRanked())
    clear = reading(result.total) != "unclear"
    ways = {way: list(captions.more_than_random(result, way)) if clear else [] for way in ("denoise", "noise")}
    return {"total": number(result.total, "nats", signed=True), "clear": clear, **ways}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A line a kind, in Markdown: what every seed agrees on, or how many of them."""
    lines = [
        "What the search for the coin and the patching of channels say of planted networks, "
        f"{len({row['seed'] for row in rows})} of each kind, in {max(row['scenes'] for row in rows)} scenes "
        "(`python analyses/features_on_planted.py`). Known: whether any action reads the coin. "
        "Shown used: at how many hook points, and by which quantities. Excluded: hook points of which it is said that "
        "the coin is not causally used. Patching: the effect of the coin's side on movement, and at how many hook "
        f"points the {CHANNELS} channels that respond most to the coin restore and remove more of it than random ones.",
        "",
        "| kind | wants | coin used | coin channels at | shown used at | by | excluded at | effect of side | restore, "
        "remove |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]

        def several(key: str, own: Sequence[dict[str, Any]] = own) -> str:
            return "; ".join(str(len(row[key])) for row in own)

        by = [name for name in ACTING if all(name in row["quantities"] for row in own)]
        both = "; ".join(f"{len(row['denoise'])}, {len(row['noise'])}" if row["clear"] else "no effect" for row in own)
        lines.append(
            f"| {kind} | {own[0]['wants']} | {'yes' if own[0]['coin'] else 'no'} | {several('channels')} | "
            f"{several('used')} | {', '.join(by) or '-'} | {several('unused')} | "
            f"{'; '.join(row['total'] for row in own)} | {both} |"
        )
    missed = [row for row in rows if row["coin"] and not row["used"]]
    wrong = [row for row in rows if (row["coin"] and row["unused"]) or (not row["coin"] and row["used"])]
    lines += ["", f"Use not shown although the coin is used: {_named(missed)}. Said wrongly: {_named(wrong)}."]
    return "\n".join([*lines, ""])


def _named(rows: Sequence[dict[str, Any]]) -> str:
    return ", ".join(f"{row['kind']} (network {row['seed']})" for row in rows) or "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seeds", type=int, default=2, help="networks of each kind (default 2)")
    parser.add_argument("--levels", type=int, default=44)
    parser.add_argument("--scenes", type=int, default=120)
    parser.add_argument("--out", type=Path, help="folder for features.json and features.md (default: print only)")
    options = parser.parse_args()
    source = LevelSource(PLAIN)
    try:
        starts = source.starts(LEVELS["training"].first(options.levels))
    finally:
        source.close()
    states = visited_states(AlwaysRight(), starts, per_level=2, max_steps=60)
    shown = {"": counterfactual_scenes(states, most=options.scenes)}
    if GATED in options.kinds:
        lit = [made for state in states if (made := lava_in_view(state)) is not None]
        shown[LAVA] = counterfactual_scenes(lit, most=options.scenes)
    nulls = {name: null_responses(build(LIGHT, seed=0), one, seeds=range(100, 120)) for name, one in shown.items()}
    rows = []
    for kind in options.kinds:
        for seed in range(options.seeds):
            network = planted_network(kind, seed=seed, distractors=0.0)
            patched = carried(network, seed)
            for name in ("", LAVA) if kind == GATED else ("",):
                row = {"kind": name or kind, "seed": seed, "wants": network.wants, "scenes": len(shown[name].coin)}
                row["coin"] = "coin" in network.channels  # of a gate: in those scenes that have lava in view
                row |= used_by(network, shown[name], nulls[name], seed) | patched
                rows.append(row)
                print(row, flush=True)
    print(table(rows))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "features.json").write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
        (options.out / "features.md").write_text(table(rows))


if __name__ == "__main__":
    main()
