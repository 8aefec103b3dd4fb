"""Where the coin, and "right", are in the network: contrasts between paired scenes, held against untrained networks."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "STATISTIC": "contrasting",
        "UNIT": "contrasting",
        "Contrasts": "contrasting",
        "FeatureError": "errors",
        "Grid": "receptive",
        "NullContrasts": "untrained",
        "contrasts": "contrasting",
        "grids": "receptive",
        "null_contrasts": "untrained",
        "stages": "receptive",
    },
)

if TYPE_CHECKING:
    from mechinterp.features.contrasting import STATISTIC as STATISTIC
    from mechinterp.features.contrasting import UNIT as UNIT
    from mechinterp.features.contrasting import Contrasts as Contrasts
    from mechinterp.features.contrasting import contrasts as contrasts
    from mechinterp.features.errors import FeatureError as FeatureError
    from mechinterp.features.receptive import Grid as Grid
    from mechinterp.features.receptive import grids as grids
    from mechinterp.features.receptive import stages as stages
    from mechinterp.features.untrained import NullContrasts as NullContrasts
    from mechinterp.features.untrained import null_contrasts as null_contrasts
