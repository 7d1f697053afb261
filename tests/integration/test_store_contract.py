"""What the store promises, on a real SQLite file and, where HOTLINE_TEST_POSTGRES_URL is set, on PostgreSQL.

That URL must name a throw-away database: the store's tables in it are dropped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import create_async_engine

from tickets import (
    BadCursor,
    CallRecord,
    Doubt,
    Draft,
    Kind,
    NoSuchTicket,
    Note,
    RevisionConflict,
    SchemaError,
    Store,
    TicketStatus,
    TranscriptStatus,
    Why,
)

POSTGRES = os.environ.get("HOTLINE_TEST_POSTGRES_URL", "")
NOW = 1763932131.5

DRAFT = Draft(
    kind=Kind.HELP, region="330302", region_name="浙江省温州市鹿城区", title="鹿城区人民路路灯坏了",
    content="鹿城区人民路路灯坏了。", address="人民路", caller_number="057712345678",
    uncertain=(Doubt("region", Why.HOMOPHONE, "鹿城区"),), made_at=NOW,
)
CALL = CallRecord(
    "hotline-1763932131.12", NOW, NOW + 60, state="ended", dialled="12345", caller_number="057712345678",
    centre="330300", answered_at=NOW + 1, joined_at=NOW + 5, ended_at=NOW + 60, seat="8001", outcome="served",
    timeline=({"at": NOW, "what": "arrived"},), legs=({"id": "a", "party": "caller"},),
)


async def emptied(url: str) -> str:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        for table in ("call_record", "ticket", "audit", "outbox", "alembic_version"):
            await connection.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))
    await engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/books/hotline.db" if request.param == "sqlite" else await emptied(POSTGRES)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = Store(url)
    await opened.migrate()
    yield opened
    await opened.close()


async def test_a_call_comes_back_as_it_was_put(store: Store) -> None:
    assert await store.call(CALL.call_id) is None
    await store.put_call(CALL)
    await store.put_call(CALL)
    assert await store.call(CALL.call_id) == CALL


async def test_calls_of_a_case_are_found_newest_first_and_no_others(store: Store) -> None:
    case = "310000-hotline-7"
    for n, one in enumerate([case, None, case, "310000-hotline-70", ""]):
        await store.put_call(replace(CALL, call_id=f"c-{n}", arrived_at=NOW + n, case_id=one))
    assert [x.call_id for x in (await store.calls(case=case)).items] == ["c-2", "c-0"]
    assert [x.call_id for x in (await store.calls(1, case=case)).items] == ["c-2"]
    found = await store.call("c-2")
    assert found is not None and found.case_id == case
    assert (await store.calls(case="\x00")).items == () and len((await store.calls()).items) == 5


async def test_an_older_record_never_replaces_a_newer_one(store: Store) -> None:
    await store.put_call(CALL)
    await store.put_call(replace(CALL, state="talking", ended_at=None, updated_at=NOW + 10))
    assert await store.call(CALL.call_id) == CALL
    newer = replace(CALL, outcome="served-again", updated_at=NOW + 61)
    await store.put_call(newer)
    assert await store.call(CALL.call_id) == newer


async def test_a_recording_outlives_a_later_record_of_its_call(store: Store) -> None:
    await store.put_call(CALL)
    await store.put_recording(CALL.call_id, recording={"sha256": "ab"}, transcript=TranscriptStatus.OK, at=NOW)
    await store.put_call(replace(CALL, updated_at=NOW + 99))
    found = await store.call(CALL.call_id)
    assert found is not None
    assert (found.recording, found.transcript, found.seat) == ({"sha256": "ab"}, TranscriptStatus.OK, "8001")


async def test_a_recording_may_come_before_its_call(store: Store) -> None:
    await store.put_recording(CALL.call_id, recording={"sha256": "ab"}, transcript=TranscriptStatus.OK, at=NOW + 3)
    assert (await store.calls()).items == ()
    await store.put_call(CALL)
    found = await store.call(CALL.call_id)
    assert found == replace(CALL, recording={"sha256": "ab"}, transcript=TranscriptStatus.OK)
    assert (await store.calls()).items == (found,)


async def test_a_failed_transcription_keeps_the_manifest(store: Store) -> None:
    await store.put_recording("c-1", recording={"sha256": "ab"}, transcript=TranscriptStatus.PENDING, at=NOW)
    await store.put_recording("c-1", recording=None, transcript=TranscriptStatus.FAILED, at=NOW)
    found = await store.call("c-1")
    assert found is not None
    assert (found.recording, found.transcript) == ({"sha256": "ab"}, TranscriptStatus.FAILED)


async def test_a_draft_comes_back_as_it_was_put(store: Store) -> None:
    ticket = await store.put_draft("c-1", DRAFT)
    assert ticket.draft == DRAFT
    assert (ticket.status, ticket.edited, ticket.revision) == (TicketStatus.DRAFT, False, 1)
    assert ticket.id.startswith("251124050851")  # NOW, as a clock in Shanghai shows it
    assert len(ticket.id) == 18
    assert await store.ticket(ticket.id) == ticket
    assert await store.ticket_of_call("c-1") == ticket
    assert await store.ticket_of_call("c-2") is None


async def test_a_redelivery_gives_the_same_ticket(store: Store) -> None:
    first = await store.put_draft("c-1", DRAFT)
    assert await store.put_draft("c-1", replace(DRAFT, made_at=NOW + 9)) == first


async def test_redeliveries_at_once_make_one_ticket(store: Store) -> None:
    made = await asyncio.gather(*(store.put_draft("c-1", DRAFT) for _ in range(8)))
    assert len({one.id for one in made}) == 1
    assert len((await store.tickets()).items) == 1


async def test_many_drafts_in_one_second_have_numbers_of_their_own(store: Store) -> None:
    made = await asyncio.gather(*(store.put_draft(f"c-{n}", DRAFT) for n in range(30)))
    assert len({one.id for one in made}) == 30


async def test_a_taken_order_number_is_drawn_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([7, 7, 7, 8])
    monkeypatch.setattr("tickets._ticket_sql.secrets.randbelow", lambda _: next(draws))
    first = await store.put_draft("c-1", DRAFT)
    second = await store.put_draft("c-2", DRAFT)
    assert (first.id[-6:], second.id[-6:]) == ("000007", "000008")


async def test_a_better_draft_replaces_the_machines_own(store: Store) -> None:
    bare = await store.put_draft("c-1", Draft(title="待补录的来电", note=Note.FAILED, made_at=NOW))
    better = await store.put_draft("c-1", DRAFT)
    assert (better.id, better.draft, better.revision) == (bare.id, DRAFT, 2)


async def test_words_are_never_replaced_by_none(store: Store) -> None:
    await store.put_draft("c-1", DRAFT)
    again = await store.put_draft("c-1", Draft(note=Note.NO_TRANSCRIPT, made_at=NOW + 1))
    assert again.draft == DRAFT


async def test_a_humans_change_is_never_overwritten(store: Store) -> None:
    ticket = await store.put_draft("c-1", DRAFT)
    changed = await store.change_ticket(
        ticket.id, 1, who="li", role="seat", at=NOW + 5,
        title="路灯", region=None, region_name=None, kind=Kind.COMPLAINT,
    )
    assert changed.draft == replace(DRAFT, title="路灯", region=None, region_name=None, kind=Kind.COMPLAINT)
    assert (changed.edited, changed.revision, changed.updated_at) == (True, 2, NOW + 5)
    assert await store.put_draft("c-1", replace(DRAFT, content="另一份")) == changed


async def test_a_confirmed_ticket_is_never_overwritten(store: Store) -> None:
    ticket = await store.put_draft("c-1", DRAFT)
    confirmed = await store.change_ticket(
        ticket.id, 1, who="li", role="seat", at=NOW, status=TicketStatus.CONFIRMED
    )
    assert confirmed.status is TicketStatus.CONFIRMED
    assert await store.put_draft("c-1", replace(DRAFT, content="另一份")) == confirmed


async def test_two_people_do_not_overwrite_each_other(store: Store) -> None:
    ticket = await store.put_draft("c-1", DRAFT)
    results = await asyncio.gather(
        *(store.change_ticket(ticket.id, 1, who=f"u{n}", role="seat", at=NOW, title=f"t{n}") for n in range(5)),
        return_exceptions=True,
    )
    conflicts = [one for one in results if isinstance(one, RevisionConflict)]
    assert len(conflicts) == 4
    assert {one.current for one in conflicts} == {2}
    assert len((await store.audits()).items) == 1


async def test_a_change_of_nothing_known_is_refused(store: Store) -> None:
    ticket = await store.put_draft("c-1", DRAFT)
    with pytest.raises(NoSuchTicket):
        await store.change_ticket("000000000000000000", 1, who="li", role="seat", at=NOW, title="x")
    for wrong in ({"made_at": 3.0}, {"title": None}, {"title": 7}, {"kind": "help"}, {"id": "1"}):
        with pytest.raises(TypeError, match="of a ticket"):
            await store.change_ticket(ticket.id, 1, who="li", role="seat", at=NOW, **wrong)
    assert await store.ticket(ticket.id) == ticket


async def test_every_change_is_in_the_audit_trail(store: Store) -> None:
    ticket = await store.put_draft("c-1", DRAFT)
    await store.change_ticket(ticket.id, 1, who="li", role="seat", at=NOW, why="听错了", title="路灯")
    looked = await store.audit("wang", "supervisor", "recording.listen", "c-1", at=NOW + 1, extra={"from": "3.5"})
    page = await store.audits()
    assert [one.what for one in page.items] == ["recording.listen", "ticket.change"]
    assert page.items[0] == looked
    assert page.items[1].extra == {"fields": ["title"], "revision": 2}
    assert "路灯" not in str(page.items[1])
    assert [one.who for one in (await store.audits(object_id=ticket.id)).items] == ["li"]
    assert [one.who for one in (await store.audits(who="wang")).items] == ["wang"]


async def test_pages_leave_out_and_repeat_nothing(store: Store) -> None:
    for n in range(7):  # several calls in the same instant
        await store.put_call(replace(CALL, call_id=f"c-{n}", arrived_at=NOW + n // 3))
        await store.put_draft(f"c-{n}", replace(DRAFT, made_at=NOW + n // 3))
        await store.audit("li", "seat", "look", f"c-{n}", at=NOW)
    for listing in (store.calls, store.tickets, store.audits):
        whole = (await listing(100)).items
        assert len(whole) == 7
        pages, cursor = [], None
        while True:
            page = await listing(2, cursor)  # type: ignore[operator]
            pages += page.items
            cursor = page.next
            if cursor is None:
                break
        assert tuple(pages) == whole
    arrived = [one.arrived_at for one in (await store.calls()).items]
    assert arrived == sorted(arrived, reverse=True)


async def test_a_new_call_does_not_shift_the_next_page(store: Store) -> None:
    for n in range(4):
        await store.put_call(replace(CALL, call_id=f"c-{n}", arrived_at=NOW + n))
    first = await store.calls(2)
    await store.put_call(replace(CALL, call_id="c-9", arrived_at=NOW + 9))
    assert [one.call_id for one in (await store.calls(2, first.next)).items] == ["c-1", "c-0"]


async def test_listings_can_be_narrowed(store: Store) -> None:
    await store.put_call(CALL)
    await store.put_call(replace(CALL, call_id="c-2", caller_number="13800000000", seat="8002", state="talking"))
    await store.put_draft(CALL.call_id, DRAFT)
    await store.put_draft("c-2", replace(DRAFT, caller_number="13800000000"))
    assert [one.call_id for one in (await store.calls(number="13800000000")).items] == ["c-2"]
    assert [one.call_id for one in (await store.calls(state="ended")).items] == [CALL.call_id]
    assert [one.call_id for one in (await store.tickets(number="13800000000")).items] == ["c-2"]
    assert [one.call_id for one in (await store.tickets(seat="8001")).items] == [CALL.call_id]
    assert (await store.tickets(status=TicketStatus.CONFIRMED)).items == ()


@pytest.mark.parametrize("cursor", ["", "?", "MTIz", "bmFufng", "MX4", "路", "a" * 500, "MS4wfgBh", "MS4wfmE"])
async def test_a_foreign_cursor_is_refused_or_finds_an_end(store: Store, cursor: str) -> None:
    for listing in (store.calls, store.tickets, store.audits):
        try:
            assert (await listing(10, cursor)).items == ()
        except BadCursor as error:
            assert cursor == "" or cursor not in str(error)


async def test_a_store_that_was_not_migrated_is_not_ready(url: str) -> None:
    fresh = Store(url)
    try:
        if url.startswith("sqlite"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True)
        with pytest.raises(SchemaError, match="migrate"):
            await fresh.ping()
        await fresh.migrate()
        await fresh.ping()
    finally:
        await fresh.close()


hostile = st.text(max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=hostile, title=hostile, content=hostile, key=hostile)
async def test_no_text_from_the_network_breaks_the_books(
    store: Store, number: str, title: str, content: str, key: str
) -> None:
    call_id = f"h-{abs(hash((number, title, content, key)))}"
    draft = replace(DRAFT, caller_number=number, title=title * 20, content=content)
    stored = await store.put_draft(call_id, draft)
    assert await store.put_draft(call_id, draft) == stored
    await store.put_call(replace(CALL, call_id=call_id, caller_number=number, timeline=({key: content},)))
    assert await store.call(call_id) is not None
    await store.audit(number, title, key, content, at=NOW, why=content, extra={key: title})
    await store.calls(number=number)
