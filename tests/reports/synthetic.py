"""Made-up results, of no network at all: what the tests draw. Nothing here was measured."""

from __future__ import annotations

import itertools

import numpy as np

from mechinterp.reports import Identity, Results, Section, Table
from mechinterp.reports.schema import ACTORS, DIRECTIONS, ENDINGS
from mechinterp.stats import Estimate, Null

CHANNELS = 32
HOOKS = {
    "block1.hook_conv": 32, "block1.hook_pool": 16, "block1.res1.hook_branch": 16, "block1.res1.hook_out": 16,
    "block2.hook_conv": 16, "block2.hook_pool": 8, "block2.res1.hook_branch": 8, "block2.res1.hook_out": 8,
}  # fmt: skip
TOP = [
    ("block2.res1.hook_out", 12),
    ("block2.res1.hook_branch", 12),
    ("block2.hook_pool", 3),
    ("block1.res1.hook_out", 7),
]


def estimate(name: str, value: float, half: float, *, n: int = 200, null: Null | None = None) -> Estimate:
    return Estimate(name=name, value=value, low=value - half, high=value + half, n=n, unit="levels", null=null)


def share(name: str, value: float, n: int = 200) -> Estimate:
    half = 1.96 * np.sqrt(max(value * (1 - value), 0.5 / n) / n)
    return Estimate(
        name=name, value=value, low=max(0.0, value - half), high=min(1.0, value + half), n=n, unit="levels"
    )  # fmt: skip


def flips(half: float, p: float) -> Null:
    return Null(description="sign of each level's difference flipped", value=0.0, low=-half, high=half, p=p)


def frames(count: int, rng: np.random.Generator) -> np.ndarray:
    """Something like a platform game: sky, ground, a figure in the middle, a coin on its right."""
    pictures = np.full((count, 64, 64, 3), (196, 214, 238), np.uint8)
    pictures[:, 40:] = (120, 92, 60)
    pictures[:, 38:40] = (94, 150, 70)
    for index, picture in enumerate(pictures):
        x = int(rng.integers(36, 52)) if index % 2 == 0 else 46
        picture[33:38, x : x + 4] = (250, 204, 40)
        picture[30:38, 28:34] = (60, 90, 160)
        wall = 60 - 5 * (index % 6)
        picture[20:40, wall : wall + 4] = (110, 110, 118)
    return pictures


def who(rng: np.random.Generator) -> Section:
    steps = range(0, 64, 8)
    p_right = 0.75 + 0.2 * np.sin(np.arange(64) / 6)
    value = 6 + np.arange(64) / 20 + 0.3 * rng.standard_normal(64)
    return Section(
        "who",
        tables={
            "card": Table(
                ("item", "value"),
                (("trained on", "invented levels"), ("steps", "0"), ("made by", "tests/reports/synthetic.py")),
            ),
            "layers": Table(
                ("hook", "computes", "shape", "parameters"),
                (
                    *((h, "Conv2d", f"{CHANNELS} x {s} x {s}", 9248) for h, s in HOOKS.items()),
                    ("hidden.hook_post", "Linear, ReLU", "256", 524544),
                    ("hook_logits", "Linear", "9", 2313),
                    ("hook_value", "Linear", "1", 257),
                ),
            ),
            "film": Table.of(
                {"step": s, "action": "right + jump", "p_right": p_right[s], "value": value[s]} for s in steps
            ),
            "episode": Table.of(
                {"step": s, "p_right": p_right[s], "p_jump": 0.4 + 0.3 * np.cos(s / 4), "value": value[s]}
                for s in range(64)
            ),
        },
        arrays={"film": frames(8, rng)},
        facts={"film_level": 1234, "film_ending": "coin"},
    )  # fmt: skip


def maximises() -> Section:
    returns = dict(zip(ACTORS, (8.4, 6.5, 2.7, 2.9), strict=True))
    shares = {
        "policy": (0.84, 0.05, 0.04, 0.06, 0.0, 0.01), "always right + jump": (0.65, 0.11, 0.08, 0.14, 0.02, 0.0),
        "uniform random": (0.27, 0.1, 0.1, 0.15, 0.0, 0.38), "untrained network": (0.29, 0.1, 0.1, 0.15, 0.0, 0.36),
    }  # fmt: skip
    estimates = [estimate(f"return/{actor}", value, 0.6) for actor, value in returns.items()]
    estimates += [
        estimate(f"difference/{a}", returns["policy"] - returns[a], 0.7, null=flips(0.7, 0.0004)) for a in ACTORS[1:]
    ]
    estimates += [share(f"ending/{a}/{e}", v) for a in ACTORS for e, v in zip(ENDINGS, shares[a], strict=True)]
    return Section("maximises", tuple(estimates), facts={"best": 10.0})


def relocated() -> Section:
    shares = {
        "stock": {"coin": 0.84, "end": 0.0, "died": 0.15, "timeout": 0.01},
        "random": {"coin": 0.41, "end": 0.44, "died": 0.13, "timeout": 0.02},
        "absent": {"end": 0.83, "died": 0.15, "timeout": 0.02},
        "decoy": {"end": 0.82, "died": 0.16, "timeout": 0.02},
        "left of agent": {"coin": 0.03, "end": 0.81, "died": 0.15, "timeout": 0.01},
    }
    own = [share(f"outcome/{p}/{o}", v) for p, row in shares.items() for o, v in row.items()]
    other = [
        share(f"reference/always right + jump/{p}/coin", v)
        for p, v in {"stock": 0.65, "random": 0.34, "left of agent": 0.0}.items()
    ]
    return Section("relocated", (*own, *other), facts={"max_steps": 500})


def drive(coin_side: float = 0.42) -> Section:
    effects = {
        ("coin side", "coin", "coin 3 cells right", "coin 3 cells left"): (coin_side, 0.11, 0.10),
        ("coin presence", "coin", "coin present", "coin absent"): (0.09, 0.24, 0.31),
        ("coin height", "coin", "coin above", "coin absent"): (0.01, 0.05, 0.02),
        ("coin or decoy", "control", "real coin", "picture of a coin"): (0.0, 0.0, 0.0),
        ("agent shifted", "ceiling", "agent at the coin's left", "agent at its right"): (1.31, 0.6, 0.55),
        ("end wall", "ceiling", "wall far", "wall near"): (0.92, 0.35, -0.8),
    }
    estimates, rows = [], []
    for (variable, role, clean, corrupted), values in effects.items():
        rows.append((variable, role, clean, corrupted, 180))
        for readout, value in zip(("movement", "jump", "value"), values, strict=True):
            half = 0.0 if role == "control" else 0.06 + 0.1 * abs(value)
            null = flips(0.06, 0.0004 if abs(value) > half else 0.4)
            estimates.append(estimate(f"effect/{variable}/{readout}", value, half, n=120, null=null))
            estimates.append(estimate(f"untrained/{variable}/{readout}", 0.01, 0.02, n=120, null=flips(0.02, 0.5)))
    return Section(
        "drive",
        tuple(estimates),
        tables={"variables": Table(("variable", "role", "clean", "corrupted", "pairs"), tuple(rows))},
        facts={"margin_movement": 0.1, "margin_jump": 0.1, "margin_value": 0.1},
    )


def contrast(rng: np.random.Generator) -> Section:
    estimates = []
    for depth, hook in enumerate(HOOKS):
        band = 0.5 + 0.1 * depth
        null = Null(description="channels of this layer in 3 untrained networks", value=0.0, low=-band, high=band)
        for channel in range(CHANNELS):
            value = 0.25 * rng.standard_normal() + (1.6 + 0.2 * depth) * ((hook, channel) in TOP or rng.random() < 0.03)
            estimates.append(estimate(f"channel/{hook}/{channel}", value, 0.12, n=90, null=null))
    estimates += [estimate(f"auroc/{hook}/{channel}", 0.93, 0.03, n=90) for hook, channel in TOP]
    maps = {}
    for hook, channel in TOP:
        grid = 0.15 * np.abs(rng.standard_normal((2, 2, HOOKS[hook], HOOKS[hook])))
        row, column = int(35 * HOOKS[hook] / 64), int(46 * HOOKS[hook] / 64)
        grid[:, 0, row, column] += 2
        maps[f"map/{hook}/{channel}"] = grid
    pictures = np.stack([frames(2, rng), frames(2, rng)], axis=1)
    boxes = ((17, 45, 33, 50, 38), (23, 45, 33, 50, 38))
    return Section(
        "contrast",
        tuple(estimates),
        tables={
            "layers": Table(("hook", "channels", "side"), tuple((h, CHANNELS, s) for h, s in HOOKS.items())),
            "top": Table(("hook", "channel"), tuple(TOP)),
            "examples": Table(("level", "left", "top", "right", "bottom"), boxes),
        },
        arrays={"examples": pictures, **maps},
        facts={
            "statistic": "the mean difference at the coin's cell, over the standard deviation without a coin",
            "unit": "standard deviations", "untrained_networks": 3, "pairs": 140, "pairs_choose": 60,
        },
    )  # fmt: skip


def patching() -> Section:
    sites = {"block1.res1.hook_out": "7, 2, 30", "block2.hook_pool": "3, 12, 8", "block2.res1.hook_out": "12, 3, 9",
             "all layers together": "12 channels"}  # fmt: skip
    estimates = [estimate("total", 0.42, 0.08, n=90, null=flips(0.07, 0.0004))]
    for direction in DIRECTIONS:
        for depth, site in enumerate(sites):
            top, random = 0.04 + 0.09 * depth - 0.03 * (direction == "noise"), 0.02 + 0.005 * depth
            estimates += [
                estimate(f"{direction}/{site}/top", top, 0.05, n=90, null=flips(0.05, 0.01)),
                estimate(f"{direction}/{site}/random", random, 0.02, n=90),
                estimate(f"{direction}/{site}/difference", top - random, 0.05, n=90, null=flips(0.05, 0.02)),
                estimate(f"{direction}/{site}/all", 0.3 + 0.04 * depth, 0.07, n=90),
                estimate(f"{direction}/{site}/fraction", top / 0.42, 0.13, n=90),
            ]
    return Section(
        "patching",
        tuple(estimates),
        tables={"sets": Table(("hook", "top"), tuple(sites.items()))},
        facts={"clean": "coin right", "corrupted": "coin left", "random_sets": 20, "pairs": 140, "pairs_choose": 60},
    )


def circuit() -> Section:
    hooks = ("block1.hook_conv", "block1.res1.hook_branch", "block2.hook_conv", "block2.res1.hook_branch")
    names = ("coin side", "hazard ahead")
    estimates, nodes = [], [(hook, channel) for hook in hooks for channel in (1, 4, 9)]
    for variable in names:
        estimates.append(estimate(f"total/{variable}", 0.42, 0.08, n=60, null=flips(0.07, 0.0004)))
    for way in DIRECTIONS:
        null = Null(description="8 random circuits", value=0.02, low=-0.05, high=0.1)
        for size, value in ((1, 0.02), (4, 0.3), (12, 0.86), (50, 1.04)):
            estimates.append(estimate(f"faithfulness/coin side/{way}/{size}", value, 0.06, n=60, null=null))
        estimates.append(estimate(f"chosen/coin side/{way}", 0.86, 0.05, n=60, null=null))
        estimates.append(estimate(f"random/coin side/{way}", 0.02, 0.03, n=60))
        estimates.append(estimate(f"cpr/coin side/{way}", 0.9, 0.05, n=60))
        estimates.append(estimate(f"cmd/coin side/{way}", 0.1, 0.04, n=60))
    estimates.append(estimate("stability/coin side", 0.7, 0.1, n=40))
    maps = np.random.default_rng(0).normal(0, 0.05, (len(hooks), 16)).astype(np.float32)
    edges = [
        ("coin side", f"{a}[{i}]", f"{b}[{j}]", 0.01 * (i - j))
        for a, b in itertools.pairwise(hooks) for i in (1, 4, 9) for j in (1, 4, 9)
    ]  # fmt: skip
    rows = (
        ("coin side", "movement", "coin right", "coin left", 12, 64, True, 100, 80),
        ("hazard ahead", "jump", "a hazard ahead", "none", 0, 64, False, 100, 80),
    )
    columns = ("variable", "metric", "clean", "corrupted", "nodes", "candidates", "found", "pairs", "pairs_choose")
    return Section(
        "circuit",
        tuple(estimates),
        tables={
            "questions": Table(columns, rows),
            "nodes": Table(("variable", "hook", "channel"), tuple(("coin side", *node) for node in nodes)),
            "edges": Table(("variable", "source", "target", "effect"), tuple(edges)),
            "layers": Table(("hook", "channels"), tuple((hook, 16) for hook in hooks)),
        },
        arrays={f"effects/{variable}/{way}": maps for variable in names for way in DIRECTIONS},
        facts={"share": 0.8, "random_circuits": 8},
    )


def results(seed: int = 0) -> Results:
    rng = np.random.default_rng(seed)
    sections = [who(rng), maximises(), relocated(), drive(), contrast(rng), patching(), circuit()]
    return Results(
        Identity("synthetic", "invented numbers, no network", "0" * 64, {"made by": "tests/reports/synthetic.py"}),
        {"command": "none: these numbers are made up", "levels": 200, "seed": seed, "versions": {"mechinterp": "0"}},
        {section.name: section for section in sections},
    )
