"""What each kind of module does to channels and places: one table, read by patching, receptive fields, budgets, graphs.

To make a new kind of layer known to all of them, add a row to `TRAITS`. (The fast engine also needs a rule for it in
`interventions/engine/layers.py`; without one it runs such networks as they are, more slowly.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from torch import nn

from mechinterp.policies.errors import PolicyError
from mechinterp.policies.layers import Add, Flatten, L2Pool, Observe, ValueHead

Channels = Literal["kept", "spread", "mixed"]
"""How a module treats channels. kept: channel c of the output is made of channel c of each input alone; spread: so too,
but a channel becomes several features; mixed: each output may depend on every input."""


class Window(NamedTuple):
    """What a layer that slides a window over a map does along its rows and along its columns, in cells."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    @property
    def area(self) -> int:
        """Cells that the window covers."""
        return self.kernel[0] * self.kernel[1]


@dataclass(frozen=True)
class Traits:
    """What is known of a kind of module.

    Attributes:
        channels: see `Channels`.
        weighted: whether it has weights; a circuit's nodes are the channels of such layers.
        linear: whether its output is linear (affine) in its inputs.
        copies: whether the output holds the same numbers as the input, perhaps in another shape.
        window: module -> its window; None for modules without places in their output.
    """

    channels: Channels
    weighted: bool = False
    linear: bool = False
    copies: bool = False
    window: Callable[[Any], Window] | None = None


def _cell(module: nn.Module) -> Window:
    return Window((1, 1))


def _sliding(module: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> Window:
    kernel, stride = _both(module.kernel_size), _both(module.stride)
    dilation = _both(getattr(module, "dilation", 1))
    return Window(kernel, stride, _padding(module, kernel, dilation), dilation)


TRAITS: dict[type[nn.Module], Traits] = {
    Observe: Traits("kept", linear=True, window=_cell),
    nn.Conv2d: Traits("mixed", weighted=True, linear=True, window=_sliding),
    nn.Linear: Traits("mixed", weighted=True, linear=True),
    ValueHead: Traits("mixed", weighted=True, linear=True),
    nn.ReLU: Traits("kept", window=_cell),
    nn.Identity: Traits("kept", linear=True, copies=True, window=_cell),
    nn.MaxPool2d: Traits("kept", window=_sliding),
    nn.AvgPool2d: Traits("kept", linear=True, window=_sliding),
    L2Pool: Traits("kept", window=lambda module: Window((2, 2), (2, 2))),
    Add: Traits("kept", linear=True, window=_cell),
    Flatten: Traits("spread", linear=True, copies=True),
}


def traits_of(module: nn.Module) -> Traits:
    """The row of the table for a module, or for the nearest class that it is derived from.

    Raises:
        PolicyError: a kind of module that is not in the table.
    """
    for kind in type(module).__mro__:
        if kind in TRAITS:
            return TRAITS[kind]
    names = ", ".join(kind.__name__ for kind in TRAITS)
    raise PolicyError(f"what {type(module).__name__} does to channels and places is not known; known are {names}")


def window_of(module: nn.Module) -> Window | None:
    """The window that a module slides over a map (1 x 1 where it treats each cell by itself); None without places.

    Raises:
        PolicyError: as `traits_of`; or padding of another size on one side than on the other.
    """
    window = traits_of(module).window
    return None if window is None else window(module)


def _both(size: int | tuple[int, ...]) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    rows, columns = size
    return rows, columns


def _padding(module: Any, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    if module.padding == "valid":
        return 0, 0
    if module.padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        if any(size % 2 for size in total):
            raise PolicyError(f"{module} pads one side more than the other; give it an odd kernel")
        return total[0] // 2, total[1] // 2
    return _both(module.padding)
