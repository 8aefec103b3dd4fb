"""How other projects name and arrange the weights of the same networks.

A layout says which of its keys is which of ours, and what to do to the numbers. The order of ReLU and flatten differs
between the projects below and changes nothing; in all of them ReLU comes before each convolution of a residual block,
the flatten is in channel, height, width order (but in Distill's), and frames are scaled to 0-1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.policies.errors import CheckpointError
from mechinterp.policies.networks import ALL_ACTIONS, Config, DistillConfig, ImpalaConfig

Tensors = dict[str, Tensor]
_NUMBER = r"(\d{1,9})"


@dataclass(frozen=True)
class Layout:
    """One project's way of storing a network.

    Attributes:
        name: what `format=` accepts.
        origin: whose it is.
        mark: a key that tells it from all other layouts.
        names: from the keys of a file, our parameter name -> the file's key, for every parameter that there must be.
        arrange: tensors by our names -> the same, arranged as ours are.
        config: tensors by our names, arranged -> the network that they belong to.
    """

    name: str
    origin: str
    mark: str
    names: Callable[[Collection[str]], dict[str, str]]
    arrange: Callable[[Tensors], Tensors]
    config: Callable[[Tensors], Config]


def recognise(keys: Collection[str], format: str | None = None) -> Layout:
    """The layout of a file with these keys; with `format`, the layout of that name whatever the keys.

    Raises:
        CheckpointError: no layout fits, or none has that name.
    """
    if format is not None:
        if format not in LAYOUTS:
            raise CheckpointError(f"there is no weights layout {format!r}{nearest(format, LAYOUTS)}")
        return LAYOUTS[format]
    for layout in LAYOUTS.values():
        if layout.mark in keys:
            return layout
    known = "; ".join(f"{layout.name} (has {layout.mark!r})" for layout in LAYOUTS.values())
    seen = ", ".join(sorted(keys)[:6]) + (f", ... ({len(keys)} keys)" if len(keys) > 6 else "")
    raise CheckpointError(f"unknown layout of weights. Known: {known}. Keys seen: {seen}")


def translate(tensors: Mapping[str, Tensor], layout: Layout) -> tuple[Config, Tensors]:
    """The network that the tensors of a file belong to, and its parameters by our names.

    Raises:
        CheckpointError: keys are missing or unexpected, or a tensor has the wrong number of axes.
    """
    names = layout.names(tensors.keys())
    check_keys(expected=names.values(), found=tensors.keys(), layout=layout.name)
    arranged = layout.arrange({ours: tensors[theirs] for ours, theirs in names.items()})
    return layout.config(arranged), arranged


def check_keys(*, expected: Collection[str], found: Collection[str], layout: str) -> None:
    """Raise CheckpointError unless the keys of a file are those expected."""
    missing, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if any(key.startswith("gru.") for key in extra):
        raise CheckpointError(
            f"layout {layout}: a recurrent policy ({extra[0]}), and only feed-forward ones can be read"
        )
    if missing or extra:
        parts = [f"{what} keys: {_few(keys)}" for what, keys in (("missing", missing), ("unexpected", extra)) if keys]
        raise CheckpointError(f"layout {layout}: {'; '.join(parts)}")


def _few(keys: list[str]) -> str:
    return ", ".join(keys[:6]) + (f", ... ({len(keys)} in all)" if len(keys) > 6 else "")


def _pairs(stems: Mapping[str, str]) -> dict[str, str]:
    return {f"{ours}.{kind}": f"{theirs}.{kind}" for ours, theirs in stems.items() for kind in ("weight", "bias")}


def _impala_names(
    block: str, res: str, first: int, heads: Mapping[str, str]
) -> Callable[[Collection[str]], dict[str, str]]:
    """Names of an IMPALA whose keys are `{block}.{conv}` and `{block}.{res}.{conv}`, numbered from `first`."""

    def names(keys: Collection[str]) -> dict[str, str]:
        pattern = re.compile(
            re.escape(block).replace("@", _NUMBER) + r"\." + re.escape(res).replace("@", _NUMBER) + r"\."
        )
        found = [match for key in keys if (match := pattern.match(key))]
        # The highest numbers say how many there are, so that a gap is reported as a missing key. More than there are
        # keys cannot be.
        blocks = min(len(keys), 1 + max((int(match[1]) - first for match in found), default=0))
        per_block = min(len(keys), 1 + max((int(match[2]) - first for match in found), default=0))
        stems = dict(heads)
        for i in range(blocks):
            theirs = block.replace("@", str(i + first))
            stems[f"block{i + 1}.conv"] = f"{theirs}.conv"
            for j in range(per_block):
                for k in range(2):
                    stems[f"block{i + 1}.res{j + 1}.conv{k + 1}"] = (
                        f"{theirs}.{res.replace('@', str(j + first))}.conv{k + first}"
                    )
        return _pairs(stems)

    return names


def _impala_config(tensors: Tensors) -> ImpalaConfig:
    blocks = sum(name.endswith(".conv.weight") for name in tensors)
    branches = sum(name.startswith("block1.res") and name.endswith(".conv2.weight") for name in tensors)
    if (logits := _size(tensors, "logits.weight", 0, 2)) != len(ALL_ACTIONS):
        raise CheckpointError(f"{logits} logits, where this layout has one for each of Procgen's 15 actions")
    return ImpalaConfig(
        channels=tuple(_size(tensors, f"block{i + 1}.conv.weight", 0, 4) for i in range(blocks)),
        res_blocks=branches,
        stem_kernel=_size(tensors, "block1.conv.weight", 3, 4),
        hidden=_size(tensors, "hidden.linear.weight", 0, 2),
    )


def _size(tensors: Tensors, name: str, axis: int, axes: int) -> int:
    shape = list(tensors[name].shape)
    if len(shape) != axes:
        raise CheckpointError(f"the weights that become {name} have shape {shape}; expected {axes} axes")
    return shape[axis]


_DISTILL_LAYERS = ("1a", "2a", "2b", "3a", "4a")


def _distill_names(keys: Collection[str]) -> dict[str, str]:
    stems = {f"layer{layer}.conv": f"pi/{layer}/conv2d" for layer in _DISTILL_LAYERS}
    stems |= {"hidden1.linear": "pi/dense", "hidden2.linear": "pi/dense_1"}
    names = {f"{ours}.weight": f"{theirs}/kernel" for ours, theirs in stems.items()}
    names |= {f"{ours}.bias": f"{theirs}/bias" for ours, theirs in stems.items()}
    return names | {"logits.weight": "pi/w", "logits.bias": "pi/b", "value.weight": "vf/w", "value.bias": "vf/b"}


def _distill_arrange(tensors: Tensors) -> Tensors:
    """TensorFlow's height, width, in, out -> out, in, height, width; and the flatten from height, width, channel."""
    arranged = dict(tensors)
    for name, tensor in tensors.items():
        if name.endswith("conv.weight"):
            _size(tensors, name, 0, 4)
            arranged[name] = tensor.permute(3, 2, 0, 1)
        elif name.endswith("weight"):
            _size(tensors, name, 0, 2)
            arranged[name] = tensor.T
    channels, hidden, flat = arranged["layer4a.conv.weight"].shape[0], *arranged["hidden1.linear.weight"].shape
    side = round((flat / channels) ** 0.5)
    if side * side * channels != flat:
        raise CheckpointError(f"pi/dense/kernel has {flat} rows, which is no square map of {channels} channels")
    rows = arranged["hidden1.linear.weight"].reshape(hidden, side, side, channels)
    arranged["hidden1.linear.weight"] = rows.permute(0, 3, 1, 2).reshape(hidden, flat)
    return arranged


def _distill_config(tensors: Tensors) -> DistillConfig:
    logits, actions = _size(tensors, "logits.weight", 0, 2), DistillConfig().actions
    if logits not in (7, 9):
        raise CheckpointError(
            f"pi/w has {logits} columns; the original game has 7 actions, or 9 with its two extra ones"
        )
    channels = [_size(tensors, f"layer{layer}.conv.weight", 0, 4) for layer in _DISTILL_LAYERS]
    return DistillConfig(
        channels=(channels[0], channels[1], channels[2], channels[3], channels[4]),
        hidden=(_size(tensors, "hidden1.linear.weight", 0, 2), _size(tensors, "hidden2.linear.weight", 0, 2)),
        actions=actions[:logits],
    )


def _same(tensors: Tensors) -> Tensors:
    return tensors


_PFRL_HEADS = {"hidden.linear": "hidden_fc", "logits": "logits_fc", "value": "value_fc"}
_CLEANRL_HEADS = {"hidden.linear": "network.5", "logits": "actor", "value": "critic"}
_TRAIN_PROCGEN_HEADS = {"hidden.linear": "embedder.fc", "logits": "fc_policy", "value": "fc_value"}

LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            "train-procgen-pytorch",
            "joonleesky/train-procgen-pytorch and the goal misgeneralisation code, which builds on it",
            "embedder.block1.conv.weight",
            _impala_names("embedder.block@", "res@", 1, _TRAIN_PROCGEN_HEADS),
            _same,
            _impala_config,
        ),
        Layout(
            "cleanrl",
            "the agent of CleanRL's ppo_procgen.py",
            "network.0.conv.weight",
            _impala_names("network.@", "res_block@", 0, _CLEANRL_HEADS),
            _same,
            _impala_config,
        ),
        Layout(
            "pfrl",
            "lerrytang/train-procgen-pfrl and its forks",
            "conv_seqs.0.conv.weight",
            _impala_names("conv_seqs.@", "res_block@", 0, _PFRL_HEADS),
            _same,
            _impala_config,
        ),
        Layout(
            "distill",
            'the TensorFlow policies of "Understanding RL Vision" (Hilton et al. 2020)',
            "pi/1a/conv2d/kernel",
            _distill_names,
            _distill_arrange,
            _distill_config,
        ),
    )
}
"""The layouts by name."""
