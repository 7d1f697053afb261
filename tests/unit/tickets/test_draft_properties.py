"""Whatever a recogniser writes, a draft comes out, and its region is a known one or none."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tickets import Facts, Gazetteer, Note, Segment, Transcript, Word, make_draft

PLACES = Gazetteer.load(Path(__file__).resolve().parents[3] / "config" / "regions.yaml")
NAMES = [*PLACES.names, *PLACES.shorts]
BITS = ["我", "在", "是", "不是", "投诉", "学院路", "二十", "号", "路灯", "坏了", "对的", "上海", "，", " ", "去"]

any_text = st.text(max_size=60)
pieces = st.sampled_from(NAMES) | st.sampled_from(BITS) | st.text("区县市是去先", max_size=2)
likely_text = st.lists(pieces, max_size=14)
texts = any_text | likely_text.map(" ".join) | likely_text.map("".join)
numbers = st.floats(allow_nan=True, allow_infinity=True)
words = st.lists(st.builds(Word, texts, numbers, numbers, numbers), max_size=6).map(tuple)
segments = st.builds(Segment, st.sampled_from(["caller", "seat", "?"]), texts, numbers, numbers, numbers, words)
spoken = segments | texts.map(
    lambda text: Segment("caller", text, 0.0, 1.0, 0.9, tuple(Word(one) for one in text.split()))
)
talks = st.lists(spoken, max_size=6).map(lambda found: Transcript("c", tuple(found)))
centres = st.none() | st.sampled_from(sorted(PLACES.regions)) | any_text
facts = st.builds(Facts, st.just("c"), any_text, any_text, centres)


@settings(max_examples=150, deadline=None)
@given(talks, facts)
def test_any_talk_gives_a_draft_with_a_known_region_or_none(talk: Transcript, known: Facts) -> None:
    draft = make_draft(talk, known, PLACES, 1.0)
    assert draft.region is None or draft.region in PLACES.regions
    assert draft.region_name == (PLACES.full_name(draft.region) if draft.region else None)
    assert 1 <= len(draft.title) <= 40
    assert (draft.content == "") == (draft.note is not Note.NONE)
    assert not any(unicodedata.category(ch) in {"Cc", "Cs"} for ch in draft.content + draft.title)
    assert draft == make_draft(talk, known, PLACES, 1.0)


@settings(max_examples=100, deadline=None)
@given(st.lists(texts, max_size=4), st.lists(texts, max_size=4))
def test_the_seats_words_never_enter_the_content(caller: list[str], seat: list[str]) -> None:
    quiet = [Segment("caller", text, 3.0 * n, 3.0 * n + 1) for n, text in enumerate(caller)]
    mixed = [*quiet, *(Segment("seat", text + "座席说的", 100.0 + n) for n, text in enumerate(seat))]
    assert make_draft(Transcript("c", tuple(quiet)), Facts("c"), PLACES, 0).content == \
        make_draft(Transcript("c", tuple(mixed)), Facts("c"), PLACES, 0).content


def test_the_longest_known_call_is_drafted_in_linear_time() -> None:
    """79 minutes of talk: ten times the words must not cost a hundred times the work."""
    import time

    def cost(n: int) -> float:
        line = "我 在 路 城区 人民路 二十 号 我我我 要 投诉 噪音 被 被 骗 能 不 能 可以 大道"
        talk = Transcript("c", tuple(Segment("caller", line, 3.0 * k, 3.0 * k + 2) for k in range(n)))
        begin = time.process_time()
        make_draft(talk, Facts("c"), PLACES, 0)
        return time.process_time() - begin

    cost(20)
    assert cost(1000) < 40 * max(cost(100), 0.005)
