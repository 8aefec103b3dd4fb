"""Which channels are coin channels: chosen on some levels, confirmed on others, with untrained networks as the null.

What is asked of a channel is its selective contrast (`ChannelResponses.selective`): how well it discriminates the coin
from an empty place and from everything else that may stand there. A channel is reported where all of this holds, on
levels on which it was not chosen:

1. in no more than 5 % of networks (the untrained ones and the policy) does any channel of any layer stand out from its
   layer as far as the farthest channel of the policy does (the maximum statistic of Westfall & Young 1993), so that at
   most 5 % of networks that know nothing get past this point;
2. its false discovery rate among all channels is at most 5 % (Benjamini & Hochberg 1995);
3. it rises (or falls) more for the coin than for a crate, a saw and an enemy in the same place, each with an interval
   that excludes 0.

1 and 2 must hold on the levels used for choosing, too.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from mechinterp.features.contrasting import Channel
from mechinterp.features.counterfactuals import COIN, LOOKS
from mechinterp.features.responses import ChannelResponses, NullResponses
from mechinterp.stats import Estimate, Null, maximum_statistic, means, pooled_false_discovery

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True, repr=False)
class CoinChannel:
    """One channel that responds to the coin.

    Attributes:
        hook, channel: which.
        contrast: coin against an empty place, on held-out levels; its null the layer's channels in untrained networks,
            its p that of the selective contrast, corrected for all channels.
        selective: the selective contrast, see `ChannelResponses.selective`.
        q: its false discovery rate.
        against: for each rival, and for what shares only the coin's looks, the change with the coin minus the change
            with the other object, in standard deviations of the channel, in the direction in which it responds.
        share: for the objects of `LOOKS` that there are scenes of, which share of its response to the coin they get.
    """

    hook: str
    channel: int
    contrast: Estimate
    selective: float
    q: float
    against: dict[str, Estimate]
    share: dict[str, float]

    def __repr__(self) -> str:
        return (
            f"CoinChannel({self.hook} channel {self.channel}: selective contrast {self.selective:.2f}, q {self.q:.2g})"
        )


def find_coin_channels(
    choose: ChannelResponses,
    choose_null: NullResponses,
    report: ChannelResponses,
    report_null: NullResponses,
    *,
    rng: np.random.Generator,
    alpha: float = ALPHA,
) -> list[CoinChannel]:
    """The channels that are chosen on `choose` and confirmed on `report`, strongest (on `choose`) first.

    Args:
        choose, report: of levels that have none in common; their nulls of the same levels each.
        alpha: for the corrected p and the false discovery rate alike.

    Raises:
        TooFewSamples: fewer than two levels in `report`.
    """
    chosen = candidates(choose, choose_null, alpha=alpha)
    ranks = ranked(report, report_null)
    if not chosen or min(ranks.p.values()) > alpha:
        return []
    kept = [channel for channel in chosen if ranks.q[channel] <= alpha]
    if not kept:
        return []
    hooks = tuple(dict.fromkeys(hook for hook, _ in kept))
    contrast_of = dict(zip(report.coin.channels(hooks), report.coin.estimates(rng=rng, hooks=hooks), strict=True))
    random = report_null.contrasts()
    confirmed = []
    for hook, channel in kept:
        against = _against(report, (hook, channel), _sign(choose, (hook, channel)), rng)
        if all(against[rival].low > 0 for rival in report.rivals):
            estimate = contrast_of[hook, channel]
            null = Null.from_draws(estimate.value, random.effects(hook), description=_words(hook, len(random)))
            confirmed.append(
                CoinChannel(
                    hook=hook,
                    channel=channel,
                    contrast=estimate.against(dataclasses.replace(null, p=ranks.p[hook, channel])),
                    selective=float(report.selective(hook)[channel]),
                    q=ranks.q[hook, channel],
                    against=against,
                    share={look: _share(report, (hook, channel), look) for look in LOOKS if look in report.contrasts},
                )
            )
    return confirmed


def candidates(choose: ChannelResponses, null: NullResponses, *, alpha: float = ALPHA) -> list[Channel]:
    """Channels that stand out on these levels, the farthest first."""
    ranks = ranked(choose, null)
    if min(ranks.p.values()) > alpha:
        return []
    kept = [channel for channel, q in ranks.q.items() if q <= alpha]
    return sorted(kept, key=lambda channel: -abs(ranks.score[channel]))


@dataclass(frozen=True, eq=False)
class Ranks:
    """Where each channel's selective contrast lies among those of untrained networks.

    Attributes:
        score: in units of the layer: 1 or -1 is where the farthest 5 % of the layer's contrasts begin, over the
            policy's channels and those of all untrained networks alike, after Fisher's transformation (atanh).
        p: corrected for all channels of all layers, see `stats.maximum_statistic`.
        q: false discovery rate, see `stats.pooled_false_discovery`.
    """

    score: dict[Channel, float]
    p: dict[Channel, float]
    q: dict[Channel, float]


def ranked(found: ChannelResponses, null: NullResponses) -> Ranks:
    """The ranks of all channels; a policy that is itself untrained is treated as the others are."""
    everyone = (found, *null.networks)
    layers = []
    for hook in found.coin.hooks:
        far = np.arctanh(np.stack([own.selective(hook) for own in everyone]).clip(-1 + 1e-6, 1 - 1e-6))
        layers.append(far / max(float(np.quantile(np.abs(far), 0.95)), 1e-9))
    scores = np.concatenate(layers, axis=1)
    own, drawn = np.abs(scores[0]), np.abs(scores[1:])
    columns = (scores[0], maximum_statistic(own, drawn), pooled_false_discovery(own, drawn))
    channels = found.coin.channels()
    return Ranks(*(dict(zip(channels, values.tolist(), strict=True)) for values in columns))


def _words(hook: str, networks: int) -> str:
    return (
        f"channels of {hook} in {networks} untrained networks; p: share of networks in which any channel discriminates "
        "the coin from everything else as well, in units of its layer"
    )


def _sign(choose: ChannelResponses, channel: Channel) -> float:
    return 1.0 if choose.selective(channel[0])[channel[1]] >= 0 else -1.0


def _against(report: ChannelResponses, channel: Channel, sign: float, rng: np.random.Generator) -> dict[str, Estimate]:
    """Paired differences: the coin minus the other object, in the same scene."""
    hook, number = channel
    coin = report.coin
    spread = float(np.concatenate([coin.present[hook][:, number], coin.absent[hook][:, number]]).std()) or 1.0
    position = {row: index for index, row in enumerate(report.rows[COIN].tolist())}
    found = {}
    for thing in (*report.rivals, *LOOKS):
        if thing not in report.contrasts:
            continue
        own = coin.difference(hook)[[position[row] for row in report.rows[thing].tolist()], number]
        other = report.contrasts[thing].difference(hook)[:, number]
        (found[thing],) = means(
            (sign * (own - other) / spread)[:, None],
            names=[f"response of {hook} channel {number} to the coin, minus to the {thing}"],
            unit="levels",
            rng=rng,
            clusters=report.contrasts[thing].levels,
        )
    return found


def _share(report: ChannelResponses, channel: Channel, thing: str) -> float:
    hook, number = channel
    own = report.coin.difference(hook)[:, number].mean()
    return float(report.contrasts[thing].difference(hook)[:, number].mean() / own) if own else 0.0
