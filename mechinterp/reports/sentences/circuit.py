"""7. Which circuit carries it?"""

from __future__ import annotations

from mechinterp.reporting.wording import number, stands_out
from mechinterp.reports.section import Section


def sentences(section: Section) -> dict[str, str]:
    """How small the circuit is, what it carries on held-out levels, and what random ones of its size do."""
    texts = {}
    for at, row in enumerate(section.table("questions").records()):
        if row["found"]:
            texts[f"circuit-{at}-drawing"] = _chosen(section, row)
            texts[f"circuit-{at}-curve"] = _random(section, row)
        texts[f"circuit-{at}-effects"] = _each(section, row)
    return texts


def _chosen(section: Section, row: dict) -> str:
    way = {w: section[f"chosen/{row['variable']}/{w}"] for w in ("denoise", "noise")}
    share = float(section.facts["share"])  # pyright: ignore[reportArgumentType]
    held = all(e.low >= share for e in way.values())
    verdict = "clearly at least that there too" if held else "not clearly that much there"
    return (
        f"{row['nodes']} of {row['candidates']} channels reached {share:.0%} both ways where they were chosen. On "
        f"other levels they alone bring back {number(way['denoise'], percent=True)} of the effect, and without them "
        f"{number(way['noise'], percent=True)} of it are lost: {verdict}."
    )


def _random(section: Section, row: dict) -> str:
    parts = []
    for way, words in (("denoise", "denoising"), ("noise", "noising")):
        own, random = section[f"chosen/{row['variable']}/{way}"], section.get(f"random/{row['variable']}/{way}")
        if random is None or own.null is None:
            continue
        beyond = "beyond" if stands_out(own) and own.value > own.null.high else "not clear of"
        parts.append(
            f"{words} {number(own, percent=True)}, random circuits with as many channels at every layer "
            f"{number(random, percent=True)} ({beyond} their range)"
        )
    stable = section.get(f"stability/{row['variable']}")
    tail = (
        ""
        if stable is None
        else f" Chosen again on other draws of the levels, the sets share {number(stable)} (Jaccard)."
    )
    head = f"With {row['nodes']} channels: {'; '.join(parts)}." if parts else f"It takes all {row['nodes']} channels."
    return head + tail


def _each(section: Section, row: dict) -> str:
    total = number(section[f"total/{row['variable']}"], "nats", signed=True)
    words = f"{row['clean']} instead of {row['corrupted']} changes the log-odds of {_readout(row)} by {total}"
    if row["found"]:
        return f"{words[0].upper()}{words[1:]}; each square is what one channel carries of that by itself."
    return (
        f"{words[0].upper()}{words[1:]}: not clear enough, there or where channels were chosen, to take shares of. So "
        "there is no effect for a circuit to carry, and the squares are mostly noise."
    )


def _readout(row: dict) -> str:
    return {"movement": "moving right", "jump": "jumping", "value": "the value"}[str(row["metric"])]
