"""Who hears whom, from the RTP packets that a phone got; cheap enough for sixty phones."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from demo import Call

RATE = 8000
BLOCK = 800
"""Samples of one look: 100 ms."""
FREQUENCIES = tuple(513.0 + 100 * n for n in range(27))
"""One for each voice (Hz); those of one talk are always different."""
LEVEL = 0.1
_FLOOR = 400.0
_SHARE = 0.1
_HANN = np.hanning(BLOCK)


def sounds(pcm: Any, frequency: float) -> Any:
    """For each whole 100 ms of `pcm` whether the tone sounds in it."""
    whole = len(pcm) // BLOCK
    blocks = pcm[: whole * BLOCK].astype(np.float64).reshape(whole, BLOCK)
    wave = _HANN * np.exp(-2j * math.pi * frequency / RATE * np.arange(BLOCK))
    size = np.abs(blocks @ wave) * (2 / _HANN.sum())
    power = np.square(blocks) @ np.square(_HANN)
    share = np.square(size) / 2 * np.square(_HANN).sum() / np.maximum(power, 1.0)
    return (size >= _FLOOR) & (share >= _SHARE)


def hears_now(call: Call, frequency: float) -> bool:
    """Whether the tone sounded in most of what came last (0.2 s)."""
    return bool(call.tones_heard([frequency]))


def silences(
    call: Call, frequency: float, since: float, until: float, longest: float = 0.5
) -> list[tuple[float, float]]:
    """(unix seconds, length) of stretches longer than `longest` between two times in which the tone was not heard.

    By the arrival of the packets: a switch that stands still is a silence, whatever the timestamps say.
    """
    heard = [since]
    receiver = call._rtp.receiver if call._rtp is not None else None
    if receiver is not None and len(receiver._places):
        places, times = np.asarray(receiver._places), np.asarray(receiver._times)
        first = int(places[max(int(np.searchsorted(times, since)) - 1, 0)])
        there = np.flatnonzero(sounds(receiver.view(first), frequency)) * BLOCK + first
        at = np.clip(np.searchsorted(places, there, side="right") - 1, 0, len(places) - 1)
        begins = times[at] + (there - places[at]) / RATE
        heard += [float(x) for x in begins if since <= x <= until]
    heard.append(until)
    return [
        (before, after - before - BLOCK / RATE)
        for before, after in pairwise(heard)
        if after - before - BLOCK / RATE > longest
    ]
