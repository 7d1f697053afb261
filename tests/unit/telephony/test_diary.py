"""The switch's notes of what it did alone: read once for each line, forgotten only when they are journalled."""

import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls import events as e
from telephony._diary import Diary, _events

CALL = "hotline-1795598250.1"
SEAT = "hotline-1795598250.2"
FIRST = "A|1795598251|12345|13800000001|%E7%8E%8B|trunk|PJSIP/trunk-00000000|default@61\nN|1795598251\n"


@pytest.fixture
def diary(tmp_path):
    return Diary(tmp_path, lambda call: call in over)


over: set[str] = set()


@pytest.fixture(autouse=True)
def _nothing_over():
    over.clear()


def names(tmp_path):
    return sorted(x.name for x in tmp_path.iterdir())


def test_a_tale_is_events_with_the_times_of_the_switch(tmp_path, diary):
    (tmp_path / f"{CALL}.alone").write_text(f"{FIRST}J|1795598255|8001|{SEAT}\nL|1795598300|16\n")
    (tale,) = diary.read()
    assert tale.call == CALL
    assert tale.events == (
        (1795598250.0, e.Arrived(CALL, "PJSIP/trunk-00000000", "12345", "13800000001", "王", "default@61",
                                 origin="trunk")),
        (1795598251.0, e.WentNative(CALL)),
        (1795598255.0, e.LegJoined(CALL, SEAT, "8001")),
        (1795598300.0, e.CallerLeft(CALL, 16)),
    )  # fmt: skip
    assert tale.touched == 1795598300.0


def test_what_is_not_journalled_is_told_again_with_what_came_later(tmp_path, diary):
    file = tmp_path / f"{CALL}.alone"
    file.write_text(FIRST)
    assert [len(t.events) for t in diary.read()] == [2]
    file.write_text("L|1795598300|16\n")
    assert [len(t.events) for t in Diary(tmp_path, lambda _: False).read()] == [3], "another process, after a kill"
    assert names(tmp_path) == [f"{CALL}.alone-taken"]


def test_what_is_journalled_is_forgotten_and_a_line_that_came_meanwhile_is_not(tmp_path, diary):
    file = tmp_path / f"{CALL}.alone"
    file.write_text(FIRST)
    diary.read()
    file.write_text("L|1795598300|16\n")
    diary.written(["another"])
    assert len(names(tmp_path)) == 2
    diary.written([CALL])
    assert [[type(x) for _, x in t.events] for t in diary.read()] == [[e.CallerLeft]]
    diary.written([CALL], left=[CALL])
    assert names(tmp_path) == []


def test_a_call_that_is_over_is_told_no_more(tmp_path, diary):
    over.add(CALL)
    (tmp_path / f"{CALL}.alone").write_text(FIRST)
    assert diary.read() == []
    assert names(tmp_path) == []


def test_the_end_of_an_old_tale_does_not_stay_for_ever(tmp_path, diary):
    (tmp_path / f"{CALL}.alone").write_text("L|1700000000|16\n")
    (tmp_path / f"{SEAT}.alone").write_text(f"L|{int(time.time())}|16\n")
    assert [t.call for t in diary.read()] == [SEAT]
    assert names(tmp_path) == [f"{SEAT}.alone-taken"]


def test_the_recordings_last_byte_is_a_sign_of_life(tmp_path, diary):
    (tmp_path / f"{CALL}.alone").write_text(FIRST)
    (tmp_path / f"{CALL}.raw").write_bytes(b"x")
    os.utime(tmp_path / f"{CALL}.raw", (1795598444, 1795598444))
    assert diary.read()[0].touched == 1795598444.0


def test_another_switchs_calls_and_foreign_files_are_left_alone(tmp_path):
    for name in ("west-1795598250.1.alone", "a b.alone", "x.raw", ".alone"):
        (tmp_path / name).write_text(FIRST)
    assert Diary(tmp_path, lambda _: False, lambda call: call.startswith("hotline-")).read() == []
    assert len(names(tmp_path)) == 4
    assert Diary(tmp_path / "none", lambda _: False).read() == []


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_no_line_is_too_strange(lines):
    for at, event in _events(CALL, [x for text in lines for x in (text, f"A|{text}", f"A|5|{text}", f"J|5|{text}",
                                                                  f"L|5|{text}", f"N|{text}")]):  # fmt: skip
        assert isinstance(at, float) and event.call == CALL
        assert e.Codec.decode(e.Codec.encode(event)) == event
