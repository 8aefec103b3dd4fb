"""Edits against values computed by hand, cell by cell, in numpy."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.interventions import (
    Ablate,
    Box,
    Clamp,
    Edit,
    InterventionError,
    Mask,
    NaturalRange,
    Patch,
    ProjectOut,
    Site,
    Steer,
    around,
    resampled,
)

ROWS, CHANNELS, HEIGHT, WIDTH = 3, 4, 5, 6
SHAPE = (CHANNELS, HEIGHT, WIDTH)


def values(rows: int = ROWS, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, *SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_loop(value, edit: Edit, inside, new) -> np.ndarray:
    """`new(row, channel, y, x)` where the edit applies, one number at a time."""
    out = value.numpy().copy()
    for r, c, y, x in np.ndindex(out.shape):
        if (edit.channels is None or c in edit.channels) and inside(r, y, x):
            out[r, c, y, x] = new(r, c, y, x)
    return out


channel_sets = st.none() | st.lists(st.integers(0, CHANNELS - 1), min_size=1, unique=True)
boxes = st.tuples(
    *(st.tuples(st.integers(0, n - 1), st.integers(1, n)).filter(lambda s: s[0] < s[1]) for n in (HEIGHT, WIDTH))
)


@given(channels=channel_sets, spans=st.none() | boxes, seed=st.integers(0, 5))
def test_patch_zero_mean_and_clamp_change_what_they_name_and_nothing_else(channels, spans, seed):
    value, other = values(seed=seed), values(seed=seed + 100)
    place = None if spans is None else Box(*spans)

    def inside(r, y, x):
        return spans is None or (spans[0][0] <= y < spans[0][1] and spans[1][0] <= x < spans[1][1])

    common = {"hook": "h", "channels": channels, "positions": place}
    mean = other.numpy().mean(0)
    before = value.clone()
    for edit, new in (
        (Patch(**common, replacement=other), lambda r, c, y, x: other[r, c, y, x]),
        (Patch(**common, replacement={"h": other[:1]}), lambda r, c, y, x: other[0, c, y, x]),
        (Ablate(**common), lambda r, c, y, x: 0.0),
        (Ablate(**common, mode="mean", reference=other), lambda r, c, y, x: mean[c, y, x]),
        (Ablate(**common, mode="resample", reference=other), lambda r, c, y, x: other[r, c, y, x]),
        (Clamp(**common, value=5.5), lambda r, c, y, x: 5.5),
    ):
        np.testing.assert_allclose(edit(value).numpy(), by_loop(value, edit, inside, new), rtol=0, atol=1e-12)
        assert torch.equal(value, before)


def test_a_mask_for_each_row_edits_each_row_at_its_own_cells():
    value = values()
    cells = np.array([[0, 0], [4, 5], [2, 3]])
    mask = around(cells, side=6, radius=1)
    assert mask.cells.shape == (3, 6, 6)
    assert mask.cells.sum((1, 2)).tolist() == [4, 6, 9]  # cut off at a corner, at an edge, whole
    edit = Ablate(hook="h", channels=[2], positions=Mask(mask.cells[:, :HEIGHT]))
    out = edit(value)
    for r, (row, column) in enumerate(cells):
        near = np.zeros((HEIGHT, WIDTH), bool)
        near[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = True
        assert (out[r, 2].numpy() == np.where(near, 0, value[r, 2].numpy())).all()
        assert torch.equal(out[r, [0, 1, 3]], value[r, [0, 1, 3]])


def test_clamp_gives_each_channel_its_own_value_in_the_order_of_the_channels():
    out = Clamp(hook="h", channels=[3, 1], value=[30.0, 10.0])(values())
    assert (out[:, 3] == 30).all()
    assert (out[:, 1] == 10).all()
    assert torch.equal(out[:, [0, 2]], values()[:, [0, 2]])


def test_steering_adds_the_direction_as_it_is():
    value = values()
    over_channels = torch.tensor([1.0, -2.0, 0.0, 3.0])
    whole = torch.randn(SHAPE, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    strengths = torch.tensor([0.0, 1.0, -2.0])
    by_channel = Steer(hook="h", direction=over_channels, strength=2.0)(value).numpy()
    for c in range(CHANNELS):
        np.testing.assert_allclose(by_channel[:, c], value[:, c].numpy() + 2 * float(over_channels[c]))
    by_row = Steer(hook="h", direction=whole, strength=strengths)(value)
    for r in range(ROWS):
        np.testing.assert_allclose(by_row[r].numpy(), (value[r] + strengths[r] * whole).numpy())


def test_projecting_out_leaves_nothing_along_the_direction_and_all_that_is_across():
    value = values()
    d = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    out = ProjectOut(hook="h", direction=d)(value)
    assert torch.einsum("rcyx,c->ryx", out, d).abs().max() < 1e-12
    across = torch.tensor([2.0, 1.0, 0.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(torch.einsum("rcyx,c->ryx", out, across), torch.einsum("rcyx,c->ryx", value, across))
    whole = torch.randn(SHAPE, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    out = ProjectOut(hook="h", direction=whole)(value)
    assert (out * whole).sum((1, 2, 3)).abs().max() < 1e-10
    torch.testing.assert_close(ProjectOut(hook="h", direction=7 * whole)(value), out)
    row = torch.randn(5, 8, generator=torch.Generator().manual_seed(1))
    assert (ProjectOut(hook="h", direction=torch.ones(8))(row).sum(1)).abs().max() < 1e-5


def test_resampled_rows_are_rows_of_the_reference_and_depend_on_the_generator_alone():
    reference = values(7)
    drawn = resampled(reference, 40, rng=np.random.default_rng(0))
    assert torch.equal(drawn, resampled(reference, 40, rng=np.random.default_rng(0)))
    chosen = [next(i for i in range(7) if torch.equal(row, reference[i])) for row in drawn]
    assert len(set(chosen)) == 7


def test_natural_range_flags_what_never_occurs():
    natural = values(200)
    known = NaturalRange.of(natural, quantiles=(0.0, 1.0))
    assert known.share_outside(natural).tolist() == [0.0] * CHANNELS
    out = Clamp(hook="h", channels=[1], value=100.0)(natural)
    assert known.share_outside(out).tolist() == [0.0, 1.0, 0.0, 0.0]
    tight = NaturalRange.of(natural, quantiles=(0.25, 0.75)).share_outside(natural)
    assert (tight - 0.5).abs().max() < 0.01
    with pytest.raises(InterventionError, match="4 channels are known"):
        known.share_outside(natural[:, :2])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Ablate(hook="h", channels=[]), "empty list of channels names nothing"),
        (lambda: Ablate(hook="h", channels=[1, 1]), "must be different"),
        (lambda: Ablate(hook="h", channels=[-1]), "not negative"),
        (lambda: Ablate(hook="h", channels=["a"]), "whole numbers"),
        (lambda: Ablate(hook="h", mode="median"), "unknown mode 'median'; did you mean 'mean'"),
        (lambda: Ablate(hook="h", mode="mean"), "needs a reference"),
        (lambda: Ablate(hook="h", reference=values()), "takes no reference"),
        (lambda: Patch(hook="h", replacement={"i": values()}), "no such activation"),
        (lambda: Clamp(hook="h", channels=[1, 2], value=[1.0, 2.0, 3.0]), "one for each of the 2 channels"),
        (lambda: Clamp(hook="h", value=float("nan")), "finite"),
        (lambda: ProjectOut(hook="h", direction=torch.zeros(4)), "direction is zero"),
        (lambda: Box((3, 3), (0, 1)), "name a cell"),
        (lambda: Mask(np.zeros((2, 3, 3), bool)), r"names no cell in rows \[0, 1\]"),
        (lambda: Mask(np.zeros((3, 3))), "must be bool"),
        (lambda: around(np.array([[1, 1], [-1, -1]]), side=4), r"rows \[1\]"),
        (lambda: Ablate(hook="h", channels=[4])(values()), "channels 0 to 3; there is no channel"),
        (lambda: Ablate(hook="h", positions=Box((0, 6), (0, 1)))(values()), "h: .*leaves a map of 5 x 6"),
        (lambda: Ablate(hook="h", positions=Box((0, 1), (0, 1)))(torch.zeros(2, 4)), "no feature map"),
        (lambda: Ablate(hook="h", positions=Mask(np.ones((2, 5, 6), bool)))(values()), "2 rows for a batch of 3"),
        (lambda: Patch(hook="h", replacement=values(2))(values()), r"replacement has shape \(2, 4, 5, 6\)"),
        (lambda: Patch(hook="h", replacement=values()[:, :2])(values()), "expected"),
        (lambda: Steer(hook="h", direction=torch.ones(5))(values()), "one number a channel"),
        (lambda: Steer(hook="h", direction=torch.ones(4), strength=torch.ones(2))(values()), "one a row"),
    ],
)
def test_edits_that_cannot_be_are_refused_with_a_reason(make, message):
    with pytest.raises(InterventionError, match=message):
        make()


def one_of_each() -> list[Edit]:
    mask = around(np.array([[0, 0], [4, 5], [2, 3]]), side=6, radius=1)
    reference = values(seed=7)
    return [
        Ablate("h", 2),
        Ablate("h", (3, 1), Box((1, 3), (0, 4)), mode="mean", reference=reference),
        Ablate("h", None, Mask(mask.cells[:, :HEIGHT]), mode="resample", reference=reference),
        Patch("h", 0, replacement={"h": reference, "i": reference}),
        Clamp("h", (2, 0), value=(1.5, -2)),
        Clamp("h", value=0.25),
        Steer("h", direction=np.arange(4.0), strength=torch.tensor([0.0, 1.0, 2.0])),
        ProjectOut("h", direction=torch.randn(SHAPE, generator=torch.Generator().manual_seed(2))),
    ]


@pytest.mark.parametrize("edit", one_of_each(), ids=str)
def test_edits_are_written_to_json_and_read_back(edit):
    again = Edit.from_dict(json.loads(json.dumps(edit.to_dict())))
    assert type(again) is type(edit)
    assert again.site == edit.site
    assert torch.equal(again(values()), edit(values()))
    assert not torch.equal(edit(values()), values())
    assert len(repr(edit)) < 200


def test_some_rows_of_an_edit_put_in_what_the_whole_edit_puts_in_there():
    value, rows = values(), slice(1, 3)
    for edit in one_of_each():
        whole = edit.new_values(value, slice(0, ROWS))
        torch.testing.assert_close(torch.where(edit.site.mask(value), whole, value), edit(value))
        torch.testing.assert_close(edit.new_values(value[rows], rows), whole[rows])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"edit": "Ablat", "hook": "h", "channels": None, "positions": None},
        {"edit": "Ablate", "hook": "h"},
        {"edit": "Ablate", "hook": "h", "channels": None, "positions": None, "mod": "zero"},
        {"edit": "Ablate", "hook": "h", "channels": [1], "positions": {"rows": [0, 1]}, "mode": "zero"},
        {"edit": "Steer", "hook": "h", "channels": None, "positions": None, "direction": {"tensor": {"dtype": "O"}}},
        {"edit": "Edit", "hook": "h", "channels": None, "positions": None},
    ],
)
def test_what_is_no_edit_is_refused(data):
    with pytest.raises(InterventionError, match=r"no edit|no site"):
        Edit.from_dict(data)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Steer, {"direction": torch.tensor([1.0, np.nan])}),
        (Steer, {"direction": np.array([1.0, np.inf])}),
        (Steer, {"direction": None}),
        (Steer, {"direction": np.array(["a"])}),
        (Steer, {"direction": torch.ones(2), "strength": np.nan}),
        (Steer, {"direction": torch.ones(2), "strength": "a"}),
        (Steer, {"direction": torch.ones(2), "strength": None}),
        (Steer, {"direction": torch.ones(2), "strength": torch.tensor([1.0, np.inf])}),
        (ProjectOut, {"direction": "a"}),
        (ProjectOut, {"direction": torch.tensor([np.nan, 1.0])}),
        (Patch, {"replacement": torch.full((1, 2), np.nan)}),
        (Patch, {"replacement": {"h": np.full((1, 2), np.nan)}}),
        (Patch, {"replacement": None}),
        (Patch, {"replacement": 3}),
        (Patch, {"replacement": torch.tensor(3.0)}),
        (Ablate, {"mode": "mean", "reference": torch.full((1, 2), np.inf)}),
        (Ablate, {"mode": "resample", "reference": torch.ones(0, 2)}),
        (Ablate, {"mode": "mean", "reference": "a"}),
        (Clamp, {"value": "a"}),
        (Clamp, {"value": "3"}),
        (Clamp, {"value": None}),
        (Clamp, {"value": [[1], [1, 2]]}),
    ],
    ids=str,
)
def test_values_that_are_no_finite_numbers_are_refused_when_the_edit_is_made(kind, given):
    with pytest.raises(InterventionError, match=f"{kind.__name__} at h: .*must be"):
        kind("h", **given)


def test_a_site_in_place_of_a_hook_points_name_is_told_what_to_write():
    with pytest.raises(InterventionError, match=r"Ablate\(site.hook, site.channels, site.positions\)"):
        Ablate(Site("h", 1))


@pytest.mark.parametrize("rows", [(0.5, 1), 3, None, ("a", 1), (0, 1, 2), (1, 1), "01"], ids=str)
def test_a_box_is_made_of_whole_numbers(rows):
    with pytest.raises(InterventionError, match=r"Box\.rows must be .*two whole numbers"):
        Box(rows, (0, 1))
    assert Box(np.array([0, 2]), (0, 1)) == Box((0, 2), (0, 1))
