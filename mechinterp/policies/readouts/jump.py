"""Jumping rather than not."""

from __future__ import annotations

from mechinterp.policies.actions import jump_logodds
from mechinterp.policies.readouts.readout import MARGIN, Readout

READOUT = Readout(
    name="jump",
    unit="nats",
    function=lambda logits, value, actions: jump_logodds(logits, actions),
    symbol="log P(jump) \N{MINUS SIGN} log P(no jump)",
    axis="change of log P(jump) \N{MINUS SIGN} log P(no jump), nats   (positive: toward jumping)",
    noun="jumping",
    asks="make it jump",
    raises="makes it more inclined to jump",
    lowers="makes it less inclined to jump",
    margin=MARGIN,
    order=2,
)
