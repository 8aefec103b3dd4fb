"""A sparse autoencoder (SAE) of one layer, with a fixed number of active latents: TopK (Gao et al. 2024).

x' = W_dec z + b_dec,  z = TopK(relu(W_enc (x - b_dec) + b_enc)); W_dec has columns of norm 1. Trained on the squared
error, plus the auxiliary loss AuxK, in which dead latents reconstruct the residual, so that they are revived.
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
_AUX_COEFFICIENT = 1 / 32
_DEAD_AFTER = 40
"""Steps without an activation after which a latent counts as dead, and is trained on the residual."""


class SparseAutoencoder(nn.Module):
    """At most k of many latents are active in each sample.

    Attributes:
        k: how many may be active.
        encoder, decoder: a row a latent.
        encoder_bias, decoder_bias: of the latents, and of the reconstruction.
    """

    def __init__(self, width: int, latents: int, k: int, generator: torch.Generator) -> None:
        super().__init__()
        self.k = k
        directions = torch.randn(latents, width, generator=generator, dtype=torch.float32)
        directions = directions / directions.norm(dim=1, keepdim=True)
        self.encoder = nn.Parameter(directions.clone())
        self.decoder = nn.Parameter(directions)
        self.encoder_bias = nn.Parameter(torch.zeros(latents, dtype=torch.float32))
        self.decoder_bias = nn.Parameter(torch.zeros(width, dtype=torch.float32))

    def encode(self, x: Float[Tensor, "rows width"]) -> Float[Tensor, "rows latents"]:
        """The latents, all but the k largest 0."""
        return _top_k(self.pre_activations(x), self.k)

    def decode(self, z: Float[Tensor, "rows latents"]) -> Float[Tensor, "rows width"]:
        """The reconstruction."""
        return z @ self.decoder + self.decoder_bias

    def forward(self, x: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
        return self.decode(self.encode(x))

    def pre_activations(self, x: Float[Tensor, "rows width"]) -> Float[Tensor, "rows latents"]:
        """The latents before TopK."""
        return torch.relu((x - self.decoder_bias) @ self.encoder.T + self.encoder_bias)


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerAutoencoder:
    """A sparse autoencoder of one layer, in the layer's own units.

    Attributes:
        hook: the layer.
        model: works on activations divided by `scale`.
        scale: root mean square norm of the activations around their mean.
        explained: share of the variance of held-out activations that it reconstructs.
        dead: share of latents that are active nowhere in the held-out part.
    """

    hook: str
    model: SparseAutoencoder
    scale: float
    explained: float
    dead: float

    def __repr__(self) -> str:
        latents, width = self.model.encoder.shape
        return f"LayerAutoencoder({self.hook}: {latents} latents of {width} channels, k={self.model.k})"

    @torch.no_grad()
    def latents(
        self, values: Float32[np.ndarray, "frames channels *position"]
    ) -> Float32[np.ndarray, "frames latents *position"]:
        """The latents at each position."""
        rows, shape = as_rows(torch.from_numpy(np.ascontiguousarray(values)))
        z = self.model.encode(rows / self.scale)
        return as_maps(z, shape).numpy()

    @torch.no_grad()
    def reconstruct(
        self, values: Float[Tensor, "frames channels *position"]
    ) -> Float[Tensor, "frames channels *position"]:
        """The activations as the autoencoder reconstructs them."""
        rows, shape = as_rows(values)
        return as_maps(self.model(rows / self.scale) * self.scale, shape)


@torch.inference_mode(mode=False)
@torch.enable_grad()
def train_sae(
    hook: str,
    values: Float32[np.ndarray, "frames channels *position"],
    held: Float32[np.ndarray, "other channels *position"],
    *,
    rng: np.random.Generator,
    latents: int = 128,
    k: int = 6,
    steps: int = 600,
) -> LayerAutoencoder:
    """Train on the activations of some levels, and evaluate on those of others. Equal generators give equal results.

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
    rows, _ = as_rows(torch.from_numpy(np.ascontiguousarray(values)))
    centre = rows.mean(0)
    scale = float((rows - centre).pow(2).mean().sqrt()) * rows.shape[1] ** 0.5
    if not scale > 0:
        raise FeatureError(f"{hook}: its activations never change, so there is nothing to reconstruct (a dead layer)")
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    model = SparseAutoencoder(rows.shape[1], latents, k, generator)
    with torch.no_grad():
        model.decoder_bias.copy_(centre / scale)
    optimizer = torch.optim.Adam(model.parameters(), lr=_RATE)
    inactive = torch.zeros(latents, dtype=torch.float32)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = _RATE * min(1.0, 2 * (1 - step / steps))
        batch = rows[torch.randint(len(rows), (_BATCH,), generator=generator)] / scale
        _step(model, optimizer, batch, inactive)
    other, _ = as_rows(torch.from_numpy(np.ascontiguousarray(held)))
    with torch.no_grad():
        z = model.encode(other / scale)
        residual = (model.decode(z) * scale - other).pow(2).sum()
        total = (other - other.mean(0)).pow(2).sum()
    model.requires_grad_(False)
    return LayerAutoencoder(
        hook=hook,
        model=model,
        scale=scale,
        explained=float(1 - residual / total) if float(total) > 0 else 0.0,
        dead=float((z.amax(0) <= 0).float().mean()),
    )


def _step(model: SparseAutoencoder, optimizer: torch.optim.Optimizer, batch: Tensor, inactive: Tensor) -> None:
    """One step of Adam; `inactive` counts the steps since each latent was active."""
    before = model.pre_activations(batch)
    z = _top_k(before, model.k)
    error = batch - model.decode(z)
    loss = error.pow(2).sum(1).mean()
    dead = inactive > _DEAD_AFTER
    if int(dead.sum()) >= model.k:
        revived = _top_k(before * dead, model.k)
        loss = loss + _AUX_COEFFICIENT * (error.detach() - revived @ model.decoder).pow(2).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        model.decoder.div_(model.decoder.norm(dim=1, keepdim=True).clamp_min(1e-9))
        inactive += 1
        inactive[(z > 0).any(0)] = 0


def _top_k(before: Float[Tensor, "rows latents"], k: int) -> Float[Tensor, "rows latents"]:
    values, latents = before.topk(k, dim=1)
    return torch.zeros_like(before).scatter(1, latents, values)


def as_rows(
    values: Float[Tensor, "frames channels *position"],
) -> tuple[Float[Tensor, "rows channels"], tuple[int, ...]]:
    """Every position of every frame as a row, and the shape of the maps."""
    shape = tuple(values.shape)
    return values.movedim(1, -1).reshape(-1, shape[1]).float(), shape


def as_maps(rows: Float[Tensor, "rows channels"], shape: tuple[int, ...]) -> Float[Tensor, "frames channels *position"]:
    """The inverse of `as_rows`, for rows of any width."""
    return rows.reshape(shape[0], *shape[2:], rows.shape[1]).movedim(-1, 1)
