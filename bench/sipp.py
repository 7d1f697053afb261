"""SIPp as callers and as the seats' phones, and what its logs say about each call."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import BenchError
from .plan import HOLD_MS, RING_MS

SCENARIOS = Path(__file__).resolve().parent / "scenarios"


_MEDIA = itertools.cycle(range(12000, 20000, 16))


def free_port(*, udp: bool) -> int:
    """A loopback port nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def media_port() -> int:
    """First of several free UDP ports in a row: SIPp binds them, although no audio is sent."""
    for base in itertools.islice(_MEDIA, 500):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(base, base + 8):
                stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("127.0.0.1", port))
            return base
    raise BenchError("no free UDP ports between 12000 and 20000: end what holds them")


def check() -> None:
    """Raises BenchError if SIPp is not installed."""
    if shutil.which("sipp") is None:
        raise BenchError("sipp is not installed: run 'make setup-test' (or apt-get install sip-tester)")


def _scenario(name: str, home: Path, changes: Mapping[str, int]) -> Path:
    text = (SCENARIOS / f"{name}.xml").read_text(encoding="utf-8")
    for word, value in {"HOLD_MS": HOLD_MS, "RING_MS": RING_MS, **changes}.items():
        text = text.replace(f"@{word}@", str(value))
    path = home / f"{name}.xml"
    path.write_text(text, encoding="utf-8")
    return path


@dataclass(slots=True)
class Sipp:
    """One SIPp process."""

    role: str
    home: Path
    port: int
    changes: Mapping[str, int] = field(default_factory=dict)
    """Words between @ in the scenario → values."""
    process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """Where its scenario's log lines go."""
        return self.home / f"{self.role}.log"

    async def start(self, switch_port: int, *options: str) -> None:
        """Starts. Raises BenchError if it ends at once (a port was taken in the last moment: tried three times)."""
        self.home.mkdir(parents=True, exist_ok=True)
        for _ in range(3):
            await self._start_once(switch_port, *options)
            assert self.process is not None
            try:
                async with asyncio.timeout(0.25):
                    await self.process.wait()
            except TimeoutError:
                return
            self.port = self.port if self.role in ("seat", "desk", "talkback") else free_port(udp=True)
        raise BenchError(f"SIPp ({self.role}) ends at once: see {self.home}, and try 'sipp -v'")

    async def _start_once(self, switch_port: int, *options: str) -> None:
        self.log.unlink(missing_ok=True)
        self.process = await asyncio.create_subprocess_exec(
            "sipp", "-sf", str(_scenario(self.role, self.home, self.changes)), "-i", "127.0.0.1", "-p", str(self.port),
            "-mp", str(media_port()), "-nostdin", "-timer_resol", "1", "-max_socket", "10000",
            "-buff_size", "4194304", "-trace_logs", "-log_file", str(self.log), "-log_overwrite", "false",
            "-trace_err", "-error_file", str(self.home / f"{self.role}.err"), *options,
            f"127.0.0.1:{switch_port}",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "TERM": "dumb"}, cwd=self.home, start_new_session=True,
        )  # fmt: skip

    async def wait(self, timeout: float) -> int:
        """Waits for its own end, or ends it; returns its exit code (-1: it had to be ended)."""
        assert self.process is not None
        code = -1
        with contextlib.suppress(TimeoutError):
            code = await asyncio.wait_for(self.process.wait(), timeout)
        await self.stop()
        return code

    async def stop(self) -> None:
        """Ends it. Safe to call twice."""
        process = self.process
        if process is None:
            return
        # USR1 is SIPp's "quit when the calls are over", and "quit now" the second time: its log is then complete.
        steps = ((signal.SIGUSR1, 0.7), (signal.SIGUSR1, 1.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, 2.0))
        for name, seconds in steps:
            if process.returncode is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(name)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await process.wait()


@dataclass(slots=True)
class OneCall:
    """What was seen of one call. Unix seconds."""

    invited: float | None = None
    answered: float | None = None
    hung_up: float | None = None
    ended: bool = False
    seat_invited: list[float] = field(default_factory=list)
    seat_acked: int = 0
    seat_ended: float | None = None


_FIELDS = {"A": 6, "B": 4, "E": 2, "I": 4, "K": 2, "Z": 4}


def _lines(path: Path) -> Iterable[list[str]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        parts = line.split()
        # A SIPp that had to be killed may leave half a line.
        if len(parts) == _FIELDS.get(parts[0] if parts else "") and parts[1].startswith("139"):
            yield parts


def read_calls(caller_log: Path, seat_log: Path) -> dict[str, OneCall]:
    """Both logs, joined by the caller's number, which is another one for each call."""

    def at(seconds: str, micro: str) -> float:
        return float(seconds) + float(micro) / 1e6

    out: dict[str, OneCall] = {}
    for kind, who, *rest in _lines(caller_log):
        call = out.setdefault(who, OneCall())
        if kind == "A":
            call.invited, call.answered = at(*rest[:2]), at(*rest[2:4])
        elif kind == "B":
            call.hung_up = at(*rest[:2])
        elif kind == "E":
            call.ended = True
    for kind, who, *rest in _lines(seat_log):
        call = out.setdefault(who, OneCall())
        if kind == "I":
            call.seat_invited.append(at(*rest[:2]))
        elif kind == "K":
            call.seat_acked += 1
        elif kind == "Z":
            call.seat_ended = at(*rest[:2])
    return out


def fault_of(call: OneCall) -> str | None:
    """Why the call failed, or None: answered, one seat rung and joined, together until the caller left."""
    if call.answered is None:
        return "not answered"
    if not call.seat_invited:
        return "no seat rung"
    if not call.seat_acked:
        return "seat not joined"
    if len(call.seat_invited) > 1:
        return "rung twice"
    if call.hung_up is None or not call.ended:
        return "caller's end"
    if call.seat_ended is None:
        return "seat left hanging"
    if call.seat_ended < call.hung_up:
        return "seat lost in talk"
    return None
