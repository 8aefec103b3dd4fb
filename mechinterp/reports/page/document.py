"""The HTML document around the parts of a page: one file that needs nothing else and runs only its own scripts."""

from __future__ import annotations

from html import escape
from importlib import resources

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""Content security policy: the browser itself refuses any request that the page might make."""


def document(*, title: str, kicker: str, header: str, main: str, footer: str) -> str:
    """A whole page, with the style, the drawing script and one copy of plotly.js in it.

    Args:
        title: text, of the page and of its first heading.
        kicker: text above the heading.
        header, main, footer: HTML.
    """
    from plotly.offline import get_plotlyjs

    assets = resources.files("mechinterp.reporting.page")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{assets.joinpath("style.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<p class="kicker">{escape(kicker)}</p>
<h1>{escape(title)}</h1>
{header}
</header>
<main>
{main}
</main>
<footer>
{footer}
</footer>
<script>{get_plotlyjs()}</script>
<script>
{assets.joinpath("draw.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""
