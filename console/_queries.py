"""Queries: exact words only, so that what the document says is what is taken."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


def _bool(raw: object) -> object:
    return {"true": True, "false": False}.get(raw) if isinstance(raw, str) else raw


def _int(raw: object) -> object:
    return int(raw) if isinstance(raw, str) and re.fullmatch(r"-?(0|[1-9]\d{0,17})", raw, re.ASCII) else None


_Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:=-]{1,200}$")]
_Limit = Annotated[int, Field(ge=1, le=200), BeforeValidator(_int)]


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(_Query):
    """Which page."""

    limit: _Limit = Field(default=50, description="entries on the page")
    cursor: _Cursor | None = Field(default=None, description="`next` of the page before")


class CallsQuery(PageQuery):
    """Which calls."""

    live: Annotated[bool, BeforeValidator(_bool), Field(strict=True)] | None = Field(
        default=None, description="true: calls in progress only; false: ended ones only; absent: all"
    )


class CallbacksQuery(PageQuery):
    """Which entries of the callback list."""

    state: Literal["open", "closed"] | None = Field(
        default=None, description="open: still to be worked off; closed: done, given up or cancelled; absent: all"
    )


class RestrictionsQuery(PageQuery):
    """Which entries of the restriction list."""

    state: Literal["open", "closed"] | None = Field(
        default=None, description="open: proposed or in force; closed: over; absent: all"
    )


class EventsQuery(_Query):
    """From where on."""

    since: Annotated[int, Field(ge=0, le=2**53), BeforeValidator(_int)] | None = Field(
        default=None, description="id of the last event seen"
    )
