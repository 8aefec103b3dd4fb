"""Networks with hand-written weights on the real IMPALA graph, whose circuit is known edge by edge.

`planted("coin").policy` is a policy as any other; `.edges` and `.truth("coin side")` say what a method should find.
What an edge is, is said in `circuits.nodes`.
"""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "CANONICAL": "planting",
        "LIGHT": "planting",
        "Planted": "planting",
        "RECIPES": "kinds",
        "planted": "planting",
    },
)

if TYPE_CHECKING:
    from mechinterp.circuits.planted.kinds import RECIPES as RECIPES
    from mechinterp.circuits.planted.planting import CANONICAL as CANONICAL
    from mechinterp.circuits.planted.planting import LIGHT as LIGHT
    from mechinterp.circuits.planted.planting import Planted as Planted
    from mechinterp.circuits.planted.planting import planted as planted
