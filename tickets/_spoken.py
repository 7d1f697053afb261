"""Spoken numbers: Chinese numerals, English number words and digits said one by one. Pure functions of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DIGITS: Mapping[str, str] = MappingProxyType({
    "零": "0", "〇": "0", "○": "0", "洞": "0", "一": "1", "幺": "1", "腰": "1", "二": "2", "两": "2", "三": "3",
    "四": "4",
    "五": "5", "六": "6", "七": "7", "八": "8", "九": "9", "拐": "7", "勾": "9",
    **{str(n): str(n) for n in range(10)}, **{chr(0xFF10 + n): str(n) for n in range(10)},
})  # fmt: skip
_UNITS = {"十": 10, "百": 100, "千": 1000}
_BIG = {"万": 10_000, "亿": 100_000_000}
NUMERAL = "零〇一二两三四五六七八九十百千万亿0-9０-９"

ENGLISH: Mapping[str, str] = MappingProxyType({
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9",
})  # fmt: skip
_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_EN_WORD = re.compile(r"[a-z]+|\d[\d,]*(?:\.\d+)?")


def chinese_value(text: str) -> float | None:
    """The value of a numeral: 一千四百 → 1400, 一千四 → 1400, 三万五 → 35000, 1.2万 → 12000, 一点五 → 1.5.

    None when it is no single number (三四百, 一二三).
    """
    text = "".join(DIGITS[ch] if ch in DIGITS and ch.isdigit() else ch for ch in text)
    if point := re.fullmatch(r"(.+?)[点.](.+?)([百千万亿]*)", text):
        whole, part = chinese_value(point[1]), [DIGITS.get(ch) for ch in point[2]]
        if whole is None or None in part:
            return None
        value = float(f"{int(whole)}.{''.join(one or '' for one in part)}")
        for unit in point[3]:
            value *= {**_UNITS, **_BIG}[unit]
        return round(value, 4)
    total = section = number = 0
    have = False
    last_unit = 1
    zero = False
    i = 0
    while i < len(text):
        ch = text[i]
        if ch.isdigit():
            run = re.match(r"\d+", text[i:])
            assert run is not None
            if have:
                return None
            number, have = int(run[0]), True
            i += len(run[0])
            continue
        if ch in "零〇":
            if have:
                return None
            zero = True
        elif ch in DIGITS:
            if have:
                return None  # 三四百: about so many
            number, have = int(DIGITS[ch]), True
        elif ch in _UNITS:
            section += (number if have else 1) * _UNITS[ch]
            number, have, zero = 0, False, False
            last_unit = _UNITS[ch]
        elif ch in _BIG:
            section += number
            if section == 0:
                return None
            total = (total + section) * _BIG[ch] if ch == "亿" else total + section * _BIG[ch]
            section, number, have, zero = 0, 0, False, False
            last_unit = _BIG[ch]
        else:
            return None
        i += 1
    if have and last_unit >= 100 and not zero and number < 10:
        number *= last_unit // 10  # 一千四, 三万五
    if not have and not total and not section:
        return 0.0 if zero else None
    return float(total + section + number)


@dataclass(frozen=True, slots=True)
class EnglishNumber:
    """A number in English words or digits at text[begin:end]."""

    value: float
    begin: int
    end: int


def english_numbers(text: str) -> list[EnglishNumber]:
    """All numbers said in English: "twelve hundred", "one thousand and fifty", "3,500"."""
    found: list[EnglishNumber] = []
    total = current = 0.0
    begin = end = -1

    def close() -> None:
        nonlocal total, current, begin
        if begin >= 0:
            found.append(EnglishNumber(total + current, begin, end))
        total, current, begin = 0.0, 0.0, -1

    for hit in _EN_WORD.finditer(text.lower()):
        word = hit.group()
        if begin >= 0 and text[end:hit.start()].strip(" -"):
            close()
        if word[0].isdigit():
            close()
            current, begin, end = float(word.replace(",", "")), hit.start(), hit.end()
        elif word in ENGLISH or word in _TEENS:
            value = float(_TEENS.get(word) or ENGLISH.get(word, "0"))
            if begin >= 0 and not _adds(current, value):
                close()
            current += value
            begin, end = (hit.start() if begin < 0 else begin), hit.end()
        elif word in _SCALES and (begin >= 0 or text[:hit.start()].rstrip().lower().endswith(" a")):
            if begin < 0:
                begin, current = hit.start(), 1.0
            if word == "hundred":
                current = (current or 1.0) * 100
            else:
                total, current = total + (current or 1.0) * _SCALES[word], 0.0
            end = hit.end()
        elif word != "and" or begin < 0:
            close()
        elif word == "and":
            end = hit.end()
    close()
    return found


def _adds(current: float, value: float) -> bool:
    """Whether a number word continues the number before it ("twenty five", "hundred ten"), not begins a new one."""
    if value == 0:
        return False
    if current % 100 == 0:
        return True
    return value < 10 and current % 10 == 0 and current % 100 >= 20
