"""What waiting callers hear, put together of prompts (config/prompts/prompts.yaml). Pure.

Numbers are spoken as in Chinese, tens then ones, which is right in English too: 二十 三, twenty three.
"""

from __future__ import annotations

from collections.abc import Mapping

NUMBERS = (*range(21), *range(30, 100, 10))
"""Numbers that have a prompt of their own: num-0 … num-20, num-30 … num-90."""


def files(language: str, *ids: str) -> tuple[str, ...]:
    """Prompt ids as the switch plays them."""
    where = "en" if language == "en" else "zh"
    return tuple(f"hotline/{where}/{i}" for i in ids)


def number(n: int) -> tuple[str, ...]:
    """Prompt ids of a number from 0 to 99; larger ones are spoken as 99."""
    n = max(0, min(99, n))
    if n == 2:
        return ("num-two",)  # 两位, 两分钟
    if n in NUMBERS:
        return (f"num-{n}",)
    return (f"num-{n - n % 10}", f"num-{n % 10}")


def position(ahead: int) -> tuple[str, ...]:
    """ "您前面还有三位来电人在等候"."""
    if ahead <= 0:
        return ("wait-next",)
    if ahead > 99:
        return ("wait-many-ahead",)
    return ("wait-ahead-before", *number(ahead), "wait-ahead-after")


def expected(seconds: float, longest: float) -> tuple[str, ...]:
    """ "预计还要等候大约四分钟": whole minutes, rounded up, so that nobody is told too little."""
    if seconds < 60:
        return ("wait-under-minute",)
    limit = min(longest, 99 * 60)
    if seconds > limit:
        return ("wait-over-before", *number(int(limit // 60)), "wait-minutes")
    return ("wait-about", *number(int(-(-seconds // 60))), "wait-minutes")


def callback_offer(key: str) -> tuple[str, ...]:
    """ "不想继续等候请按1，…"; a key that has no number prompt (*, #) is never offered."""
    return ("callback-offer-before", f"num-{key}", "callback-offer-after") if key.isdigit() else ()


EMERGENCY_LINES = ("110", "119", "120", "122")
"""Directory entries whose connecting words and offers have prompts of their own."""


def emergency_connecting(entry: str) -> tuple[str, ...]:
    """ "正在为您接通110，请不要挂机"; an entry without words of its own is "紧急线路"."""
    return (f"emergency-connecting-{entry}",) if entry in EMERGENCY_LINES else ("emergency-connecting",)


def emergency_failed() -> tuple[str, ...]:
    """ "紧急线路暂时无法接通，正在为您接人工座席": every trunk and the fallback failed."""
    return ("emergency-failed",)


def emergency_offer(digits: Mapping[str, str]) -> tuple[str, ...]:
    """ "需要报警，请按九": which key rings which line, for the entries that have words for it.

    Args:
        digits: key → directory entry, as `Directory.emergency_digits`.
    """
    offered = ((key, entry) for key, entry in digits.items() if key.isdigit() and entry in EMERGENCY_LINES)
    return tuple(word for key, entry in offered for word in (f"emergency-offer-{entry}", f"num-{key}"))


def party_left() -> tuple[str, ...]:
    """ "对方已挂断，正在为您接回人工座席": whom the caller talked with is gone and no seat is there."""
    return ("party-left",)


def transfer_failed() -> tuple[str, ...]:
    """ "转接未成功，正在为您接回原座席"."""
    return ("transfer-failed",)


def held() -> tuple[str, ...]:
    """ "请稍候，座席正在为您咨询", before the music."""
    return ("held",)


def busy(key: str) -> tuple[str, ...]:
    """ "现在来电很多，暂时无法接听。需要我们给您回电，请按一 …": who is not let in. The offer is not the last word, so
    that there is time to press.

    Args:
        key: with which the caller is called back; empty, or one without a number prompt: no offer.
    """
    offer = ("busy-offer-before", f"num-{key}", "busy-offer-after") if key.isdigit() else ()
    return ("busy-now", *offer, "busy-urgent", "busy-later")


def too_often() -> tuple[str, ...]:
    """ "您的来电过于频繁 …"."""
    return ("busy-often", "busy-urgent")
