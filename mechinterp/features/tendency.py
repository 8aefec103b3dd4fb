"""Right as a tendency: what of the movement log-odds is there whatever is seen, and what the input decides.

The last layer is linear, so the movement log-odds m = log P(right) - log P(left) split exactly. With p the shares of
the actions among those that go right, q among those that go left, W and b the last layer's weights and h its input,

    m = (p W_right - q W_left) . h + (p b_right - q b_left) + H(p) - H(q)

because logsumexp(l) = sum p l + H(p) (direct logit attribution; Elhage et al. 2021). The mean over frames of the first
part is what the mean activations bring, the second the bias, the third how many actions do the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64, UInt8
from torch import Tensor

from mechinterp.features.errors import FeatureError
from mechinterp.policies.actions import MOVEMENTS, movement_of
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import LOGITS
from mechinterp.stats import Estimate, bootstrap, means, widened

PARTS = ("units", "bias", "number of actions")
TOP = 6
"""So many units are reported one by one."""
_BATCH = 64


@dataclass(frozen=True, eq=False, kw_only=True)
class Tendency:
    """The movement log-odds over natural frames, taken apart. All in nats.

    Attributes:
        mean: of the log-odds: the constant part.
        spread: their standard deviation over frames: what the input decides.
        parts: by name (`PARTS`), the mean of each part; they add up to `mean`.
        right: the share of frames in which right is likelier than left.
        black: the log-odds on a black frame, where nothing is seen.
        hook: the layer that the logits read.
        unit_means, unit_spreads: of each of its units, mean and standard deviation of what it adds.
        units: unit -> the mean of what it adds, for the `TOP` that add most (of either sign) on the levels that choose,
            on the other levels; empty where none choose.
    """

    mean: Estimate
    spread: Estimate
    parts: dict[str, Estimate]
    right: Estimate
    black: float
    hook: str
    unit_means: Float64[np.ndarray, " units"]
    unit_spreads: Float64[np.ndarray, " units"]
    units: dict[int, Estimate]

    @property
    def constant_share(self) -> float:
        """mean^2 / (mean^2 + variance), 0 to 1: how much of the log-odds' mean square is there whatever is seen."""
        square = self.mean.value**2
        return square / (square + self.spread.value**2) if square + self.spread.value**2 > 0 else 0.0


def movement_tendency(
    policy: Policy,
    frames: UInt8[np.ndarray, "frames 64 64 3"],
    levels: Int64[np.ndarray, " frames"],
    *,
    rng: np.random.Generator,
    choosing: Int64[np.ndarray, " levels"] | tuple[()] = (),
) -> Tendency:
    """Take the movement log-odds on these frames apart.

    Args:
        levels: of each frame.
        choosing: the levels that choose the units to report.

    Raises:
        FeatureError: the logits are not read linearly from one layer, or no action goes left or right.
        TooFewSamples: fewer than two levels.
    """
    hook, weight, bias = _last_layer(policy)
    units, rest = [], []
    for at in range(0, len(frames), _BATCH):
        h = policy.activations(torch.from_numpy(frames[at : at + _BATCH]).to(weight.device), hook)[hook].double()
        added, constant, entropy = _split(h, weight, bias, policy.actions)
        units.append(added.cpu().numpy())
        rest.append(torch.stack([constant, entropy], 1).cpu().numpy())
    per_unit, others = np.concatenate(units), np.concatenate(rest)
    table = np.column_stack([per_unit.sum(1), others])
    whole = table.sum(1)
    columns = np.column_stack([whole, table, whole > 0])
    names = ["mean", *(f"part/{part}" for part in PARTS), "right"]
    found = means(columns, names=[f"tendency/{name}" for name in names], unit="levels", rng=rng, clusters=levels)

    def spread(w: Float[np.ndarray, "draws frames"]) -> Float[np.ndarray, " draws"]:
        total = w.sum(1)
        return np.sqrt(np.maximum((w @ whole**2) / total - ((w @ whole) / total) ** 2, 0))

    black = torch.zeros(1, 64, 64, 3, dtype=torch.uint8, device=weight.device)
    dark = _split(policy.activations(black, hook)[hook].double(), weight, bias, policy.actions)
    return Tendency(
        mean=found[0],
        spread=bootstrap(
            spread, rows=len(whole), name="tendency/spread", unit="levels", rng=rng, clusters=levels, resamples=2000
        ),
        parts=dict(zip(PARTS, found[1:4], strict=True)),
        right=widened(found[4]),
        black=float(dark[0].sum() + dark[1].sum() + dark[2].sum()),
        hook=hook,
        unit_means=per_unit.mean(0),
        unit_spreads=per_unit.std(0),
        units=_top_units(per_unit, levels, np.isin(levels, choosing), rng),
    )


def _top_units(
    added: Float64[np.ndarray, "frames units"],
    levels: Int64[np.ndarray, " frames"],
    first: Bool[np.ndarray, " frames"],
    rng: np.random.Generator,
) -> dict[int, Estimate]:
    if not first.any():
        return {}
    top = np.argsort(-np.abs(added[first].mean(0)), kind="stable")[:TOP].tolist()
    names = [f"tendency/unit/{unit}" for unit in top]
    found = means(added[~first][:, top], names=names, unit="levels", rng=rng, clusters=levels[~first])
    return dict(zip(top, found, strict=True))


def _last_layer(policy: Policy) -> tuple[str, Tensor, Tensor]:
    node = next(node for node in policy.nodes if node.name == LOGITS)
    module = policy.get_submodule(node.module)
    if not isinstance(module, torch.nn.Linear) or len(node.inputs) != 1:
        raise FeatureError(f"the logits come from {type(module).__name__}; only a linear last layer can be taken apart")
    bias = module.bias if module.bias is not None else torch.zeros(module.out_features)
    return node.inputs[0], module.weight.detach().double(), bias.detach().double()


def _split(
    h: Float[Tensor, "batch units"], weight: Tensor, bias: Tensor, actions: tuple[int, ...]
) -> tuple[Float[Tensor, "batch units"], Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """What each unit adds to the movement log-odds, what the bias adds, and what the number of actions adds."""
    logits = h @ weight.T + bias
    kinds = [movement_of(action) for action in actions]
    added, constant, entropy = torch.zeros_like(h), h.new_zeros(len(h)), h.new_zeros(len(h))
    for kind, sign in ((MOVEMENTS[2], 1.0), (MOVEMENTS[0], -1.0)):
        columns = [i for i, other in enumerate(kinds) if other == kind]
        if not columns:
            raise FeatureError(f"no action of this policy goes {kind}; its actions are {actions}")
        share = torch.softmax(logits[:, columns], 1)
        added += sign * (share @ weight[columns]) * h
        constant += sign * share @ bias[columns]
        entropy -= sign * (share * torch.log(share.clamp_min(1e-300))).sum(1)
    return added, constant, entropy
