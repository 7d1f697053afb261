"""Sample rate conversion by a windowed sinc (numpy only)."""

import math

import numpy as np

from ._rtp import RATE, Pcm

_ZEROS = 24
"""Zero crossings of the sinc on each side: a transition band of about 300 Hz."""
_BLOCK = 4096


def resample(pcm: Pcm, rate: int) -> Pcm:
    """int16 audio at `rate` Hz to int16 at 8000 Hz; what lies above 3.8 kHz is taken away first."""
    if rate == RATE or not len(pcm):
        return pcm.astype(np.int16)
    cutoff = min(1.0, 0.95 * RATE / rate)  # of the input's Nyquist frequency
    half = math.ceil(_ZEROS / cutoff)
    padded = np.concatenate([np.zeros(half), pcm.astype(np.float64), np.zeros(half + 1)])
    count = len(pcm) * RATE // rate
    taps = np.arange(-half + 1, half + 1)
    # Output sample n lies at n·rate/8000: its fraction takes only `phases` different values.
    phases = RATE // math.gcd(rate, RATE)
    distance = taps - (np.arange(phases) / phases)[:, None]
    window = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance / half, -1, 1))
    weights = np.sinc(distance * cutoff) * cutoff * window
    made = np.empty(count)
    for begin in range(0, count, _BLOCK):
        whole, rest = np.divmod(np.arange(begin, min(begin + _BLOCK, count), dtype=np.int64) * rate, RATE)
        near = padded[whole[:, None] + half + taps]
        made[begin : begin + len(whole)] = np.einsum("ij,ij->i", near, weights[rest * phases // RATE])
    rounded: Pcm = np.clip(np.rint(made), -32_768, 32_767).astype(np.int16)
    return rounded
