"""A malformed job is refused with the field's name, never half understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import BadJobError, Job, Mark, PartySpan, Span

GOOD: dict[str, Any] = {
    "call": "hotline-1763932131.12",
    "raw": "/spool/hotline-1763932131.12.raw",
    "rate": 8000,
    "answered": 1763932140.25,
    "ended": 1763932200,
    "seats": [[3.5, 20.0, "8001"], [20.0, 20.0, "8002"]],
    "kind": "call",
    "parties": [[3.5, 12.0, "8001", "seat"], [5.0, 5.0, "8002", "third"], [6.0, 12.0, "line.119", "line"]],
    "spoke": [[6.5, 7.0, "8001"], [7.0, 7.0, "8001"], [6.9, 8.0, "line.119"], [7.0, 8.0, ""], [7.0, 8.0, None]],
}


def test_job_of_the_contract_is_read() -> None:
    job = Job.parse(json.dumps(GOOD))
    assert job.seats == (Span(3.5, 20.0, "8001"),)  # joined and left at once: nothing to hear
    assert job.parties == (PartySpan(3.5, 12.0, "8001", "seat"), PartySpan(6.0, 12.0, "line.119", "line"))
    assert job.spoke == (Mark(6.5, 7.0, "8001"), Mark(6.9, 8.0, "line.119"))
    assert Job.parse(job.dumps()) == job


def test_job_of_an_earlier_version_is_read() -> None:
    job = Job.parse(json.dumps({k: v for k, v in GOOD.items() if k not in ("parties", "spoke")}))
    assert (job.seats, job.parties, job.spoke) == ((Span(3.5, 20.0, "8001"),), (), ())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"call": "../x"}, "call id"),
        ({"call": 7}, "job.call"),
        ({"raw": ""}, "job.raw"),
        ({"raw": "/a\0b"}, "job.raw"),
        ({"rate": 0}, "job.rate"),  # 0 would hang the recogniser
        ({"rate": -8000}, "job.rate"),
        ({"rate": "8000"}, "job.rate"),
        ({"answered": None}, "job.answered"),
        ({"answered": True}, "job.answered"),
        ({"answered": 1e300}, "job.answered"),
        ({"ended": float("nan")}, "job.ended"),
        ({"seats": [[1, 2]]}, "job.seats"),
        ({"seats": {"8001": 1}}, "job.seats"),
        ({"seats": [[1, 2, "a b"]]}, "job.seats"),
        ({"seats": [["1", 2, "8001"]]}, "job.seats"),
        ({"kind": "fax"}, "job.kind"),
        ({"seats": [[1, 2, "8001"]] * 2001}, "job.seats: more"),
        ({"parties": {}}, "job.parties"),
        ({"parties": [[1, 2, "8001"]]}, "job.parties"),
        ({"parties": [[1, 2, "8001", "caller"]]}, "job.parties"),
        ({"parties": [[1, 2, "8001", ["seat"]]]}, "job.parties"),
        ({"parties": [[1, 2, "8001", "line"]]}, "job.parties"),  # a line is named by its entry
        ({"parties": [[1, 2, "a/b", "seat"]]}, "job.parties"),
        ({"parties": [[1, 2, None, "third"]]}, "job.parties"),
        ({"parties": [[1, float("inf"), "8001", "seat"]]}, "job.parties"),
        ({"parties": [[1, 10**400, "8001", "seat"]]}, "job.parties"),
        ({"spoke": "8001"}, "job.spoke"),
        ({"spoke": [[1, 2, "8001", "seat"]]}, "job.spoke"),
        ({"spoke": [[1, 2, 0]]}, "job.spoke"),
        ({"spoke": [[1, 2, "line./etc"]]}, "job.spoke"),
        ({"spoke": [[1, "2", "8001"]]}, "job.spoke"),
        ({"spoke": [[1, 2, "8001"]] * 20_001}, "job.spoke: more"),
    ],
)
def test_bad_field_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadJobError, match=field):
        Job.parse(json.dumps(GOOD | change))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=5), x, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(list(GOOD)), _json), st.text(max_size=20))
def test_no_input_ends_in_another_error(change: dict[str, Any], text: str) -> None:
    for source in (json.dumps(GOOD | change), text):
        try:
            job = Job.parse(source)
        except BadJobError as e:
            assert "8001" not in str(e)
        else:
            assert Job.parse(job.dumps()) == job
