"""Slices that measure nothing but what their generator draws, and a subject too small to matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from mechinterp.coinrun.engine import GameOptions
from mechinterp.experiments.fields import EstimateField, Record
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.slice import Context, Sizes, Slice
from mechinterp.policies import ImpalaConfig, build
from mechinterp.policies.card import Card
from mechinterp.policies.subject import Subject
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from tests.experiments.synthetic import estimate


class Drawn(Record):
    """What a toy found: a number that its generator drew, and the sum of those that it needed."""

    drawn: EstimateField
    needed: float
    size: int


class Other(Record):
    """Another kind of result."""

    drawn: EstimateField


@dataclass(frozen=True)
class Size:
    """How much; here, just a number."""

    count: int


@dataclass(frozen=True, kw_only=True)
class Toy(Slice):
    """A slice without a folder.

    Attributes:
        calls: gets its name whenever it is measured.
        shared: an input that it asks for.
        breaks: raised instead of measuring, if there is one.
    """

    calls: list[str] = field(default_factory=list)
    shared: Callable[[Inputs], Any] | None = None
    breaks: list[BaseException] = field(default_factory=list)
    kind: type[Record] = Drawn

    @property
    def result_type(self) -> type[Record]:
        return Drawn

    @property
    def sizes(self) -> Sizes[Any]:
        return Sizes(full=Size(10), quick=Size(1))

    def check_view(self) -> None:
        """A toy has no view.py."""

    def measure(self, context: Context[Any], needed: Mapping[str, Record]) -> Record:
        if self.breaks:
            raise self.breaks[0]
        self.calls.append(self.name)
        context.tick(f"measuring {self.name}")
        if self.shared is not None:
            context.inputs(self.shared)
        drawn = estimate(float(context.rng.normal()), 0.5)
        if self.kind is Other:
            return Other(drawn=drawn)
        total = sum(needed[name].drawn.value for name in self.needs)  # pyright: ignore[reportAttributeAccessIssue]
        return Drawn(drawn=drawn, needed=float(total), size=context.size.count)

    def figures(self, result: Record) -> Sequence[Figure]:
        return [Figure(style.figure(self.name, f"What did {self.name} draw?", height=300), "A number.")]

    def text(self, result: Record) -> Text:
        return Text([f"{self.name} was measured."], [KeyNumber(self.name, "1", "of 1")])

    def method(self, result: Record) -> list[str]:
        return ["Drawn at random."]


def toy(name: str, position: int, **options: Any) -> Toy:
    return Toy(package=f"toys.{name}", page="report", position=position, title="T?", question="Q?", **options)


def subject(*, sha256: str = "0" * 64, seed: int = 0) -> Subject:
    config = ImpalaConfig((2, 2), res_blocks=1, stem_kernel=5, stem_stride=4, hidden=8)
    options = GameOptions(distribution_mode="easy", use_backgrounds=False)
    return Subject("toy", build(config, seed=seed).eval(), Card(config), sha256, options)


def ranked(variable: str, readout: str, p: float) -> Any:
    """What slices ask of total effects: one effect with this p of its rank among random networks."""
    effect = SimpleNamespace(rank=SimpleNamespace(p=p))
    return SimpleNamespace(variables={variable: SimpleNamespace(readouts={readout: effect})})
