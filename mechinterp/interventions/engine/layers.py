"""How each kind of layer passes on the part of an activation that patches have changed.

All rules are exact (up to rounding): a convolution and a linear layer add what the change of their input does to their
unpatched output, everything else is recomputed where its input changed, with unpatched values around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mechinterp.interventions.engine.parts import Part, change, cut, dense, take
from mechinterp.interventions.engine.regions import WHOLE, Region, whole
from mechinterp.interventions.engine.windows import canvas_of, maximum_along, reach_of, seen_in
from mechinterp.policies.layers import Add, Flatten, L2Pool, ValueHead
from mechinterp.policies.traits import Window, window_of

FEW, FEW_OF_LINEAR = 4, 16
"""A layer is run on the change of single channels where at most one in so many of its inputs have changed. (Weights are
copied for each patch then, and a linear layer has many.)"""

Step = Callable[[Any, Sequence["Part | None"], Sequence[Tensor], Tensor], "Part | None"]
"""`step(module, parts of its inputs, unpatched inputs, unpatched output)`: the part of its output, or None."""


def relu(module: nn.ReLU, parts: Sequence[Part | None], bases: Sequence[Tensor], out: Tensor) -> Part:
    part = _one(parts)
    value = part.value.relu_() if part.owned else part.value.relu()
    return Part(value, part.region, part.channels, owned=True)


def flatten(module: Flatten, parts: Sequence[Part | None], bases: Sequence[Tensor], out: Tensor) -> Part:
    part = _one(parts)
    return Part(part.value, part.region, part.channels, maps=bases[0])


def pool(module: nn.Module, parts: Sequence[Part | None], bases: Sequence[Tensor], out: Tensor) -> Part | None:
    """Any pooling that treats each channel by itself."""
    part = _one(parts)
    window = _window(module)
    if (reach := reach_of(part, window, out)) is None:
        return None
    region, cells = reach
    fill = -torch.inf if isinstance(module, nn.MaxPool2d) else 0.0
    canvas = canvas_of(part, bases[0], cells, fill=fill)
    if isinstance(module, nn.MaxPool2d):
        value = maximum_along(maximum_along(canvas, 2, window), 3, window)
    else:
        rows = canvas.flatten(0, 1).permute(0, 3, 1, 2)
        value = module(rows).permute(0, 2, 3, 1).unflatten(0, canvas.shape[:2])
    return Part(value, region, part.channels, owned=True)


def add(module: Add, parts: Sequence[Part | None], bases: Sequence[Tensor], out: Tensor) -> Part:
    skip, branch = parts
    if skip is None or branch is None:
        part, other = (branch, bases[0]) if skip is None else (skip, bases[1])
        assert part is not None
        assert part.region is not None
        rest = take(cut(other, part.region), part.channels)
        value = part.value.add_(rest) if part.owned else part.value + rest
        return Part(value, part.region, part.channels, owned=True)
    assert skip.region is not None
    assert branch.region is not None
    region = skip.region | branch.region
    if skip.channels is None and skip.region == region == branch.region and branch.channels is None:
        value = branch.value.add_(skip.value) if branch.owned else skip.value + branch.value
        return Part(value, region, None, owned=True)
    total = dense(branch, bases[1], region)
    own = branch.owned or total is not branch.value
    total = total.add_(cut(bases[0], region)) if own else total + cut(bases[0], region)
    # The skip's own change comes on top, where it is.
    inner = total[:, :, skip.region.rows.within(region.rows), skip.region.columns.within(region.columns)]
    delta = change(skip, bases[0])
    if skip.channels is None:
        inner += delta
    else:
        shape = (len(skip.channels), 1, 1, 1, skip.channels.shape[1])
        inner.scatter_add_(-1, skip.channels.reshape(shape).expand(delta.shape), delta)
    return Part(total, region, None, owned=True)


def conv(module: nn.Conv2d, parts: Sequence[Part | None], bases: Sequence[Tensor], out: Tensor) -> Part | None:
    part = _one(parts)
    window = _window(module)
    if (reach := reach_of(part, window, out)) is None:
        return None
    region, cells = reach
    if part.channels is not None and _few(part.channels.shape[1], module.in_channels, FEW):
        value = _conv_of_change(module, part, bases[0], cut(out, region), window, cells)
        return Part(value, region, None, owned=True)
    side = whole(*bases[0].shape[1:3])
    if region == whole(*out.shape[1:3]):  # the layer's own padding spares copying into a padded canvas
        canvas, padding = dense(part, bases[0], side), module.padding
    else:
        canvas, padding = canvas_of(part, bases[0], cells, fill=0.0, all_channels=True), 0
    rows = canvas.flatten(0, 1).permute(0, 3, 1, 2)
    value = F.conv2d(rows, module.weight, module.bias, module.stride, padding)  # pyright: ignore[reportArgumentType]
    return Part(value.permute(0, 2, 3, 1).unflatten(0, canvas.shape[:2]), region, None, owned=True)


def linear(module: nn.Linear, parts: Sequence[Part | None], bases: Sequence[Tensor], out: Tensor) -> Part:
    part = _one(parts)
    weight = module.weight
    if part.maps is not None:
        value = _linear_of_maps(module, part, part.maps, out)
    elif part.channels is None or not _few(part.channels.shape[1], module.in_features, FEW_OF_LINEAR):
        value = F.linear(dense(part, bases[0], None), weight, module.bias)
    else:
        of_features = weight.t()[part.channels]  # m k out
        delta = change(part, bases[0])
        value = torch.baddbmm(out.reshape(len(out), -1).expand(len(delta), -1, -1), delta, of_features)
    if isinstance(module, ValueHead):
        value = value.squeeze(-1)
    return Part(value, None, None, owned=True)


STEPS: dict[type[nn.Module], Step] = {
    nn.ReLU: relu,
    nn.MaxPool2d: pool,
    L2Pool: pool,
    Add: add,
    Flatten: flatten,
    nn.Conv2d: conv,
    nn.Linear: linear,
    ValueHead: linear,
}


def supported(module: nn.Module) -> bool:
    """Whether the rules here hold for this module as it is configured: of exactly these kinds, with its own forward."""
    if type(module) not in STEPS or "forward" in vars(module):  # (weights with a parametrization make another type)
        return False
    if isinstance(module, nn.Conv2d):
        return computes_plainly(module) and module.dilation == (1, 1) and not isinstance(module.padding, str)
    if isinstance(module, nn.MaxPool2d):
        return module.dilation in (1, (1, 1)) and not module.ceil_mode and not module.return_indices
    return True


def computes_plainly(module: nn.Module) -> bool:
    """Whether a layer is a convolution with zero padding or a linear map by its weights, also where these are
    parametrized, and nothing else.
    """
    for kind in (ValueHead, nn.Conv2d, nn.Linear):
        if isinstance(module, kind):
            own = type(module).forward is kind.forward and "forward" not in vars(module)
            return own and (
                not isinstance(module, nn.Conv2d) or (module.groups == 1 and module.padding_mode == "zeros")
            )
    return False


def _conv_of_change(
    module: nn.Conv2d, part: Part, base: Tensor, out: Tensor, window: Window, cells: Region
) -> Float[Tensor, "m p h w out"]:
    """Unpatched output plus the convolution of the change in the few channels that changed."""
    assert part.channels is not None
    (m, k), (p, h, w, width) = part.channels.shape, out.shape
    canvas = part.value.new_zeros(m, k, p, cells.rows.size, cells.columns.size)
    part = seen_in(part, cells)
    assert part.region is not None
    rows, columns = part.region.rows.within(cells.rows), part.region.columns.within(cells.columns)
    canvas[:, :, :, rows, columns] = change(part, base).movedim(-1, 1)
    views = canvas.unfold(3, window.kernel[0], window.stride[0]).unfold(4, window.kernel[1], window.stride[1])
    # m, k kh kw, p h w: in this order whole rows of the map are copied at once.
    inputs = views.permute(0, 1, 5, 6, 2, 3, 4).reshape(m, -1, p * h * w)
    kernels = module.weight.permute(1, 2, 3, 0)[part.channels].reshape(m, -1, width)
    unpatched = out.reshape(1, p * h * w, width).expand(m, -1, -1)
    return torch.baddbmm(unpatched, inputs.transpose(1, 2), kernels).reshape(m, p, h, w, width)


def _linear_of_maps(module: nn.Linear, part: Part, maps: Tensor, out: Tensor) -> Float[Tensor, "m p out"]:
    """Unpatched output plus what the change of the flattened map does."""
    region = part.region
    assert region is not None
    side = whole(*maps.shape[1:3])
    if part.channels is not None and not _few(part.channels.shape[1], maps.shape[3], FEW_OF_LINEAR):
        part = Part(dense(part, maps, region), region, None)
    m, p = part.value.shape[:2]
    if part.channels is None and region.area > WHOLE * side.area:
        flat = dense(part, maps, side).movedim(-1, 2).flatten(2)  # features are in channel, height, width order
        return F.linear(flat, module.weight, module.bias)
    delta = change(part, maps)
    kernels = module.weight.unflatten(1, (maps.shape[3], *maps.shape[1:3]))
    kernels = kernels[:, :, region.rows.slice, region.columns.slice].permute(1, 2, 3, 0)
    if part.channels is None:
        change_of_out = delta.movedim(-1, 2).reshape(m * p, -1) @ kernels.reshape(-1, kernels.shape[3])
        return out + change_of_out.reshape(m, p, -1)
    own = kernels[part.channels].permute(0, 2, 3, 1, 4).reshape(m, -1, kernels.shape[3])
    return torch.baddbmm(out.expand(m, -1, -1), delta.reshape(m, p, -1), own)


def _window(module: nn.Module) -> Window:
    window = window_of(module)
    assert window is not None
    return window


def _one(parts: Sequence[Part | None]) -> Part:
    (part,) = parts
    assert part is not None
    return part


def _few(changed: int, channels: int, one_in: int) -> bool:
    return changed == 1 or changed * one_in <= channels
