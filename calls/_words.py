"""What waiting callers hear, put together of prompts (config/prompts/prompts.yaml). Pure.

Numbers are spoken as in Chinese, tens then ones, which is right in English too: 二十 三, twenty three.
"""

from __future__ import annotations

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
