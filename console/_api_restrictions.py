"""Routes of the restriction list and of the evidence bundle (Art. 11, 18).

Lists and answers to orders show numbers masked to everybody; one entry opened shows it to those who may see numbers,
and that look is audited, as is every order.
"""

from __future__ import annotations

import hashlib
import logging

from aiohttp import web

from ._api_floor import ordered
from ._ports import Look, UnknownCursorError
from ._problems import ProblemError
from ._queries import RestrictionsQuery
from ._roles import Principal, Right
from ._routes import Ask, Route
from ._schema_restrictions import BundleOrder, Restriction, RestrictionAct, RestrictionOrder, RestrictionPage
from ._view import mask_digits, mask_number

_log = logging.getLogger("console")
SEE = (Right.RESTRICTIONS,)
DO = (Right.RESTRICT,)


def masked(reader: Principal, entry: Restriction) -> Restriction:
    """An entry without its number, in people's notes too."""
    number = entry.number
    marks = [
        mark.model_copy(update={"note": mask_digits(mark.note, number) if mark.note else mark.note})
        for mark in entry.marks
    ]
    return entry.model_copy(
        update={
            "number": mask_number(number), "masked": True, "note": mask_digits(entry.note, number), "marks": marks,
            "own": entry.proposed_by == reader.name,
        }
    )  # fmt: skip


async def _list(ask: Ask) -> RestrictionPage:
    query = ask.query
    if not isinstance(query, RestrictionsQuery):
        raise ProblemError("bad-query")
    wanted = None if query.state is None else query.state == "open"
    try:
        page = await ask.desk.restrictions(open_only=wanted, limit=query.limit, cursor=query.cursor)
    except UnknownCursorError:
        raise ProblemError("unknown-cursor", "query:cursor") from None
    return page.model_copy(update={"items": [masked(ask.reader, entry) for entry in page.items]})


async def _one(ask: Ask) -> Restriction:
    entry, reader = await ask.desk.restriction(ask.ids["id"]), ask.reader
    if entry is None:
        raise ProblemError("no-such-restriction")
    if not reader.may(Right.NUMBERS):
        await ask.audit({Look.RESTRICTION: (entry.id,)}, "seen")
        return masked(reader, entry)
    await ask.audit({Look.RESTRICTION: (entry.id,), Look.NUMBER: (entry.id,)}, "seen")
    return entry.model_copy(update={"own": entry.proposed_by == reader.name})


async def _propose(ask: Ask) -> Restriction:
    order = ask.body
    if not isinstance(order, RestrictionOrder):
        raise ProblemError("bad-body")
    number, calls = order.number, order.calls
    if order.call is not None:
        call = await ask.desk.call(order.call)
        if call is None:
            raise ProblemError("no-such-call", "body:call")
        number, calls = call.caller.number or "", [call.id, *calls]
    # The number stands in the entry, never in the audit's words.
    await ask.audit({Look.RESTRICTION: (order.call,) if order.call else ()}, f"proposes {order.reason}")
    who = ask.reader
    entry = await ordered(ask.desk.restrict(order, number or "", calls, by=who.name, role=who.role.value))
    await ask.audit({Look.RESTRICTION: (entry.id,)}, f"proposed {order.reason} {entry.days:g} d {order.variant}")
    return masked(who, entry)


async def _act(ask: Ask) -> Restriction:
    order, entry_id, who = ask.body, ask.ids["id"], ask.reader
    if not isinstance(order, RestrictionAct):
        raise ProblemError("bad-body")
    await ask.audit({Look.RESTRICTION: (entry_id,)}, order.what)
    done = ask.desk.restriction_act(entry_id, order.what, order.note, by=who.name, role=who.role.value)
    entry = await ordered(done)
    if entry is None:
        raise ProblemError("no-such-restriction")
    return masked(who, entry)


async def _bundle(ask: Ask) -> web.StreamResponse:
    order, entry_id, who = ask.body, ask.ids["id"], ask.reader
    if not isinstance(order, BundleOrder):
        raise ProblemError("bad-body")
    entry = await ask.desk.restriction(entry_id)
    if entry is None:
        raise ProblemError("no-such-restriction")
    calls = list(dict.fromkeys(order.calls if order.calls is not None else [*entry.calls, *entry.turned[-20:]]))
    await ask.audit({Look.EVIDENCE: (entry_id, *calls), Look.NUMBER: (entry_id,)}, "bundle begun")
    chunks = await ordered(ask.desk.bundle(entry_id, calls, by=who.name, role=who.role.value))
    if chunks is None:
        raise ProblemError("no-such-restriction")
    response = web.StreamResponse()
    response.content_type = "application/zip"
    response.headers["Content-Disposition"] = f'attachment; filename="hotline-evidence-{entry_id}.zip"'
    await response.prepare(ask.http)
    digest, size = hashlib.sha256(), 0
    try:
        async for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            await response.write(chunk)
        await ask.audit({Look.EVIDENCE: (entry_id,)}, f"bundle made, {size} bytes, sha256 {digest.hexdigest()}")
    except Exception as error:
        # The answer has begun: only a broken connection tells the reader that the file is not whole.
        _log.error("console: a bundle broke off: %s", type(error).__name__)
        if ask.http.transport is not None:
            ask.http.transport.abort()
        raise ConnectionResetError("the bundle broke off") from None
    await response.write_eof()
    return response


_ORDERS = ("restriction-over", "second-person", "note-missing")

RESTRICTIONS_API: tuple[Route, ...] = (
    Route("GET", "/api/v1/restrictions", "The restriction list, newest first", "restrictions", SEE, _list,
          RestrictionPage, query=RestrictionsQuery, problems=("unknown-cursor",)),
    Route("POST", "/api/v1/restrictions", "Propose to restrict a caller; a second person must confirm it",
          "restrictions", DO, _propose, Restriction, body=RestrictionOrder,
          problems=("no-such-call", "number-withheld", "not-restrictable", "already-proposed", "too-long",
                    "restrictions-full", "not-its-call")),
    Route("GET", "/api/v1/restrictions/{id}", "One entry with its history and the number's calls", "restrictions",
          SEE, _one, Restriction, problems=("no-such-restriction",)),
    Route("POST", "/api/v1/restrictions/{id}/act", "Confirm, reject, keep, lift, or note an appeal", "restrictions",
          DO, _act, Restriction, body=RestrictionAct,
          problems=("no-such-restriction", "not-proposed", "not-in-force", "history-full", *_ORDERS)),
    Route("POST", "/api/v1/restrictions/{id}/bundle", "The evidence for the police, as a .zip: recordings, words, "
          "the calls' records, the audit trail, and the hash of each file", "restrictions", DO, _bundle,
          "application/zip", body=BundleOrder,
          problems=("no-such-restriction", "not-its-call", "history-full")),
)  # fmt: skip
