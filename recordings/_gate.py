"""Is anybody speaking? An energy gate in front of the recogniser: it works only while there is something to hear."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

_FRAME = 160
"""Samples: 20 ms at 8 kHz."""
_QUIET, _LOUD = 120.0, 500.0
"""Root mean square of 16-bit samples (speech on a telephone: 500 to 5000). Below the first nothing opens the gate;
above the second everything does, however loud it always is there: somebody may be shouting beside a fire."""
_ABOVE = 2.5
"""Times the line's own noise; between the two limits above."""
_OPENS = 3
"""Loud frames of the last five that open the gate: 60 ms are more than a click."""
_BEFORE = 15
"""Frames from before the gate opened: 0.3 s, the beginning of a soft first sound."""
_RISE, _FALL = 1.004, 0.7
"""How the estimate of the noise follows, each frame: up by a third in 1.4 s, down at once."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What passed the gate. `at`: seconds from the first sample fed; `over`: the speaker has paused after it."""

    at: float
    samples: Samples
    over: bool = False


class Gate:
    """Of one caller's channel, sample by sample.

    Args:
        hold: seconds of quiet after which a turn is over.
    """

    def __init__(self, hold: float = 0.5) -> None:
        self._hold = max(1, round(hold * 50))
        self._frames = 0
        self._rest: Samples = np.zeros(0, np.int16)
        self._noise = _QUIET / _ABOVE
        self._loud: deque[bool] = deque(maxlen=5)
        self._before: deque[Samples] = deque(maxlen=_BEFORE)
        self._quiet = 0
        self.open = False

    def feed(self, samples: Samples) -> Iterator[Heard]:
        """Takes the next samples; yields what is to be listened to, and the ends of turns."""
        data = np.concatenate([self._rest, samples])
        count = len(data) // _FRAME
        self._rest = data[count * _FRAME :]
        frames = data[: count * _FRAME].reshape(count, _FRAME)
        levels = np.sqrt(np.square(frames.astype(np.float32)).mean(axis=1)).tolist()
        kept: list[Samples] = []
        first = self._frames
        for frame, level in zip(frames, levels, strict=True):
            loud = level > min(_LOUD, max(_QUIET, _ABOVE * self._noise))
            self._noise = min(level, self._noise * _RISE) if level > self._noise else max(level, self._noise * _FALL)
            self._loud.append(loud)
            if self.open:
                kept.append(frame)
                self._quiet = 0 if loud else self._quiet + 1
                if self._quiet >= self._hold:
                    self.open = False
                    self._loud.clear()
                    yield _heard(first, kept, over=True)
                    kept = []
            elif sum(self._loud) >= _OPENS:
                self.open, self._quiet = True, 0
                first = self._frames - len(self._before)
                kept = [*self._before, frame]
                self._before.clear()
            else:
                self._before.append(frame)
            self._frames += 1
        if kept:
            yield _heard(first, kept)


def _heard(first: int, kept: list[Samples], *, over: bool = False) -> Heard:
    return Heard(round(first * _FRAME / 8000, 3), np.concatenate(kept), over)
