"""`Summary`: one subject of a comparison.

Every number of a subject is read at a place that is fixed beforehand, not at the layer that looks best: the coin
direction, and the effect through it, at the last hook point with maps; linear probes at the last hook point of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mechinterp.experiments.action_tendency import result as action_tendency
from mechinterp.experiments.attribution import result as attribution
from mechinterp.experiments.coin_features import result as coin_features
from mechinterp.experiments.probes import result as probes
from mechinterp.experiments.variables import result as variables
from mechinterp.features.changes import MOVEMENT_BY_SIDE
from mechinterp.policies.identity import Identity
from mechinterp.stats import Estimate

PROBED = ("coin in view", "coin on the right", "end wall in view", "movement log-odds")


@dataclass(frozen=True, eq=False, kw_only=True)
class Summary:
    """What localization found about one subject, in short.

    Attributes:
        identity: which policy.
        coin, probes, variables, attribution, tendency: the results of the sections.
    """

    identity: Identity
    coin: coin_features.Result
    probes: probes.Result
    variables: variables.Result
    attribution: attribution.Result
    tendency: action_tendency.Result

    @property
    def name(self) -> str:
        """Of the checkpoint."""
        return self.identity.name

    @property
    def last(self) -> str:
        """The last hook point."""
        return list(self.coin.layers)[-1]

    @property
    def last_maps(self) -> str:
        """The last hook point with maps."""
        return [hook for hook, layer in self.coin.layers.items() if layer.side][-1]

    @property
    def width(self) -> int:
        """Channels of all hook points together."""
        return sum(layer.width for layer in self.coin.layers.values())

    @property
    def decoding(self) -> Estimate:
        """AUROC of the coin direction at the last maps, with untrained networks as the null."""
        return self.coin.layers[self.last_maps].decoding

    @property
    def through_channels(self) -> Estimate | None:
        """The coin's effect on movement that runs through the coin channels at the last maps; None without any."""
        ablation = self.coin.layers[self.last_maps].channels_ablated
        return None if ablation is None else ablation.effects[MOVEMENT_BY_SIDE]

    @property
    def through_direction(self) -> Estimate | None:
        """The same through the coin direction; None in a layer that never changes."""
        ablation = self.coin.layers[self.last_maps].direction_ablated
        return None if ablation is None else ablation.effects[MOVEMENT_BY_SIDE]

    @property
    def on_coin(self) -> Estimate | None:
        """Share of the movement's attribution on the coin's pixels; None if it could not be attributed."""
        shares = self.attribution.objects.get("movement", {})
        return shares["coin"].share if "coin" in shares else None

    @property
    def responding(self) -> Mapping[str, variables.Contrast]:
        """Variable -> what the channels at the last maps respond to."""
        found = self.variables.contrasts
        return {variable: by_hook[self.last_maps] for variable, by_hook in found.items() if self.last_maps in by_hook}

    @property
    def steering(self) -> action_tendency.Steering | None:
        """The steering vector "right" of the last hook point; None if there is none."""
        return self.tendency.steering.get(self.last)

    @property
    def place(self) -> Estimate | None:
        """Score of the probe of the coin's place at the last maps, above its best baseline."""
        return self._above(probes.PLACE, self.last_maps)

    def probe(self, label: str) -> Estimate | None:
        """Score of a probe at the last hook point, above its best baseline; None if it was not probed there."""
        return self._above(label, self.last)

    def _above(self, label: str, hook: str) -> Estimate | None:
        probe = self.probes.probes.get(label, {}).get(hook)
        return None if probe is None else probe.above_baseline
