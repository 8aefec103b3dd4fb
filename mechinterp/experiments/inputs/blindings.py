"""How the network is blinded to the coin and to hazards: found once, on levels that choose."""

from __future__ import annotations

from dataclasses import dataclass

from mechinterp.coinrun.scenes import MinimalPairs, SceneError
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.features.blinding import Blinding, Way, blinding
from mechinterp.policies.stages import stage_outputs

COIN = "coin presence"
HAZARDS = ("saw", "enemy")


@dataclass(frozen=True, eq=False, kw_only=True)
class Blindings:
    """Of one network.

    Attributes:
        coin: by way; see `features.blinding.Blinding`.
        others: by direction, of each hazard that there was room for in the coin's place.
        report: pairs with the coin and without it, on levels that chose nothing.
        choose: those that they were found on.
        hooks: the layers with maps that were looked at.
    """

    coin: dict[Way, Blinding]
    others: dict[str, Blinding]
    choose: MinimalPairs
    report: MinimalPairs
    hooks: tuple[str, ...]


def blindings(inputs: Inputs) -> Blindings:
    """At the plan's hook points, or at the outputs of the network's stages.

    Raises:
        SceneError: no state has room for a coin.
        FeatureError: nothing there changes with the coin.
    """
    policy, hooks = inputs.subject.policy, inputs.plan.hooks
    names = policy.select(stage_outputs(policy) if hooks is None else hooks)
    choose, report = inputs(scenes).split(COIN)
    inputs.tick("finding what to blind")
    ways: tuple[Way, ...] = ("channels", "direction")
    coin: dict[Way, Blinding] = {
        way: blinding(policy, choose.clean, choose.corrupted, thing="coin", hooks=names, way=way) for way in ways
    }  # fmt: skip
    others = {}
    for thing in HAZARDS:
        try:
            pairs = choose.with_object(thing).pairs
        except SceneError:
            continue  # no room for it in the coin's place
        others[thing] = blinding(
            policy, pairs.clean, pairs.corrupted, thing=thing, hooks=[coin["direction"].hook], way="direction"
        )
    maps = tuple(name for name in names if len(policy.shapes[name]) == 3)
    return Blindings(coin=coin, others=others, choose=choose, report=report, hooks=maps)
