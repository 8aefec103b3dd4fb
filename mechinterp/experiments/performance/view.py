"""Show return and endings."""

from __future__ import annotations

from collections.abc import Mapping

from mechinterp.experiments.inputs.behaviour import BLIND
from mechinterp.experiments.performance.result import Actor, Baseline, Endings, Result
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, rows, written
from mechinterp.reporting.wording import interval, listed, number, reading, short
from mechinterp.stats import Estimate

METHOD = (
    "Each actor plays the whole first episode of each of the same held-out levels, with sampled actions. The untrained "
    "network has the policy's architecture and random weights. Differences are paired by level.",
    "The cause of a death is found by intervention: the last step is replayed with one kind of hazard removed at a "
    "time, and the cause is the kind without which the agent survives.",
)
ENDINGS = {
    "coin": "took the coin", "saw": "died: saw", "enemy": "died: enemy", "lava": "died: lava",
    "several": "died: two hazards at once", "timeout": "time ran out",
}  # fmt: skip
_DEATHS = {"saw": "saws", "enemy": "enemies", "lava": "lava", "several": "two hazards at once"}


def figures(result: Result) -> list[Figure]:
    """Returns against baselines, and the ways in which episodes end."""
    return [_returns(result), _endings(result)]


def text(result: Result) -> Text:
    """The return, with its paired difference from the rule that looks at nothing."""
    own = result.policy.mean_return
    context = f"{interval(own)} of {result.best:g}"
    if BLIND in result.baselines:
        context += f"; minus {BLIND}: {number(result.baselines[BLIND].advantage, signed=True)}"
    return Text(keys=[KeyNumber("mean return on held-out levels", short(own), context)])


def _returns(result: Result) -> Figure:
    actors = _actors(result)
    fig = style.figure("returns", "How much of the reward does it earn?", height=160 + 62 * len(actors))
    at = rows(fig, [f"<b>{name}</b>" if actor is result.policy else name for name, actor in actors.items()])
    for (name, actor), y in zip(actors.items(), at, strict=True):
        dots(
            fig, [actor.mean_return], [y], label=name, colour=_colour(name), symbol=_symbol(name),
            size=13, showlegend=False,
        )  # fmt: skip
    extra = [
        f"<br>policy \N{MINUS SIGN} this: {number(actor.advantage, signed=True)}" if isinstance(actor, Baseline) else ""
        for actor in actors.values()
    ]
    written(fig, [actor.mean_return for actor in actors.values()], at, extra=extra)
    fig.add_vline(result.best, line={"color": style.INK, "dash": "dot", "width": 1})
    words = f"best possible: {result.best:g}"
    style.note(fig, words, x=result.best, y=1.0, yref="paper", yanchor="bottom", xanchor="right")
    fig.update_xaxes(title_text="mean return of an episode", range=[0, result.best * 1.04])
    own = result.policy.mean_return
    caption = f"On {own.n} held-out {own.unit} it earns {number(own)} of {result.best:g}"
    caption += ", short of the best possible. " if own.high < result.best else ". "
    return Figure(fig, (caption + compared({n: b.advantage for n, b in result.baselines.items()})).strip())


def compared(advantages: Mapping[str, Estimate]) -> str:
    """What may be said of paired differences of return, policy minus each actor."""
    groups: dict[str, list[str]] = {"above": [], "below": [], "unclear": []}
    for actor, advantage in advantages.items():
        group = reading(advantage)
        name = "the untrained network" if actor == "untrained network" else actor
        if group == "unclear":
            groups[group].append(f"{name} ({number(advantage, signed=True)})")
        else:
            groups[group].append(f"{number(advantage)} {'more' if group == 'above' else 'less'} than {name}")
    clear = [*groups["above"], *groups["below"]]
    words = f"On the same levels that is {listed(clear)}. " if clear else ""
    if groups["unclear"]:
        words += f"It is not clearly better or worse than {listed(groups['unclear'])}."
    return words


def _endings(result: Result) -> Figure:
    actors = _actors(result)
    fig = style.figure("endings", "How do its episodes end?", height=164 + 52 * len(ENDINGS))
    at = rows(fig, list(ENDINGS.values()))
    for index, (name, actor) in enumerate(actors.items()):
        shift = 0.16 * ((len(actors) - 1) / 2 - index)
        dots(
            fig, _shares(actor.endings), [y + shift for y in at], label=name, colour=_colour(name), percent=True,
            symbol=_symbol(name), size=11 if actor is result.policy else 8,
        )  # fmt: skip
    written(fig, _shares(result.policy.endings), at, percent=True)
    fig.update_xaxes(title_text="share of levels", tickformat=".0%", range=[-0.02, 1.02])
    style.note(fig, "<b>policy</b>", x=1.0, y=1.0, xref="paper", yref="paper", yanchor="bottom", xshift=14)
    return Figure(fig, _endings_words(result.policy.endings))


def _endings_words(endings: Endings) -> str:
    known = {kind: getattr(endings, kind) for kind in _DEATHS}
    parts = [f"it takes the coin in {number(endings.coin, percent=True)}"]
    deaths = [f"{_DEATHS[kind]} in {number(e, percent=True)}" for kind, e in known.items() if e.value > 0]
    parts.append(f"dies of {listed(deaths)}" if deaths else "never dies")
    parts.append(f"runs out of time in {number(endings.timeout, percent=True)}")
    return f"Of {endings.coin.n} levels, {listed(parts)}."


def _shares(endings: Endings) -> list[Estimate]:
    """In the order of `ENDINGS`."""
    return [getattr(endings, kind) for kind in ENDINGS]


def _colour(actor: str) -> str:
    return style.ACTOR.get(actor, style.GREY)


def _symbol(actor: str) -> str:
    return style.ACTOR_SYMBOL.get(actor, "x-thin-open")


def _actors(result: Result) -> dict[str, Actor]:
    return {"policy": result.policy, **result.baselines}
