"""Direct logit attribution of the movement log-odds: what is there on every frame, and what the input decides.

The last layer is linear, so the movement log-odds m = log P(right) - log P(left) split exactly. With p the shares of
the actions among those that go right, q among those that go left, W and b the last layer's weights and h its input,

    m = (p W_right - q W_left) . h + (p b_right - q b_left) + H(p) - H(q)

because logsumexp(l) = sum p l + H(p) (direct logit attribution; Elhage et al. 2021). The mean over frames of the first
part is what the mean activations contribute, the second the bias, the third the number of actions on each side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from mechinterp.features.channel_attribution import channels_needed
from mechinterp.features.errors import FeatureError
from mechinterp.features.frames import Frames, frame_array
from mechinterp.policies.actions import MOVEMENTS, movement_of
from mechinterp.policies.fingerprint import is_hooked
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import FRAME, LOGITS
from mechinterp.stats import Estimate, bootstrap, mean, means

PARTS = ("hidden units", "bias", "number of actions")
TOP = 6
"""So many units are reported one by one."""
_BATCH = 64


@dataclass(frozen=True, eq=False, kw_only=True)
class MovementDecomposition:
    """The movement log-odds over natural frames and the parts that they are made of. All in nats.

    Attributes:
        mean: of the log-odds: the constant part.
        standard_deviation: over frames: what the input decides.
        parts: by name (`PARTS`), the mean of each part; they add up to `mean`.
        prefers_right: the share of frames in which right is likelier than left.
        black_frame: the log-odds on a black frame, where nothing is to be seen.
        hook: the layer that the logits read.
        unit_means: of each of its units, the mean contribution.
        top_units: unit -> its mean contribution on the levels that do not choose, for the `TOP` with the largest (of
            either sign) on those that do; empty where none choose.
    """

    mean: Estimate
    standard_deviation: Estimate
    parts: dict[str, Estimate]
    prefers_right: Estimate
    black_frame: float
    hook: str
    unit_means: Float64[np.ndarray, " units"]
    top_units: dict[int, Estimate]

    def __repr__(self) -> str:
        return f"MovementDecomposition(mean {self.mean}, standard deviation {self.standard_deviation.value:.3g} nats)"

    @property
    def constant_share(self) -> float:
        """mean^2 / (mean^2 + variance), 0 to 1: how much of the log-odds' mean square does not depend on the frame."""
        square = self.mean.value**2
        whole = square + self.standard_deviation.value**2
        return square / whole if whole > 0 else 0.0

    @property
    def units_needed(self) -> int:
        """How many units it takes, the largest first, to cover 80 % of the absolute mean contributions."""
        return channels_needed(np.abs(self.unit_means))


def decompose_movement(
    policy: Policy,
    frames: Frames,
    levels: Int64[np.ndarray, " frames"],
    *,
    rng: np.random.Generator,
    choosing: Int64[np.ndarray, " levels"] | tuple[()] = (),
) -> MovementDecomposition:
    """Decompose the movement log-odds on these frames.

    Args:
        levels: of each frame.
        choosing: the levels that choose the units to report.

    Raises:
        FeatureError: the logits are not read linearly from one layer, hooks are on that layer, or no action goes left
            or right.
        TooFewSamples: fewer than two levels.

    >>> from mechinterp.policies import build, light_impala
    >>> rng = np.random.default_rng(0)
    >>> frames = rng.integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    >>> found = decompose_movement(build(light_impala(), seed=0), frames, np.arange(12), rng=rng)
    >>> bool(np.isclose(sum(part.value for part in found.parts.values()), found.mean.value))
    True
    """
    frames, levels = frame_array(frames), np.asarray(levels)
    hook, weight, bias = _last_layer(policy)
    units, rest = [], []
    for at in range(0, len(frames), _BATCH):
        h = policy.activations(torch.from_numpy(frames[at : at + _BATCH]).to(weight.device), hook).double()
        contributions, constant, entropy = _split(h, weight, bias, policy.actions)
        units.append(contributions.cpu().numpy())
        rest.append(torch.stack([constant, entropy], 1).cpu().numpy())
    per_unit, others = np.concatenate(units), np.concatenate(rest)
    table = np.column_stack([per_unit.sum(1), others])
    whole = table.sum(1)
    names = ["mean log P(right) - log P(left)", *(f"of it: {part}" for part in PARTS)]
    found = means(np.column_stack([whole, table]), names=names, unit="levels", rng=rng, clusters=levels)
    share = "share of frames in which right is likelier than left"
    prefers_right = mean(whole > 0, name=share, unit="levels", rng=rng, clusters=levels, bounds=(0, 1))

    def deviation(w: Float[np.ndarray, "draws frames"]) -> Float[np.ndarray, " draws"]:
        total = w.sum(1)
        return np.sqrt(np.maximum((w @ whole**2) / total - ((w @ whole) / total) ** 2, 0))

    black = torch.zeros(1, FRAME, FRAME, 3, dtype=torch.uint8, device=weight.device)
    dark = _split(policy.activations(black, hook).double(), weight, bias, policy.actions)
    return MovementDecomposition(
        mean=found[0],
        standard_deviation=bootstrap(
            deviation, rows=len(whole), name="standard deviation of log P(right) - log P(left) over frames",
            unit="levels", rng=rng, clusters=levels, resamples=2000,
        ),
        parts=dict(zip(PARTS, found[1:4], strict=True)),
        prefers_right=prefers_right,
        black_frame=float(dark[0].sum() + dark[1].sum() + dark[2].sum()),
        hook=hook,
        unit_means=per_unit.mean(0),
        top_units=_top_units(per_unit, levels, np.isin(levels, choosing), rng),
    )  # fmt: skip


def _top_units(
    contributions: Float64[np.ndarray, "frames units"],
    levels: Int64[np.ndarray, " frames"],
    first: Bool[np.ndarray, " frames"],
    rng: np.random.Generator,
) -> dict[int, Estimate]:
    if not first.any():
        return {}
    top = np.argsort(-np.abs(contributions[first].mean(0)), kind="stable")[:TOP].tolist()
    names = [f"mean contribution of unit {unit}" for unit in top]
    found = means(contributions[~first][:, top], names=names, unit="levels", rng=rng, clusters=levels[~first])
    return dict(zip(top, found, strict=True))


def _last_layer(policy: Policy) -> tuple[str, Tensor, Tensor]:
    node = next(node for node in policy.nodes if node.name == LOGITS)
    module = policy.get_submodule(node.module)
    if is_hooked(module) or is_hooked(policy.hook_dict[LOGITS]):
        raise FeatureError("hooks are on the layer that makes the logits, whose weights are decomposed; remove them")
    if not isinstance(module, torch.nn.Linear) or len(node.inputs) != 1:
        raise FeatureError(f"the logits come from {type(module).__name__}; only a linear last layer can be decomposed")
    bias = module.bias if module.bias is not None else torch.zeros(module.out_features, dtype=module.weight.dtype)
    return node.inputs[0], module.weight.detach().double(), bias.detach().double()


def _split(
    h: Float[Tensor, "batch units"], weight: Tensor, bias: Tensor, actions: tuple[int, ...]
) -> tuple[Float[Tensor, "batch units"], Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """What each unit contributes to the movement log-odds, what the bias does, and what the number of actions does."""
    logits = h @ weight.T + bias
    kinds = [movement_of(action) for action in actions]
    contributions, constant, entropy = torch.zeros_like(h), h.new_zeros(len(h)), h.new_zeros(len(h))
    for kind, sign in ((MOVEMENTS[2], 1.0), (MOVEMENTS[0], -1.0)):
        columns = [i for i, other in enumerate(kinds) if other == kind]
        if not columns:
            raise FeatureError(f"no action of this policy goes {kind}; its actions are {actions}")
        share = torch.softmax(logits[:, columns], 1)
        contributions += sign * (share @ weight[columns]) * h
        constant += sign * share @ bias[columns]
        entropy -= sign * (share * torch.log(share.clamp_min(1e-300))).sum(1)
    return contributions, constant, entropy
