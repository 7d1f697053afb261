"""Allow patterns: what they allow, what is none, and that reading one never takes long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import Dialable, PatternError


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("110", ["110"], ["11", "1100", "119", ""]),
        ("X", ["0", "9"], ["", "10", "x", "*"]),
        ("ZN", ["12", "99"], ["02", "10", "11"]),
        ("[1-36]", ["1", "2", "3", "6"], ["0", "4", "-", "9"]),
        ("0571[2-8]XXXXXXX", ["057181234567"], ["057191234567", "0571812345678"]),
        ("95.", ["950", "95588", "95" + "0" * 22], ["95", "94", "95" + "0" * 23, "95a", "95*"]),
    ],
)
def test_what_a_pattern_allows(pattern, yes, no):
    rule = Dialable(pattern)
    assert [n for n in yes if not rule.allows(n)] == []
    assert [n for n in no if rule.allows(n)] == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [("", "is empty"), (".", "at the end"), ("1.2", "at the end"), ("1..", "at the end"), ("(1+)+", r"'\('"),
     ("1*", r"'\*'"), ("1!", "'!'"), ("_1X", "'_'"), ("1x", "'x'"), ("[12", "without"), ("[]", "empty"),
     ("[3-1]", "no set"), ("[1-]", "no set"), ("[-1]", "no set"), ("[a-z]", "no set"), ("１", "'１'"), ("1\n", "part"),
     ("1" * 25, "24"), ("+86", r"'\+'")],
)  # fmt: skip
def test_what_is_no_pattern_says_why(pattern, reason):
    with pytest.raises(PatternError, match=reason):
        Dialable(pattern)


@pytest.mark.parametrize(
    ("pattern", "beginning", "may"),
    [("00.", "00", True), ("XX", "00", True), ("X.", "00", True), ("ZX", "00", False), ("0", "00", False),
     ("01.", "00", False), ("0[0-3]X", "00", True)],
)  # fmt: skip
def test_whether_a_pattern_could_lead_abroad(pattern, beginning, may):
    assert Dialable(pattern).may_begin(beginning) is may


@given(st.text(alphabet="0159XZN[]-.*+() ", max_size=30), st.text(max_size=30))
def test_any_text_is_a_pattern_or_not_and_allows_digits_only(pattern, number):
    try:
        rule = Dialable(pattern)
    except PatternError:
        return
    if rule.allows(number):
        assert number.isascii() and number.isdigit() and 0 < len(number) <= 24


@given(st.text(alphabet="0123456789", min_size=1, max_size=24))
def test_a_number_is_its_own_pattern(number):
    assert Dialable(number).allows(number)
    assert not Dialable(number).allows(number + "0")
