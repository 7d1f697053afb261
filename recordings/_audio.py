"""Sound files, always in blocks: a call may last hours and a worker must stay small."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

FRAME_BYTES = 4  # two channels of 16 bits
_BLOCK = 65_536  # frames: 8 s at 8 kHz


def raw_to_flac(raw: BinaryIO, flac: Path, rate: int) -> tuple[int, int]:
    """Convert the switch's stereo file.

    Args:
        raw: opened at its start.
        flac: written anew.
        rate: samples a second.

    Returns:
        Frames written and bytes left over at the end (0-3: the switch was stopped in the middle of a frame).
    """
    frames, rest = 0, b""
    with soundfile.SoundFile(str(flac), "w", rate, 2, "PCM_16", format="FLAC") as out:
        while block := raw.read(_BLOCK * FRAME_BYTES):
            data = rest + block
            whole = len(data) - len(data) % FRAME_BYTES
            rest = data[whole:]
            samples = np.frombuffer(data[:whole], "<i2").reshape(-1, 2)
            out.write(samples)
            frames += len(samples)
        if not frames:
            # A FLAC file needs a first block to have a header; one silent frame stands for "nothing was written".
            out.write(np.zeros((1, 2), "<i2"))
    return frames, len(rest)


def frames_of(path: Path) -> int:
    """Frames that decode, read through to the end.

    Raises:
        soundfile.LibsndfileError: not a sound file.
    """
    total = 0
    with soundfile.SoundFile(str(path)) as f:
        while n := len(f.read(_BLOCK, dtype="int16", always_2d=True)):
            total += n
    return total


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def blocks(path: Path, channel: int, start: float, end: float, seconds: float = 0.2) -> Iterator[bytes]:
    """One channel of a part of a file as 16-bit little-endian blocks.

    Args:
        path: a stereo sound file.
        channel: 0 = left, 1 = right.
        start, end: seconds from its beginning; clipped to the file.
        seconds: length of each block. Vosk looks for the end of an utterance once a block: at most 0.2.
    """
    with soundfile.SoundFile(str(path)) as f:
        first, last = (min(max(0, round(t * f.samplerate)), f.frames) for t in (start, end))
        f.seek(first)
        left, size = last - first, max(1, round(seconds * f.samplerate))
        while left > 0:
            data = f.read(min(size, left), dtype="int16", always_2d=True)
            if not len(data):
                return
            left -= len(data)
            yield data[:, channel].astype("<i2").tobytes()
