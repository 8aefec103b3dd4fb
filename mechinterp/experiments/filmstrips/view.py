"""Draw filmstrips: an episode a row."""

from __future__ import annotations

from plotly.subplots import make_subplots

from mechinterp.experiments.filmstrips.result import Film, Result
from mechinterp.reporting.figure import Figure, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.pictures import bare_axes, image

METHOD = (
    "The frames that the policy sees every {result.every} steps, in the same level with the same random numbers. A row "
    "ends with its episode. Blinding and steering are those of the other sections (steering by {result.dose} times the "
    "vector). One level is an example, not evidence: the shares above are.",
)


def figures(result: Result) -> list[Figure]:
    """One figure a level."""
    return [_film(number, film, result.every) for number, film in enumerate(result.films, 1)]


def text(result: Result) -> Text:
    """Nothing is claimed of single levels."""
    return Text()


def _film(number: int, film: Film, every: int) -> Figure:
    width = max(len(strip.frames) for strip in film.strips)
    fig = make_subplots(
        rows=len(film.strips), cols=width, horizontal_spacing=0.004, vertical_spacing=0.012,
        column_titles=[f"step {every * at}" for at in range(width)],
    )  # fmt: skip
    style.dress(fig, f"filmstrip-{number}", f"What it does: {film.level}", height=110 + 92 * len(film.strips))
    for row, strip in enumerate(film.strips, 1):
        for column, frame in enumerate(strip.frames, 1):
            fig.add_trace(image(frame, hover=style.literal(strip.intervention)), row=row, col=column)
    bare_axes(fig)
    fig.update_annotations(font={"size": 11, "color": style.GREY})
    for row, strip in enumerate(film.strips):
        domain = fig.layout[f"yaxis{row * width + 1 if row else ''}"].domain  # pyright: ignore
        style.note(
            fig, f"<b>{style.literal(strip.intervention)}</b><br>{strip.ending}", x=0, y=sum(domain) / 2, xref="paper",
            yref="paper", xanchor="right", xshift=-8, font={"size": 12, "color": style.INK},
        )  # fmt: skip
    fig.update_layout(margin={"l": 190, "t": 84, "b": 12})
    endings = (f"{_capital(strip.intervention)}: {sentence(strip.ending, strip.length)}" for strip in film.strips)
    return Figure(fig, "\n".join(endings))


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def sentence(ending: str, length: int) -> str:
    """How one episode ends, and when."""
    return f"it {ending} after {length} steps." if ending != "goes on" else f"it goes on for all {length} steps."
