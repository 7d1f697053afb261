"""The hotline directory: how a line is reached, who may be called at all, who came in, who takes which matter."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import (
    HERE,
    MOST_TRIES,
    OWN_TRIES,
    Dialable,
    Directory,
    DirectoryError,
    Entry,
    Hours,
    Matter,
    Trunk,
    parse_spans,
)


def at(text):
    return dt.datetime.fromisoformat(text + "+08:00").timestamp()


NOON, NIGHT = at("2026-11-25 12:00"), at("2026-11-25 23:00")
DAY = Hours("day", (parse_spans("08:00-20:00"),) * 7)
TRUNKS = {n: Trunk(n, f"10.0.0.{i}:5060") for i, n in enumerate(("a", "b", "c", "d"), 1)}


def book(*entries, **more):
    return Directory(entries, more.pop("trunks", TRUNKS), **more)


def tries(line):
    return [(t.trunk, t.number) for t in line.tries]


def code(call, *args, **named):
    with pytest.raises(DirectoryError) as caught:
        call(*args, **named)
    return caught.value.code


# ---------------------------------------------------------------------- reaching
def test_the_main_number_goes_over_every_trunk_before_the_second_number_does():
    line = book(Entry("water", "供水", numbers=("0571100", "0571200"), trunks=("b", "a"))).line("water", NOON)
    assert tries(line) == [("line-b", "0571100"), ("line-a", "0571100"), ("line-b", "0571200"), ("line-a", "0571200")]
    assert (line.entry, line.name, line.after, line.emergency) == ("water", "供水", "return", False)
    assert {(t.seconds, t.caller_id, t.protocol, t.entry, t.name) for t in line.tries} == {
        (20.0, "hotline", "none", "water", "供水")
    }


def test_after_its_own_tries_come_those_of_the_fallback_and_of_its_fallback():
    police = Entry(
        "110", "公安报警", kind="emergency", numbers=("110",), trunks=("a", "b"), ring=10.0, caller_id="caller",
        fallback="desk",
    )  # fmt: skip
    desk = Entry("desk", "值班", numbers=("057187000000",), trunks=("c",), protocol="uui", fallback="gov")
    line = book(police, desk, Entry("gov", "政府", numbers=("057187000001",), trunks=("d",))).line("110", NIGHT)
    assert line.emergency
    assert [(t.trunk, t.entry, t.name, t.seconds, t.caller_id, t.protocol) for t in line.tries] == [
        ("line-a", "110", "公安报警", 10.0, "caller", "none"),
        ("line-b", "110", "公安报警", 10.0, "caller", "none"),
        ("line-c", "desk", "值班", 20.0, "hotline", "uui"),
        ("line-d", "gov", "政府", 20.0, "hotline", "none"),
    ]


def test_a_fallback_that_is_closed_or_has_no_trunk_is_passed_over_but_not_what_is_behind_it():
    first = Entry("x", "甲", numbers=("1001",), trunks=("a",), fallback="shut")
    shut = Entry("shut", "乙", numbers=("1002",), trunks=("b",), hours=DAY, fallback="bare")
    bare = Entry("bare", "丙", numbers=("1003",), fallback="last")
    all_of = book(first, shut, bare, Entry("last", "丁", numbers=("1004",), trunks=("c",)))
    assert tries(all_of.line("x", NOON)) == [("line-a", "1001"), ("line-b", "1002"), ("line-c", "1004")]
    assert tries(all_of.line("x", NIGHT)) == [("line-a", "1001"), ("line-c", "1004")]


def test_a_circle_of_fallbacks_ends():
    one = Entry("x", "甲", numbers=("1001",), trunks=("a",), fallback="y")
    two = Entry("y", "乙", numbers=("1002",), trunks=("b",), fallback="x")
    assert tries(book(one, two).line("x", NOON)) == [("line-a", "1001"), ("line-b", "1002")]


def test_many_numbers_and_trunks_leave_room_for_the_fallback():
    many = Entry("x", "甲", numbers=tuple(f"10{n}" for n in range(5)), trunks=("a", "b", "c"), fallback="y")
    line = book(many, Entry("y", "乙", numbers=("2001", "2002", "2003"), trunks=("d",))).line("x", NOON)
    assert len(line.tries) == MOST_TRIES
    assert [t.entry for t in line.tries] == ["x"] * OWN_TRIES + ["y"] * (MOST_TRIES - OWN_TRIES)


def test_one_number_of_several_may_be_asked_for_and_no_other():
    water = Entry("water", "供水", numbers=("1001", "1002"), trunks=("a",))
    directory = book(water, dialable=(Dialable("9X", ("a",)),))
    assert tries(directory.line("water", NOON, number="1002")) == [("line-a", "1002")]
    assert code(directory.line, "water", NOON, number="95") == "number-not-allowed"


def test_why_a_line_cannot_be_had():
    directory = book(
        Entry("bare", "无线路", numbers=("1001",)),
        Entry("gone", "线路已删", numbers=("1002",), trunks=("nobody",)),
        Entry("empty", "无号码", trunks=("a",)),
        Entry("day", "白天", numbers=("1003",), trunks=("a",), hours=DAY, fallback="late"),
        Entry("late", "全天", numbers=("1004",), trunks=("b",)),
    )
    assert code(directory.line, "nobody", NOON) == "no-entry"
    for name in ("bare", "gone", "empty"):
        assert code(directory.line, name, NOON) == "entry-disabled"
        assert directory.state(directory.get(name), NOON) == "no-trunk"
    assert code(directory.line, "day", NIGHT) == "entry-closed"
    with pytest.raises(DirectoryError, match="late takes its calls now"):
        directory.line("day", NIGHT)
    day = directory.get("day")
    assert (directory.state(day, NOON), directory.state(day, NIGHT)) == ("ready", "closed")
    assert directory.next_change(day, NIGHT) == at("2026-11-26 08:00")


def test_an_emergency_line_is_never_closed():
    directory = book(Entry("110", "报警", kind="emergency", numbers=("110",), trunks=("a",), hours=DAY))
    assert directory.state(directory.get("110"), NIGHT) == "ready"
    assert tries(directory.line("110", NIGHT)) == [("line-a", "110")]
    assert directory.next_change(directory.get("110"), NIGHT) is None


def test_an_empty_directory_leads_nowhere():
    nothing = Directory()
    assert code(nothing.line, "110", NOON) == "no-entry"
    assert code(nothing.number_line, "110", NOON) == "number-not-allowed"
    assert (nothing.by_trunk("line-a"), nothing.by_trunk(""), nothing.by_number("110")) == (None, None, None)
    assert (nothing.resolve("110"), nothing.get("110"), nothing.entries) == (None, None, ())
    assert (nothing.search(""), nothing.for_matter("着火"), dict(nothing.emergency_digits)) == ((), (), {})


# ---------------------------------------------------------------------- numbers outside
OPEN = book(
    Entry("water", "供水", numbers=("057196390",), trunks=("a",)),
    dialable=(Dialable("0571[89]XXXXXXX", ("b", "c")), Dialable("1[3-9]XXXXXXXXX", ("d",)), Dialable("95.", ("a",))),
)


def test_an_allowed_number_goes_over_the_trunks_of_its_pattern_and_its_digits_are_no_name():
    line = OPEN.number_line("057187000000", NOON)
    assert tries(line) == [("line-b", "057187000000"), ("line-c", "057187000000")]
    assert line.entry == "number" and "0571" not in line.name
    assert tries(OPEN.number_line("13800001234", NOON)) == [("line-d", "13800001234")]
    assert tries(OPEN.number_line("95588", NOON)) == [("line-a", "95588")]


@pytest.mark.parametrize(
    "number",
    ["", "0", "110", "0571870000000", "05717700000", "0571870000", "12800001234", "95", "95" + "1" * 23, "0044207",
     "057187000000\n", "95588&SIP/evil", "９５５８８", "95588 ", "+95588", "95588@x", "057196390"],
)  # fmt: skip
def test_whatever_no_pattern_allows_is_not_dialled_and_not_repeated(number):
    with pytest.raises(DirectoryError) as caught:
        OPEN.number_line(number, NOON)
    assert caught.value.code == "number-not-allowed"
    assert not number.strip() or number.strip() not in str(caught.value)


def test_a_pattern_whose_trunk_is_gone_allows_nothing():
    directory = book(dialable=(Dialable("95.", ("nobody",)), Dialable("95588", ("a",))))
    assert tries(directory.number_line("95588", NOON)) == [("line-a", "95588")]
    assert code(directory.number_line, "95599", NOON) == "number-not-allowed"


@pytest.mark.parametrize(
    ("dialled", "found"),
    [("water", ("entry", "water")), ("057196390", ("entry", "water")), ("95588", ("number", "95588")),
     ("057187000000", ("number", "057187000000")), ("110", None), ("", None), ("8001", None)],
)  # fmt: skip
def test_what_a_seats_phone_dialled(dialled, found):
    assert OPEN.resolve(dialled) == found


@given(st.text(alphabet="0123456789*#+ab \n", max_size=26))
def test_a_number_that_is_dialled_is_one_that_a_pattern_allows_whole(number):
    try:
        line = OPEN.number_line(number, NOON)
    except DirectoryError:
        return
    assert number.isascii() and number.isdigit() and len(number) <= 24
    fixed = (len(number) == 12 and number[:4] == "0571" and number[4] in "89") or (
        len(number) == 11 and number[0] == "1" and number[1] >= "3"
    )
    assert fixed or (number.startswith("95") and len(number) > 2)
    assert all(t.number == number and t.trunk.removeprefix("line-") in TRUNKS for t in line.tries)


# ---------------------------------------------------------------------- who came in
def test_who_came_in_by_a_trunk():
    trunks = {**TRUNKS, "named": Trunk("named", "10.0.0.9:5060", origin="sh")}
    directory = book(
        Entry("sh", "上海", numbers=("02112345",), trunks=("a",)),
        Entry("x", "甲", numbers=("1001",), trunks=("b",)),
        Entry("y", "乙", numbers=("1002",), trunks=("b", "named")),
        trunks=trunks,
    )
    assert directory.by_trunk("line-a").id == "sh"
    assert directory.by_trunk("line-b") is None, "two use it: it could be either"
    assert directory.by_trunk("line-named").id == "sh", "the trunk says whose calls come in"
    for endpoint in ("a", "line-c", "line-nobody", "", "line-", "trunk", "line-line-a"):
        assert directory.by_trunk(endpoint) is None


@pytest.mark.parametrize(
    ("number", "entry"),
    [("110", "110"), ("0571110", "110"), ("010110", "110"), ("+86577110", "110"), ("02112345", "sh"),
     ("+862112345", "sh"), ("057196390", "water"), ("110110", None), ("13800001234", None), ("", None),
     ("anonymous", None), ("05711100", None)],
)  # fmt: skip
def test_whose_number_it_is(number, entry):
    directory = book(
        Entry("110", "报警", kind="emergency", numbers=("110",)),
        Entry("sh", "上海", numbers=("02112345",)),
        Entry("water", "供水", numbers=("057196390",)),
    )
    found = directory.by_number(number)
    assert (found.id if found else None) == entry


# ---------------------------------------------------------------------- matters
POLICE = Entry(
    "110", "110 报警", kind="emergency", numbers=("110",),
    takes=(Matter("违法犯罪", words=("抢劫", "打架", "rob"), codes=("S311",)),),
    refers=(
        Matter("消费纠纷", words=("退款", "消费+纠纷"), codes=("M203",), to="12315"),
        Matter("噪声", words=("广场舞", "邻居+噪声"), to=HERE),
        Matter("无人管", words=("外星人",), to="nobody"),
    ),
)  # fmt: skip
MARKET = Entry(
    "12315", "12315 市场监管", numbers=("12315",),
    takes=(Matter("消费维权", words=("退款", "假货"), codes=("M203", "M205")),),
)  # fmt: skip
MATTERS = book(POLICE, MARKET)


def advised(text):
    return [(a.entry.id if a.entry else HERE, a.by.id) for a in MATTERS.for_matter(text)]


def test_who_takes_a_matter_by_words_or_by_catalogue_code():
    assert advised("有人在抢劫") == [("110", "110")]
    assert advised("Somebody ROBBED me") == [("110", "110")]
    assert advised("a problem") == [], "rob is not in problem"
    assert advised("S311") == advised(" s311 ") == [("110", "110")]
    assert advised("M205") == [("12315", "12315")]
    assert advised("今天天气") == [] == advised("")


def test_what_a_hotline_does_not_take_is_led_to_who_does():
    assert advised("饭店消费有纠纷") == [("12315", "110")]
    assert advised("邻居噪声太大") == [(HERE, "110")], "this hotline itself"
    assert advised("外星人来了") == [], "nobody is known for it"
    (advice,) = MATTERS.for_matter("广场舞太吵")
    assert advice.entry is None and "不归110 报警" in advice.reason and "广场舞" in advice.reason
    (advice,) = MATTERS.for_matter("店家不肯退款")
    assert advice.reason == "12315 市场监管受理消费维权 (“退款”)", "its own table goes before another's word of it"


def test_a_table_that_refuses_outweighs_one_that_takes_and_longer_words_outweigh_both():
    assert advised("邻居噪声大, 打架") == [(HERE, "110")], "the police's table gives it away"
    assert advised("广场舞队抢劫打架")[0] == ("110", "110")


def test_an_emergency_line_goes_first_however_little_speaks_for_it():
    assert advised("假货假货, 店里打架了, 假货要退款")[0][0] == "12315", "its table refers refunds away"
    assert [a[0] for a in advised("买到假货, 店里打架了")] == ["110", "12315"]


def test_entries_are_found_by_id_number_name_region_and_matter():
    def found(text):
        return [e.id for e in MATTERS.search(text)]

    assert found("110") == ["110"] == found("报警") == found("违法犯罪")
    assert found("12315") == ["12315"] and found("市场 消费") == ["12315"]
    assert found("") == ["110", "12315"] and found("没有") == []
