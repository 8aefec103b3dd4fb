"""Is what a layer holds of the coin used? Take it out, and see whether anything that the network says changes.

In a scene with the coin, the activations of some channels (or along one direction) are replaced by those of the same
scene without it; all that follows is computed anew. What the outputs lose thereby is what went through there. Beside
it stand as many random channels, or random directions: what is lost with any such part of the layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from mechinterp.features.counterfactuals import CounterfactualScenes
from mechinterp.features.errors import FeatureError
from mechinterp.interventions import Edit, Patch, run_each
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.readouts import READOUTS
from mechinterp.stats import Estimate, means, sign_flip_tests

ACTS = tuple(name for name, readout in READOUTS.items() if readout.acts)
"""The readouts that are actions; the value is only an opinion."""
MARGIN = 0.1
"""The largest effect on an action that would not matter, in nats, fixed beforehand: around one half it changes a
probability by 2.5 points."""
_BATCH = 32
_ALPHA = 0.05


@dataclass(frozen=True, eq=False, kw_only=True)
class Use:
    """What taking a part of a layer back to "no coin" does to the outputs.

    Attributes:
        hook: the layer.
        part: "channels" or "direction".
        channels: which channels, where the part is those.
        effects: by readout, the mean over pairs of readout(with the coin) - readout(with the part taken back), its null
            flips of the sign of each level. Movement in nats toward the side on which the coin lies, jump in nats,
            value in the critic's units.
        random: by readout, the same mean for each random part of the same size (all other channels at once, where those
            are fewer; none, where the part is the whole layer).
        asked: how many effects on actions were asked, over all parts and hook points: what p is corrected for.
    """

    hook: str
    part: str
    channels: tuple[int, ...]
    effects: dict[str, Estimate]
    random: dict[str, tuple[float, ...]]
    asked: int = len(ACTS)

    def moves(self, readout: str) -> bool:
        """Whether an effect on this readout was shown, and one that matters.

        It must be larger than `MARGIN` and than with every random part, its interval must leave out 0, and its p, from
        flips of sign, must be at most 0.05 divided by the number of effects that were asked (`corrected`).
        """
        estimate = self.effects[readout]
        p = estimate.null.p if estimate.null is not None else None
        if p is None:
            raise FeatureError(f"{estimate.name} was not held against flips of sign")
        beyond = abs(estimate.value) > max((MARGIN, *map(abs, self.random[readout])))
        return p <= corrected(self.asked) and estimate.excludes(0) and beyond

    @property
    def moved(self) -> tuple[str, ...]:
        """The actions (of `ACTS`) that hang on the part: an effect on them was shown that matters."""
        return tuple(readout for readout in ACTS if self.moves(readout))

    @property
    def idle(self) -> bool:
        """Whether it was shown that no action hangs on the part: all intervals lie within `MARGIN` of 0."""
        return all(self.effects[readout].within(-MARGIN, MARGIN) for readout in ACTS)

    @property
    def nothing(self) -> bool:
        """Whether no action changed in any pair: the part is connected to none."""
        return all(self.effects[r].low == self.effects[r].high == 0 for r in ACTS)


def corrected(asked: int) -> float:
    """The largest p that shows one of so many effects (Bonferroni)."""
    return _ALPHA / asked


def totals(policy: Policy, scenes: CounterfactualScenes, *, rng: np.random.Generator) -> dict[str, Estimate]:
    """What the coin itself does to each readout, as `Use.effects` has it: what any part can be a share of."""
    changes = {name: [] for name in READOUTS}
    for rows in _batches(len(scenes.coin)):
        both = (scenes.coin.clean[rows], scenes.coin.corrupted[rows])
        there, gone = (_read(policy, policy(_frames(policy, frames))) for frames in both)
        for name in READOUTS:
            changes[name].append(there[name] - gone[name])
    return _estimates({name: np.concatenate(parts) for name, parts in changes.items()}, scenes, "total", rng)


def take_back(
    policy: Policy,
    scenes: CounterfactualScenes,
    parts: Mapping[str, tuple[int, ...] | Float64[np.ndarray, " channels"]],
    *,
    rng: np.random.Generator,
    random: int = 8,
) -> list[Use]:
    """Take each part back to what it is without the coin, in every scene that has one.

    Args:
        scenes: of levels that chose none of the parts.
        parts: hook point -> channels (a tuple) or a direction over channels (an array).
        random: how many random parts of the same size beside each.

    Raises:
        FeatureError: a direction of another length than the layer has channels, or of length 0.
        UnknownHook: see `Policy.select`.
    """
    hooks = policy.select(list(parts)) if parts else ()
    return [_use(policy, scenes, hook, parts[hook], random, rng) for hook in hooks]


def _use(
    policy: Policy,
    scenes: CounterfactualScenes,
    hook: str,
    part: tuple[int, ...] | Float64[np.ndarray, " channels"],
    random: int,
    rng: np.random.Generator,
) -> Use:
    width = (policy.shapes[hook] or (1,))[0]
    everything = [part, *_like(part, width, random, rng)]
    changes = {name: [] for name in READOUTS}
    for rows in _batches(len(scenes.coin)):
        there, gone = (_frames(policy, frames[rows]) for frames in (scenes.coin.clean, scenes.coin.corrupted))
        source = policy.activations(gone, hook)[hook]
        here = policy.activations(there, hook)[hook] if isinstance(part, np.ndarray) else source
        sets: list[list[Edit]] = [[_edit(hook, one, here, source)] for one in everything]
        edited = run_each(policy, there, [[], *sets])
        plain = _read(policy, PolicyOutput(edited.logits[0], edited.value[0]))
        read = [_read(policy, PolicyOutput(edited.logits[i], edited.value[i])) for i in range(1, len(sets) + 1)]
        for name in READOUTS:
            changes[name].append(np.stack([plain[name] - other[name] for other in read], 1))
    lost = {name: np.concatenate(rows) for name, rows in changes.items()}
    kind = "direction" if isinstance(part, np.ndarray) else "channels"
    own = {name: values[:, 0] for name, values in lost.items()}
    lost["movement"] = lost["movement"] * scenes.toward[:, None]
    return Use(
        hook=hook,
        part=kind,
        channels=() if isinstance(part, np.ndarray) else part,
        effects=_estimates(own, scenes, f"use/{hook}/{kind}", rng),
        random={name: tuple(values[:, 1:].mean(0).tolist()) for name, values in lost.items()},
    )


def _edit(hook: str, part: tuple[int, ...] | np.ndarray, here: Tensor, source: Tensor) -> Edit:
    if isinstance(part, tuple):
        return Patch(hook=hook, channels=part, source=source)
    unit = torch.from_numpy(part / np.linalg.norm(part)).to(here).reshape(-1, *[1] * (here.ndim - 2))
    return Patch(hook=hook, source=here + ((source - here) * unit).sum(1, keepdim=True) * unit)


def _like(
    part: tuple[int, ...] | np.ndarray, width: int, count: int, rng: np.random.Generator
) -> list[tuple[int, ...] | np.ndarray]:
    """Random parts of the same size: other channels (all of them, where those are fewer; none, where there are none),
    or directions.
    """
    if isinstance(part, np.ndarray):
        if part.shape != (width,) or not np.linalg.norm(part) > 0:
            raise FeatureError(f"a direction needs {width} numbers that are not all 0, got shape {part.shape}")
        return [rng.normal(size=width) for _ in range(count)]
    others = np.setdiff1d(np.arange(width), part)
    if len(others) <= len(part):
        return [tuple(others.tolist())] if len(others) else []
    return [tuple(sorted(rng.choice(others, len(part), replace=False).tolist())) for _ in range(count)]


def _estimates(
    changes: dict[str, np.ndarray], scenes: CounterfactualScenes, prefix: str, rng: np.random.Generator
) -> dict[str, Estimate]:
    changes = {**changes, "movement": changes["movement"] * scenes.toward}
    table = np.stack([changes[name] for name in READOUTS], 1)
    names = [f"{prefix}/{name}" for name in READOUTS]
    found = means(table, names=names, unit="levels", rng=rng, clusters=scenes.levels)
    nulls = sign_flip_tests(table, unit="levels", rng=rng, clusters=scenes.levels)
    return {name: e.against(null) for name, e, null in zip(READOUTS, found, nulls, strict=True)}


def _read(policy: Policy, output: PolicyOutput) -> dict[str, Float64[np.ndarray, " rows"]]:
    exact = PolicyOutput(output.logits.double(), output.value.double())
    return {name: read(exact, policy.actions).detach().cpu().numpy() for name, read in READOUTS.items()}


def _frames(policy: Policy, frames: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames)).to(next(policy.parameters()).device)


def _batches(count: int) -> list[np.ndarray]:
    return [np.arange(at, min(at + _BATCH, count)) for at in range(0, count, _BATCH)]
