"""What do the channels answer to?"""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import hover
from mechinterp.reporting.plots.heat import heat
from mechinterp.reports.section import Section


def figures(section: Section) -> list[go.Figure]:
    """How many channels of each layer answer to each variable beyond untrained networks."""
    table = section.table("rows").records()
    variables = list(dict.fromkeys(row["variable"] for row in table))
    hooks = list(dict.fromkeys(row["hook"] for row in table))
    if not table:
        return []
    by = {(row["variable"], row["hook"]): row for row in table}
    cells = [[by[variable, hook] for hook in hooks] for variable in variables]
    fig = style.figure("variables", "How many channels answer to what?", height=190 + 34 * len(variables))
    heat(
        fig,
        [[row.get("beyond_both", 0) / max(1, row["channels"]) for row in line] for line in cells],
        [[_count(row) for row in line] for line in cells],
        rows=variables,
        columns=hooks,
        hovers=[[_words(section, row) for row in line] for line in cells],
        bold=[[row.get("beyond_both", 0) > 0 for row in line] for line in cells],
        full=1.0,
    )
    return [fig]


def _count(row: dict) -> str:
    both = f"{row['beyond_both']} " if "beyond_both" in row else ""
    return f"{both}({row['beyond_labels']}) / {row['channels']}"


def _words(section: Section, row: dict) -> str:
    strongest = hover(section[f"contrast/{row['variable']}/{row['hook']}"])
    both = row.get("beyond_both", "an unknown number")
    return (
        f"{row['beyond_labels']} of {row['channels']} channels tell the scenes apart, {both} of them beyond untrained "
        f"networks<br>strength {row['strength']:.2f}, in untrained networks {row['usual']:.2f} (p = {row['p']:.2g})"
        f"<br>strongest: channel {row['channel']}<br>{strongest}"
    )
