"""The registry finds slices by their folders, and refuses those that do not fit on their page."""

from __future__ import annotations

import pytest

from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.registry import PAGES, all_slices, page, slices
from mechinterp.experiments.slice import Sizes, Slice


def made(name: str, *, position: int = 10, needs: tuple[str, ...] = (), on: str = "report") -> Slice:
    return Slice(package=f"x.{name}", page=on, position=position, title="T?", question="Q?", needs=needs)


def test_the_report_is_in_its_order():
    order = ["model", "performance", "coin_placement", "total_effect", "coin_contrast", "channel_patching", "circuit"]
    assert [one.name for one in slices("report") if one.name in order] == order


def test_every_slice_stands_on_a_page_under_its_folders_name():
    for name, one in all_slices().items():
        assert one.name == name
        assert one.package == f"mechinterp.experiments.{name}"
        assert one.page in PAGES
        assert one.title.endswith("?")
        assert one.question.endswith(("?", "."))


def test_positions_are_sorted_and_equal_ones_by_name(invented):
    invented(made("b", position=20), made("c", position=10), made("a", position=20))
    assert [one.name for one in slices("report")] == ["c", "a", "b"]


def test_a_page_has_its_own_slices_only(invented):
    invented(made("a"), made("b", on="localization"))
    assert [one.name for one in slices("localization")] == ["b"]


@pytest.mark.parametrize(
    ("those", "message"),
    [
        ([made("a", on="reprot")], "no page is called 'reprot'; did you mean 'report'"),
        ([made("a", needs=("b",))], "slice 'a' needs 'b', which is not before it"),
        ([made("a", position=10, needs=("b",)), made("b", position=20)], "slice 'a' needs 'b'"),
        ([made("a", position=10, needs=("a",))], "slice 'a' needs 'a'"),
        ([made("a", position=20, needs=("b",)), made("b", on="localization")], "slice 'a' needs 'b'"),
    ],
)
def test_slices_that_do_not_fit_are_refused(invented, those, message):
    invented(*those)
    with pytest.raises(ExperimentError, match=message):
        all_slices()


def test_unknown_pages_are_refused():
    with pytest.raises(ExperimentError, match="did you mean 'report'"):
        page("reports")
    with pytest.raises(ExperimentError, match="no page"):
        slices("nothing")


def test_a_needed_result_must_be_there():
    one = all_slices()["channel_patching"]
    with pytest.raises(ExperimentError, match="channel_patching needs the result of coin_contrast, total_effect"):
        one.measure(None, {})  # pyright: ignore[reportArgumentType]


def test_sizes_follow_the_plan():
    sizes = Sizes(full=1, quick=2)
    assert sizes.of(Plan(levels=10)) == 1
    assert sizes.of(Plan(levels=10, quick=True)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [({"levels": 9}, "at least 10"), ({"levels": 10**9}, "there are"), ({"levels": 10, "states": 0}, "at least 1")],
)
def test_plans_that_cannot_be_measured_are_refused(options, message):
    with pytest.raises(ExperimentError, match=message):
        Plan(**options)
