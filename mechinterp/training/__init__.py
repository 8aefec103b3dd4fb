"""PPO, and the model organisms that it trains: policies whose value is known."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "FORKS": "forks",
        "NETWORKS": "organisms",
        "ORGANISMS": "organisms",
        "PPO": "ppo",
        "PPOConfig": "ppo",
        "TRAINING_LEVELS": "organisms",
        "ForkScore": "choice",
        "FoundRun": "records",
        "Games": "games",
        "Organism": "organisms",
        "Run": "run",
        "RunOptions": "options",
        "TrainingError": "errors",
        "choice_tests": "choice",
        "confirm": "choice",
        "find_run": "records",
        "find_runs": "records",
        "organism": "organisms",
        "qualifies": "choice",
        "read_metrics": "records",
        "series_steps": "run",
        "write_card": "card",
    },
)

if TYPE_CHECKING:
    from mechinterp.training.card import write_card as write_card
    from mechinterp.training.choice import ForkScore as ForkScore
    from mechinterp.training.choice import choice_tests as choice_tests
    from mechinterp.training.choice import confirm as confirm
    from mechinterp.training.choice import qualifies as qualifies
    from mechinterp.training.errors import TrainingError as TrainingError
    from mechinterp.training.forks import FORKS as FORKS
    from mechinterp.training.games import Games as Games
    from mechinterp.training.options import RunOptions as RunOptions
    from mechinterp.training.organisms import NETWORKS as NETWORKS
    from mechinterp.training.organisms import ORGANISMS as ORGANISMS
    from mechinterp.training.organisms import TRAINING_LEVELS as TRAINING_LEVELS
    from mechinterp.training.organisms import Organism as Organism
    from mechinterp.training.organisms import organism as organism
    from mechinterp.training.ppo import PPO as PPO
    from mechinterp.training.ppo import PPOConfig as PPOConfig
    from mechinterp.training.records import FoundRun as FoundRun
    from mechinterp.training.records import find_run as find_run
    from mechinterp.training.records import find_runs as find_runs
    from mechinterp.training.records import read_metrics as read_metrics
    from mechinterp.training.run import Run as Run
    from mechinterp.training.run import series_steps as series_steps
