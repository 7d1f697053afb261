"""What the host decides: from the shipped configuration, with a dispatcher whose clock the test holds."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from calls import Call, CallState, Engine, Host, MemoryJournal, OrderError, Rules, _words
from calls import commands as c
from calls import events as e
from calls._memory import KEEP, CallerMemory
from calls.testing import FakeSwitch
from ivr import load_prompts
from routing import (
    CallbackRules,
    CentreTree,
    Demand,
    Dispatcher,
    Incident,
    ModeConfig,
    Modifier,
    Policy,
    RoutingBook,
    Seat,
    SeatState,
    WaitingRules,
    When,
)

S = CallState
NOON = 1_764_043_200.0  # a working day, 12:00 in Shanghai
PLAIN = Demand((("putonghua", 1),))


class NoFlows:
    def flow_of(self, reference):
        return None


def hotline(journal=None, switch=None, seats=("8001", "8002"), callbacks=None, now=None, **waiting):
    """An engine over memory; `engine.at` is the clock."""
    rules = WaitingRules(**waiting)
    posts = {i: Seat(i, i, "330000", {"putonghua": 5}) for i in seats}
    book = RoutingBook(
        CentreTree.of([]), "330000", posts, default_skills=PLAIN.skills, waiting=rules,
        callbacks=callbacks or CallbackRules(),
        modifiers=(Modifier("cut-off", When(history=frozenset({"cut_off"})), priority=5.0, same_seat=15.0),),
    )  # fmt: skip
    book = replace(book, modes={n: replace(m, waiting=rules) for n, m in book.modes.items()})
    dispatcher = Dispatcher(posts.values(), Policy(wrap_up=0))
    clock = [now or NOON]
    engine = Engine(
        switch=switch or FakeSwitch(now=clock[0]), journal=journal or MemoryJournal(), dispatcher=dispatcher,
        rules=Rules(NoFlows(), PLAIN, tell_after=rules.tell_after, tell_every=rules.tell_every), entries={},
        raw_path=lambda call: call, clock=lambda: clock[0], host=Host(dispatcher, book, can_call_out=True),
    )  # fmt: skip
    engine.at = clock
    return engine


async def settle(engine):
    for _ in range(30):
        events, engine._switch.events = engine._switch.events, []
        engine.feed(events)
        await engine.turn()
        if not engine._switch.events and not engine._inbox:
            return
    raise AssertionError("never at rest")


async def wait_in_line(engine, call, number="13800001234"):
    engine._switch.arrive(call, number)
    engine._switch.greeted(call)
    await settle(engine)


async def later(engine, seconds):
    engine.at[0] += seconds
    engine._switch.now = engine.at[0]
    await settle(engine)


def moments(engine, call, what):
    return [dict(m.detail) for m in engine.calls[call].timeline if m.what == what]


# ---------------------------------------------------------------------- words
@pytest.mark.parametrize(
    ("n", "ids"),
    [(0, ("num-0",)), (2, ("num-two",)), (10, ("num-10",)), (20, ("num-20",)), (22, ("num-20", "num-2")),
     (99, ("num-90", "num-9")), (500, ("num-90", "num-9"))],
)  # fmt: skip
def test_numbers_are_spoken_as_people_say_them(n, ids):
    assert _words.number(n) == ids


def test_every_prompt_that_may_be_said_exists():
    known = load_prompts(Path(__file__).parents[3] / "config/prompts/prompts.yaml").prompts
    said = {i for n in range(120) for i in (*_words.number(n), *_words.position(n), *_words.expected(n * 60.0, 1800.0))}
    said |= {i for key in "0123456789" for i in _words.callback_offer(key)} | {"nobody-now", "callback-confirmed"}
    assert said <= set(known), said - set(known)


def test_an_expected_wait_is_never_told_shorter_than_it_is():
    assert _words.expected(59, 1800) == ("wait-under-minute",)
    assert _words.expected(61, 1800) == ("wait-about", "num-two", "wait-minutes")
    assert _words.expected(1801, 1800)[0] == "wait-over-before"


async def test_who_is_not_let_in_and_presses_the_key_hears_so_and_is_planned_into_the_list():
    engine = hotline()
    engine.host.gates.append(
        lambda event, now: replace(event, turned="overload", turned_words=("hotline/zh/busy-now",), turned_key="1")
    )
    engine._switch.arrive("c-1", "13800001234")
    await settle(engine)
    engine.feed([e.DigitPressed("c-1", "1"), e.DigitPressed("c-1", "1")])
    await settle(engine)
    said = [x.prompts for x in engine._switch.commands if isinstance(x, c.Farewell)]
    assert said == [("hotline/zh/busy-now",), ("hotline/zh/callback-confirmed",)]
    engine.feed([e.CallerLeft("c-1", 16)])
    await settle(engine)
    (entry,) = engine.host.callbacks.entries()
    assert (entry.number, entry.demand.skills) == ("13800001234", PLAIN.skills)


def test_a_key_without_a_spoken_name_is_never_offered():
    assert _words.callback_offer("#") == ()


# ---------------------------------------------------------------------- being told
async def test_a_short_wait_is_not_talked_about():
    engine = hotline(tell_after=5, long_wait=1e6, callback_after=1e6, callback_wait=1e6)
    engine.feed([e.PhoneUp("8001")])
    engine.ask_seat("8001", SeatState.BREAK, "meal", force=True)
    await wait_in_line(engine, "c")
    await later(engine, 6)
    assert moments(engine, "c", "told") == []


async def test_position_and_expected_wait_are_told_when_long_and_the_error_is_measured():
    engine = hotline(tell_after=5, long_wait=10, callback_after=1e6, callback_wait=1e6)
    engine.feed([e.PhoneUp("8001")])
    await settle(engine)
    await wait_in_line(engine, "a", "13800000001")
    (leg,) = engine._switch.legs
    engine._switch.answer(leg)
    await settle(engine)
    await wait_in_line(engine, "b", "13800000002")
    await wait_in_line(engine, "c", "13800000003")
    await later(engine, 6)
    (told,) = moments(engine, "c", "told")
    assert told["what"] == "position"
    assert told["position"] == 2
    assert told["seconds"] > moments(engine, "b", "told")[0]["seconds"], "who comes later waits longer"
    engine._switch.leave("a")
    await later(engine, 30)
    leg = next(x for x in engine._switch.legs)
    engine._switch.answer(leg)
    await settle(engine)
    assert len(engine.host.counters.errors) == 1


async def test_a_call_back_is_offered_only_where_it_can_be_kept():
    for number, can in (("13800001234", True), ("", False)):
        engine = hotline(tell_after=1, callback_after=1, callback_wait=1, long_wait=1e6)
        engine.feed([e.PhoneUp("8001")])
        engine.ask_seat("8001", SeatState.BREAK, "meal", force=True)
        await wait_in_line(engine, "c", number)
        await later(engine, 3)
        assert engine.calls["c"].callback_offered is can
        engine._switch.events.append(e.DigitPressed("c", "1"))
        await settle(engine)
        assert (engine.calls["c"].state is S.LEAVING) is can
    engine = hotline(tell_after=1, callback_after=1, callback_wait=1)
    engine.host.can_call_out = False
    engine.feed([e.PhoneUp("8001")])
    engine.ask_seat("8001", SeatState.BREAK, "meal", force=True)
    await wait_in_line(engine, "c")
    await later(engine, 3)
    assert not engine.calls["c"].callback_offered, "without a trunk nothing is promised"
    with pytest.raises(OrderError) as refused:
        engine.ask_callback("c")
    assert refused.value.code == "no-number"


async def test_the_key_means_nothing_before_it_was_offered():
    engine = hotline(tell_after=100)
    await wait_in_line(engine, "c")
    engine._switch.events.append(e.DigitPressed("c", "1"))
    await settle(engine)
    assert engine.calls["c"].state is S.WAITING


async def test_nobody_signed_in_brings_the_voicemail_but_not_in_a_disaster():
    for mode, state in (("normal", S.VOICEMAIL), ("disaster", S.WAITING)):
        engine = hotline(tell_after=5, voicemail_after=8)
        modes = {**engine.host.book.modes, "disaster": replace(engine.host.book.modes["normal"], name="disaster")}
        engine.set_book(replace(engine.host.book, modes=modes))
        engine.set_mode(mode, "me", "a test")
        await wait_in_line(engine, "c")
        await later(engine, 6)
        assert engine.calls["c"].state is S.WAITING
        await later(engine, 3)
        assert engine.calls["c"].state is state


# ---------------------------------------------------------------------- history
async def test_a_caller_cut_off_who_rings_again_reaches_its_seat_before_longer_idle_ones():
    engine = hotline()
    engine.feed([e.PhoneUp("8002")])
    await settle(engine)
    await wait_in_line(engine, "first")
    (leg,) = engine._switch.legs
    engine._switch.answer(leg)
    await settle(engine)
    engine.feed([e.PhoneUp("8001")])
    await later(engine, 60)
    engine._switch.leave("first", 38)  # the network is out of order
    await later(engine, 20)
    assert engine.dispatcher.seats["8001"].idle_since < engine.dispatcher.seats["8002"].idle_since
    await wait_in_line(engine, "again")
    call = engine.calls["again"]
    assert call.offer is not None
    assert call.offer.seat == "8002"
    assert "cut-off" in moments(engine, "again", "planned")[0]["why"]
    engine._switch.leave("again")
    await settle(engine)
    await wait_in_line(engine, "stranger", "13900000000")
    assert engine.calls["stranger"].offer.seat == "8001", "others go to who is idle for longest"


async def test_what_is_known_of_a_number_survives_the_process():
    journal, switch = MemoryJournal(), FakeSwitch(now=NOON)
    engine = hotline(journal, switch)
    await wait_in_line(engine, "c")
    await later(engine, 10)
    switch.leave("c")
    await settle(engine)
    new = hotline(journal, switch, now=engine.at[0])
    await new.recover()
    await new.remember()
    (row,) = new.host.memory.of("13800001234", engine.at[0])["calls"]
    assert (row["outcome"], row["cut"]) == ("abandoned", False)
    (entry,) = new.host.callbacks.entries()
    assert (entry.number, entry.reason) == ("13800001234", "missed")


def test_memory_forgets_and_keeps_few():
    memory = CallerMemory()
    for n in range(9):
        memory.note(left(NOON + n), 16)
    assert len(memory.of("13800001234", NOON + 10)["calls"]) == 5
    assert memory.of("13800001234", NOON + KEEP + 100) == {}
    memory.tidy(NOON + KEEP + 100)
    assert memory.take_changes()[-1] == ("13800001234", None)


def left(at):
    return Call(
        id="c", state=S.ENDED, channel="", dialled="12345", caller_number="13800001234", caller_name="", flow="",
        arrived_at=at, ended_at=at, outcome="abandoned",
    )  # fmt: skip


# ---------------------------------------------------------------------- modes, incidents
async def test_mode_and_incidents_survive_the_process_and_are_told_once():
    journal, switch = MemoryJournal(), FakeSwitch(now=NOON)
    engine = hotline(journal, switch)
    engine.add_incident(Incident("i1", frozenset({"330000"}), "停水", unknown=True))
    engine.host.incident_prompts["i1", "zh"] = "hotline/zh/incident-1"
    await wait_in_line(engine, "c")
    assert [m["why"] for m in moments(engine, "c", "told")] == ["incident:i1"]
    assert engine.dispatcher.is_waiting("c")
    new = hotline(journal, switch, now=engine.at[0])
    await new.recover()
    assert [i.id for i in new.host.control.incidents(NOON)] == ["i1"]
    assert new.end_incident("i1")
    assert not new.end_incident("i1")


async def test_orders_that_come_too_late_are_refused_with_a_code():
    engine = hotline()
    orders = (
        engine.ask_callback, lambda x: engine.drop_party(x, "p1"), lambda x: engine.want_party(x, "join", skill="en"),
        lambda x: engine.arrange(x, "hold"), lambda x: engine.supervise(x, "listen", "8002"),
        lambda x: engine.emergency(x, "110"),
    )  # fmt: skip
    for order in orders:
        with pytest.raises(OrderError) as refused:
            order("nobody")
        assert refused.value.code == "no-such-call"
    await wait_in_line(engine, "c")
    with pytest.raises(OrderError) as refused:
        engine.want_party("c", "join", skill="en")
    assert refused.value.code == "not-talking"
    assert engine.cancel_callback("none") is None


async def test_no_number_and_no_word_is_in_what_the_host_says_of_itself():
    engine = hotline(callbacks=CallbackRules(do_not_disturb=frozenset({"13800001234"})))
    await wait_in_line(engine, "c")
    await later(engine, 10)
    engine._switch.leave("c")
    await settle(engine)
    assert engine.host.counters.callbacks_refused == 1
    assert "13800001234" not in json.dumps([repr(x) for x in engine.host.callbacks.entries()])



async def test_a_mode_may_shorten_wrap_ups_and_gives_them_back():
    engine = hotline()
    modes = {**engine.host.book.modes, "surge": ModeConfig("surge", wrap_up=10.0)}
    engine.set_book(replace(engine.host.book, modes=modes), Policy(wrap_up=60.0))
    assert engine.dispatcher.policy.wrap_up == 60.0
    engine.set_mode("surge", "me", "a storm")
    assert engine.dispatcher.policy.wrap_up == 10.0
    engine.set_book(replace(engine.host.book, modes=modes), Policy(wrap_up=45.0))
    assert engine.dispatcher.policy.wrap_up == 10.0, "a reload keeps the mode's"
    engine.set_mode("normal", "me", "over")
    assert engine.dispatcher.policy.wrap_up == 45.0


async def test_a_call_back_still_in_the_queue_when_the_hours_end_is_not_rung_at_night():
    evening = NOON + 8.4 * 3600  # 20:24, the hours end at 20:30
    engine = hotline(now=evening, callbacks=CallbackRules(min_free=0), seats=("8001",))
    engine.feed([e.PhoneUp("8001")])
    await settle(engine)
    entry = engine.add_callback("13800001234", "missed")
    await later(engine, 2)
    (leg,) = engine._switch.legs
    engine._switch.end_leg(leg, 17)  # the seat refuses, and its pause lasts beyond the hours
    engine.ask_seat("8001", SeatState.BREAK, "meal", force=True)
    await settle(engine)
    assert [c.state for c in engine.calls.values()] == [S.DUE]
    await later(engine, 600)
    assert not engine.calls
    again = engine.host.callbacks.get(entry.id)
    assert (again.state, again.attempts) == ("open", 0)


async def test_with_very_many_waiting_each_is_told_less_often():
    engine = hotline(tell_after=1, tell_every=60, long_wait=0, callback_after=1e6, callback_wait=1e6)
    engine.feed([e.PhoneUp("8001")])
    await settle(engine)
    engine.ask_seat("8001", SeatState.BREAK, "meal", force=True)
    for n in range(1000):
        engine._switch.arrive(f"c{n}", f"138{n:08d}")
        engine._switch.greeted(f"c{n}")
    await settle(engine)
    told = engine.host.tell(engine.calls["c999"], engine.at[0] + 2)
    assert told.again == 120.0


async def test_a_caller_being_called_back_who_is_found_in_the_switch_is_called_back_at_the_hotlines_own_number():
    """The switch shows what the caller was shown. Should its line be lost too, the list must know whom to ring."""
    engine = hotline()
    entry = engine.host.callbacks.add("13800001234", "lost", engine.at[0], since=engine.at[0], origin="c0")
    shown = e.Arrived(f"out-{entry.id}-1a2b.pbx-2", "PJSIP/hotline-out-1", "12345", "12345", found=True)
    assert engine.host.greet(shown, engine.at[0]).number == "13800001234"
    nobody = e.Arrived("out-abc-7-1a2b", "PJSIP/hotline-out-1", "12345", "12345", found=True)
    assert engine.host.greet(nobody, engine.at[0]).number == "", "of whom nothing is known, nothing is claimed"
