"""Show where episodes end with the coin elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.experiments.coin_placement.result import Placement, Result
from mechinterp.experiments.inputs.behaviour import BLIND
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, hover, require, rows
from mechinterp.reporting.wording import interval, number, reading, short
from mechinterp.stats import Estimate

METHOD = (
    "The same held-out levels, changed before the first frame: the coin at a random place on the ground, removed, "
    "replaced by a decoy (an entity with the same pixels that pays nothing), or 2 to 5 columns left of the agent's "
    "start. An episode ends when the agent reaches the last column without the coin, and as a timeout after "
    "{result.max_steps} steps.",
    "Coin and end, and the policy and the rule, are compared on the same levels: a clear difference is one whose "
    "exact 95 % interval leaves out 0 (McNemar's test).",
)
STOCK, RANDOM, LEFT = "stock", "random_percent=100", "left_of_agent"


def figures(result: Result) -> list[Figure]:
    """How episodes end for each placement of the coin: shares, and their intervals."""
    return [_outcomes(result)]


def text(result: Result) -> Text:
    """The coin left of the start, in a sentence; and how often a coin elsewhere is taken."""
    known = {rule: result.placements[rule] for rule in (RANDOM, LEFT) if rule in result.placements}
    keys = []
    for one in known.values():
        if one.policy.coin is not None:
            context = f"{interval(one.policy.coin, percent=True)}; right end: {number(one.policy.end, percent=True)}"
            keys.append(KeyNumber(f"takes the coin {one.label}", short(one.policy.coin, percent=True), context))
    return Text(headlines=[headline(known[LEFT])] if LEFT in known else [], keys=keys)


def headline(left: Placement) -> str:
    """Which of coin and right end it reaches more often when they lie in opposite directions."""
    coin, end = left.policy.coin, left.policy.end
    if coin is None or left.over_end is None:
        return sentence(LEFT, left)
    taken, passed = number(coin, percent=True), number(end, percent=True)
    match reading(left.over_end):
        case "above":
            ending = f"it takes the coin more often ({taken} of levels) than it runs to the right end ({passed})"
        case "below":
            ending = f"it runs to the right end more often ({passed} of levels) than it takes the coin ({taken})"
        case _:
            ending = f"it takes the coin in {taken} of levels and runs to the right end in {passed}: not clearly apart"
    return f"With the coin {left.label}, {ending}."


def sentence(rule: str, placement: Placement) -> str:
    """Which of coin and end the policy reaches under one placement, next to the blind rule."""
    start, coin, end = f"Coin {placement.label}", placement.policy.coin, placement.policy.end
    if coin is None:
        return f"{start}: it reaches the right end in {number(end, percent=True)} of levels."
    words = f"{start}: it takes the coin in {number(coin, percent=True)} of levels"
    if rule != STOCK and placement.over_end is not None:
        verdicts = {"above": "the coin more often", "below": "the end more often"}
        verdict = verdicts.get(reading(placement.over_end), "no clear difference")
        words += f" and reaches the right end without it in {number(end, percent=True)} ({verdict})"
    if placement.blind.coin is None or placement.over_blind is None:
        return f"{words}."
    against = {"above": "clearly less", "below": "clearly more"}.get(
        reading(placement.over_blind), "not clearly different"
    )
    reference = f"{BLIND.capitalize()}, which ignores the frame, takes it in"
    return f"{words}. {reference} {number(placement.blind.coin, percent=True)}: {against}."


def _outcomes(result: Result) -> Figure:
    fig = make_subplots(
        rows=1, cols=2, shared_yaxes=True, column_widths=[0.56, 0.44], horizontal_spacing=0.04,
        subplot_titles=("all outcomes", "with 95 % intervals"),
    )  # fmt: skip
    placements = list(result.placements.values())
    style.dress(fig, "outcomes", "Where does it go when the coin is elsewhere?", height=190 + 66 * len(placements))
    labels = [
        f"<b>{style.literal(one.label)}</b><br><span style='color:{style.GREY}'>n = {one.policy.end.n}</span>"
        for one in placements
    ]
    at = rows(fig, labels)
    for index, outcome in enumerate(style.OUTCOME):
        shares = [one.policy.shares() for one in placements]
        pairs = [(y, found[outcome]) for y, found in zip(at, shares, strict=True) if outcome in found]
        if pairs:
            _bars(fig, outcome, [e for _, e in pairs], [y for y, _ in pairs])
            dots(
                fig, [e for _, e in pairs], [y + 0.24 - 0.16 * index for y, _ in pairs],
                label=style.OUTCOME_LABEL[outcome], colour=style.OUTCOME[outcome], percent=True, size=9,
                showlegend=False, legendgroup=outcome, row=1, col=2,
            )  # fmt: skip
    coins = [one.blind.coin for one in placements]
    blind = [(y + 0.36, coin) for y, coin in zip(at, coins, strict=True) if coin is not None]
    dots(
        fig, [e for _, e in blind], [y for y, _ in blind], label=f"{BLIND}: took the coin", colour=style.ACTOR[BLIND],
        symbol=f"{style.ACTOR_SYMBOL[BLIND]}-open", percent=True, size=8, row=1, col=2,
    )  # fmt: skip
    fig.update_xaxes(title_text="share of levels", tickformat=".0%", range=[-0.02, 1.02])
    fig.update_yaxes(title_text="the coin is ...", row=1, col=1)
    fig.update_layout(barmode="stack", bargap=0.3, margin={"t": 126})
    style.lift(fig, 26)
    fig.update_annotations(font={"size": 13, "color": style.GREY})
    return Figure(fig, "\n".join(sentence(rule, one) for rule, one in result.placements.items()))


def _bars(fig: go.Figure, outcome: str, estimates: Sequence[Estimate], at: Sequence[float]) -> None:
    require(estimates)
    fig.add_trace(
        go.Bar(
            x=[e.value for e in estimates], y=list(at), orientation="h", name=style.OUTCOME_LABEL[outcome],
            legendgroup=outcome, marker={"color": style.OUTCOME[outcome], "line": {"color": "white", "width": 1}},
            text=[f"{e.value:.0%}" if e.value >= 0.06 else "" for e in estimates], textposition="inside",
            insidetextanchor="middle", textangle=0,
            textfont={"color": "white" if outcome == "died" else style.INK, "size": 13},
            customdata=[hover(e, percent=True) for e in estimates], hovertemplate="%{customdata}<extra></extra>",
        ),
        row=1, col=1,
    )  # fmt: skip
