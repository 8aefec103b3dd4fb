"""One direction a layer that decodes the coin's presence: fitted on some levels, evaluated on others.

The direction is found among the channels at the coin's place, by ridge regression of "coin or not" (the penalty is
chosen on levels within the fitting part). It is evaluated by how often it ranks a scene with the coin above one without
(AUROC). The null is the same in untrained networks; p is corrected for all layers by the maximum over the layers of
each untrained network (Westfall & Young 1993). It is asked in both directions: a layer that holds less of the coin than
random weights let through has discarded it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from mechinterp.features.contrasting import Contrasts
from mechinterp.features.counterfactuals import ELSEWHERE, LOOKS, RIVALS
from mechinterp.features.layerwise import one_sided
from mechinterp.features.responses import ChannelResponses, NullResponses
from mechinterp.stats import Estimate, Null, areas, auroc, ridge
from mechinterp.stats.ridge import PENALTIES

COMPARED = (*RIVALS, *ELSEWHERE, LOOKS[1])
"""Objects with whose directions the coin's is compared: not a square of its own colour, which looks like a coin."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Direction:
    """The coin direction of one hook point.

    Attributes:
        hook: where.
        reading: weights over channels that read it out, in 1 / units of the activation.
        pattern: the mean change over channels that the coin makes, in units of the activation: what the layer holds of
            it (Haufe et al. 2014), and what is replaced to see whether it is used.
        others: other object -> the mean change over channels that it makes; see `COMPARED`.
        auroc: on held-out levels; its null the same in untrained networks, p (of more than they have) corrected for all
            hook points.
        below: p of less than they have, corrected alike.
    """

    hook: str
    reading: Float64[np.ndarray, " channels"]
    pattern: Float64[np.ndarray, " channels"]
    others: Mapping[str, Float64[np.ndarray, " channels"]]
    auroc: Estimate
    below: float

    def __repr__(self) -> str:
        return f"Direction({self.hook}: AUROC {self.auroc})"


def coin_directions(
    choose: ChannelResponses,
    report: ChannelResponses,
    choose_null: NullResponses,
    report_null: NullResponses,
    *,
    rng: np.random.Generator,
) -> list[Direction]:
    """The direction of each hook point.

    Raises:
        TooFewSamples: fewer than 20 levels in `report`.
    """
    seed = int(rng.integers(2**63))
    networks = [(choose.coin, report.coin)]
    pairs = zip(choose_null.networks, report_null.networks, strict=True)
    networks += [(own.coin, held.coin) for own, held in pairs]
    table, weights = [], {}
    for number, (fit_on, judge_on) in enumerate(networks):
        row = []
        for hook in fit_on.hooks:
            w = fitted(fit_on, hook, np.random.default_rng(seed))
            row.append(_area(judge_on, hook, w))
            if number == 0:
                weights[hook] = w
        table.append(row)
    above, below = one_sided(np.array(table)), one_sided(-np.array(table))
    objects = [name for name in COMPARED if name in choose.contrasts]
    found = []
    for column, hook in enumerate(choose.coin.hooks):
        w, held = weights[hook], report.coin
        scores = np.concatenate([held.present[hook] @ w, held.absent[hook] @ w])
        estimate = auroc(
            scores,
            np.repeat([1, 0], len(held)),
            name=f"AUROC of the coin direction of {hook}",
            unit="levels",
            rng=rng,
            clusters=np.tile(held.levels, 2),
        )
        draws = np.array([row[column] for row in table[1:]])
        null = _null(draws, above[column], hook, len(table) - 1)
        pattern = choose.coin.difference(hook).mean(0)
        others = {name: choose.contrasts[name].difference(hook).mean(0) for name in objects}
        estimate = estimate.against(null)
        p_below = float(below[column])
        found.append(Direction(hook=hook, reading=w, pattern=pattern, others=others, auroc=estimate, below=p_below))
    return found


def fitted(contrasts: Contrasts, hook: str, rng: np.random.Generator) -> Float64[np.ndarray, " channels"]:
    """Ridge weights over channels for "the object is here"; zeros where nothing varies."""
    rows = np.concatenate([contrasts.present[hook], contrasts.absent[hook]]).astype(np.float64)
    labels = np.repeat([0.5, -0.5], len(contrasts))
    levels = np.tile(contrasts.levels, 2)
    spread = rows.std(0)
    scaled = np.divide(rows - rows.mean(0), spread, out=np.zeros_like(rows), where=spread > 1e-9)
    part = ridge.folds(levels, min(4, len(np.unique(levels))), rng)
    errors = np.zeros(len(PENALTIES))
    for fold in range(part.max() + 1):
        train, test = part != fold, part == fold
        for number, w in enumerate(ridge.weights(scaled[train], labels[train], PENALTIES)):
            errors[number] += ((scaled[test] @ w - labels[test]) ** 2).sum()
    (best,) = ridge.weights(scaled, labels, PENALTIES[[errors.argmin()]])
    return np.divide(best, spread, out=np.zeros_like(best), where=spread > 1e-9)


def _area(contrasts: Contrasts, hook: str, w: Float64[np.ndarray, " channels"]) -> float:
    present, absent = contrasts.present[hook] @ w, contrasts.absent[hook] @ w
    return float(areas(present[:, None], absent[:, None])[0])


def _null(draws: Float[np.ndarray, " networks"], p: float, hook: str, networks: int) -> Null:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Null(
        description=f"{hook} of {networks} untrained networks; p: share of networks in which any hook point stands "
        "out as far",
        value=float(draws.mean()),
        low=float(low),
        high=float(high),
        p=float(p),
    )
