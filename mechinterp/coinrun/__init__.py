"""The game: states, edits, camera, start levels with placements, and a vectorised environment."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ArtError": "ascii",
        "Camera": "camera",
        "Cell": "geometry",
        "CoinRunEnv": "env",
        "EditError": "edits",
        "Ending": "episodes",
        "Engine": "engine",
        "EntityType": "layout",
        "EnvSnapshot": "episodes",
        "GameOptions": "engine",
        "GameState": "state",
        "Goal": "goals",
        "LevelRange": "levels",
        "LevelSource": "levels",
        "PLACEMENTS": "placements",
        "Placement": "levels",
        "PlacementError": "placements",
        "Start": "levels",
        "StateError": "state",
        "Tile": "layout",
        "camera": "camera",
        "draw": "ascii",
        "edits": "edits",
        "geometry": "geometry",
        "level": "ascii",
        "placement": "placements",
        "placements": "placements",
        "scenes": "scenes",
    },
)

if TYPE_CHECKING:
    from mechinterp.coinrun import camera as camera
    from mechinterp.coinrun import edits as edits
    from mechinterp.coinrun import geometry as geometry
    from mechinterp.coinrun import placements as placements
    from mechinterp.coinrun import scenes as scenes
    from mechinterp.coinrun.ascii import ArtError as ArtError
    from mechinterp.coinrun.ascii import draw as draw
    from mechinterp.coinrun.ascii import level as level
    from mechinterp.coinrun.camera import Camera as Camera
    from mechinterp.coinrun.edits import EditError as EditError
    from mechinterp.coinrun.engine import Engine as Engine
    from mechinterp.coinrun.engine import GameOptions as GameOptions
    from mechinterp.coinrun.env import CoinRunEnv as CoinRunEnv
    from mechinterp.coinrun.episodes import Ending as Ending
    from mechinterp.coinrun.episodes import EnvSnapshot as EnvSnapshot
    from mechinterp.coinrun.geometry import Cell as Cell
    from mechinterp.coinrun.goals import Goal as Goal
    from mechinterp.coinrun.layout import EntityType as EntityType
    from mechinterp.coinrun.layout import Tile as Tile
    from mechinterp.coinrun.levels import LevelRange as LevelRange
    from mechinterp.coinrun.levels import LevelSource as LevelSource
    from mechinterp.coinrun.levels import Placement as Placement
    from mechinterp.coinrun.levels import Start as Start
    from mechinterp.coinrun.placements import PLACEMENTS as PLACEMENTS
    from mechinterp.coinrun.placements import PlacementError as PlacementError
    from mechinterp.coinrun.placements import placement as placement
    from mechinterp.coinrun.state import GameState as GameState
    from mechinterp.coinrun.state import StateError as StateError
