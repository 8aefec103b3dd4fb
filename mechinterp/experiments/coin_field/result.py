"""The effect of a coin in each cell of the view."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from mechinterp.experiments.fields import Array, EstimateField, Record


class Written(Record):
    """The coin's activation, written into one layer.

    Attributes:
        hook: the layer.
        field: mean change of the movement log-odds, in nats, by row (from above) and column; 0 where nothing was.
        correlation: of this field with that of real coins, over the cells; the null has random templates as long.
        slope: of this field on that of real coins, through the origin: 1 where writing does what a coin does.
    """

    hook: str
    field: Annotated[np.ndarray, Array("float32", "side side")]
    correlation: EstimateField
    slope: EstimateField


class Result(Record):
    """The coin field of a policy.

    Attributes:
        real: mean change of the movement log-odds, in nats, if a real coin were there, by row (from above) and column
            of the view, the agent in the middle; 0 where no coin could be.
        counts: in how many states a coin could be there.
        toward: mean over states of the effect of coins on the right minus that of coins on the left, in nats: above 0
            where coins attract.
        near: the same, of coins at most 2 cells away.
        written: the coin's activation at each cell.
        states, levels: how many.
        random: templates of the null.
    """

    real: Annotated[np.ndarray, Array("float32", "side side")]
    counts: Annotated[np.ndarray, Array("int64", "side side")]
    toward: EstimateField
    near: EstimateField
    written: Written
    states: int
    levels: int
    random: int
