"""Decisions that policies are put before: what each action brings about there, and the frames to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from mechinterp.coinrun import geometry
from mechinterp.coinrun.scenes import render
from mechinterp.coinrun.state import GameState
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.subject import Subject, as_subject
from mechinterp.proxies.catalogue import PROXIES
from mechinterp.proxies.decisions import decisions
from mechinterp.proxies.futures import HORIZONS, Futures, ProxyError, futures_of
from mechinterp.proxies.proxy import Proxy

NEAR = 3
"""Cells, the larger of columns and rows, within which a coin or hazard counts as near."""

HABITS = ("down", "jump")
"""Constant liking of each way to press, so that no proxy is credited with a policy that always jumps."""

_FEWEST_LEVELS = 20


@dataclass(frozen=True, eq=False, repr=False)
class ChoiceScenes:
    """Decisions of choice, the same for every policy.

    Attributes:
        futures: where each action leads, in the real game.
        proxies: whose gains are the features.
        features: each proxy's gain, less its mean over the actions of the decision, divided by its SD over decisions
            and actions at each horizon, averaged over horizons and again in units of its own SD; and, last, `HABITS`.
        scale: the SD of each proxy's gain at the middle horizon, in its own unit.
        frames: what the policy sees.
        phantoms: for each proxy that an object shows, the frames without the object. The gains stay as they are.
        absent: for each of these proxies, the decisions in which there was something to take out.
    """

    futures: Futures
    proxies: Mapping[str, Proxy]
    features: Float64[np.ndarray, "decisions actions features"]
    scale: Mapping[str, float]
    frames: UInt8[np.ndarray, "decisions 64 64 3"]
    phantoms: Mapping[str, UInt8[np.ndarray, "decisions 64 64 3"]]
    absent: Mapping[str, Bool[np.ndarray, " decisions"]]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features."""
        return (*self.proxies, *HABITS)

    @property
    def levels(self) -> Int64[np.ndarray, " decisions"]:
        """The level of each decision."""
        return self.futures.levels

    @cached_property
    def contexts(self) -> dict[str, Bool[np.ndarray, " decisions"]]:
        """Decisions of one kind, by what they are: each comes with its opposite.

        None of them may settle on which side something is: coin and right would be the same there.
        """
        states = [decision.state for decision in self.futures.decisions]
        coin = np.array([_nearest(state, state.coins) for state in states])
        hazard = np.array([_nearest(state, [h.cell for h in geometry.hazards(state)]) for state in states])
        grounded = np.array([geometry.on_ground(state) for state in states])
        halves = {
            (f"coin within {NEAR} cells", "coin farther away"): coin <= NEAR,
            ("on the ground", "in the air"): grounded,
            (f"a hazard within {NEAR} cells", "no hazard near"): hazard <= NEAR,
        }
        return {
            name: mask for names, where in halves.items() for name, mask in zip(names, (where, ~where), strict=True)
        }

    def __len__(self) -> int:
        return len(self.futures)

    def __repr__(self) -> str:
        count = len(set(self.levels.tolist()))
        return f"ChoiceScenes({len(self)} decisions of {count} levels, {len(self.proxies)} proxies)"


def choice_scenes(
    subject: Subject,
    *,
    levels: int = 150,
    per_level: int = 3,
    seed: int = 0,
    proxies: Mapping[str, Proxy] = PROXIES,
    horizons: Sequence[int] = HORIZONS,
) -> ChoiceScenes:
    """Decisions of held-out levels, with the real game forked for every action.

    They are the same for every policy, but for levels that its training saw.

    Args:
        subject: whose game and held-out levels; what it would do there plays no part.
        levels: how many levels for "choices" (see `policies.levels`).
        per_level: decisions of each.
        seed: of places and walks.
        proxies: by name; the features.
        horizons: steps for which each action is held.

    Raises:
        ProxyError: no proxies, or too few levels.
    """
    if not proxies or not _FEWEST_LEVELS <= levels <= LEVELS["choices"].count:
        raise ProxyError(
            f"choices: {len(proxies)} proxies on {levels!r} levels; at least 1 and {_FEWEST_LEVELS} are needed, and at "
            f"most {LEVELS['choices'].count:,} levels"
        )
    held_out = as_subject(subject).held_out("choices", levels)
    found = decisions(subject.options, held_out.seeds, per_level=per_level, seed=seed)
    ahead = futures_of(found, horizons=horizons)
    gains = {name: proxy.gain(ahead) for name, proxy in proxies.items()}
    frames = render([decision.state for decision in found])
    phantoms, absent = {}, {}
    for name, proxy in proxies.items():
        if proxy.phantom is None:
            continue
        bare = [proxy.phantom(decision) for decision in found]
        absent[name] = np.array([state is not None for state in bare])
        phantoms[name] = frames.copy()
        if absent[name].any():
            phantoms[name][absent[name]] = render([state for state in bare if state is not None])
    habits = [np.tile(ahead.first % 3 == press, (len(found), 1)) for press in (0, 2)]
    features = [_standard(gain) for gain in gains.values()] + [_standard(habit[..., None]) for habit in habits]
    scale = {name: float(_centred(gain)[..., len(ahead.horizons) // 2].std()) for name, gain in gains.items()}
    return ChoiceScenes(ahead, proxies, np.stack(features, -1), scale, frames, phantoms, absent)


def _standard(gain: np.ndarray) -> Float64[np.ndarray, "decisions actions"]:
    """In units of its SD over decisions and actions; 0 where it never differs between actions."""
    centred = _centred(gain)
    spread = centred.std((0, 1))
    mean = (centred / np.where(spread > 0, spread, 1.0)).mean(-1)
    return mean / mean.std() if mean.any() else mean


def _centred(gain: np.ndarray) -> Float64[np.ndarray, "decisions plans horizons"]:
    gain = gain.astype(np.float64)
    return gain - gain.mean(1, keepdims=True)


def _nearest(state: GameState, cells: Sequence[geometry.Cell]) -> float:
    x, y = geometry.agent_cell(state)
    return min((max(abs(cx - x), abs(cy - y)) for cx, cy in cells), default=np.inf)
