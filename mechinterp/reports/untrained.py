"""How often the search is wrong: what it said of networks that were never trained."""

from __future__ import annotations

from pathlib import Path

from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.wording import number
from mechinterp.reports.results import load_json, read_text
from mechinterp.stats import proportion


def rates(path: str | Path) -> str:
    """In how many untrained networks a coin channel, and a direction beyond chance, was reported, with the conditions.

    Args:
        path: what ``analyses/untrained_networks.py`` wrote.

    Raises:
        ResultsError: a file that cannot be read, or another one.
    """
    content = load_json(read_text(Path(path)), where=str(path))
    try:
        plan, architecture = content["settings"]["plan"], content["settings"]["architecture"]
        channels = [any(row["coin_channels"].values()) for row in content["networks"]]
        spread = [any(v.startswith("spread") for v in row["verdicts"].values()) for row in content["networks"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{path}: not what analyses/untrained_networks.py writes ({error!r})") from error
    if not channels:
        raise ResultsError(f"{path}: no network in it")
    told = []
    for hits, what in ((channels, "a coin channel"), (spread, "a direction beyond chance")):
        share = number(proportion(hits, name=what, unit="networks"), percent=True)
        told.append(f"{what} was reported in {sum(hits)} ({share})")
    return (
        f"How often the search is wrong: of {len(channels)} untrained networks ({architecture} architecture, "
        f"{plan['levels']} levels, {plan['pairs']} scenes with a coin, {plan['untrained']} others for the null), "
        f"{' and '.join(told)}. Other architectures and sizes were not tried."
    )
