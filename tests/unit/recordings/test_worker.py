"""What a worker does when the machine, Redis or the recogniser misbehaves. (Fake queue, real vault.)"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from recordings import Job, RecogniserError, RecordingSettings, Utterance, Vault, Word
from recordings._queue import Delivery
from recordings._worker import HUNG, Worker


class FakeQueue:
    """Hands out the given deliveries, then tells the worker to stop."""

    def __init__(self, stopping: threading.Event, deliveries: list[Delivery]) -> None:
        self.stopping, self.deliveries = stopping, deliveries
        self.finished: list[tuple[str, dict[str, str], dict[str, str] | None]] = []
        self.renewed: list[bool] = []
        self.finish_errors = 0

    def prepare(self) -> None:
        pass

    def take(self) -> Delivery | None:
        if self.deliveries:
            return self.deliveries.pop(0)
        self.stopping.set()
        return None

    def behind(self, id_: str, older_than: float, count: int = 20) -> list[tuple[str, str]]:
        return []

    def renew(self, id_: str, *, forgive: bool = False) -> bool:
        self.renewed.append(forgive)
        return True

    def finish(self, id_: str, result: dict[str, str], dead: dict[str, str] | None = None) -> bool:
        if self.finish_errors:
            self.finish_errors -= 1
            raise redis.ConnectionError("away")
        self.finished.append((id_, result, dead))
        return True


class Says:
    """A recogniser that says one word, or does what `instead` does."""

    name = "says"

    def __init__(self, instead: Any = None) -> None:
        self.instead = instead

    def transcribe(self, blocks: Iterable[bytes], rate: int) -> Iterator[Utterance]:
        if self.instead:
            self.instead()
        yield Utterance((Word("好", 0.0, 0.1, 1.0),))


class Setup:
    def __init__(self, tmp_path: Path) -> None:
        (tmp_path / "spool").mkdir()
        self.settings = RecordingSettings(
            redis_url="redis://unused", root=tmp_path / "vault", spool=tmp_path / "spool", settle=0.5, patience=0.1,
            retry_pause=0.0, job_seconds=0.2, job_factor=0.0, claim_idle=0.3,
        )  # fmt: skip
        self.vault = Vault(self.settings.root)
        raw = self.settings.spool / "c-1.raw"
        raw.write_bytes(bytes(4000))
        os.utime(raw, (1.0, 1.0))
        self.raw = raw
        self.job = Job("c-1", str(raw), 8000, 1763932140.0, 1763932140.1, ())
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.exits: list[int] = []

    def run(self, *counts: int, recognizer: Any = None, **queue: Any) -> FakeQueue:
        stopping = threading.Event()
        fake = FakeQueue(stopping, [Delivery(f"1-{i}", self.job.dumps(), n) for i, n in enumerate(counts)])
        for k, v in queue.items():
            setattr(fake, k, v)
        worker = Worker(
            self.settings, fake, recognizer, lambda e, **f: self.log.append((e, f)), stopping, self.exits.append
        )  # type: ignore[arg-type]
        assert worker.run() == "stopped"
        return fake


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def full_disk() -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


def test_full_disk_is_waited_for_and_never_counts_as_poison(setup: Setup) -> None:
    queue = setup.run(1, 2, 3, recognizer=Says(full_disk))
    assert queue.finished == []  # still pending
    assert queue.renewed.count(True) == 3  # forgiven each time
    assert ("machine-trouble", {"call": "c-1", "error": "ENOSPC"}) in setup.log
    [done] = setup.run(4, recognizer=Says()).finished  # a count left over from elsewhere
    assert done[1]["error"] == "gave-up"
    assert setup.vault.verify("c-1")


def test_full_disk_while_sealing_keeps_the_raw_file(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recordings._audio.raw_to_flac", lambda *_: full_disk())
    assert setup.run(1, recognizer=Says()).finished == []
    assert setup.raw.exists()


def test_recogniser_that_refuses_is_a_failed_result_with_the_sound_kept(setup: Setup) -> None:
    def refuse() -> None:
        raise RecogniserError("no")

    [(_, result, dead)] = setup.run(1, recognizer=Says(refuse)).finished
    assert (result["status"], result["error"]) == ("failed", "recogniser-error")
    assert result["manifest"] == setup.vault.relative("c-1") != ""
    assert dead is not None


def test_unforeseen_error_is_tried_again_and_then_given_up(setup: Setup) -> None:
    def bug() -> None:
        raise ZeroDivisionError("您好 13800000000")

    queue = setup.run(1, 2, 3, recognizer=Says(bug))
    [(id_, result, dead)] = queue.finished
    assert (id_, result["error"]) == ("1-2", "gave-up")
    assert result["manifest"] == setup.vault.relative("c-1") != ""
    assert dead is not None and dead["deliveries"] == "3"
    assert "13800000000" not in repr(setup.log) + repr(queue.finished)  # an error's text may quote words


def test_job_whose_sound_alone_kills_workers_is_not_touched_again(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vault, "finalise", lambda *_: pytest.fail("touched"))
    [(_, result, _)] = setup.run(5, recognizer=Says()).finished
    assert (result["error"], result["manifest"]) == ("gave-up", "")
    assert setup.raw.exists()


def test_hung_recogniser_ends_the_process(setup: Setup) -> None:
    ended = threading.Event()
    setup.exits = type("Exits", (list,), {"append": lambda s, c: (list.append(s, c), ended.set())})()
    setup.run(1, recognizer=Says(lambda: ended.wait(10)))
    assert list(setup.exits) == [HUNG]
    assert "job-hung" in [e for e, _ in setup.log]


def test_result_is_reported_when_redis_comes_back(setup: Setup) -> None:
    queue = setup.run(1, recognizer=Says(), finish_errors=2)
    assert [r["status"] for _, r, _ in queue.finished] == ["ok"]
    assert [e for e, _ in setup.log].count("redis-away") == 2


def test_without_a_model_the_sound_is_kept_and_nothing_is_dead(setup: Setup) -> None:
    [(_, result, dead)] = setup.run(1, recognizer=None).finished
    assert (result["error"], dead) == ("no-model", None)
    assert setup.vault.verify("c-1")


def test_job_done_before_is_transcribed_again_without_its_raw_file(setup: Setup) -> None:
    setup.run(1, recognizer=None)
    assert not setup.raw.exists()
    job = setup.vault.job("c-1")
    assert job == setup.job
    [(_, result, _)] = setup.run(1, recognizer=Says()).finished
    assert result["status"] == "ok"
    words = setup.vault.transcript("c-1")
    assert words is not None and words["segments"][0]["text"] == "好"
