"""Routes of a call with several parties: three-way, consultation, transfer, emergency, supervision; the directory."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import TypeVar

from ._api_floor import FLOOR, ordered
from ._ports import Look
from ._problems import ProblemError
from ._roles import Right
from ._routes import Ask, Route
from ._schema import LiveCall, Party
from ._schema_floor import Done
from ._schema_parties import (
    KEY_ABOUT,
    KEY_HEADER,
    KEY_PATTERN,
    Arrangement,
    Directory,
    EmergencyOrder,
    PartyOrder,
    SuperviseOrder,
)
from ._view import owns_call

_log = logging.getLogger("console")
T = TypeVar("T")
_OWN_CALL = (Right.SEATS, Right.OWN_CALL)
_KEYED = {KEY_HEADER: KEY_ABOUT}


def order_key(ask: Ask) -> str:
    """The order's key, so made that no two people share one; empty: none was sent.

    It is kept in the call: a digest stands for the sender's name, which is in any script and none of the call's matter.
    """
    sent = ask.http.headers.getall(KEY_HEADER, [])
    if not sent:
        return ""
    if len(sent) > 1 or not re.fullmatch(KEY_PATTERN, sent[0], re.ASCII):
        raise ProblemError("bad-key", f"header:{KEY_HEADER}")
    sender = f"{ask.reader.role}:{ask.reader.seat or ''}:{ask.reader.name}"
    return f"{hashlib.sha256(sender.encode()).hexdigest()[:24]}:{sent[0]}"


def _body(ask: Ask, kind: type[T]) -> T:
    if not isinstance(ask.body, kind):
        raise ProblemError("bad-body")
    return ask.body


async def _live(ask: Ask) -> LiveCall:
    """The call. No store is asked while it goes on: an order does not wait for one, and works without it."""
    call = await ask.desk.live_call(ask.ids["id"])
    if call is None:
        over = await ask.desk.call(ask.ids["id"])
        raise ProblemError("no-such-call" if over is None else "too-late")
    return call


async def _mine(ask: Ask) -> tuple[LiveCall, str]:
    """The call, and the seat that orders; a supervisor orders for the call's own seat.

    A seat that has left a running talk still sees it, for its notes, but orders no more of it.
    """
    call = await _live(ask)
    if ask.reader.may(Right.SEATS):
        return call, ""
    if not owns_call(ask.reader, call) or ask.reader.seat is None:
        raise ProblemError("not-your-call")
    if call.state == "talking" and not any(
        leg.kind != "caller" and leg.who == ask.reader.seat and leg.ended_at is None for leg in call.legs
    ):
        raise ProblemError("too-late")
    return call, ask.reader.seat


def _found(what: T | None) -> T:
    if what is None:
        raise ProblemError("no-such-call")
    return what


def _done(known: bool) -> Done:
    if not known:
        raise ProblemError("no-such-call")
    return Done()


async def _want(ask: Ask) -> Party:
    order, key = _body(ask, PartyOrder), order_key(ask)
    kind, wanted = order.target
    call, seat = await _mine(ask)
    if kind == "centre" and wanted not in {place.code for place in (await ask.desk.choices()).centres}:
        raise ProblemError("no-such-centre", "body:centre")
    # A number that is dialled stands in the call, never in the audit's words; a note in the handover alone.
    await ask.audit({Look.PARTY: (call.id,)}, f"{order.how} {kind}{'' if kind == 'number' else f' {wanted}'}")
    work = ask.desk.want_party(call.id, order, asking=seat, by=ask.reader.name, key=key)
    return _found(await ordered(work))


async def _drop(ask: Ask) -> Done:
    key, part = order_key(ask), ask.ids["part"]
    call, _ = await _mine(ask)
    await ask.audit({Look.PARTY: (call.id,)}, f"drop {part}")
    return _done(await ordered(ask.desk.drop_party(call.id, part, by=ask.reader.name, key=key)))


async def _arrange(ask: Ask) -> Done:
    order, key = _body(ask, Arrangement), order_key(ask)
    call, seat = await _mine(ask)
    await ask.audit({Look.PARTY: (call.id,)}, order.what)
    return _done(await ordered(ask.desk.arrange(call.id, order.what, seat=seat, by=ask.reader.name, key=key)))


async def _emergency(ask: Ask) -> Party:
    """The one order that is carried out before it is audited, and although it cannot be: a life may hang on it.

    Who gave it stands in the call's own journal in any case.
    """
    order, key = _body(ask, EmergencyOrder), order_key(ask)
    call, _ = await _mine(ask)
    work = ask.desk.emergency(call.id, order.entry, by=ask.reader.name, key=key, note=order.note)
    party = _found(await ordered(work))
    try:
        await ask.audit({Look.EMERGENCY: (call.id,)}, order.entry)
    except ProblemError:
        told = "console: an emergency order could not be audited; the call's journal has it"
        _log.error(told, extra={"call": call.id})
    return party


async def _supervise(ask: Ask) -> Done:
    order, key = _body(ask, SuperviseOrder), order_key(ask)
    phone = order.seat or ask.reader.seat
    if phone is None:
        raise ProblemError("no-phone", "body:seat")
    call = await _live(ask)
    await ask.audit({Look.SUPERVISE: (call.id,)}, f"{order.mode} {phone}")
    return _done(await ordered(ask.desk.supervise(call.id, order.mode, phone, by=ask.reader.name, key=key)))


async def _directory(ask: Ask) -> Directory:
    return await ask.desk.directory()


_COMMON = ("no-such-call", "too-late", "bad-key", "key-used", "bad-order")
_LINE = ("no-entry", "entry-disabled", "entry-closed")

PARTIES_API: tuple[Route, ...] = (
    Route("POST", "/api/v1/calls/{id}/parties", "Bring somebody into a talk, consult in private, or transfer: a seat, "
          "a skill, a centre, an entry of the directory or a number", "parties", _OWN_CALL, _want, Party,
          body=PartyOrder, request_headers=_KEYED,
          problems=(*_COMMON, *_LINE, "not-your-call", "not-talking", "no-caller", "full", "number-not-allowed",
                    "no-such-seat", "no-such-centre", "seat-busy", "nobody-has-skill")),
    Route("DELETE", "/api/v1/calls/{id}/parties/{part}", "Let a party go, whether it rings or talks", "parties",
          _OWN_CALL, _drop, Done, request_headers=_KEYED, problems=(*_COMMON, "not-your-call", "no-party")),
    Route("POST", "/api/v1/calls/{id}/arrange", "Arrange who is with whom: join, swap, complete, return; hold, mute; "
          "leave", "parties", _OWN_CALL, _arrange, Done, body=Arrangement, request_headers=_KEYED,
          problems=(*_COMMON, "not-your-call", "not-talking", "no-caller", "not-in-consult", "nothing-held",
                    "not-joined")),
    Route("POST", "/api/v1/calls/{id}/emergency", "Ring an emergency line (110, 119, 120, 122) while the talk goes on",
          "parties", _OWN_CALL, _emergency, Party, body=EmergencyOrder, request_headers=_KEYED,
          problems=(*_COMMON, *_LINE, "not-your-call", "not-talking", "no-caller", "full")),
    Route("POST", "/api/v1/calls/{id}/supervise", "Listen to a talk, whisper to its seat, barge in, take over, stop",
          "parties", (Right.SUPERVISE,), _supervise, Done, body=SuperviseOrder, request_headers=_KEYED,
          problems=(*_COMMON, "not-talking", "no-caller", "no-such-seat", "seat-busy", "supervisor-busy", "not-joined",
                    "no-phone", "full")),
    Route("GET", "/api/v1/directory", "The hotline directory: who takes what, what is open and has a line", "parties",
          FLOOR, _directory, Directory),
)  # fmt: skip
