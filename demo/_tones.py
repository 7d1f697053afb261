"""When which tone was to be heard, from the samples and the arrival times of their packets."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._hearing import rms, tones_in
from ._rtp import RATE, Pcm

TONES = (538.6, 718.9, 959.6, 1281.0, 1709.9, 2282.4, 3046.7)
"""Seven tones for seven voices (Hz): five semitones apart, none an octave of another, and each half a semitone beside
every note, so that music cannot be taken for one. Level 0.1 leaves room for all of them at once."""
RINGING = 450.0
"""China's ringing tone (Hz), GF 002-9002: one second on, four off."""
QUIET = 60.0
"""RMS below which there is silence; line noise after G.711 is 8."""
_WINDOW, _HOP = 320, 40  # 40 ms against a tone's neighbours (±50 Hz), looked at each 5 ms
_FLOOR = 400.0
_SHARE = 0.06
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ToneSpan:
    """A tone that was heard, in unix seconds at which its audio arrived; ±10 ms.

    Attributes:
        frequency: Which one (Hz).
        began: From when.
        ended: Until when; None while it still sounds.
    """

    frequency: float
    began: float
    ended: float | None


def tone_spans(
    pcm: Pcm, frequencies: Iterable[float], *, shortest: float = 0.06, bridge: float = 0.03
) -> list[tuple[float, int, int]]:
    """Where each tone begins and ends.

    Args:
        pcm: int16 samples, 8000 a second.
        frequencies: Tones to look for (Hz), at least 100 Hz apart.
        shortest: Seconds a tone must last: what is shorter is a click.
        bridge: Seconds of a gap that is none (a lost packet).

    Returns:
        (frequency, first sample, sample behind the last) by first sample. A tone that sounds at the end of `pcm` ends
        behind its last sample.
    """
    if len(pcm) < _WINDOW:
        return []
    # Half a window of silence on both sides: each reading then stands for the sample in the middle of its window.
    audio = np.pad(pcm.astype(np.float64), _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(audio, _WINDOW)[::_HOP]
    hann = np.hanning(_WINDOW)
    power = np.square(frames) @ np.square(hann)
    found = []
    for frequency in frequencies:
        wave = hann * np.exp(-2j * math.pi * frequency / RATE * np.arange(_WINDOW))
        size: Floats = np.abs(frames @ wave) * (2 / hann.sum())  # the tone's amplitude
        share = np.square(size) / 2 * np.square(hann).sum() / np.maximum(power, 1.0)
        for first, last in _runs((size >= _FLOOR) & (share >= _SHARE), round(bridge * RATE / _HOP)):
            # Half of its full strength is where the window's middle crosses the edge.
            strong = np.flatnonzero(size[first : last + 1] >= float(np.median(size[first : last + 1])) / 2) + first
            begin, end = int(strong[0]) * _HOP, min(int(strong[-1]) * _HOP + _HOP, len(pcm))
            if last >= len(frames) - 1 - _WINDOW // _HOP // 2:  # the readings fade out where the audio is cut off
                end = len(pcm)
            if end - begin >= shortest * RATE and _holds(pcm[begin:end], frequency):
                found.append((frequency, begin, end))
    return sorted(found, key=lambda one: (one[1], one[0]))


def _holds(pcm: Pcm, frequency: float) -> bool:
    """False when longer looks say that it was a note beside the tone: by stretches of 0.2 s, most of them."""
    parts = [pcm[at : at + 1600] for at in range(0, max(len(pcm) - 1599, 1), 1600)]
    return 2 * sum(bool(tones_in(part, [frequency], share=_SHARE)) for part in parts) > len(parts)


def _runs(true: npt.NDArray[np.bool_], bridge: int) -> list[tuple[int, int]]:
    """(first, last) of each run of true values; gaps of up to `bridge` are none."""
    at = np.flatnonzero(true)
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > bridge + 1)
    firsts, lasts = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [len(at) - 1]])
    return [(int(at[a]), int(at[b])) for a, b in zip(firsts, lasts, strict=True)]


def kind_of(pcm: Pcm, tones: Sequence[float] = ()) -> str:
    """What a stretch of audio is: "silence", "ringing" (China's tone), "tones" (of the given ones alone) or "sound".

    "sound" is music or speech. 0.3 s or more are needed; a ringing tone is silent for four seconds of five.
    """
    if rms(pcm) < QUIET:
        return "silence"
    if tones_in(pcm, [RINGING], share=0.8):
        return "ringing"
    return "tones" if tones and _explained(pcm, tones) else "sound"


def _explained(pcm: Pcm, tones: Sequence[float]) -> bool:
    """True when the given tones hold nearly all of the energy."""
    window = np.hanning(len(pcm))
    spectrum = np.square(np.abs(np.fft.rfft(pcm.astype(np.float64) * window)))
    bins = np.arange(len(spectrum)) * RATE / len(pcm)
    near = np.zeros(len(spectrum), np.bool_)
    for tone in tones:
        near |= np.abs(bins - tone) <= 3 * RATE / len(pcm)
    return float(spectrum[near].sum()) >= 0.8 * float(spectrum.sum())
