"""All sections of a report, one after the other, each kept as soon as it is done."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from mechinterp.coinrun import game_version
from mechinterp.reports.measure.behaviour import Stock, Tick, maximises, relocated
from mechinterp.reports.measure.circuit import circuit
from mechinterp.reports.measure.contrast import chosen_channels, contrast
from mechinterp.reports.measure.drive import measure_drive
from mechinterp.reports.measure.patching import patching
from mechinterp.reports.measure.scenes import Scenes
from mechinterp.reports.measure.subject import Plan, Subject
from mechinterp.reports.measure.who import who
from mechinterp.reports.results import Results
from mechinterp.reports.section import Section
from mechinterp.reports.store import Key, Store, code_version

PACKAGES = ("mechinterp", "torch", "transformer-lens", "captum", "numpy", "plotly")


def measure(subject: Subject, plan: Plan, folder: str | Path, *, command: str, tick: Tick) -> Results:
    """Measure every section, or find it in ``folder`` if an earlier run with the same settings was interrupted.

    Args:
        folder: where the report goes; what is measured is kept in ``results.partial`` in it, until `forget` is told
            that the report is written.
        command: the command line, for the page's footer.
        tick: told in words what is being done.
    """
    store = Store(folder, Key(subject.sha256, dataclasses.asdict(plan), code_version()))
    scenes = Scenes(subject, plan)
    stock = Stock(subject, plan, tick=tick)
    makers: dict[str, Callable[[], Section]] = {
        "who": lambda: who(subject, plan),
        "maximises": lambda: maximises(stock, plan),
        "relocated": lambda: relocated(stock, subject, plan, tick=tick),
        "drive": lambda: measure_drive(scenes, tick=tick),
        "contrast": lambda: contrast(scenes, tick=tick),
        "patching": lambda: patching(scenes, chosen_channels(store.get("contrast")), tick=tick),
        "circuit": lambda: circuit(scenes, tick=tick),
    }
    for name, make in makers.items():
        tick(f"section: {name}")
        store.section(name, make)
    settings = {
        "command": command,
        **dataclasses.asdict(plan),
        "game": dataclasses.asdict(subject.options),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            **dict([game_version()]),
        },
    }
    return store.assemble(subject.identity, settings)
