"""Context of a call on its way to another hotline: headers that survive hostile input, handovers that open once."""

import json
import logging
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from calls import Call, CallState
from calls._handover import KEEP, LIFE, MAX_BODY, Handover, HandoverBook, HandoverError, HandoverIssuer
from calls._uui import (
    CASE_HEADER,
    MAX_VALUE,
    UUI_HEADER,
    call_of_case,
    case_of,
    clean_case,
    decode_uui,
    encode_uui,
    own_case,
)
from routing import Line, Try

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True)
TOKENS = st.from_regex(r"[A-Za-z0-9_-]{16,64}", fullmatch=True)
ID, TOKEN = "5f2a", "t" * 32
PRINTABLE = re.compile(r"[!-~]+")


# ---------------------------------------------------------------------- User-to-User
@given(IDS, TOKENS)
def test_what_is_sent_is_what_is_read(handover_id, token):
    value = encode_uui(handover_id, token)
    assert decode_uui(value) == (handover_id, token)
    assert PRINTABLE.fullmatch(value) and len(bytes.fromhex(value.partition(";")[0])) <= 128


def test_the_header_is_as_the_standard_has_it():
    data = f"hl1;{ID};{TOKEN}".encode().hex()
    assert encode_uui(ID, TOKEN) == f"{data};encoding=hex;purpose=hotline-handover"


@pytest.mark.parametrize(
    ("handover_id", "token"),
    [("", TOKEN), ("a;b", TOKEN), ("-a", TOKEN), (ID, "short"), (ID, TOKEN + ";"), (ID, TOKEN + "\r\nVia: x"),
     ("a" * 64, "t" * 64), ("a\n", TOKEN)],
)  # fmt: skip
def test_what_does_not_fit_the_header_is_not_sent(handover_id, token):
    with pytest.raises(ValueError, match="handover id"):
        encode_uui(handover_id, token)


GOOD = encode_uui(ID, TOKEN)
DATA = GOOD.partition(";")[0]


@pytest.mark.parametrize(
    "value",
    [
        f"{DATA.upper()};encoding=hex;purpose=hotline-handover",
        f" {DATA} ; PURPOSE = Hotline-Handover ; Encoding = HEX ",
        f'"{DATA}";encoding="hex";purpose=hotline-handover',
        f"{DATA};purpose=hotline-handover;encoding=hex;content=isdn-uui;x",
        f"04c8d5;encoding=hex;purpose=isdn-uui, {GOOD}",
        f'"a, \\" b";purpose=other,{GOOD}',
        f"{GOOD},{encode_uui('other', TOKEN)}",
    ],
)
def test_ours_is_found_in_every_way_the_standard_allows(value):
    assert decode_uui(value) == (ID, TOKEN)


def hexed(text):
    return f"{text.encode().hex()};encoding=hex;purpose=hotline-handover"


@pytest.mark.parametrize(
    "value",
    [
        None, 5, b"x", [], "", ";", ",", "=", '"', DATA, f"{DATA};encoding=hex", f"{DATA};purpose=hotline-handover",
        GOOD.replace("=hex", "=utf8"), GOOD.replace("hotline-handover", "isdn-uui"), GOOD[1:], "z" + GOOD[1:],
        GOOD + ";encoding=hex", GOOD + ";purpose=isdn-uui", f'"{GOOD}"', GOOD.replace(DATA, DATA + " " + DATA),
        hexed(f"hl2;{ID};{TOKEN}"), hexed(f"hl1;{ID}"), hexed(f"hl1;{ID};{TOKEN};x"), hexed(f"hl1;{ID};kurz"),
        hexed(f"hl1;../../{ID};{TOKEN}"), hexed(f"hl1;{ID}\n;{TOKEN}"), hexed(f"hl1;{ID};{TOKEN}\n"),
        hexed(f"hl1;甲;{TOKEN}"), hexed("hl1;a;" + "t" * 130), f"ff{DATA[2:]};encoding=hex;purpose=hotline-handover",
        "," * MAX_VALUE, ";" * MAX_VALUE, '"' * MAX_VALUE, "\\" * MAX_VALUE, GOOD + "," * MAX_VALUE,
    ],
)  # fmt: skip
def test_what_is_not_ours_is_nothing(value):
    assert decode_uui(value) is None


@settings(max_examples=300)
@given(st.one_of(
    st.text(max_size=200),
    st.text(alphabet='0123456789abcdef;,="\\ \t%', max_size=300),
    st.builds(lambda a, b, c: a + GOOD[b:] + c, st.text(max_size=20), st.integers(0, len(GOOD)), st.text(max_size=20)),
    st.builds(lambda raw: f"{raw.hex()};encoding=hex;purpose=hotline-handover", st.binary(max_size=200)),
))  # fmt: skip
def test_garbage_never_raises_and_gives_only_what_could_be_sent(value):
    found = decode_uui(value)
    if found is not None:
        assert decode_uui(encode_uui(*found)) == found


# ---------------------------------------------------------------------- cases
@pytest.mark.parametrize("case", ["330100-hotline-1795475050.0", "a", "x" * 80, "SH/2026#17", "12345@hz"])
def test_a_case_of_another_hotline_is_kept_as_it_is(case):
    assert clean_case(case) == case and clean_case(f" {case}\t") == case


@pytest.mark.parametrize(
    "case",
    [None, 7, "", " ", "x" * 81, "a b", "a\r\nVia: x", "a\n", "${SHELL(id)}", "a,b", "a;b", 'a"b', "a\\b", "案件",
     "a%0d", "<a>", "x" * (MAX_VALUE + 1)],
)  # fmt: skip
def test_what_could_be_read_as_more_than_a_name_is_no_case(case):
    assert clean_case(case) == ""


@given(st.text(max_size=100))
def test_a_case_is_always_fit_for_a_header(text):
    case = clean_case(text)
    assert case == "" or (len(case) <= 80 and PRINTABLE.fullmatch(case) and case == text.strip(" \t"))


def call(call_id="hotline-1.2", case=""):
    made = Call(
        id=call_id, state=CallState.TALKING, channel="PJSIP/x", dialled="12345", caller_number="13800000000",
        caller_name="", flow="", arrived_at=100.0,
    )  # fmt: skip
    return replace(made, case=case)


def test_a_call_keeps_the_case_it_came_with_and_else_begins_its_own():
    assert case_of(call(), "330100") == "330100-hotline-1.2" == own_case("hotline-1.2", "330100")
    assert case_of(call(case="310000-x-7"), "330100") == "310000-x-7"
    assert case_of(call(case="a b"), "330100") == "330100-hotline-1.2"
    assert case_of(call(), "杭州") == "hotline-1.2"
    assert call_of_case("330100-hotline-1.2", "330100") == "hotline-1.2"
    assert call_of_case("330100", "330100") == call_of_case("310000-hotline-1.2", "330100") == ""


# ---------------------------------------------------------------------- the book
def counting(prefix="", start=0):
    numbers = iter(range(start, 10**9))
    return lambda: f"{prefix}{next(numbers):020d}"


def a_book(rows=(), start=0, **more):
    return HandoverBook(counting("h", start), counting("token", start), rows, **more)


def refused(book, handover_id, token, now):
    with pytest.raises(HandoverError) as error:
        book.redeem(handover_id, token, now)
    return error.value.code


def test_a_handover_opens_once():
    book = a_book()
    handover_id, token = book.issue({"case": "c"}, 100.0, call="c1", to="shanghai", by="8001")
    one = book.redeem(handover_id, token, 101.0)
    assert (one.body, one.call, one.to, one.by) == ({"case": "c"}, "c1", "shanghai", "8001")
    assert refused(book, handover_id, token, 101.0) == "used"


def test_a_wrong_token_uses_nothing_up_and_does_not_tell_what_there_is():
    book = a_book()
    handover_id, token = book.issue({}, 100.0)
    assert refused(book, handover_id, token[:-1] + "x", 100.0) == "unknown"
    assert refused(book, "nobody", token, 100.0) == "unknown"
    assert refused(book, "nobody", "", 100.0) == "unknown"
    assert refused(book, handover_id, "密\ud800", 100.0) == "unknown"
    book.redeem(handover_id, token, 100.0)
    assert refused(book, handover_id, "other", 100.0) == "unknown"


def test_a_handover_expires_and_is_forgotten_later():
    book = a_book()
    handover_id, token = book.issue({"x": 1}, 100.0)
    book.check(handover_id, token, 100.0 + LIFE - 0.1)
    assert refused(book, handover_id, token, 100.0 + LIFE) == "expired"
    book.tidy(100.0 + KEEP - 1)
    assert book.get(handover_id).body is None
    assert refused(book, handover_id, token, 100.0 + KEEP - 1) == "expired"
    book.tidy(100.0 + KEEP)
    assert refused(book, handover_id, token, 100.0 + KEEP) == "unknown"
    assert len(book) == 0


def test_rows_hold_neither_a_token_nor_a_case_that_is_over():
    book = a_book()
    first = book.issue({"number": "13800000000"}, 100.0)
    second = book.issue({"number": "13900000000"}, 101.0)
    rows = dict(book.take_changes())
    assert set(rows) == {first[0], second[0]}
    assert all(token not in json.dumps(rows) for _, token in (first, second))
    assert "13800000000" in json.dumps(rows)
    book.redeem(*first, 102.0)
    ((_, row),) = book.take_changes()
    assert row["body"] is None and row["used_at"] == 102.0
    book.tidy(101.0 + LIFE)
    rows = dict(book.take_changes())
    assert set(rows) == {second[0]} and all(row["body"] is None for row in rows.values())
    assert book.take_changes() == []
    book.tidy(101.0 + KEEP)
    assert book.take_changes() == [(first[0], None), (second[0], None)]


def test_a_process_that_takes_over_knows_what_was_used():
    store = {}

    def written(book):
        for key, row in book.take_changes():
            store[key] = json.loads(json.dumps(row))

    book = a_book()
    used, waiting = book.issue({"n": 1}, 100.0), book.issue({"n": 2}, 100.0)
    book.redeem(*used, 101.0)
    written(book)
    after = a_book(store.values(), start=50)
    assert refused(after, *used, 102.0) == "used"
    assert after.redeem(*waiting, 102.0).body == {"n": 2}


def test_what_nobody_was_shown_can_be_given_back_until_it_expires():
    book = a_book()
    handover_id, token = book.issue({"n": 1}, 100.0)
    one = book.redeem(handover_id, token, 101.0)
    book.give_back(one)
    book.give_back(one)
    assert book.redeem(handover_id, token, 102.0).body == {"n": 1}
    book.tidy(103.0)
    book.give_back(one)
    book.tidy(100.0 + LIFE)
    assert book.get(handover_id).body is None
    book.give_back(one)
    assert refused(book, handover_id, token, 100.0 + LIFE) == "expired"


def test_a_full_book_refuses_and_has_room_again_by_time():
    book = a_book(max_open=3)
    for n in range(3):
        book.issue({}, 100.0 + n)
    with pytest.raises(HandoverError, match="full"):
        book.issue({}, 110.0)
    book.issue({}, 100.0 + KEEP)


@pytest.mark.parametrize("body", [{"x": "長" * MAX_BODY}, {"x": object()}, {"x": float("nan")}, {"x": {1, 2}}])
def test_a_body_the_journal_could_not_write_is_not_taken(body):
    book = a_book()
    with pytest.raises(ValueError, match=r"body|JSON"):
        book.issue(body, 100.0)
    assert book.take_changes() == []


def test_later_changes_of_what_was_given_change_nothing():
    book, body = a_book(), {"earlier": []}
    handover_id, token = book.issue(body, 100.0)
    body["earlier"].append("x")
    assert book.redeem(handover_id, token, 100.0).body == {"earlier": []}


WHOLE = {"id": "a", "sha256": "x", "body": {}, "issued_at": 1, "expires_at": 2}


@pytest.mark.parametrize(
    "row", [{}, {"id": 1}, {**WHOLE, "sha256": None}, {**WHOLE, "body": 5}, {**WHOLE, "issued_at": "?"}]
)
def test_a_row_that_cannot_be_read_is_counted_and_passed_over(row):
    book = a_book([row])
    assert (book.broken, len(book)) == (1, 0)


def test_a_row_of_a_newer_version_is_read():
    book = a_book()
    handover_id, token = book.issue({"n": 1}, 100.0)
    (_, row), = book.take_changes()
    assert Handover.from_json({**row, "newer": 1}) == book.get(handover_id)
    assert a_book([{**row, "newer": 1}], start=9).redeem(handover_id, token, 100.0).body == {"n": 1}


class Life(RuleBasedStateMachine):
    """Issue, fetch, die, take over, in any order: never shown twice, never lost before its time."""

    @initialize()
    def begin(self):
        self.now, self.made, self.store = 1000.0, 0, {}
        self.book = a_book()
        self.tokens, self.issued, self.shown = {}, {}, set()

    @rule(seconds=st.sampled_from([0.0, 1.0, 250.0, 2000.0]))
    def passes(self, seconds):
        self.now += seconds

    @rule()
    def issue(self):
        handover_id, token = self.book.issue({"n": self.made}, self.now)
        self.made += 1
        self.tokens[handover_id], self.issued[handover_id] = token, self.now
        self.write()

    @rule(data=st.data(), how=st.sampled_from(["shown", "silent journal", "dies before", "dies after", "wrong"]))
    def fetch(self, data, how):
        if not self.tokens:
            return
        handover_id = data.draw(st.sampled_from(sorted(self.tokens)))
        if how == "wrong":
            assert refused(self.book, handover_id, "x" * 30, self.now) == "unknown"
            return
        alive = self.now < self.issued[handover_id] + LIFE
        try:
            one = self.book.redeem(handover_id, self.tokens[handover_id], self.now)
        except HandoverError as error:
            assert handover_id in self.shown or not alive, "lost before its time"
            assert error.code in ("used", "expired", "unknown")
            return
        assert alive and handover_id not in self.shown, "shown twice"
        assert one.body is not None
        if how == "silent journal":
            self.book.give_back(one)
        elif how == "dies before":  # not written, not shown
            self.over()
        else:
            self.write()
            self.shown.add(handover_id)
            if how == "dies after":
                self.over()

    @rule()
    def write(self):
        for key, row in self.book.take_changes():
            if row is None:
                self.store.pop(key, None)
            else:
                self.store[key] = json.loads(json.dumps(row))

    @rule()
    def over(self):
        self.book = a_book(self.store.values(), start=self.made)
        assert self.book.broken == 0

    @rule()
    def tidy(self):
        self.book.tidy(self.now)
        for one in (self.book.get(i) for i in self.tokens):
            assert one is None or one.body is None or self.now < one.expires_at, "kept beyond its purpose"
            assert one is None or self.now < one.issued_at + KEEP

    @invariant()
    def no_token_is_stored(self):
        text = json.dumps(self.store)
        assert all(token not in text for token in self.tokens.values())


TestLife = Life.TestCase


# ---------------------------------------------------------------------- the issuer
def line(*protocols):
    return Line("shanghai", "上海12345", tuple(Try("line-sh", "12345", protocol=p) for p in protocols))


def an_issuer(body_of=lambda call, note: {"case": call.id, **({"note": note} if note else {})}, **more):
    return HandoverIssuer(a_book(**more), body_of, lambda: "330100")


def test_a_line_to_another_hotline_carries_case_and_handover():
    issuer = an_issuer()
    headers = issuer.issue(call(), line("none", "uui"), "8001", 100.0)
    assert headers[CASE_HEADER] == "330100-hotline-1.2" and set(headers) == {CASE_HEADER, UUI_HEADER}
    one = issuer.book.redeem(*decode_uui(headers[UUI_HEADER]), 101.0)
    assert (one.body, one.call, one.to, one.by) == ({"case": "hotline-1.2"}, "hotline-1.2", "shanghai", "8001")
    assert issuer.counts.issued == 1


def test_what_the_seat_says_is_in_the_handover_and_in_no_header():
    issuer = an_issuer()
    headers = issuer.issue(call(), line("uui"), "8001", 100.0, "lamp broken")
    assert issuer.book.redeem(*decode_uui(headers[UUI_HEADER]), 101.0).body["note"] == "lamp broken"
    said = headers[UUI_HEADER].split(";")[0]
    assert "lamp" not in str(headers) and "lamp" not in bytes.fromhex(said).decode()


def test_other_lines_carry_nothing_and_nothing_is_kept_for_them():
    issuer = an_issuer()
    assert issuer.issue(call(), line("none"), "8001", 100.0) == {}
    assert issuer.take_changes() == []


def fails(call, note):
    raise KeyError("13800000000 王")


@pytest.mark.parametrize(
    "issuer", [an_issuer(fails), an_issuer(lambda call, note: {"x": object()}), an_issuer(max_open=0)]
)
def test_a_case_that_cannot_be_told_does_not_keep_the_call_from_going_out(issuer, caplog):
    with caplog.at_level(logging.DEBUG):
        headers = issuer.issue(call(), line("uui"), "8001", 100.0)
    assert headers == {CASE_HEADER: "330100-hotline-1.2"}
    assert issuer.counts.withheld == 1 and "1380000" not in caplog.text and "王" not in caplog.text


def test_the_issuer_takes_the_rows_of_an_earlier_process():
    before = an_issuer()
    found = decode_uui(before.issue(call(), line("uui"), "8001", 100.0)[UUI_HEADER])
    after = HandoverIssuer(a_book(start=9), dict, lambda: "330100")
    after.recover([row for _, row in before.take_changes()], 101.0)
    assert after.book.redeem(*found, 102.0).body == {"case": "hotline-1.2"}
