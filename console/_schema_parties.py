"""The JSON shapes of orders to a call with several parties, and of the hotline directory (联动热线名录)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from ._schema import Code, Id, Model, TargetKind, Text2
from ._schema_floor import CodeWord, Number

TARGETS: tuple[TargetKind, ...] = ("seat", "skill", "centre", "entry", "number")
KEY_PATTERN = r"^[!-~]{1,64}$"
"""An Idempotency-Key: printable ASCII without spaces."""
KEY_HEADER = "Idempotency-Key"
KEY_ABOUT = (
    "one per order, e.g. a UUID: sent again with the same key the order is not carried out again, and answers as the "
    "first time; also after another process has taken over"
)

NOTE = 500
"""Characters of a seat's word for the next hotline."""
Note = Annotated[str, StringConstraints(max_length=NOTE, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
"""One line of a person's words, maybe none: no line ends, no control characters."""
NOTE_ABOUT = (
    "what the seat says of the case, for the next hotline: told in the handover where the case travels with the call "
    "(``context`` of the directory), and kept nowhere else"
)


def _one_target(schema: dict[str, Any]) -> None:
    """Just one of the targets, and null is none."""
    for name in TARGETS:
        schema["properties"][name].pop("default", None)
    schema["oneOf"] = [{"required": [name]} for name in TARGETS]


class PartyOrder(Model):
    """Whom to bring into a call, and how: just one of seat, skill, centre, entry, number."""

    model_config = ConfigDict(json_schema_extra=_one_target)

    how: Literal["join", "consult", "transfer"]
    seat: Id | SkipJsonSchema[None] = Field(default=None, description="a seat of ours")
    skill: CodeWord | SkipJsonSchema[None] = Field(default=None, description="whoever has it: ja, social-security …")
    centre: Id | SkipJsonSchema[None] = Field(default=None, description="whoever is free at this centre")
    entry: Id | SkipJsonSchema[None] = Field(default=None, description="an entry of the hotline directory")
    number: Number | SkipJsonSchema[None] = Field(
        default=None, description="a number outside the directory, where the configuration allows it"
    )
    note: Note = Field(default="", description=NOTE_ABOUT)

    @model_validator(mode="after")
    def _just_one(self) -> Self:
        given = self.model_fields_set.intersection(TARGETS)
        if len(given) != 1 or getattr(self, next(iter(given))) is None:
            raise ValueError("just one target")
        return self

    @property
    def target(self) -> tuple[TargetKind, str]:
        """(kind, id) of the one that was given."""
        return next((name, getattr(self, name)) for name in TARGETS if getattr(self, name) is not None)


class Arrangement(Model):
    """Who is with whom from now on."""

    what: Literal["join", "swap", "complete", "return", "hold", "resume", "mute", "unmute", "leave"] = Field(
        description="join: all of the consultation into the talk; swap: between caller and consulted party; complete: "
        "the seat leaves, caller and party talk on; return: the party is let go, the seat is back with the caller; "
        "hold, resume: the caller hears music; mute, unmute: the seat's own voice; leave: the seat leaves a talk of "
        "three or more"
    )


class EmergencyOrder(Model):
    """Which emergency line (110, 119, 120, 122) to ring while the talk goes on."""

    entry: Id = Field(description="an emergency entry of the hotline directory")
    note: Note = Field(default="", description=NOTE_ABOUT)


class SuperviseOrder(Model):
    """A supervisor's ear or voice in a call."""

    mode: Literal["listen", "whisper", "barge", "takeover", "stop"] = Field(
        description="listen: unheard; whisper: heard by the seat alone; barge: joins all; takeover: joins, and the "
        "seat leaves; stop: out of the call"
    )
    seat: Id | SkipJsonSchema[None] = Field(
        default=None, description="the supervisor's own phone, by its seat id; needed unless the token names one"
    )


# --- The hotline directory (联动热线名录) ----------------------------------------------------------------------


class Matter(Model):
    """A kind of matter, and whether this hotline takes it (a line of the division lists)."""

    text: Text2
    takes: bool = Field(default=True, description="false: not this one's; see ``other``")
    other: Code | None = Field(default=None, description="the entry whose it is; 12345: this hotline's own")
    codes: list[Code] = Field(default_factory=list, description="codes of the catalogue of matters")


class DirectoryEntry(Model):
    """A hotline, centre, utility or unit that calls can be connected with."""

    id: Id
    kind: Code = Field(description="emergency, hotline, utility, centre, unit or social")
    name: Text2
    numbers: list[str] = Field(default_factory=list, description="public numbers")
    region: Code | None = Field(default=None, description="GB/T 2260 code it is for; null: all")
    enabled: bool = Field(description="whether it can be rung now")
    reason: Literal["no-trunk", "closed"] | None = Field(
        default=None, description="why not: no line leads there, or out of its hours"
    )
    open: bool = Field(description="whether it is within its hours now")
    hours: str | None = Field(default=None, description="its hours as configured; null: always")
    changes_at: float | None = Field(default=None, description="when it opens or closes next, unix seconds")
    emergency: bool = False
    digit: str | None = Field(default=None, description="emergency: what a caller may press at any moment")
    matters: list[Matter] = Field(default_factory=list)
    fallback: Code | None = Field(default=None, description="the entry tried when this one cannot be reached")
    tries: Annotated[int, Field(ge=0, description="lines tried in order, the fallback's among them")] = 0
    context: bool = Field(default=False, description="whether case and note travel with the call")


class Directory(Model):
    """The hotline directory, in the order to show it."""

    items: list[DirectoryEntry] = Field(default_factory=list)
    numbers: bool = Field(default=False, description="whether numbers outside the directory may be dialled")
