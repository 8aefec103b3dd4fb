"""The level's end, in view or not; it is to the left in a mirrored level."""

from mechinterp.proxies.potentials import column, nearer_to
from mechinterp.proxies.proxy import Proxy

PROXY = Proxy(
    name="level end",
    words="being nearer to the end of the level, wherever it is",
    unit="cells",
    gain=nearer_to(lambda decision: column(decision.state, decision.end)),
    order=3,
)
