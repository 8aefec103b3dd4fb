"""A folder that one process at a time writes into."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mechinterp._files import FileError, remove_half_written
from mechinterp.errors import MechinterpError

LOCK_FILE = ".mechinterp.lock"


@contextmanager
def held(
    folder: str | Path, *, parts: tuple[str, ...] = (), error: type[MechinterpError] = FileError
) -> Iterator[None]:
    """Make a folder and hold it until the block ends, or the process in whatever way.

    What a killed process was writing there is removed. A folder that cannot be written is refused now, before anything
    is computed for it.

    Args:
        parts: its folders in which the same process writes.

    Raises:
        FileError: (or `error`) another process holds it, or it is a file, or would be in one.
        OSError: it cannot be made or written.
    """
    folder = Path(folder)
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise error(f"{folder}: {there} is a file; give a folder, which is made if need be")
    folder.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(folder, error=error)
    try:
        remove_half_written(folder, *(folder / part for part in parts))
        for place in (folder, *(folder / part for part in parts)):
            if place.exists():
                with tempfile.TemporaryFile(dir=place):
                    pass
        yield
    finally:
        lock.release()


class FolderLock:
    """Holds a folder until `release`, or until the process ends in whatever way.

    The lock is the kernel's (flock(2)), not the file's existence: what a killed process leaves behind blocks nobody.

    Raises:
        FileError: (or `error`) if another process holds the folder, with its process id.
    """

    def __init__(self, folder: Path, *, error: type[MechinterpError] = FileError) -> None:
        self.path = folder / LOCK_FILE
        while True:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as reason:
                owner = os.read(self._handle, 32).decode(errors="replace").strip()
                os.close(self._handle)
                if not isinstance(reason, BlockingIOError):
                    raise error(f"{self.path}: cannot be locked: {reason.strerror}") from reason
                who = f"process {owner}" if owner else "another process"
                raise error(f"{folder}: {who} is writing here; wait for it, or choose another folder") from None
            if self._is_current():
                break
            os.close(self._handle)  # its owner released and removed it between our two calls: take the new one
        os.truncate(self._handle, 0)
        os.write(self._handle, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let others in. Doing it twice does no harm."""
        if self._handle < 0:
            return
        self.path.unlink(missing_ok=True)  # while it is still held: who waits for it sees that it is gone
        os.close(self._handle)
        self._handle = -1

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._handle), os.stat(self.path))
        except FileNotFoundError:
            return False
