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

from recordings import Job, Span, Utterance, Word, character_error_rate, text_of, transcribe
from recordings._transcribe import joined, seat_at

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


def job(*spans: Span) -> Job:
    return Job("c-1", "/spool/c-1.raw", RATE, 1763932140.0, 1763932150.0, spans)


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
    assert set(words["segments"][0]) == {"party", "seat", "start", "end", "text", "confidence", "words"}
    assert words["segments"][0]["confidence"] == 0.5


_span = st.tuples(st.floats(-5, 100), st.floats(0, 50)).map(lambda t: Span(t[0], t[0] + t[1], "8001"))


@given(st.lists(_span, max_size=8), st.floats(0, 80))
def test_joined_times_are_apart_in_order_and_inside(spans: list[Span], duration: float) -> None:
    found = list(joined(spans, duration))
    flat = [t for pair in found for t in pair]
    assert flat == sorted(flat)
    assert all(0 <= a < b <= duration for a, b in found)
    assert all(b[0] - a[1] > 0.3 for a, b in pairwise(found))
    for s in spans:
        middle = (max(0.0, s.start) + min(duration, s.end)) / 2
        if s.start < middle < s.end and 0 < middle < duration:
            assert any(a <= middle <= b for a, b in found)
            assert seat_at(spans, middle) == "8001"


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
