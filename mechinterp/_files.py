"""Files that are there whole or not at all, and JSON that says where it is damaged."""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from mechinterp._text import visible
from mechinterp.errors import MechinterpError

_HALF = ".half"
_NAME = re.compile(rf"\..+\.[a-z0-9_]{{8}}{re.escape(_HALF)}")  # as `tempfile.mkstemp` makes it


class FileError(MechinterpError, ValueError):
    """A file that cannot be read as what it should be."""


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file so that at every moment `path` holds all of the old content or all of the new.

    Raises:
        OSError: it cannot be written, and names `path`; the old content is still there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_HALF)
        with os.fdopen(handle, "wb") as file:
            with suppress(OSError):  # held while it is written: see `remove_half_written`
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.write(data)
            file.flush()
            os.fsync(handle)
            os.chmod(temporary, 0o644)  # mkstemp gives 600
            os.replace(temporary, path)
    except OSError as error:  # which names the temporary file, or none
        _forget(temporary)
        raise OSError(error.errno, error.strerror, str(path)) from error
    except BaseException:
        _forget(temporary)
        raise


def remove_half_written(*folders: str | Path) -> None:
    """Remove from these folders what `write_bytes` was writing when its process was killed.

    The kernel tells: who writes holds a lock (flock(2)) on the temporary file, and a killed process holds none.
    """
    for folder in map(Path, folders):
        for path in folder.glob(f".*{_HALF}") if folder.is_dir() else ():
            if _NAME.fullmatch(path.name):
                with suppress(OSError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()


def _forget(temporary: str | None) -> None:
    if temporary is not None:
        Path(temporary).unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """`write_bytes` of UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def read_text(path: str | Path, *, error: type[MechinterpError] = FileError) -> str:
    """A UTF-8 text file.

    Raises:
        FileError: (or `error`) missing, not readable, or not text.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as reason:
        raise error(f"{path}: cannot be read: {reason.strerror}") from reason
    except ValueError as reason:  # UnicodeDecodeError; or a path with a NUL in it
        raise error(f"{visible(str(path))}: not text: {reason}") from reason


def parse_json(text: str, *, where: str, error: type[MechinterpError] = FileError) -> Any:
    """The content of a JSON text: finite numbers, and texts that can be written again.

    Args:
        where: what errors call the text; the name of its file.

    Raises:
        FileError: (or `error`) not JSON, cut off, nested too deeply, with a number that no float holds, or with half of
            a surrogate pair.
    """
    try:
        content = json.loads(text, parse_constant=_refuse, parse_int=_whole, parse_float=_real)
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as reason:  # JSONDecodeError and UnicodeEncodeError are ValueErrors
        raise error(f"{where}: not JSON, or damaged or cut off: {reason}") from reason
    return content


def read_json(path: str | Path, *, error: type[MechinterpError] = FileError) -> Any:
    """`parse_json` of a file."""
    return parse_json(read_text(path, error=error), where=str(path), error=error)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a finite number")


def _whole(digits: str) -> int:
    _real(digits)
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]}, a number of {len(digits)} characters, is larger than any float")
    return value
