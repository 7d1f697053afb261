"""Looking at what was heard: loudness and tones."""

from collections.abc import Iterable

import numpy as np

from ._rtp import RATE, Pcm

BLOCK = 160
"""Samples of one loudness reading (20 ms)."""


def rms(pcm: Pcm) -> float:
    """Root mean square of int16 samples, 0..32768; 0 for nothing."""
    if not len(pcm):
        return 0.0
    return float(np.sqrt(np.mean(np.square(pcm.astype(np.float64)))))


def levels(pcm: Pcm) -> list[float]:
    """RMS of each whole 20 ms block."""
    whole = len(pcm) // BLOCK
    blocks = pcm[: whole * BLOCK].astype(np.float64).reshape(whole, BLOCK)
    return [float(one) for one in np.sqrt(np.mean(np.square(blocks), axis=1))]


def loud_span(pcm: Pcm, min_rms: float) -> tuple[int, int]:
    """(samples that are loud, sample behind the last loud block) by 20 ms blocks."""
    loud = [at for at, level in enumerate(levels(pcm)) if level >= min_rms]
    return len(loud) * BLOCK, (loud[-1] + 1) * BLOCK if loud else 0


def tones_in(pcm: Pcm, frequencies: Iterable[float], *, share: float = 0.1) -> frozenset[float]:
    """Which of `frequencies` (Hz) sound in `pcm` (8000 Hz).

    A Goertzel filter each, under a Hann window. A tone sounds when it holds at least `share` of the
    energy; with 0.2 s of audio it hears within about 10 Hz.
    """
    count = len(pcm)
    if count < BLOCK or rms(pcm) < 30:
        return frozenset()
    window = np.hanning(count)
    audio = pcm.astype(np.float64) * window
    energy = float(np.sum(audio * audio))
    if not energy:
        return frozenset()  # all that sounds is at the window's very edge
    at = np.arange(count)
    heard = set()
    for frequency in frequencies:
        bin_ = np.abs(np.sum(audio * np.exp(-2j * np.pi * frequency / RATE * at))) ** 2
        # A full-scale sine gives (A/2 · Σw)²; its energy is A²/2 · Σw².
        part = 2 * float(bin_) / float(np.sum(window)) ** 2 * float(np.sum(window * window)) / energy
        if part >= share:
            heard.add(frequency)
    return frozenset(heard)
