"""A caller who was turned away leaves nothing behind: the raw file goes, no set, no transcript, no draft."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from recordings import BadJobError, Discard, Job, RecordingSettings, parse_job
from recordings._queue import Delivery
from recordings._worker import Worker

from .test_worker import FakeQueue, Says


class Setup:
    def __init__(self, tmp_path: Path) -> None:
        (tmp_path / "spool").mkdir()
        self.settings = RecordingSettings(
            redis_url="redis://unused", root=tmp_path / "vault", spool=tmp_path / "spool", settle=0.05, patience=0.1,
            retry_pause=0.0,
        )  # fmt: skip
        self.raw = self.settings.spool / "c-1.raw"
        self.raw.write_bytes(bytes(4000))
        self.log: list[tuple[str, dict[str, Any]]] = []

    def run(self, raw: str, call: str = "c-1", times: int = 1) -> FakeQueue:
        stopping = threading.Event()
        job = json.dumps({"call": call, "raw": raw, "kind": "discard"})
        fake = FakeQueue(stopping, [Delivery(f"1-{i}", job, 1) for i in range(times)])
        worker = Worker(
            self.settings, fake, Says(), lambda e, **f: self.log.append((e, f)), stopping  # type: ignore[arg-type]
        )
        assert worker.run() == "stopped"
        return fake


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_the_raw_file_goes_and_nobody_is_told(setup: Setup) -> None:
    other = setup.settings.spool / "c-2.raw"
    other.write_bytes(bytes(10))
    [(_, result, dead)] = setup.run(str(setup.raw)).finished
    assert (result, dead) == ({}, None)  # acknowledged, without a result: no draft
    assert not setup.raw.exists()
    assert other.exists()
    assert not list(setup.settings.root.rglob("*.*"))  # no set


def test_twice_is_as_once(setup: Setup) -> None:
    assert [r for _, r, _ in setup.run(str(setup.raw), times=2).finished] == [{}, {}]
    assert not setup.raw.exists()


@pytest.mark.parametrize("where", ["outside", "link", "folder", "relative", "other call", "spool"])
def test_nothing_else_is_ever_removed(setup: Setup, tmp_path: Path, where: str) -> None:
    precious = tmp_path / "precious.raw"
    precious.write_bytes(b"precious")
    spool = setup.settings.spool
    raw = {
        "outside": str(precious), "link": str(spool / "l" / "c-1.raw"), "folder": str(spool / "c-3.raw"),
        "relative": str(spool / ".." / "precious.raw"), "other call": str(spool / "c-1.raw"), "spool": str(spool),
    }[where]  # fmt: skip
    (spool / "l").symlink_to(tmp_path)
    (tmp_path / "c-1.raw").write_bytes(b"precious")
    (spool / "c-3.raw").mkdir()
    call = {"folder": "c-3", "other call": "c-9"}.get(where, "c-1")
    [(_, result, dead)] = setup.run(raw, call).finished
    assert result == {}
    assert dead is not None and dead["error"] == "bad-job"  # for a human to look at
    assert precious.read_bytes() == (tmp_path / "c-1.raw").read_bytes() == b"precious"
    assert setup.raw.exists() and (spool / "c-3.raw").is_dir()


def test_a_finished_recording_of_the_call_stays(setup: Setup) -> None:
    """Should a call ever have both jobs, what was sealed is never touched."""
    from recordings import Vault

    vault = Vault(setup.settings.root, setup.settings.spool, settle=0.05, patience=0.1)
    vault.finalise(Job("c-1", str(setup.raw), 8000, 1763932140.0, 1763932140.1, ()))
    setup.raw.write_bytes(bytes(10))
    setup.run(str(setup.raw))
    assert not setup.raw.exists()
    assert vault.verify("c-1")


def test_jobs_are_told_apart() -> None:
    assert parse_job('{"call": "c-1", "raw": "/s/c-1.raw", "kind": "discard"}') == Discard("c-1", "/s/c-1.raw")
    job = Job("c-1", "/s/c-1.raw", 8000, 1.0, 2.0, ())
    assert parse_job(job.dumps()) == job
    for bad in ("", "[]", "{}", '{"kind": "discard", "raw": "/s/x.raw", "call": "../x"}', '{"kind": "discard"}'):
        with pytest.raises(BadJobError):
            parse_job(bad)
