"""The pieces of the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

import plotly.graph_objects as go

from mechinterp.reporting import wording
from mechinterp.reports import schema
from mechinterp.reports.results import Identity, Results
from mechinterp.reports.section import Section
from mechinterp.reports.summary import Key

_MOST_NUMBERS = 120
"""Rows of the table of numbers; a section with more (one for each channel) shows what is not called ``channel``."""


def keys(items: list[Key]) -> str:
    """The key numbers, each a link to its section."""
    cells = [
        f'<li><a href="#{key.section}"><span class="what">{escape(key.label)}</span>'
        f'<span class="value">{escape(key.value)}</span><span class="beside">{escape(key.beside)}</span></a></li>'
        for key in items
    ]
    return f'<ul class="keys" aria-label="Key numbers">{"".join(cells)}</ul>' if cells else ""


def contents() -> str:
    """The table of contents."""
    items = "".join(f'<li><a href="#{name}">{escape(spec.title)}</a></li>' for name, spec in schema.SPECS.items())
    return f'<nav aria-label="Contents"><ol>{items}</ol></nav>'


def figure(name: str, fig: go.Figure, sentence: str) -> str:
    """A figure under its question, and the sentence under it. The title becomes a heading of the page."""
    content = json.loads(fig.to_json() or "{}")
    question = content["layout"].pop("title").get("text", name)
    margin = content["layout"].setdefault("margin", {})
    template = content["layout"]["template"]["layout"]["margin"]
    cut = 36  # the height that the title took
    margin["t"] = max(30, margin.get("t", template["t"]) - cut)
    content["layout"]["height"] -= cut
    data = json.dumps({"data": content["data"], "layout": content["layout"]}, separators=(",", ":"))
    height = content["layout"]["height"]
    label = f"{escape(question)} {escape(sentence)}"
    return f"""<figure id="figure-{name}" aria-labelledby="{name}-question">
<h3 id="{name}-question">{escape(question)}</h3>
<div class="plot" id="{name}" style="height:{height}px" role="img" aria-label="{label}"></div>
<script type="application/json" id="{name}-data">{script_safe(data)}</script>
<figcaption>{_lines(sentence)}</figcaption>
</figure>"""


def _lines(sentence: str) -> str:
    """One line as a paragraph, several as a list."""
    lines = [escape(line) for line in sentence.split("\n")]
    return f"<p>{lines[0]}</p>" if len(lines) == 1 else f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def script_safe(text: str) -> str:
    """JSON that cannot end the script element that it stands in."""
    return text.replace("<", "\\u003c")


def card(section: Section, identity: Identity) -> str:
    """What the checkpoint says about itself."""
    rows = [("name", identity.name), ("network", identity.network)]
    rows += [(str(item), str(value)) for item, value in section.table("card").rows]
    rows.append(("SHA-256 of the weights", identity.sha256))
    cells = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{_text(v)}</td></tr>' for k, v in rows)
    return f'<div class="wide"><table class="card">{cells}</table></div>'


def numbers(section: Section, *, file: str = "results.json") -> str:
    """Every estimate of a section as a table, behind a fold; what is too many for a page is in the file."""
    shown = list(section.estimates)
    if not shown:
        return ""
    left_out = 0
    if len(shown) > _MOST_NUMBERS:
        chosen = (
            {f"channel/{r['hook']}/{r['channel']}" for r in section.table("top").records()}
            if "top" in section.tables
            else set()
        )
        shown = [e for e in shown if not e.name.startswith("channel/") or e.name in chosen]
        left_out = len(section.estimates) - len(shown)
    head = "".join(f'<th scope="col">{t}</th>' for t in ("name", "value", "interval", "n", "range of the null", "p"))
    rows = []
    for e in shown:
        value, low, high = wording.ends(e)
        null = e.null
        band = (
            ""
            if null is None
            else f"{wording.plain(null.low, 3)} to {wording.plain(null.high, 3)}: {escape(null.description)}"
        )
        p = "" if null is None or null.p is None else f"{null.p:.2g}"
        rows.append(
            f'<tr><th scope="row">{escape(e.name)}</th><td class="number">{value}</td>'
            f'<td class="number">{low} to {high}</td><td>{e.n} {escape(e.unit)}</td>'
            f'<td>{band}</td><td class="number">{p}</td></tr>'
        )
    words = f"<p>{left_out} more, one for each other channel, are in <code>{escape(file)}</code>.</p>"
    more = words if left_out else ""
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    return f"<details><summary>All numbers of this part</summary>{table}{more}</details>"


def settings(results: Results) -> str:
    """Settings, command and versions."""
    rows = dict(_flat(results.settings))
    rows |= {f"provenance: {key}": value for key, value in _flat(results.identity.provenance)}
    cells = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{_text(v)}</td></tr>' for k, v in rows.items())
    return f'<div class="wide"><table class="card">{cells}</table></div>'


def _flat(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            pairs.append((key, ", ".join(f"{k} {v}" for k, v in value.items())))
        elif isinstance(value, list):
            pairs.append((key, ", ".join(map(str, value))))
        else:
            pairs.append((key, str(value)))
    return pairs


def _text(value: str) -> str:
    """Long unbroken texts (hashes, commands) as code."""
    looks_like_code = any(len(word) > 24 for word in value.split()) or value.startswith("mechinterp ")
    return f"<code>{escape(value)}</code>" if looks_like_code else escape(value)
