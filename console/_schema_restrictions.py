"""The JSON shapes of the restriction list (限制名单, Art. 11 and 18), and the orders to it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from ._schema import Code, Id, Model, Time
from ._schema_floor import Line, Number
from ._schema_parties import Note

WHO: tuple[str, ...] = ("call", "number")
Reason = Literal["abuse", "threat", "obscene", "occupying", "false-report", "other"]
Variant = Literal["announce", "queue-last"]
Act = Literal["confirm", "reject", "keep", "appeal", "lift"]
MOST_CALLS = 50


class RestrictionMark(Model):
    """One line of an entry's history."""

    at: Time
    what: Code = Field(
        description="proposed, confirmed, rejected, kept, appealed, lifted, bundle, withdrawn, lapsed, expired or "
        "replaced"
    )
    who: str | None = Field(default=None, description="null: by itself")
    role: Code | None = None
    note: str | None = None


class RestrictionCall(Model):
    """A call of the restricted number that the books know: it may be put into an evidence bundle."""

    id: Id
    at: Time
    outcome: Code | None = None
    recorded: bool = Field(default=False, description="whether there is a recording")


class Restriction(Model):
    """One entry of the restriction list. ``number`` is masked, and numbers in notes, but in one entry asked for by
    itself, for a reader who may see numbers."""

    id: Id
    number: str
    masked: bool = False
    reason: Code = Field(description="abuse, threat, obscene, occupying, false-report or other")
    note: str = Field(default="", description="what happened, in the proposer's words")
    variant: Code = Field(description="announce: told why and released; queue-last: let in behind everybody else")
    state: Code = Field(
        description="proposed, active, rejected, withdrawn, lapsed, lifted, expired or replaced; only active restricts"
    )
    days: Annotated[float, Field(ge=0, description="how long it lasts from its confirmation on")]
    proposed_at: Time
    proposed_by: str
    begins_at: Time | None = None
    until: Time | None = None
    review_at: Time | None = Field(default=None, description="when it is to be looked at again; null: no more")
    review_due: bool = Field(default=False, description="the review's date has come, or there is an appeal")
    appealed_at: Time | None = Field(default=None, description="since when an appeal waits for its answer")
    ended_at: Time | None = None
    hits: Annotated[int, Field(ge=0, description="calls that met it since it began")] = 0
    last_hit: Time | None = None
    calls: list[Id] = Field(default_factory=list, description="the evidence: calls it rests on")
    turned: list[Id] = Field(default_factory=list, description="the last calls that met it")
    marks: list[RestrictionMark] = Field(default_factory=list, description="its history, oldest first")
    own: bool = Field(default=False, description="proposed by the reader, who can be no second person for it")
    known: list[RestrictionCall] = Field(
        default_factory=list, description="of one entry alone: calls of the number, newest first"
    )


class RestrictionPage(Model):
    """One page of the list, newest first; the counts are of all pages."""

    items: list[Restriction]
    next: str | None = None
    proposed: Annotated[int, Field(ge=0, description="waiting for a second person")] = 0
    active: Annotated[int, Field(ge=0, description="in force now")] = 0
    review_due: Annotated[int, Field(ge=0, description="to be looked at again")] = 0
    default_days: Annotated[float, Field(gt=0)] = 7
    longest_days: Annotated[float, Field(gt=0)] = 30


def _just_one(schema: dict[str, Any]) -> None:
    """The call or the number, and null is none."""
    for name in WHO:
        schema["properties"][name].pop("default", None)
    schema["oneOf"] = [{"required": [name]} for name in WHO]


class RestrictionOrder(Model):
    """A proposal: the number of a call, or a number. Nobody is restricted before a second person confirms it."""

    model_config = ConfigDict(json_schema_extra=_just_one)

    call: Id | SkipJsonSchema[None] = Field(default=None, description="whose caller; the call is evidence, too")
    number: Number | SkipJsonSchema[None] = None
    reason: Reason
    note: Line = Field(description="what happened, for the second person and for the record")
    days: Annotated[float, Field(gt=0, le=366, allow_inf_nan=False)] | None = Field(
        default=None, description="absent: as configured"
    )
    variant: Variant = "announce"
    calls: Annotated[list[Id], Field(max_length=MOST_CALLS)] = Field(
        default_factory=list, description="further calls of the same number, as evidence"
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        given = self.model_fields_set.intersection(WHO)
        if len(given) != 1 or getattr(self, next(iter(given))) is None:
            raise ValueError("just one of call and number")
        return self


class RestrictionAct(Model):
    """What a person decides about an entry."""

    what: Act = Field(
        description="confirm, reject: a second person's word on a proposal; keep: looked at again, by another than "
        "who proposed it; appeal: what the caller says against it; lift: it ends at once (a proposal is withdrawn)"
    )
    note: Note = Field(default="", description="why; needed for all but confirm")


class BundleOrder(Model):
    """Which calls go into the evidence bundle."""

    calls: Annotated[list[Id], Field(max_length=MOST_CALLS)] | None = Field(
        default=None, description="absent: those that the entry names, and the last ones that met it"
    )
