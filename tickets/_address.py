"""The address in the caller's words: road, village or estate, with number and floor as they were said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ._heard import CALLER, Line
from ._mentions import Mention

_NUMBER = r"[零〇一二两三四五六七八九十百千幺\d]{1,8}"
_PLACE = re.compile(
    r"(?:大道|大街|街道|步行街|新村|社区|小区|花园|家园|公寓|大厦|广场|工业区|开发区|菜市场|路|街|巷|弄|村|镇|乡|苑)"
    r"(?!灯|面|边|上|口|牌|人|过|由|坏|里|民|长)"
)
_REST = re.compile(
    rf"的?(?:[与和跟]?[\u4e00-\u9fff]{{2,4}}(?:路|街|大道)(?:交叉)?(?:路口|口)|路口"
    rf"|{_NUMBER}(?:之{_NUMBER})?(?:号楼|号|弄|幢|栋|单元|楼|层|室|组))"
)
_STOP = frozenset("在住是的到了我你他她们有从去位于址叫说就，。？这那个把被向沿离靠近隔壁条座")
_GENERAL = frozenset((
    "我们", "整个", "全部", "一个", "几个", "这个", "那个", "附近", "旁边", "隔壁", "对面", "城镇", "哪个", "哪条",
    "什么", "老", "新", "本", "农", "乡", "城", "全", "马",
))
_NOT_A_NAME = re.compile(r"(?:投诉|举报|反映|咨询|建议|要|想|今天|昨天|最近|晚上|我们|走|过|修|问|希望)$")
_MAX_NAME = 8


@dataclass(frozen=True, slots=True)
class Address:
    """An address at line.text[begin:end] of lines[line]."""

    text: str
    line: int
    begin: int
    end: int
    sure: bool


def find_addresses(lines: Sequence[Line], named: Iterable[Mention]) -> list[Address]:
    """All addresses that the caller said, in order; places of the gazetteer are not part of them."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for mention in named:
        spans.setdefault(mention.line, []).append((mention.begin, mention.end))
    found: list[Address] = []
    for n, line in enumerate(lines):
        if line.party == CALLER:
            found += _in_line(n, line, spans.get(n, []))
    return found


def best_address(found: Sequence[Address]) -> Address | None:
    """The most exact one: most characters, the first of equals."""
    return max(found, key=lambda one: len(one.text), default=None)


def _in_line(n: int, line: Line, regions: list[tuple[int, int]]) -> list[Address]:
    text = line.text
    found: list[Address] = []
    floor = 0
    for hit in _PLACE.finditer(text):
        if hit.start() < floor or any(begin <= hit.start() < end for begin, end in regions):
            continue
        begin = _name_begin(line, hit.start(), max([floor, *(end for _, end in regions if end <= hit.start())]))
        if begin is None:
            continue
        end = hit.end()
        while rest := _REST.match(text, end):
            end = rest.end()
        joined = found and found[-1].end == begin
        first = found.pop().begin if joined else begin  # 柳市镇 + 车站路
        found.append(Address(text[first:end], n, first, end, line.sure(first, end)))
        floor = end
    return found


def _name_begin(line: Line, suffix: int, floor: int) -> int | None:
    """Where the name before the suffix begins; None when there is no name ("我们小区")."""
    text = line.text
    begin = suffix
    while begin > max(floor, suffix - _MAX_NAME) and text[begin - 1] not in _STOP:
        begin -= 1
    # the recogniser's words tell better: back to the first word's start that leaves a name of two characters
    inside = [s for s in line.starts if begin <= s < suffix]
    if inside:
        begin = max((s for s in inside if suffix - s >= 2), default=min(inside))
    name = text[begin:suffix]
    lonely = len(name) == 1 and not name.isdigit() and begin > floor
    return None if not name or lonely or name in _GENERAL or _NOT_A_NAME.search(name) else begin
