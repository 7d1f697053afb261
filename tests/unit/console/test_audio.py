"""The sound of a call over HTTP: whole, in ranges, and nothing beyond the file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console._audio import pick_range
from console._problems import ProblemError

AUDIO = "/api/v1/recordings/demo-1.4/audio"


async def test_the_whole_file_is_the_one_the_manifest_describes(console: Any) -> None:
    answer = await console.get(AUDIO)
    body = await answer.read()
    call = await (await console.get("/api/v1/calls/demo-1.4")).json()
    assert answer.status == 200 and answer.content_type == "audio/flac"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert len(body) == call["recording"]["size"]
    assert hashlib.sha256(body).hexdigest() == call["recording"]["sha256"]
    assert call["recording"]["audio"] == AUDIO


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-3", 0, 3), ("bytes=10-", 10, None), ("bytes=-5", -5, None), ("bytes=4-99999999", 4, None)],
)
async def test_a_range_gives_just_that_part(console: Any, asked: str, first: int, last: int | None) -> None:
    whole = await (await console.get(AUDIO)).read()
    answer = await console.get(AUDIO, headers={"Range": asked})
    expected = whole[first:] if last is None else whole[first : last + 1]
    start = first % len(whole)
    assert answer.status == 206 and await answer.read() == expected
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/{len(whole)}"


async def test_a_range_beyond_the_end_tells_the_length(console: Any) -> None:
    answer = await console.get(AUDIO, headers={"Range": "bytes=99999999-"})
    assert answer.status == 416 and answer.headers["Content-Range"].startswith("bytes */")
    assert (await answer.json())["code"] == "bad-range"


@given(st.text(alphabet="0123456789-,=bytes ", max_size=20) | st.text(max_size=20), st.integers(0, 1000))
def test_no_range_header_leads_outside_the_file(header: str, size: int) -> None:
    try:
        part = pick_range(header, size)
    except ProblemError as error:
        assert error.code == "bad-range"
        return
    assert part is None or 0 <= part[0] <= part[1] < size


async def test_a_missing_file_is_no_crash(console: Any) -> None:
    console.desk.recordings["demo-1.4"] = Path("/nonexistent.flac")
    assert (await console.get(AUDIO)).status == 404
    assert (await console.get("/api/v1/recordings/demo-1.5/audio")).status == 404
