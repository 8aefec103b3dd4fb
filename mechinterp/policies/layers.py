"""The layers that torch lacks.

None works in place and none returns a view of its input, so that no activation can be changed through another one.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F


class Observe(nn.Module):
    """uint8 frames as the environment gives them (`frames.as_frames` checks them) -> 0 to 1, channels first."""

    full_scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        # A buffer, so that `policy.to(...)` also says which dtype and device the observation is turned into.
        self.register_buffer("full_scale", torch.tensor(255.0, dtype=torch.float32), persistent=False)

    def forward(self, obs: UInt8[Tensor, "batch 64 64 3"]) -> Float[Tensor, "batch 3 64 64"]:
        obs = obs.to(self.full_scale.device)
        # The permuted frames are already in channels_last memory, and `to` keeps that.
        return obs.permute(0, 3, 1, 2).to(self.full_scale.dtype) / self.full_scale


class Add(nn.Module):
    """The sum at the end of a residual block."""

    def forward(self, skip: Tensor, branch: Tensor) -> Tensor:
        return skip + branch


class Flatten(nn.Module):
    """Maps -> one row, in channel, height, width order whatever the memory format."""

    def forward(self, maps: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch feature"]:
        flat = maps.flatten(1)
        return flat.clone() if maps.is_contiguous() else flat  # of contiguous maps, `flat` is a view


class L2Pool(nn.Module):
    """Root of the mean square over 2 x 2 cells, `sqrt(mean(x * x) + 1e-8)` (Hilton et al. 2020)."""

    def forward(self, maps: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel h2 w2"]:
        return (F.avg_pool2d(maps * maps, 2) + 1e-8).sqrt()


class ValueHead(nn.Linear):
    """A linear read-out of one number per row."""

    def forward(self, input: Float[Tensor, "batch feature"]) -> Float[Tensor, " batch"]:
        return super().forward(input).squeeze(-1)
