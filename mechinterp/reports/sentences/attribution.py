"""What decides?"""

from __future__ import annotations

from mechinterp.reporting.wording import listed, number
from mechinterp.reports.section import Section


def sentences(section: Section) -> dict[str, str]:
    """What gets more than its area, and whether coin channels get more than their number."""
    readouts = list(dict.fromkeys(name.split("/")[0] for name in section.under("share")))
    lines = [
        "Share of the attribution to pixels (integrated gradients from the mean frame, absolute values), beside the "
        "share of the frame that the thing fills. Grey: movement in untrained networks, in which what stands out from "
        "the mean frame gets more than its area, too."
    ]
    for readout in readouts:
        own = section.under("share", readout)
        excess = {name.split("/")[0]: e for name, e in own.items() if name.endswith("excess")}
        more = [f"{thing} ({number(e, percent=True, signed=True)})" for thing, e in excess.items() if e.low > 0]
        line = f"{readout}: more than its area on {listed(more) if more else 'nothing'}."
        shares = {name.split("/")[0]: e for name, e in own.items() if name.endswith("share") and e.null is not None}
        if shares:
            beyond = [thing for thing, e in shares.items() if e.null is not None and e.low > e.null.high]
            line += f" More than in untrained networks on {listed(beyond) if beyond else 'nothing'}."
        lines.append(line)
    coin = [(name, e) for name, e in section.under("hidden", "movement").items() if name.endswith("/coin")]
    below = "Share of the layer's attribution on the channels that got most on other levels."
    if coin:
        told = [f"{name.removesuffix('/coin')}: {number(e, percent=True, signed=True)}" for name, e in coin]
        below += f"\nOn coin channels, movement, minus their share of the channels: {'; '.join(told)}."
    return {"attribution-pixels": "\n".join(lines), "attribution-channels": below}
