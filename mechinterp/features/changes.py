"""How much a policy's outputs change, in ways that cannot all cancel: by side, by presence, unsigned, as a divergence.

A signed mean alone may hide an effect: one that is the same on both sides of the agent cancels in the mean by side, one
that is opposite in the mean by presence, and one that differs from scene to scene in both. The mean size of the change
hides none of these, and the KL divergence sees the actions of which no readout speaks. What has no effect must have
none by all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64, Int64

from mechinterp.policies.actions import action_divergence
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.readouts import READOUTS
from mechinterp.policies.readouts.readout import KL_MARGIN
from mechinterp.stats import Estimate, effects, means

Kind = Literal["by side", "by presence", "unsigned", "divergence"]
SIGNED: tuple[Kind, Kind] = ("by side", "by presence")
KL = "KL divergence"


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One number that a change of the outputs comes down to.

    Attributes:
        name: what results call it.
        readout: which readout changes; None where it is the distribution over actions.
        kind: the change with the coin on the right minus that with the coin on the left; the mean change; the mean of
            its size; or the KL divergence of the changed actions from the unchanged ones.
        unit: of the number.
        margin: the largest that would not matter; None for what is no behaviour.
    """

    name: str
    readout: str | None
    kind: Kind
    unit: str
    margin: float | None

    @property
    def signed(self) -> bool:
        """Whether its mean may be of either sign."""
        return self.kind in SIGNED


def _quantities() -> dict[str, Quantity]:
    made = []
    for name, readout in READOUTS.items():
        kinds: tuple[Kind, ...] = (*SIGNED, "unsigned") if readout.acts else ("by presence",)
        margin = readout.margin if readout.acts else None
        made += [Quantity(name=f"{name} {k}", readout=name, kind=k, unit=readout.unit, margin=margin) for k in kinds]
    made.append(Quantity(name=KL, readout=None, kind="divergence", unit="nats", margin=KL_MARGIN))
    return {one.name: one for one in made}


QUANTITIES: Mapping[str, Quantity] = _quantities()
ACTING = tuple(name for name, one in QUANTITIES.items() if one.margin is not None)
"""Those about actions: what is "causally used" changes one of them, what is not used changes none."""
MOVEMENT_BY_SIDE = "movement by side"
"""The coin's own effect on movement, as minimal pairs of the coin's side measure it."""


def changes(
    there: PolicyOutput, gone: PolicyOutput, actions: tuple[int, ...]
) -> dict[str | None, Float64[np.ndarray, " *parts pairs"]]:
    """By readout, the number of `there` minus that of `gone`; and, under None, the divergence of `gone` from `there`.

    Args:
        there: outputs of the pairs: logits [pairs, actions].
        gone: of the same pairs with something taken away: logits [pairs, actions], or [parts, pairs, actions].
    """
    many = gone.value.ndim == 2
    parts = gone.value.shape[0] if many else 1
    logits, value = there.logits.double(), there.value.double()
    flat = (gone.logits.flatten(0, 1), gone.value.flatten()) if many else gone
    other = PolicyOutput(flat[0].double(), flat[1].double())

    def shaped(numbers: Float64[np.ndarray, " rows"]) -> np.ndarray:
        return numbers.reshape(parts, -1) if many else numbers

    found: dict[str | None, np.ndarray] = {}
    for name, readout in READOUTS.items():
        own = readout(PolicyOutput(logits, value), actions).detach().cpu().numpy()
        found[name] = own - shaped(readout(other, actions).detach().cpu().numpy())
    whole = logits.repeat(parts, 1) if many else logits
    found[None] = shaped(action_divergence(whole, other.logits, actions).detach().cpu().numpy())
    return found


def by_pair(
    changed: Mapping[str | None, Float[np.ndarray, " *parts pairs"]], toward: Float[np.ndarray, " pairs"]
) -> dict[str, Float64[np.ndarray, " *parts pairs"]]:
    """Each of `QUANTITIES` in every pair: what its mean over pairs is the mean of.

    Args:
        toward: 1 where the coin lies on the right, -1 where on the left.
    """
    on_side = np.where(toward > 0, (toward > 0).sum(), (toward < 0).sum())
    weight = toward * len(toward) / on_side  # so that the mean is that of the right minus that of the left
    made = {}
    for name, one in QUANTITIES.items():
        values = changed[one.readout]
        match one.kind:
            case "by side":
                made[name] = values * weight
            case "unsigned":
                made[name] = np.abs(values)
            case _:
                made[name] = values
    return made


def estimates(
    values: Mapping[str, Float64[np.ndarray, " pairs"]],
    levels: Int64[np.ndarray, " pairs"],
    *,
    what: str,
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """The mean of each quantity, with an interval over levels; signed ones are tested against 0."""
    names = list(values)
    table = np.stack([values[name] for name in names], 1)
    found: dict[str, Estimate] = {}
    for make, signed in ((effects, True), (means, False)):
        if some := [at for at, name in enumerate(names) if QUANTITIES[name].signed is signed]:
            words = [f"{what}: {names[at]}" for at in some]
            made = make(table[:, some], names=words, unit="levels", rng=rng, clusters=levels)
            found |= dict(zip((names[at] for at in some), made, strict=True))
    return {name: found[name] for name in names}


def equivalent_to_zero(effects: Mapping[str, Estimate]) -> bool:
    """Whether each of these effects on actions is shown to lie within its margin."""
    return all(effects[name].within(-_margin(name), _margin(name)) for name in ACTING if name in effects)


def _margin(name: str) -> float:
    margin = QUANTITIES[name].margin
    assert margin is not None
    return margin
