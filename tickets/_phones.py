"""The number on which the caller wants to be called back, as people dictate one.

Digits come one by one (幺/一), in groups, over several breaths with the seat's 嗯 in between, and are corrected
half-way ("不对 是…"). Somebody else's number ("老板的电话是…") is not the caller's.
"""

# ruff: noqa: E501 - tables of words
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ._heard import CALLER, SURE, Line
from ._model import Doubt, Why
from ._spoken import DIGITS, ENGLISH

_ZH = r"零〇○一幺腰二两三四五六七八九0-9０-９洞拐勾"
_EN = "|".join(sorted((*ENGLISH, "double", "triple"), key=len, reverse=True))
_RUN = re.compile(
    rf"(?:[{_ZH}]个[{_ZH}]|[{_ZH}十]|(?<![a-z])(?:{_EN})(?![a-z]))"
    rf"(?:[\s\-—－.()（）、,，]*(?:[{_ZH}]个[{_ZH}]|[{_ZH}十]|(?<![a-z])(?:{_EN})(?![a-z])))*",
    re.IGNORECASE,
)
_TOKEN = re.compile(rf"[{_ZH}]个[{_ZH}]|[{_ZH}十]|(?:{_EN})", re.IGNORECASE)
_MEASURE = re.compile(r"\s*(?:[百千万亿号楼层栋幢弄室年月日天点元块毛个人次岁平度路单元组米斤公里分钟秒届%％期户批]|多|几)")
_FILLER = re.compile(
    r"(?:[\s,，、。.．:：;；?？!！-]|嗯|啊|呃|哦|哎|对的?|好的?|然后是?|后面是?|再|接着|还有|是的?|这个|那个|就是|and|then|uh|um|yes|ok(?:ay)?)*",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"(?:不对|错了|说错|讲错|报错|记错|不好意思|更正|纠正|重新?说|重报|应该是|改成|不是|sorry|no,? wait|wrong|correction|i mean|actually)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(?:最后|后面?|末尾|尾号|后)(?:那)?(?:几|[一二两三四五六七八九\d]+)?(?:位|个数)?|last", re.IGNORECASE)
_HEAD = re.compile(r"(?:开头|前面?|头)(?:那)?(?:几|[一二两三四五六七八九\d]+)?(?:位|个数)?|first", re.IGNORECASE)
_MINE = re.compile(
    r"我(?:的|这个|自己的?|本人的?|这边的?|老公的?|老婆的?|家里?的?|们家的?|儿子的?|女儿的?)?(?:联系)?(?:电话|手机|号码|座机|联系方式|号)|(?:打|拨|联系|回|找)(?:给)?我|回电|回我|留(?:一?个|下)?(?:电话|号码|手机)?"
    r"|联系(?:电话|方式|号码)|my (?:mobile|phone|cell|number|tele)|(?:call|reach|contact|ring) me|你记一?下|记一下|换一?个?号",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"(?:他们?|她们?|它|对方|老板|房东|商家|店家|店里|骗子|中介|司机|车主|公司|客服|物业|工头|包工头|厂里|厂家|卖家|机构|驾校|学校|医院|平台|邻居|店|那边|那个人|经理|村里|村委|社区|快递员|师傅|负责人|教练|单位|银行|诈骗|陌生)"
    r"(?:那边|这边|那里)?(?:的|给我的|留的|打来的|用的)?(?:联系)?(?:电话|手机|号码|联系方式|座机|热线|号|微信)|(?:his|her|their|its|landlord'?s?|boss'?s?|company'?s?|shop'?s?|store'?s?) (?:mobile|phone|number|tele)"
    r"|打(?:了|过|给)(?!我)|骚扰电话|电话(?:打来|骚扰)|订单号|车牌|身份证|工单|编号|单号|卡号|账号|户号|证号|order number|licen[sc]e|plate|passport|flight",
    re.IGNORECASE,
)
_THIS_ONE = re.compile(
    r"(?:就|打|是|回|用)?(?:是|打)?(?:这个|这只|现在这个|本机|我现在打的|打进来的|来电的?|目前这个|同一个)(?:号码|电话|手机号?|号)|就是?这个号?|this (?:same )?(?:number|phone)|number i(?:'m| am) calling",
    re.IGNORECASE,
)
_PHONE_WORD = re.compile(r"电话|手机|号码|联系方式|座机|联系我|打我|phone|mobile|number|call me|reach me", re.IGNORECASE)
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0(?:10|2\d|[3-9]\d{2})[2-9]\d{6,7}")
_LOCAL = re.compile(r"[2-9]\d{6,7}")
_SERVICE = re.compile(r"[48]00\d{7}")
_YAO = re.compile(rf"[么要妖吆夭摇邀](?=[三四五六七八九3-9][{_ZH}么要妖个 ]{{8,}})|(?<=[{_ZH}])[么要妖吆夭摇邀](?=[{_ZH}]{{2}})")
_MOBILE_DIGITS = 11
_MIN_HEARD = 5
_BEFORE = 24


@dataclass(frozen=True, slots=True)
class CallBack:
    """A call-back number (digits only, None: none was said) and what to read back."""

    number: str | None
    said: bool = False
    doubts: tuple[Doubt, ...] = ()


@dataclass(slots=True)
class _Number:
    """Digits being dictated; `begin` is where in the caller's text they started."""

    digits: str
    line: int
    begin: int
    mine: bool
    other: bool
    sure: bool
    corrected: bool = False
    alternative: str = ""
    end: int = 0
    end_line: int = 0
    by_seat: bool = False

    @property
    def complete(self) -> bool:
        return is_complete(self.digits)


def is_complete(digits: str) -> bool:
    """Whether these are all digits of a mobile (11), a landline with or without area code, or a 400/800 number."""
    return any(one.fullmatch(digits) is not None for one in (_MOBILE, _LANDLINE, _LOCAL, _SERVICE))


def find_phone(lines: Sequence[Line], own: str) -> CallBack:
    """The caller's call-back number; `own` is the number that rang, used when no other was said."""
    numbers = _dictated(lines)
    mine = [one for one in numbers if not one.other]
    spoken = [one for one in mine if one.complete]
    explicit = [one for one in spoken if one.mine] or spoken
    same = any(line.party == CALLER and _THIS_ONE.search(line.text) for line in lines)
    if explicit:
        best = explicit[-1]
        doubts: tuple[Doubt, ...] = ()
        if not best.sure:
            doubts = (Doubt("caller.phone", Why.LOW_CONFIDENCE, best.digits),)
        elif _LOCAL.fullmatch(best.digits):
            doubts = (Doubt("caller.phone", Why.INCOMPLETE, best.digits),)
        elif len({one.digits for one in explicit}) > 1 and not best.corrected:
            doubts = (Doubt("caller.phone", Why.SEVERAL, "、".join(dict.fromkeys(one.digits for one in explicit))),)
        return CallBack(best.digits, True, doubts)
    broken = [one for one in mine if one.mine and len(one.digits) >= _MIN_HEARD] if not same else []
    doubts = (Doubt("caller.phone", Why.INCOMPLETE, broken[-1].digits),) if broken else ()
    number = "".join(ch for ch in own if ch.isdigit() or ch == "+") or None
    return CallBack(number, False, doubts)


def _dictated(lines: Sequence[Line]) -> list[_Number]:
    """All sequences of digits that may be telephone numbers, corrections applied."""
    found: list[_Number] = []
    asked = False
    for n, line in enumerate(lines):
        if line.party != CALLER:
            asked = _PHONE_WORD.search(line.text) is not None or (asked and len(line.text) <= 4)
            continue
        text = _mended(line.text)
        last = 0
        for hit in _RUN.finditer(text):
            digits = _trimmed(digits_of(hit.group()))
            if not digits or ("十" in hit.group() and len(digits) < 3):
                continue
            measured = _MEASURE.match(text, hit.end()) is not None
            before = text[max(0, hit.start() - _BEFORE):hit.start()]
            gap = _gap(lines, found[-1], n, text, hit.start()) if found else None
            wrong = gap is not None and _WRONG.search(gap) is not None
            if measured and len(digits) < _MIN_HEARD:
                continue
            joinable = gap is not None and not found[-1].other and _FILLER.fullmatch(gap) is not None
            sure = all(one >= SURE for one in line.conf[hit.start():hit.end()])
            if gap is not None and (wrong or joinable) and _goes_on(found[-1], digits, gap, wrong):
                found[-1].sure &= sure
                found[-1].end, found[-1].end_line = hit.end(), n
                last = hit.end()
                continue
            if len(digits) < 3:
                continue
            context = text[max(last, hit.start() - _BEFORE):hit.start()]
            if len(before) < 6 and n > 0 and lines[n - 1].party == CALLER:
                context = lines[n - 1].text[-_BEFORE:] + context
            mine_at = max((m.end() for m in _MINE.finditer(context)), default=-1)
            other_at = max((m.end() for m in _OTHERS.finditer(context)), default=-1)
            worded = _PHONE_WORD.search(context) is not None
            other = other_at > mine_at and not asked
            mine = not other and (mine_at >= 0 or worded or asked or is_complete(digits) or _likely(digits))
            found.append(_Number(digits, n, hit.start(), mine, other, sure, wrong, end=hit.end(), end_line=n))
            last = hit.end()
        asked = asked and bool(_RUN.search(text))
    return found


def _mended(text: str) -> str:
    """With the characters that recognisers write for 幺 set right, where digits surround them."""
    return _YAO.sub("幺", text)


def _trimmed(digits: str) -> str:
    """Without digits that belong to the words around: "最后是六，幺三八…", "…四七一定要"."""
    if len(digits) > _MOBILE_DIGITS and not is_complete(digits):
        for one in (digits[-_MOBILE_DIGITS:], digits[:_MOBILE_DIGITS]):
            if _MOBILE.fullmatch(one) and len(digits) <= _MOBILE_DIGITS + 4:
                return one
    return digits


def _likely(digits: str) -> bool:
    return re.match(r"1[3-9]\d{3}", digits) is not None


def _gap(lines: Sequence[Line], last: _Number, n: int, text: str, begin: int) -> str | None:
    """The caller's words between the last digits and these; None when too much lies between."""
    if last.end_line == n:
        gap = text[last.end:begin]
    else:
        gap = lines[last.end_line].text[last.end:] + "".join(
            line.text for line in lines[last.end_line + 1:n] if line.party == CALLER
        ) + text[:begin]
    return gap if len(gap) <= _BEFORE + 12 else None


def _goes_on(number: _Number, digits: str, gap: str, wrong: bool) -> bool:
    """Takes these digits into the number: as its next ones, or as a correction. False: another number begins."""
    old = number.digits
    if not wrong:
        if number.complete and not _LOCAL.fullmatch(old):
            return False
        joined = number.alternative + digits if number.alternative else ""
        if number.alternative and is_complete(joined):
            number.digits, number.alternative = joined, ""
            return True
        if len(old) + len(digits) > 12 or (len(old) >= 7 and _MOBILE.fullmatch(digits)):
            return False
        if is_complete(old) and not is_complete(old + digits):
            return False
        number.digits += digits
        if number.alternative:
            number.alternative += digits
        return True
    number.corrected = True
    if is_complete(digits) and not (_LOCAL.fullmatch(digits) and _MOBILE.fullmatch(old)):
        number.digits, number.alternative = digits, ""
    elif not number.complete and (whole := _overlaid(old, digits)) is not None:
        number.digits, number.alternative = whole, ""
    elif _HEAD.search(gap) and not _TAIL.search(gap):
        number.digits = digits + old[len(digits):]
    elif _TAIL.search(gap) or number.complete:
        number.digits = old[:-len(digits)] + digits if len(digits) < len(old) else digits
    elif re.match(r"1[3-9]|0\d", digits) and len(digits) >= 3:
        # begun anew, or the last group said again: what comes next decides
        number.alternative = digits
        number.digits = digits if len(old) <= len(digits) + 1 else old[:-len(digits)] + digits
        if len(old) <= len(digits) + 1:
            number.alternative = ""
    else:
        number.digits = old[:-len(digits)] + digits if len(digits) < len(old) else digits
    return True


def _overlaid(old: str, digits: str) -> str | None:
    """The mobile number that results when the new digits take the place of the last group ("零零一三不对零零一四八…")."""
    for group in (4, 3, 2, 1, 5, 6, 7):
        whole = old[:-group] + digits
        if group <= len(old) and _MOBILE.fullmatch(whole):
            return whole
    return None


def digits_of(text: str) -> str:
    """The digits of a dictated run: 幺三八 → 138, 三个八 → 888, 二十五 → 25, double eight → 88."""
    out = ""
    times = 1
    tokens = [hit.group().lower() for hit in _TOKEN.finditer(text)]
    for i, token in enumerate(tokens):
        if len(token) == 3 and token[1] == "个":
            out += DIGITS[token[2]] * int(DIGITS[token[0]])
        elif token == "十":
            before = i > 0 and tokens[i - 1] in DIGITS and tokens[i - 1] not in "零〇0"
            after = i + 1 < len(tokens) and tokens[i + 1] in DIGITS
            out += ("" if before else "1") + ("" if after else "0")
        elif token in {"double", "triple"}:
            times = 2 if token == "double" else 3
        else:
            out += (DIGITS.get(token) or ENGLISH.get(token, "")) * times
            times = 1
    return out
