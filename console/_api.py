"""The handlers and the table of routes: the only place where the API's paths are written."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from ._api_floor import FLOOR_API
from ._api_handovers import HANDOVERS_API
from ._api_parties import PARTIES_API
from ._api_restrictions import RESTRICTIONS_API
from ._api_steering import STEERING_API
from ._audio import send_audio
from ._captions import caption
from ._messages import Hello
from ._ports import Look, UnknownCursorError
from ._problems import ProblemError
from ._queries import CallsQuery, EventsQuery, PageQuery
from ._roles import Right
from ._routes import Ask, Route, by_call
from ._schema import Alive, Call, CallPage, Draft, DraftPage, Probe, Ready
from ._socket import hello_once, stream
from ._view import owns_call, owns_draft, see_call, see_draft, see_summary

# --- Handlers --------------------------------------------------------------------------------------------


def _query(ask: Ask) -> Any:
    return ask.query


async def _calls(ask: Ask) -> CallPage:
    query: CallsQuery = _query(ask)
    try:
        page = await ask.desk.calls(live=query.live, limit=query.limit, cursor=query.cursor)
    except UnknownCursorError:
        raise ProblemError("unknown-cursor", "query:cursor") from None
    seen = [see_summary(ask.reader, call) for call in page.items]
    await ask.audit(by_call((looks, call.id) for call, looks in seen))
    return CallPage(items=[call for call, _ in seen], next=page.next)


async def _call(ask: Ask) -> Call:
    whole = await ask.desk.call(ask.ids["id"])
    if whole is None:
        raise ProblemError("no-such-call")
    shown, looks = see_call(ask.reader, whole)
    await ask.audit(by_call([(looks, shown.id)]))
    return shown


async def _tickets(ask: Ask) -> DraftPage:
    query: PageQuery = _query(ask)
    own = None if ask.reader.may(Right.WORDS) else ask.reader.seat
    try:
        page = await ask.desk.tickets(seat=own, limit=query.limit, cursor=query.cursor)
    except UnknownCursorError:
        raise ProblemError("unknown-cursor", "query:cursor") from None
    seen = [see_draft(ask.reader, draft) for draft in page.items]
    await ask.audit(by_call((looks, draft.call or draft.id) for draft, looks in seen if draft is not None))
    return DraftPage(items=[draft for draft, _ in seen if draft is not None], next=page.next)


async def _ticket(ask: Ask) -> Draft:
    whole = await ask.desk.ticket(ask.ids["id"])
    # A seat is not told whether a draft that is not its own exists.
    if whole is None or not (ask.reader.may(Right.WORDS) or owns_draft(ask.reader, whole)):
        raise ProblemError("no-such-ticket")
    shown, looks = see_draft(ask.reader, whole)
    if shown is None:
        raise ProblemError("no-such-ticket")
    await ask.audit(by_call([(looks, shown.call or shown.id)]))
    return shown


async def _audio(ask: Ask) -> web.StreamResponse:
    call_id = ask.ids["id"]
    if not ask.reader.may(Right.RECORDINGS):
        call = await ask.desk.call(call_id)
        if call is None or not owns_call(ask.reader, call):
            raise ProblemError("no-recording")
    path = await ask.desk.recording(call_id)
    if path is None:
        raise ProblemError("no-recording")
    await ask.audit({Look.RECORDING: (call_id,)})
    return await send_audio(ask.http, path)


async def _events(ask: Ask) -> Hello | web.StreamResponse:
    query: EventsQuery = _query(ask)
    if ask.http.headers.get("Upgrade", "").lower() == "websocket":
        return await stream(ask, query.since)
    return await hello_once(ask)


async def _metrics(ask: Ask) -> web.Response:
    text = await ask.desk.metrics()
    # Set whole: aiohttp's content_type argument would lose the format's version.
    return web.Response(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def _alive(ask: Ask) -> Alive:
    return Alive()


async def _ready(ask: Ask) -> web.Response:
    parts: list[Probe]
    try:
        async with asyncio.timeout(ask.settings.health_limit):
            parts = list(await ask.desk.health())
    except TimeoutError:
        parts = [Probe(part="health", ok=False, reason="timeout")]
    except Exception:
        parts = [Probe(part="health", ok=False, reason="failed")]
    told = [
        part if part.ok or part.message else part.model_copy(update={"message": caption(f"health.{part.reason}")})
        for part in parts
    ]
    ready = all(part.ok or not part.needed for part in told)
    return web.json_response(text=Ready(ready=ready, parts=told).model_dump_json(), status=200 if ready else 503)


FLOOR = (Right.FLOOR,)

API: tuple[Route, ...] = (
    Route("GET", "/api/v1/calls", "Calls, newest first", "calls", FLOOR, _calls, CallPage,
          query=CallsQuery, problems=("unknown-cursor",)),
    Route("GET", "/api/v1/calls/{id}", "One call whole: legs, timeline, transcript, recording, draft",
          "calls", FLOOR, _call, Call, problems=("no-such-call",)),
    *FLOOR_API,
    *PARTIES_API,
    *STEERING_API,
    *RESTRICTIONS_API,
    Route("GET", "/api/v1/tickets", "Drafts and tickets, newest first; a seat gets its own", "tickets",
          (Right.WORDS, Right.OWN_CALL), _tickets, DraftPage, query=PageQuery, problems=("unknown-cursor",)),
    Route("GET", "/api/v1/tickets/{id}", "One draft or ticket", "tickets", (Right.WORDS, Right.OWN_CALL),
          _ticket, Draft, problems=("no-such-ticket",)),
    *HANDOVERS_API,
    Route("GET", "/api/v1/recordings/{id}/audio", "The sound of a call, by its id: left caller, right seat",
          "recordings", (Right.RECORDINGS, Right.OWN_CALL), _audio, "audio/flac",
          problems=("no-recording", "bad-range"), others={206: ("the part asked for", "audio/flac")},
          request_headers={"Range": "one byte range, e.g. `bytes=0-65535`"}),
    Route("GET", "/api/v1/events", "Live events over a WebSocket; without one, its hello message once",
          "events", FLOOR, _events, Hello, query=EventsQuery, problems=("too-many-streams",),
          others={101: ("the stream: hello, call, seat, waiting, callback, mode, draft, health, beat, bye", None)}),
    Route("GET", "/metrics", "Prometheus metrics", "health", (Right.METRICS,), _metrics, "text/plain"),
    Route("GET", "/healthz", "The process answers", "health", (), _alive, Alive),
    Route("GET", "/readyz", "The truth about every part", "health", (), _ready, Ready,
          others={503: ("a needed part does not work", Ready)}),
)  # fmt: skip
"""Every route that answers with data. The application adds /api/openapi.json, which is made from this table."""
