"""captum's attribution methods, run in batches at a hook point."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from captum.attr import (
    InputXGradient,
    IntegratedGradients,
    LayerConductance,
    LayerFeatureAblation,
    LayerGradientXActivation,
    LayerIntegratedGradients,
    Occlusion,
)
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from mechinterp.features.errors import FeatureError
from mechinterp.policies.graph import Policy

METHODS = ("integrated gradients", "conductance", "gradient x activation", "occlusion")
_PIXELS = "hook_input"
_ROWS = 256  # images in one pass of an integral
_PARTS = 8  # occlusions in one pass


class Read(Protocol):
    """The readout of a batch of images, or of the values at a hook point that all information passes through."""

    def __call__(self, batch: Tensor, start: str = _PIXELS) -> Tensor: ...


class Method:
    """One method at one hook point."""

    def __init__(self, policy: Policy, read: Read, hook: str, method: str, window: int) -> None:
        self.policy, self.read, self.hook, self.method, self.window = policy, read, hook, method, window
        self.integrates = method in ("integrated gradients", "conductance")
        self.on_pixels = hook == _PIXELS
        self.whole = policy.frontier(hook) == (hook,)
        if method == "conductance" and self.on_pixels:
            raise FeatureError("conductance is for hidden layers; at the pixels it is 'integrated gradients'")
        if not 1 <= window <= 64:
            raise FeatureError(f"window must be 1 to 64 pixels, got {window}")
        if policy.hook_names.index(hook) >= policy.hook_names.index("hook_logits"):
            raise FeatureError(f"{hook} is an output; choose a hook point before it")

    def __call__(
        self, images: Float[Tensor, "frames 3 64 64"], baseline: Float[Tensor, "frames 3 64 64"], steps: int, batch: int
    ) -> Float32[np.ndarray, "frames channels *position"]:
        """The attributions; `steps` is read where the method integrates."""
        found = []
        for at in range(0, len(images), batch):
            own, base = images[at : at + batch].clone(), baseline[at : at + batch].clone()
            found.append(self._batch(own, base, steps).detach().float().cpu().numpy())
        return np.concatenate(found)

    @torch.no_grad()
    def change(
        self, images: Float[Tensor, "frames 3 64 64"], baseline: Float[Tensor, "frames 3 64 64"], batch: int
    ) -> Float64[np.ndarray, " frames"] | None:
        """What the attributions of each frame should add up to; None for methods that are not complete."""
        if not self.integrates or (self.method == "conductance" and not self.whole):
            return None
        found = []
        for at in range(0, len(images), batch):
            own, base = images[at : at + batch], baseline[at : at + batch]
            with_image = self.read(own)
            if self.whole:
                without = self.read(base)
            else:  # only this activation is taken along the path, so only it is replaced
                layer = self._layer(base)
                with self.policy.hooks_on({self.hook: lambda value, hook, layer=layer: layer}):
                    without = self.read(own)
            found.append((with_image.double() - without.double()).cpu().numpy())
        return np.concatenate(found)

    def _batch(self, images: Tensor, baseline: Tensor, steps: int) -> Tensor:
        layer = self.policy.hook_dict[self.hook]
        rows = max(_ROWS, len(images))
        if self.method == "integrated gradients":
            if self.on_pixels:
                images.requires_grad_()
                method = IntegratedGradients(self.read)
            elif self.whole:  # as below, without computing what comes before the layer again
                images, baseline = self._layer(images).requires_grad_(), self._layer(baseline)
                method = IntegratedGradients(lambda values: self.read(values, self.hook))
            else:
                method = LayerIntegratedGradients(self.read, layer)
            return method.attribute(images, baseline, n_steps=steps, internal_batch_size=rows)  # pyright: ignore
        if self.method == "conductance":
            method = LayerConductance(self.read, layer)
            return method.attribute(images, baseline, n_steps=steps, internal_batch_size=rows)  # pyright: ignore
        if self.method == "gradient x activation":
            if self.on_pixels:
                return InputXGradient(self.read).attribute(images.requires_grad_())
            return LayerGradientXActivation(self.read, layer).attribute(images)  # pyright: ignore
        with torch.no_grad():
            return self._occluded(images, baseline)

    def _occluded(self, images: Tensor, baseline: Tensor) -> Tensor:
        if self.on_pixels:
            shape = (3, self.window, self.window)
            return Occlusion(self.read).attribute(
                images, shape, strides=shape, baselines=baseline, perturbations_per_eval=_PARTS
            )
        values = self._layer(baseline)
        channels = torch.arange(values.shape[1], device=values.device)
        mask = channels.view(1, -1, *[1] * (values.ndim - 2)).expand_as(values[:1])
        method = LayerFeatureAblation(self.read, self.policy.hook_dict[self.hook])
        found = method.attribute(images, layer_baselines=values, layer_mask=mask)
        # captum writes a channel's effect into each of its positions; an equal share in each makes them add up to it
        return found / values[0, 0].numel()  # pyright: ignore

    def _layer(self, images: Tensor) -> Tensor:
        return self.policy.activations(None, self.hook, start_at=_PIXELS, values={_PIXELS: images})
