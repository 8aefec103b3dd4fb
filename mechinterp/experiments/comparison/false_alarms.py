"""How often the search for the coin is wrong: what it found in networks that were never trained."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from mechinterp._files import read_json
from mechinterp._text import in_markdown
from mechinterp.experiments.fields import Record
from mechinterp.features.verdicts import Verdict
from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.wording import number
from mechinterp.stats import proportion


class UntrainedNetwork(Record):
    """What the search found in one untrained network.

    Attributes:
        seed: of its weights.
        coin_channels: by hook point, how many were confirmed.
        verdicts: by hook point.
    """

    seed: int
    coin_channels: dict[str, int]
    verdicts: dict[str, Verdict]


class FalseAlarms(Record):
    """What ``analyses/untrained_networks.py`` measures: the search, carried out on untrained networks.

    Attributes:
        architecture: of all of them.
        levels, scenes: how many levels were played, and how many scenes with a coin were made of them, at most.
        untrained: other untrained networks, which make the null of each search.
        networks: one for each search.
    """

    architecture: str
    levels: int
    scenes: int
    untrained: int
    networks: tuple[UntrainedNetwork, ...]

    @classmethod
    def load(cls, path: str | Path) -> FalseAlarms:
        """Read a file. Raises ResultsError where it cannot be read, or is another one."""
        content = read_json(path, error=ResultsError)
        try:
            return cls.model_validate_json(json.dumps(content))
        except ValidationError as error:
            first = error.errors()[0]
            at = "/".join(map(str, first["loc"]))
            raise ResultsError(
                f"{path}: not what analyses/untrained_networks.py writes ({at}: {first['msg']})"
            ) from error

    def text(self) -> str:
        """In how many networks a coin channel, and a direction, was reported, with the conditions.

        Raises:
            ResultsError: no network in it.
        """
        if not self.networks:
            raise ResultsError("false alarms: no untrained network was searched")
        channels = [any(network.coin_channels.values()) for network in self.networks]
        direction = [any(v.direction_alone for v in network.verdicts.values()) for network in self.networks]
        told = []
        for hits, what in (
            (channels, "a coin channel"),
            (direction, "a coin direction that exceeds untrained networks"),
        ):
            share = number(proportion(hits, name=what, unit="networks"), percent=True)
            told.append(f"{what} in {sum(hits)} ({share})")
        architecture = in_markdown(self.architecture)
        return (
            f"False alarms of the search: of {len(channels)} untrained networks ({architecture} architecture, "
            f"{self.levels} levels, {self.scenes} scenes with a coin, {self.untrained} other untrained networks for "
            f"the null), it reported {' and '.join(told)}. Other architectures and sizes were not tried."
        )
