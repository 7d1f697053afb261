"""The desk's restriction list over engine, book of calls and audit; the evidence it gathers."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest

import console
import tickets
from calls import events
from service.evidence_check import check
from tests.unit.service.test_desk_floor import Rig as FloorRig

NUMBER = "13811110000"


class Rig(FloorRig):
    """The floor's rig with a real store, and a vault of one recording."""

    def __init__(self, store, folder):
        super().__init__()
        self.folder = folder
        self.desk._store = store
        self.desk._audio = self.audio
        self.desk._transcript = self.words
        self.store = store

    async def audio(self, call):
        path = self.folder / call / "audio.flac"
        return path if path.exists() else None

    async def words(self, call):
        return {"call": call, "segments": []} if await self.audio(call) else None

    async def ended(self, call, number=NUMBER, *, recorded=False, outcome="served"):
        await self.store.put_call(tickets.CallRecord(
            call_id=call, arrived_at=self.now - 60, updated_at=self.now, state="ended", dialled="12345",
            caller_number=number, ended_at=self.now - 5, seat="8001", outcome=outcome, legs=({"id": "x"},),
        ))  # fmt: skip
        if recorded:
            (self.folder / call).mkdir()
            (self.folder / call / "audio.flac").write_bytes(b"fLaC" + call.encode())
            seal = {"audio": {"sha256": hashlib.sha256(b"fLaC" + call.encode()).hexdigest()}}
            (self.folder / call / "manifest.json").write_text(json.dumps(seal))

    async def propose(self, number=NUMBER, calls=(), by="甲", **more):
        order = console.RestrictionOrder(number=number or "13000000000", reason="abuse", note="骂人", **more)
        entry = await self.desk.restrict(order, number, list(calls), by=by, role="supervisor")
        await self.engine.turn()
        return entry

    async def bundled(self, entry, calls):
        path = self.folder / "b.zip"
        chunks = await self.desk.bundle(entry.id, calls, by="乙", role="admin")
        path.write_bytes(b"".join([chunk async for chunk in chunks]))
        return path


@pytest.fixture
async def rig(tmp_path):
    store = tickets.Store(f"sqlite:///{tmp_path}/s.db")
    await store.migrate()
    yield Rig(store, tmp_path)
    await store.close()


async def test_an_entry_goes_its_way_and_is_in_the_journal(rig):
    await rig.ended("c-1", "+86" + NUMBER)
    entry = await rig.propose(calls=["c-1"], days=3)
    assert (entry.state, entry.days, entry.begins_at, entry.until) == ("proposed", 3, None, None)
    with pytest.raises(console.RefusedError, match="second-person"):
        await rig.desk.restriction_act(entry.id, "confirm", "", by="甲", role="supervisor")
    entry = await rig.desk.restriction_act(entry.id, "confirm", "", by="乙", role="admin")
    await rig.engine.turn()
    assert entry.until == rig.now + 3 * 86400 and entry.review_at == rig.now + 1.5 * 86400
    page = await rig.desk.restrictions(open_only=True, limit=10, cursor=None)
    assert (len(page.items), page.active, page.proposed) == (1, 1, 0)
    rig.now += 3 * 86400
    assert (await rig.desk.restrictions(open_only=True, limit=10, cursor=None)).items == []
    (over,) = (await rig.desk.restrictions(open_only=False, limit=10, cursor=None)).items
    assert over.state == "expired"
    await rig.engine.turn()
    assert rig.engine._journal.tables["restrictions"][entry.id]["state"] == "expired"


@pytest.mark.parametrize(
    ("number", "calls", "code"),
    [("", [], "number-withheld"), ("110", [], "not-restrictable"), (NUMBER, ["c-9"], "not-its-call"),
     (NUMBER, ["nobody"], "not-its-call")],
)  # fmt: skip
async def test_what_cannot_be_is_refused_with_its_code(rig, number, calls, code):
    await rig.ended("c-9", "13900000000")
    with pytest.raises(console.RefusedError, match=code):
        await rig.propose(number, calls)
    assert await rig.desk.restriction("nobody") is None
    assert await rig.desk.restriction_act("nobody", "lift", "x", by="甲", role="admin") is None
    assert await rig.desk.bundle("nobody", [], by="甲", role="admin") is None


async def test_the_numbers_calls_are_known_however_they_were_written(rig):
    await rig.ended("c-1", "+86" + NUMBER, recorded=True)
    await rig.ended("c-2", NUMBER)
    await rig.ended("c-3", "13900000000")
    entry = await rig.propose("+86" + NUMBER)
    assert {one.id for one in (await rig.desk.restriction(entry.id)).known} == {"c-1", "c-2"}


async def test_a_bundle_has_the_calls_the_trail_and_names_what_is_missing(rig):
    await rig.ended("c-1", recorded=True)
    await rig.ended("c-2", outcome="turned_away")
    entry = await rig.propose(calls=["c-1"])
    await rig.store.audit("甲", "supervisor", "restriction", entry.id, at=1.0, why="proposed abuse")
    path = await rig.bundled(entry, ["c-1", "c-2"])
    found = check(path)
    assert found.faults == [] and found.recordings == 1
    missing = [(one["call"], one["what"], one["why"]) for one in found.manifest["missing"]]
    assert missing == [("c-2", "recording", "turned-away")]
    with zipfile.ZipFile(path) as bundle:
        told = json.loads(bundle.read("restriction.json"))
        (line,) = bundle.read("audit.jsonl").splitlines()
        record = json.loads(bundle.read("calls/c-1/record.json"))
    assert told["number"] == NUMBER and [m[1] for m in told["marks"]] == ["proposed", "bundle"]
    assert json.loads(line)["who"] == "甲" and record["legs"] == [{"id": "x"}]
    assert (await rig.desk.restriction(entry.id)).marks[-1].who == "乙"


async def test_a_call_of_somebody_else_does_not_go_into_the_bundle(rig):
    await rig.ended("c-9", "13900000000", recorded=True)
    entry = await rig.propose()
    with pytest.raises(console.RefusedError, match="not-its-call"):
        await rig.desk.bundle(entry.id, ["c-9"], by="乙", role="admin")


async def test_without_the_store_orders_go_on_and_evidence_is_refused(rig, monkeypatch):
    entry = await rig.propose()

    async def gone(*_, **__):
        raise tickets.StoreUnavailable("gone")

    for name in ("calls", "call", "audits"):
        monkeypatch.setattr(rig.store, name, gone)
    assert (await rig.desk.restriction(entry.id)).known == []
    assert (await rig.desk.restriction_act(entry.id, "confirm", "", by="乙", role="admin")).state == "active"
    with pytest.raises(console.UnavailableError):
        await rig.desk.bundle(entry.id, ["c-1"], by="乙", role="admin")


async def test_the_list_is_counted_without_numbers(rig):
    from service.metrics import Metrics

    entry = await rig.propose()
    await rig.desk.restriction_act(entry.id, "confirm", "", by="乙", role="admin")
    await rig.turn(events.Arrived("c-5", "PJSIP/c-5", "12345", NUMBER))
    text = Metrics(rig.engine, lambda: rig.now).text()
    assert 'hotline_restrictions{state="active"} 1.0' in text
    assert 'hotline_restricted_calls_total{variant="announce"} 1.0' in text and NUMBER not in text
