"""Right rather than left."""

from __future__ import annotations

from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.readouts.readout import MARGIN, Readout

READOUT = Readout(
    name="movement",
    unit="nats",
    function=lambda logits, value, actions: movement_logodds(logits, actions),
    symbol="log P(right) \N{MINUS SIGN} log P(left)",
    axis="change of log P(right) \N{MINUS SIGN} log P(left), nats   (positive: toward the right)",
    noun="moving right",
    asks="make it go right rather than left",
    raises="moves it toward the right",
    lowers="moves it toward the left",
    margin=MARGIN,
    order=1,
)
