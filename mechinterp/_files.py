"""Files that are there whole or not at all, and JSON that says where it is damaged."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from mechinterp.errors import MechinterpError


class FileError(MechinterpError, ValueError):
    """A file that cannot be read as what it should be."""


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file so that at every moment `path` holds all of the old content or all of the new.

    Raises:
        OSError: it cannot be written; the old content is still there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp gives 600
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


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
    except UnicodeDecodeError as reason:
        raise error(f"{path}: not text: {reason}") from reason


def parse_json(text: str, *, where: str, error: type[MechinterpError] = FileError) -> Any:
    """The content of a JSON text, with finite numbers only; `where` names the file in errors.

    Raises:
        FileError: (or `error`) not JSON, cut off, nested too deeply, or with a number that no float holds.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except (
        ValueError,
        RecursionError,
    ) as reason:  # JSONDecodeError is a ValueError, and so are numbers of 5,000 digits
        raise error(f"{where}: not JSON, or damaged or cut off: {reason}") from reason


def read_json(path: str | Path, *, error: type[MechinterpError] = FileError) -> Any:
    """`parse_json` of a file."""
    return parse_json(read_text(path, error=error), where=str(path), error=error)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a finite number")
