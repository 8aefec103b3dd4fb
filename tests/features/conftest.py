"""Small networks, frames with a yellow patch for a coin, and pairs made of them, without the game."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from mechinterp.policies import ImpalaConfig, Policy, build

YELLOW = (255, 255, 0)
SMALL = ImpalaConfig(channels=(6, 8), res_blocks=1, hidden=10)


@dataclass(frozen=True)
class Painted:
    """Pairs of random frames, the clean ones with a yellow square of 3 x 3 pixels."""

    clean: np.ndarray
    corrupted: np.ndarray
    levels: np.ndarray
    centres: np.ndarray
    variable: str = "painted coin"

    def __len__(self) -> int:
        return len(self.levels)

    def coin_cells(self, side, which):
        if which == "corrupted":
            return np.full((len(self.levels), 2), -1)
        return np.where(self.centres < 0, -1, self.centres * side // 64)


def painted(count: int, seed: int = 0, *, per_level: int = 1) -> Painted:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
    corrupted = coarse.repeat(4, 1).repeat(4, 2)
    clean = corrupted.copy()
    centres = rng.integers(4, 60, (count, 2))
    for frame, (row, column) in zip(clean, centres, strict=True):
        frame[row - 1 : row + 2, column - 1 : column + 2] = YELLOW
    return Painted(clean, corrupted, np.arange(count) // per_level, centres)


def colour_detector(channel: int = 3, seed: int = 0) -> Policy:
    """A random network whose first convolution has one channel that adds red and green and takes off blue."""
    policy = build(SMALL, seed=seed)
    conv = policy.get_submodule("block1.conv")
    with torch.no_grad():
        conv.weight[channel] = 0
        conv.weight[channel, :, 1, 1] = torch.tensor([1.0, 1.0, -2.0])
        conv.bias[channel] = -1.6
    return policy


def loud(seed: int = 0):
    """A small network that has preferences: at initialisation the logits are nearly zero."""
    policy = build(SMALL, seed=seed).requires_grad_(False)
    policy.get_parameter("logits.weight").mul_(200)
    policy.get_parameter("logits.bias").copy_(torch.linspace(-1, 1, 15))
    return policy


@pytest.fixture
def pairs() -> Painted:
    return painted(30)


@pytest.fixture
def small() -> Policy:
    return build(SMALL, seed=1)
