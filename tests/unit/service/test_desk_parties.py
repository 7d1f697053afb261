"""The desk over the real engine and a switch in memory: orders to calls with several parties, what is told of them."""

import asyncio
import contextlib
import dataclasses
import pathlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calls
import console
import recordings
import routing
from calls import Engine, Host, MemoryJournal, Rules
from calls import events as e
from calls.testing import FakeSwitch
from console._view import see_summary
from routing import (
    Centre,
    CentreTree,
    Demand,
    Dialable,
    Directory,
    Dispatcher,
    Entry,
    Line,
    Matter,
    Policy,
    RoutingBook,
    Seat,
    SeatState,
    Skill,
    Trunk,
    Try,
)
from service import shapes, shapes_parties
from service.desk import HotlineDesk

TREE = CentreTree.of([Centre("330302", "鹿城区", parent="330300"), Centre("330300", "温州市")])
BOOK = Directory(
    entries=(
        Entry("12348", "法律援助", "Legal aid", "social", ("12348",), ("social",)),
        Entry("110", "公安报警", "Police", "emergency", ("110",), ("police", "police-2"), fallback="119",
              takes=(Matter("走失", "Missing"),), refers=(Matter("噪声", to="12345"),)),
        Entry("119", "消防", "Fire", "emergency", ("119",), ("police",)),
        Entry("122", "交警", "Traffic", "emergency", ("122",)),
        Entry("shanghai", "上海12345", "Shanghai 12345", "hotline", ("02112345",), ("linked",), protocol="uui"),
    ),
    trunks={n: Trunk(n, "127.0.0.1:5060") for n in ("police", "police-2", "social", "linked")},
    emergency_digits={"9": "110"},
    dialable=(Dialable("1XXXXXXXXXX", ("social",)),),
)  # fmt: skip
AUDITOR = console.Principal(console.Role.AUDITOR, "an auditor", None, 0.0, 1.0)
CALLER, DIALLED = "13811110000", "13912345678"


class NoFlows:
    def flow_of(self, reference):
        return None


class NoStore:
    async def calls(self, *_, **__):
        import tickets

        raise tickets.StoreUnavailable("none")

    tickets = ticket_of_call = call = calls


async def nothing(*_):
    return None


async def no_parts():
    return []


class Rig:
    def __init__(self):
        self.now = 1_795_564_800.0
        self.switch = FakeSwitch()
        seats = [
            Seat("8001", "甲", "330302", {"putonghua": 5}, SeatState.AVAILABLE, self.now),
            Seat("8002", "乙", "330302", {"putonghua": 1}, SeatState.OFFLINE, self.now),
            Seat("8010", "译", "330300", {"ja": 5}, SeatState.AVAILABLE, self.now, kind="interpreter"),
            Seat("8020", "班长", "330300", {"lead": 1}, SeatState.AVAILABLE, self.now),
        ]
        self.book = RoutingBook(
            TREE, "330302", {s.id: s for s in seats}, skills={"ja": Skill("ja", "日语", "Japanese")},
            default_skills=(("putonghua", 1),),
        )  # fmt: skip
        dispatcher = Dispatcher(seats, Policy(wrap_up=60.0))
        self.host = Host(dispatcher, self.book, can_call_out=True)
        self.host.outside.directory = BOOK
        self.engine = Engine(
            switch=self.switch, journal=MemoryJournal(), dispatcher=dispatcher, rules=Rules(NoFlows(), Demand()),
            entries={}, raw_path=str, clock=lambda: self.now, host=self.host,
        )  # fmt: skip
        self.desk = HotlineDesk(
            engine=self.engine, store=NoStore(), transcript=nothing, audio=nothing, manifest=nothing, health=no_parts,
            metrics=lambda: "", clock=lambda: self.now, case=lambda call: calls.case_of(call, "330302"),
        )  # fmt: skip
        self.engine.observe(self.desk.on_change)

    async def turn(self, *events):
        """What the switch tells, until it has nothing more to tell."""
        self.engine.feed(events)
        while True:
            told, self.switch.events = self.switch.events, []
            self.engine.feed(told)
            await self.engine.turn()
            if not self.switch.events:
                return

    async def talk(self, call="c1"):
        """A caller who talks with 8001."""
        self.switch.arrive(call, CALLER)
        self.switch.greeted(call)
        await self.turn()
        await self.pick_up(self.engine.calls[call].offer.leg)
        assert self.engine.calls[call].state == "talking"

    async def pick_up(self, leg):
        self.switch.ring(leg)
        await self.turn()
        self.switch.answer(leg)
        await self.turn()

    async def shown(self, call="c1"):
        return next(one for one in (await self.desk.snapshot()).calls if one.id == call)

    async def want(self, how, *, asking="8001", key="", **target):
        order = console.PartyOrder(how=how, **target)
        party = await self.desk.want_party("c1", order, asking=asking, by="林晓", key=key)
        await self.turn()
        return party


@pytest.fixture
async def rig():
    one = Rig()
    await one.talk()
    return one


def plain(party):
    """What is the same whether the order has been carried out yet or not."""
    return (party.id, party.how, party.target, party.label, party.asked_by)


async def test_an_interpreter_is_asked_into_a_talk_and_let_go(rig):
    asked = await rig.want("join", skill="ja")
    (party,) = (await rig.shown()).parties
    assert plain(asked) == plain(party) and asked.state == "queued"
    assert (party.state, party.seat, party.label.en, party.asked_by) == ("ringing", "8010", "Japanese", "8001")
    assert party.leg and party.deadline > rig.now
    assert next(s for s in await rig.desk.seats() if s.id == "8010").call == "c1"
    await rig.pick_up(party.leg)
    call = await rig.shown()
    assert call.parties[0].state == "joined" and not call.held
    assert {leg.who: leg.room for leg in call.legs if leg.kind != "caller"} == {"8001": "talk", "8010": "talk"}
    assert await rig.desk.drop_party("c1", party.id, by="林晓", key="")
    await rig.turn()
    assert (await rig.shown()).parties[0].state == "left"
    with pytest.raises(console.RefusedError, match="too-late"):
        await rig.desk.drop_party("c1", party.id, by="林晓", key="")


async def test_who_is_withdrawn_twice_is_withdrawn_once(rig):
    party = await rig.want("join", skill="ja")
    for _ in range(2):
        assert await rig.desk.drop_party("c1", party.id, by="林晓", key="")
        await rig.turn()
    assert (await rig.shown()).parties[0].state == "withdrawn"


async def test_a_consultation_holds_the_caller_until_all_are_joined(rig):
    await rig.want("consult", entry="12348")
    (party,) = (await rig.shown()).parties
    assert (party.state, party.tried, party.tries, party.trying.en) == ("ringing", 1, 1, "Legal aid")
    rig.now += 3
    await rig.pick_up(party.leg)
    call = await rig.shown()
    assert call.held and call.held_since is not None and call.held_since <= rig.now
    assert {leg.who: leg.room for leg in call.legs if leg.kind != "caller"} == {
        "8001": "side", "line.12348": "side"}  # fmt: skip
    assert call.parties[0].trying is None and call.parties[0].deadline is None
    assert await rig.desk.arrange("c1", "join", seat="8001", by="林晓", key="")
    await rig.turn()
    call = await rig.shown()
    assert not call.held and call.held_since is None
    assert {leg.room for leg in call.legs if leg.kind != "caller"} == {"talk"}


async def test_a_consultation_that_fails_says_why(rig):
    await rig.want("consult", number=DIALLED)
    (party,) = (await rig.shown()).parties
    assert (party.target.kind, party.target.id, party.label.zh, party.trying.zh) == ("number", *[DIALLED] * 3)
    rig.switch.end_leg(party.leg, 17)
    await rig.turn()
    call = await rig.shown()
    assert (call.parties[0].state, call.parties[0].why, call.held) == ("failed", "busy", False)


async def test_an_emergency_tries_the_next_line_and_says_so(rig):
    asked = await rig.desk.emergency("c1", "110", by="林晓", key="")
    await rig.turn()
    (party,) = (await rig.shown()).parties
    assert plain(asked)[1:4] == plain(party)[1:4] and asked.emergency and asked.id == party.id
    seen = []
    for _ in range(3):
        (party,) = (await rig.shown()).parties
        seen.append((party.tried, party.tries, party.trying.en, party.emergency))
        rig.switch.end_leg(party.leg, 17)
        await rig.turn()
    assert seen == [(1, 3, "Police", True), (2, 3, "Police", True), (3, 3, "Fire", True)]
    assert (await rig.shown()).parties[0].state == "failed"


@pytest.mark.parametrize(
    ("target", "code"),
    [({"entry": "122"}, "entry-disabled"), ({"entry": "none"}, "no-entry"), ({"number": "02155556666"},
     "number-not-allowed"), ({"seat": "9999"}, "no-such-seat"), ({"seat": "8002"}, "seat-busy"),
     ({"skill": "klingon"}, "nobody-has-skill")],
)  # fmt: skip
async def test_who_cannot_come_is_refused_with_the_engines_reason(rig, target, code):
    with pytest.raises(console.RefusedError) as refusal:
        await rig.want("join", **target)
    assert refusal.value.code == code and (await rig.shown()).parties == []


async def test_refusals_of_arrangements_and_supervision(rig):
    for what, code in (("join", "not-in-consult"), ("resume", "nothing-held"), ("leave", "not-joined")):
        with pytest.raises(console.RefusedError, match=code):
            await rig.desk.arrange("c1", what, seat="8001", by="", key="")
    with pytest.raises(console.RefusedError, match="not-joined"):
        await rig.desk.supervise("c1", "stop", "8020", by="", key="")
    with pytest.raises(console.RefusedError, match="no-party"):
        await rig.desk.drop_party("c1", "p9", by="", key="")
    for entry in ("12348", "none"):
        with pytest.raises(console.RefusedError, match="no-entry"):
            await rig.desk.emergency("c1", entry, by="", key="")


async def test_a_call_that_is_not_there_is_not_there(rig):
    order = console.PartyOrder(how="join", skill="ja")
    assert await rig.desk.want_party("nobody", order, asking="", by="", key="") is None
    assert await rig.desk.emergency("nobody", "110", by="", key="") is None
    assert await rig.desk.emergency("nobody", "none", by="", key="") is None
    assert not await rig.desk.drop_party("nobody", "p1", by="", key="")
    assert not await rig.desk.arrange("nobody", "hold", seat="", by="", key="")
    assert not await rig.desk.supervise("nobody", "listen", "8020", by="", key="")


async def test_a_key_gives_the_same_party_before_and_after_it_is_in_the_call(rig):
    order = console.PartyOrder(how="join", entry="12348")
    first = await rig.desk.want_party("c1", order, asking="8001", by="林晓", key="k:1")
    second = await rig.desk.want_party("c1", order, asking="8001", by="林晓", key="k:1")
    assert plain(first) == plain(second) and first.state == second.state == "ringing"
    await rig.turn()
    third = await rig.want("join", entry="12348", key="k:1")
    assert plain(third) == plain(first) and len((await rig.shown()).parties) == 1
    await rig.desk.arrange("c1", "mute", seat="8001", by="林晓", key="k:2")
    await rig.turn()
    with pytest.raises(console.RefusedError, match="key-used"):
        await rig.want("join", entry="12348", key="k:2")
    with pytest.raises(console.RefusedError, match="key-used"):
        await rig.desk.emergency("c1", "110", by="林晓", key="k:2")


async def test_a_key_that_was_a_supervisors_is_no_partys(rig):
    await rig.desk.supervise("c1", "listen", "8020", by="赵蕾", key="k:3")
    await rig.turn()
    with pytest.raises(console.RefusedError, match="key-used"):
        await rig.want("join", entry="12348", key="k:3")


NOTE = "灯杆已倒，有电线外露"


def noting(rig):
    """The rig's lines to other hotlines carry handovers from now on; gives their book and what becomes of the rows."""
    book = calls.HandoverBook(iter("abcdefgh").__next__, lambda: "t" * 32)
    rig.host.outside.handovers = calls.HandoverIssuer(book, lambda call, note: {"summary": note}, lambda: "330302")
    return book


@pytest.mark.parametrize("how", ["join", "consult", "transfer"])
async def test_what_the_seat_says_goes_into_the_handover_and_nowhere_else(rig, how, caplog):
    book = noting(rig)
    with caplog.at_level("DEBUG"):
        party = await rig.want(how, entry="shanghai", note=NOTE, key="k:1")
        again = await rig.want(how, entry="shanghai", note="anything else", key="k:1")
    assert again.id == party.id and len(book) == 1 and book.get("a").body == {"summary": NOTE}
    journal = rig.engine._journal
    handovers = journal.tables.pop("handovers")
    assert NOTE in str(handovers) and "a" in handovers
    kept = [journal.__dict__, rig.engine.calls, (await rig.shown()).model_dump(), rig.switch.commands]
    assert "User-to-User" in repr(rig.switch.commands), "the line does carry a handover"
    assert not any(NOTE in repr(one) for one in kept) and NOTE not in caplog.text


async def test_an_emergency_line_that_takes_cases_is_told_what_the_seat_says(rig):
    rig.host.outside.directory = dataclasses.replace(BOOK, entries=tuple(
        dataclasses.replace(one, protocol="uui") if one.id == "110" else one for one in BOOK.entries))  # fmt: skip
    book = noting(rig)
    await rig.desk.emergency("c1", "110", by="林晓", key="", note=NOTE)
    await rig.desk.emergency("c1", "110", by="林晓", key="", note="again")
    await rig.turn()
    assert len(book) == 1 and book.get("a").body == {"summary": NOTE} and len((await rig.shown()).parties) == 1


async def test_a_line_that_takes_no_cases_is_told_nothing(rig):
    book = noting(rig)
    await rig.want("join", entry="12348", note=NOTE)
    await rig.want("consult", skill="ja", note=NOTE)
    assert len(book) == 0 and [one.state for one in (await rig.shown()).parties] == ["ringing", "ringing"]


async def test_a_transfer_by_the_queue_answers_as_a_party_that_is_sought(rig):
    party = await rig.want("transfer", skill="ja")
    assert (party.id, party.how, party.state, party.target.kind) == ("queue", "transfer", "queued", "skill")
    call = await rig.shown()
    assert call.state in ("waiting", "offered") and call.parties == []


async def test_a_supervisor_listens_whispers_and_comes_in(rig):
    assert await rig.desk.supervise("c1", "listen", "8020", by="赵蕾", key="")
    await rig.turn()
    leg = next(leg for leg in (await rig.shown()).legs if leg.kind == "observer")
    assert (leg.who, leg.mode, leg.room) == ("8020", "listen", None)
    await rig.pick_up(leg.id)
    for mode, kind, told in (("whisper", "observer", "whisper"), ("barge", "third", None)):
        await rig.desk.supervise("c1", mode, "8020", by="赵蕾", key="")
        await rig.turn()
        leg = next(leg for leg in (await rig.shown()).legs if leg.who == "8020")
        assert (leg.kind, leg.mode) == (kind, told)


async def test_every_change_of_a_party_is_told_to_whoever_follows(rig):
    running = asyncio.create_task(rig.desk.run())
    stream = rig.desk.events(None)
    coming = asyncio.ensure_future(anext(stream))
    seen = []

    async def until(state):
        nonlocal coming
        async with asyncio.timeout(10):
            while state not in seen[-1:]:
                event = await coming
                coming = asyncio.ensure_future(anext(stream))
                if event.type == "call" and event.data.parties:
                    seen.append(event.data.parties[0].state)
        return event.data

    try:
        async with asyncio.timeout(10):
            while not rig.desk.log.followers:
                await asyncio.sleep(0)
        await rig.want("consult", entry="12348")
        call = await until("ringing")
        assert call.held and call.case == "330302-c1"
        rig.switch.end_leg(call.parties[0].leg, 20)
        await rig.turn()
        call = await until("failed")
        assert call.parties[0].why == "unreachable" and not call.held
    finally:
        coming.cancel()
        running.cancel()
        await asyncio.gather(coming, running, return_exceptions=True)


# --- origin and context ---


async def arrived(rig, call, number=CALLER, **more):
    rig.switch.callers[call] = calls.testing.FakeCaller(calls.Place.GREETING)
    await rig.turn(e.Arrived(call, f"PJSIP/{call}", "12345", number, **more))
    return await rig.shown(call)


async def test_a_call_of_another_hotline_is_marked_with_its_origin_and_its_case(rig):
    known = await arrived(rig, "c2", origin="line-linked", case="sh-77")
    assert (known.origin.id, known.origin.label.en, known.origin.by) == ("shanghai", "Shanghai 12345", "trunk")
    assert known.case == "sh-77" and known.context is None
    strange = await arrived(rig, "c3", origin="line-unknown")
    assert (strange.origin.id, strange.origin.label.zh) == (None, "line-unknown")
    shown = await arrived(rig, "c4", number="02112345")
    assert (shown.origin.id, shown.origin.by) == ("shanghai", "number"), "a mark, not a proof"
    assert (await arrived(rig, "c5")).origin is None


async def test_what_the_other_hotline_told_is_on_the_screen(rig):
    await arrived(rig, "c2", origin="line-linked", case="sh-77")
    handover = console.Handover(
        version=1, case="sh-77", hotline={"name": "上海12345"}, caller={"number": "13816601234", "name": "沈伟"},
        kind="help", title="停水", summary="停水一天", region={"code": "330302", "name": "鹿城区", "address": "五马街"},
        language="zh", urgent=True, emergency="119", earlier=[{"case": "a"}, {"case": "b"}],
        callback={"wanted": True, "number": "13900001111"},
    )  # fmt: skip
    await rig.turn(e.ContextKnown("c2", handover.model_dump(mode="json")))
    told = (await rig.shown("c2")).context
    assert (told.hotline, told.caller.number, told.caller.name) == ("上海12345", "13816601234", "沈伟")
    assert (told.title, told.summary, told.kind) == ("停水", "停水一天", "help")
    assert told.urgent and told.emergency == "119"
    assert (told.region.code, told.address, told.earlier) == ("330302", "五马街", 2)
    assert told.callback and told.callback_number == "13900001111"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=30) | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*console.Handover.model_fields, "x"]), JSON, max_size=8))
def test_whatever_stands_in_a_context_never_breaks_the_screen(known):
    shapes_parties.context(known)
    shapes_parties.context({"version": 1, "case": "a", **known})


# --- shapes ---


@settings(deadline=None)
@given(
    st.sampled_from(["join", "consult", "transfer", "emergency"]), st.sampled_from(list(calls.PartyState)),
    st.integers(0, 9), st.sampled_from(["", "entry:110", "number", "seat:8001", "skill:ja", "centre:330300", "seat:"]),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_every_party_the_heart_can_have_has_a_shape(how, state, tried, target, outside, offered):
    tries = (Try("line-a", "110", 10.0, "110", "公安报警"), Try("line-b", "119", 10.0, "119", "消防"))
    line = Line("number" if target == "number" else "110", "公安报警", tries)
    one = calls.Party(
        "p1", how, 5.0, None if outside else Demand((("ja", 1),)), line if outside else None, state=state, tried=tried,
        target=target, offer=calls.Offer("o", "8001", "c~8001~1", 9.0) if offered else None,
    )  # fmt: skip
    shape = shapes_parties.party(one, None, shapes_parties.Names(BOOK, {}))
    assert shape.label.zh and shape.label.en and shape.tries == (2 if outside else 0)
    assert (shape.trying is not None) == (outside and state == "ringing")


def test_the_directory_as_the_page_gets_it():
    shown = shapes_parties.directory(BOOK, 1_795_564_800.0)
    rows = {one.id: one for one in shown.items}
    assert [one.emergency for one in shown.items] == sorted((one.emergency for one in shown.items), reverse=True)
    assert (rows["110"].enabled, rows["110"].tries, rows["110"].digit, rows["110"].fallback) == (True, 3, "9", "119")
    assert (rows["122"].enabled, rows["122"].reason, rows["122"].open) == (False, "no-trunk", True)
    assert [(m.takes, m.other) for m in rows["110"].matters] == [(True, None), (False, "12345")]
    assert rows["shanghai"].context and not rows["12348"].context and shown.numbers
    assert not shapes_parties.directory(Directory(), 0.0).items


def test_a_leg_that_an_older_version_wrote_still_has_a_shape():
    old = {
        "id": "c1~8001~1", "kind": "assistant", "who": "8001", "state": "gone", "started_at": 1.0, "joined_at": None,
        "ended_at": 2.0, "cause": "16",
    }  # fmt: skip
    leg = shapes.leg(old)
    assert (leg.kind, leg.room, leg.muted, leg.mode) == ("assistant", None, False, None)


def test_a_segment_of_any_party_has_a_shape():
    word = recordings.Word("报警", 1.0, 1.5, 0.9)
    said = recordings.Segment("seat", None, 1.0, 1.5, "报警", 0.9, (word,), who="line.110", kind="line")
    shape = console.Segment.model_validate(said.as_dict())
    assert (shape.who, shape.kind, shape.seat) == ("line.110", "line", None)


# --- whatever is ordered, in whatever order ---

LIVE_CODES = re.compile(r"""(?:OrderError|DirectoryError)\(\s*"([a-z-]+)"|code = "([a-z-]+)" if .* else "([a-z-]+)\"""")


def test_every_refusal_of_the_heart_has_words_of_its_own():
    files = [pathlib.Path(calls.__file__).parent / name for name in ("_party_orders.py", "_outside.py")]
    files.append(pathlib.Path(routing.__file__).parent / "_directory.py")
    codes = {c for file in files for found in LIVE_CODES.findall(file.read_text("utf-8")) for c in found if c}
    assert len(codes) > 15 and {"too-late", "no-caller", "full", "entry-disabled"} <= codes
    for code in codes - {"no-routing"}:
        assert console.caption(f"problem.{code}") and console.caption(f"problem.{code}.mend"), code


PERSONS = st.sampled_from(["8001", "", "8001", "", "8010", "8020"])
"""8001 has the call; whoever is not in it is refused."""
TARGETS = st.sampled_from(
    [("skill", "ja"), ("entry", "12348"), ("entry", "110"), ("number", DIALLED), ("seat", "8020"), ("centre", "330300")]
)
WANTED = st.tuples(st.just("want"), st.sampled_from(["join", "consult", "consult", "transfer"]), TARGETS, PERSONS)
ANSWERED = st.tuples(st.just("answer"), st.integers(0, 5))
ORDERS = st.one_of(
    WANTED,
    WANTED.filter(lambda order: order[1] != "transfer"),
    ANSWERED,
    ANSWERED.map(lambda order: order),
    st.tuples(st.just("arrange"), st.sampled_from(
        ["join", "swap", "complete", "return", "hold", "resume", "mute", "unmute", "leave"]), PERSONS),
    st.tuples(st.just("emergency"), st.sampled_from(["110", "119", "122"])),
    st.tuples(st.just("supervise"), st.sampled_from(["listen", "whisper", "barge", "takeover", "stop"])),
    st.tuples(st.just("drop"), st.integers(0, 5)),
    st.tuples(st.just("ends"), st.integers(0, 5), st.sampled_from([1, 16, 17, 19, 20, 21, 31])),
)  # fmt: skip


async def carry_out(rig, order):
    match order:
        case ("want", how, (kind, wanted), asking):
            await rig.want(how, asking=asking, **{kind: wanted})
        case ("arrange", what, seat):
            await rig.desk.arrange("c1", what, seat=seat, by="林晓", key="")
        case ("emergency", entry):
            await rig.desk.emergency("c1", entry, by="林晓", key="")
        case ("supervise", mode):
            await rig.desk.supervise("c1", mode, "8020", by="赵蕾", key="")
        case ("drop", n):
            call = rig.engine.calls.get("c1")
            if call is not None and call.parties:
                await rig.desk.drop_party("c1", call.parties[n % len(call.parties)].id, by="林晓", key="")
        case ("answer", n):
            rings = [x for x, leg in rig.switch.legs.items() if leg.state in ("dialled", "ringing")]
            if rings:
                await rig.pick_up(rings[n % len(rings)])
        case ("ends", n, cause):
            legs = list(rig.switch.legs)[n % 3 and 1 :]  # the first one is the seat's: its end ends most of it
            if legs:
                rig.switch.end_leg(legs[n % len(legs)], cause)
        case _:
            if "c1" in rig.switch.callers:
                rig.switch.leave("c1")
    await rig.turn()


@settings(deadline=None, max_examples=60)
@given(st.lists(ORDERS, min_size=4, max_size=16), st.lists(ORDERS, max_size=3))
def test_whatever_is_ordered_every_reader_gets_a_true_picture_and_nobody_a_number(orders, afterwards):
    async def run():
        rig = Rig()
        await rig.talk()
        for order in [*orders, ("caller leaves",), *afterwards]:
            with contextlib.suppress(console.RefusedError):
                await carry_out(rig, order)
            for whole in (await rig.desk.snapshot()).calls:
                masked, looks = see_summary(AUDITOR, whole)
                told = masked.model_dump_json()
                assert DIALLED not in told and CALLER not in told and not looks
                assert not any(leg.mode == "listen" for leg in masked.legs)
                here = [leg for leg in whole.legs if leg.kind in ("seat", "third", "line") and leg.state == "joined"]
                assert len(here) <= 5
                known = {leg.id for leg in whole.legs}
                assert all(party.leg in known for party in whole.parties if party.leg is not None)
                assert whole.held == (whole.held_since is not None)
                if whole.state == "talking" and not whole.held:
                    assert any(leg.room == "talk" for leg in here)

    asyncio.run(run())
