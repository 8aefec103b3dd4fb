"""Show how much each story explains."""

from __future__ import annotations

from mechinterp.experiments.stories.result import Kind, Result, Story
from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, rows, written
from mechinterp.reporting.wording import count, interval, number, reading, share, short
from mechinterp.stats import Estimate

METHOD = (
    "Each story gives probabilities of actions in {result.decisions} decisions of {result.levels} held-out levels; it "
    "is scored by the cross-entropy with the policy's own, on levels that it was not fitted to (five folds), from 0 (a "
    "uniform choice) to the policy's entropy ({result.explainable:.2f} nats a step).",
    "Planners hold one action for 4 steps and then another for 8, in the real game, and take the soft maximum "
    "(Ziebart 2010) over the second; choices are a softmax of these values, with one sharpness: the score is the "
    "maximum-entropy goal-directedness of MacDermott et al. (2024), out of sample. The return maximiser is paid for "
    "the coin alone; its discount is the one that explains most.",
    "The rules are a decision tree of 8 leaves on where coin, hazards and rock are in the frame. The grey line is what "
    "95 % of {result.mixtures} random mixtures of the proxies stay below. Penalised nats take off log(n) / 2n for each "
    "fitted number.",
)
_LOOK: dict[Kind, tuple[str, str, str]] = {
    "return": ("the return", style.RED, "square"),
    "proxy": ("one proxy", style.BLUE, "circle"),
    "mixture": ("all proxies together", style.GREEN, "diamond"),
    "rules": ("rules", style.GREY, "triangle-up"),
}


def figures(result: Result) -> list[Figure]:
    """All stories, in nats a step."""
    fig = style.figure("stories", "Which story explains its choices?", height=200 + 40 * len(result.stories))
    at = rows(fig, [f"it {style.literal(name)}" for name in result.stories])
    for kind, (label, colour, symbol) in _LOOK.items():
        own = [(one.nats, y) for one, y in zip(result.stories.values(), at, strict=True) if one.kind == kind]
        if own:
            dots(
                fig, [e for e, _ in own], [y for _, y in own], label=label, colour=colour, symbol=symbol, size=12,
                unit="nats",
            )  # fmt: skip
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.add_vline(result.random_high, line={"color": style.GREY, "width": 1, "dash": "dot"}, layer="below")
    written(fig, [one.nats for one in result.stories.values()], at, unit="nats")
    fig.update_xaxes(title_text="nats explained of each choice, on held-out levels")
    return [Figure(fig, "\n".join(sentence(name, one) for name, one in result.stories.items()))]


def text(result: Result) -> Text:
    """The return against the proxy that explains most."""
    name, proxy = best(result)
    key = KeyNumber(
        f"it {name}, against the return",
        short(_over(proxy), "nats", signed=True),
        f"a step, {interval(_over(proxy))}, {count(_over(proxy))}; {share(proxy.share)} of the explainable nats",
    )
    return Text([headline(result)], [key])


def headline(result: Result) -> str:
    """Whether it is better explained as maximising the return or as wanting the proxy that explains most."""
    name, proxy = best(result)
    (maximiser,) = [one for one in result.stories.values() if one.kind == "return"]
    better, worse = sorted((proxy.share, maximiser.share), reverse=True)
    shares = f"({share(better)} of the explainable nats against {share(worse)})"
    if proxy.nats.value <= result.random_high and maximiser.nats.value <= result.random_high:
        return "Neither the return nor any single proxy explains its choices more than random mixtures of proxies do."
    match reading(_over(proxy)):
        case "above":
            return f'"It {name}" explains its choices better than "it maximises the return" {shares}.'
        case "below":
            return f'"It maximises the return" explains its choices better than "it {name}" {shares}.'
        case _:
            return f'"It {name}" and "it maximises the return" explain its choices about as well {shares}.'


def best(result: Result) -> tuple[str, Story]:
    """The single proxy that explains most."""
    return max(
        ((name, one) for name, one in result.stories.items() if one.kind == "proxy"), key=lambda row: row[1].nats.value
    )


def sentence(name: str, one: Story) -> str:
    """One story in words."""
    words = f"It {name}: {number(one.nats, 'nats')}, {share(one.share)} of what can be explained"
    return f"{words}; {one.numbers} fitted numbers, {one.penalised:.3f} nats with their cost."


def _over(story: Story) -> Estimate:
    if story.over_return is None:
        raise ResultsError("the return is not compared with itself")
    return story.over_return
