"""Networks with hand-written weights on the real IMPALA graph, whose circuit is known edge by edge.

`planted_network("coin").policy` is a policy as any other; `.edges` and `.truth("coin side")` say what a method should
find. What an edge is, is said in `circuits.nodes`.
"""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
