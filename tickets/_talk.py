"""A talk written as plain text: lines that begin with the party ("来电人:", "seat:"), or one text of the caller's."""

from __future__ import annotations

import re

from ._errors import TranscriptError
from ._heard import CALLER
from ._transcript import Segment, Transcript

MAX_CHARACTERS = 1_000_000
_SEAT = "seat"
_PARTIES = {
    "来电人": CALLER, "市民": CALLER, "群众": CALLER, "来电": CALLER, "caller": CALLER, "citizen": CALLER,
    "座席": _SEAT, "坐席": _SEAT, "话务员": _SEAT, "客服": _SEAT, "接线员": _SEAT, "seat": _SEAT, "agent": _SEAT,
    "operator": _SEAT,
}  # fmt: skip
_MARK = re.compile(rf"\s*({'|'.join(_PARTIES)})\s*[:：]\s*", re.IGNORECASE)
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;]*|[。！？!?；;]+")
_STEP = 4.0
"""Seconds between the sentences of a written talk: it has no times of its own."""


def read_talk(text: str, call_id: str = "text") -> Transcript:
    """The transcript of a plain text.

    A line without a mark goes on with the party of the line before; at the beginning it is the caller's.

    Raises:
        TranscriptError: there is nothing in it, or far too much.
    """
    if len(text) > MAX_CHARACTERS:
        raise TranscriptError(f"the text is longer than {MAX_CHARACTERS} characters: one call at a time")
    if "\x00" in text:
        raise TranscriptError("this is no text: it holds NUL bytes")
    segments: list[Segment] = []
    party = CALLER
    for line in text.replace("\ufeff", "").splitlines():
        mark = _MARK.match(line)
        if mark is not None:
            party = _PARTIES[mark.group(1).lower()]
            line = line[mark.end():]
        for sentence in _SENTENCE.findall(line):
            words = sentence.strip().rstrip("。！!；;")
            if words.strip(" ？?，,"):
                start = _STEP * len(segments)
                segments.append(Segment(party, words, start, start + _STEP / 2))
    if not any(one.text.strip() for one in segments):
        raise TranscriptError("the text is empty: write what the caller said, or lines with 来电人: and 座席:")
    return Transcript(call_id, tuple(segments))
