"""Who said what: greeting and music are nobody's words, and each word has the right seat and time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from recordings import Job, Mark, PartySpan, Span, Utterance, Word, character_error_rate, text_of, transcribe
from recordings._parties import Speakers, Voice
from recordings._transcribe import joined

RATE = 8000


class PerSecond:
    """A recogniser that "hears" one word a second: the mean level of that second, as a number."""

    name = "per-second"

    def transcribe(self, blocks: Iterable[bytes], rate: int) -> Iterator[Utterance]:
        data = np.frombuffer(b"".join(blocks), "<i2")
        words = []
        for i in range(0, len(data), rate):
            level = round(float(np.abs(data[i : i + rate]).mean()))
            if level:
                words.append(Word(str(level), i / rate, min(i + rate, len(data)) / rate, 0.5))
        if words:
            yield Utterance(tuple(words))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """10 s: left says 1 in the first and 2 in the last second; right is second + 100 all the time."""
    left, right = np.zeros(10 * RATE, "<i2"), np.zeros(10 * RATE, "<i2")
    left[:RATE], left[-RATE:] = 1, 2
    for s in range(10):
        right[s * RATE : (s + 1) * RATE] = 100 + s
    path = tmp_path / "audio.flac"
    soundfile.write(path, np.stack([left, right], axis=1), RATE)
    return path


def job(*spans: Span, parties: tuple[PartySpan, ...] = (), spoke: tuple[Mark, ...] = ()) -> Job:
    return Job(
        "c-1", "/spool/c-1.raw", RATE, 1763932140.0, 1763932150.0, spans, parties=parties, spoke=spoke
    )  # fmt: skip


def heard(recording: Path, job: Job) -> list[tuple[str | None, str | None, str | None, str]]:
    """(seat, who, kind, words) of the right channel."""
    words = transcribe(job, recording, 10.0, PerSecond())
    return [(s["seat"], s["who"], s["kind"], s["text"]) for s in words["segments"] if s["party"] == "seat"]


def test_greeting_and_music_are_not_transcribed(recording: Path) -> None:
    words = transcribe(job(Span(3.0, 5.0, "8001")), recording, 10.0, PerSecond())
    assert text_of(words, "seat") == "103 104"
    assert text_of(transcribe(job(), recording, 10.0, PerSecond()), "seat") == ""


def test_caller_is_heard_throughout_and_has_no_seat(recording: Path) -> None:
    words = transcribe(job(Span(3.0, 5.0, "8001")), recording, 10.0, PerSecond())
    caller = [s for s in words["segments"] if s["party"] == "caller"]
    assert [s["seat"] for s in caller] == [None]
    assert [(w["word"], w["start"], w["end"]) for w in caller[0]["words"]] == [("1", 0.0, 1.0), ("2", 9.0, 10.0)]


def test_times_count_from_the_start_of_the_recording(recording: Path) -> None:
    words = transcribe(job(Span(3.0, 5.0, "8001"), Span(8.0, 9.0, "8002")), recording, 10.0, PerSecond())
    seats = [(s["seat"], s["start"], s["end"], s["text"]) for s in words["segments"] if s["party"] == "seat"]
    assert seats == [("8001", 3.0, 5.0, "103 104"), ("8002", 8.0, 9.0, "108")]
    assert [s["start"] for s in words["segments"]] == sorted(s["start"] for s in words["segments"])


def test_handover_in_mid_sentence_gives_each_word_its_seat(recording: Path) -> None:
    words = transcribe(job(Span(2.0, 4.0, "8001"), Span(4.0, 6.0, "8002")), recording, 10.0, PerSecond())
    seats = [(s["seat"], s["text"]) for s in words["segments"] if s["party"] == "seat"]
    assert seats == [("8001", "102 103"), ("8002", "104 105")]


def test_two_seats_at_once_are_not_guessed_apart(recording: Path) -> None:
    words = transcribe(job(Span(2.0, 5.0, "8001"), Span(4.0, 6.0, "8002")), recording, 10.0, PerSecond())
    seats = [(s["seat"], s["text"]) for s in words["segments"] if s["party"] == "seat"]
    assert seats == [("8001", "102 103"), (None, "104"), ("8002", "105")]


def test_shape_is_the_contract(recording: Path) -> None:
    words = transcribe(job(Span(3.0, 5.0, "8001")), recording, 10.0, PerSecond())
    assert set(words) == {"call", "model", "duration", "segments"}
    assert set(words["segments"][0]) == {"party", "seat", "start", "end", "text", "confidence", "words", "who", "kind"}
    assert words["segments"][0]["confidence"] == 0.5


def test_on_hold_only_music_is_on_the_right_and_nobody_says_it(recording: Path) -> None:
    on_hold = job(
        Span(1.0, 9.0, "8001"), parties=(PartySpan(1.0, 3.0, "8001", "seat"), PartySpan(7.0, 9.0, "8001", "seat"))
    )
    assert [words for *_, words in heard(recording, on_hold)] == ["101 102", "107 108"]


def test_a_third_seat_and_an_outside_line_have_their_own_words(recording: Path) -> None:
    parts = (
        PartySpan(1.0, 2.0, "8001", "seat"), PartySpan(2.0, 3.0, "8002", "third"),
        PartySpan(3.0, 5.0, "line.119", "line"),
    )  # fmt: skip
    assert heard(recording, job(Span(1.0, 2.0, "8001"), parties=parts)) == [
        ("8001", "8001", "seat", "101"), ("8002", "8002", "third", "102"), (None, "line.119", "line", "103 104"),
    ]  # fmt: skip


def test_who_spoke_marks_tell_mixed_voices_apart(recording: Path) -> None:
    parts = (PartySpan(1.0, 7.0, "8001", "seat"), PartySpan(1.0, 7.0, "line.119", "line"))
    marks = (Mark(1.0, 2.0, "8001"), Mark(2.1, 3.0, "line.119"), Mark(3.0, 4.0, "8001"), Mark(3.2, 4.0, "line.119"))
    assert heard(recording, job(parties=parts, spoke=marks)) == [
        ("8001", "8001", "seat", "101"),
        (None, "line.119", "line", "102"),
        (None, None, None, "103 104 105 106"),  # both at once, then nobody knows
    ]


def test_marks_of_somebody_who_is_not_there_count_for_nothing(recording: Path) -> None:
    parts = (PartySpan(1.0, 4.0, "8001", "seat"), PartySpan(2.0, 4.0, "8002", "third"))
    marks = (Mark(1.0, 2.0, "8002"), Mark(2.0, 3.0, "8003"), Mark(3.0, 4.0, "8002"))
    assert [who for _, who, _, _ in heard(recording, job(parties=parts, spoke=marks))] == ["8001", None, "8002"]


def test_a_mark_that_comes_a_little_late_still_counts(recording: Path) -> None:
    """A detector needs some speech before it says so; a mark of another moment is none of this word."""
    parts = (PartySpan(1.0, 4.0, "8001", "seat"), PartySpan(1.0, 4.0, "line.119", "line"))
    marks = (Mark(1.8, 1.9, "8001"), Mark(3.1, 3.2, "line.119"), Mark(3.8, 3.9, "8001"))
    assert [(who, words) for _, who, _, words in heard(recording, job(parties=parts, spoke=marks))] == [
        ("8001", "101"), (None, "102 103"),
    ]  # fmt: skip


def test_a_seat_of_an_earlier_version_keeps_its_span_beside_a_new_party(recording: Path) -> None:
    parts = (PartySpan(4.0, 5.0, "line.110", "line"),)
    found = heard(recording, job(Span(2.0, 4.0, "8001"), parties=parts))
    assert [(who, words) for _, who, _, words in found] == [("8001", "102 103"), ("line.110", "104")]


_WHO = st.sampled_from([("8001", "seat"), ("8002", "third"), ("line.119", "line")])
_span = st.tuples(st.floats(-5, 100), st.floats(0, 50), _WHO).map(lambda t: PartySpan(t[0], t[0] + t[1], *t[2]))
_mark = _span.map(lambda s: Mark(s.start, s.end, s.who))


@given(st.lists(_span, max_size=8), st.floats(0, 80))
def test_joined_times_are_apart_in_order_and_inside(spans: list[PartySpan], duration: float) -> None:
    found = list(joined(spans, duration))
    flat = [t for pair in found for t in pair]
    assert flat == sorted(flat)
    assert all(0 <= a < b <= duration for a, b in found)
    assert all(b[0] - a[1] > 0.3 for a, b in pairwise(found))
    for s in spans:
        middle = (max(0.0, s.start) + min(duration, s.end)) / 2
        if s.start < middle < s.end and 0 < middle < duration:
            assert any(a <= middle <= b for a, b in found)


@given(st.lists(_span, max_size=8), st.lists(_mark, max_size=12), st.floats(0, 100), st.floats(0, 2))
def test_a_word_is_of_who_was_there_and_the_only_one_to_speak(
    spans: list[PartySpan], marks: list[Mark], start: float, length: float
) -> None:
    voice, t = Speakers(spans, marks).of(start, start + length), (start + start + length) / 2
    there = {s.who for s in spans if s.start <= t < s.end}
    spoke = {m.who for m in marks if m.start <= t < m.end} & there
    if voice.who is None:
        assert voice == Voice() and voice.seat is None
        assert len(there) != 1 and len(spoke) != 1
    else:
        assert voice.who in (there or {s.who for s in spans})
        assert (voice.who, voice.kind) in {(s.who, s.kind) for s in spans}
        assert voice.seat == (None if voice.kind == "line" else voice.who)
    if len(there) == 1:
        assert {voice.who} == there
    elif len(there) > 1 and spoke:
        assert voice.who == (next(iter(spoke)) if len(spoke) == 1 else None)


@pytest.mark.parametrize(
    ("reference", "heard", "rate"),
    [
        ("路灯坏了", "路灯 坏 了", 0.0),
        ("路灯坏了。", "路 灯坏", 0.25),
        ("我拨打12345", "我拨打一二三四五", 0.0),
        ("幺三八", "138", 0.0),
        ("你好", "", 1.0),
        ("", "", 0.0),
        ("", "你好", 2.0),
        ("你好", "你们都好", 1.0),
    ],
)
def test_character_error_rate(reference: str, heard: str, rate: float) -> None:
    assert character_error_rate(reference, heard) == rate
