"""What is a layer made of?"""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written
from mechinterp.reports.section import Section

_KINDS = {
    "activations": ("factor of activations", style.BLUE, "circle"),
    "attributions": ("factor of attributions", style.AMBER, "diamond"),
    "latents": ("latent of the autoencoder", style.GREEN, "square"),
}


def figures(section: Section) -> list[go.Figure]:
    """Every factor with its name and how well the name fits."""
    table = section.table("factors").records()
    if not table:
        return []
    fig = style.figure("factors", f"What is {section.facts['hook']} made of?", height=190 + 34 * len(table))
    at = rows(
        fig, [f"{row['name']} <span style='color:{style.GREY}'>({row['kind']} {row['number']})</span>" for row in table]
    )
    estimates = [section[f"factor/{row['kind']}/{row['number']}"] for row in table]
    null_bands(fig, estimates, at)
    for kind, (label, colour, symbol) in _KINDS.items():
        own = [(e, y) for e, y, row in zip(estimates, at, table, strict=True) if row["kind"] == kind]
        if own:
            dots(fig, [e for e, _ in own], [y for _, y in own], label=label, colour=colour, symbol=symbol)
    written(fig, estimates, at)
    fig.update_xaxes(title_text="correlation of its map with the place of the thing, held-out levels")
    return [fig]
