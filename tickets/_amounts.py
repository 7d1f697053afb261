"""Sums of money in yuan, as callers say them: 一千四百块, 七十元, 三万五, 1.2万, 五块五, two hundred yuan."""

# ruff: noqa: E501 - tables of words
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ._heard import CALLER, Line
from ._spoken import DIGITS, chinese_value, english_numbers

_D = "零〇一二两三四五六七八九"
_NUM = rf"(?:\d[\d,，]*\d|\d|[{_D}十百千])(?:[{_D}十百千万亿\d]|[点.][{_D}\d])*"
_UNIT = r"(?:元钱?|块钱|块|圆|万元|万块|人民币|大洋)"
_WITH_UNIT = re.compile(
    rf"({_NUM})(多|几|来|余)?(万|千|百|亿)?(多|几|来|余)?{_UNIT}(整)?(?:(?:零)?([{_D}\d])(毛|角|分|(?<!一)(?![{_D}十百千万亿\d个天年月号人位次点])|(?<!一)(?=一个?(?:月|天|年|度|斤|吨|次|平|小时|人))|(?=$)))?"
)
_BARE = re.compile(rf"(?<![{_D}十百千万亿\d第])([{_D}十]+[百千万][{_D}十百千万]*)(?![{_D}十百千万亿\d多几来余])")
_AFTER_BARE = re.compile(r"(?:路|业主|工人|学生|居民|村民|老百姓|块(?!钱)|名|头|棵|盏|条|公里|级|弄|幢|瓦|伏|毫|字|步|次|遍|种|样|分贝|吨|个|位|号|米|平|户|人|年|天|度|斤|亩|万|千|百|左右|上下|不到|以上|套|群|只|张|页|倍|分之|元|圆|不止|点[一二三四五六七八九]|%|点)")
_BEFORE_BARE = re.compile(r"(?:百分之|第|快|近|将近|差不多|大概|大约|约|上|好几|编号|车牌|号码|电话|门牌|不到|超过|将|几|年|路|楼|号|要说)$")
_SMALL = re.compile(rf"([{_D}\d]{{1,2}}|十)(毛|角)(?:钱)?(?:([{_D}\d])分?)?")
_NEAR = r"(?:了|过|掉|给|到|我|我们|他|她|他们|个|一共|总共|大概|差不多|将近|大约|近|约|的|有|是|就|要|还|还要|才|都|整整|足足|每月|每个月|一个月|一年|每年|老板|公司)*"
_MONEY = re.compile(
    rf"(?:平常|平时|原价|原来|本来|票价|标价|工资|薪水|薪资|押金|定金|订金|保证金|货款|房租|租金|学费|费用|会费|卡费|年费|中介费|物业费|电费|水费|罚款|罚|罚单|补贴|补助|补偿款?|赔偿款?|退款|贷款|借款|借|欠|拖欠|付|支付|交|缴|花|收|收费|要价|报价|价格|单价|赔|退|扣|充|充值|转|转账|打款|骗|骗走|被骗|损失|值|报销|涨到|涨|降到|少发|少|多收|总价|金额|首付|钱|款|费|合计|奖金|血汗钱|投|投资){_NEAR}({_NUM})(?![{_D}十百千万亿\d])"
)
_NOT_MONEY_AFTER = re.compile(
    r"[\s]*(?:平米|平方|平|公里|米|亩|吨|斤|公斤|户|人|名|次|天|年|月|日|号|点|分钟|分|小时|个月|个|岁|栋|幢|层|楼|辆|台|盏|份|单|家|条|张|件|箱|瓶|度|倍|成|期|辈|折|位|方|室|里|遍|趟|周|星期|礼拜|把|只|棵|多(?:个|人|户|平|天|次|年)|几(?:个|人|户|平|天|次|年))"
)
_BLOCK = re.compile(r"\s*(?:儿|地|牌子?|砖|玻璃|石头?|板|空地|草坪|路面|绿地|区域|宅基|肉|表|钢|木|田|菜|手表|广告|墙|瓷砖|水泥|土|去|来|走|住|处理|解决)")
_LEFT_DENIED = re.compile(r"(?:不是|并非|没有说|不对)$")
_CORRECTED = re.compile(r"[，, ]*(?:哦|啊|呃)?(?:不对|错了|说错|讲错|不是|sorry|no wait)", re.IGNORECASE)
_ABOUT = re.compile(r"[多几来余]")
_EN_MONEY = re.compile(r"^\s*(?:yuan|rmb|kuai|renminbi|cny|bucks)\b", re.IGNORECASE)
_EN_BEFORE = re.compile(r"(?:rmb|cny|¥|￥)\s*$", re.IGNORECASE)
_SIGN = re.compile(r"[¥￥]\s*(\d[\d,]*(?:\.\d+)?)(万)?")


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum in yuan at line.text[begin:end] of lines[line]; `about`: said as about so much ("一百多块")."""

    yuan: float
    line: int
    begin: int
    end: int
    text: str
    about: bool = False


def find_amounts(lines: Sequence[Line]) -> list[Amount]:
    """All sums the caller named, in order; the ones taken back ("不是一千四是七十") left out."""
    found: list[Amount] = []
    for n, line in enumerate(lines):
        if line.party == CALLER:
            found += sorted(_in_line(n, line.text), key=lambda one: one.begin)
    return found


def yuan_of(amounts: Sequence[Amount]) -> tuple[float, ...]:
    """Each sum once, in the order of saying."""
    return tuple(dict.fromkeys(one.yuan for one in amounts))


def _in_line(n: int, text: str) -> list[Amount]:
    found: list[Amount] = []
    taken: list[tuple[int, int]] = []

    def free(begin: int, end: int) -> bool:
        return all(end <= b or begin >= e for b, e in taken)

    def add(value: float | None, begin: int, end: int, about: bool = False) -> None:
        if value is None or value <= 0 or not free(begin, end):
            return
        taken.append((begin, end))
        if about:
            return
        if _CORRECTED.match(text, end):
            return
        if not _LEFT_DENIED.search(text, 0, begin):
            found.append(Amount(round(value, 2), n, begin, end, text[begin:end], about))

    for hit in _WITH_UNIT.finditer(text):
        unit = hit.group(0)[len(hit.group(1)):]
        bare = hit.group(1) in {"一", "两", "几"}
        if hit.group(1)[-1:] in "点.":
            continue
        if unit.startswith("块") and not unit.startswith("块钱") and _BLOCK.match(text, hit.end()):
            continue
        if bare and unit == "块" and not _MONEY.search(text[max(0, hit.start() - 8):hit.end()]):
            continue
        if hit.start() > 0 and text[hit.start() - 1] == "第":
            continue
        value = _value(hit.group(1) + (hit.group(3) or ""))
        if value is None and len(hit.group(1)) > 1 and hit.group(1)[0] in _D and hit.group(1)[1] in _D:
            continue
        if value is not None and "万" in unit[:3] and hit.group(3) is None:
            value *= 10_000
        if value is not None and hit.group(6):
            small = _digits(hit.group(6))
            kind = hit.group(7)
            value += small / (100 if kind == "分" or (not kind and len(hit.group(6)) == 2) else 10)
        add(value, *hit.span(), about=_ABOUT.search(unit) is not None)
    for hit in _SIGN.finditer(text):
        add(float(hit.group(1).replace(",", "")) * (10_000 if hit.group(2) else 1), *hit.span())
    for hit in _SMALL.finditer(text):
        small = _digits(hit.group(1)) / 10 + (_digits(hit.group(3)) / 100 if hit.group(3) else 0)
        add(small, *hit.span())
    for hit in _MONEY.finditer(text):
        number = hit.group(1)
        begin, end = hit.span(1)
        if _NOT_MONEY_AFTER.match(text, end) or not free(begin, end):
            continue
        value = _value(number)
        if value is None or (value < 10 and not re.search("[点.]", number)) or _bare_digits(number):
            continue
        about = text[end:end + 1] in {"多", "几", "来"}
        add(value, begin, end + about, about)
    for hit in _BARE.finditer(text):
        value = _value(hit.group(1))
        if value is None or value < 100 or _BEFORE_BARE.search(text, 0, hit.start()):
            continue
        if not _AFTER_BARE.match(text, hit.end()) and not _NOT_MONEY_AFTER.match(text, hit.end()):
            add(value, *hit.span(1))
    for word in english_numbers(text) if re.search("[A-Za-z]{3}", text) else ():
        if _EN_MONEY.match(text[word.end:]) or _EN_BEFORE.search(text[:word.begin]):
            add(word.value, word.begin, word.end)
    return found


def _bare_digits(number: str) -> bool:
    """一三八零 …: digits one by one are no sum."""
    return len(number) > 1 and all(ch in _D for ch in number)


def _value(text: str) -> float | None:
    return chinese_value(text.replace(",", "").replace("，", ""))


def _digits(text: str) -> float:
    value = chinese_value(text)
    return value if value is not None else float("".join(DIGITS.get(ch, "") for ch in text) or 0)
