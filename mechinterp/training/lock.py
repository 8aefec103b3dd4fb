"""One process at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from mechinterp.training.errors import TrainingError

LOCK_FILE = ".training.lock"


class FolderLock:
    """Holds a folder until `release`, or until the process ends in whatever way.

    The lock is the kernel's (flock(2)), not the file's existence: what a killed process leaves behind blocks nobody.

    Raises:
        TrainingError: if another run holds the folder, with its process id.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_FILE
        while True:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                owner = os.read(self._handle, 32).decode(errors="replace").strip()
                os.close(self._handle)
                if not isinstance(error, BlockingIOError):
                    raise TrainingError(f"{self.path}: cannot be locked: {error.strerror}") from error
                who = f"process {owner}" if owner else "another process"
                raise TrainingError(
                    f"{folder}: {who} is training here; wait for it, or choose another folder"
                ) from None
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
