"""A short title in the order people expect: place, then what is the matter."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ._address import Address
from ._heard import CALLER, Line
from ._kinds import weight_of
from ._mentions import How
from ._region import Choice

MAX_TITLE = 40
"""Characters, at most."""
_MAX_WHAT = 24

_OPENING = re.compile(
    r"(?:不是(?:来|要)?(?:投诉|举报|咨询|求助|建议)，?)?(?:我|我们|本人|麻烦|请|就|来|是)*(?:想要|想|要)?(?:再|再次|继续|实名|打电话)?(?:来)?"
    r"(?:投诉|举报|反映|咨询|求助|建议|请问|问问|问|了解|说|报修)(?:一下子?|下|个)?(?:关于|有关|的是|情况|问题)?"
)
_PLACE_WORDS = re.compile(r"^我?们?家?就?[是住]?(?:在|的|这边|那边|这里|那里|附近|有个|有一个)+")
_WHO = re.compile(r"^(?:我|我们)(?=[^们])")
_CLOSING = re.compile(
    r"(?:请|希望|麻烦|能不能|可不可以)(?:你们|尽快|赶紧|赶快|派人|过来|来|帮)+.*$|请?尽快(?:处理|解决)(?:一下)?$|(?:谢谢|麻烦)(?:你们?|您)?了?$"
)


def title_of(lines: Sequence[Line], choice: Choice, addresses: Sequence[Address], best: Address | None) -> str:
    """The title, at most MAX_TITLE characters; empty when the caller said nothing of the matter."""
    what = ""
    spoken = [(n, line) for n, line in enumerate(lines) if line.party == CALLER and not line.only_answers]
    for n, line in sorted(spoken, key=_telling):
        what = _what(n, line, choice, addresses)
        if what:
            break
    place = (choice.region.name if choice.region is not None and choice.named else "") + (best.text if best else "")
    if not what:
        return place[:MAX_TITLE]
    what = _short(what, _MAX_WHAT)
    return _short(place, MAX_TITLE - len(what)) + what


def _telling(one: tuple[int, Line]) -> tuple[int, int]:
    """First the line that says most of the matter; of equals the first, of mute ones the longest."""
    n, line = one
    weight = weight_of(line.text)
    return -weight, n if weight else -len(line.text)


def _what(n: int, line: Line, choice: Choice, addresses: Sequence[Address]) -> str:
    """The line without its places, its opening and its closing words."""
    place = {choice.region.code, choice.region.city} if choice.region is not None and choice.named else set()
    spans = [(m.begin, m.end) for m in choice.said if m.line == n and m.region.code in place and m.how is not How.PLACE]
    spans += [(a.begin, a.end) for a in addresses if a.line == n]
    text = "".join(ch for i, ch in enumerate(line.text) if not any(begin <= i < end for begin, end in spans))
    clauses = [one for one in re.split(r"[\s，。；！？、,;!?]+", text) if one]
    text = max(clauses, key=weight_of, default="")
    opening = _OPENING.match(text)
    if opening is not None and opening.end() < len(text):
        text = text[opening.end():]
    for pattern in (_CLOSING, _PLACE_WORDS, _WHO):
        shorter = pattern.sub("", text, count=1)
        text = shorter if len(shorter) >= 2 else text
    return text.strip(" 的")


def _short(text: str, size: int) -> str:
    return text if len(text) <= size else text[:max(0, size - 1)] + "…"
