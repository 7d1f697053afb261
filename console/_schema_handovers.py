"""A handover: what one hotline tells another of a case when a call goes from one to the other (Art. 7, 8).

The thought is NENA's EIDO: one JSON object with all that the next person needs, made of small parts (who issues it,
the caller, the call, the matter, the place, earlier cases), each of which may be missing. The words are our own.

The same model writes ours and reads theirs. What comes from outside is cleaned on the way in: control and formatting
characters go, lengths and counts are capped, a value of a wrong kind is "not known". Only what is no handover at all
is an error; unknown fields of a newer version are passed over.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

VERSION = 1
SUMMARY = 4000
"""Characters of a summary; more is cut."""
EARLIER = 10
"""Earlier cases told at most."""
LATEST = 253402300799.0
"""The end of the year 9999, unix seconds."""
KINDS = ("consult", "help", "complaint", "report", "suggestion", "other")
EMERGENCIES = ("110", "119", "120", "122")

_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_CASE = re.compile(r"[A-Za-z0-9._:/@+#=~*!()-]{1,80}")
_CODE = re.compile(r"[0-9]{6}")


def clean_text(value: object, size: int, *, lines: bool = False) -> str:
    """Text without control, formatting and other invisible characters, cut to `size`; what is no text is empty.

    Args:
        value: anything.
        size: characters kept.
        lines: whether line breaks stay; else they become spaces.
    """
    if not isinstance(value, str):
        return ""
    value = value[: size * 4].replace("\r\n", "\n")  # whatever comes: no work beyond a multiple of what is kept
    kept = []
    for char in value:
        if char in "\r\n\t\u2028\u2029":
            kept.append("\n" if lines and char != "\t" else " ")
        elif not unicodedata.category(char).startswith("C"):
            kept.append(char)
    return "".join(kept).strip()[:size].strip()


def _text(size: int, *, lines: bool = False) -> Any:
    return BeforeValidator(lambda value: clean_text(value, size, lines=lines))


def _matching(pattern: re.Pattern[str], drop: str = "") -> Any:
    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) > 200:
            return ""
        value = value.strip().translate({ord(c): None for c in drop})
        return value if pattern.fullmatch(value) else ""

    return BeforeValidator(check)


def _one_of(known: tuple[str, ...]) -> Any:
    return BeforeValidator(lambda value: value if value in known else None)


def _truth(value: object) -> bool:
    return value is True


def _when(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        at = float(value)
    except OverflowError:
        return None
    return at if math.isfinite(at) and 0 <= at <= LATEST else None


def _part(value: object) -> object:
    """A part that is no object is as good as missing; a part already made stays."""
    return value if isinstance(value, Mapping | BaseModel) else {}


def _few(size: int) -> Callable[[object], object]:
    def cut(value: object) -> object:
        if not isinstance(value, list | tuple):
            return []
        return [x for x in value[:size] if isinstance(x, Mapping | BaseModel)]

    return cut


Line = Annotated[str, Field(max_length=200), _text(200)]
Number = Annotated[str, Field(max_length=33, description="digits, + * #; empty: not known"), _matching(_NUMBER, " -")]
Case = Annotated[str, Field(max_length=80, description="as in X-Hotline-Case"), _matching(_CASE)]
When = Annotated[float | None, Field(description="unix seconds, UTC"), BeforeValidator(_when)]
Flag = Annotated[bool, BeforeValidator(_truth)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class HandoverHotline(_Part):
    """Who hands over."""

    name: Line = ""
    centre: Annotated[str, _matching(_CODE)] = Field(default="", description="GB/T 2260 code of the centre")


class HandoverCaller(_Part):
    """Whose case it is."""

    number: Number = ""
    name: Line = ""


class HandoverCall(_Part):
    """The call there, by that hotline's own book."""

    id: Annotated[str, _text(64)] = ""
    dialled: Number = ""
    arrived_at: When = None
    direction: Annotated[Literal["in", "out"] | None, _one_of(("in", "out"))] = None


class HandoverRegion(_Part):
    """Where the matter is."""

    code: Annotated[str, _matching(_CODE)] = Field(default="", description="GB/T 2260 code; empty: not sure")
    name: Line = ""
    address: Line = ""


class HandoverEarlier(_Part):
    """An earlier case that this one belongs to."""

    case: Case = ""
    at: When = None
    title: Line = ""


class HandoverCallback(_Part):
    """Whether the caller wants to be rung back, and where if not at its own number."""

    wanted: Flag = False
    number: Number = ""


class Handover(_Part):
    """One case on its way from one hotline to another. Everything but `version` and `case` may be empty."""

    version: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
    case: Annotated[str, Field(min_length=1, max_length=80, description="as in X-Hotline-Case"), _matching(_CASE)]
    issued_at: When = None
    hotline: Annotated[HandoverHotline, BeforeValidator(_part)] = HandoverHotline()
    caller: Annotated[HandoverCaller, BeforeValidator(_part)] = HandoverCaller()
    call: Annotated[HandoverCall, BeforeValidator(_part)] = HandoverCall()
    kind: Annotated[
        Literal["consult", "help", "complaint", "report", "suggestion", "other"] | None, _one_of(KINDS)
    ] = None
    title: Line = ""
    summary: Annotated[str, Field(max_length=SUMMARY), _text(SUMMARY, lines=True)] = Field(
        default="", description="what is known so far; may be empty"
    )
    region: Annotated[HandoverRegion, BeforeValidator(_part)] = HandoverRegion()
    language: Annotated[str, Field(max_length=16), _text(16)] = ""
    urgent: Flag = False
    emergency: Annotated[Literal["110", "119", "120", "122"] | None, _one_of(EMERGENCIES)] = Field(
        default=None, description="which emergency service the words point to"
    )
    earlier: Annotated[list[HandoverEarlier], BeforeValidator(_few(EARLIER))] = Field(default_factory=list)
    callback: Annotated[HandoverCallback, BeforeValidator(_part)] = HandoverCallback()
