"""What callers hear when parties come, go and fail: every word is a prompt that is always there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ivr
from calls import _words

ENTRIES = st.sampled_from(["110", "119", "120", "122", "police-hangzhou", "", "num-1", "1"])


@pytest.mark.parametrize("entry", ["110", "119", "120", "122"])
def test_the_line_that_is_rung_is_named(entry: str) -> None:
    assert _words.emergency_connecting(entry) == (f"emergency-connecting-{entry}",)


def test_a_line_without_words_of_its_own_is_an_emergency_line() -> None:
    assert _words.emergency_connecting("coast-guard") == ("emergency-connecting",)


def test_the_digits_of_emergency_lines_are_told_in_their_order() -> None:
    assert _words.emergency_offer({"9": "110", "8": "120"}) == (
        "emergency-offer-110", "num-9", "emergency-offer-120", "num-8",
    )  # fmt: skip
    assert _words.emergency_offer({}) == ()
    assert _words.emergency_offer({"*": "110", "9": "coast-guard"}) == (), "no words for them"


@given(ENTRIES, st.dictionaries(st.sampled_from("0123456789*#"), ENTRIES))
def test_every_word_is_a_prompt_the_service_insists_on(entry: str, digits: dict[str, str]) -> None:
    said = {
        *_words.emergency_connecting(entry), *_words.emergency_offer(digits), *_words.emergency_failed(),
        *_words.party_left(), *_words.transfer_failed(), *_words.held(),
    }  # fmt: skip
    assert said <= set(ivr.SYSTEM_PROMPTS)
