"""From written text to what espeak-ng is given.

Debian's espeak-ng reads most Hanzi wrongly, so Chinese is given as pinyin with tone numbers.
"""

from __future__ import annotations

import re

_DIGITS = "零幺二三四五六七八九"
_CARDINALS = "零一二三四五六七八九"
_PAUSES = {**dict.fromkeys("，、；：,;:", ", "), **dict.fromkeys("。！？.!?", ". ")}
_RUN = re.compile(r"\d+")


def _chinese_number(digits: str) -> str:
    """Numbers of three digits and more are read digit by digit (12345, 110), shorter ones as a number."""
    if len(digits) > 2:
        return "".join(_DIGITS[int(d)] for d in digits)
    tens, ones = divmod(int(digits), 10)
    head = "" if tens == 0 else "十" if tens == 1 else _CARDINALS[tens] + "十"
    return head + (_CARDINALS[ones] if ones or not tens else "")


def chinese(text: str) -> str:
    """Pinyin with tones: "您好，12345。" → "nin2 hao3, yao1 er4 san1 si4 wu3."."""
    from pypinyin import Style, lazy_pinyin

    text = text.replace("#", "井号").replace("*", "星号")
    text = _RUN.sub(lambda run: _chinese_number(run.group()), text)
    syllables = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True)
    out = ""
    for piece in syllables:
        marks = "".join(_PAUSES.get(c, c if c.isalnum() else " ") for c in piece).strip()
        if marks in (",", "."):
            out = out.rstrip(" ,.") + marks + " "
        else:
            out += marks + " "
    return " ".join(out.split()).lstrip(",. ")


def english(text: str) -> str:
    """Text as it is, with numbers of three digits and more spelled out digit by digit."""
    return _RUN.sub(lambda run: " ".join(run.group()) if len(run.group()) > 2 else run.group(), text)


READERS = {"zh": chinese, "en": english}
