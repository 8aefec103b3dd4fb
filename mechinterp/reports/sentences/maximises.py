"""2. Does it maximise reward where it was trained?"""

from __future__ import annotations

from collections.abc import Mapping

from mechinterp.reporting.wording import listed, number, reading
from mechinterp.reports.section import Section
from mechinterp.stats import Estimate

_DEATHS = {"saw": "saws", "enemy": "enemies", "lava": "lava", "several": "two hazards at once"}


def sentences(section: Section) -> dict[str, str]:
    """Return, its paired differences from the baselines, and how episodes end."""
    own, best = section["return/policy"], float(section.facts["best"])  # pyright: ignore[reportArgumentType]
    text = f"On {own.n} {own.unit} that it was not trained on it earns {number(own)} of {best:g}"
    text += ", short of the best possible. " if own.high < best else ". "
    texts = {"returns": (text + compared(section.under("difference"))).strip()}
    if section.under("ending", "policy"):
        texts["endings"] = _endings(section)
    return texts


def compared(differences: Mapping[str, Estimate]) -> str:
    """What may be said of paired differences of return, policy minus each actor."""
    groups: dict[str, list[str]] = {"above": [], "below": [], "unclear": []}
    for actor, difference in differences.items():
        group = reading(difference)
        name = "the untrained network" if actor == "untrained network" else actor
        if group == "unclear":
            groups[group].append(f"{name} ({number(difference, signed=True)})")
        else:
            word = "more" if group == "above" else "less"
            groups[group].append(f"{number(difference)} {word} than {name}")
    parts = [*groups["above"], *groups["below"]]
    text = f"On the same levels that is {listed(parts)}. " if parts else ""
    if groups["unclear"]:
        text += f"It is not clearly better or worse than {listed(groups['unclear'])}."
    return text


def _endings(section: Section) -> str:
    endings = section.under("ending", "policy")
    parts = [f"it takes the coin in {number(endings['coin'], percent=True)}"] if "coin" in endings else []
    deaths = [f"{_DEATHS[k]} in {number(e, percent=True)}" for k, e in endings.items() if k in _DEATHS and e.value > 0]
    if deaths:
        parts.append(f"dies of {listed(deaths)}")
    elif any(k in _DEATHS for k in endings):
        parts.append("never died")
    if "timeout" in endings:
        parts.append(f"runs out of time in {number(endings['timeout'], percent=True)}")
    n = next(iter(endings.values())).n
    return f"Of {n} levels, {listed(parts)}." if parts else ""
