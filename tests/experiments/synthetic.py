"""Made-up results of the report's slices, of no network at all. Nothing here was measured."""

from __future__ import annotations

import itertools

import numpy as np

from mechinterp.experiments.channel_patching import result as channel_patching
from mechinterp.experiments.circuit import result as circuit
from mechinterp.experiments.coin_contrast import result as coin_contrast
from mechinterp.experiments.coin_placement import result as coin_placement
from mechinterp.experiments.inputs.examples import ChannelMaps, Examples
from mechinterp.experiments.model import result as model
from mechinterp.experiments.performance import result as performance
from mechinterp.experiments.results import Results
from mechinterp.experiments.total_effect import result as total_effect
from mechinterp.policies.identity import Identity
from mechinterp.stats import Estimate, Null

CHANNELS = 32
SIDES = {
    "block1.hook_conv": 32, "block1.hook_pool": 16, "block1.res1.hook_branch": 16, "block1.res1.hook_out": 16,
    "block2.hook_conv": 16, "block2.hook_pool": 8, "block2.res1.hook_branch": 8, "block2.res1.hook_out": 8,
}  # fmt: skip
CHOSEN = (
    ("block2.res1.hook_out", 12),
    ("block2.res1.hook_branch", 12),
    ("block2.hook_pool", 3),
    ("block1.res1.hook_out", 7),
)
ENDINGS = ("coin", "saw", "enemy", "lava", "several", "timeout")
FIGURES = 21
"""How many figures a page of all these results has."""


def estimate(value: float, half: float, *, name: str = "made up", n: int = 200, null: Null | None = None) -> Estimate:
    return Estimate(name=name, value=value, low=value - half, high=value + half, n=n, unit="levels", null=null)


def share(value: float, n: int = 200) -> Estimate:
    half = 1.96 * np.sqrt(max(value * (1 - value), 0.5 / n) / n)
    low, high = max(0.0, value - half), min(1.0, value + half)
    return Estimate(name="made up", value=value, low=low, high=high, n=n, unit="levels")


def flips(half: float, p: float) -> Null:
    return Null(description="a mean of 0", value=0.0, low=-half, high=half, p=p)


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


def the_model(rng: np.random.Generator) -> model.Result:
    steps = np.arange(64)
    layers = [
        *((hook, "Conv2d", (CHANNELS, side, side), 9248) for hook, side in SIDES.items()),
        ("hidden.hook_post", "ReLU", (256,), 0),
        ("hook_logits", "Linear", (9,), 2313),
        ("hook_value", "ValueHead", (), 257),
    ]
    return model.Result(
        parameters=601_000,
        training=model.Training(organism="invented", seed=0, placement="stock", goal="coin", steps=0),
        source=None,
        difficulty="easy",
        looks=(),
        layers=tuple(model.Layer(hook=h, module=m, shape=s, parameters=p) for h, m, s, p in layers),
        episode=model.Episode(
            level=1234,
            outcome="coin",
            actions=("right+jump",) * 64,
            p_right=(0.75 + 0.2 * np.sin(steps / 6)).astype(np.float32),
            p_jump=(0.4 + 0.3 * np.cos(steps / 4)).astype(np.float32),
            value=(6 + steps / 20).astype(np.float32),
            shown=tuple(range(0, 64, 8)),
            frames=frames(8, rng),
        ),
    )


def the_performance() -> performance.Result:
    shares = {
        "policy": (8.4, (0.84, 0.05, 0.04, 0.06, 0.0, 0.01)),
        "always right + jump": (6.5, (0.65, 0.11, 0.08, 0.14, 0.02, 0.0)),
        "uniform random": (2.7, (0.27, 0.1, 0.1, 0.15, 0.0, 0.38)),
        "untrained network": (2.9, (0.29, 0.1, 0.1, 0.15, 0.0, 0.36)),
    }
    actors = {
        name: performance.Actor(
            mean_return=estimate(value, 0.6),
            endings=performance.Endings(**dict(zip(ENDINGS, map(share, endings), strict=True))),
        )
        for name, (value, endings) in shares.items()
    }
    policy = actors.pop("policy")
    return performance.Result(
        best=10.0,
        policy=policy,
        baselines={
            name: performance.Baseline(
                mean_return=actor.mean_return,
                endings=actor.endings,
                advantage=estimate(8.4 - actor.mean_return.value, 0.7, null=flips(0.7, 0.0004)),
            )
            for name, actor in actors.items()
        },
    )


def outcomes(coin: float | None, end: float, died: float, timeout: float) -> coin_placement.Outcomes:
    taken = None if coin is None else share(coin)
    return coin_placement.Outcomes(coin=taken, end=share(end), died=share(died), timeout=share(timeout))


def placed(label: str, policy: tuple, blind: tuple) -> coin_placement.Placement:
    """Differences that are as certain as if the levels were not the same."""
    return coin_placement.Placement(
        label=label,
        policy=outcomes(*policy),
        blind=outcomes(*blind),
        over_end=None if policy[0] is None else estimate(policy[0] - policy[1], 0.09),
        over_blind=None if policy[0] is None else estimate(policy[0] - blind[0], 0.09),
    )


def the_coin_placement() -> coin_placement.Result:
    made = {
        "stock": ("at the right end", (0.84, 0.0, 0.15, 0.01), (0.65, 0.0, 0.35, 0.0)),
        "random_percent=100": ("at a random place", (0.41, 0.44, 0.13, 0.02), (0.34, 0.36, 0.3, 0.0)),
        "absent": ("absent", (None, 0.83, 0.15, 0.02), (None, 0.65, 0.35, 0.0)),
        "decoy": ("replaced by a decoy", (None, 0.82, 0.16, 0.02), (None, 0.65, 0.35, 0.0)),
        "left_of_agent": ("left of the start", (0.03, 0.81, 0.15, 0.01), (0.0, 0.7, 0.3, 0.0)),
    }
    placements = {rule: placed(label, policy, blind) for rule, (label, policy, blind) in made.items()}
    return coin_placement.Result(max_steps=400, placements=placements)


def the_total_effect(coin_side: float = 0.42) -> total_effect.Result:
    effects = {
        ("coin side", "coin", "coin right", "coin left"): (coin_side, 0.11, 0.10),
        ("coin above", "coin", "a coin overhead", "no coin"): (0.01, 0.05, 0.02),
        ("real coin or picture", "control", "a real coin", "its picture"): (0.0, 0.0, 0.0),
        ("hazard ahead", "ceiling", "a hazard ahead", "none"): (1.31, 0.6, 0.55),
        ("end wall", "ceiling", "no end wall in view", "the end wall ahead"): (0.92, 0.35, -0.8),
    }
    variables = {}
    for (variable, role, clean, corrupted), values in effects.items():
        readouts = {}
        for readout, value in zip(("movement", "jump", "value"), values, strict=True):
            half = 0.0 if role == "control" else 0.06 + 0.1 * abs(value)
            null = flips(0.06, 0.0004 if abs(value) > half else 0.4)
            smaller = 99 if abs(value) > half else 40
            rank = total_effect.Rank(smaller=smaller, low=-0.2, high=0.25, p=0.02 if smaller == 99 else 0.6, family=2)
            readouts[readout] = total_effect.Effect(effect=estimate(value, half, n=120, null=null), rank=rank)
        variables[variable] = total_effect.VariableEffects(
            role=role,  # pyright: ignore[reportArgumentType]
            clean=clean, corrupted=corrupted, pairs=180, readouts=readouts,
            strata=the_strata(coin_side) if variable == "coin side" else {},
        )  # fmt: skip
    kinds = {"blue coin": "colour", "shuffled coin": "pixels", "crate": "thing"}
    return total_effect.Result(
        margins={"movement": 0.1, "jump": 0.1}, networks=100, frames=150,
        spreads={"movement": 1.5, "jump": 2.0, "value": 1.0}, variables=variables, fewest=40,
        objects={name: the_object(kind, coin_side) for name, kind in kinds.items()},
        same_scenes={"movement": estimate(coin_side, 0.1, n=100)},
        own_play={"movement": estimate(coin_side, 0.2, n=50)},
    )  # fmt: skip


def the_strata(value: float) -> dict[str, dict[str, total_effect.Stratum]]:
    known = total_effect.Stratum(levels=60, effects={"movement": estimate(value, 0.1, n=60)})
    return {
        "agent": {"grounded": known, "airborne": known},
        "hazard": {"in view": total_effect.Stratum(levels=12, effects={})},
    }


def the_object(kind: str, lead: float, half: float = 0.1, *, p: float = 0.001) -> total_effect.ObjectEffect:
    """An object whose effect is 0: the coin's leads by all of it."""
    return total_effect.ObjectEffect(
        kind=kind,  # pyright: ignore[reportArgumentType]
        effects={"movement": estimate(0.0, half)}, leads={"movement": estimate(lead, half, null=flips(half, p))},
    )  # fmt: skip


def the_coin_contrast(rng: np.random.Generator) -> coin_contrast.Result:
    layers = {}
    for depth, (hook, side) in enumerate(SIDES.items()):
        band = 0.5 + 0.1 * depth
        words = "channels of this layer in 20 untrained networks"
        null = Null(description=words, value=0.0, low=-band, high=band, p=0.048)
        values = [
            0.25 * rng.standard_normal() + (1.6 + 0.2 * depth) * ((hook, c) in CHOSEN or rng.random() < 0.03)
            for c in range(CHANNELS)
        ]
        channels = tuple(
            estimate(value, 0.12, name=f"{hook}, channel {c}", n=90, null=null) for c, value in enumerate(values)
        )
        layers[hook] = coin_contrast.Layer(
            side=side, channels=channels, strength=0.3 + 0.1 * depth, untrained_strength=0.3, strength_p=1 / (1 + depth)
        )
    maps = []
    for hook, channel in CHOSEN:
        grid = 0.15 * np.abs(rng.standard_normal((2, 2, SIDES[hook], SIDES[hook])))
        grid[:, 0, int(35 * SIDES[hook] / 64), int(46 * SIDES[hook] / 64)] += 2
        maps.append(ChannelMaps(hook=hook, channel=channel, values=grid.astype(np.float32)))
    return coin_contrast.Result(
        statistic="the mean difference at the coin's cell, over the standard deviation without a coin",
        unit="standard deviations",
        untrained_networks=20,
        pairs=140,
        pairs_choose=60,
        layers=layers,
        chosen=CHOSEN,
        examples=Examples(
            frames=np.stack([frames(2, rng), frames(2, rng)], axis=1),
            levels=(17, 23),
            boxes=((45.0, 33.0, 50.0, 38.0), (45.0, 33.0, 50.0, 38.0)),
            maps=tuple(maps),
        ),
    )


def patched(chosen: float, random: float, every: float, *, total: float = 0.42) -> channel_patching.Patched:
    return channel_patching.Patched(
        chosen=estimate(chosen, 0.05, n=90),
        random=estimate(random, 0.02, n=90),
        every=estimate(every, 0.07, n=90),
        difference=estimate(chosen - random, 0.05, n=90, null=flips(0.05, 0.02)),
        sets=100,
        share=estimate(chosen / total, 0.13, n=90),
    )


def the_channel_patching() -> channel_patching.Result:
    channels = {
        "block1.res1.hook_out": (7,), "block2.hook_pool": (3,), "block2.res1.hook_branch": (12,),
        "block2.res1.hook_out": (12,),
    }  # fmt: skip
    sites = {
        hook: channel_patching.Site(
            channels=own,
            denoise=patched(0.04 + 0.09 * depth, 0.02 + 0.005 * depth, 0.3 + 0.04 * depth),
            noise=patched(0.01 + 0.09 * depth, 0.02 + 0.005 * depth, 0.3 + 0.04 * depth),
        )
        for depth, (hook, own) in enumerate(channels.items())
    }
    return channel_patching.Result(
        clean="coin right", corrupted="coin left", pairs=140, pairs_choose=60, random_sets=20,
        total=estimate(0.42, 0.08, n=90, null=flips(0.07, 0.0004)), random_p=0.01, sites=sites,
    )  # fmt: skip


def the_circuit() -> circuit.Result:
    hooks = ("block1.hook_conv", "block1.res1.hook_branch", "block2.hook_conv", "block2.res1.hook_branch")
    numbers = np.random.default_rng(0).normal(0, 0.05, (2, len(hooks), 16)).astype(np.float32)
    null = Null(description="8 random circuits", value=0.02, low=-0.05, high=0.1)
    way = circuit.Faithfulness(
        sizes={
            size: estimate(value, 0.06, n=60, null=null)
            for size, value in ((1, 0.02), (4, 0.3), (12, 0.86), (50, 1.04))
        },
        chosen=estimate(0.86, 0.05, n=60, null=null),
        random=estimate(0.02, 0.03, n=60),
        cpr=estimate(0.9, 0.05, n=60),
        cmd=estimate(0.1, 0.04, n=60),
    )
    edges = tuple(
        circuit.Edge(source=(a, i), target=(b, j), effect=0.01 * (i - j))
        for a, b in itertools.pairwise(hooks)
        for i in (1, 4, 9)
        for j in (1, 4, 9)
    )
    found = circuit.Circuit(
        channels=tuple((hook, channel) for hook in hooks for channel in (1, 4, 9)),
        edges=edges, denoise=way, noise=way, stability=estimate(0.7, 0.1, n=40),
    )  # fmt: skip

    def question(readout: str, clean: str, corrupted: str, found: circuit.Circuit | None) -> circuit.Question:
        denoise, noise = ({hook: part[row] for row, hook in enumerate(hooks)} for part in numbers)
        return circuit.Question(
            readout=readout, clean=clean, corrupted=corrupted, pairs=100, pairs_choose=80, circuit=found,
            total=estimate(0.42, 0.08, n=60, null=flips(0.07, 0.0004)), random_p=0.01, denoise=denoise, noise=noise,
        )  # fmt: skip

    return circuit.Result(
        share=0.8,
        random_circuits=8,
        questions={
            "coin side": question("movement", "coin right", "coin left", found),
            "hazard ahead": question("jump", "a hazard ahead", "none", None),
        },
    )


def results(seed: int = 0) -> Results:
    """A whole report."""
    rng = np.random.default_rng(seed)
    return Results(
        page="report",
        identity=Identity("synthetic", "invented numbers, no network", "0" * 64, {"made by": "synthetic.py"}),
        settings={"command": "none: made up", "levels": 200, "seed": seed, "versions": {"mechinterp": "0"}},
        sections={
            "model": the_model(rng),
            "performance": the_performance(),
            "coin_placement": the_coin_placement(),
            "total_effect": the_total_effect(),
            "coin_contrast": the_coin_contrast(rng),
            "channel_patching": the_channel_patching(),
            "circuit": the_circuit(),
        },
    )
