"""The commands of `mechinterp`, one module each.

A command is a module here, named as the command is typed, that holds one `COMMAND`. Nothing else registers it. The
modules are all imported for `mechinterp --help`, so they import what they work with inside `run`.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Command:
    """What the command line needs to know of one command."""

    summary: str
    """One line for `mechinterp --help`."""
    example: str
    """Command lines that work, and what they do; shown by `mechinterp NAME --help`."""
    configure: Callable[[argparse.ArgumentParser], None]
    """Adds the command's arguments to its parser."""
    run: Callable[[argparse.Namespace], None]
    """Does the work. Raises a `MechinterpError` for what the user can mend."""


def seed(text: str) -> int:
    """The argument of ``--seed``: what every generator here accepts."""
    if text.isdecimal() and int(text) < 2**63:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}, allowed are whole numbers from 0 to 2**63 - 1")


def names() -> list[str]:
    """All commands, as they are typed. Modules whose names begin with an underscore are none."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name.replace("_", "-") for name in modules if not name.startswith("_"))


def find(name: str) -> Command:
    """The command that is typed as `name`, one of `names()`."""
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}").COMMAND
