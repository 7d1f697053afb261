"""From a finished recording to a transcript: who said what, when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ._audio import blocks
from ._model import Job, Segment, Span, Word, sentence
from ._recognizer import Recognizer

_CALLER, _HEARD = 0, 1  # left and right channel
_JOIN = 0.3  # seconds: a shorter gap between two spans is a hand-over, not a pause to cut at


def transcribe(job: Job, audio: Path, duration: float, recognizer: Recognizer) -> dict[str, Any]:
    """Recognise both parties.

    The caller is heard from the first to the last second; the right channel only while a seat was joined, since
    outside of that it is greeting and music.

    Returns:
        The content of transcript.json.
    """
    segments = [
        _segment("caller", None, u.words) for u in recognizer.transcribe(blocks(audio, _CALLER, 0, duration), job.rate)
    ]
    for start, end in joined(job.seats, duration):
        for u in recognizer.transcribe(blocks(audio, _HEARD, start, end), job.rate):
            shifted = [Word(w.word, _at(w.start + start, end), _at(w.end + start, end), w.conf) for w in u.words]
            # A seat that hands over in mid-sentence: each word belongs to who was joined at its middle.
            for seat, words in groupby(shifted, lambda w: seat_at(job.seats, (w.start + w.end) / 2)):
                segments.append(_segment("seat", seat, tuple(words)))
    segments.sort(key=lambda s: (s.start, s.party))
    return {
        "call": job.call,
        "model": recognizer.name,
        "duration": round(duration, 3),
        "segments": [s.as_dict() for s in segments],
    }


def joined(spans: Sequence[Span], duration: float) -> Iterator[tuple[float, float]]:
    """Times during which any seat was joined: in order, apart, within the recording."""
    clipped = sorted((max(0.0, s.start), min(duration, s.end)) for s in spans)
    current: tuple[float, float] | None = None
    for start, end in clipped:
        if end <= start:
            continue
        if current is None:
            current = (start, end)
        elif start <= current[1] + _JOIN:
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (start, end)
    if current is not None:
        yield current


def seat_at(spans: Sequence[Span], t: float) -> str | None:
    """The seat joined at a moment; None if several were (their voices are mixed). In a short gap: the nearest."""
    there = {s.seat for s in spans if s.start <= t < s.end}
    if not there and spans:
        there = {min(spans, key=lambda s: min(abs(s.start - t), abs(s.end - t))).seat}
    return there.pop() if len(there) == 1 else None


def text_of(transcript: Mapping[str, Any], party: str) -> str:
    """All a party said, in one text (for measuring)."""
    return "".join(s["text"] for s in transcript["segments"] if s["party"] == party)


def _at(t: float, end: float) -> float:
    return round(min(t, end), 3)


def _segment(party: Any, seat: str | None, words: tuple[Word, ...]) -> Segment:
    return Segment(
        party=party,
        seat=seat,
        start=words[0].start,
        end=max(w.end for w in words),
        text=sentence([w.word for w in words]),
        confidence=round(sum(w.conf for w in words) / len(words), 3),
        words=words,
    )
