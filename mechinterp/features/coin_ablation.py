"""Is what a layer holds of the coin causally used? Replace it by what it is without the coin, and read the outputs.

In a scene with the coin, the activations of some channels (or along one direction) are replaced by those of the same
scene without it: resample ablation, with the minimal pair's other frame as the replacement. All that follows is
computed from the replaced activations. The change of the outputs is the effect that runs through there. The same is
done to random channels of equal number, or random directions.
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
from mechinterp.stats import Estimate, effects

ACTIONS = tuple(name for name, readout in READOUTS.items() if readout.acts)
"""The readouts that are about actions; the value is only an opinion."""
_BATCH = 32
_ALPHA = 0.05


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CoinAblation:
    """What replacing a part of a layer by its coin-absent activations does to the outputs.

    Attributes:
        hook: the layer.
        channels: which channels were replaced; None where it was the coin direction.
        effects: by readout, the mean over pairs of readout(with the coin) - readout(with the part replaced); its null
            is a mean of 0. Movement in nats toward the side on which the coin lies, jump in nats, value
            in the critic's units.
        random: by readout, the same mean for each random part of the same size (all other channels at once, where those
            are fewer; none, where the part is the whole layer).
        tests: how many effects on actions were tested, over all parts and hook points: p is corrected for them.
    """

    hook: str
    channels: tuple[int, ...] | None
    effects: dict[str, Estimate]
    random: dict[str, tuple[float, ...]]
    tests: int = len(ACTIONS)

    def __repr__(self) -> str:
        part = "direction" if self.channels is None else f"{len(self.channels)} channels"
        return f"CoinAblation({self.hook}, {part}: movement {self.effects['movement']})"

    def affects(self, readout: str) -> bool:
        """Whether a causal effect on this readout was shown, and one that matters.

        It must be larger than the readout's margin and than the effect of every random part, its interval must exclude
        0, and its p must be at most 0.05 divided by the number of tests (Bonferroni).
        """
        estimate = self.effects[readout]
        p = estimate.null.p if estimate.null is not None else None
        if p is None:
            raise FeatureError(f"{estimate.name}: it was not tested against 0")
        beyond = abs(estimate.value) > max((_margin(readout), *map(abs, self.random[readout])))
        return p <= largest_p(self.tests) and estimate.excludes(0) and beyond

    @property
    def affected(self) -> tuple[str, ...]:
        """The actions (of `ACTIONS`) on which a causal effect was shown."""
        return tuple(readout for readout in ACTIONS if self.affects(readout))

    @property
    def negligible(self) -> bool:
        """Whether all effects on actions were shown to be equivalent to zero within the readouts' margins."""
        return equivalent_to_zero(self.effects)


def equivalent_to_zero(effects: Mapping[str, Estimate]) -> bool:
    """Whether the whole interval of each effect on an action lies within that readout's margin of 0."""
    return all(effects[r].within(-_margin(r), _margin(r)) for r in ACTIONS)


def largest_p(tests: int) -> float:
    """The largest p that shows one effect among so many tests (Bonferroni)."""
    return _ALPHA / tests


def coin_effects(policy: Policy, scenes: CounterfactualScenes, *, rng: np.random.Generator) -> dict[str, Estimate]:
    """The total effect of the coin on each readout, signed as `CoinAblation.effects`."""
    changes = {name: [] for name in READOUTS}
    for rows in _batches(len(scenes.coin)):
        both = (scenes.coin.clean[rows], scenes.coin.corrupted[rows])
        there, gone = (_read(policy, policy(_frames(policy, frames))) for frames in both)
        for name in READOUTS:
            changes[name].append(there[name] - gone[name])
    whole = {name: np.concatenate(parts) for name, parts in changes.items()}
    return _estimates(whole, scenes, "effect of the coin", rng)


def ablate_coin(
    policy: Policy,
    scenes: CounterfactualScenes,
    parts: Mapping[str, tuple[int, ...] | Float64[np.ndarray, " channels"]],
    *,
    rng: np.random.Generator,
    random: int = 8,
) -> list[CoinAblation]:
    """Replace each part by its coin-absent activations, in every scene that has a coin.

    Args:
        scenes: of levels on which none of the parts was chosen.
        parts: hook point -> channels (a tuple) or a direction over channels (an array).
        random: how many random parts of the same size are ablated for each.

    Raises:
        FeatureError: a direction of another length than the layer has channels, or of length 0.
        UnknownHook: see `Policy.select`.
    """
    hooks = policy.select(list(parts)) if parts else ()
    return [_ablation(policy, scenes, hook, parts[hook], random, rng) for hook in hooks]


def _margin(readout: str) -> float:
    return READOUTS[readout].margin or 0.0


def _ablation(
    policy: Policy,
    scenes: CounterfactualScenes,
    hook: str,
    part: tuple[int, ...] | Float64[np.ndarray, " channels"],
    random: int,
    rng: np.random.Generator,
) -> CoinAblation:
    width = (policy.shapes[hook] or (1,))[0]
    everything = [part, *_random_parts(part, width, random, rng)]
    changes = {name: [] for name in READOUTS}
    for rows in _batches(len(scenes.coin)):
        there, gone = (_frames(policy, frames[rows]) for frames in (scenes.coin.clean, scenes.coin.corrupted))
        source = policy.activations(gone, hook)
        here = policy.activations(there, hook) if isinstance(part, np.ndarray) else source
        sets: list[list[Edit]] = [[_edit(hook, one, here, source)] for one in everything]
        edited = run_each(policy, there, [[], *sets])
        plain = _read(policy, PolicyOutput(edited.logits[0], edited.value[0]))
        read = [_read(policy, PolicyOutput(edited.logits[i], edited.value[i])) for i in range(1, len(sets) + 1)]
        for name in READOUTS:
            changes[name].append(np.stack([plain[name] - other[name] for other in read], 1))
    lost = {name: np.concatenate(rows) for name, rows in changes.items()}
    own = {name: values[:, 0] for name, values in lost.items()}
    lost["movement"] = lost["movement"] * scenes.toward[:, None]
    what = f"the coin direction of {hook}" if isinstance(part, np.ndarray) else f"{len(part)} coin channels of {hook}"
    return CoinAblation(
        hook=hook,
        channels=None if isinstance(part, np.ndarray) else part,
        effects=_estimates(own, scenes, f"effect through {what}", rng),
        random={name: tuple(values[:, 1:].mean(0).tolist()) for name, values in lost.items()},
    )


def _edit(hook: str, part: tuple[int, ...] | np.ndarray, here: Tensor, source: Tensor) -> Edit:
    if isinstance(part, tuple):
        return Patch(hook, part, replacement=source)
    if here.ndim == 1:  # a single number: its one direction is all of it
        return Patch(hook, replacement=source)
    unit = torch.from_numpy(part / np.linalg.norm(part)).to(here).reshape(-1, *[1] * (here.ndim - 2))
    return Patch(hook, replacement=here + ((source - here) * unit).sum(1, keepdim=True) * unit)


def _random_parts(
    part: tuple[int, ...] | np.ndarray, width: int, count: int, rng: np.random.Generator
) -> list[tuple[int, ...] | np.ndarray]:
    """Random parts of the same size: other channels (all of them, where those are fewer; none, where there are none),
    or directions (none, where there is but one).
    """
    if isinstance(part, np.ndarray):
        if part.shape != (width,) or not np.linalg.norm(part) > 0:
            raise FeatureError(f"a direction needs {width} numbers that are not all 0, got shape {part.shape}")
        return [rng.normal(size=width) for _ in range(count)] if width > 1 else []
    others = np.setdiff1d(np.arange(width), part)
    if len(others) <= len(part):
        return [tuple(others.tolist())] if len(others) else []
    return [tuple(sorted(rng.choice(others, len(part), replace=False).tolist())) for _ in range(count)]


def _estimates(
    changes: dict[str, np.ndarray], scenes: CounterfactualScenes, what: str, rng: np.random.Generator
) -> dict[str, Estimate]:
    changes = {**changes, "movement": changes["movement"] * scenes.toward}
    table = np.stack([changes[name] for name in READOUTS], 1)
    names = [f"{what} on {name}{' toward its side' if name == 'movement' else ''}" for name in READOUTS]
    return dict(zip(READOUTS, effects(table, names=names, unit="levels", rng=rng, clusters=scenes.levels), strict=True))


def _read(policy: Policy, output: PolicyOutput) -> dict[str, Float64[np.ndarray, " rows"]]:
    exact = PolicyOutput(output.logits.double(), output.value.double())
    return {name: readout(exact, policy.actions).detach().cpu().numpy() for name, readout in READOUTS.items()}


def _frames(policy: Policy, frames: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames)).to(next(policy.parameters()).device)


def _batches(count: int) -> list[np.ndarray]:
    return [np.arange(at, min(at + _BATCH, count)) for at in range(0, count, _BATCH)]
