"""The architectures: a frozen config for each, and the graph that it stands for.

`build(config, seed=0)` makes a policy. Feature maps are in channels_last memory, which is 2 to 3 times faster on a CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from mechinterp.policies.drafting import Draft
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.graph import Policy
from mechinterp.policies.initialisation import initialise
from mechinterp.policies.layers import Add, Flatten, L2Pool, Observe
from mechinterp.policies.nodes import FRAME

ALL_ACTIONS = tuple(range(15))
DISTINCT_ACTIONS = tuple(range(9))
"""Procgen's actions without 9-14, which do what 4 does in CoinRun."""


@dataclass(frozen=True)
class ImpalaConfig:
    """The residual network of Espeholt et al. 2018 (IMPALA), as Procgen uses it (Cobbe et al. 2020).

    Each block is conv, 3 x 3 max pool of stride 2, then residual blocks (relu, conv, relu, conv, + skip). After the
    last block: relu, flatten, linear, relu, then the two heads.

    Attributes:
        channels: channels of each block.
        res_blocks: residual blocks in each block.
        stem_kernel, stem_stride: of the first convolution (odd kernel, padded to keep the size up to the stride).
        hidden: width of the linear layer.
        actions: Procgen action of each logit.
    """

    kind: ClassVar[str] = "impala"
    title: ClassVar[str] = "IMPALA"
    channels: tuple[int, ...] = (16, 32, 32)
    res_blocks: int = 2
    stem_kernel: int = 3
    stem_stride: int = 1
    hidden: int = 256
    actions: tuple[int, ...] = ALL_ACTIONS

    def __post_init__(self) -> None:
        _check_sizes(self, *_many(self, "channels"), self.res_blocks, self.stem_kernel, self.stem_stride, self.hidden)
        if self.stem_kernel % 2 == 0:
            raise PolicyError(f"stem_kernel must be odd, got {self.stem_kernel}")


@dataclass(frozen=True)
class NatureConfig:
    """The three convolutions (8 x 8 / 4, 4 x 4 / 2, 3 x 3 / 1, unpadded) and hidden layer of Mnih et al. 2015."""

    kind: ClassVar[str] = "nature"
    title: ClassVar[str] = "Nature CNN"
    channels: tuple[int, int, int] = (32, 64, 64)
    hidden: int = 512
    actions: tuple[int, ...] = ALL_ACTIONS

    def __post_init__(self) -> None:
        _check_sizes(self, *_many(self, "channels", 3), self.hidden)


@dataclass(frozen=True)
class DistillConfig:
    """The five convolutions of "Understanding RL Vision" (Hilton et al. 2020).

    Layers 1a (7 x 7), 2a, 2b, 3a, 4a (5 x 5), padded to keep their size, relu after each; 2 x 2 L2 pooling after 1a,
    2b, 3a and 4a; then two hidden layers with relu and the two heads.

    Attributes:
        channels: of 1a, 2a, 2b, 3a, 4a.
        hidden: widths of the two hidden layers.
        actions: Procgen action of each logit. The default is the original game's order: nothing, right, left, jump,
            jump right, jump left, down, and the two extra actions of the game as OpenAI trained on it, which the
            environment that they released turns into "nothing" (`VecExtraActions` in their code). Here these are 9 and
            10, which do nothing in CoinRun either, so that their probability is counted where it belongs.
    """

    kind: ClassVar[str] = "distill"
    title: ClassVar[str] = "five-layer CNN"
    channels: tuple[int, int, int, int, int] = (16, 32, 32, 32, 32)
    hidden: tuple[int, int] = (256, 512)
    actions: tuple[int, ...] = (4, 7, 1, 5, 8, 2, 3, 9, 10)

    def __post_init__(self) -> None:
        _check_sizes(self, *_many(self, "channels", 5), *_many(self, "hidden", 2))


Config = ImpalaConfig | NatureConfig | DistillConfig


def light_impala(*, hidden: int = 256, actions: tuple[int, ...] = DISTINCT_ACTIONS) -> ImpalaConfig:
    """An IMPALA for training on a CPU: blocks of 16 and 32 channels, one residual block each."""
    return ImpalaConfig((16, 32), res_blocks=1, stem_kernel=5, stem_stride=2, hidden=hidden, actions=actions)


def build(config: Config, *, seed: int | torch.Generator = 0) -> Policy:
    """The policy of a config, with random weights (see `initialise`) that depend on `seed` alone.

    Args:
        seed: a number, or a CPU generator to draw from. Global random state is neither read nor changed.

    >>> policy = build(light_impala(), seed=0)
    >>> policy.shapes["block2.res1.hook_out"]
    (32, 8, 8)
    >>> policy.frontier("block2.res1.hook_relu1")   # what must be known to go on from there: the skip, too
    ('block2.hook_pool', 'block2.res1.hook_relu1')
    """
    policy = blank(config)
    initialise(policy, seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(int(seed)))
    return policy


def blank(config: Config) -> Policy:
    """The policy of a config with uninitialised float32 weights, for a loader to fill."""
    draft = _drafted(config, Draft())
    return Policy(config, draft.nodes, draft.modules).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def weight_shapes(config: Config, *, most: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of each tensor of weights of a config's policy, without allocating any.

    Args:
        most: how many there may be: some numbers in a config ask for more than any machine holds.

    Raises:
        PolicyError: there are more.
    """
    draft = _drafted(config, Draft("meta", most))
    return {
        f"{path}.{name}": tuple(weight.shape)
        for path, module in draft.modules.items()
        for name, weight in module.named_parameters()
    }


def _drafted(config: Config, draft: Draft) -> Draft:
    try:
        graph = GRAPHS[type(config)]
    except KeyError:
        names = ", ".join(known.__name__ for known in GRAPHS)
        raise PolicyError(f"no architecture for {type(config).__name__}; there are {names}") from None
    return graph(config, draft)


def _impala(config: ImpalaConfig, draft: Draft) -> Draft:
    channels, side = 3, FRAME
    draft.add("hook_input", "observe", Observe())
    for i, width in enumerate(config.channels, 1):
        block = f"block{i}"
        kernel, stride = (config.stem_kernel, config.stem_stride) if i == 1 else (3, 1)
        draft.conv(f"{block}.hook_conv", f"{block}.conv", channels, width, kernel, stride)
        skip = draft.add(f"{block}.hook_pool", f"{block}.pool", nn.MaxPool2d(3, 2, 1))
        for j in range(1, config.res_blocks + 1):
            res = f"{block}.res{j}"
            for k, hook in ((1, "hook_conv1"), (2, "hook_branch")):
                draft.add(f"{res}.hook_relu{k}", f"{res}.relu{k}", nn.ReLU())
                draft.conv(f"{res}.{hook}", f"{res}.conv{k}", width, width, 3)
            skip = draft.add(f"{res}.hook_out", f"{res}.add", Add(), skip, draft.last)
        channels, side = width, _halved(_strided(side, stride))
    draft.add("trunk.hook_relu", "trunk.relu", nn.ReLU())
    draft.add("trunk.hook_flat", "trunk.flatten", Flatten())
    draft.hidden("hidden", channels * side * side, config.hidden)
    return draft.heads(config.hidden, len(config.actions))


def _nature(config: NatureConfig, draft: Draft) -> Draft:
    channels, side = 3, FRAME
    draft.add("hook_input", "observe", Observe())
    for i, (width, kernel, stride) in enumerate(zip(config.channels, (8, 4, 3), (4, 2, 1), strict=True), 1):
        draft.conv(f"layer{i}.hook_conv", f"layer{i}.conv", channels, width, kernel, stride, padding=0)
        draft.add(f"layer{i}.hook_relu", f"layer{i}.relu", nn.ReLU())
        channels, side = width, (side - kernel) // stride + 1
    draft.add("trunk.hook_flat", "trunk.flatten", Flatten())
    draft.hidden("hidden", channels * side * side, config.hidden)
    return draft.heads(config.hidden, len(config.actions))


def _distill(config: DistillConfig, draft: Draft) -> Draft:
    channels, side = 3, FRAME
    draft.add("hook_input", "observe", Observe())
    for name, width in zip(("1a", "2a", "2b", "3a", "4a"), config.channels, strict=True):
        layer = f"layer{name}"
        draft.conv(f"{layer}.hook_conv", f"{layer}.conv", channels, width, 7 if name == "1a" else 5)
        draft.add(f"{layer}.hook_relu", f"{layer}.relu", nn.ReLU())
        if name != "2a":
            draft.add(f"{layer}.hook_pool", f"{layer}.pool", L2Pool())
            side //= 2
        channels = width
    draft.add("trunk.hook_flat", "trunk.flatten", Flatten())
    draft.hidden("hidden1", channels * side * side, config.hidden[0])
    draft.hidden("hidden2", config.hidden[0], config.hidden[1])
    return draft.heads(config.hidden[1], len(config.actions))


def _strided(side: int, stride: int) -> int:
    return (side - 1) // stride + 1  # odd kernel, padded by half of it


def _halved(side: int) -> int:
    return _strided(side, 2)


GRAPHS = {ImpalaConfig: _impala, NatureConfig: _nature, DistillConfig: _distill}


_LARGEST = 16_384
"""A size beyond any that is meant: a damaged config must not ask the machine for petabytes."""


def _check_sizes(config: Config, *sizes: int) -> None:
    if any(type(size) is not int or not 1 <= size <= _LARGEST for size in sizes):
        raise PolicyError(f"all sizes of {type(config).__name__} must be whole numbers, 1 to {_LARGEST}, got {config}")
    actions = config.actions
    known = isinstance(actions, tuple) and all(type(action) is int and action in ALL_ACTIONS for action in actions)
    if not known or len(set(actions)) < max(len(actions), 2):
        raise PolicyError(
            f"actions must be a tuple of different Procgen actions from 0 to 14, at least two, got {actions}"
        )


def _many(config: Config, name: str, count: int | None = None) -> tuple[int, ...]:
    """The sizes in a field of a config, which must be a tuple, of `count` of them if that is given."""
    sizes = getattr(config, name)
    if not isinstance(sizes, tuple) or not sizes or (count is not None and len(sizes) != count):
        raise PolicyError(f"{name} of {type(config).__name__} must be a tuple of {count or 'some'} sizes, got {sizes}")
    return sizes
