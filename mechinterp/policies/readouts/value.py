"""The critic's estimate of the return."""

from __future__ import annotations

from mechinterp.policies.readouts.readout import Readout

READOUT = Readout(
    name="value",
    unit="",
    function=lambda logits, value, actions: value,
    symbol="value estimate",
    axis="change of the value estimate, in the critic's own units",
    noun="the value",
    asks="change what it expects to earn",
    raises="raises what it expects to earn",
    lowers="lowers what it expects to earn",
    acts=False,
    order=3,
)
