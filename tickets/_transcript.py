"""The words of a call, as this room needs them: any object of this shape will do.

The room that makes transcripts is a sibling, so nothing is imported from it; its values fit these protocols,
and `Transcript.from_json` reads the file `transcript.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ._errors import TranscriptError


class WordLike(Protocol):
    """One recognised word."""

    @property
    def word(self) -> str: ...
    @property
    def conf(self) -> float: ...


class SegmentLike(Protocol):
    """What one party said between two pauses. `party` is "caller" or "seat"; times in seconds."""

    @property
    def party(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def text(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def words(self) -> Sequence[WordLike]: ...


class TranscriptLike(Protocol):
    """All segments of a call."""

    @property
    def segments(self) -> Sequence[SegmentLike]: ...


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; times in seconds from the start of the recording, `conf` 0..1."""

    word: str
    start: float = 0.0
    end: float = 0.0
    conf: float = 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """What one party said between two pauses; times in seconds, `confidence` 0..1."""

    party: str
    text: str
    start: float = 0.0
    end: float = 0.0
    confidence: float = 1.0
    words: tuple[Word, ...] = ()
    seat: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """All segments of a call, ordered by start."""

    call_id: str
    segments: tuple[Segment, ...] = ()

    @classmethod
    def from_json(cls, data: object) -> Transcript:
        """Reads the content of a `transcript.json`, already decoded.

        Raises:
            TranscriptError: a field is missing or of a wrong type; the text names the field, never its value.
        """
        top = _mapping(data, "the transcript")
        segments = []
        for n, item in enumerate(_list(top.get("segments"), "segments")):
            where = f"segments[{n}]"
            one = _mapping(item, where)
            words = []
            for k, w in enumerate(_list(one.get("words", []), f"{where}.words")):
                place = f"{where}.words[{k}]"
                word = _mapping(w, place)
                words.append(Word(
                    _text(word.get("word"), f"{place}.word"),
                    _number(word.get("start", 0.0), f"{place}.start"),
                    _number(word.get("end", 0.0), f"{place}.end"),
                    _number(word.get("conf", 1.0), f"{place}.conf"),
                ))
            seat = one.get("seat")
            segments.append(Segment(
                party=_text(one.get("party"), f"{where}.party"),
                text=_text(one.get("text"), f"{where}.text"),
                start=_number(one.get("start", 0.0), f"{where}.start"),
                end=_number(one.get("end", 0.0), f"{where}.end"),
                confidence=_number(one.get("confidence", 1.0), f"{where}.confidence"),
                words=tuple(words),
                seat=None if seat is None else _text(seat, f"{where}.seat"),
            ))
        return cls(_text(top.get("call", ""), "call"), tuple(segments))


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TranscriptError(f"{where}: an object was expected, not {type(value).__name__}")
    return value


def _list(value: object, where: str) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise TranscriptError(f"{where}: a list was expected, not {type(value).__name__}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise TranscriptError(f"{where}: text was expected, not {type(value).__name__}")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TranscriptError(f"{where}: a number was expected, not {type(value).__name__}")
    return float(value)
