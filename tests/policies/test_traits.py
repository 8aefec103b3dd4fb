"""What the table says of each kind of module is what its gradients and its outputs show."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mechinterp.policies import PolicyError, Window, traits_of, window_of
from mechinterp.policies.layers import Add, Flatten, L2Pool, Observe, ValueHead
from mechinterp.policies.traits import TRAITS

MAPS = {
    nn.Conv2d: nn.Conv2d(3, 4, 5, 2, 2),
    nn.ReLU: nn.ReLU(),
    nn.Identity: nn.Identity(),
    nn.MaxPool2d: nn.MaxPool2d(3, 2, 1),
    nn.AvgPool2d: nn.AvgPool2d(2, 2),
    L2Pool: L2Pool(),
    Add: Add(),
    Flatten: Flatten(),
}
ROWS = {nn.Linear: nn.Linear(6, 4), ValueHead: ValueHead(6, 1)}
SIDE = 8


def inputs(module: nn.Module, count: int = 1) -> list[torch.Tensor]:
    shape = (count, 3, SIDE, SIDE) if type(module) in MAPS else (count, 6)
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for _ in range(2 if isinstance(module, Add) else 1)]


def test_every_row_is_tested():
    assert {*MAPS, *ROWS, Observe} == set(TRAITS)


@pytest.mark.parametrize("kind", [*MAPS, *ROWS], ids=lambda kind: kind.__name__)
def test_weights_linearity_and_copies(kind: type[nn.Module]):
    module, traits = (MAPS | ROWS)[kind], TRAITS[kind]
    assert traits.weighted == (next(module.parameters(), None) is not None)
    one, two = (inputs(module, 2)[0][i : i + 1] for i in (0, 1))
    pair = isinstance(module, Add)
    middle = module(*[(one + two) / 2] * (1 + pair))
    ends = (module(*[one] * (1 + pair)) + module(*[two] * (1 + pair))) / 2
    assert torch.allclose(middle, ends, atol=1e-5) == traits.linear
    assert torch.equal(module(*[one] * (1 + pair)).flatten(), one.flatten()) == traits.copies


@pytest.mark.parametrize("kind", MAPS, ids=lambda kind: kind.__name__)
def test_a_channel_reaches_the_outputs_that_the_table_says(kind: type[nn.Module]):
    module, given = MAPS[kind], inputs(MAPS[kind])
    plain = module(*given)
    given[0] = given[0].clone()
    given[0][:, 1] += 3
    changed = (module(*given) != plain).any(0)
    if TRAITS[kind].channels == "spread":
        changed = changed.unflatten(0, (3, -1))
    reached = changed.flatten(1).any(1).nonzero().flatten().tolist()
    assert reached == ([0, 1, 2, 3] if TRAITS[kind].channels == "mixed" else [1])


@pytest.mark.parametrize("kind", MAPS, ids=lambda kind: kind.__name__)
def test_a_window_is_what_one_output_cell_reads(kind: type[nn.Module]):
    module = MAPS[kind]
    window = window_of(module)
    if window is None:
        assert kind is Flatten
        return
    given = [torch.rand(1, 3, SIDE, SIDE, requires_grad=True) + 1 for _ in inputs(module)]
    for row in range(module(*given).shape[2]):
        read = set()
        for seed in range(12):  # a maximum has a gradient at one cell only: over draws, at each
            start = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
            leaf = (start + 1).requires_grad_()
            module(*[leaf] * len(given))[0, :, row, 1].sum().backward()
            assert leaf.grad is not None
            read |= set(leaf.grad[0].abs().sum((0, 2)).nonzero().flatten().tolist())
        first = row * window.stride[0] - window.padding[0]
        assert read == set(range(max(first, 0), min(first + window.kernel[0], SIDE)))


def test_windows_along_each_axis_padding_in_words_and_dilation():
    assert window_of(nn.Conv2d(1, 1, (3, 5), (1, 2), (1, 0))) == Window((3, 5), (1, 2), (1, 0))
    assert window_of(nn.Conv2d(1, 1, 3, padding="same", dilation=2)) == Window((3, 3), (1, 1), (2, 2), (2, 2))
    assert window_of(nn.Conv2d(1, 1, 3, padding="valid")) == Window((3, 3))
    assert Window((3, 5)).area == 15
    assert window_of(nn.Linear(2, 2)) is None
    with pytest.raises(PolicyError, match="pads one side more than the other"):
        window_of(nn.Conv2d(1, 1, 4, padding="same"))


def test_a_derived_class_has_its_parents_row_and_an_unknown_one_is_refused():
    class Mine(nn.Conv2d):
        pass

    assert traits_of(Mine(1, 1, 1)) is TRAITS[nn.Conv2d]
    with pytest.raises(PolicyError, match="what GELU does to channels and places is not known; known are Observe"):
        traits_of(nn.GELU())
