"""Recording workers against a real Redis, real processes and the real recogniser.

Speech is espeak-ng's, band-limited and sent through G.711 A-law as a telephone line would.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis as sync_redis
import redis.asyncio
import soundfile
from pypinyin import Style, lazy_pinyin

from recordings import (
    GROUP,
    Job,
    Mark,
    PartySpan,
    RecordingSettings,
    Span,
    Vault,
    WorkerPool,
    character_error_rate,
    enqueue,
    revive,
    text_of,
)
from recordings._settings import ENVIRONMENT

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="apt install espeak-ng"),
]

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "config" / "asr" / "zh-small"
ANSWERED = 1763932140.0
CALLER = "你好，我要反映一个问题，鹿城区人民路的路灯坏了，三天了，请派人来修。"
SEAT = "您好，这里是12345热线，请问有什么可以帮您？"
SEAT_END = "好的，我已经记录，我们会尽快处理，请问还有其他问题吗？"
CALLER_END = "没有了，谢谢，再见。"
# None of these was used to train the model.
CALLER_VOICE, SEAT_VOICE = "+f4", "+m5"


# ------------------------------------------------------------------ speech
@cache
def speech(text: str, voice: str) -> np.ndarray:
    """8 kHz samples of a sentence as they come out of a telephone line."""
    spoken = text.replace("12345", "一二三四五")
    pinyin = lazy_pinyin(spoken, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=True)
    line = re.sub(r"\s*[，。？]\s*", ", ", " ".join(pinyin)).strip(", ")
    command = ["espeak-ng", "-v", f"cmn-latn-pinyin{voice}", "-s", "165", "--stdout", line]
    data, rate = soundfile.read(BytesIO(subprocess.run(command, capture_output=True, check=True).stdout))
    # Down to 8 kHz and to the band of a telephone, in the spectrum; then G.711.
    spectrum, n = np.fft.rfft(data), round(len(data) * 8000 / rate)
    f = np.fft.rfftfreq(len(data), 1 / rate)
    spectrum[(f < 300) | (f > 3400)] = 0
    y = np.fft.irfft(spectrum[: n // 2 + 1], n)
    coded = BytesIO()
    soundfile.write(coded, 0.35 * y / np.abs(y).max(), 8000, format="WAV", subtype="ALAW")
    coded.seek(0)
    return np.asarray(soundfile.read(coded, dtype="int16")[0])


def stereo(*parts: tuple[str, np.ndarray | float]) -> np.ndarray:
    """("l"|"r", samples) or ("", seconds of silence), one after another; right is what the caller hears."""
    out = []
    for side, sound in parts:
        samples = np.zeros(round(sound * 8000), "<i2") if isinstance(sound, float) else sound
        quiet = np.zeros(len(samples), "<i2")
        out.append(np.stack([samples, quiet] if side == "l" else [quiet, samples], axis=1))
    return np.concatenate(out).astype("<i2")


def dialogue() -> tuple[np.ndarray, tuple[Span, ...]]:
    """Greeting, seat, caller, seat, caller; the seat is joined after the greeting."""
    greeting = stereo(("", 0.5), ("r", speech("感谢您的来电，请稍等。", SEAT_VOICE)), ("", 0.7))
    talk = stereo(
        ("r", speech(SEAT, SEAT_VOICE)), ("", 1.0), ("l", speech(CALLER, CALLER_VOICE)), ("", 1.0),
        ("r", speech(SEAT_END, SEAT_VOICE)), ("", 0.8), ("l", speech(CALLER_END, CALLER_VOICE)), ("", 0.5),
    )  # fmt: skip
    return np.concatenate([greeting, talk]), (Span(len(greeting) / 8000, (len(greeting) + len(talk)) / 8000, "8001"),)


# ------------------------------------------------------------------ Redis and workers
def _redis_command() -> list[str]:
    root = ROOT / "var" / "rootfs"
    loader, server = root / "usr/lib64/ld-linux-x86-64.so.2", root / "usr/bin/redis-server"
    if loader.exists() and server.exists():
        return [
            str(loader),
            "--library-path",
            f"{root}/usr/lib/x86_64-linux-gnu",
            "--argv0",
            "redis-server",
            str(server),
        ]
    if (system := shutil.which("redis-server")) is not None:
        return [system]
    pytest.skip("no redis-server: make setup")


class RedisServer:
    """A Redis of our own that can be stopped and started again with its data."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.folder, self.url = folder, f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        self._process = subprocess.Popen(
            [*_redis_command(), *options, "--dir", str(self.folder)], stdout=subprocess.DEVNULL
        )
        client = sync_redis.Redis.from_url(self.url)
        for _ in range(200):
            try:
                client.ping()
                break
            except sync_redis.RedisError:
                assert self._process.poll() is None, "redis-server ended"
                self._process.poll()
                signal.sigtimedwait([], 0.05)
        client.close()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@dataclass
class Bench:
    """One test's vault, spool, Redis prefix and log."""

    settings: RecordingSettings
    client: redis.asyncio.Redis
    vault: Vault
    log: list[tuple[str, dict[str, Any]]]

    def raw(self, call: str, samples: np.ndarray, seats: tuple[Span, ...] = ()) -> Job:
        path = self.settings.spool / f"{call}.raw"
        path.write_bytes(samples.astype("<i2").tobytes())
        os.utime(path, (ANSWERED, ANSWERED))
        return Job(call, str(path), 8000, ANSWERED, ANSWERED + len(samples) / 8000, seats)

    async def put(self, job: Job) -> str:
        return str(await self.client.xadd(self.settings.jobs, {"job": job.dumps()}))

    def pool(self, **changes: Any) -> WorkerPool:
        return WorkerPool(replace(self.settings, **changes), lambda e, **f: self.log.append((e, f)))

    async def results(self, n: int, timeout: float = 40.0) -> list[dict[str, str]]:
        """The first n results, waited for."""
        found: list[dict[str, str]] = []
        last = "0"
        async with asyncio.timeout(timeout):
            while len(found) < n:
                for _, entries in await self.client.xread({self.settings.results: last}, block=500) or []:
                    found += [fields for _, fields in entries]
                    last = entries[-1][0]
        return found

    async def nothing_is_left(self) -> None:
        """No job in the stream, none pending."""
        assert await self.client.xlen(self.settings.jobs) == 0
        assert (await self.client.xpending(self.settings.jobs, GROUP))["pending"] == 0


@pytest.fixture
async def bench(own_redis: RedisServer, tmp_path: Path) -> AsyncIterator[Bench]:
    (tmp_path / "spool").mkdir()
    settings = RecordingSettings(
        redis_url=own_redis.url,
        prefix=f"{tmp_path.name}:",
        root=tmp_path / "vault",
        spool=tmp_path / "spool",
        model=MODEL,
        settle=0.5,
        patience=1.0,
        claim_idle=1.5,
        retry_pause=0.2,
        stop_grace=15.0,
    )
    client = redis.asyncio.Redis.from_url(own_redis.url, decode_responses=True)
    yield Bench(settings, client, Vault(settings.root, settings.spool), [])
    await client.aclose()


async def until(condition: Callable[[], Any], timeout: float = 30.0) -> None:
    """Wait for something that only a file or a process shows."""
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.002)


# ------------------------------------------------------------------ tests
async def test_both_sides_of_a_call_become_the_right_words(bench: Bench) -> None:
    samples, seats = dialogue()
    await bench.put(bench.raw("hotline-1763932131.1", samples, seats))
    pool = bench.pool()
    await pool.start()
    try:
        [result] = await bench.results(1)
        assert pool.health() == (True, "")
    finally:
        await pool.stop()
    assert result == {
        "call": "hotline-1763932131.1", "status": "ok", "error": "",
        "manifest": "2025/11/24/hotline-1763932131.1/manifest.json",
    }  # fmt: skip
    words = bench.vault.transcript("hotline-1763932131.1")
    assert words is not None
    for party, said in (("caller", CALLER + CALLER_END), ("seat", SEAT + SEAT_END)):
        rate = character_error_rate(said, text_of(words, party))
        assert rate < 0.10, f"{party}: {rate:.0%}: {text_of(words, party)}"
    assert {s["seat"] for s in words["segments"]} == {None, "8001"}
    assert words["segments"][0]["party"] == "seat"  # the greeting is not transcribed, the seat speaks first
    assert words["segments"][0]["start"] >= seats[0].start - 0.001
    times = [w["start"] for s in words["segments"] for w in s["words"]]
    assert times == sorted(times)  # nobody interrupts here
    assert not list(bench.settings.spool.iterdir())
    await bench.nothing_is_left()
    # Names of workers that left do not pile up.
    assert await bench.client.xinfo_consumers(bench.settings.jobs, GROUP) == []


async def test_each_party_has_its_own_words_and_music_on_hold_is_nobodys(bench: Bench) -> None:
    """Seat, hold (a voice in the music), then seat and fire brigade in one talk, told apart by who-spoke marks."""
    line_says = "您好，请问着火的具体位置在哪里？"
    parts = [
        stereo(("r", speech(SEAT, SEAT_VOICE)), ("", 0.6)),
        stereo(("r", speech("感谢您的来电，请稍等。", SEAT_VOICE)), ("", 0.6)),  # in the music
        stereo(("r", speech(line_says, "+f4")), ("", 0.8)),
        stereo(("r", speech(SEAT_END, SEAT_VOICE)), ("", 0.6)),
    ]
    at = [0.0, *np.cumsum([len(p) / 8000 for p in parts]).tolist()]
    job = replace(
        bench.raw("parties.1", np.concatenate(parts), (Span(0.0, at[4], "8001"),)),
        parties=(
            PartySpan(at[0], at[1], "8001", "seat"), PartySpan(at[2], at[4], "8001", "seat"),
            PartySpan(at[2], at[4], "line.119", "line"),
        ),
        spoke=(Mark(at[2] + 0.2, at[3] - 0.6, "line.119"), Mark(at[3] + 0.2, at[4] - 0.3, "8001")),
    )  # fmt: skip
    await bench.put(job)
    pool = bench.pool()
    await pool.start()
    try:
        assert (await bench.results(1))[0]["status"] == "ok"
    finally:
        await pool.stop()
    words = bench.vault.transcript("parties.1") or {"segments": []}
    said = {who: "".join(s["text"] for s in words["segments"] if s["who"] == who) for who in ("8001", "line.119", None)}
    assert character_error_rate(line_says, said["line.119"]) < 0.10, said
    assert character_error_rate(SEAT + SEAT_END, said["8001"]) < 0.10, said
    assert said[None] == ""
    kept = (bench.vault.manifest("parties.1") or {})["job"]
    assert kept["parties"] == [[p.start, p.end, p.who, p.kind] for p in job.parties]
    assert kept["spoke"] == [[m.start, m.end, m.who] for m in job.spoke]
    assert bench.vault.job("parties.1") == job


@pytest.mark.parametrize("voice", ["+f4", "+m8", "+Denis", "+Mario"])
async def test_error_rate_of_the_demonstration_in_voices_never_trained_on(bench: Bench, voice: str) -> None:
    said = [CALLER, SEAT, SEAT_END, CALLER_END]
    samples = np.concatenate([stereo(("", 0.4), ("l", speech(s, voice)), ("", 0.8)) for s in said])
    await bench.put(bench.raw("voices.1", samples))
    pool = bench.pool()
    await pool.start()
    try:
        await bench.results(1)
    finally:
        await pool.stop()
    words = bench.vault.transcript("voices.1")
    assert words is not None
    assert character_error_rate("".join(said), text_of(words, "caller")) < 0.10, text_of(words, "caller")


def long_talk(minutes: float) -> np.ndarray:
    one = stereo(("l", speech(CALLER, CALLER_VOICE)), ("", 0.5))
    return np.concatenate([one] * round(minutes * 60 * 8000 / len(one)))


@pytest.mark.parametrize("same_pool", [True, False], ids=["successor of the same name", "worker elsewhere"])
async def test_kill_9_in_the_middle_of_a_job_loses_nothing(bench: Bench, same_pool: bool) -> None:
    call = "hotline-1763932131.2"
    job = bench.raw(call, long_talk(4))
    await bench.put(job)
    pool, other = bench.pool(stop_grace=0.1), bench.pool()
    await pool.start()
    try:
        # The sound is sealed, the words take some seconds more: kill it there.
        await until(lambda: bench.vault.manifest(call))
        [pid] = pool.pids
        if not same_pool:
            # The whole service dies with it: stopped first, so that its pool ends it with SIGKILL and no successor.
            os.kill(pid, signal.SIGSTOP)
            await pool.stop()
            assert bench.vault.transcript(call) is None, "too late to kill: make the call longer"
            await other.start()
        else:
            os.kill(pid, signal.SIGKILL)
            assert bench.vault.transcript(call) is None, "too late to kill: make the call longer"
        [result] = await bench.results(1, 60)
        assert result["status"] == "ok"
        words = bench.vault.transcript(call)
        assert words is not None
        said = CALLER * round(words["duration"] / (len(speech(CALLER, CALLER_VOICE)) / 8000 + 0.5))
        assert character_error_rate(said, text_of(words, "caller")) < 0.10
        assert bench.vault.verify(call)
        await bench.nothing_is_left()
        assert await bench.client.xlen(bench.settings.results) == 1
        if same_pool:
            assert ("worker-died", -9) in [(e, f.get("code")) for e, f in bench.log]
    finally:
        await pool.stop()
        await other.stop()


async def test_kill_before_the_sound_is_sealed_keeps_the_raw_file(bench: Bench) -> None:
    call = "hotline-1763932131.3"
    await bench.put(bench.raw(call, long_talk(4)))
    pool = bench.pool()
    await pool.start()
    try:
        await until(lambda: list(bench.settings.root.glob(".tmp/*")))
        os.kill(pool.pids[0], signal.SIGKILL)
        assert bench.vault.manifest(call) is None
        assert (bench.settings.spool / f"{call}.raw").exists()
        [result] = await bench.results(1, 60)
        assert result["status"] == "ok"
        assert bench.vault.verify(call)
    finally:
        await pool.stop()


async def test_long_job_is_not_stolen_from_a_worker_that_works(bench: Bench) -> None:
    await bench.put(bench.raw("long.1", long_talk(5)))
    first, second = bench.pool(claim_idle=0.6), bench.pool(claim_idle=0.6)
    await first.start()
    await second.start()
    try:
        owners, deliveries = set(), set()
        while not await bench.client.xlen(bench.settings.results):
            for p in await bench.client.xpending_range(bench.settings.jobs, GROUP, "-", "+", 10):
                owners.add(p["consumer"])
                deliveries.add(p["times_delivered"])
            await asyncio.sleep(0.02)
        assert deliveries == {1}
        assert len(owners) == 1
    finally:
        await first.stop()
        await second.stop()


async def test_poison_job_is_given_up_with_its_sound_kept(bench: Bench) -> None:
    """A recording that kills the recogniser: three workers die of it, then only the sound is kept."""
    call = "poison.1"
    await bench.put(bench.raw(call, long_talk(4)))
    pool = bench.pool()
    await pool.start()
    try:
        await until(lambda: bench.vault.manifest(call))
        for _ in range(3):
            await until(lambda: pool.pids)
            before = (await bench.client.xpending_range(bench.settings.jobs, GROUP, "-", "+", 1))[0]["times_delivered"]
            os.kill(pool.pids[0], signal.SIGKILL)
            async with asyncio.timeout(20):
                while True:
                    rows = await bench.client.xpending_range(bench.settings.jobs, GROUP, "-", "+", 1)
                    if not rows or rows[0]["times_delivered"] > before:
                        break
                    await asyncio.sleep(0.01)
        [result] = await bench.results(1)
        assert (result["status"], result["error"]) == ("failed", "gave-up")
        assert result["manifest"].endswith(f"{call}/manifest.json")
        assert bench.vault.verify(call) and bench.vault.transcript(call) is None
        [(_, dead)] = await bench.client.xrange(bench.settings.dead)
        assert (json.loads(dead["job"])["call"], dead["error"], dead["deliveries"]) == (call, "gave-up", "4")
        await bench.nothing_is_left()
        # Its cause mended, it may be put back.
        assert await revive(bench.client, bench.settings) == 1
        assert (await bench.results(2))[1]["status"] == "ok"
        assert bench.vault.transcript(call) is not None
    finally:
        await pool.stop()


@pytest.mark.parametrize("harm", ["missing", "crashes"])
async def test_bad_model_keeps_recordings_and_the_service_and_can_be_mended(
    bench: Bench, harm: str, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    if harm == "crashes":
        shutil.copytree(MODEL, model)
        words = (model / "graph/words.txt").read_text("utf-8").splitlines()
        (model / "graph/words.txt").write_text("\n".join(words[:50]) + "\n", "utf-8")
    samples, seats = dialogue()
    call = "hotline-1763932131.4"
    await bench.put(bench.raw(call, samples, seats))
    pool = bench.pool(model=model)
    await pool.start()
    try:
        ok, reason = pool.health()
        assert not ok
        assert str(model) in reason
        [result] = await bench.results(1)
        assert (result["status"], result["error"]) == ("failed", "no-model")
        assert result["manifest"]
        assert bench.vault.verify(call) and bench.vault.transcript(call) is None
        assert "bad-model" in [e for e, _ in bench.log]
    finally:
        await pool.stop()
    job = bench.vault.job(call)
    assert job is not None
    await enqueue(bench.client, bench.settings, job)
    mended = bench.pool()
    await mended.start()
    try:
        assert (await bench.results(2))[1]["status"] == "ok"
        assert bench.vault.transcript(call) is not None
    finally:
        await mended.stop()


async def test_bad_jobs_end_as_failed_results_and_block_nobody(bench: Bench) -> None:
    good = bench.raw("good.1", stereo(("l", speech("请稍等。", CALLER_VOICE)), ("", 0.5)))
    missing = replace(good, call="missing.1", raw=str(bench.settings.spool / "missing.raw"))
    outside = replace(good, call="outside.1", raw="/etc/hostname")
    empty = bench.raw("empty.1", np.zeros((0, 2)))
    for job in (missing, outside, empty):
        await bench.put(job)
    await bench.client.xadd(bench.settings.jobs, {"job": "{"})
    await bench.client.xadd(bench.settings.jobs, {"other": "field"})
    await bench.put(good)
    pool = bench.pool()
    await pool.start()
    try:
        results = await bench.results(6)
    finally:
        await pool.stop()
    assert sorted((r["call"], r["status"], r["error"]) for r in results) == [
        ("?", "failed", "bad-job"), ("?", "failed", "bad-job"), ("empty.1", "ok", ""), ("good.1", "ok", ""),
        ("missing.1", "failed", "raw-missing"), ("outside.1", "failed", "bad-job"),
    ]  # fmt: skip
    assert await bench.client.xlen(bench.settings.dead) == 4
    assert os.path.exists("/etc/hostname")
    assert (bench.vault.transcript("empty.1") or {})["segments"] == []
    await bench.nothing_is_left()


async def test_redis_away_is_waited_for(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "own-redis"
    folder.mkdir()
    server = RedisServer(folder)
    server.start()
    pool = bench.pool(redis_url=server.url)
    client = sync_redis.Redis.from_url(server.url, decode_responses=True)
    try:
        await pool.start()
        pids = pool.pids
        await until(lambda: client.exists(bench.settings.jobs))  # the worker has made its group
        server.stop()
        job = bench.raw("later.1", stereo(("l", speech("请稍等。", CALLER_VOICE)), ("", 0.5)))
        await asyncio.sleep(0.5)
        server.start()
        client.xadd(bench.settings.jobs, {"job": job.dumps()})
        await until(lambda: client.xlen(bench.settings.results))
        assert pool.pids == pids  # the same process: it waited, it did not crash
        assert client.xrange(bench.settings.results)[0][1]["status"] == "ok"
    finally:
        await pool.stop()
        client.close()
        server.stop()


async def test_workers_are_replaced_after_so_many_jobs(bench: Bench) -> None:
    sound = stereo(("l", speech("请稍等。", CALLER_VOICE)), ("", 0.5))
    for i in range(3):
        await bench.put(bench.raw(f"recycle.{i}", sound))
    pool = bench.pool(recycle_jobs=1)
    await pool.start()
    pids = set(pool.pids)
    try:
        await bench.results(3)
        await until(lambda: pool.pids and not pids & set(pool.pids))
        assert "worker-died" not in [e for e, _ in bench.log]
        assert pool.health()[0]
    finally:
        await pool.stop()
    assert pool.pids == []


async def test_stop_lets_the_job_finish(bench: Bench) -> None:
    call = "stop.1"
    await bench.put(bench.raw(call, long_talk(2)))
    pool = bench.pool()
    await pool.start()
    await until(lambda: bench.vault.manifest(call))
    await pool.stop()
    assert bench.vault.transcript(call) is not None
    assert (await bench.results(1))[0]["status"] == "ok"
    await bench.nothing_is_left()


async def test_workers_end_when_the_service_is_killed(bench: Bench) -> None:
    """kill -9 of the service: its workers see the pipe close; no process and no name is left behind."""
    code = (
        "import asyncio, os, recordings\n"
        f"s = recordings.RecordingSettings.loads(os.environ[{ENVIRONMENT!r}])\n"
        "async def main():\n"
        "    pool = recordings.WorkerPool(s)\n"
        "    await pool.start()\n"
        "    print(pool.pids[0], flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, env={**os.environ, ENVIRONMENT: bench.settings.dumps()},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert service.stdout is not None
    pid = int(await service.stdout.readline())
    service.kill()
    await service.wait()
    await until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])


async def test_logs_have_no_words_and_no_password(bench: Bench, tmp_path: Path) -> None:
    samples, seats = dialogue()
    await bench.put(bench.raw("log.1", samples, seats))
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "recordings.worker", "--name", "w", cwd=ROOT,
        env={**os.environ, ENVIRONMENT: bench.settings.dumps()}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await bench.results(1)
    command = Path(f"/proc/{worker.pid}/cmdline").read_bytes()
    worker.terminate()
    assert worker.stderr is not None
    lines = [json.loads(line) for line in (await worker.stderr.read()).splitlines()]
    assert await worker.wait() == 0
    assert [x["event"] for x in lines] == ["ready", "job-done", "end"]
    assert all({"timestamp", "level", "event", "worker"} <= set(x) for x in lines)
    text = json.dumps(lines, ensure_ascii=False)
    assert not re.search(r"[一-鿿]", text)
    assert b"redis://" not in command


async def test_a_stopped_worker_is_killed_and_its_job_goes_on(bench: Bench) -> None:
    """SIGSTOP is what a hang in native code looks like from outside: no claim renewed, no sign of life."""
    call = "hotline-1763932131.6"
    await bench.put(bench.raw(call, long_talk(2)))
    later = [bench.raw(f"after.{i}", stereo(("l", speech("请稍等。", CALLER_VOICE)), ("", 0.5))) for i in range(3)]
    pool = bench.pool(silent=6.0)
    await pool.start()
    try:
        await until(lambda: bench.vault.manifest(call))  # the sound is sealed before any word
        [pid] = pool.pids
        os.kill(pid, signal.SIGSTOP)
        assert bench.vault.transcript(call) is None, "too late to stop: make the call longer"
        for job in later:
            await bench.put(job)  # calls go on ending meanwhile
        results = await bench.results(4, 120)
        # What waited is done in its order; nothing twice, nothing dead.
        assert [r["call"] for r in results] == [call, "after.0", "after.1", "after.2"]
        assert {r["status"] for r in results} == {"ok"}
        assert (pool.counters.hung, pool.counters.died) == (1, 1)
        assert pool.pids and pid not in pool.pids
        await bench.nothing_is_left()
        assert await bench.client.xlen(bench.settings.dead) == 0
    finally:
        await pool.stop()


async def test_the_sound_of_those_who_wait_is_sealed_before_a_long_transcription(bench: Bench) -> None:
    slow = bench.raw("slow.1", long_talk(3))
    behind = [bench.raw(f"behind.{i}", stereo(("l", speech("请稍等。", CALLER_VOICE)), ("", 0.5))) for i in range(3)]
    broken = replace(behind[0], call="broken.1", raw="/etc/hostname")
    for n, job in enumerate([slow, broken, *behind]):
        await bench.client.xadd(bench.settings.jobs, {"job": job.dumps()}, id=f"{1763932131000 + n}-0")
    pool = bench.pool()
    await pool.start()
    try:
        await until(lambda: all(bench.vault.manifest(job.call) for job in behind))
        assert bench.vault.transcript("slow.1") is None, "too late to see it: make the call longer"
        assert not [p for p in bench.settings.spool.iterdir() if p.name.startswith("behind")]
        results = await bench.results(5, 120)
        assert [(r["call"], r["status"]) for r in results] == [
            ("slow.1", "ok"), ("broken.1", "failed"), *((job.call, "ok") for job in behind),
        ]  # fmt: skip
        assert all(bench.vault.verify(job.call) for job in behind)
    finally:
        await pool.stop()


async def test_who_was_turned_away_leaves_no_recording_and_no_result(bench: Bench) -> None:
    away = bench.raw("away.1", stereo(("l", speech("请稍等。", CALLER_VOICE)), ("", 0.5)))
    good = bench.raw("good.2", stereo(("l", speech("请稍等。", CALLER_VOICE)), ("", 0.5)))
    discard = json.dumps({"call": "away.1", "raw": away.raw, "kind": "discard"})
    await bench.client.xadd(bench.settings.jobs, {"job": discard})
    await bench.put(good)
    pool = bench.pool()
    await pool.start()
    try:
        assert [r["call"] for r in await bench.results(1)] == ["good.2"]
        await bench.nothing_is_left()
    finally:
        await pool.stop()
    assert await bench.client.xlen(bench.settings.results) == 1
    assert not os.path.exists(away.raw)
    assert bench.vault.manifest("away.1") is None


async def test_with_little_disk_left_the_sound_is_sealed_and_the_words_wait(bench: Bench) -> None:
    await bench.put(bench.raw("full.1", stereo(("l", speech("请稍等。", CALLER_VOICE)), ("", 0.5))))
    starved = bench.pool(reserve=1 << 60)
    await starved.start()
    try:
        await until(lambda: bench.vault.manifest("full.1"))
    finally:
        await starved.stop()
    assert bench.vault.transcript("full.1") is None
    assert await bench.client.xlen(bench.settings.results) == 0
    pool = bench.pool()
    await pool.start()
    try:
        assert [(r["call"], r["status"]) for r in await bench.results(1)] == [("full.1", "ok")]
    finally:
        await pool.stop()
