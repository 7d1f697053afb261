"""Context from one hotline to the other over real HTTP: fetched, given once, and nobody's call waits for it."""

import asyncio
import contextlib
import json
import logging
from dataclasses import dataclass, replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import calls
import console
import tickets
from calls import Call, CallState, Engine, HandoverBook, HandoverIssuer, Host, MemoryJournal, Rules, encode_uui
from calls import events as e
from calls.testing import FakeSwitch
from console.testing import FakeDesk
from routing import CentreTree, Demand, Dispatcher, Line, RoutingBook, Seat, Try
from service import handovers, shapes
from service.cases import CaseBook
from service.desk import HotlineDesk
from service.handovers import MAX_BODY, ContextFetcher, FetchError, HandoverDoor, a_session, fetch
from service.linked import Linked
from service.metrics import Metrics
from service.standby import Standby
from tests.conftest import eventually

ID, TOKEN = "5f2a", "t" * 32
UUI = encode_uui(ID, TOKEN)
CASE = {"version": 1, "case": "310000-x-7", "summary": "路灯坏了", "caller": {"number": "13800000000"}}
WHOLE = json.dumps(CASE).encode()


@dataclass
class Entry:
    id: str
    url: str


class Directory:
    def __init__(self, **urls):
        self.urls = urls

    def by_trunk(self, endpoint):
        name = endpoint.removeprefix("line-")
        return Entry(name, self.urls[name]) if name in self.urls else None


class Other:
    """Another hotline that answers as told: (status, body, headers) in turn, the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers) or [(200, WHOLE, {})]
        self.asked = []
        self.hang = asyncio.Event()

    async def serve(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "hang":
            await self.hang.wait()
            return web.Response()
        if answer == "cut":
            request.transport.abort()
            return web.Response()
        status, body, headers = answer
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **headers})


@contextlib.asynccontextmanager
async def serving(other):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", other.serve)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("/")).rstrip("/")
    finally:
        other.hang.set()
        await server.close()


@contextlib.asynccontextmanager
async def fetching(directory, timeout=2.0):
    fed = []
    fetcher = ContextFetcher(fed.extend, lambda: directory, clock=lambda: 1000.0, timeout=timeout)
    task = asyncio.create_task(fetcher.run())
    try:
        yield fetcher, fed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def arrived(call="c1", origin="line-sh", uui=UUI, case="310000-x-7"):
    return calls.Change(events=[(e.Arrived(call, "PJSIP/x", "12345", origin=origin, uui=uui, case=case), 1000.0)])


def counted(counts):
    return {name: n for name in counts.__slots__ if (n := getattr(counts, name))}


# ---------------------------------------------------------------------- fetching
async def test_the_context_is_fetched_at_the_address_of_our_directory_with_the_one_time_token():
    other = Other()
    async with serving(other) as url, fetching(Directory(sh=url + "/")) as (fetcher, fed):
        fetcher.on_change(arrived())
        await eventually(lambda: fed)
    (request,), (event,) = other.asked, fed
    assert (request.method, request.path_qs) == ("GET", f"/api/v1/handovers/{ID}")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert isinstance(event, e.ContextKnown) and event.call == "c1"
    assert (event.context["summary"], event.context["caller"]["number"]) == ("路灯坏了", "13800000000")
    assert e.Codec.decode(e.Codec.encode(event)) == event, "as the journal keeps it"
    assert counted(fetcher.counts) == {"fetched": 1}


async def test_a_call_without_context_or_of_nobody_we_know_asks_nobody():
    async with fetching(Directory(sh="", hz="http://127.0.0.1:9")) as (fetcher, fed):
        fetcher.on_change(arrived(origin=""))
        assert counted(fetcher.counts) == {}
        fetcher.on_change(arrived(uui=""))
        fetcher.on_change(arrived(uui="04c8d5;encoding=hex;purpose=isdn-uui"))
        fetcher.on_change(arrived(origin="line-nobody"))
        fetcher.on_change(arrived(origin="line-sh"))
        assert counted(fetcher.counts) == {"without": 2, "unlisted": 2}
        assert fed == []


FAILURES = [
    (404, b"", {}, "refused", 1), (401, b"", {}, "refused", 1), (204, b"", {}, "refused", 1), (410, b"", {}, "gone", 1),
    (429, b"", {}, "busy", 2), (503, b"", {}, "busy", 2),
    (302, b"", {"Location": "http://127.0.0.1:9/"}, "redirected", 1),
    (200, b"", {}, "not_valid", 1), (200, b"<html>", {}, "not_valid", 1), (200, b"[" * 60_000, {}, "not_valid", 1),
    (200, b'{"version": 1}', {}, "not_valid", 1), (200, b"\xff" * 100, {}, "not_valid", 1),
    (200, WHOLE, {"Content-Encoding": "gzip"}, "not_valid", 1), (200, WHOLE + b" " * MAX_BODY, {}, "too_large", 1),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "headers", "kind", "asked"), FAILURES)
async def test_a_bad_answer_is_counted_by_its_kind_and_told_without_a_word_of_it(
    status, body, headers, kind, asked, caplog, monkeypatch
):
    monkeypatch.setattr(handovers, "AGAIN", 0.0)
    other = Other((status, body, headers))
    async with serving(other) as url, fetching(Directory(sh=url)) as (fetcher, fed):
        with caplog.at_level(logging.DEBUG, "service"):
            fetcher.on_change(arrived())
            await eventually(lambda: getattr(fetcher.counts, kind))
    assert (fed, len(other.asked)) == ([], asked)
    assert fetcher.counts.retried == asked - 1
    assert TOKEN not in caplog.text and "1380000" not in caplog.text


@pytest.mark.parametrize("first", ["hang", "cut", (503, b"", {}), (429, b"", {})])
async def test_one_second_try_helps(first, monkeypatch):
    monkeypatch.setattr(handovers, "AGAIN", 0.0)
    other = Other(first, (200, WHOLE, {}))
    async with serving(other) as url, fetching(Directory(sh=url), timeout=0.5) as (fetcher, fed):
        fetcher.on_change(arrived())
        await eventually(lambda: fed)
    retried = {} if first == "cut" else {"retried": 1}  # the client itself asks again on a cut connection
    assert len(other.asked) == 2 and counted(fetcher.counts) == {"fetched": 1, **retried}


async def test_a_silent_hotline_does_not_hold_up_the_others(monkeypatch):
    monkeypatch.setattr(handovers, "AGAIN", 0.0)
    silent, good = Other("hang"), Other()
    async with serving(silent) as a, serving(good) as b, fetching(Directory(a=a, b=b), 0.5) as (fetcher, fed):
        for n in range(4):
            fetcher.on_change(arrived(f"a{n}", "line-a"))
        fetcher.on_change(arrived("b", "line-b"))
        await eventually(lambda: fetcher.counts.timeout == 4)
        assert [event.call for event in fed] == ["b"]


async def test_an_address_without_tls_or_without_anybody_is_a_failure_of_its_own_kind():
    other = Other()
    async with serving(other) as url, a_session(1.0) as session:
        for base, kind in ((url.replace("http:", "https:"), "tls"), ("http://127.0.0.1:9", "unreachable"),
                           ("http://nowhere.invalid", "unreachable"), ("ftp://x", "unreachable")):  # fmt: skip
            with pytest.raises(FetchError, match=kind):
                await fetch(session, base, ID, TOKEN)
    assert other.asked == []


async def test_too_many_at_once_come_without_context_instead_of_filling_the_memory():
    fetcher = ContextFetcher(lambda events: None, lambda: Directory(sh="http://127.0.0.1:9"))
    for n in range(handovers.WAITING + 5):
        fetcher.on_change(arrived(f"c{n}"))
    assert fetcher.counts.dropped == 5


def a_call(call_id="c1", **more):
    made = Call(
        id=call_id, state=CallState.TALKING, channel="PJSIP/x", dialled="12345", caller_number="057112345",
        caller_name="", flow="", arrived_at=950.0,
    )  # fmt: skip
    return replace(made, **more)


async def test_a_process_that_takes_over_asks_for_what_the_last_one_did_not_get():
    other = Other()
    async with serving(other) as url, fetching(Directory(sh=url)) as (fetcher, fed):
        came = {"origin": "line-sh", "uui": UUI}
        fetcher.resume([
            a_call("new", **came), a_call("known", **came, context=CASE), a_call("old", **came, arrived_at=1.0),
            a_call("over", **came, state=CallState.WRAP_UP), a_call("plain"),
        ])  # fmt: skip
        await eventually(lambda: fed)
        assert [event.call for event in fed] == ["new"] and counted(fetcher.counts) == {"fetched": 1}


# ---------------------------------------------------------------------- giving
class NoFlows:
    def flow_of(self, reference):
        return None


def counting(prefix):
    numbers = iter(range(10**6))
    return lambda: f"{prefix}{next(numbers):024d}"


class Hotline:
    """An engine with its journal, and a door for others."""

    def __init__(self, body_of=lambda call, note: {**CASE, "call": {"id": call.id}}, rows=()):
        self.now = 1000.0
        self.journal = MemoryJournal()
        seats = {"8001": Seat("8001", "甲", "330000", {"putonghua": 5})}
        book = RoutingBook(CentreTree.of([]), "330000", seats, default_skills=(("putonghua", 1),))
        dispatcher = Dispatcher(seats.values())
        host = Host(dispatcher, book)
        self.engine = Engine(
            switch=FakeSwitch(), journal=self.journal, dispatcher=dispatcher, rules=Rules(NoFlows(), Demand()),
            entries={}, raw_path=str, clock=lambda: self.now, host=host,
        )  # fmt: skip
        self.issuer = HandoverIssuer(HandoverBook(counting("h"), counting("token"), rows), body_of, lambda: "330100")
        host.outside.handovers = self.issuer
        self.door = HandoverDoor(self.engine, self.issuer, clock=lambda: self.now)
        self.engine.observe(self.door.on_change)
        self.audited = []

    async def audit(self, call, to):
        self.audited.append((call, to))

    def issue(self):
        line = Line("sh", "上海", (Try("line-sh", "12345", protocol="uui"),))
        headers = self.issuer.issue(a_call("c9"), line, "8001", self.now)
        return calls.decode_uui(headers["User-to-User"])

    async def redeem(self, handover_id, token):
        return await self.door.redeem(handover_id, token, self.audit)

    @property
    def rows(self):
        return self.journal.tables.get("handovers", {})


@pytest.fixture
async def hotline():
    made = Hotline()
    made.engine.start()
    yield made
    made.journal.failing = False
    await made.engine.stop()


async def refused(hotline, handover_id, token):
    with pytest.raises(console.RefusedError) as refusal:
        await hotline.redeem(handover_id, token)
    return refusal.value.code


async def test_a_handover_is_given_once_and_only_when_the_journal_has_it_as_used(hotline):
    handover_id, token = hotline.issue()
    body = await hotline.redeem(handover_id, token)
    assert (body.summary, body.call.id) == ("路灯坏了", "c9")
    assert hotline.rows[handover_id]["used_at"] == 1000.0 and hotline.rows[handover_id]["body"] is None
    assert hotline.audited == [("c9", "sh")]
    assert await refused(hotline, handover_id, token) == "handover-gone"
    assert await refused(hotline, handover_id, "x" * 32) == "no-handover"
    assert await refused(hotline, "none", token) == "no-handover"
    assert len(hotline.audited) == 1
    assert counted(hotline.door.counts) == {"given": 1, "too_late": 1, "denied": 2}


async def test_of_many_who_ask_at_once_one_is_answered(hotline):
    handover_id, token = hotline.issue()
    asked = [hotline.redeem(handover_id, token) for _ in range(8)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(x, console.Handover) for x in answers) == 1
    assert all(isinstance(x, console.Handover) or x.code == "handover-gone" for x in answers)


async def test_what_the_audit_refuses_stays_good(hotline):
    handover_id, token = hotline.issue()

    async def broken(call, to):
        raise console.UnavailableError("store")

    with pytest.raises(console.UnavailableError):
        await hotline.door.redeem(handover_id, token, broken)
    assert (await hotline.redeem(handover_id, token)).summary == "路灯坏了"


async def test_while_the_journal_is_silent_nothing_is_shown_and_nothing_lost(hotline, monkeypatch):
    monkeypatch.setattr(handovers, "WRITE_LIMIT", 0.1)
    handover_id, token = hotline.issue()
    hotline.engine.feed([])
    await eventually(lambda: handover_id in hotline.rows)
    hotline.journal.failing = True
    for _ in range(2):
        with pytest.raises(console.UnavailableError):
            await hotline.redeem(handover_id, token)
    hotline.journal.failing = False
    await eventually(lambda: hotline.engine.journal_ok)
    assert (await hotline.redeem(handover_id, token)).summary == "路灯坏了"
    assert await refused(hotline, handover_id, token) == "handover-gone"


async def test_after_a_takeover_a_used_one_stays_used_and_a_waiting_one_is_given(hotline):
    used, waiting = hotline.issue(), hotline.issue()
    await hotline.redeem(*used)
    after = Hotline(rows=hotline.rows.values())
    after.engine.start()
    assert await refused(after, *used) == "handover-gone"
    assert (await after.redeem(*waiting)).summary == "路灯坏了"
    await after.engine.stop()


async def test_a_process_that_was_replaced_gives_nothing(hotline, monkeypatch):
    monkeypatch.setattr(handovers, "WRITE_LIMIT", 0.1)
    first, second = hotline.issue(), hotline.issue()
    hotline.journal.fenced = True
    for handover in (first, second):
        with pytest.raises(console.UnavailableError):
            await hotline.redeem(*handover)
    assert hotline.engine.halted and hotline.rows == {}


async def test_expired_ones_are_emptied_in_the_journal_too(hotline, monkeypatch):
    monkeypatch.setattr(handovers, "TIDY_EVERY", 0.01)
    handover_id, token = hotline.issue()
    hotline.engine.feed([])
    await eventually(lambda: handover_id in hotline.rows)
    hotline.now += 600
    task = asyncio.create_task(hotline.door.run())
    await eventually(lambda: hotline.rows[handover_id]["body"] is None)
    assert await refused(hotline, handover_id, token) == "handover-gone"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_from_one_hotline_to_the_other_through_both_ends(hotline, tmp_path):
    """The INVITE's headers on one side, the seat's screen on the other, and the real console in between."""
    desk = FakeDesk()
    desk.handover = hotline.door.redeem
    app = console.build_app(desk, console.TokenBook(b"x" * 32))
    server = TestServer(app)
    await server.start_server()
    line = Line("sh", "上海", (Try("line-sh", "12345", protocol="uui"),))
    headers = hotline.issuer.issue(a_call("c9", case="310000-x-7"), line, "8001", 1000.0)
    async with fetching(Directory(hz=str(server.make_url("/")))) as (fetcher, fed):
        for call in ("first", "replayed"):
            fetcher.on_change(arrived(call, "line-hz", headers["User-to-User"], headers["X-Hotline-Case"]))
            await eventually(lambda: fetcher.counts.fetched)
        await eventually(lambda: fetcher.counts.gone)
    (event,) = fed
    assert event.call == "first" and event.context["summary"] == "路灯坏了"
    assert [(x.role, x.who, x.calls) for x in desk.audited] == [("handover", "127.0.0.1", ("c9",))]
    await server.close()


# ---------------------------------------------------------------------- what is told and what is known
HERE = console.HandoverHotline(name="杭州", centre="330100")


def a_book(store=None, live=()):
    return CaseBook(store, lambda: {c.id: c for c in live}, lambda: "330100", lambda: HERE, lambda: 1234.0)


def test_a_plain_call_tells_what_the_telephone_knows():
    body = a_book().body_of(a_call(demand=Demand(centre="330106", language="en"), called_back="key"))
    assert body["case"] == "330100-c1" and body["hotline"] == {"name": "杭州", "centre": "330100"}
    assert (body["caller"]["number"], body["call"]["id"], body["call"]["arrived_at"]) == ("057112345", "c1", 950.0)
    assert (body["region"]["code"], body["language"], body["callback"]["wanted"]) == ("330106", "en", True)
    assert (body["summary"], body["issued_at"], body["version"]) == ("", 1234.0, 1)
    assert calls.decode_uui(HandoverIssuer(
        HandoverBook(counting("h"), counting("token")), a_book().body_of, lambda: "330100"
    ).issue(a_call(), Line("sh", "", (Try("t", "1", protocol="uui"),)), "8001", 1.0)["User-to-User"])  # fmt: skip


def test_a_call_that_goes_on_tells_on_what_it_was_told():
    context = {**CASE, "region": {"name": "浦东新区"}, "kind": "complaint", "urgent": True, "earlier": [{"case": "b"}]}
    body = a_book().body_of(a_call(case="310000-x-7", context=context))
    assert (body["case"], body["summary"], body["kind"]) == ("310000-x-7", "路灯坏了", "complaint") and body["urgent"]
    assert (body["caller"]["number"], body["region"]["name"]) == ("13800000000", "浦东新区")
    assert body["earlier"] == [{"case": "b", "at": None, "title": ""}]
    assert a_book().body_of(a_call(context={"case": 5}))["summary"] == "", "what is no handover is nothing"


def ticket(call_id, **draft):
    made = tickets.Draft(content="人民路路灯坏了。", title="路灯", kind=tickets.Kind.HELP, **draft)
    return tickets.Ticket("1" * 18, call_id, tickets.TicketStatus.DRAFT, made, False, 1, 1.0, 1.0)


def test_a_draft_leads_and_the_story_is_told_in_its_order():
    call = a_call(context=CASE, caller_name="王")
    book = a_book(live=[call])
    draft = {"region": "330106", "region_name": "西湖区", "address": "人民路", "phone": "139", "emergency": "119",
             "repeats": (tickets.Repeat("2" * 18, 0.9, "draft"),)}  # fmt: skip
    book.note(ticket("c1", **draft))
    body = book.body_of(call)
    assert body["summary"] == "路灯坏了\n人民路路灯坏了。" and (body["kind"], body["title"]) == ("help", "路灯")
    assert body["region"] == {"code": "330106", "name": "西湖区", "address": "人民路"}
    assert (body["callback"]["number"], body["emergency"], body["caller"]["name"]) == ("139", "119", "王")
    assert body["earlier"][0]["case"] == "2" * 18
    book.note(ticket("c1", secret=True))
    assert book.body_of(call)["caller"] == {"number": "13800000000", "name": ""}, "要求保密"
    book.on_change(calls.Change(calls=[replace(call, state=CallState.ENDED)]))
    assert book.body_of(call)["title"] == ""


def test_what_the_seat_says_is_told_instead_of_the_draft_and_after_what_was_told_before():
    call = a_call(context=CASE)
    book = a_book(live=[call])
    book.note(ticket("c1"))
    body = book.body_of(call, "灯杆已倒，有电线外露")
    assert body["summary"] == "路灯坏了\n灯杆已倒，有电线外露" and body["title"] == "路灯"
    assert book.body_of(call, "路灯坏了")["summary"] == "路灯坏了", "what says the same is said once"
    assert book.body_of(a_call(), "灯杆已倒")["summary"] == "灯杆已倒", "a first call, of which there is no draft yet"


@pytest.mark.parametrize("size", [1, 499, 500])
def test_a_long_story_of_before_does_not_push_out_what_the_seat_says_now(size):
    call = a_call(context={**CASE, "summary": "前" * console.SUMMARY})
    told = a_book().body_of(call, "今" * size)["summary"]
    assert told.startswith("前") and told.endswith("\n" + "今" * size) and len(told) == console.SUMMARY
    assert len(a_book().body_of(call)["summary"]) == console.SUMMARY


def test_a_draft_of_a_call_that_is_over_is_not_kept():
    book = a_book()
    book.note(ticket("c1"))
    assert book.body_of(a_call())["title"] == ""


@pytest.fixture
async def store(tmp_path):
    made = tickets.Store(f"sqlite:///{tmp_path}/s.db")
    await made.migrate()
    yield made
    await made.close()


async def put(store, call_id, at, case=None, words=""):
    await store.put_call(tickets.CallRecord(call_id, at, at, state="ended", outcome="served", case_id=case))
    if words:
        await store.put_draft(call_id, tickets.Draft(title=words, content=words, made_at=at))


async def test_a_call_that_comes_back_opens_the_case_it_began(store):
    await put(store, "c1", 100.0, words="路灯坏了")
    await put(store, "c2", 200.0, case="330100-c1", words="还没修")
    await put(store, "c3", 300.0, case="310000-c1")
    await put(store, "c4", 400.0)
    await put(store, "c9", 900.0, case="330100-c1")
    back = a_call("c9", arrived_at=900.0, case="330100-c1")
    beside = a_call("c8", arrived_at=800.0, case="330100-c1")
    book = a_book(store, [back, beside, a_call("c7")])
    found = await book.earlier_of_case("330100-c1", but="c9")
    assert [(x.id, x.title) for x in found] == [("c8", None), ("c2", "还没修"), ("c1", "路灯坏了")]
    assert [x.id for x in await book.earlier_of_case("330100-c1", but="c9", limit=2)] == ["c8", "c2"]
    assert [x.id for x in await book.earlier_of_case("310000-c1")] == ["c3"]
    assert [x.id for x in await book.earlier_of_case("330100-c7")] == ["c7"]
    for case in ("", "a b", "330100-", "330100-none", "\x00"):
        assert await book.earlier_of_case(case) == [], case


def test_the_book_of_calls_keeps_the_case_a_call_came_with():
    came, own = (shapes.record(calls.call_json(a_call(case=case)), "330100", 1.0) for case in ("310000-x-7", ""))
    assert (came.case_id, own.case_id) == ("310000-x-7", None)
    assert (shapes.old_call(came).case, shapes.old_call(own).case) == ("310000-x-7", None)


async def test_the_next_hotline_is_told_what_the_first_visit_left_in_the_books(store):
    await put(store, "c1", 100.0, words="路灯坏了")
    back = a_call("c9", case="330100-c1")
    book = a_book(store, [back])
    task = asyncio.create_task(book.run())
    book.on_change(arrived("c9", case="330100-c1"))
    await eventually(lambda: book.looked_up)
    assert book.body_of(back)["summary"] == "路灯坏了"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_silent_store_leaves_the_call_with_what_it_brought(tmp_path):
    silent = tickets.Store(f"sqlite:///{tmp_path}")  # a directory: no database
    back = a_call("c9", case="330100-c1", context=CASE)
    book = a_book(silent, [back])
    task = asyncio.create_task(book.run())
    for n in (1, 2):
        book.on_change(arrived("c9", case="330100-c1"))
        await eventually(lambda n=n: book.looked_up == n)
    assert book.body_of(back)["summary"] == "路灯坏了" and not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await silent.close()


# ---------------------------------------------------------------------- both hotlines whole
async def nothing(*_):
    return None


async def no_parts():
    return []


@contextlib.asynccontextmanager
async def a_hotline(store, directory, centre):
    """An engine with all that belongs to it, the real console, and its address through a process that stands by."""
    made = Hotline()
    linked = Linked(
        made.engine, store, lambda: directory, lambda: console.HandoverHotline(centre=centre), lambda: made.now
    )
    desk = HotlineDesk(
        engine=made.engine, store=store, transcript=nothing, audio=nothing, manifest=nothing, health=no_parts,
        metrics=lambda: "", case=linked.case_of, linked=linked,
    )  # fmt: skip
    active = TestServer(console.build_app(desk, console.TokenBook(b"x" * 32)))
    await active.start_server()
    holder = calls.Holder("1", str(active.make_url("/")), 1, {})
    standby = TestServer(Standby("2", lambda: holder, no_parts).build_app())
    await standby.start_server()
    made.engine.start()
    task = asyncio.create_task(linked.run())
    try:
        yield made.engine, linked, desk, str(standby.make_url("/"))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await made.engine.stop()
        await standby.close()
        await active.close()


def comes(call, headers=None, origin="", **more):
    got = headers or {}
    return e.Arrived(
        call, f"PJSIP/{call}", "12345", origin=origin, case=got.get("X-Hotline-Case", ""),
        uui=got.get("User-to-User", ""), **more,
    )  # fmt: skip


async def test_a_call_goes_to_the_other_hotline_with_its_case_and_comes_back_with_it(store, tmp_path):
    other_store = tickets.Store(f"sqlite:///{tmp_path}/other.db")
    await other_store.migrate()
    here, there = Directory(), Directory()
    async with a_hotline(store, here, "330100") as (a, a_linked, desk, a_url):
        async with a_hotline(other_store, there, "310000") as (b, b_linked, _, b_url):
            here.urls["there"], there.urls["here"] = b_url, a_url
            line = Line("x", "", (Try("line-x", "1", protocol="uui"),))
            a.feed([comes("a1", number="13800000000")])
            await eventually(lambda: "a1" in a.calls)
            sent = a_linked.issuer.issue(a.calls["a1"], line, "8001", a._clock(), "灯杆已倒")
            b.feed([comes("b1", sent, "line-here")])
            await eventually(lambda: b.calls["b1"].context if "b1" in b.calls else None)
            assert (b.calls["b1"].case, b.calls["b1"].context["caller"]["number"]) == ("330100-a1", "13800000000")
            assert b.calls["b1"].context["hotline"]["centre"] == "330100"
            assert b.calls["b1"].context["summary"] == "灯杆已倒", "what the seat said is on the other one's screen"

            back = b_linked.issuer.issue(b.calls["b1"], line, "8001", b._clock())
            a.feed([comes("a2", back, "line-there")])
            await eventually(lambda: a.calls["a2"].context if "a2" in a.calls else None)
            assert (a.calls["a2"].case, a.calls["a2"].context["caller"]["number"]) == ("330100-a1", "13800000000")
            assert [x.id for x in await a_linked.earlier_of(a.calls["a2"])] == ["a1"]
            offered = replace(a.calls["a2"], offer=calls.Offer("o", "8001", "leg", 9999.0))
            assert [x.id for x in await desk._earlier_of(offered)] == ["a1"], "on the seat's screen, without a number"
            shown = await desk.call("a2")
            assert shown.case == "330100-a1" and shown.context.caller.number == "13800000000"
            assert a_linked.counts.given == a_linked.counts.fetched == b_linked.counts.given == 1
        looks = (await store.audits()).items
        assert [(x.role, x.what, x.object_id) for x in looks] == [("handover", "handover", "a1")]
    await other_store.close()


async def test_what_is_counted_can_be_told(hotline):
    metrics = Metrics(hotline.engine)
    for counts in (hotline.door.counts, hotline.issuer.counts):
        metrics.count_from("hotline_handovers", "Cases", counts)
    await hotline.redeem(*hotline.issue())
    text = metrics.text()
    assert "hotline_handovers_issued_total 1.0" in text and "hotline_handovers_given_total 1.0" in text
