"""A learning curve as text and as a picture, from the metrics alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from mechinterp.training.errors import TrainingError

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 640, 240, 46, 40, 14, 14


def points(metrics: Sequence[Mapping[str, float]], name: str, *, count: int) -> list[tuple[float, float]]:
    """(environment steps, mean of this metric) of ``count`` stretches of training, equally long in updates.

    Raises:
        TrainingError: if no update has this metric.
    """
    rows = [(row["steps"], row[name]) for row in metrics if name in row]
    if not rows:
        raise TrainingError(f"no metrics hold {name!r}: there is no curve to draw")
    parts = np.array_split(np.array(rows, float), min(count, len(rows)))
    return [(float(part[-1, 0]), float(part[:, 1].mean())) for part in parts]


def sparkline(values: Sequence[float], *, low: float, high: float) -> str:
    """One block a value, from the lowest at ``low`` to the highest at ``high``."""
    levels = (np.clip((np.array(values) - low) / (high - low), 0, 1) * (len(_BLOCKS) - 1)).round().astype(int)
    return "".join(_BLOCKS[at] for at in levels)


def svg(curve: Sequence[tuple[float, float]], *, title: str, low: float, high: float) -> str:
    """A line over environment steps, between ``low`` and ``high``, as a small SVG of its own colours."""
    last = curve[-1][0]

    def place(steps: float, value: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * steps / last
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * (min(max(value, low), high) - low) / (high - low)
        return round(x, 1), round(y, 1)

    line = " ".join(f"{x},{y}" for x, y in (place(*point) for point in curve))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for value in np.linspace(low, high, 6):
        x, y = place(0, value)
        parts.append(f'<line x1="{x}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" stroke="#e0e0e0"/>')
        parts.append(f'<text x="{x - 6}" y="{y + 4}" text-anchor="end" fill="#404040">{value:g}</text>')
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = place(share * last, low)
        parts.append(
            f'<text x="{x}" y="{y + 16}" text-anchor="middle" fill="#404040">{share * last / 1e6:.3g} M</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle" fill="#404040">{escape(title)}</text>')
    parts.append(f'<polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="2"/>')
    return "\n".join([*parts, "</svg>", ""])
