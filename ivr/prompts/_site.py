"""A site's own recordings: which there are, and whether they are what they say."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from .._library import PromptLibrary
from .._model import LANGUAGES
from .._problems import did_you_mean
from ._audio import Samples, resample

ENDINGS = (".wav", ".flac")
LONGEST = 600.0
"""Seconds. Anything longer was surely put there by mistake."""


class RecordingError(ValueError):
    """A recording cannot be used."""


def find(site: Path, language: str, prompt: str) -> Path | None:
    """The recording of a prompt, WAV before FLAC; None when there is none."""
    for ending in ENDINGS:
        path = site / language / f"{prompt}{ending}"
        if path.is_file():
            return path
    return None


def strays(site: Path, library: PromptLibrary) -> list[str]:
    """Complaints about sound files that no prompt uses."""
    out = []
    for language in LANGUAGES:
        for path in sorted((site / language).glob("*")):
            if path.suffix.lower() not in ENDINGS:
                continue
            if path.suffix not in ENDINGS:
                out.append(f"{path}: not used; write its ending in small letters")
            elif path.stem not in library:
                hint = did_you_mean(path.stem, library.prompts)
                out.append(f"{path}: not used, there is no prompt {path.stem}; {hint}")
            elif find(site, language, path.stem) != path:
                out.append(f"{path}: not used, a .wav of the same prompt goes before it; keep one of them")
    return out


def decode(data: bytes, ending: str) -> Samples:
    """A recording's bytes → mono samples at 8000 Hz, at the level it was recorded with.

    Raises:
        RecordingError: no sound file, cut short, silent, empty or far too long.
    """
    import soundfile

    if ending == ".wav" and data[:4] == b"RIFF":
        # A damaged copy still opens: the reader takes what there is. Pipes write no true length.
        declared = int.from_bytes(data[4:8], "little") + 8
        if len(data) < declared and declared < 0x7FFFFFFF:
            raise RecordingError(f"it is cut short: {len(data)} of {declared} bytes; copy it again")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as f:
            rate, frames = int(f.samplerate), int(f.frames)
            if not 4000 <= rate <= 192_000:
                raise RecordingError(f"{rate} samples a second is no usual rate; use 8000 to 48000")
            if frames > LONGEST * rate:
                raise RecordingError(f"it lasts longer than {LONGEST:g} s")
            x = f.read(dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError, MemoryError) as e:
        if isinstance(e, RecordingError):
            raise
        why = str(getattr(e, "error_string", e)).rstrip(".")
        raise RecordingError(f"it is no sound file that can be read ({why}); save it as WAV, PCM 16 bit") from None
    if len(x) < frames:
        raise RecordingError(f"it is cut short: {len(x)} of {frames} samples; copy it again")
    mono: Samples = x.mean(axis=1)
    if not np.all(np.isfinite(mono)):
        raise RecordingError("it holds values that are no numbers; save it as WAV, PCM 16 bit")
    if not len(mono) or np.abs(mono).max() < 0.001:
        raise RecordingError("it is silent; record it again")
    return resample(mono, rate)
