"""Numbers that hold: an `Estimate` (value, interval, n, what n counts, null) and what makes one.

Every function that draws takes a `numpy.random.Generator`; the same generator state gives the same result.
Rows that belong together (frames of one level, levels of one seed) are named by `clusters`, and then whole clusters are
drawn, permuted and counted.
"""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
