"""config/directory.yaml (联动热线名录): other hotlines, their numbers and trunks, what they take, what may be dialled.

The models say what may be written, config_directory_checks what one part may say of another; `directory_of` makes the
pure routing.Directory of both.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

import routing

from .config_files import Strict
from .config_models import CentreCode, Title
from .config_routing import Digit, _listed

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_TRUNK = re.compile(r"[a-z0-9][a-z0-9-]{0,26}")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
WIDEST = 8
"""Shortest prefix of a network whose calls come in by a trunk."""
MOST_ENTRIES = 5000


def _quoted(value: Any) -> str:
    """YAML takes 057112345 without quotes for a count of eight's powers."""
    if not isinstance(value, str):
        raise ValueError("write it in quotes: as a bare number it loses its leading 0")  # noqa: TRY004
    return value


def _number(value: Any) -> str:
    text = _quoted(value)
    if not re.fullmatch(r"[0-9]{1,24}", text):
        digits = re.sub(r"[^0-9]", "", text.translate(str.maketrans("０１２３４５６７８９", "0123456789")))
        hint = f"write {digits}" if 0 < len(digits) <= 24 else "write 1 to 24 digits"
        raise ValueError(f"a number has digits alone, with the area code and without spaces or signs; {hint}")
    return text


def _entry_id(value: Any) -> str:
    text = _quoted(value)
    if not _ID.fullmatch(text):
        raise ValueError("an id has small letters, digits and '-', at most 32; write 110, nanjing-12345 …")
    if text in (routing.HERE, routing.NUMBER_ENTRY):
        raise ValueError(f"'{text}' stands for this hotline itself or a dialled number; choose another id")
    return text


def _trunk_name(value: Any) -> str:
    text = _quoted(value)
    if not _TRUNK.fullmatch(text):
        raise ValueError("a trunk's name has small letters, digits and '-', at most 27; write police, carrier-2 …")
    return text


def _contact(value: Any) -> str:
    host, colon, port = _quoted(value).removeprefix("tls:").rpartition(":")
    good = colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536 and _host(host)
    if not good:
        raise ValueError("write the host and port of its SIP: 10.0.0.7:5060, or tls:sbc.example.cn:5061")
    return str(value)


def _host(text: str) -> bool:
    """A host name, or an address that is one."""
    if re.fullmatch(r"[0-9.]+", text):
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            return False
        return True
    return _HOST.fullmatch(text) is not None


def _match(value: Any) -> str:
    text = _quoted(value)
    if "/" in text:
        try:
            network = ipaddress.IPv4Network(text)
        except ValueError:
            raise ValueError("is no network; write 10.0.0.0/24, with zeros behind the prefix") from None
        if network.prefixlen < WIDEST:
            raise ValueError(f"is too wide: anybody could come in as this hotline; /{WIDEST} at the widest")
    elif not _host(text):
        raise ValueError("write an address, a network or a host name, without a port: 10.0.0.7, 10.0.0.0/24")
    return text


def _url(value: Any) -> str:
    text = _quoted(value)
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and _host(parts.hostname or "") and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or parts.username is not None or parts.query or parts.fragment or re.search(r"[\s#?]", text):
        raise ValueError("write the base address of its handovers: https://host or https://host:port/path")
    return text.rstrip("/")


def _file(value: Any) -> str:
    text = _quoted(value)
    if not text.startswith("/") or not text.isprintable():
        raise ValueError("write the whole path of the file with the password: /etc/hotline/police.password")
    return text


def _pattern(value: Any) -> str:
    text = _quoted(value)
    routing.Dialable(text)
    if text.endswith(".") and set(text) <= {"X", "."}:
        raise ValueError("allows every number, those abroad too; begin it with digits: 0571XXXXXXXX")
    return text


NumberText = Annotated[str, BeforeValidator(_number)]
EntryId = Annotated[str, BeforeValidator(_entry_id)]
TrunkName = Annotated[str, BeforeValidator(_trunk_name)]
Names = Annotated[list[str], BeforeValidator(_listed)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{3}$")]


class TrunkEntry(Strict):
    """A trunk; its contact alone is enough."""

    contact: Annotated[str, BeforeValidator(_contact)]
    match: Annotated[list[Annotated[str, BeforeValidator(_match)]], BeforeValidator(_listed)] = Field(
        default_factory=list
    )
    """Whose calls come in by it; left out: outgoing only."""
    origin: str | None = None
    """The entry whose calls come in by it; left out: the only one that uses it."""
    qualify: Annotated[int, Field(ge=0, le=3600)] = 0
    """Seconds between questions whether it lives; 0: never asked."""
    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@._+-]{1,64}$")] | None = None
    """Who we are, if it asks for a password; left out: it knows us by our address."""
    password_file: Annotated[str, BeforeValidator(_file)] | None = None
    register_: bool = Field(False, alias="register")
    """Register as `user`."""

    @model_validator(mode="after")
    def _login(self) -> TrunkEntry:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file belong together")
        if self.register_ and self.user is None:
            raise ValueError("to register, name user and password_file")
        return self

    @model_validator(mode="before")
    @classmethod
    def _contact_alone(cls, data: Any) -> Any:
        return {"contact": data} if isinstance(data, str) else data


class NameEntry(Strict):
    """Both names; the Chinese one alone is enough."""

    zh: Title
    en: Annotated[str, StringConstraints(max_length=80)] = ""

    @model_validator(mode="before")
    @classmethod
    def _zh_alone(cls, data: Any) -> Any:
        return {"zh": data} if isinstance(data, str) else data


class MatterEntry(Strict):
    """One line of a table of matters; a text alone is its title and its word."""

    zh: Text
    en: Annotated[str, StringConstraints(max_length=80)] = ""
    words: Annotated[list[Text], BeforeValidator(_listed)] = Field(default_factory=list)
    codes: Annotated[list[Code], BeforeValidator(_listed)] = Field(default_factory=list)
    to: str | None = None
    """Under `not`: who takes it, an entry's id, or 12345 for this hotline."""

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, data: Any) -> Any:
        return {"zh": data, "words": [data]} if isinstance(data, str) else data

    @field_validator("words")
    @classmethod
    def _parts(cls, words: list[str]) -> list[str]:
        for word in words:
            if not all(part.strip() for part in word.split("+")):
                raise ValueError(f"'{word}': a+b means that both are said; a part is empty")
        return words


class MattersEntry(Strict):
    """What a hotline takes, and what it does not take although it is asked."""

    takes: list[MatterEntry] = Field(default_factory=list)
    refers: list[MatterEntry] = Field(default_factory=list, alias="not")


class LinkedEntry(Strict):
    """One hotline, utility or unit. Without `trunks` it is known and shown, and nobody can be put through."""

    name: NameEntry
    kind: Literal["emergency", "hotline", "utility", "centre", "unit", "social"]
    numbers: Annotated[list[NumberText], BeforeValidator(_listed)] = Field(default_factory=list, max_length=10)
    trunks: Names = Field(default_factory=list)
    hours: str | None = None
    """A name of routing.yaml's hours, or 08:30-12:00, 13:30-17:30; left out: always."""
    protocol: Literal["none", "uui"] = "none"
    url: Annotated[str, BeforeValidator(_url)] | None = None
    matters: MattersEntry = MattersEntry()
    fallback: str | None = None
    caller_id: Literal["hotline", "caller"] | None = None
    """Left out: the caller's for emergency lines, else the hotline's."""
    ring: Annotated[float, Field(ge=3, le=120)] | None = None
    """Left out: 10 s for emergency lines, else 20 s."""
    after: Literal["return", "end"] = "return"
    region: CentreCode | None = None


class DialableEntry(Strict):
    """Numbers outside the directory that may be dialled."""

    pattern: Annotated[str, BeforeValidator(_pattern)]
    trunks: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]
    name: Annotated[str, StringConstraints(max_length=60)] = ""


class DirectoryFile(Strict):
    """The whole file. Without it: no entry, no trunk, and no number may be dialled."""

    trunks: dict[TrunkName, TrunkEntry] = Field(default_factory=dict)
    emergency_digits: dict[Digit, str] = Field(default_factory=dict)
    dialable: Annotated[list[DialableEntry], Field(max_length=200)] = Field(default_factory=list)
    entries: dict[EntryId, LinkedEntry] = Field(default_factory=dict, max_length=MOST_ENTRIES)


def directory_of(
    file: DirectoryFile, hours: Mapping[str, routing.Hours], calendar: routing.WorkCalendar
) -> routing.Directory:
    """The pure directory of a checked file.

    Args:
        file: what was read.
        hours: named hours of routing.yaml, "always" too.
        calendar: the working-day calendar that hours follow.
    """
    return routing.Directory(
        tuple(_entry(id_, e, hours) for id_, e in file.entries.items()),
        {
            name: routing.Trunk(
                name, t.contact, tuple(t.match), t.origin or "", t.qualify, t.user or "", t.password_file or "",
                t.register_,
            )
            for name, t in file.trunks.items()
        },
        dict(file.emergency_digits),
        tuple(routing.Dialable(d.pattern, tuple(d.trunks), d.name) for d in file.dialable),
        calendar,
    )


def _entry(id_: str, e: LinkedEntry, hours: Mapping[str, routing.Hours]) -> routing.Entry:
    emergency = e.kind == "emergency"
    return routing.Entry(
        id_, e.name.zh, e.name.en, e.kind, tuple(e.numbers), tuple(e.trunks), hours_for(e.hours, hours), e.hours or "",
        e.protocol, e.url or "", tuple(map(_matter, e.matters.takes)), tuple(map(_matter, e.matters.refers)),
        e.fallback or "", e.caller_id or ("caller" if emergency else "hotline"),
        e.ring or (routing.EMERGENCY_RING if emergency else routing.RING), e.after, e.region or "",
    )  # fmt: skip


def _matter(m: MatterEntry) -> routing.Matter:
    return routing.Matter(m.zh, m.en, tuple(m.words), tuple(m.codes), m.to or "")


def hours_for(text: str | None, hours: Mapping[str, routing.Hours]) -> routing.Hours:
    """Hours by name, or the same spans every day. Raises ValueError when a text is neither."""
    if text is None:
        return routing.ALWAYS
    if text in hours:
        return hours[text]
    return routing.Hours(text, (routing.parse_spans(text),) * 7)
