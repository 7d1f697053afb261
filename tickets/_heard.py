"""From a recogniser's segments to clean lines of text that still know how sure each character is.

Recognisers give words between spaces, no punctuation, with fillers and stutters. A line keeps, for each
character, the confidence of its word, and where words begin.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from ._spoken import ENGLISH
from ._transcript import SegmentLike, TranscriptLike

CALLER = "caller"
SURE = 0.6
"""Below this word confidence (0..1) a word is to be read back. Vosk's own scale; see docs/tickets.md."""

_FILLERS = frozenset((*"嗯呃额啊哦噢喔哎唉诶欸哈呀喂", "嗯嗯", "啊啊", "嗯哼", "哎呀", "哎哟"))
_LEAD = re.compile(
    r"(?:[嗯呃啊哦噢哎唉诶欸喂]|你好|您好|那个|这个|就是说|就是|是这样子?的|是这样|然后呢?|那么"
    r"|(?:工作人员|同志|老师|小姐|先生|师傅)(?=你好|您好))+"
)
_HUMS = re.compile(r"[嗯呃]+")
_STUTTER = re.compile(r"([我你他她它这那就在要])\1+")
_ACK = re.compile(
    r"(?:好的?|对的?|对呀|是的?|是啊|嗯|哦|行的?|可以的?|没错|不对|不是|不用了?|不客气|没有了?|没了|没关系|知道了"
    r"|明白了?|谢谢你?|谢谢您|麻烦你了?|麻烦您了?|辛苦了?|再见|拜拜|你好|您好|喂|就这样|那好)+"
)
_ASKS = re.compile(r"(?:[吗呢么]$|怎么|什么|多少|哪里|哪个|哪儿|多久|几点|是不是|能不能|可不可以|要不要|有没有|请问)")
_NUMERALS = frozenset("零〇一二两三四五六七八九十百千万亿幺点半0123456789")
_PAUSE = 1.5


@dataclass(frozen=True, slots=True)
class Line:
    """One segment's clean text.

    `conf[i]` is how sure the recogniser was of `text[i]` (0..1), `starts` the indexes at which words begin (empty
    when the text came without word boundaries); `start` and `end` in seconds.
    """

    party: str
    text: str
    conf: tuple[float, ...]
    starts: frozenset[int]
    start: float
    end: float

    @property
    def only_answers(self) -> bool:
        """Nothing but yes, no, thanks and good-bye."""
        return _ACK.fullmatch(self.text) is not None

    def sure(self, begin: int, end: int) -> bool:
        """Whether all of text[begin:end] was well recognised."""
        return all(one >= SURE for one in self.conf[begin:end])


def lines_of(transcript: TranscriptLike) -> list[Line]:
    """All lines that hold anything, of both parties, by time."""
    ordered = sorted(transcript.segments, key=lambda s: s.start if math.isfinite(s.start) else math.inf)
    return [line for line in map(_line, ordered) if line.text]


def content_of(lines: Iterable[Line]) -> str:
    """What the caller said, as readable text: a comma between segments, a full stop where a turn ends."""
    out: list[str] = []
    last: Line | None = None
    for line in lines:
        if line.only_answers:
            continue
        if line.party != CALLER:
            last = None
            continue
        if last is not None and out and line.start - last.end < _PAUSE and out[-1] == "。":
            out[-1] = "，"
        out += [line.text, "？" if _ASKS.search(line.text) else "。"]
        last = line
    return "".join(out)


def _line(segment: SegmentLike) -> Line:
    tokens = _tokens(segment)
    marked = len(tokens) > 1
    text, conf, starts = "", [], set()
    for token, sure in tokens:
        gap = " " if text and _apart(text[-1], token[0]) else ""
        starts.add(len(text) + len(gap))
        text += gap + token
        conf += [sure] * (len(gap) + len(token))
    keep = _kept(text)
    index = {old: new for new, old in enumerate(keep)}
    return Line(
        party=segment.party,
        text="".join(text[i] for i in keep),
        conf=tuple(conf[i] for i in keep),
        starts=frozenset(index[i] for i in starts if i in index) if marked else frozenset(),
        start=_finite(segment.start),
        end=_finite(segment.end),
    )


def _tokens(segment: SegmentLike) -> list[tuple[str, float]]:
    """Words with their confidence, fillers and repeated words left out."""
    words = [(_clean(w.word), _unit(w.conf)) for w in segment.words]
    plain = _clean(segment.text).split()
    if "".join(w for w, _ in words).replace(" ", "") != "".join(plain):  # they disagree: the text is the truth
        words = [(token, _unit(segment.confidence)) for token in plain]
    tokens: list[tuple[str, float]] = []
    for group, conf in words:
        for word in group.split():
            again = bool(tokens) and tokens[-1][0] == word and len(word) > 1 and not _is_numeral(word)
            if word not in _FILLERS and not again:
                tokens.append((word, conf))
    return tokens


def _is_numeral(word: str) -> bool:
    """Digits are said twice because they are there twice."""
    return _NUMERALS.issuperset(word) or word.lower() in ENGLISH


def _kept(text: str) -> list[int]:
    """The indexes of the characters that stay."""
    drop: set[int] = set()
    lead = _LEAD.match(text)
    if lead is not None and lead.end() < len(text):
        drop.update(range(lead.end()))
    for hum in _HUMS.finditer(text):
        drop.update(range(*hum.span()))
    for stutter in _STUTTER.finditer(text):
        drop.update(range(stutter.start() + 1, stutter.end()))
    return [i for i in range(len(text)) if i not in drop]


def _clean(text: str) -> str:
    """Without characters that no recogniser says and no database takes: controls, surrogates, private use."""
    return "".join(" " if ch.isspace() else ch for ch in text if ch.isspace() or unicodedata.category(ch)[0] != "C")


def _apart(left: str, right: str) -> bool:
    """Latin words keep a space between them; digits spoken one by one do not."""
    return left.isascii() and right.isascii() and not (left.isdigit() and right.isdigit())


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value)) if math.isfinite(value) else 0.0


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
