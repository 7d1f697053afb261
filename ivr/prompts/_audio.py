"""Sound as arrays of floats in [-1, 1]: resampling, trimming, level, and the telephone's WAV."""

from __future__ import annotations

import io
import wave
from math import gcd

import numpy as np
from numpy.typing import NDArray

RATE = 8000
LEVEL = 10 ** (-18 / 20)
"""RMS of speech while somebody speaks: -18 dBFS, near the level of people on a telephone line."""
PEAK = 0.95
_FRAME = RATE // 100
_QUIET = 0.01
"""Of the loudest 10 ms: below is silence (-40 dB)."""

Samples = NDArray[np.float64]


def resample(x: Samples, rate: int) -> Samples:
    """To 8000 Hz, by the spectrum of the whole; what a telephone cannot carry fades out below 4 kHz."""
    if rate == RATE or len(x) == 0:
        return x
    step = rate // gcd(rate, RATE)
    # Silence around it keeps the end from wrapping into the beginning; whole steps keep the ratio exact.
    padded = np.pad(x, (step * 8, step * 8 - len(x) % step))
    out_length = len(padded) * RATE // rate
    spectrum = np.fft.rfft(padded)
    kept = np.zeros(out_length // 2 + 1, complex)
    n = min(len(kept), len(spectrum))
    kept[:n] = spectrum[:n]
    hertz = np.arange(len(kept)) * (RATE / out_length)
    fade = np.clip((hertz - 3600) / 400, 0, 1)
    if rate > RATE:
        kept *= 0.5 * (1 + np.cos(np.pi * fade))
    out: Samples = np.fft.irfft(kept, out_length) * (out_length / len(padded))
    start = step * 8 * RATE // rate
    return out[start : start + -(-len(x) * RATE // rate)]


def _loudness(x: Samples) -> Samples:
    """RMS of every 10 ms."""
    frames = np.pad(x, (0, -len(x) % _FRAME)).reshape(-1, _FRAME)
    rms: Samples = np.sqrt((frames**2).mean(axis=1))
    return rms


def tidy(x: Samples, *, before: float = 0.02, after: float = 0.1, pause: float = 0.12) -> Samples:
    """Speech at 8000 Hz without silence around it, no pause longer than `pause`, at the usual level.

    `before`, `after`, `pause`: seconds of silence that stay.
    """
    rms = _loudness(x)
    if not len(rms) or rms.max() == 0:
        return x
    loud = rms > rms.max() * _QUIET
    first, last = int(np.argmax(loud)), len(loud) - int(np.argmax(loud[::-1]))
    keep = np.zeros(len(loud), bool)
    quiet = 0
    for i in range(first, last):
        quiet = 0 if loud[i] else quiet + 1
        keep[i] = quiet * _FRAME <= pause * RATE
    x = np.pad(x, (0, len(loud) * _FRAME - len(x))).reshape(-1, _FRAME)[keep].reshape(-1)
    x = x - x.mean()
    x = x * (LEVEL / np.sqrt((rms[loud] ** 2).mean()))
    x = x * min(1.0, PEAK / np.abs(x).max())
    return np.pad(x, (int(before * RATE), int(after * RATE)))


def tone(hertz: float, seconds: float) -> Samples:
    """A tone at the usual level, with soft edges so that it does not click."""
    at = np.arange(int(seconds * RATE)) / RATE
    edge = np.clip(np.minimum(at, seconds - at) / 0.01, 0, 1)
    wave_form: Samples = np.sin(2 * np.pi * hertz * at) * LEVEL * np.sqrt(2) * edge
    return wave_form


def wav(x: Samples) -> bytes:
    """8000 Hz, one channel, 16-bit PCM, as Asterisk plays it."""
    loudest = float(np.abs(x).max()) if len(x) else 0.0
    pcm = np.round(x * min(1.0, 1 / loudest if loudest else 1.0) * 32767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes(pcm.tobytes())
    return out.getvalue()
