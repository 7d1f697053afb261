"""The framer against captured traffic and against garbage."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony._frames import MAX_LINE, MAX_MESSAGE, FrameReader, Message, unescape
from telephony._link_actions import encode_action

HISTORIES = sorted((Path(__file__).parents[2] / "histories").glob("*.ami"))
Plain = list[tuple[str, str | list[str]]]


def plain(messages: list[Message]) -> list[Plain]:
    return [list(m.items()) for m in messages]


def read(*parts: bytes) -> tuple[list[Plain], FrameReader]:
    reader = FrameReader()
    messages = [m for part in parts for m in reader.feed(part)]
    return plain(messages), reader


def naive(raw: bytes) -> list[Plain]:
    """An independent, simple reading of well-formed traffic (its lines all end in CR LF)."""
    out = []
    for block in re.split(rb"(?:\r\n){2,}", raw.split(b"\r\n", 1)[1]):
        found: dict[str, str | list[str]] = {}
        for line in block.split(b"\r\n"):
            if not line:
                continue
            key, value = line.decode("utf-8", "replace").split(": ", 1)
            old = found.get(key)
            found[key] = value if old is None else [*(old if isinstance(old, list) else [old]), value]
        if found:
            out.append(list(found.items()))
    return out


def test_there_are_histories() -> None:
    assert len(HISTORIES) >= 5
    assert sum(p.stat().st_size for p in HISTORIES) < 300_000


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: p.stem)
def test_history_reads_as_its_lines_say_also_once_shapes_are_learnt(path: Path) -> None:
    raw = path.read_bytes()
    expected = naive(raw)
    messages, reader = read(raw)
    assert messages == expected
    assert reader.banner == "11.0.0"
    assert reader.held == 0
    body = raw.split(b"\r\n", 1)[1]
    for _ in range(12):  # now nearly everything goes the fast way
        messages = plain(reader.feed(body))
        assert messages == expected
    assert reader._shapes.known


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: p.stem)
def test_history_cut_at_any_byte_reads_the_same(path: Path) -> None:
    raw = path.read_bytes()
    expected, _ = read(raw)
    # Byte by byte, and in two reads at each place: the second within a window of a few messages, so
    # that the test stays quick.
    assert read(*(raw[i : i + 1] for i in range(len(raw))))[0] == expected
    head = raw[:2500]
    expected_head, _ = read(head)
    for cut in range(1, len(head)):
        assert read(head[:cut], head[cut:])[0] == expected_head, cut


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: p.stem)
@given(st.data())
@settings(max_examples=15, deadline=None)
def test_history_cut_anyhow_reads_the_same(path: Path, data: st.DataObject) -> None:
    raw = path.read_bytes() * 3
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=60)))
    parts = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert read(*parts)[0] == read(raw)[0]


def test_chinese_character_cut_by_a_read_survives() -> None:
    raw = "Event: UserEvent\r\nMatter: 鹿城区路灯不亮\r\n\r\n".encode()
    for cut in range(len(raw)):
        messages, reader = read(raw[:cut], raw[cut:])
        assert messages == [[("Event", "UserEvent"), ("Matter", "鹿城区路灯不亮")]]
        assert reader.counters.bad_utf8 == 0


def test_gbk_name_becomes_replacement_signs_and_is_counted() -> None:
    raw = next(p for p in HISTORIES if p.stem == "gbk").read_bytes()
    messages, reader = read(raw)
    names = {v for m in messages for k, v in m if k == "CallerIDName"}
    assert any("\ufffd" in str(name) for name in names)
    assert reader.counters.bad_utf8 > 0
    by_byte = read(*(raw[i : i + 1] for i in range(len(raw))))[1]
    assert by_byte.counters == reader.counters


def test_replacement_sign_sent_by_asterisk_is_not_counted_as_bad() -> None:
    _, reader = read("Event: X\r\nName: \ufffd\r\n\r\n".encode())
    assert reader.counters.bad_utf8 == 0


def test_repeated_headers_become_a_list_on_both_ways() -> None:
    raw = b"Event: TestEvent\r\nState: a\r\nType: t\r\nState: b\r\n\r\n"
    for messages in (read(raw)[0], read(raw * 20)[0][-1:]):
        assert messages == [[("Event", "TestEvent"), ("State", ["a", "b"]), ("Type", "t")]]
    message = FrameReader().feed(raw)[0]
    assert message.one("State") == "a"
    assert message.all("State") == ["a", "b"]
    assert message.all("Type") == ["t"]
    assert message.all("None") == []


def test_command_output_is_read_line_by_line() -> None:
    raw = next(p for p in HISTORIES if p.stem == "errors").read_bytes()
    replies = [m for m in FrameReader().feed(raw) if "Output" in m]
    assert any("鹿城区路灯不亮 ✓" in line for line in replies[-1].all("Output"))
    assert replies[-1].all("Output")[-2] == ""
    assert not replies[0].success and replies[0].is_reply


def test_originate_response_is_an_event_not_a_reply() -> None:
    message = FrameReader().feed(b"Event: OriginateResponse\r\nActionID: 1\r\nResponse: Failure\r\n\r\n")[0]
    assert not message.is_reply
    assert message.event == "OriginateResponse"


def test_event_header_that_is_not_first_still_makes_an_event() -> None:
    raw = b"Privilege: call,all\r\nEvent: Hangup\r\n\r\n" * 20
    assert {m.event for m in FrameReader().feed(raw)} == {"Hangup"}


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_lone_line_feeds_are_tolerated(end: bytes) -> None:
    raw = end.join(
        [b"Asterisk Call Manager/11.0.0", b"Event: A", b"X: 1", b"", b"", b"Event: B", b"Y:2", b"Z:", b"", b""]
    )
    messages, reader = read(raw)
    assert messages == [[("Event", "A"), ("X", "1")], [("Event", "B"), ("Y", "2"), ("Z", "")]]
    assert reader.banner == "11.0.0"


def test_unicode_line_separators_do_not_split_a_line() -> None:
    value = "a\u2028b\x0bc\x1ed\x85e"
    assert read(f"Event: X\r\nText: {value}\r\n\r\n".encode())[0] == [[("Event", "X"), ("Text", value)]]


GOOD = b"Event: After\r\n\r\n"


@pytest.mark.parametrize(
    "bad",
    [
        b"Event: Big\r\nText: " + b"x" * MAX_LINE + b"\r\nMore: 1\r\n\r\n",
        b"Event: Big\r\nText: " + b"x" * (3 * MAX_MESSAGE) + b"\r\n\r\n",
        b"Event: Big\r\n" + b"Line: 0123456789\r\n" * (MAX_MESSAGE // 10) + b"\r\n",
        b"Event: Big\r\nText: " + "灯".encode() * (MAX_LINE // 3) + b"\r\n\r\n",
    ],
    ids=["line", "endless line", "message", "line of wide characters"],
)
@pytest.mark.parametrize("size", [997, 70_000, 10**9])
def test_oversize_message_is_dropped_and_the_next_is_read(bad: bytes, size: int) -> None:
    stream = b"Asterisk Call Manager/11.0.0\r\n" + GOOD + bad + GOOD
    reader = FrameReader()
    messages = []
    for i in range(0, len(stream), size):
        messages += reader.feed(stream[i : i + size])
        assert reader.held <= MAX_MESSAGE
    assert [m.event for m in messages] == ["After", "After"]
    assert reader.counters.oversize == 1


def test_line_of_exactly_the_limit_is_kept_however_it_is_cut() -> None:
    line = b"Text: " + b"x" * (MAX_LINE - 8) + b"\r\n"
    assert len(line) == MAX_LINE
    for extra, kept in ((b"", 1), (b"x", 0)):
        raw = b"Event: A\r\n" + extra + line + b"\r\n"
        for size in (1000, 1023, 10**9):
            parts = [raw[i : i + size] for i in range(0, len(raw), size)]
            messages, reader = read(*parts)
            assert (len(messages), reader.counters.oversize) == (kept, 1 - kept)


def test_many_repeated_headers_do_not_take_quadratic_time() -> None:
    raw = b"Event: A\r\n" + b"a: b\r\n" * 150_000 + b"\r\n"
    assert len(FrameReader().feed(raw)[0].all("a")) == 150_000


@given(st.lists(st.binary(max_size=300), max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_garbage_never_raises_and_does_not_depend_on_the_reads(parts: list[bytes], rng: random.Random) -> None:
    raw = b"".join(parts)
    expected, whole = read(raw)
    messages, reader = read(*parts)
    assert messages == expected
    assert reader.held <= MAX_MESSAGE
    assert reader.counters == whole.counters


LINES = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"\n\n", b"\r\n\r\n", b": ", b":", b"Event: A", b"Event: B", b"K: v", b"\xe7", b"x"]
)


@given(st.lists(LINES, max_size=60), st.data())
@settings(max_examples=300, deadline=None)
def test_odd_line_ends_read_the_same_however_they_are_cut(tokens: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(tokens) * 10
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=12)))
    expected, whole = read(raw)
    messages, reader = read(*(raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)))
    assert messages == expected
    assert reader.counters == whole.counters


def test_endless_variety_of_shapes_costs_no_memory() -> None:
    reader = FrameReader()
    for n in range(2000):
        reader.feed(b"Event: E%d\r\nK%d: 1\r\n\r\n" % (n, n) * 9)
    shapes = reader._shapes
    assert sum(map(len, shapes.known.values())) <= 128
    assert len(shapes._seen) <= 256


KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True).filter(
    lambda k: k.lower() not in ("action", "event")
)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=200)


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_what_is_encoded_reads_back(fields: dict[str, str]) -> None:
    wanted = {"Action": "X", **fields}
    reader = FrameReader()
    reader.feed(b"Asterisk Call Manager/11.0.0\r\n")
    (message,) = reader.feed(encode_action(wanted))
    assert dict(message) == wanted


@pytest.mark.parametrize(
    ("escaped", "exact"),
    [
        ("plain", "plain"),
        (r"李\"四\\", '李"四\\'),
        (r"a\nb\r\t\'\?", "a\nb\r\t'?"),
        (r"\\n", r"\n"),
        ("lone \\", "lone \\"),
        (r"\x41", r"\x41"),
    ],
)
def test_escaped_values_come_out_exact(escaped: str, exact: str) -> None:
    assert unescape(escaped) == exact


@pytest.mark.parametrize(("name", "variable", "value"), [("call", "NOTE", '他说 "路灯" 坏了 \\ 急')])
def test_captured_varset_unescapes_to_what_getvar_says(name: str, variable: str, value: str) -> None:
    messages = FrameReader().feed((Path(__file__).parents[2] / f"histories/{name}.ami").read_bytes())
    (varset,) = [m for m in messages if m.event == "VarSet" and m["Variable"] == variable]
    (getvar,) = [m for m in messages if m.is_reply and m.get("Variable") == variable]
    assert varset.one("Value") != value
    assert unescape(varset.one("Value")) == getvar["Value"] == value


def test_message_printed_by_accident_shows_no_values() -> None:
    message = Message.of({"Event": "Newchannel", "CallerIDNum": "13800000000"})
    assert "13800000000" not in f"{message!r} {message}"


def test_events_that_begin_alike_keep_their_own_names() -> None:
    pair = b"Event: ContactStatusDetailOne\r\nN: 1\r\n\r\nEvent: ContactStatusDetailTwo\r\nN: 2\r\n\r\n"
    messages = FrameReader().feed(pair * 30)
    assert [(m.event, m["Event"], m["N"]) for m in messages] == [
        ("ContactStatusDetailOne", "ContactStatusDetailOne", "1"),
        ("ContactStatusDetailTwo", "ContactStatusDetailTwo", "2"),
    ] * 30


def test_genuine_replacement_sign_beside_a_bad_byte_is_not_counted() -> None:
    _, reader = read("Event: X\r\nName: \ufffd".encode() + b"\xcd\r\n\r\n")
    assert reader.counters.bad_utf8 == 1


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("ahead", [0, 1])
def test_empty_line_right_after_the_cut_ends_a_dropped_message(end: bytes, ahead: int) -> None:
    big = b"Event: Big" + end + (b"x" * 1000 + end) * (MAX_MESSAGE // 1000 + 1)
    first, second = big + end[:ahead], end[ahead:] + GOOD
    messages, reader = read(first, second)
    assert messages == [[("Event", "After")]]
    assert reader.counters.oversize == 1
