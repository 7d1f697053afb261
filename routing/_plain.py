"""Values that come back from JSON, held to what a dataclass says of its fields: a row that another version or a hand
has spoilt is refused when it is read, not met as a surprise in the middle of a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")
Check = Callable[[Any], bool]
MOST = 1e15
"""Beyond every time and number that we write; also keeps out the infinite ones, and what is no number."""


def is_number(value: object) -> bool:
    """A plain finite number, not True or False."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -MOST < value < MOST


def is_whole(value: object) -> bool:
    """A plain integer of a size that we write."""
    return isinstance(value, int) and not isinstance(value, bool) and -MOST < value < MOST


def is_text(value: object) -> bool:
    """Text that can be written again: without halves of surrogate pairs."""
    return isinstance(value, str) and (value.isascii() or not any("\ud800" <= x <= "\udfff" for x in value))


_PLAIN: dict[str, Check] = {
    "str": is_text,
    "float": is_number,
    "int": is_whole,
    "bool": lambda value: isinstance(value, bool),
    "tuple[str, ...]": lambda value: isinstance(value, list | tuple) and all(map(is_text, value)),
    "Mapping[str, Any]": lambda value: isinstance(value, Mapping),
}


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


_known: dict[type[Any], Mapping[str, Check]] = {}


def checks_of(cls: type[Any]) -> Mapping[str, Check]:
    """Field → whether a JSON value may stand there, for fields of plain types; other fields have no check."""
    known = _known.get(cls)
    if known is None:
        known = _known[cls] = _made(cls)
    return known


def _made(cls: type[Any]) -> Mapping[str, Check]:
    out: dict[str, Check] = {}
    for field in fields(cls):
        kind = str(field.type)
        base = _PLAIN.get(kind.removesuffix(" | None"))
        if base is not None:
            out[field.name] = _or_none(base) if kind.endswith(" | None") else base
    return out


def hold(values: Mapping[str, Any], checks: Mapping[str, Check]) -> None:
    """Raises TypeError, naming the field and never the value, when one of `values` may not stand there."""
    for name, value in values.items():
        check = checks.get(name)
        if check is not None and not check(value):
            raise TypeError(f"{name}: a value of another type")


def held(one: T) -> T:
    """A dataclass made of JSON values, as it is. Raises TypeError when a field has a value of another type."""
    checks = checks_of(type(one))
    hold({name: getattr(one, name) for name in checks}, checks)
    return one


def a_mapping(value: object) -> Mapping[str, Any]:
    """The value, if it is a mapping. Raises TypeError."""
    if not isinstance(value, Mapping):
        raise TypeError("a mapping was expected")
    return value
