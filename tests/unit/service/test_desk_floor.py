"""The desk over engine, planner and callback list: what the console orders really happens, and is told."""

import asyncio

import pytest

import console
from calls import Engine, Host, MemoryJournal, Rules
from calls import events as e
from calls.testing import FakeSwitch
from routing import (
    BreakReason,
    CallbackRules,
    Centre,
    CentreTree,
    Demand,
    Dispatcher,
    Incident,
    ModeConfig,
    Policy,
    RoutingBook,
    Rule,
    Seat,
    SeatState,
    Skill,
    StepRule,
)
from service.desk import HotlineDesk

TREE = CentreTree.of(
    [
        Centre("330300", "温州市", parent="330000"),
        Centre("330000", "浙江省"),
        Centre("330302", "鹿城区", parent="330300"),
    ]
)


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
        self.now = 1_795_564_800.0  # 08:00 in China
        self.switch = FakeSwitch()
        seats = [
            Seat("8001", "甲", "330302", {"putonghua": 5}, SeatState.AVAILABLE, self.now),
            Seat("8002", "乙", "330300", {"putonghua": 5}, SeatState.OFFLINE, self.now),
            Seat("8010", "译", "330000", {"ja": 5}, SeatState.AVAILABLE, self.now, kind="interpreter"),
        ]
        steps = (StepRule(seconds=10.0), StepRule(centres=("city",), seconds=20.0), StepRule(centres=("province",)))
        self.book = RoutingBook(
            TREE, "330302", {s.id: s for s in seats}, rules=(Rule("all", steps=steps, title="都一样"),),
            skills={"ja": Skill("ja", "日语", "Japanese")},
            default_skills=(("putonghua", 1),),
            modes={m: ModeConfig(m, zh) for m, zh in (("surge", "高峰"), ("normal", ""), ("disaster", ""))},
            breaks=(BreakReason("meal", "吃饭", "Meal", 1800.0),),
            incidents=(Incident("standing", frozenset({"330300"}), "管道维修"),),
            callbacks=CallbackRules(do_not_disturb=frozenset({"13900000000"})),
        )  # fmt: skip
        dispatcher = Dispatcher(seats, Policy(wrap_up=60.0))
        self.engine = Engine(
            switch=self.switch, journal=MemoryJournal(), dispatcher=dispatcher, rules=Rules(NoFlows(), Demand()),
            entries={}, raw_path=str, clock=lambda: self.now, host=Host(dispatcher, self.book, can_call_out=True),
        )  # fmt: skip
        self.desk = HotlineDesk(
            engine=self.engine, store=NoStore(), transcript=nothing, audio=nothing, manifest=nothing, health=no_parts,
            metrics=lambda: "", clock=lambda: self.now,
        )  # fmt: skip
        self.engine.observe(self.desk.on_change)

    async def turn(self, *events):
        self.engine.feed([*self.switch.events, *events])
        self.switch.events = []
        await self.engine.turn()

    async def wait(self, call, number="13811110000"):
        """A caller in the queue."""
        await self.turn(e.Arrived(call, f"PJSIP/{call}", "12345", number), e.Waits(call))

    async def talk(self, call):
        """A caller who talks with 8001."""
        await self.wait(call)
        leg = self.engine.calls[call].offer.leg
        await self.turn(e.LegRinging(call, leg), e.LegJoined(call, leg, "8001"))
        assert self.engine.calls[call].state == "talking"


@pytest.fixture
def rig():
    return Rig()


async def test_the_menus_come_from_the_configuration(rig):
    choices = await rig.desk.choices()
    assert [(b.code, b.caption.zh, b.limit) for b in choices.breaks] == [("meal", "吃饭", 1800.0)]
    assert choices.modes == ["normal", "surge", "disaster"]
    assert {place.name for place in choices.centres} == {"浙江省", "温州市", "鹿城区"}
    assert choices.third == ["ja"]
    words = {key: (text.zh, text.en) for key, text in choices.captions.items()}
    assert words == {
        "skill.ja": ("日语", "Japanese"),
        "rule.all": ("都一样", ""),
        "mode.surge": ("高峰", ""),
    }


async def test_a_break_has_the_limit_of_its_reason_and_a_reset_ends_it(rig):
    seat = await rig.desk.order_seat("8001", console.SeatOrder(state="break", reason="meal"))
    assert (seat.state, seat.reason, seat.deadline) == ("break", "meal", rig.now + 1800)
    assert (await rig.desk.reset_seat("8001")).state == "available"
    assert await rig.desk.reset_seat("9999") is None and await rig.desk.rest_seat("9999", None) is None


async def test_a_forced_rest_is_ended_by_a_supervisor_only(rig):
    assert (await rig.desk.rest_seat("8001", 120)).state == "rest"
    order = console.SeatOrder(state="available")
    with pytest.raises(console.RefusedError, match="must-rest"):
        await rig.desk.order_seat("8001", order)
    assert (await rig.desk.order_seat("8001", order, force=True)).state == "available"
    with pytest.raises(console.RefusedError, match="rests-already"):
        await rig.desk.rest_seat("8002", None)


async def test_a_true_talk_is_not_reset_and_rests_afterwards(rig):
    await rig.talk("c1")
    with pytest.raises(console.RefusedError, match="seat-talking"):
        await rig.desk.reset_seat("8001")
    seat = await rig.desk.rest_seat("8001", None)
    assert (seat.state, seat.wanted, seat.call, seat.deadline) == ("talking", "rest", "c1", None)


async def test_who_waits_is_shown_with_step_and_expected_wait(rig):
    await rig.desk.order_seat("8001", console.SeatOrder(state="break", reason="meal"))
    await rig.wait("c1")
    (one,) = await rig.desk.waiting()
    assert (one.call, one.kind, one.position, one.step, one.steps) == ("c1", "live", 1, 1, 2)
    assert one.next_step_at == rig.now + 10 and one.expected is not None and one.demand.startswith("putonghua")
    rig.now += 9.9
    (one,) = await rig.desk.waiting()
    assert one.step == 1
    rig.now += 0.2
    (one,) = await rig.desk.waiting()
    assert (one.step, one.next_step_at) == (2, None)


async def test_a_step_that_nobody_on_duty_could_serve_is_shown_as_passed(rig):
    await rig.desk.order_seat("8001", console.SeatOrder(state="offline"))
    await rig.desk.order_seat("8002", console.SeatOrder(state="break", reason="meal"))
    await rig.wait("c1")
    (one,) = await rig.desk.waiting()
    assert (one.step, one.next_step_at) == (2, None)


async def test_a_step_that_opens_is_told_without_anything_else_happening(rig, monkeypatch):
    monkeypatch.setattr("service.desk.LOOK", 0.01)
    await rig.desk.order_seat("8001", console.SeatOrder(state="break", reason="meal"))
    events = rig.desk.log.follow(rig.desk.log.last)
    task = asyncio.create_task(rig.desk.run())
    try:
        heard = asyncio.ensure_future(until(events, lambda event: event.type == "waiting" and event.data.step == 2))
        await asyncio.sleep(0)
        await rig.wait("c1")
        await asyncio.sleep(0.1)
        assert not heard.done()
        rig.now += 11
        assert (await heard).data.call == "c1"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_long_queue_is_not_reckoned_anew_at_each_look(rig, monkeypatch):
    for n in range(130):
        await rig.wait(f"c{n}", number=f"138{n:08d}")
    asked = []
    estimate = rig.engine.host.estimate
    monkeypatch.setattr(rig.engine.host, "estimate", lambda call, *rest: asked.append(call) or estimate(call, *rest))
    for _ in range(3):
        line = await rig.desk.waiting()
    assert len(line) == 129 and len(asked) == len(set(asked)) == 100
    assert [one.expected is None for one in line] == [False] * 100 + [True] * 29
    rig.now += 1.5
    await rig.desk.waiting()
    assert len(asked) == 200


async def until(events, true):
    async with asyncio.timeout(5):
        async for event in events:
            if true(event):
                return event
    raise AssertionError("the events have ended")


async def test_a_waiting_caller_is_turned_into_a_call_back(rig):
    await rig.desk.order_seat("8001", console.SeatOrder(state="break", reason="meal"))
    await rig.wait("c1")
    since = rig.now
    assert await rig.desk.call_back_waiting("c1")
    await rig.turn()
    assert rig.engine.calls["c1"].state == "leaving"
    assert await rig.desk.call_back_waiting("c1"), "asked twice it is one"
    rig.now += 5
    await rig.turn(e.CallerLeft("c1", 16))
    page = await rig.desk.callbacks(open_only=True, limit=10, cursor=None)
    (entry,) = page.items
    assert (entry.reason, entry.since, entry.number, entry.origin, page.open) == (
        "queue",
        since,
        "13811110000",
        "c1",
        1,
    )
    assert await rig.desk.call_back_waiting("nobody") is False


async def test_who_talks_or_has_no_number_is_not_turned_into_a_call_back(rig):
    await rig.talk("c1")
    with pytest.raises(console.RefusedError, match="not-waiting"):
        await rig.desk.call_back_waiting("c1")
    await rig.wait("c2", number="")
    with pytest.raises(console.RefusedError, match="no-number"):
        await rig.desk.call_back_waiting("c2")


async def test_the_callback_list_keeps_one_entry_and_its_rank(rig):
    entry = await rig.desk.add_callback("13811112222", "missed", "赵蕾")
    rig.now += 60
    assert (await rig.desk.add_callback("13811112222", "missed", "赵蕾")).id == entry.id
    assert (await rig.desk.cancel_callback(entry.id, "赵蕾")).state == "cancelled"
    assert (await rig.desk.cancel_callback(entry.id, "赵蕾")).state == "cancelled"
    again = await rig.desk.reopen_callback(entry.id, "赵蕾")
    assert (again.state, again.since, again.reason) == ("open", entry.since, "missed")
    assert (await rig.desk.callback(entry.id)).state == "cancelled"
    with pytest.raises(console.RefusedError, match="do-not-disturb"):
        await rig.desk.add_callback("13900000000", "visit", "赵蕾")
    assert await rig.desk.cancel_callback("none", "x") is None and await rig.desk.reopen_callback("none", "x") is None


async def test_the_pages_of_the_list_join(rig):
    for n in range(5):
        await rig.desk.add_callback(f"1381111000{n}", "visit", "x")
        rig.now += 1
    seen, cursor = [], None
    while True:
        page = await rig.desk.callbacks(open_only=None, limit=2, cursor=cursor)
        seen += [one.number for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert sorted(seen) == [f"1381111000{n}" for n in range(5)]
    with pytest.raises(console.UnknownCursorError):
        await rig.desk.callbacks(open_only=None, limit=2, cursor="none")


async def test_mode_and_incidents_are_switched_and_told(rig):
    events = rig.desk.log.follow(rig.desk.log.last)
    task = asyncio.create_task(rig.desk.run())
    try:
        heard = asyncio.ensure_future(until(events, lambda event: event.type == "mode"))
        await asyncio.sleep(0)
        mode = await rig.desk.set_mode(console.ModeOrder(mode="surge", reason="台风", automatic=False), "赵蕾")
        assert (mode.mode, mode.by, mode.reason, mode.automatic, mode.since) == (
            "surge",
            "赵蕾",
            "台风",
            False,
            rig.now,
        )
        await rig.turn()
        assert (await heard).data.mode == "surge"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    one = await rig.desk.add_incident(console.IncidentOrder(regions=["330302"], zh="停电"), "赵蕾")
    two = await rig.desk.add_incident(console.IncidentOrder(regions=["330302"], zh="停水"), "赵蕾")
    assert one.id != two.id and one.regions[0].name == "鹿城区"
    shown = {incident.id: incident.fixed for incident in (await rig.desk.mode()).incidents}
    assert shown == {"standing": True, one.id: False, two.id: False}
    assert await rig.desk.end_incident(one.id, "赵蕾") and not await rig.desk.end_incident(one.id, "赵蕾")
    with pytest.raises(console.RefusedError, match="incident-configured"):
        await rig.desk.end_incident("standing", "赵蕾")
    with pytest.raises(console.RefusedError, match="no-such-centre"):
        await rig.desk.add_incident(console.IncidentOrder(regions=["999999"], zh="x"), "赵蕾")
    with pytest.raises(console.RefusedError, match="no-such-mode"):
        await rig.desk.set_mode(console.ModeOrder(mode="panic", reason="x"), "赵蕾")


async def test_a_changed_entry_of_the_list_is_told(rig):
    events = rig.desk.log.follow(rig.desk.log.last)
    task = asyncio.create_task(rig.desk.run())
    try:
        heard = asyncio.ensure_future(until(events, lambda event: event.type == "callback"))
        await asyncio.sleep(0)
        entry = await rig.desk.add_callback("13811112222", "visit", "x")
        await rig.turn()
        assert (await heard).data.id == entry.id
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_centres_figures_count_overflow_on_both_sides(rig):
    await rig.desk.order_seat("8002", console.SeatOrder(state="available"))
    await rig.talk("c1")
    await rig.wait("c2", number="13811110001")
    rig.now += 11
    await rig.turn()
    centres = {one.code: one for one in await rig.desk.centres()}
    assert list(centres) == ["330000", "330300", "330302"]
    assert (centres["330302"].talking, centres["330302"].overflow_out) == (1, 1)
    assert (centres["330300"].overflow_in, centres["330300"].signed_in, centres["330300"].seats) == (1, 1, 1)
    await rig.wait("c3", number="13811110002")
    centres = {one.code: one for one in await rig.desk.centres()}
    assert (centres["330302"].waiting, centres["330302"].longest) == (1, rig.now)


async def test_why_a_call_went_where_it_went_is_in_its_timeline(rig):
    await rig.talk("c1")
    (call,) = (await rig.desk.snapshot()).calls
    told = {moment.what: moment.detail for moment in call.timeline}
    assert told["planned"]["why"] == "rule:all" and " → " in told["planned"]["steps"]
    assert told["offered"]["seat"] == "8001" and told["offered"]["free"] == 1
