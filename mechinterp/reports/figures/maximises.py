"""2. Does it maximise reward where it was trained?"""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, rows, written
from mechinterp.reporting.wording import number
from mechinterp.reports import schema
from mechinterp.reports.section import Section

_ENDING = {
    "coin": "took the coin", "saw": "died: saw", "enemy": "died: enemy", "lava": "died: lava",
    "several": "died: two hazards at once", "timeout": "time ran out",
}  # fmt: skip


def figures(section: Section) -> list[go.Figure]:
    """Returns against baselines and, where they were counted, the ways in which episodes end."""
    made = [_returns(section)]
    if section.under("ending", "policy"):
        made.append(_endings(section))
    return made


def _returns(section: Section) -> go.Figure:
    found = section.under("return")
    actors = [actor for actor in schema.ACTORS if actor in found]
    fig = style.figure("returns", "How much of the reward does it earn?", height=160 + 62 * len(actors))
    at = rows(fig, [f"<b>{actor}</b>" if actor == "policy" else actor for actor in actors])
    for actor, y in zip(actors, at, strict=True):
        dots(
            fig, [found[actor]], [y], label=actor, colour=style.ACTOR[actor], symbol=style.ACTOR_SYMBOL[actor], size=13,
            showlegend=False,
        )  # fmt: skip
    paired = [section.get(f"difference/{actor}") for actor in actors]
    extra = ["" if d is None else f"<br>policy \N{MINUS SIGN} this: {number(d, signed=True)}" for d in paired]
    written(fig, [found[actor] for actor in actors], at, extra=extra)
    best = float(section.facts["best"])  # pyright: ignore[reportArgumentType]
    fig.add_vline(best, line={"color": style.INK, "dash": "dot", "width": 1})
    style.note(fig, f"best possible: {best:g}", x=best, y=1.0, yref="paper", yanchor="bottom", xanchor="right")
    fig.update_xaxes(title_text="mean return of an episode", range=[0, best * 1.04])
    return fig


def _endings(section: Section) -> go.Figure:
    found = section.under("ending")
    endings = [e for e in schema.ENDINGS if f"policy/{e}" in found]
    actors = [a for a in schema.ACTORS if any(name.startswith(f"{a}/") for name in found)]
    fig = style.figure("endings", "How do its episodes end?", height=164 + 52 * len(endings))
    at = rows(fig, [_ENDING[ending] for ending in endings])
    for index, actor in enumerate(actors):
        shift = 0.16 * ((len(actors) - 1) / 2 - index)
        pairs = [
            (y + shift, found[f"{actor}/{e}"]) for y, e in zip(at, endings, strict=True) if f"{actor}/{e}" in found
        ]
        dots(
            fig, [e for _, e in pairs], [y for y, _ in pairs], label=actor, colour=style.ACTOR[actor], percent=True,
            symbol=style.ACTOR_SYMBOL[actor], size=11 if actor == "policy" else 8,
        )  # fmt: skip
    written(fig, [found[f"policy/{ending}"] for ending in endings], at, percent=True)
    fig.update_xaxes(title_text="share of levels", tickformat=".0%", range=[-0.02, 1.02])
    style.note(fig, "<b>policy</b>", x=1.0, y=1.0, xref="paper", yref="paper", yanchor="bottom", xshift=14)
    return fig
