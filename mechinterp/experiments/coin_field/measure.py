"""Put a coin into every cell of the view, and its activation into every cell of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from mechinterp import stats
from mechinterp.coinrun.edits import EditError, add_coin
from mechinterp.coinrun.geometry import agent_cell
from mechinterp.coinrun.scenes import MinimalPairs, render
from mechinterp.coinrun.state import GameState
from mechinterp.experiments.coin_field.result import Result, Written
from mechinterp.experiments.inputs.blindings import Blindings, blindings
from mechinterp.experiments.inputs.examples import one_a_level
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features.blinding import movement
from mechinterp.interventions import AtObject, InLevel, Retarget, object_template
from mechinterp.policies.graph import Policy
from mechinterp.stats import Null

REACH = 6
"""Cells to each side of the agent's: the view of 13 x 13."""
NEAR = 2


@dataclass(frozen=True)
class Size:
    """How much is asked.

    Attributes:
        states: of different levels, at most.
        choosing: states on which the layer is chosen.
        random: templates of the null.
        random_states: on how many of the states these are written.
    """

    states: int
    choosing: int
    random: int
    random_states: int


SIZES = Sizes(
    full=Size(states=100, choosing=12, random=100, random_states=12),
    quick=Size(states=16, choosing=6, random=40, random_states=6),
)


@dataclass(frozen=True, eq=False)
class _Cells:
    """The cells of one state that a coin can be in.

    Attributes:
        state: without a coin.
        places: (row, column) in the view, from above and from the left.
        with_coin: the state with a coin in each.
    """

    state: GameState
    places: Int64[np.ndarray, "cells 2"]
    with_coin: list[GameState]


def measure(context: Context[Size]) -> Result:
    """On levels that chose nothing; the template and its layer are of those that did."""
    policy, size, rng = context.subject.policy, context.size, context.rng
    found = context.inputs(blindings)
    pairs = one_a_level(found.report, size.states)
    context.tick("a coin in every cell")
    games, base, real = _real(policy, pairs)
    context.tick("the coin's activation in every cell")
    hook, template = _template(policy, found, size.choosing)
    written = _written(policy, hook, template, games, pairs.corrupted, base)
    some = slice(0, size.random_states)
    draws = []
    for _ in range(size.random):
        noise = torch.from_numpy(rng.normal(size=tuple(template.shape))).float()
        noise = noise * (template.norm() / noise.norm())
        values = _written(policy, hook, noise, games[some], pairs.corrupted[some], base[some])
        draws.append(_correlation(*(_field(games[some], v) for v in (values, real[some]))))
    sides = np.stack([[_toward(one, values, reach) for one, values in zip(games, real, strict=True)]
                      for reach in (REACH, NEAR)], 1)  # fmt: skip
    names = ["a coin on the right minus one on the left", "the same, at most 2 cells away"]
    toward, near = stats.means(sides, names=names, unit="levels", rng=rng, clusters=pairs.levels)
    fields = np.stack([_spread(games, values) for values in (real, written)])
    there = np.stack([_spread(games, [np.ones(len(one.places)) for one in games])])
    correlation = stats.bootstrap(
        lambda weights: _correlations(weights, fields, there[0]), rows=len(games), unit="levels", rng=rng,
        name=f"correlation of the fields, {hook}", clusters=pairs.levels,
    )  # fmt: skip
    slope = stats.bootstrap(
        lambda weights: _slopes(weights, fields, there[0]), rows=len(games), unit="levels", rng=rng,
        name=f"slope of the fields, {hook}", clusters=pairs.levels,
    )  # fmt: skip
    what = f"{size.random} random templates as long, on {len(games[some])} states"
    return Result(
        real=_field(games, real).astype(np.float32),
        counts=there[0].sum(0).astype(np.int64),
        toward=toward,
        near=near,
        written=Written(
            hook=hook,
            field=_field(games, written).astype(np.float32),
            correlation=correlation.against(Null.from_draws(correlation.value, np.array(draws), description=what)),
            slope=slope,
        ),
        states=len(games),
        levels=len(np.unique(pairs.levels)),
        random=size.random,
    )


def _real(policy: Policy, pairs: MinimalPairs) -> tuple[list[_Cells], np.ndarray, list[np.ndarray]]:
    """The cells of each state without a coin, its movement log-odds, and their change with a coin in each cell."""
    games = [_cells(state) for state in pairs.states("corrupted")]
    base = movement(policy, pairs.corrupted, [()])[0]
    changes = [movement(policy, render(one.with_coin), [()])[0] - at for one, at in zip(games, base, strict=True)]
    return games, base, changes


def _template(policy: Policy, found: Blindings, states: int) -> tuple[str, Float[Tensor, "channels rows columns"]]:
    """The layer where the coin's activation does most nearly what real coins do, and that activation."""
    clean, bare = found.choose.states("clean"), found.choose.states("corrupted")
    some = one_a_level(found.choose, states)
    games, base, real = _real(policy, some)
    tried = []
    for hook in found.hooks:
        template = object_template(policy, hook, clean, bare, at=AtObject("coin"), radius=1)
        values = _written(policy, hook, template, games, some.corrupted, base)
        off = np.square(np.concatenate(values) - np.concatenate(real)).mean()
        tried.append((float(off), hook, template))
    _, hook, template = min(tried, key=lambda one: one[0])
    return hook, template


def _cells(state: GameState) -> _Cells:
    """Anywhere in view where the game lets a coin be, in the air too; not in the agent's way, nor the agent's cell."""
    x, y = agent_cell(state)
    places, made = [], []
    for row in range(2 * REACH + 1):
        for column in range(2 * REACH + 1):
            try:
                made.append(add_coin(state, (x + column - REACH, y + REACH - row)))
            except EditError:
                continue
            places.append((row, column))
    return _Cells(state, np.array(places).reshape(-1, 2), made)


def _written(
    policy: Policy,
    hook: str,
    template: Float[Tensor, "channels rows columns"],
    games: Sequence[_Cells],
    frames: np.ndarray,
    base: Float64[np.ndarray, " states"],
) -> list[Float64[np.ndarray, " cells"]]:
    """The change of the movement log-odds with the template where each cell is shown; 0 where it is out of view."""
    found = []
    for one, frame, at in zip(games, frames, base, strict=True):
        x, y = agent_cell(one.state)
        sets = [
            (Retarget(hook, template=template, to=InLevel(x + column - REACH + 0.5, y + REACH - row + 0.5)),)
            for row, column in one.places.tolist()
        ]
        found.append(movement(policy, frame[None], sets, at_once=len(sets), states=[one.state])[:, 0] - at)
    return found


def _spread(games: Sequence[_Cells], values: Sequence[np.ndarray]) -> Float64[np.ndarray, "states side side"]:
    """The values of each state on the view's cells, 0 where there are none."""
    full = np.zeros((len(games), 2 * REACH + 1, 2 * REACH + 1))
    for state, (one, own) in enumerate(zip(games, values, strict=True)):
        full[state, one.places[:, 0], one.places[:, 1]] = own
    return full


def _field(games: Sequence[_Cells], values: Sequence[np.ndarray]) -> Float64[np.ndarray, "side side"]:
    there = _spread(games, [np.ones(len(one.places)) for one in games]).sum(0)
    return _spread(games, values).sum(0) / np.maximum(there, 1)


def _means(weights: np.ndarray, fields: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both mean fields under each weighting of the states, and how much each cell weighs: [kinds draws cells]."""
    counts = np.einsum("ds,sc->dc", weights, there.reshape(len(there), -1))
    sums = np.einsum("ds,ksc->kdc", weights, fields.reshape(*fields.shape[:2], -1))
    return sums / np.maximum(counts, 1e-12), counts > 0


def _correlations(weights: np.ndarray, fields: np.ndarray, there: np.ndarray) -> Float64[np.ndarray, " draws"]:
    """Pearson's, over the cells that any state has."""
    (real, written), known = _means(weights, fields, there)
    number = known.sum(1, keepdims=True)
    real, written = (np.where(known, f - (f * known).sum(1, keepdims=True) / number, 0) for f in (real, written))
    size = np.sqrt((real**2).sum(1) * (written**2).sum(1))
    return np.divide((real * written).sum(1), size, out=np.zeros(len(size)), where=size > 0)


def _slopes(weights: np.ndarray, fields: np.ndarray, there: np.ndarray) -> Float64[np.ndarray, " draws"]:
    (real, written), known = _means(weights, fields, there)
    size = (known * real**2).sum(1)
    return np.divide((known * real * written).sum(1), size, out=np.zeros(len(size)), where=size > 0)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    known = (first != 0) | (second != 0)
    if known.sum() < 2 or first[known].std() == 0 or second[known].std() == 0:
        return 0.0
    return float(np.corrcoef(first[known], second[known])[0, 1])


def _toward(one: _Cells, values: np.ndarray, reach: int) -> float:
    """Of one state: coins right of the agent minus those left of it, up to so many cells away along both axes."""
    across, up = one.places[:, 1] - REACH, REACH - one.places[:, 0]
    near = (np.abs(across) <= reach) & (np.abs(up) <= reach)
    right, left = (values[near & (np.sign(across) == side)] for side in (1, -1))
    return float((right.mean() if len(right) else 0.0) - (left.mean() if len(left) else 0.0))
