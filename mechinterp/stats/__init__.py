"""Numbers that hold: an `Estimate` (value, interval, n, what n counts, null) and what makes one.

Every function that draws takes a `numpy.random.Generator`; the same generator state gives the same result.
Rows that belong together (frames of one level, levels of one seed) are named by `clusters`, and then whole clusters are
drawn, permuted and counted.
"""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Equivalence": "tost",
        "Estimate": "estimate",
        "Null": "estimate",
        "StatsError": "checks",
        "TooFewSamples": "checks",
        "UndefinedRatio": "checks",
        "auroc": "statistics",
        "benjamini_hochberg": "multiplicity",
        "bootstrap": "statistics",
        "correct": "multiplicity",
        "difference": "contrasts",
        "equivalence": "tost",
        "holm": "multiplicity",
        "mean": "averages",
        "means": "averages",
        "paired_difference": "contrasts",
        "permutation_test": "nulls",
        "proportion": "proportions",
        "ratio": "contrasts",
        "require": "checks",
        "samples_needed": "averages",
        "widened": "averages",
        "widened_area": "statistics",
        "sign_flip_test": "nulls",
        "sign_flip_tests": "nulls",
    },
)

if TYPE_CHECKING:
    from mechinterp.stats.averages import mean as mean
    from mechinterp.stats.averages import means as means
    from mechinterp.stats.averages import samples_needed as samples_needed
    from mechinterp.stats.averages import widened as widened
    from mechinterp.stats.checks import StatsError as StatsError
    from mechinterp.stats.checks import TooFewSamples as TooFewSamples
    from mechinterp.stats.checks import UndefinedRatio as UndefinedRatio
    from mechinterp.stats.checks import require as require
    from mechinterp.stats.contrasts import difference as difference
    from mechinterp.stats.contrasts import paired_difference as paired_difference
    from mechinterp.stats.contrasts import ratio as ratio
    from mechinterp.stats.estimate import Estimate as Estimate
    from mechinterp.stats.estimate import Null as Null
    from mechinterp.stats.multiplicity import benjamini_hochberg as benjamini_hochberg
    from mechinterp.stats.multiplicity import correct as correct
    from mechinterp.stats.multiplicity import holm as holm
    from mechinterp.stats.nulls import permutation_test as permutation_test
    from mechinterp.stats.nulls import sign_flip_test as sign_flip_test
    from mechinterp.stats.nulls import sign_flip_tests as sign_flip_tests
    from mechinterp.stats.proportions import proportion as proportion
    from mechinterp.stats.statistics import auroc as auroc
    from mechinterp.stats.statistics import bootstrap as bootstrap
    from mechinterp.stats.statistics import widened_area as widened_area
    from mechinterp.stats.tost import Equivalence as Equivalence
    from mechinterp.stats.tost import equivalence as equivalence
