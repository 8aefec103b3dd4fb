"""Choice weights, by proxy."""

from __future__ import annotations

from mechinterp.experiments.fields import EstimateField, Record


class ProxyWeight(Record):
    """What one proxy adds to an action.

    Attributes:
        words: what more of it means.
        unit: of the gain.
        weight: nats for one SD more of it.
        own: weight minus the phantom's, if what the proxy is about can be taken out of the frame.
        unique: share of the explainable nats, on held-out levels, that only this proxy explains.
        per_unit: nats for one unit more of it.
        random_low, random_high: the central 95 % of what random networks earn (of `own` where there is one).
        p: that the largest weight of a random network, over all proxies, is as large for its proxy (two-sided).
        contexts: `own` (or the weight) in decisions of one kind.
    """

    words: str
    unit: str
    weight: EstimateField
    own: EstimateField | None
    unique: float
    per_unit: float
    random_low: float
    random_high: float
    p: float
    contexts: dict[str, EstimateField]


class Result(Record):
    """The weights of all proxies.

    Attributes:
        decisions, levels: how many were asked.
        explained: share of the explainable nats on held-out levels.
        entropy: of the policy's choices, in nats.
        networks: random networks.
        proxies: by name.
    """

    decisions: int
    levels: int
    explained: float
    entropy: float
    networks: int
    proxies: dict[str, ProxyWeight]
