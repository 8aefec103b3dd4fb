"""What may be said of attributions to objects and to channels."""

from __future__ import annotations

from collections.abc import Mapping

from mechinterp.experiments.attribution.result import ObjectShare, Result
from mechinterp.reporting.wording import listed, number, reading, share
from mechinterp.stats import Estimate

_COMPARED = "movement"
"""The readout whose attribution to coin channels is put into words."""


def objects(result: Result) -> str:
    """Which objects each readout is attributed to more than their area would get, and more than in untrained networks.

    A line a readout, after one that explains the figure.
    """
    compared = [readout for readout, shares in result.objects.items() if any(own.share.null for own in shares.values())]
    band = (
        f" Grey band: the share for {listed(compared)} in untrained networks, where whatever stands out from the mean "
        "frame gets more than its area, too."
        if compared
        else ""
    )
    lines = [
        "Share of the absolute attribution to pixels that falls on each kind of object, and the share of the frame "
        f"that it fills (area; in brackets below, the difference).{band}"
    ]
    return "\n".join([*lines, *(_readout(name, shares) for name, shares in result.objects.items() if shares)])


def channels(result: Result) -> str:
    """How concentrated the attribution is, and whether coin channels get more than their number."""
    lines = [
        "Share of the layer's absolute attribution that falls on the channels with the largest shares on other levels. "
        f"On the right: how many channels cover {share(result.coverage)} of the attribution, and the numbers of the "
        "channels drawn."
    ]
    excess = {
        hook: layer.coin_excess
        for hook, layer in result.layers.get(_COMPARED, {}).items()
        if layer.coin_excess is not None
    }
    if excess:
        lines.append(_coin(excess))
    return "\n".join(lines)


def _readout(readout: str, shares: Mapping[str, ObjectShare]) -> str:
    more = [
        f"{kind} ({number(own.excess, percent=True, signed=True)})"
        for kind, own in shares.items()
        if reading(own.excess) == "above"
    ]
    name = readout[:1].upper() + readout[1:]
    words = (
        f"{name}: {listed(more)} {_get(more)} more than {_its(more)} area."
        if more
        else (f"{name}: no object clearly gets more than its area.")
    )
    compared = {kind: own.share for kind, own in shares.items() if own.share.null is not None}
    if compared:
        beyond = [kind for kind, own in compared.items() if own.null is not None and own.low > own.null.high]
        names = listed(beyond) if beyond else "no object clearly"
        words += f" {names[:1].upper()}{names[1:]} {_get(beyond)} more than in untrained networks."
    return words


def _get(kinds: list[str]) -> str:
    return "get" if len(kinds) > 1 else "gets"


def _its(kinds: list[str]) -> str:
    return "their" if len(kinds) > 1 else "its"


def _coin(excess: Mapping[str, Estimate]) -> str:
    """Share on coin channels minus their share of the channels, grouped by what may be said of it."""
    groups: dict[str, list[str]] = {"above": [], "below": [], "unclear": []}
    for hook, own in excess.items():
        groups[reading(own)].append(f"{hook} ({number(own, percent=True, signed=True)})")
    words = {
        "above": "more than their share of the channels at",
        "below": "less at",
        "unclear": "not clearly either at",
    }
    if not groups["above"] and groups["below"]:
        words["below"] = "less than their share of the channels at"
    elif not groups["above"]:
        words["unclear"] = "not clearly more or less than their share of the channels at"
    told = [f"{words[group]} {listed(own)}" for group, own in groups.items() if own]
    return f"Coin channels get {'; '.join(told)} ({_COMPARED}; share of the attribution minus share of the channels)."
