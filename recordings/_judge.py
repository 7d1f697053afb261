"""From words as they come to one alarm: a caller's turns, judged by a detector that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ._model import Word

_APART = 2.0
"""Seconds of silence after which words belong to another turn: what was said before puts no frame round them."""
_WORDS = 60
"""Words of a turn that are kept before the newest utterance: a frame ("last year …") does not reach further, and the
detector's time stays below a millisecond."""
_SETTLED = 0.8
"""Seconds of sound that add nothing to a partial result: its speaker has paused, though the line is not quiet."""
_LONG = 2.5
"""Seconds for which the words of somebody who talks on and on must report the emergency: what follows may yet deny it
("… last year", "… what would one do")."""
UNCONFIRMED = 0.5
"""The confidence of what only a partial result says (its words have none of their own)."""


@dataclass(frozen=True, slots=True)
class Sign:
    """An emergency in the words: which line ("119"), and how sure the recogniser is of the words that say so (0..1)."""

    line: str
    confidence: float


Detector = Callable[[Sequence[Sequence[Word]]], Sign | None]
"""Takes the utterances of one turn, gives the emergency that they report as happening now, or None."""


@dataclass(slots=True)
class Judge:
    """Of one caller.

    Args:
        detector: see `Detector`.
        sure: confidence that words of a finished utterance must have.
    """

    detector: Detector
    sure: float
    told: set[str] = field(default_factory=set)
    """Lines told already."""
    _turn: list[tuple[Word, ...]] = field(default_factory=list)
    _end: float = 0.0
    _seen: tuple[str, float] | None = None
    """(line, since when) of a partial result."""
    _same: tuple[list[str], float] = field(default_factory=lambda: ([], 0.0))
    """(words, since when) of a partial result."""

    def hear(self, words: tuple[Word, ...], at: float, *, over: bool) -> Sign | None:
        """The next words: a finished utterance (`over`), or a partial result, which replaces the one before.

        Args:
            words: in order; empty ones are passed over.
            at: seconds from the start of the recording at which they are known.

        Returns:
            An emergency, each line's once.
        """
        if not words:
            return None
        begin = words[0].start if over else at
        if self._turn and begin - self._end > _APART and self._seen is None:
            self._turn = []
        sign = self.detector([*self._turn, words])
        if sign is not None and sign.line in self.told:
            # Said again: it must not hide another emergency that comes after it.
            self._turn = []
            sign = self.detector([words])
            if sign is not None and sign.line in self.told:
                self._seen = None
                return None
        if over:
            self._turn = _shortened([*self._turn, words])
            self._end = words[-1].end
            self._seen = None
            return self._found(sign) if sign is not None and sign.confidence >= self.sure else None
        text = [w.word for w in words]
        if text != self._same[0]:
            self._same = (text, at)
        if sign is None:
            self._seen = None
            return None
        if self._seen is None or self._seen[0] != sign.line:
            self._seen = (sign.line, at)
        if at - self._same[1] < _SETTLED and at - self._seen[1] < _LONG:
            return None
        return self._found(Sign(sign.line, UNCONFIRMED))

    def _found(self, sign: Sign) -> Sign:
        self.told.add(sign.line)
        self._turn, self._seen = [], None  # what comes next is judged by itself
        return sign


def _shortened(turn: list[tuple[Word, ...]]) -> list[tuple[Word, ...]]:
    kept, count = [], 0
    for utterance in reversed(turn):
        count += len(utterance)
        if count > _WORDS:
            break
        kept.append(utterance)
    return kept[::-1]
