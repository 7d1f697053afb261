"""From a finished recording to a transcript: who said what, when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ._audio import blocks
from ._model import Job, Segment, Word, sentence
from ._parties import UNKNOWN, PartySpan, Speakers, Voice, heard_spans
from ._recognizer import Recognizer

_CALLER, _HEARD = 0, 1  # left and right channel
_JOIN = 0.3  # seconds: a shorter gap between two spans is a hand-over, not a pause to cut at


def transcribe(job: Job, audio: Path, duration: float, recognizer: Recognizer) -> dict[str, Any]:
    """Recognise both parties.

    The caller is heard from the first to the last second; the right channel only while somebody was in the talk,
    since outside of that it is greeting and music (also while a seat holds the caller).

    Returns:
        The content of transcript.json.
    """
    whole = blocks(audio, _CALLER, 0, duration)
    segments = [_segment("caller", UNKNOWN, u.words) for u in recognizer.transcribe(whole, job.rate)]
    spans = heard_spans(job.seats, job.parties)
    speakers = Speakers(spans, job.spoke)
    for start, end in joined(spans, duration):
        for u in recognizer.transcribe(blocks(audio, _HEARD, start, end), job.rate):
            shifted = [Word(w.word, _at(w.start + start, end), _at(w.end + start, end), w.conf) for w in u.words]
            # One voice may follow another in mid-sentence: each word belongs to who spoke at its middle.
            for voice, words in groupby(shifted, lambda w: speakers.of(w.start, w.end)):
                segments.append(_segment("seat", voice, tuple(words)))
    segments.sort(key=lambda s: (s.start, s.party))
    return {
        "call": job.call,
        "model": recognizer.name,
        "duration": round(duration, 3),
        "segments": [s.as_dict() for s in segments],
    }


def joined(spans: Sequence[PartySpan], duration: float) -> Iterator[tuple[float, float]]:
    """Times during which anybody was in the talk: in order, apart, within the recording."""
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


def text_of(transcript: Mapping[str, Any], party: str) -> str:
    """All a party said, in one text (for measuring)."""
    return "".join(s["text"] for s in transcript["segments"] if s["party"] == party)


def _at(t: float, end: float) -> float:
    return round(min(t, end), 3)


def _segment(party: Any, voice: Voice, words: tuple[Word, ...]) -> Segment:
    return Segment(
        party=party,
        seat=voice.seat,
        start=words[0].start,
        end=max(w.end for w in words),
        text=sentence([w.word for w in words]),
        confidence=round(sum(w.conf for w in words) / len(words), 3),
        words=words,
        who=voice.who,
        kind=voice.kind,
    )
