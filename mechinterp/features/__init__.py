"""Where the coin, and "right", are in the network: contrasts between paired scenes, probes, attribution, tendency."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Attribution": "attribution",
        "Contrasts": "contrasting",
        "FeatureError": "errors",
        "Grid": "receptive",
        "Label": "world",
        "NullContrasts": "untrained",
        "Probe": "probing",
        "STATISTIC": "contrasting",
        "UNIT": "contrasting",
        "attribute": "attribution",
        "contrasts": "contrasting",
        "grids": "receptive",
        "labels": "world",
        "null_contrasts": "untrained",
        "place_probes": "locating",
        "probes": "probing",
        "ridge": "ridge",
        "stages": "receptive",
    },
)

if TYPE_CHECKING:
    from mechinterp.features import ridge as ridge
    from mechinterp.features.attribution import Attribution as Attribution
    from mechinterp.features.attribution import attribute as attribute
    from mechinterp.features.contrasting import STATISTIC as STATISTIC
    from mechinterp.features.contrasting import UNIT as UNIT
    from mechinterp.features.contrasting import Contrasts as Contrasts
    from mechinterp.features.contrasting import contrasts as contrasts
    from mechinterp.features.errors import FeatureError as FeatureError
    from mechinterp.features.locating import place_probes as place_probes
    from mechinterp.features.probing import Probe as Probe
    from mechinterp.features.probing import probes as probes
    from mechinterp.features.receptive import Grid as Grid
    from mechinterp.features.receptive import grids as grids
    from mechinterp.features.receptive import stages as stages
    from mechinterp.features.untrained import NullContrasts as NullContrasts
    from mechinterp.features.untrained import null_contrasts as null_contrasts
    from mechinterp.features.world import Label as Label
    from mechinterp.features.world import labels as labels
