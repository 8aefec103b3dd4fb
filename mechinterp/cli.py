"""The command line: finds the command, and turns errors that a user can mend into one line.

Exit status: 0 done; 2 a wrong argument or a `MechinterpError`, printed as `error: ...`; 130 interrupted by Ctrl-C.
Anything else that goes wrong is a bug and keeps its traceback.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import NoReturn

from mechinterp import __version__, commands
from mechinterp._text import one_line
from mechinterp.errors import MechinterpError, nearest

_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""What disks answer when nothing can be written: no bug of ours, even where the error names no file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (by default the process's own) and return its exit status."""
    _open_streams()
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
        _close_output()
        return 141  # as a shell reports SIGPIPE
    except MechinterpError as error:
        if traceback:
            raise
        return _fail(str(error))
    except OSError as error:
        if traceback or (error.filename is None and error.errno not in _OF_DISKS):
            raise
        if error.filename is None:  # most likely standard output
            _close_output()
        return _fail(f"{error.filename or 'output'}: {error.strerror}")
    except KeyboardInterrupt:
        if traceback:
            raise
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _open_streams() -> None:
    """Standard output and error that take any text, also where they were closed or hold ASCII alone."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # closed, as by `>&-`: a file opened later would get its number, and what is meant for it
            null = os.open(os.devnull, os.O_WRONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, "w", encoding="utf-8"))  # noqa: SIM115 - for the rest of the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name in another alphabet costs no measurement


def _close_output() -> None:
    """Nothing more can be written: what is left in buffers goes nowhere, instead of failing once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    print("error: " + one_line(message), file=sys.stderr)
    return 2
