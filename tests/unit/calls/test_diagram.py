"""The diagrams are the code's, and the document shows them as they are."""

from dataclasses import replace

import pytest

from calls import CallState, diagram
from calls import events as e
from calls.machine import TABLE
from routing import SEAT_TABLE

MARKERS = ("call-states", "call-table", "seat-states")
DOCUMENT = "\n".join(f"<!-- generated: {n} -->\n<!-- end: {n} -->" for n in MARKERS)


@pytest.fixture(scope="module")
def edges():
    return diagram.call_edges()


def test_the_architecture_page_is_not_stale():
    assert diagram.main(["--check"]) == 0, "run: python -m calls.diagram"


def test_every_row_of_the_table_is_drawn(edges):
    assert set(edges) == {(state.value, event.__name__) for state, row in TABLE.items() for event in row}


def test_what_an_event_does_is_taken_from_step_and_not_from_a_list(edges, monkeypatch):
    row = TABLE[CallState.WRAP_UP]

    def forgets(call, event, now, rules):
        return replace(call, state=CallState.WAITING), ()

    monkeypatch.setitem(TABLE, CallState.WRAP_UP, {**row, e.WrapUpDone: forgets})
    changed = diagram.call_edges.__wrapped__()
    assert changed["wrap_up", "WrapUpDone"] == {"waiting"} != edges["wrap_up", "WrapUpDone"]


def test_a_row_no_call_can_reach_is_told_and_not_drawn(monkeypatch):
    monkeypatch.setitem(TABLE, CallState.ENDED, {**TABLE[CallState.ENDED], e.Arrived: lambda *a: (a[0], ())})
    with pytest.raises(diagram.DiagramError, match="ended/Arrived"):
        diagram.call_edges.__wrapped__()


def test_every_state_has_a_way_to_the_end(edges):
    ways = {(old, new) for (old, _), news in edges.items() for new in news}
    reach = {CallState.ENDED.value}
    while more := {old for old, new in ways if new in reach} - reach:
        reach |= more
    assert reach == {s.value for s in CallState}


def test_the_seats_diagram_has_every_change_of_the_table_and_no_other():
    drawn = {(old, new) for (old, _), news in diagram.seat_edges().items() for new in news if new != old}
    assert drawn == {(old.value, new.value) for old, news in SEAT_TABLE.items() for new in news if new != old}


def test_a_stale_document_fails_the_check_and_writing_mends_it(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{DOCUMENT}\nafter\n", encoding="utf-8")
    assert diagram.main(["--check"], page) == 1
    assert "python -m calls.diagram" in capsys.readouterr().err
    assert diagram.main([], page) == 0
    assert diagram.main(["--check"], page) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "waiting --> offered: Offered" in text


def test_a_lost_marker_is_told_and_the_document_left_alone(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("no markers", encoding="utf-8")
    assert diagram.main([], page) == 1
    assert "call-states" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "no markers"
