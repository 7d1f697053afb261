"""Reading transcript.json: the agreed shape, and errors that name the place but never the words."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets import Transcript, TranscriptError

AGREED = {
    "call": "hotline-1763932131.12", "model": "small", "duration": 9.5,
    "segments": [{
        "party": "caller", "seat": None, "start": 1.0, "end": 2.5, "text": "路灯 坏 了", "confidence": 0.9,
        "words": [{"word": "路灯", "start": 1.0, "end": 1.5, "conf": 0.8}],
    }, {"party": "seat", "seat": "8001", "start": 3, "end": 4, "text": "好 的", "confidence": 1, "words": []}],
}


def test_the_agreed_shape_is_read() -> None:
    read = Transcript.from_json(AGREED)
    assert read.call_id == "hotline-1763932131.12"
    assert [s.party for s in read.segments] == ["caller", "seat"]
    assert read.segments[0].words[0].conf == 0.8
    assert read.segments[1].seat == "8001"


@pytest.mark.parametrize(("path", "value", "where"), [
    (("segments",), None, "segments"),
    (("segments", 0), 3, "segments[0]"),
    (("segments", 0, "text"), None, "segments[0].text"),
    (("segments", 0, "start"), "secret", "segments[0].start"),
    (("segments", 0, "words"), "secret", "segments[0].words"),
    (("segments", 0, "words", 0, "conf"), True, "segments[0].words[0].conf"),
])
def test_a_wrong_field_is_named_without_its_value(path: tuple[str | int, ...], value: object, where: str) -> None:
    data = json.loads(json.dumps(AGREED))
    spot = data
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    with pytest.raises(TranscriptError) as caught:
        Transcript.from_json(data)
    assert str(caught.value).startswith(where)
    assert "secret" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["call", "segments", "party", "text", "words", "word", "conf", "start"]), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_read_or_refused(data: object) -> None:
    with contextlib.suppress(TranscriptError):
        Transcript.from_json(data)
