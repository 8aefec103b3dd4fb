"""Where the coin, and "right", are in the network: contrasts between paired scenes, probes, attribution, tendency."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Answers": "answers",
        "Attribution": "attribution",
        "Carried": "hidden",
        "CoinChannel": "coin_channels",
        "Contrasts": "contrasting",
        "Direction": "directions",
        "FeatureError": "errors",
        "Grid": "receptive",
        "Label": "world",
        "Located": "locate",
        "LocatePlan": "plan",
        "NullAnswers": "answers",
        "NullContrasts": "untrained",
        "Probe": "probing",
        "Scenery": "scenery",
        "Searched": "searching",
        "STATISTIC": "contrasting",
        "Steering": "steering",
        "Tendency": "tendency",
        "UNIT": "contrasting",
        "Use": "uses",
        "VariableContrast": "variables",
        "VariableTable": "variables",
        "Whereabouts": "whereabouts",
        "answers_of": "answers",
        "attribute": "attribution",
        "attribution_shares": "shares",
        "carried": "hidden",
        "coin_directions": "directions",
        "contrasts": "paired",
        "find_coin_channels": "coin_channels",
        "grids": "receptive",
        "labels": "world",
        "movement_tendency": "tendency",
        "null_answers": "answers",
        "null_contrasts": "untrained",
        "place_probes": "locating",
        "probes": "probing",
        "ridge": "ridge",
        "right_directions": "steering",
        "scenery_of": "scenery",
        "search": "searching",
        "stages": "receptive",
        "take_back": "uses",
        "things": "shares",
        "totals": "uses",
        "variable_table": "variables",
    },
)

if TYPE_CHECKING:
    from mechinterp.features import ridge as ridge
    from mechinterp.features.answers import Answers as Answers
    from mechinterp.features.answers import NullAnswers as NullAnswers
    from mechinterp.features.answers import answers_of as answers_of
    from mechinterp.features.answers import null_answers as null_answers
    from mechinterp.features.attribution import Attribution as Attribution
    from mechinterp.features.attribution import attribute as attribute
    from mechinterp.features.coin_channels import CoinChannel as CoinChannel
    from mechinterp.features.coin_channels import find_coin_channels as find_coin_channels
    from mechinterp.features.contrasting import STATISTIC as STATISTIC
    from mechinterp.features.contrasting import UNIT as UNIT
    from mechinterp.features.contrasting import Contrasts as Contrasts
    from mechinterp.features.directions import Direction as Direction
    from mechinterp.features.directions import coin_directions as coin_directions
    from mechinterp.features.errors import FeatureError as FeatureError
    from mechinterp.features.hidden import Carried as Carried
    from mechinterp.features.hidden import carried as carried
    from mechinterp.features.locate import Located as Located
    from mechinterp.features.locating import place_probes as place_probes
    from mechinterp.features.paired import contrasts as contrasts
    from mechinterp.features.plan import LocatePlan as LocatePlan
    from mechinterp.features.probing import Probe as Probe
    from mechinterp.features.probing import probes as probes
    from mechinterp.features.receptive import Grid as Grid
    from mechinterp.features.receptive import grids as grids
    from mechinterp.features.receptive import stages as stages
    from mechinterp.features.scenery import Scenery as Scenery
    from mechinterp.features.scenery import scenery_of as scenery_of
    from mechinterp.features.searching import Searched as Searched
    from mechinterp.features.searching import search as search
    from mechinterp.features.shares import attribution_shares as attribution_shares
    from mechinterp.features.shares import things as things
    from mechinterp.features.steering import Steering as Steering
    from mechinterp.features.steering import right_directions as right_directions
    from mechinterp.features.tendency import Tendency as Tendency
    from mechinterp.features.tendency import movement_tendency as movement_tendency
    from mechinterp.features.untrained import NullContrasts as NullContrasts
    from mechinterp.features.untrained import null_contrasts as null_contrasts
    from mechinterp.features.uses import Use as Use
    from mechinterp.features.uses import take_back as take_back
    from mechinterp.features.uses import totals as totals
    from mechinterp.features.variables import VariableContrast as VariableContrast
    from mechinterp.features.variables import VariableTable as VariableTable
    from mechinterp.features.variables import variable_table as variable_table
    from mechinterp.features.whereabouts import Whereabouts as Whereabouts
    from mechinterp.features.world import Label as Label
    from mechinterp.features.world import labels as labels
