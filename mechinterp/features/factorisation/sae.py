"""A sparse autoencoder with a fixed number of active latents: TopK (Gao et al. 2024), on one layer.

x' = b + D z,  z = the k largest of relu(E (x - b) + e), the others 0; D has columns of length 1. Trained on the squared
error, plus the same of what dead latents make of the rest (their "AuxK"), so that they come back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from mechinterp.features.errors import FeatureError

_BATCH = 512
_RATE = 2e-3
_AUXILIARY = 1 / 32
_DEAD_AFTER = 40
"""Steps without firing after which a latent is trained on what the others leave over."""


class SparseAutoencoder(nn.Module):
    """k of many latents a sample.

    Attributes:
        k: how many may be active.
    """

    def __init__(self, width: int, latents: int, k: int, generator: torch.Generator) -> None:
        super().__init__()
        self.k = k
        directions = torch.randn(latents, width, generator=generator)
        directions = directions / directions.norm(dim=1, keepdim=True)
        self.encoder = nn.Parameter(directions.clone())
        self.decoder = nn.Parameter(directions)
        self.threshold = nn.Parameter(torch.zeros(latents))
        self.middle = nn.Parameter(torch.zeros(width))

    def encode(self, x: Float[Tensor, "rows width"]) -> Float[Tensor, "rows latents"]:
        """The latents, all but the k largest 0."""
        return self._sparse(self._before(x), self.k)

    def decode(self, z: Float[Tensor, "rows latents"]) -> Float[Tensor, "rows width"]:
        """The reconstruction."""
        return z @ self.decoder + self.middle

    def forward(self, x: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
        return self.decode(self.encode(x))

    def _before(self, x: Tensor) -> Tensor:
        return torch.relu((x - self.middle) @ self.encoder.T + self.threshold)

    @staticmethod
    def _sparse(before: Tensor, k: int) -> Tensor:
        values, places = before.topk(k, dim=1)
        return torch.zeros_like(before).scatter(1, places, values)


@dataclass(frozen=True, eq=False)
class Trained:
    """An autoencoder of one layer, in the layer's own units.

    Attributes:
        hook: the layer.
        model: works on activations divided by `scale`.
        scale: root mean square of the activations around their mean.
        explained: share of the variance of held-out activations that it reproduces.
        dead: share of latents that are active nowhere in the held-out part.
    """

    hook: str
    model: SparseAutoencoder
    scale: float
    explained: float
    dead: float

    @torch.no_grad()
    def latents(
        self, values: Float32[np.ndarray, "frames channels *place"]
    ) -> Float32[np.ndarray, "frames latents *place"]:
        """Active latents at each place."""
        rows, shape = rows_of(torch.from_numpy(np.ascontiguousarray(values)))
        z = self.model.encode(rows / self.scale)
        return back(z, shape).numpy()

    @torch.no_grad()
    def rebuilt(self, values: Float[Tensor, "frames channels *place"]) -> Float[Tensor, "frames channels *place"]:
        """The activations as the autoencoder has them."""
        rows, shape = rows_of(values)
        return back(self.model(rows / self.scale) * self.scale, shape)


def train_sae(
    hook: str,
    values: Float32[np.ndarray, "frames channels *place"],
    held: Float32[np.ndarray, "other channels *place"],
    *,
    rng: np.random.Generator,
    latents: int = 128,
    k: int = 6,
    steps: int = 600,
) -> Trained:
    """Train on the activations of some levels, and judge on those of others. The same generator, the same result.

    Args:
        values, held: activations at `hook`: maps (each cell is a sample) or rows.
        latents: how many there are.
        k: how many may be active in a sample.
        steps: of Adam, with 512 samples each.

    Raises:
        FeatureError: k is not between 1 and the number of latents, or the layer never changes.
    """
    if not 1 <= k <= latents:
        raise FeatureError(f"k must be 1 to {latents} (the number of latents), got {k}")
    rows, _ = rows_of(torch.from_numpy(np.ascontiguousarray(values)))
    centre = rows.mean(0)
    scale = float((rows - centre).pow(2).mean().sqrt()) * rows.shape[1] ** 0.5
    if not scale > 0:
        raise FeatureError(f"{hook}: its activations never change, so there is nothing to take apart (a dead layer)")
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    model = SparseAutoencoder(rows.shape[1], latents, k, generator)
    with torch.no_grad():
        model.middle.copy_(centre / scale)
    optimizer = torch.optim.Adam(model.parameters(), lr=_RATE)
    silent = torch.zeros(latents)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = _RATE * min(1.0, 2 * (1 - step / steps))
        batch = rows[torch.randint(len(rows), (_BATCH,), generator=generator)] / scale
        _step(model, optimizer, batch, silent)
    other, _ = rows_of(torch.from_numpy(np.ascontiguousarray(held)))
    with torch.no_grad():
        z = model.encode(other / scale)
        left = (model.decode(z) * scale - other).pow(2).sum()
        total = (other - other.mean(0)).pow(2).sum()
    model.requires_grad_(False)
    explained = float(1 - left / total) if float(total) > 0 else 0.0
    return Trained(hook, model, scale, explained, float((z.amax(0) <= 0).float().mean()))


def _step(model: SparseAutoencoder, optimizer: torch.optim.Optimizer, batch: Tensor, silent: Tensor) -> None:
    """One step of Adam; `silent` counts the steps since each latent was active."""
    before = model._before(batch)
    z = model._sparse(before, model.k)
    error = batch - model.decode(z)
    loss = error.pow(2).sum(1).mean()
    dead = silent > _DEAD_AFTER
    if int(dead.sum()) >= model.k:
        revived = model._sparse(before * dead, model.k)
        loss = loss + _AUXILIARY * (error.detach() - revived @ model.decoder).pow(2).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        model.decoder.div_(model.decoder.norm(dim=1, keepdim=True).clamp_min(1e-9))
        silent += 1
        silent[(z > 0).any(0)] = 0


def rows_of(values: Float[Tensor, "frames channels *place"]) -> tuple[Float[Tensor, "rows channels"], tuple[int, ...]]:
    """Every place of every frame as a row, and the shape to turn them back to."""
    shape = tuple(values.shape)
    return values.movedim(1, -1).reshape(-1, shape[1]).float(), shape


def back(rows: Float[Tensor, "rows channels"], shape: tuple[int, ...]) -> Float[Tensor, "frames channels *place"]:
    """The inverse of `rows_of`, for rows of any width."""
    return rows.reshape(shape[0], *shape[2:], rows.shape[1]).movedim(-1, 1)
