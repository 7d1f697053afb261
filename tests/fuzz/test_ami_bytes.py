"""The bytes of an AMI session: whatever comes, however it is cut, the reader never raises, holds little, and reads the
next good message."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telephony._frames import MAX_LINE, MAX_MESSAGE, FrameReader, Message
from telephony._message import unescape
from tests.fuzz.hostile import LONG, NASTY, bounded, fuzz, rng, texts, torn

HISTORIES = sorted((Path(__file__).parents[1] / "histories").glob("*.ami"))
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
GOOD = b"Event: Hangup\r\nUniqueid: after-1.0\r\nCause: 16\r\n\r\n"


def read(raw: bytes, cuts: list[int]) -> tuple[list[list[tuple[str, object]]], FrameReader]:
    reader = FrameReader()
    out: list[Message] = []
    edges = [0, *sorted(min(c, len(raw)) for c in cuts), len(raw)]
    for a, b in itertools.pairwise(edges):
        out += reader.feed(raw[a:b])
        assert reader.held <= MAX_MESSAGE
    return [list(m.items()) for m in out], reader


def check(raw: bytes, cuts: list[int]) -> None:
    """Never raises, does not depend on the cuts, and reads what follows."""
    whole, reader = read(raw, [])
    parts, other = read(raw, cuts)
    assert parts == whole
    assert other.counters == reader.counters and other.held == reader.held
    # An empty line ends whatever was left open.
    more = reader.feed(b"\r\n\r\n" + GOOD)
    assert more and more[-1].event == "Hangup" and more[-1].one("Uniqueid") == "after-1.0"


messages = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from([GOOD, BANNER, b"\r\n", b"\n", b"\r", b":", b": ", b"Event", b"Event: ", b"\r\n\r\n", b"\n\n",
                         b"\xff\xfe", b"\xe7\x81", "灯".encode("gbk"), b"Response: Success\r\n\r\n", b"A: b\n\r\n"]),
        st.tuples(texts, texts).map(lambda kv: f"{kv[0]}: {kv[1]}\r\n".encode("utf-8", "surrogatepass")),
    ),
    max_size=25,
)  # fmt: skip


@example(parts=[b"\n\r\n"], cuts=[1, 2])
@example(parts=[BANNER, b"Event: a\r\n\n", GOOD], cuts=[31, 32, 40, 41])
@given(parts=messages, cuts=st.lists(st.integers(0, 4000), max_size=12))
@fuzz(120)
def test_any_bytes_cut_anywhere(parts: list[bytes], cuts: list[int]) -> None:
    check(b"".join(parts), cuts)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: p.stem)
def test_real_traffic_with_torn_bytes(path: Path) -> None:
    dice, raw = rng(1), path.read_bytes()[:20_000]
    for _ in range(600 if LONG else 12):
        check(torn(raw, dice), [dice.randint(0, len(raw)) for _ in range(6)])


@given(sizes=st.lists(st.sampled_from([1, 2, 1000, MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, MAX_MESSAGE]), max_size=4),
       step=st.sampled_from([1500, 65_536, 300_000]), text=st.sampled_from([b"x", "灯".encode(), b"a: b\r\n", b"\xff"]))
@fuzz(15)
def test_giant_lines_and_messages(sizes: list[int], step: int, text: bytes) -> None:
    raw = b"".join(b"Event: Big\r\nText: " + (text * size)[: size * 2] + b"\r\n\r\n" + GOOD for size in sizes)
    check(raw, list(range(0, len(raw), step)))


def test_a_flood_without_an_end_is_not_kept() -> None:
    reader, chunk = FrameReader(), b"x" * 65_536
    reader.feed(BANNER)
    with bounded(2 * MAX_MESSAGE + 200_000, "an endless line"):
        for _ in range(2_000 if LONG else 200):  # 13 MB
            assert reader.feed(chunk) == []
    assert reader.feed(b"\r\n\r\n" + GOOD)[-1].event == "Hangup"
    assert reader.counters.oversize == 1


def test_a_flood_of_shapes_is_not_learnt() -> None:
    """Each message has keys of its own: what is learnt of layouts stays small."""
    reader = FrameReader()
    reader.feed(BANNER)
    with bounded(4_000_000, "layouts of messages"):
        for n in range(40_000 if LONG else 4_000):
            block = f"Event: E{n % 500}\r\nKey{n}: 1\r\nOther{n % 7}: {n}\r\n\r\n".encode()
            assert len(reader.feed(block * (9 if n % 50 == 0 else 1))) in (1, 9)
    assert reader.feed(GOOD)[-1].event == "Hangup"


@given(value=texts)
@fuzz(100)
def test_a_value_comes_back_as_it_was_sent(value: str) -> None:
    """What Asterisk escapes is undone once; nothing is read as a line end that was none."""
    sent = value.encode("utf-8", "replace").decode().replace("\r", "").replace("\n", "")
    raw = f"Event: X\r\nCallerIDName: {sent}\r\nEnd: 1\r\n\r\n".encode()
    if len(raw) >= MAX_LINE:
        return
    (message,) = FrameReader().feed(BANNER + raw)
    assert message.one("CallerIDName") == sent and message.one("End") == "1"
    assert isinstance(unescape(sent), str)


def test_torn_messages_of_one_link_do_not_teach_it_wrong_layouts() -> None:
    dice, reader = rng(2), FrameReader()
    reader.feed(BANNER)
    for _ in range(3_000 if LONG else 200):
        reader.feed(torn(GOOD * 3, dice))
        reader.feed(b"\r\n\r\n")
    again = reader.feed(b"\r\n\r\n" + GOOD * 20)
    assert [m.one("Uniqueid") for m in again] == ["after-1.0"] * 20
    assert all(m.event == "Hangup" and list(m) == ["Event", "Uniqueid", "Cause"] for m in again)


@pytest.mark.parametrize("text", NASTY)
def test_each_nasty_value_in_each_place(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    for shape in (b"%s", b"Event: %s\r\n\r\n", b"%s: x\r\n\r\n", b"Event: A\r\nB: %s\r\n\r\n", b"\r\n%s\r\n"):
        dice = random.Random(len(raw))
        whole = BANNER + shape.replace(b"%s", raw) + GOOD
        check(whole, [dice.randint(0, len(whole)) for _ in range(4)])
