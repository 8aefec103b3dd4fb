"""One look for all figures: the template, and one colour an idea, safe for the colour-blind (Okabe & Ito 2008)."""

from __future__ import annotations

import html

import plotly.graph_objects as go

BLUE, SKY, AMBER, RED, GREEN, PINK = "#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#009E73", "#CC79A7"
INK, GREY, LIGHT, FAINT = "#22272E", "#6E7781", "#B6BDC5", "#EDF0F3"
FONT = "'Helvetica Neue', 'Segoe UI', Helvetica, Arial, 'Liberation Sans', sans-serif"

ACTOR = {"policy": BLUE, "always right + jump": GREEN, "uniform random": LIGHT, "untrained network": GREY}
ACTOR_SYMBOL = {
    "policy": "circle", "always right + jump": "diamond", "uniform random": "square",
    "untrained network": "x-thin-open",
}  # fmt: skip
OUTCOME = {"coin": AMBER, "end": SKY, "died": RED, "timeout": LIGHT}
OUTCOME_LABEL = {
    "coin": "took the coin",
    "end": "reached the end without it",
    "died": "died",
    "timeout": "neither in time",
}
NULL_BAND = "rgba(110, 119, 129, 0.20)"
TOP, BOTTOM = 104, 60
"""Room above (title, buttons, legend) and below (axis), in pixels."""

MARGIN_BAND = "rgba(0, 158, 115, 0.10)"

TEMPLATE = go.layout.Template(
    layout=go.Layout(
        font={"family": FONT, "size": 13, "color": INK},
        title={
            "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
            "pad": {"l": 12, "t": 16}, "font": {"size": 17},
        },
        colorway=[BLUE, AMBER, GREEN, RED, SKY, PINK],
        paper_bgcolor="white",
        plot_bgcolor="white",
        hoverlabel={"align": "left", "bgcolor": "white", "font": {"family": FONT, "size": 12, "color": INK}},
        legend={"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "title": {"text": ""}},
        margin={"l": 12, "r": 12, "t": TOP, "b": BOTTOM},
        xaxis={
            "automargin": True, "gridcolor": FAINT, "linecolor": LIGHT, "zeroline": False, "ticks": "outside",
            "tickcolor": LIGHT, "title": {"standoff": 10, "font": {"size": 13, "color": GREY}},
        },
        yaxis={
            "automargin": True, "gridcolor": FAINT, "linecolor": LIGHT, "zeroline": False,
            "title": {"standoff": 12, "font": {"size": 13, "color": GREY}},
        },
        bargap=0.35,
    )
)  # fmt: skip


def figure(name: str, question: str, *, height: int) -> go.Figure:
    """An empty figure in this look.

    Args:
        name: which figure it is, for the sentence that belongs to it and for its file.
        question: its title, the question that it answers.
        height: in pixels.
    """
    return dress(go.Figure(), name, question, height=height)


def dress(fig: go.Figure, name: str, question: str, *, height: int) -> go.Figure:
    """Give an existing figure (of subplots) this look, name, title and height."""
    fig.update_layout(template=TEMPLATE, title_text=question, height=height, meta={"name": name})
    return fig


def literal(text: str) -> str:
    """A text of somebody else's (a name, a hook point) as plotly shows it as it is: no markup, no template."""
    return html.escape(text, quote=False).replace("%{", "%&#123;")


def lift(fig: go.Figure, pixels: int) -> None:
    """Put the legend this far above the data, so that there is room for a line of notes between them."""
    margin = fig.layout.margin  # pyright: ignore
    plot = fig.layout.height - (margin.t or TOP) - (margin.b or BOTTOM)  # pyright: ignore
    fig.update_layout(legend_y=1 + pixels / plot)


def note(fig: go.Figure, text: str, *, x: float | str, y: float | str, **options: object) -> None:
    """A short text next to the data: no arrow, small and grey unless said otherwise."""
    options = {"xref": "x", "yref": "y", "xanchor": "left", "font": {"size": 12, "color": GREY}, **options}
    fig.add_annotation(text=text, x=x, y=y, showarrow=False, align="left", **options)
