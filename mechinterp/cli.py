"""The command line: finds the command, and turns errors that a user can mend into one line.

Exit status: 0 done; 2 a wrong argument or a `MechinterpError`, printed as `error: ...`; 130 interrupted by Ctrl-C.
Anything else that goes wrong is a bug and keeps its traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import NoReturn

from mechinterp import __version__, commands
from mechinterp.errors import MechinterpError, nearest


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (by default the process's own) and return its exit status."""
    # Read when torch is first imported. Its threads would else burn a core while they wait for one another: on a busy
    # machine a small batch then takes ten times the CPU that its arithmetic does.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    given = list(sys.argv[1:] if argv is None else argv)
    traceback = "--traceback" in given[:1]
    try:
        known = commands.names()
        name = next((word for word in given if not word.startswith("-")), None)
        if name is not None and name not in known:
            raise MechinterpError(f"there is no command {name!r}{nearest(name, known)}")
        arguments = parser().parse_args(given)
        arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has seen enough, as in `mechinterp ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a shell reports SIGPIPE
    except MechinterpError as error:
        if traceback:
            raise
        return _fail(str(error))
    except OSError as error:
        if traceback or error.filename is None:
            raise
        return _fail(f"{error.filename}: {error.strerror}")  # a path that the user named
    except KeyboardInterrupt:
        if traceback:
            raise
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; what it parses has the command's `run`."""
    root = _Parser(
        prog="mechinterp",
        description="What does this policy want? Mechanistic interpretability of policies trained on CoinRun.",
        epilog="mechinterp COMMAND --help explains a command.",
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"mechinterp {__version__}")
    root.add_argument("--traceback", action="store_true", help="show where in the program an error arose")
    branches = root.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)
    for name in commands.names():
        command = commands.find(name)
        branch = branches.add_parser(
            name,
            help=command.summary,
            description=command.summary[:1].upper() + command.summary[1:] + ".",
            epilog="example:\n" + textwrap.indent(command.example.strip(), "  "),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.configure(branch)
        branch.set_defaults(run=command.run)
    return root


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"error: {message}; see '{self.prog} --help'", file=sys.stderr)
        raise SystemExit(2)


def _fail(message: str) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return 2
