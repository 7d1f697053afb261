"""Who is listened to when many speak, and what becomes an alarm. (A recogniser that "hears" levels, real files.)"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import RecogniserError, Sign, Utterance, Word
from recordings._ear import Ear
from recordings._judge import UNCONFIRMED, Judge

RATE = 8000
LOUD, QUIET = 3000, 0


class Stream:
    """Hears "w" for each block; knows which streams are open at once."""

    def __init__(self, owner: Recogniser) -> None:
        self.owner, self.blocks = owner, 0
        owner.open_now += 1
        owner.most = max(owner.most, owner.open_now)

    def accept(self, block: bytes) -> Utterance | None:
        self.owner.fed += 1
        self.blocks += 1
        return None

    def partial(self) -> Utterance | None:
        return Utterance(tuple(Word("w", 0.0, 0.0, 0.0) for _ in range(self.blocks)))

    def finish(self) -> Utterance | None:
        self.owner.open_now -= 1
        return Utterance(tuple(Word("w", i / 5, (i + 1) / 5, 0.9) for i in range(self.blocks)))


class Recogniser:
    def __init__(self) -> None:
        self.fed = self.open_now = self.most = 0

    def open(self, rate: int) -> Stream:
        assert rate == RATE
        return Stream(self)


class Setup:
    """An ear over files in a folder, and a clock set by hand."""

    def __init__(self, tmp: Path, **options: Any) -> None:
        self.tmp, self.now = tmp, 100.0
        self.recogniser, self.told = Recogniser(), list[dict[str, Any]]()
        self.ear = Ear(self.recogniser, self.told.append, lambda: self.now, **options)

    def listen(self, *calls: str) -> None:
        for call in calls:
            self.ear.listen(call, str(self.tmp / f"{call}.raw"))

    def say(self, call: str, *parts: tuple[int, float]) -> None:
        """The switch writes (level, seconds) of the caller's side."""
        left = np.concatenate([np.full(round(s * RATE), level) for level, s in parts])
        with (self.tmp / f"{call}.raw").open("ab") as f:
            f.write(np.stack([left, np.full(len(left), 9000)], axis=1).astype("<i2").tobytes())

    def work(self) -> list[str]:
        """All there is to do now; whose finished utterances came, in order."""
        before = len(self.told)
        for _ in range(10):  # a long file is taken in pieces
            self.ear.poll()
            while self.ear.work():
                pass
        return [x["call"] for x in self.told[before:] if x["over"]]


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_silence_and_what_the_caller_hears_are_no_work_for_the_recogniser(setup: Setup) -> None:
    setup.listen("a")
    setup.say("a", (QUIET, 60.0))
    assert setup.work() == []
    assert setup.recogniser.fed == 0


def test_a_turn_becomes_one_stream_with_times_of_the_recording(setup: Setup) -> None:
    setup.listen("a")
    setup.say("a", (QUIET, 5.0), (LOUD, 1.0))
    assert setup.work() == []
    setup.say("a", (QUIET, 1.0), (LOUD, 1.0), (QUIET, 1.0))
    assert setup.work() == ["a", "a"]
    first, second = (x for x in setup.told if x["over"])
    assert 4.6 <= first["words"][0][1] <= 5.0
    assert 6.6 <= second["words"][0][1] <= 7.0
    assert setup.recogniser.open_now == 0
    assert setup.ear.stats.lag == 0


def test_when_too_many_speak_the_one_who_waits_longest_is_next(tmp_path: Path) -> None:
    setup = Setup(tmp_path, streams=1)
    calls = ["c", "a", "d", "b"]
    setup.listen(*sorted(calls))
    for call in calls:
        setup.say(call, (LOUD, 1.0), (QUIET, 1.0))
        setup.now += 0.1
        setup.ear.poll()
    assert setup.ear.work()
    assert (setup.ear.stats.streams, setup.ear.stats.waiting, setup.ear.stats.lag) == (0, 4, 0.3)
    assert setup.work() == calls
    assert setup.recogniser.most == 1


def test_a_speaker_without_pause_gives_its_stream_to_those_who_wait(tmp_path: Path) -> None:
    setup = Setup(tmp_path, streams=1, turn=3.0, most=30.0)
    setup.listen("noisy", "b")
    setup.say("noisy", (LOUD, 1.0))
    setup.work()
    setup.now += 1
    setup.say("b", (LOUD, 1.0), (QUIET, 1.0))
    setup.ear.poll()
    setup.now += 1
    for _ in range(4):
        setup.say("noisy", (LOUD, 1.0))
    assert "b" in setup.work()


def test_a_file_that_stops_in_mid_sentence_keeps_no_stream(tmp_path: Path) -> None:
    setup = Setup(tmp_path, streams=1)
    setup.listen("a", "b")
    setup.say("a", (LOUD, 1.0))
    setup.work()
    setup.say("b", (LOUD, 1.0), (QUIET, 1.0))
    assert setup.work() == []  # the next second of "a" may be under way
    setup.now += 3
    assert setup.work() == ["a", "b"]


def test_a_crowd_costs_the_oldest_sound_and_never_more_memory(tmp_path: Path) -> None:
    setup = Setup(tmp_path, streams=1, most=4.0)
    setup.listen("a", "b")
    setup.say("a", (LOUD, 1.0))
    setup.work()
    for _ in range(10):
        setup.say("b", (LOUD, 1.0))
        setup.ear.poll()
    assert setup.ear.stats.dropped == pytest.approx(6.0, abs=0.5)


def test_forgotten_and_unreadable_calls_are_no_more_work(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "link.raw").symlink_to("/etc/hostname")
    setup.listen("a", "link")
    setup.say("a", (LOUD, 1.0))
    setup.ear.poll()
    setup.ear.forget("a")
    setup.ear.forget("a")
    assert setup.work() == []
    assert setup.recogniser.fed == 0
    assert (setup.ear.stats.unreadable, setup.ear.stats.callers) == (1, 0)


def test_a_stream_that_is_refused_hurts_nobody_else(setup: Setup) -> None:
    setup.listen("a", "b")
    real, tries = setup.recogniser.open, itertools.count()

    def once(rate: int) -> Stream:
        if not next(tries):
            raise RecogniserError("no")
        return real(rate)

    setup.recogniser.open = once  # type: ignore[method-assign]
    for call in ("a", "b"):
        setup.say(call, (LOUD, 1.0), (QUIET, 1.0))
    assert set(setup.work()) == {"a", "b"}  # the rest of what the first one said is tried anew
    assert setup.ear.stats.refused == 1


_turn = st.tuples(st.sampled_from("abcde"), st.floats(0.3, 2.0), st.booleans())


@settings(deadline=None, max_examples=40)
@given(st.lists(_turn, max_size=12), st.integers(1, 3))
def test_nobody_is_forgotten_and_never_more_streams_than_allowed(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[str, float, bool]], streams: int
) -> None:
    setup = Setup(tmp_path_factory.mktemp("ear"), streams=streams, most=1000.0)
    setup.listen(*"abcde")
    said = dict.fromkeys("abcde", 0)
    for call, length, look in turns:
        setup.say(call, (QUIET, 0.5), (LOUD, length), (QUIET, 1.0))
        said[call] += 1
        if look:
            setup.work()
    setup.work()
    assert {c: sum(x["call"] == c and x["over"] for x in setup.told) for c in said} == said
    assert setup.recogniser.most <= streams
    assert setup.recogniser.open_now == 0


# ------------------------------------------------------------------ from words to an alarm
def detector(turn: Sequence[Sequence[Word]]) -> Sign | None:
    """"F" is a fire, "M" a doctor, unless "no" was said before in the turn or "not" comes anywhere."""
    words = [w for u in turn for w in u]
    text = [w.word for w in words]
    for letter, line in (("F", "119"), ("M", "120")):
        if letter in text and "not" not in text and "no" not in text[: text.index(letter)]:
            return Sign(line, words[text.index(letter)].conf)
    return None


def say(judge: Judge, text: str, at: float, *, over: bool = True, conf: float = 0.9) -> str | None:
    words = tuple(Word(w, at - 0.5, at, conf) for w in text.split())
    sign = judge.hear(words, at, over=over)
    return sign.line if sign else None


@pytest.fixture
def judge() -> Judge:
    return Judge(detector, 0.5)


def test_a_finished_utterance_is_an_alarm_once_for_each_line(judge: Judge) -> None:
    assert [say(judge, t, at) for at, t in ((1, "F"), (2, "F"), (3, "M"), (30, "F"), (31, "M"))] == [
        "119", None, "120", None, None,
    ]  # fmt: skip


def test_words_the_recogniser_doubts_are_no_alarm(judge: Judge) -> None:
    assert say(judge, "F", 1, conf=0.49) is None
    assert say(judge, "F", 9, conf=0.5) == "119"


def test_the_frame_of_a_turn_ends_with_a_long_pause(judge: Judge) -> None:
    assert say(judge, "no", 1) is None
    assert say(judge, "F", 2.5) is None
    assert say(judge, "no", 10) is None
    assert say(judge, "F", 13) == "119"


def test_a_partial_result_counts_only_once_it_has_settled(judge: Judge) -> None:
    assert say(judge, "F", 1.0, over=False, conf=0) is None
    assert say(judge, "F x", 1.6, over=False, conf=0) is None  # still speaking
    assert say(judge, "F x", 2.2, over=False, conf=0) is None
    assert judge.hear((Word("F", 0, 0, 0), Word("x", 0, 0, 0)), 2.45, over=False) == Sign("119", UNCONFIRMED)
    assert say(judge, "F x", 3.0, over=True) is None  # told already


def test_what_follows_may_deny_a_partial_result(judge: Judge) -> None:
    assert say(judge, "F", 1.0, over=False) is None
    assert say(judge, "F not", 1.7, over=False) is None
    assert say(judge, "F not", 5.0, over=False) is None
    assert say(judge, "F not", 5.2) is None


def test_somebody_who_talks_without_a_pause_is_heard_all_the_same(judge: Judge) -> None:
    told = [say(judge, "F" + " x" * i, i * 0.4, over=False) for i in range(1, 9)]
    assert told[:6] == [None] * 6
    assert "119" in told[6:]


_said = st.tuples(st.sampled_from(["F", "M", "no F", "x", "not", ""]), st.floats(0, 3), st.booleans(), st.floats(0, 1))


@given(st.lists(_said, max_size=30))
def test_never_twice_and_never_out_of_nothing(said: list[tuple[str, float, bool, float]]) -> None:
    judge, at, told = Judge(detector, 0.5), 0.0, list[str]()
    for text, gap, over, conf in said:
        at += gap
        if line := say(judge, text, at, over=over, conf=conf):
            told.append(line)
    assert len(told) == len(set(told))
    for line, letter in (("119", "F"), ("120", "M")):
        assert line not in told or any(letter in text.split() for text, *_ in said)
