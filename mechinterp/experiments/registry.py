"""The pages, and the slices on each: found in this folder, none of them listed anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from mechinterp._discovery import members
from mechinterp.errors import nearest
from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.slice import Slice


@dataclass(frozen=True, kw_only=True)
class PageKind:
    """A list of slices that are run and shown together.

    Attributes:
        name: in words of the command line.
        title: of the page; ``{name}`` stands for the policy's name.
        file: what the page is called on disk.
        levels, states: of a `Plan`, by default and for a first look.
        fewest: levels that its intervals need.
    """

    name: str
    title: str
    file: str
    levels: tuple[int, int]
    states: tuple[int, int]
    fewest: int = 10


PAGES: Mapping[str, PageKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            PageKind(
                name="report", title="What does {name} want?", file="report.html", levels=(200, 40), states=(3, 2)
            ),
            PageKind(
                name="localization",
                title="Where is the coin in {name}?",
                file="localization.html",
                levels=(70, 40),
                states=(3, 2),
                fewest=36,  # 60 % must be at least the 20 that an AUROC needs, and some have no room for a coin
            ),
            PageKind(
                name="choices",
                title="What does {name} choose by?",
                file="choices.html",
                levels=(150, 60),
                states=(3, 2),
                fewest=40,  # with the room that a few levels lack
            ),
            PageKind(
                name="steering",
                title="What makes {name} go elsewhere?",
                file="steering.html",
                levels=(200, 40),
                states=(3, 2),
                fewest=20,  # 40 % of them choose what is blinded
            ),
        )
    }
)
"""Every page, by name."""


def page(name: str) -> PageKind:
    """The page of this name. Raises ExperimentError, with the nearest names, where there is none."""
    if name not in PAGES:
        raise ExperimentError(f"no page is called {name!r}{nearest(name, PAGES)}")
    return PAGES[name]


@cache
def all_slices() -> Mapping[str, Slice]:
    """Every slice of this package, by name.

    Raises:
        ExperimentError: a slice on no known page, or one that needs what does not stand before it on its page.
    """
    found: dict[str, Slice] = members("mechinterp.experiments", "SLICE")
    for one in found.values():
        kind = page(one.page)
        before = [s.name for s in found.values() if s.page == kind.name and s.position < one.position]
        if missing := [name for name in one.needs if name not in before]:
            raise ExperimentError(f"slice {one.name!r} needs {missing[0]!r}, which is not before it on its page")
    return MappingProxyType(found)


def slices(page_name: str) -> tuple[Slice, ...]:
    """The slices of a page, in its order."""
    kind = page(page_name)
    return tuple(sorted((s for s in all_slices().values() if s.page == kind.name), key=lambda s: (s.position, s.name)))
