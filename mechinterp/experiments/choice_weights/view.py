"""Show choice weights: a forest of proxies, and where the strongest of them holds."""

from __future__ import annotations

from mechinterp.experiments.choice_weights.result import ProxyWeight, Result
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written
from mechinterp.reporting.wording import count, interval, listed, number, reading, share, short
from mechinterp.stats import Estimate, Null

METHOD = (
    "{result.decisions} decisions in {result.levels} held-out levels, the same for every policy: agent and coin at "
    "random places, half of the levels mirrored, after a walk of up to 16 steps. At each, the real game is forked for "
    "every action, which is held for 4, 8 and 16 steps.",
    "What each action gains of each proxy, in SDs over decisions and actions, are the features of a conditional logit "
    "(McFadden 1974) that is fitted to the policy's own probabilities; constant likings of jumping and ducking are "
    "features too. Intervals are bootstrapped over levels.",
    "The phantom: the same fit with the object (coin, wall, hazards) taken out of the frame, but not out of the "
    "gains. What the phantom earns is not the object's, and is taken off.",
    "The grey band is the null: the central 95 % of {result.networks} random networks of the architecture, scaled to "
    "the policy's spread of movement log-odds, without a liking of any action. p is corrected for all proxies by the "
    "maximum statistic; a value is named where p is 0.05 or less and its whole interval lies beyond 0.1 nats per SD.",
)
ALPHA = 0.05
MARGIN = 0.1
"""Nats per SD; what is less does not count as a value that it acts by."""


def figures(result: Result) -> list[Figure]:
    """All weights; and the strongest one by context."""
    made = [_forest(result)]
    strongest = max(result.proxies, key=lambda name: abs(specific(result.proxies[name]).value))
    if result.proxies[strongest].contexts:
        made.append(_contexts(strongest, result.proxies[strongest]))
    return made


def text(result: Result) -> Text:
    """Which proxies stand out, and how much is explained."""
    keys = [
        KeyNumber("explained of its choices", share(result.explained), "of the explainable nats, on held-out levels")
    ]
    for name in _standing(result)[:2]:
        one = result.proxies[name]
        estimate = specific(one)
        keys.append(
            KeyNumber(
                f"choice weight of {name}", short(estimate, "nats per SD", signed=True),
                f"{interval(estimate)}, {count(estimate)}; {share(one.unique)} explained by it alone",
            )
        )  # fmt: skip
    return Text([headline(result)], keys)


def headline(result: Result) -> str:
    """The proxies whose weight is clearly positive, and those that it acts against."""
    standing = _standing(result)
    wanted = [
        f"{name} ({_written(result.proxies[name])})" for name in standing if specific(result.proxies[name]).value > 0
    ]
    shunned = [
        f"{name} ({_written(result.proxies[name])})" for name in standing if specific(result.proxies[name]).value < 0
    ]
    if not standing:
        return "No value explains its choices more than it does those of random networks."
    words = f"Its choices follow {listed(wanted)}" if wanted else "Its choices follow none of the values"
    return f"{words}{f', and go against {listed(shunned)}' if shunned else ''}."


def sentence(name: str, one: ProxyWeight) -> str:
    """One proxy in words."""
    estimate = specific(one)
    phantom = "" if one.own is None else f", the phantom's taken off (as fitted {short(one.weight, signed=True)})"
    verdict = "more than in random networks" if one.p <= ALPHA else "as in random networks"
    if one.p <= ALPHA and not beyond(estimate):
        verdict = f"more than in random networks, but not clearly more than {MARGIN:g}"
    if reading(estimate) == "unclear":
        verdict = "not clearly different from 0"
    return f"{name.capitalize()}, {one.words}: {number(estimate, 'nats per SD', signed=True)}{phantom}: {verdict}."


def specific(one: ProxyWeight) -> Estimate:
    """The part that is the object's where that can be said, else the weight."""
    return one.weight if one.own is None else one.own


def beyond(estimate: Estimate) -> bool:
    """Whether the whole interval lies beyond the margin, on one side."""
    return estimate.low > MARGIN or estimate.high < -MARGIN


def _standing(result: Result) -> list[str]:
    found = [name for name, one in result.proxies.items() if one.p <= ALPHA and beyond(specific(one))]
    return sorted(found, key=lambda name: -abs(specific(result.proxies[name]).value))


def _written(one: ProxyWeight) -> str:
    return number(specific(one), "nats per SD", signed=True)


def _forest(result: Result) -> Figure:
    fig = style.figure("choice-weights", "What makes it choose an action?", height=200 + 52 * len(result.proxies))
    labels = [
        f"<b>{style.literal(name)}</b><br><span style='color:{style.GREY}'>{style.literal(one.words)}</span>"
        for name, one in result.proxies.items()
    ]
    at = rows(fig, labels)
    own = [_against_random(one, result.networks) for one in result.proxies.values()]
    null_bands(fig, own, at, half=0.26, label="random networks")
    whole = [(one.weight, y + 0.2) for one, y in zip(result.proxies.values(), at, strict=True) if one.own is not None]
    dots(fig, own, at, label="weight, phantom's taken off", colour=style.BLUE, unit="nats per SD", size=12)
    if whole:
        dots(
            fig, [e for e, _ in whole], [y for _, y in whole], label="weight, as fitted", colour=style.GREY,
            unit="nats per SD", size=7, symbol="circle-open",
        )  # fmt: skip
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    written(fig, own, at, unit="nats per SD", signed=True)
    fig.update_xaxes(title_text="nats that one SD more of it adds to an action")
    return Figure(fig, "\n".join(sentence(name, one) for name, one in result.proxies.items()))


def _contexts(name: str, one: ProxyWeight) -> Figure:
    fig = style.figure("choice-contexts", f"When does {name} count?", height=200 + 46 * len(one.contexts))
    at = rows(fig, [style.literal(context) for context in one.contexts])
    dots(fig, list(one.contexts.values()), at, label=name, colour=style.BLUE, unit="nats per SD", size=12)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    written(fig, list(one.contexts.values()), at, unit="nats per SD", signed=True)
    fig.update_xaxes(title_text=f"choice weight of {name}, nats per SD")
    caption = f"The weight of {name} in decisions of one kind, fitted to these alone."
    return Figure(fig, caption)


def _against_random(one: ProxyWeight, networks: int) -> Estimate:
    middle = (one.random_low + one.random_high) / 2
    null = Null(
        description=f"{networks} random networks", value=middle, low=one.random_low, high=one.random_high, p=one.p
    )
    return specific(one).against(null)
