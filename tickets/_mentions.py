"""Where places are named in a line: by full name, by short name in context, by sound."""

# ruff: noqa: E501 - tables of words
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from pypinyin import Style, pinyin

from ._gazetteer import Gazetteer, Level, Region
from ._heard import Line


class How(IntEnum):
    """How a place was named; a higher one is better evidence."""

    CITY_ONLY = 0
    SOUND = 1
    PLACE = 2
    """By a town, street or landmark in it."""
    SHORT = 3
    FULL = 4


@dataclass(frozen=True, slots=True)
class Mention:
    """A region named at line.text[begin:end]; `home` if said of where the caller is from, not of the matter."""

    region: Region
    how: How
    line: int
    begin: int
    end: int
    sure: bool
    home: bool = False


_NOT_A_PLACE = re.compile(r"(?:东|西|南|北|中)?(?:路|街(?!道)|大道|大街|巷|弄|江|湖|河|桥|高速|银行|牌|火腿)")
_PLACE_TAIL = re.compile(r"(?:人(?!民)|这边|那边|这里|那里|这儿|市区|县城|城区|本地|境内|[东南西北]部|县|区(?!块|别)|市(?!场|政))")
_LOCATIVE = re.compile(r"(?:在|到|去|从|来自|位于|是|回|往|住)$")
_OPENING = re.compile(
    r"(?:举报|投诉|咨询|反映|建议|问|请问|问下|一下|下|说|讲|我们?|的|个|了|和|跟|买|玩|这里是|这边是|叫|啊|哦|姓[\u4e00-\u9fff]|[，,。？ ])$"
)
_WEAK_TAIL = re.compile(
    r"(?:有(?:个|家|人|一)|一个|一家|我们|这个|的(?!门|水|房|车|人行|防|地|灯|墙|钥|漏|护|栏|路|桥|空|太|楼)|(?:[\u4e00-\u9fff]{1,4}(?:街道|镇|乡)))"
)
_AFTER_SOUND = re.compile(
    r"(?:的(?!时|话|人|是)|这边|那边|这里|那里|这个|有(?:个|家|人|一)|一个|一家|我们|市区|县城|上高速|人(?![民们])|到(?=[\u4e00-\u9fff]{2})|县|[\u4e00-\u9fff]{1,4}(?:街道|镇|乡|村|小区|开发区|新城|工业区|社区|大学|医院|火车站|汽车站|南站|东站|西站|北站|高速|景区|古镇|路|街|大道))"
)
_BEFORE_SOUND = re.compile(r"(?:在|住|是|到|去|从|往|来|回|我|我们|举报|投诉|咨询|反映|问|一下|下|说|讲|位于|叫|姓[\u4e00-\u9fff]|[，,。？ ])$")
# ordinary words that sound like a county's or city's short name
_NOT_HEARD = frozenset(
    ["商城", "上乘", "上层", "抚养", "扶养", "路程", "旅程", "义务", "医务", "衣物", "遗物", "业务", "异物", "意外", "主机", "住进", "晴天", "运河", "风化", "丰华", "东洋", "见得", "畅行", "长衫", "神州", "香山", "海燕", "甜太", "填台", "抬头", "立案", "立安", "先具", "现居", "宁海", "临海", "邻海", "林海", "临到", "零到", "灵到", "路侨", "陆桥", "绿桥", "三门", "通向", "同乡", "桐乡", "文城", "问成", "平房", "平洋", "屏养", "永加", "用家", "永佳", "泰顺", "太顺", "新厂", "新场", "新唱", "心肠", "新常", "安吉", "安及", "暗箱", "德清", "的请", "得请", "宁波", "您拨", "胃州", "喂粥", "近画", "金花", "精华", "进化", "劲化", "周山", "粥山", "抬州", "丽水", "立水", "绿水", "厉水", "里水", "利水", "理睡", "家行", "嘉兴", "加薪", "家信", "佳星", "加星", "假性", "夹心", "胡周", "湖州", "趋州", "少新", "绍兴", "少兴", "常兴", "尝新", "长兴", "伤心", "上新", "商人", "江湖", "姜山", "讲山", "讲善", "景宁", "敬宁", "平湖", "凭户", "聘湖", "嘉善", "加上", "家商", "加伤", "家上", "海言", "海沿", "海盐", "海宁", "还宁", "海林", "害您", "南湖", "难湖", "男护", "男胡", "龙全", "龙泉", "隆泉", "轻微", "景云", "金云", "今云", "清原", "情愿", "轻元", "请愿", "清远", "云合", "运和", "允和", "语言", "淤岩", "送样", "送养", "松样", "岁唱", "穗唱", "随唱", "连续", "联都", "连都", "莲都", "西湖", "稀糊", "吸湖", "戏湖", "希护", "滨江", "宾将", "冰江", "临平", "零平", "林平", "萧三", "小三", "富养", "伏案", "临安", "零案", "林岸", "桐路", "同路", "通路", "统录", "童鹿", "春暗", "纯暗", "建的", "渐的", "减的", "件的", "间的", "监的", "简的", "余行", "鱼行", "与行", "预行", "鱼航", "洞投", "动投", "东投", "冻头", "洞头", "动头", "龙完", "聋玩", "弄完", "欧海", "大山", "带上", "代上", "带伤", "待删", "顶海", "定还", "定海", "普图", "普通", "铺图", "朴素", "普陀", "交讲", "交将", "教讲", "胶江", "讲将", "黄眼", "皇言", "谎言", "皇岩", "温领", "温玲", "问零", "稳领", "缘由", "原油", "与还", "于欢", "预换", "玉换", "语环", "余额"]
) - frozenset(["宁海", "临海", "林平", "鱼航", "动头", "文城", "平洋", "泰顺", "太顺", "安吉", "德清", "宁波", "嘉兴", "湖州", "绍兴", "长兴", "平湖", "嘉善", "海宁", "南湖", "龙泉", "临安", "洞头", "欧海", "定海", "普陀", "温领", "皇岩", "西湖", "临平", "桐乡", "永佳", "永加", "桐路", "陆桥", "路侨", "三门", "丽水", "景宁", "海盐", "海沿", "顶海"])
_LATIN_NAME = re.compile(r"(?<![a-z])[a-z]+(?:['’ ]?[a-z]+)?(?![a-z])")
_LATIN_STOP = frozenset({"sanmen", "tiantai", "luqiao", "jiangshan"})
_DENIED = re.compile(r"(?:不是|不在|不属于|并非|没在)(?:说|指|讲)?(?:我们)?$")
_HOME_BEFORE = re.compile(r"(?:户口|户籍|老家|籍贯|家)(?:是|在|都是)?$|(?:我|我们)(?:本人)?(?:是|来自)$")
_HOME_AFTER = re.compile(r"(?:人|的(?:人|居民|村民|市民|户口))")
_COUNTY_ENDS = "区县市"
_LONGEST_PLACE = 8


def mentions(lines: list[Line], gazetteer: Gazetteer, centre: Region | None = None) -> list[Mention]:
    """All places named in the lines, in order. Denied ones ("不是鹿城区") are left out.

    `centre` is the place of the centre that took the call: short names of its own city need less context.
    """
    found: list[Mention] = []
    cities = {centre.city} if centre is not None else set()
    cities |= {
        gazetteer.names[name].city for line in lines for name in gazetteer.names
        if name in line.text and gazetteer.names[name].level is Level.CITY
    } | {
        region.city for line in lines for short, region in gazetteer.shorts.items()
        if region.level is Level.CITY and short in line.text
    }
    for n, line in enumerate(lines):
        finder = _Finder(n, line, gazetteer, cities - {None})
        found += finder.all()
    return found


class _Finder:
    def __init__(self, n: int, line: Line, gazetteer: Gazetteer, cities: set[str | None]) -> None:
        self.n = n
        self.line = line
        self.gazetteer = gazetteer
        self.cities = cities
        self.taken = [False] * len(line.text)

    def all(self) -> list[Mention]:
        found = [*self.full(), *self.short(), *self.place(), *self.sound(), *self.short_sound(), *self.latin()]
        return sorted(found, key=lambda m: m.begin)

    def full(self) -> Iterator[Mention]:
        for name in sorted(self.gazetteer.names, key=len, reverse=True):
            region = self.gazetteer.names[name]
            if region.level is Level.PROVINCE:
                continue
            for begin in self.places(name):
                if self.abroad(region, begin):
                    self.take(begin, begin + len(name))
                    continue
                how = How.CITY_ONLY if region.level is Level.CITY else How.FULL
                yield from self.mention(region, how, begin, begin + len(name))

    def short(self) -> Iterator[Mention]:
        for short, region in self.gazetteer.shorts.items():
            for begin in self.places(short):
                end = begin + len(short)
                if self.cuts_word(begin, end) or self.abroad(region, begin):
                    continue
                if region.level is Level.CITY:
                    if not _NOT_A_PLACE.match(self.line.text, end):
                        yield from self.mention(region, How.CITY_ONLY, begin, end)
                elif self.fits(region, begin, end):
                    yield from self.mention(region, How.SHORT, begin, end)

    def fits(self, region: Region, begin: int, end: int) -> bool:
        """Whether the words around a county's short name make it a place."""
        text = self.line.text
        if _NOT_A_PLACE.match(text, end):
            return False
        if self.after_city(region, begin) or _PLACE_TAIL.match(text, end):
            return True
        if self.before_place(region, end):
            return True
        led = begin == 0 or _LOCATIVE.search(text, 0, begin) is not None or _OPENING.search(text, 0, begin) is not None
        if region.weak:
            return led and _WEAK_TAIL.match(text, end) is not None
        return True

    def before_place(self, region: Region, end: int) -> bool:
        """Whether a town or landmark of that region follows."""
        text = self.line.text
        return any(text.startswith(one, end) for one in region.places)

    def place(self) -> Iterator[Mention]:
        """Towns and landmarks; one that several counties have counts for all of them."""
        text = self.line.text
        for begin in range(len(text) - 1):
            for size in range(min(_LONGEST_PLACE, len(text) - begin), 1, -1):
                regions = self.gazetteer.places.get(text[begin:begin + size])
                if regions is None or any(self.taken[begin:begin + size]):
                    continue
                end = begin + size
                if size == 2 and (self.cuts_word(begin, end) or not self.led(begin, end)):
                    continue
                if _NOT_A_PLACE.match(text, end) and not text[begin:end].endswith(("街道", "镇", "路", "江")):
                    continue
                for region in regions:
                    yield from self.mention(region, How.PLACE, begin, end, taking=False)
                break

    def led(self, begin: int, end: int) -> bool:
        """Whether a name of two characters stands where a place would."""
        text = self.line.text
        before = begin == 0 or _LOCATIVE.search(text, 0, begin) is not None or _OPENING.search(text, 0, begin) is not None
        near = any(text.endswith((r.name, r.short), 0, begin) for r in self.gazetteer.regions.values() if r.parent)
        after = _PLACE_TAIL.match(text, end) is not None or text.startswith(("街道", "镇", "乡", "古镇", "的", "有", "做", "哪", "一"), end)
        return near or before or after

    def short_sound(self) -> Iterator[Mention]:
        """Short names in wrong characters (次溪), where a place would stand."""
        text = self.line.text
        if len(text) < 4:
            return
        for begin in range(len(text) - 2):
            word = text[begin:begin + 2]
            if word in self.gazetteer.shorts or word in _NOT_HEARD or any(self.taken[begin:begin + 2]):
                continue
            for first in _readings(text[begin]):
                for second in _readings(text[begin + 1]):
                    for region in self.gazetteer.short_sounds.get((first, second), ()):
                        if self.sounds_led(region, begin, begin + 2):
                            how = How.CITY_ONLY if region.level is Level.CITY else How.SOUND
                            yield from self.mention(region, how, begin, begin + 2, taking=False)

    def sounds_led(self, region: Region, begin: int, end: int) -> bool:
        text = self.line.text
        if self.before_place(region, end) or (self.after_city(region, begin) and region.level is Level.COUNTY):
            return True
        if _NOT_A_PLACE.match(text, end):
            return False
        led = begin == 0 or _BEFORE_SOUND.search(text, 0, begin) is not None
        return led and _AFTER_SOUND.match(text, end) is not None

    def latin(self) -> Iterator[Mention]:
        """Names in an English sentence: "yiwu", "xi hu district"."""
        text = self.line.text.lower()
        if not any("a" <= ch <= "z" for ch in text):
            return
        words = list(re.finditer(r"[a-z]+", text))
        for i, first in enumerate(words):
            for size in (3, 2, 1):
                if i + size > len(words) or any(self.taken[first.start():words[i + size - 1].end()]):
                    continue
                end = words[i + size - 1].end()
                name = "".join(one.group() for one in words[i:i + size])
                region = self.gazetteer.latin.get(name)
                if region is not None and name not in _LATIN_STOP:
                    how = How.CITY_ONLY if region.level is Level.CITY else How.SHORT
                    yield from self.mention(region, how, first.start(), end)
                elif len(name) >= 5 and name not in _LATIN_STOP:
                    for one in self.gazetteer.latin_places.get(name, ()):
                        yield from self.mention(one, How.PLACE, first.start(), end, taking=False)

    def sound(self) -> Iterator[Mention]:
        text = self.line.text
        if len(text) < 3:
            return
        readings = [_readings(ch) for ch in text]
        for begin, first in enumerate(readings):
            for sound in (one for syllable in first for one in self.gazetteer.sounds_from.get(syllable, ())):
                end = begin + len(sound)
                if end > len(text) or any(self.taken[begin:end]):
                    continue
                if not all(syllable in readings[begin + k] for k, syllable in enumerate(sound)):
                    continue
                for region in self.gazetteer.sounds[sound]:
                    # 去 (qù) sounds like 区 (qū), 是 like 市: the last character must be right, or the city named
                    if text[end - 1] == region.name[-1] or self.after_city(region, begin):
                        yield from self.mention(region, How.SOUND, begin, end, taking=False)

    def mention(self, region: Region, how: How, begin: int, end: int, *, taking: bool = True) -> Iterator[Mention]:
        if taking:
            self.take(begin, end)
        text = self.line.text
        if _DENIED.search(text, 0, begin):
            return
        home = _HOME_AFTER.match(text, end) is not None or (
            _HOME_BEFORE.search(text, 0, begin) is not None and not text.startswith(("这边", "那边", "这里"), end)
        )
        yield Mention(region, how, self.n, begin, end, self.line.sure(begin, end), home)

    def after_city(self, region: Region, begin: int) -> bool:
        city = self.gazetteer.get(region.city)
        if city is None:
            return False
        return self.line.text.endswith((city.name, city.short), 0, begin)

    def abroad(self, region: Region, begin: int) -> bool:
        return any(
            self.line.text.endswith((place, place + "市"), 0, begin) for place in region.elsewhere
        )

    def cuts_word(self, begin: int, end: int) -> bool:
        """Whether the recogniser's word boundaries say that this is only a part of words ("海|宁愿")."""
        starts, text = self.line.starts, self.line.text
        if not starts or begin in starts:
            # the name begins a word: it may be that word's head (鹿城|区 or 鹿城那边), never a part of two words
            later = [s for s in starts if begin < s < end]
            return bool(later) and end < len(text) and end not in starts and text[end] not in _COUNTY_ENDS
        return True

    def places(self, name: str) -> Iterator[int]:
        begin = self.line.text.find(name)
        while begin >= 0:
            if not any(self.taken[begin:begin + len(name)]):
                yield begin
            begin = self.line.text.find(name, begin + 1)

    def take(self, begin: int, end: int) -> None:
        self.taken[begin:end] = [True] * (end - begin)


@cache
def _readings(ch: str) -> frozenset[str]:
    """All syllables without tone that a character may stand for; none when it is no Chinese one.

    All of them, since a recogniser's wrong characters make no words from which the reading could be told.
    """
    if not "\u4e00" <= ch <= "\u9fff":
        return frozenset()
    return frozenset(pinyin(ch, style=Style.NORMAL, heteronym=True)[0])
