"""The end of a raw file that the switch still writes: the caller's side of a call in progress."""

from __future__ import annotations

import os
import stat

import numpy as np

from ._audio import FRAME_BYTES
from ._gate import Samples

RATE = 8000
_SECOND = RATE * FRAME_BYTES
_MOST = 8 * _SECOND
"""Bytes taken at a time: a long backlog must not keep the others waiting."""


class Tail:
    """Follows one growing file. Never through a link, and only a plain file.

    Args:
        path: the switch's file; it may not exist yet.
        behind: None: from the beginning. Else this many seconds before its present end: what was said before
            is over.
    """

    def __init__(self, path: str, behind: float | None = None) -> None:
        self._path = path
        self._behind = behind
        self._fd = -1
        self._at = 0
        self.skipped = 0.0
        """Seconds passed over at the beginning."""

    def read(self) -> Samples:
        """The caller's samples that have come since the last time; none while there is no file.

        Raises:
            OSError: not a plain file, or it cannot be read.
        """
        if self._fd < 0:
            try:
                self._open()
            except FileNotFoundError:
                return np.zeros(0, np.int16)
        data = os.pread(self._fd, _MOST, self._at)
        data = data[: len(data) - len(data) % FRAME_BYTES]  # the switch may be in the middle of a frame
        self._at += len(data)
        return np.frombuffer(data, "<i2").reshape(-1, 2)[:, 0].astype(np.int16)

    def _open(self) -> None:
        fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            os.close(fd)
            raise OSError("not a plain file")
        self._fd = fd
        if self._behind is not None:
            start = max(0, info.st_size - round(self._behind * _SECOND))
            self._at = start - start % FRAME_BYTES
            self.skipped = self._at / _SECOND

    def close(self) -> None:
        """Give the file back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
