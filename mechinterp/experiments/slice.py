"""`Slice`: one experiment, as the registry, the runner and the pages see it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mechinterp.experiments.errors import ExperimentError

if TYPE_CHECKING:
    import numpy as np

    from mechinterp.experiments.fields import Record
    from mechinterp.experiments.inputs.shared import Inputs
    from mechinterp.experiments.plan import Plan, Tick
    from mechinterp.policies.subject import Subject
    from mechinterp.reporting.figure import Figure, Text

SizeT = TypeVar("SizeT")


@dataclass(frozen=True)
class Sizes(Generic[SizeT]):
    """How much a slice measures: by default, and for a first look (``--quick``). Frozen dataclasses of plain values."""

    full: SizeT
    quick: SizeT

    def of(self, plan: Plan) -> SizeT:
        """The one that a plan asks for."""
        return self.quick if plan.quick else self.full


@dataclass(frozen=True, eq=False)
class Context(Generic[SizeT]):
    """What a slice measures with.

    Attributes:
        inputs: the subject, the plan, and whatever several slices share (episodes, states, pairs).
        size: how much to measure, one of the slice's `SIZES`.
        rng: the slice's own generator: adding or removing another slice changes no number of this one.
        tick: told in words what is being done.
    """

    inputs: Inputs
    size: SizeT
    rng: np.random.Generator
    tick: Tick = lambda words: None

    @property
    def subject(self) -> Subject:
        """The policy that the experiment is about."""
        return self.inputs.subject

    @property
    def plan(self) -> Plan:
        """Levels, states and seed."""
        return self.inputs.plan


@dataclass(frozen=True, kw_only=True)
class Slice:
    """One experiment. Its package holds `result`, `measure` and `view`; see `mechinterp.experiments`.

    Attributes:
        package: the package's ``__name__``.
        page: name of the page that it stands on, a key of `registry.PAGES`.
        position: its place on the page: slices are sorted by it. Steps of 10 leave room between.
        title, question: its heading, a question, and the line under it.
        needs: names of slices of the same page whose results ``measure`` is given after the context, in this order.
    """

    package: str
    page: str
    position: int
    title: str
    question: str
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.package.rpartition(".")[2]

    @property
    def result_type(self) -> type[Record]:
        """The class of its results."""
        return self._module("result").Result

    @property
    def sizes(self) -> Sizes[Any]:
        """How much it measures."""
        return self._module("measure").SIZES

    def measure(self, context: Context[Any], needed: Mapping[str, Record]) -> Record:
        """Measure it.

        Args:
            needed: the results of (at least) the slices that it needs, by name.

        Raises:
            ExperimentError: a needed result is missing, or ``measure`` returned something else than its `Result`.
        """
        if missing := [name for name in self.needs if name not in needed]:
            raise ExperimentError(f"{self.name} needs the result of {', '.join(missing)}, which was not measured")
        result = self._module("measure").measure(context, *(needed[name] for name in self.needs))
        if not isinstance(result, self.result_type):
            raise ExperimentError(f"{self.name}: measure returned a {type(result).__name__}, not its Result")
        return result

    def check_view(self) -> None:
        """Refuse a view that could not be shown.

        Raises:
            ExperimentError: ``view.py`` lacks ``figures``, ``text`` or ``METHOD``, or this is no tuple of paragraphs.
        """
        view = self._module("view")
        for name in ("figures", "text"):
            if not callable(getattr(view, name, None)):
                raise ExperimentError(f"{self.name}/view.py has no function {name}(result)")
        paragraphs = getattr(view, "METHOD", None)
        if not isinstance(paragraphs, tuple | list) or not all(isinstance(text, str) for text in paragraphs):
            raise ExperimentError(f"{self.name}/view.py: METHOD must be a tuple of paragraphs, got {paragraphs!r:.60}")

    def figures(self, result: Record) -> Sequence[Figure]:
        """What the page draws, with captions."""
        return self._module("view").figures(result)

    def text(self, result: Record) -> Text:
        """What the page says: headlines, key numbers, small tables."""
        return self._module("view").text(result)

    def method(self, result: Record) -> list[str]:
        """How it was measured: the paragraphs of ``METHOD``, in which ``{result.name}`` stands for a field."""
        paragraphs: Sequence[str] = self._module("view").METHOD
        return [paragraph.format(result=result) for paragraph in paragraphs]

    def _module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self.package}.{name}")
