"""1. Who is this?"""

from __future__ import annotations

from mechinterp.reports.section import Section

ENDED = {
    "coin": "it took the coin", "saw": "a saw killed it", "enemy": "an enemy killed it", "lava": "it fell into lava",
    "several": "two hazards killed it in one step", "timeout": "time ran out",
}  # fmt: skip


def sentences(section: Section) -> dict[str, str]:
    """Descriptions: nothing here is a claim about more than what is shown."""
    layers = section.table("layers")
    total = sum(layers.column("parameters"))
    texts = {
        "network": f"{total:,} parameters in the {len(layers)} layers that are drawn. A box is as tall as the layer's "
        "map is wide and as broad as it has channels (square roots of both); grey boxes have no map."
    }
    level, ending = section.facts.get("film_level"), section.facts.get("film_ending")
    where = "one episode" if level is None else f"one episode, level {level}"
    end = f", in which {ENDED.get(str(ending), ending)}" if ending else ""
    if "film" in section.tables:
        shown = len(section.table("film"))
        texts["film"] = (
            f"{shown} frames of {where}{end}. It is an illustration: one level says nothing about the others."
        )
    if "episode" in section.tables:
        right = section.table("episode").column("p_right")
        value = section.table("episode").column("value")
        texts["episode"] = (
            f"In {where}, its probability of going right lies between {min(right):.2f} and {max(right):.2f}, and the "
            f"value that it expects between {min(value):.1f} and {max(value):.1f} (the critic's own units)."
        )
    return texts
