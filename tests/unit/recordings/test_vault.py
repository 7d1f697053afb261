"""The vault loses nothing, writes nowhere else, and gives back what it was given."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import BadJobError, Job, RawMissingError, Span, Vault, VaultDamagedError

ANSWERED = 1763932140.0  # 2025-11-24 05:09 in China


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def vault(tmp_path: Path, spool: Path) -> Vault:
    return Vault(tmp_path / "vault", spool, settle=1.0, patience=0.2)


def raw_file(spool: Path, data: bytes, call: str = "hotline-1763932131.12", age: float = 60.0) -> Job:
    """A raw file that the switch finished `age` seconds ago, and its job."""
    path = spool / f"{call}.raw"
    path.write_bytes(data)
    at = path.stat().st_mtime - age
    os.utime(path, (at, at))
    return Job(call, str(path), 8000, ANSWERED, ANSWERED + 1.0, (Span(0.2, 0.9, "8001"),))


def noise(frames: int) -> bytes:
    return np.random.default_rng(1).integers(-9000, 9000, (frames, 2)).astype("<i2").tobytes()


def file_set(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_set_is_complete_and_raw_is_gone(vault: Vault, spool: Path) -> None:
    data = noise(8000)
    job = raw_file(spool, data)
    manifest = vault.finalise(job)
    folder = vault.root / "2025/11/24/hotline-1763932131.12"
    assert sorted(p.name for p in folder.iterdir()) == ["audio.flac", "manifest.json"]
    assert soundfile.read(folder / "audio.flac", dtype="int16")[0].astype("<i2").tobytes() == data
    audio = manifest["audio"]
    assert (audio["rate"], audio["channels"], audio["duration"], audio["format"]) == (8000, 2, 1.0, "flac")
    assert audio["bytes"] == (folder / "audio.flac").stat().st_size
    assert vault.verify(job.call)
    assert vault.manifest(job.call) == manifest == json.loads((folder / "manifest.json").read_text())
    assert vault.relative(job.call) == "2025/11/24/hotline-1763932131.12/manifest.json"
    assert not list(spool.iterdir())
    assert vault.transcript(job.call) is None
    assert vault.job(job.call) == job


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=4000))
def test_any_raw_bytes_come_back_as_whole_frames(data: bytes, tmp_path_factory: Any) -> None:
    base = tmp_path_factory.mktemp("any")
    (base / "spool").mkdir()
    vault = Vault(base / "vault", base / "spool", settle=1.0, patience=0.2)
    job = raw_file(base / "spool", data)
    manifest = vault.finalise(job)
    path = vault.audio(job.call)
    assert path is not None
    whole = data[: len(data) - len(data) % 4]
    read = soundfile.read(path, dtype="int16", always_2d=True)[0].astype("<i2").tobytes()
    assert read == (whole or b"\0" * 4)  # nothing written: one silent frame, duration 0
    assert manifest["audio"]["frames"] == len(whole) // 4
    assert manifest["raw"] == {"bytes": len(data), "cut": len(data) % 4, "short": False}
    assert vault.verify(job.call)


def test_odd_bytes_across_blocks_do_not_shift_the_channels(vault: Vault, spool: Path) -> None:
    data = noise(70_000)  # more than one block
    job = raw_file(spool, data + b"\x7f\x7f\x7f")
    assert vault.finalise(job)["raw"]["cut"] == 3
    path = vault.audio(job.call)
    assert path is not None
    assert soundfile.read(path, dtype="int16")[0].astype("<i2").tobytes() == data


def test_truncated_recording_is_marked_short(vault: Vault, spool: Path) -> None:
    job = replace(raw_file(spool, noise(8000)), ended=ANSWERED + 30)
    assert vault.finalise(job)["raw"]["short"] is True


def test_missing_raw_is_an_error_with_a_code(vault: Vault, spool: Path) -> None:
    job = raw_file(spool, b"")
    Path(job.raw).unlink()
    with pytest.raises(RawMissingError) as e:
        vault.finalise(job)
    assert e.value.code == "raw-missing"


def test_unmounted_spool_is_the_machines_trouble_not_a_lost_recording(vault: Vault, spool: Path) -> None:
    job = raw_file(spool, b"")
    Path(job.raw).unlink()
    spool.rmdir()
    with pytest.raises(OSError, match="spool is not there"):
        vault.finalise(job)


def test_twice_gives_the_same_set(vault: Vault, spool: Path) -> None:
    job = raw_file(spool, noise(8000))
    first = vault.finalise(job)
    before = file_set(vault.root)
    assert vault.finalise(job) == first
    assert file_set(vault.root) == before


def test_raw_that_grew_after_sealing_is_kept_for_a_human(vault: Vault, spool: Path) -> None:
    job = raw_file(spool, noise(800))
    vault.finalise(job)
    raw_file(spool, noise(1600))
    vault.finalise(job)
    assert Path(job.raw).exists()


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of syncs to a real disk take half a minute."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def test_kill_at_any_line_loses_nothing_and_ends_in_the_same_set(fast_path: Path) -> None:
    """Fork, end the child like kill -9 at its n-th line of the vault's code, do the job again, compare."""
    tmp_path = fast_path
    data = noise(3000)

    def fresh(name: str) -> tuple[Vault, Job]:
        base = tmp_path / name
        (base / "spool").mkdir(parents=True)
        # An id without a day, so that the index is written too.
        job = raw_file(base / "spool", data, call="no-epoch")
        os.utime(job.raw, (1763932200.0, 1763932200.0))
        return Vault(base / "vault", base / "spool", settle=1.0, patience=0.2), replace(job, raw=job.raw)

    def killed_at(vault: Vault, job: Job, line: int) -> bool:
        """Whether the child was killed (False: it had fewer lines than that)."""
        pid = os.fork()
        if pid == 0:
            left = line

            def trace(frame: Any, event: str, arg: object) -> Any:
                nonlocal left
                if not frame.f_code.co_filename.endswith(("_vault.py", "_audio.py")):
                    return None
                if event == "line":
                    left -= 1
                    if left < 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                return trace

            sys.settrace(trace)
            vault.finalise(job)
            os._exit(0)
        return os.WIFSIGNALED(os.waitpid(pid, 0)[1])

    def the_set(vault: Vault) -> dict[str, bytes]:
        spool = str(tmp_path).encode()
        files = {k: v for k, v in file_set(vault.root).items() if not k.startswith(".tmp/")}
        manifest = next(k for k in files if k.endswith("manifest.json"))
        text = json.loads(files[manifest])
        assert text["job"].pop("raw").encode().startswith(spool)  # differs by the test's folder alone
        return {**files, manifest: json.dumps(text).encode()}

    vault, job = fresh("good")
    vault.finalise(job)
    expected = the_set(vault)
    assert any(k.startswith(".index/") for k in expected)
    line = 0
    while True:
        vault, job = fresh(f"kill-{line}")
        if not killed_at(vault, job, line):
            break
        sealed = vault.manifest(job.call) is not None
        raw = Path(job.raw)
        assert sealed or raw.read_bytes() == data, f"killed at line {line}: neither raw nor set"
        killed_at(vault, job, line // 2)  # and once more, somewhere earlier
        vault.finalise(job)
        assert the_set(vault) == expected, f"killed at line {line}"
        assert not raw.exists()
        assert vault.verify(job.call)
        line += 1
    assert line > 60  # the tracer did see the lines


def test_two_workers_at_once_make_one_set(tmp_path: Path, spool: Path) -> None:
    job = raw_file(spool, noise(40_000))
    results: list[Any] = []
    gate = threading.Barrier(4)

    def one() -> None:
        vault = Vault(tmp_path / "vault", spool, settle=1.0, patience=0.2)
        gate.wait()
        try:
            results.append(vault.finalise(job))
        except Exception as e:
            results.append(e)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == 4
    assert all(r == results[0] and isinstance(r, dict) for r in results), results
    assert Vault(tmp_path / "vault").verify(job.call)
    assert not list((tmp_path / "vault" / ".tmp").iterdir())


class Clock:
    """Time that passes only in sleep; `on_sleep` plays the switch."""

    def __init__(self, start: float, on_sleep: Any = None) -> None:
        self.now = start
        self.on_sleep = on_sleep

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.on_sleep:
            self.on_sleep(self.now)


def test_waits_while_the_switch_still_writes(tmp_path: Path, spool: Path) -> None:
    data = noise(8000)
    job = raw_file(spool, data[:100], age=0)
    start = Path(job.raw).stat().st_mtime

    def switch(now: float) -> None:
        Path(job.raw).write_bytes(data[: 100 + int((now - start) / 2.0 * len(data))])  # done after 2 s

    clock = Clock(start, switch)
    vault = Vault(tmp_path / "vault", spool, settle=1.0, patience=15, clock=clock, sleep=clock.sleep)
    assert vault.finalise(job)["audio"]["frames"] == 8000
    assert 2.0 < clock.now - start < 4.0


def test_waits_for_a_file_that_comes_late_but_not_for_ever(tmp_path: Path, spool: Path) -> None:
    job = raw_file(spool, b"", age=0)
    start = Path(job.raw).stat().st_mtime
    Path(job.raw).unlink()

    def switch(now: float) -> None:
        if now > start + 3 and not Path(job.raw).exists():
            Path(job.raw).write_bytes(noise(8000))

    clock = Clock(start, switch)
    vault = Vault(tmp_path / "vault", spool, settle=1.0, patience=15, clock=clock, sleep=clock.sleep)
    assert vault.finalise(job)["audio"]["frames"] == 8000

    endless = raw_file(spool, b"", call="endless", age=0)

    def never_stops(_: float) -> None:
        with Path(endless.raw).open("ab") as f:
            f.write(b"\1\0\1\0")

    clock = Clock(start, never_stops)
    vault = Vault(tmp_path / "vault", spool, settle=1.0, patience=15, clock=clock, sleep=clock.sleep)
    vault.finalise(endless)
    assert clock.now - start < 16


@pytest.mark.parametrize(
    "raw", ["/etc/passwd", "{spool}/../secret.raw", "{spool}", "relative.raw", "{spool}/out/secret.raw", "{spool}/link"]
)
def test_takes_and_removes_nothing_outside_of_the_spool(vault: Vault, spool: Path, raw: str) -> None:
    outside = spool.parent / "outside"
    outside.mkdir()
    for name in (outside / "secret.raw", spool.parent / "secret.raw"):
        name.write_bytes(noise(10))
        os.utime(name, (1.0, 1.0))
    (spool / "out").symlink_to(outside)
    (spool / "link").symlink_to(outside / "secret.raw")
    job = replace(raw_file(spool, noise(10)), raw=raw.format(spool=spool))
    with pytest.raises(BadJobError):
        vault.finalise(job)
    assert (outside / "secret.raw").exists() and (spool.parent / "secret.raw").exists()
    assert vault.manifest(job.call) is None


@pytest.mark.parametrize("call", ["", "..", "a/b", "a\0b", "x" * 65, ".index", "中", "a\n"])
def test_call_ids_that_are_no_file_names_are_refused(vault: Vault, call: str) -> None:
    for find in (vault.manifest, vault.transcript, vault.audio, vault.folder):
        with pytest.raises(BadJobError):
            find(call)


@pytest.mark.parametrize(
    ("call", "answered", "indexed"),
    [
        ("hotline-1763932131.12", 1763932140.0, False),
        ("1763932131.12", 1763932140.0, False),
        ("hotline-1763913590.1", 1763913601.0, False),  # rang 23:59:50, answered 00:00:01 (China)
        ("hotline-1763932131.12", 1763932131.0 + 5 * 86400, True),
        ("our-own-id", 1763932140.0, True),
    ],
)
def test_found_by_call_id_without_a_scan(
    vault: Vault, spool: Path, call: str, answered: float, indexed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(raw_file(spool, noise(800), call=call), answered=answered, ended=answered + 0.1)
    vault.finalise(job)
    assert (vault.root / ".index").exists() is indexed

    def no_scan(*_: object) -> None:
        raise AssertionError("scanned")

    for name in ("iterdir", "glob", "rglob"):
        monkeypatch.setattr(Path, name, no_scan)
    monkeypatch.setattr(os, "scandir", no_scan)
    manifest = vault.manifest(call)
    assert manifest is not None and manifest["answered"] == answered
    assert vault.audio(call) is not None
    assert vault.manifest("hotline-1763932131.999") is None


def test_damaged_files_are_told_not_served(vault: Vault, spool: Path) -> None:
    job = raw_file(spool, noise(800))
    vault.finalise(job)
    folder = vault.folder(job.call)
    assert folder is not None
    audio = (folder / "audio.flac").read_bytes()
    (folder / "audio.flac").write_bytes(audio[:-1] + bytes([audio[-1] ^ 1]))
    assert not vault.verify(job.call)
    (folder / "audio.flac").write_bytes(audio[:-5])
    with pytest.raises(VaultDamagedError):
        vault.finalise(job)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(VaultDamagedError):
        vault.manifest(job.call)


def test_transcript_beside_the_sound_and_calls_without_one_listed(vault: Vault, spool: Path) -> None:
    job = raw_file(spool, noise(800))
    with pytest.raises(VaultDamagedError):
        vault.write_transcript(job.call, {"call": job.call})
    vault.finalise(job)
    day = datetime.fromtimestamp(ANSWERED, UTC)
    assert list(vault.untranscribed(day)) == [job.call]
    vault.write_transcript(job.call, {"call": job.call, "segments": []})
    assert vault.transcript(job.call) == {"call": job.call, "segments": []}
    assert list(vault.untranscribed(day)) == []


def test_sweep_removes_only_old_leftovers(vault: Vault) -> None:
    tmp = vault.root / ".tmp"
    tmp.mkdir(parents=True)
    for name, age in (("old", 2 * 86400.0), ("new", 10.0)):
        (tmp / name).write_text("x")
        at = (tmp / name).stat().st_mtime - age
        os.utime(tmp / name, (at, at))
    assert vault.sweep() == 1
    assert [p.name for p in tmp.iterdir()] == ["new"]
