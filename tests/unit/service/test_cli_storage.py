"""What waits for a human in storage can be seen and decided at the terminal, with an entry in the audit trail."""

import asyncio
import os

import pytest
from typer.testing import CliRunner

from recordings import Job, Vault
from service.cli import app
from service.errors import ServiceError
from tickets import Draft, Store


@pytest.fixture
def var(tmp_path, monkeypatch):
    monkeypatch.setenv("HOTLINE_VAR_DIR", str(tmp_path))

    async def make():
        store = Store(f"sqlite:///{tmp_path}/hotline.db", outbox=True)
        await store.migrate()
        ticket = await store.put_draft("c-1", Draft(content="路灯坏了", caller_number="13800138000", made_at=1.0))
        message = await store.next_message(10.0)
        await store.message_refused(message.id, "http-400", 5.0)
        await store.close()
        return ticket.id, message.id

    ticket, message = asyncio.run(make())
    (tmp_path / "spool").mkdir()
    raw = tmp_path / "spool" / "c-1.raw"
    raw.write_bytes(bytes(400))
    os.utime(raw, (1.0, 1.0))
    vault = Vault(tmp_path / "recordings", tmp_path / "spool", settle=0.01, patience=0.01)
    vault.finalise(Job("c-1", str(raw), 8000, 1763932140.0, 1763932141.0, ()))
    return tmp_path, ticket, message


def run(*args):
    return CliRunner().invoke(app, list(args), env={"COLUMNS": "200"})


def audits(var):
    async def read():
        store = Store(f"sqlite:///{var[0]}/hotline.db")
        found = [(a.what, a.object_id, a.why) for a in (await store.audits()).items]
        await store.close()
        return found

    return asyncio.run(read())


def test_refused_messages_are_shown_without_their_contents_and_given_up(var):
    _, ticket, message = var
    shown = run("outbox", "list")
    assert shown.exit_code == 0 and ticket in shown.output and "http-400" in shown.output
    assert "路灯" not in shown.output and "13800138000" not in shown.output
    assert run("outbox", "drop", str(message), "--why", "重复").exit_code == 0
    assert audits(var) == [("outbox.drop", ticket, "重复")]
    assert "0 refused" in run("outbox", "list").output
    again = run("outbox", "drop", str(message), "--why", "重复")
    assert again.exit_code != 0 and isinstance(again.exception, ServiceError)


def test_a_refused_message_is_tried_again(var):
    _, ticket, message = var
    assert run("outbox", "retry", str(message)).exit_code == 0
    assert "0 refused, 1 waiting" in run("outbox", "list").output
    assert audits(var) == [("outbox.retry", ticket, "")]


def test_a_recording_is_held_and_released(var):
    assert run("recordings", "hold", "c-1", "--why", "行政诉讼").exit_code == 0
    shown = run("recordings", "holds").output
    assert "c-1" in shown and "行政诉讼" in shown
    assert run("recordings", "release", "c-1", "--why", "结案").exit_code == 0
    assert "c-1" not in run("recordings", "holds").output
    assert [a[0] for a in audits(var)] == ["recording.release", "recording.hold"]
    for command in (("hold", "none"), ("release", "c-1"), ("hold", "../x")):
        result = run("recordings", *command, "--why", "x")
        assert result.exit_code != 0 and isinstance(result.exception, ServiceError), command
