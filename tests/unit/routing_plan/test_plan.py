"""Which steps, priority and reasons a caller gets."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import (
    DEFAULT_RULE,
    Centre,
    Demand,
    Facts,
    HistoryRules,
    Hours,
    Incident,
    LeaderDay,
    ModeConfig,
    Modifier,
    NumberRule,
    RoutingBook,
    Rule,
    StepRule,
    When,
    national,
    national_prefix,
)

from .conftest import SEATS, at, seat, tree

NOW = at("2026-11-25 10:00")
WENZHOU = Rule(
    "wenzhou",
    When(skills=frozenset({"wenzhou-wu"})),
    (
        StepRule((("wenzhou-wu", 3),), centres=("home", "city"), seconds=10),
        StepRule((("local-wenzhou", 2), ("putonghua", 3)), centres=("home", "city"), seconds=10),
        StepRule((), centres=("home",), seconds=10),
        StepRule((), centres=("city",), seconds=10),
        StepRule((), centres=("province",)),
    ),
)


def facts(number="13800000000", dialled="12345", **more):
    return Facts(dialled, number, **{"now": NOW, **more})


def cut(seat="h1", ago=60.0, **more):
    return {
        "calls": [{"at": NOW - ago - 100, "ended": NOW - ago, "outcome": "served", "seat": seat, "cut": True} | more]
    }


def seats_of(book, step):
    return {s.id for s in book.seats.values() if step.fits(s)}


# ---------------------------------------------------------------------- home
@pytest.mark.parametrize(
    ("number", "home"),
    [
        ("057788880000", "330300"),
        ("+8657788880000", "330300"),
        ("8657788880000", "330300"),
        ("00865778888000", "330300"),
        ("0571-8888 0000", "330100"),
        ("13805770000", "330000"),
        ("", "330000"),
        ("anonymous", "330000"),
        ("+15771234567", "330000"),
        ("013805770000", "330000"),
    ],
)
def test_a_fixed_line_is_at_home_by_its_area_code(make, number, home):
    assert make().plan(facts(number)).centre == home


def test_the_flow_goes_before_the_number_before_the_area_code(make):
    book = make(numbers={"12333": NumberRule(centre="330500")})
    assert book.plan(facts("057788880000", "12333")).centre == "330500"
    assert book.plan(facts("057788880000", "12333", centre="330106")).centre == "330106"
    assert book.plan(facts("057788880000", "12333", centre="no-such")).centre == "330500"
    assert make(home_by_area_code=False).plan(facts("057788880000")).centre == "330000"


@pytest.mark.parametrize(
    ("number", "same"),
    [
        ("+8613800000000", "13800000000"),
        ("013800000000", "13800000000"),
        ("008657712345678", "057712345678"),
        ("+861 2345", "12345"),
        ("110", "110"),
        ("+15771234567", "0015771234567"),
        ("12345", "12345"),
        ("+86057712345678", "057712345678"),
    ],
)
def test_numbers_have_one_form(number, same):
    assert national(number) == same
    assert national(same) == same


@pytest.mark.parametrize(
    ("beginning", "same"), [("0577", "0577"), ("+86577", "0577"), ("+861", "1"), ("+1", "001"), ("+86", ""), ("1", "1")]
)
def test_beginnings_have_one_form(beginning, same):
    assert national_prefix(beginning) == same


# ---------------------------------------------------------------------- rules and steps
def test_wenzhou_speech_relaxes_step_by_step(make):
    book = make(rules=(WENZHOU, DEFAULT_RULE))
    demand = book.plan(facts("057788880000", skills=(("wenzhou-wu", 3),)))
    assert demand.why == ("rule:wenzhou",)
    assert [seats_of(book, s) for s in demand.steps] == [
        {"w1"},
        {"w2"},
        {"w1"},
        {"w1", "w2"},
        {"p1", "h1", "x1", "x2", "w1", "w2", "u1"},
    ]
    assert [s.seconds for s in demand.steps] == [10, 10, 10, 10, None]
    assert demand.skills == (("wenzhou-wu", 3),)


def test_the_first_rule_that_holds_is_taken_and_without_any_the_default(make):
    first = Rule("a", When(callers=("0577*",)))
    second = Rule("b", When(dialled=frozenset({"12345"})))
    book = make(rules=(first, second, DEFAULT_RULE))
    assert book.plan(facts("057788880000")).why[0] == "rule:a"
    assert book.plan(facts()).why[0] == "rule:b"
    assert book.plan(facts(dialled="12315")).why[0] == "rule:default"
    assert make(rules=(first,)).plan(facts()).why[0] == "rule:default"


def test_a_dialled_number_goes_by_its_own_rule_whatever_when_says(make):
    tax = Rule("tax", When(callers=("nobody",)), (StepRule(add=(("tax", 3),), centres=("330000-tax",)),), by_name=True)
    book = make(rules=(tax, DEFAULT_RULE), numbers={"12366": NumberRule(rule="tax")})
    demand = book.plan(facts(dialled="12366"))
    assert demand.why == ("rule:tax",)
    assert [seats_of(book, s) for s in demand.steps] == [{"t1"}]
    assert demand.steps[0].skills == (("putonghua", 1), ("tax", 3))
    anybody = make(rules=(Rule("x", by_name=True), DEFAULT_RULE))
    assert anybody.plan(facts()).why == ("rule:default",), "a rule by name holds for nobody else"


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        (When(), True),
        (When(dialled=frozenset({"12345"})), True),
        (When(dialled=frozenset({"12315"})), False),
        (When(callers=("057788880000",)), True),
        (When(callers=("05778",)), False),
        (When(callers=("010*", "057*")), True),
        (When(languages=frozenset({"zh"})), True),
        (When(languages=frozenset({"en"})), False),
        (When(skills=frozenset({"tax"})), True),
        (When(skills=frozenset({"en"})), False),
        (When(centres=("330300",)), True),
        (When(centres=("330000",)), False),
        (When(centres=("330000+",)), True),
        (When(modes=frozenset({"surge"})), True),
        (When(modes=frozenset({"normal"})), False),
        (When(emergency=False), True),
        (When(emergency=True), False),
        (When(history=frozenset({"cut_off", "repeat"})), True),
        (When(history=frozenset({"repeat"})), False),
        (When(hours=(Hours("x", (((0, 1440),),) * 7),)), True),
        (When(hours=(Hours("x"),)), False),
        (When(outside=(Hours("x"),)), True),
        (When(outside=(Hours("x", (((0, 1440),),) * 7),)), False),
        (When(dialled=frozenset({"12345"}), skills=frozenset({"en"})), False),
    ],
)
def test_conditions(make, when, holds):
    book = make(rules=(Rule("it", when), DEFAULT_RULE))
    demand = book.plan(facts("+8657788880000", skills=(("tax", 2),), history=cut()), "surge")
    assert (demand.why[0] == "rule:it") is holds


def test_skills_left_out_are_what_the_flow_asked_for_then_the_default(make):
    rule = Rule("r", steps=(StepRule(seconds=5), StepRule((), centres=("any",))))
    book = make(rules=(rule,))
    assert book.plan(facts(skills=(("en", 2),))).steps[0].skills == (("en", 2),)
    assert book.plan(facts()).steps[0].skills == (("putonghua", 1),)
    assert book.plan(facts()).steps[1].skills == ()
    added = make(rules=(Rule("r", steps=(StepRule(add=(("en", 3), ("tax", 1))),)),))
    assert added.plan(facts(skills=(("en", 4),))).steps[0].skills == (("en", 4), ("tax", 1)), "the higher level counts"


def test_a_step_that_brings_nobody_is_left_out_with_its_seconds(make):
    book = make()
    plan = book.explain(facts())  # at home in the province: its own seats, then all
    assert [seats_of(book, s) for s in plan.demand.steps] == [{"p1"}, {"p1", "h1", "x1", "x2", "w1", "w2", "u1"}]
    alone = make(seats=[seat("p1", "330000")])
    plan = alone.explain(facts())
    assert len(plan.demand.steps) == 1, "home and province are the same seats"
    assert plan.demand.steps[0].seconds is None
    assert plan.left_out == ("putonghua @province",)
    plan = alone.explain(facts("057788880000"))
    assert [seats_of(alone, s) for s in plan.demand.steps] == [{"p1"}], "a centre without seats is no step"


def test_all_staffed_centres_are_written_as_any_to_keep_the_journal_small(make):
    book = make(seats=[s for s in SEATS if s.centre != "330000-tax"])
    assert book.plan(facts()).steps[-1].centres is None
    assert make().plan(facts()).steps[-1].centres is not None, "a sub-centre is not for every caller"


def test_there_is_always_a_step(make):
    book = make(rules=(Rule("r", steps=(StepRule(centres=("330502",)),)),), seats=[seat("p1", "330000")])
    assert len(book.plan(facts()).steps) == 1
    assert book.plan(facts()).steps[0].centres is None, "rather anybody than nobody"


def test_a_closed_centre_is_passed_over(make):
    shut = tree(**{"330300": Centre("330300", "温州", "city", "330000", hours=Hours("never"), area_code="0577")})
    demand = make(tree=shut).plan(facts("057788880000"))
    assert demand.steps[0].seconds == 0
    assert "closed:330300" in demand.why
    assert make().plan(facts("057788880000")).steps[0].seconds == 10


def test_interpreters_leaders_and_assistants_are_no_seats_for_callers(make):
    extra = [
        seat("i", "330000", "interpreter"),
        seat("l", "330000", "leader"),
        seat("a", "330000", "assistant"),
        seat("e", "330000", "expert"),
    ]
    book = make(seats=[*SEATS, *extra], rules=(Rule("r", steps=(StepRule((), centres=("any",)),)),))
    found = seats_of(book, book.plan(facts()).steps[0])
    assert "e" in found
    assert found.isdisjoint({"i", "l", "a"})


# ---------------------------------------------------------------------- modifiers
CUT = Modifier("cut-off", When(history=frozenset({"cut_off"})), 5, same_seat=15)
REPEAT = Modifier("repeat", When(history=frozenset({"repeat"})), 1)
POLICE = Modifier("emergency-line", When(emergency=True), 30)


def test_a_cut_off_caller_gets_the_same_seat_first_and_stands_further_ahead(make):
    demand = make(modifiers=(CUT,)).plan(facts(history=cut("h1")))
    assert demand.steps[0].seats == {"h1"}
    assert demand.steps[0].seconds == 15
    assert demand.priority == 5
    assert demand.why == ("rule:default", "cut-off:same-seat")


@pytest.mark.parametrize(
    "history",
    [
        cut(ago=601),
        cut(cut=False),
        {},
        {"calls": []},
        {"calls": None},
        {"calls": [None, 3]},
        {"calls": [{"cut": True}]},
    ],
)
def test_no_same_seat_without_a_recent_cut(make, history):
    demand = make(modifiers=(CUT,)).plan(facts(history=history))
    assert demand.steps[0].seats is None
    assert demand.priority == 0


def test_a_seat_that_is_gone_or_unknown_is_no_step_but_the_priority_stays(make):
    for gone in ("zz", None, 7):
        demand = make(modifiers=(CUT,)).plan(facts(history=cut(gone)))
        assert demand.steps[0].seats is None
        assert demand.why == ("rule:default", "cut-off")
        assert demand.priority == 5


def test_a_repeat_caller_is_counted_with_this_call(make):
    calls = [{"at": NOW - 3600 * n, "ended": NOW - 3600 * n + 60, "outcome": "served"} for n in (1, 5, 23, 25)]
    book = make(modifiers=(REPEAT,), history=HistoryRules(repeat_calls=4))
    assert book.plan(facts(history={"calls": calls})).why == ("rule:default", "repeat:4"), "25 hours ago is not today"
    assert book.plan(facts(history={"calls": calls[1:]})).why == ("rule:default",)


@pytest.mark.parametrize(
    ("number", "dialled", "counts"),
    [
        ("110", "12345", True),
        ("0577110", "12345", True),
        ("+86577110", "12345", True),
        ("0571119", "12345", True),
        ("13811000000", "12345", False),
        ("0577110110", "12345", False),
        ("", "99110", True),
        ("111", "12345", False),
    ],
)
def test_emergency_lines_by_number_or_by_their_trunk(make, number, dialled, counts):
    demand = make(modifiers=(POLICE,), emergency_dialled=frozenset({"99110"})).plan(facts(number, dialled))
    assert (demand.priority == 30) is counts


def test_priorities_add_up(make):
    book = make(modifiers=(CUT, POLICE), rules=(Rule("r", priority=2),))
    assert book.plan(facts("110", history=cut(), priority=1)).priority == 1 + 2 + 5 + 30


# ---------------------------------------------------------------------- leader day
def day(**more):
    return LeaderDay(dt.date(2026, 11, 25), 540, 660, **{"leader": "l", "assistant": "a", "seconds": 3.0, **more})


def test_on_a_leader_day_the_leader_comes_first_then_ordinary_seats(make):
    seats = [*SEATS, seat("l", "330000", "leader"), seat("a", "330000", "assistant")]
    book = make(seats=seats, leader_days=(day(),))
    demand = book.plan(facts())
    assert demand.steps[0].seats == {"l"}
    assert demand.steps[0].seconds == 3
    assert demand.why == ("rule:default", "leader-day:l")
    assert seats_of(book, demand.steps[1]) == {"p1"}
    assert book.duty(NOW)["l"] is True
    assert book.assistant_of("l", NOW) == "a"
    assert book.assistant_of("p1", NOW) is None
    for other in ("2026-11-25 08:59", "2026-11-25 11:00", "2026-11-24 10:00"):
        assert book.plan(facts(now=at(other))).steps[0].seats is None
        assert book.duty(at(other))["l"] is False
        assert book.assistant_of("l", at(other)) is None
    assert book.next_duty_change(at("2026-11-25 08:00")) == at("2026-11-25 09:00")


def test_a_leader_day_may_be_for_some_numbers_or_centres_only(make):
    book = make(leader_days=(day(dialled=frozenset({"12315"}), centres=frozenset({"330300"})),))
    assert book.explain(facts("057788880000", "12315")).leader is not None
    assert book.explain(facts("057788880000")).leader is None
    assert book.explain(facts(dialled="12315")).leader is None


def test_cut_off_goes_before_the_leader(make):
    demand = make(modifiers=(CUT,), leader_days=(day(),)).plan(facts(history=cut("h1")))
    assert [s.seats for s in demand.steps[:2]] == [{"h1"}, {"l"}]


# ---------------------------------------------------------------------- modes, third parties, incidents
def test_a_mode_relaxes_faster_and_adds_steps(make):
    surge = ModeConfig("surge", scale=0.5, extra=(StepRule((), centres=("330000-tax",)),), extra_after=20)
    book = make(modes={"normal": ModeConfig("normal"), "surge": surge})
    calm, busy = book.plan(facts()), book.plan(facts(), "surge")
    assert [s.seconds for s in calm.steps] == [10, None]
    assert [s.seconds for s in busy.steps] == [5, 10, None]
    assert seats_of(book, busy.steps[2]) == {"t1"}
    assert busy.why == ("rule:default", "mode:surge")
    assert book.plan(facts(), "no-such-mode").steps == calm.steps


def test_an_interpreter_is_looked_for_nearby_first_then_anybody_with_the_skill(make):
    seats = [
        seat("i1", "330300", "interpreter", en=4),
        seat("i2", "330100", "interpreter", en=4),
        seat("b1", "330000", en=3),
    ]
    book = make(seats=seats)
    demand = book.third("en", "330300")
    assert demand.kind == "third"
    assert [seats_of(book, s) for s in demand.steps] == [{"i1"}, {"i1", "i2"}, {"b1"}]
    assert demand.steps[-1].seconds is None
    assert [seats_of(book, s) for s in book.third({"en": 4}, "nowhere").steps] == [set(), {"i1", "i2"}, set()]
    assert book.third("en", seat="i2").steps[0].seats == {"i2"}


@pytest.mark.parametrize(
    ("number", "region", "unknown", "told"),
    [
        ("0577888800", "330300", False, True),
        ("0577888800", "330302", False, True),
        ("0577888800", "330100", False, False),
        ("0577888800", "330000", False, True),
        ("13800000000", "330300", False, False),
        ("13800000000", "330300", True, True),
        ("0571888800", "330300", True, False),
    ],
)
def test_an_incident_is_for_callers_of_its_region(make, number, region, unknown, told):
    one = Incident("water", frozenset({region}), "停水", unknown=unknown)
    assert bool(make(incidents=(one,)).incidents_for(facts(number))) is told
    assert bool(make().incidents_for(facts(number), [one])) is told
    assert not make().incidents_for(facts(number), [Incident("w", frozenset({region}), "x", until=NOW, unknown=True)])


# ---------------------------------------------------------------------- always
text = st.text(max_size=14) | st.from_regex(r"\+?[0-9]{0,14}", fullmatch=True)
values = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers()
rows = st.dictionaries(st.sampled_from(["at", "ended", "outcome", "seat", "cut"]), values, max_size=5)


@given(text, text, st.lists(rows, max_size=5), st.floats(), st.sampled_from(["normal", "surge", "x"]))
def test_whatever_is_known_there_is_a_plan_that_survives_the_journal(number, dialled, calls, now, mode):
    book = RoutingBook(
        tree(),
        "330000",
        {s.id: s for s in SEATS},
        rules=(WENZHOU, DEFAULT_RULE),
        modifiers=(CUT, REPEAT, POLICE),
        leader_days=(day(),),
    )
    demand = book.plan(Facts(dialled, number, history={"calls": calls}, now=now), mode)
    assert demand.steps
    assert demand.steps[-1].seconds is None
    assert all(s.seconds is not None for s in demand.steps[:-1])
    assert Demand.from_json(demand.json()) == demand
    assert any(demand.fits(s) for s in SEATS)
    assert number not in " ".join(demand.why) or len(number) < 6, "no personal data in reasons"
