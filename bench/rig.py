"""One variant, up and running: its own Asterisk, and for the service its own Redis and process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.private import PrivateRedis
from telephony import LineTrunk, PrivateAsterisk

from .errors import BenchError
from .layout import extra_files, write_prompts, write_service_config, write_templates
from .plan import LINE, SEATS, SERVICE_NUMBER, Variant
from .sipp import free_port

ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Rig:
    """What runs, and where."""

    variant: Variant
    home: Path
    sip_port: int
    seat_port: int
    asterisk: PrivateAsterisk
    redis: PrivateRedis | None = None
    service: asyncio.subprocess.Process | None = None
    line_port: int = 0
    """Where phones outside are rung; 0: there is no trunk to them."""
    _asks: asyncio.Lock = field(default_factory=asyncio.Lock)

    def pids(self) -> dict[str, int]:
        """Name → process, of those whose CPU is counted."""
        out = {"asterisk": self.asterisk.process.pid if self.asterisk.process else 0}
        if self.redis is not None and self.redis.process is not None:
            out["redis"] = self.redis.process.pid
        if self.service is not None:
            out["service"] = self.service.pid
        return out

    async def stats(self) -> dict[str, Any]:
        """The service's counters; empty for the native side."""
        return await self.ask("stats") if self.service is not None else {}

    async def ask(self, command: str, /, **values: Any) -> dict[str, Any]:
        """A command to the service's process (see bench/serve.py) and its answer."""
        assert self.service is not None and self.service.stdin is not None and self.service.stdout is not None
        async with self._asks:
            self.service.stdin.write(f"{command} {json.dumps(values)}\n".encode())
            line = await asyncio.wait_for(self.service.stdout.readline(), 20.0)
        if not line:
            raise BenchError(f"the service has ended: see {self.home}/service.log and service.err")
        found: dict[str, Any] = json.loads(line)
        return found

    async def channels(self) -> int:
        """Channels that are still up in the switch."""
        text = await self.asterisk.cli("core show channels count")
        return int(text.split()[0]) if text.split()[:1] and text.split()[0].isdigit() else -1


async def _start_service(
    rig: Rig, ami_port: int, rootfs: Path, seats: int, rules: bool, admission: str, more: Mapping[str, str],
    program: str,
) -> asyncio.subprocess.Process:  # fmt: skip
    assert rig.redis is not None
    home = rig.home / "service"
    (home / "secrets").mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / "secrets/ami").write_text("private\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")}
    environment |= {
        "HOTLINE_SETTINGS": os.devnull,
        "HOTLINE_CONFIG_DIR": str(write_service_config(
            rig.home, seats, rules=rules, line_port=rig.line_port, admission=admission
        )),
        "HOTLINE_VAR_DIR": str(home),
        "HOTLINE_ROOTFS": str(rootfs),
        "HOTLINE_HTTP_PORT": str(free_port(udp=False)),
        "HOTLINE_PRIVATE_ASTERISK": "false",
        "HOTLINE_AMI_PORT": str(ami_port),
        "HOTLINE_REDIS_URL": rig.redis.url,
        "HOTLINE_RECORDING_SPOOL": str(rig.asterisk.plan().recording_spool),
        "HOTLINE_RECORD": str(rig.variant.record).lower(),
        "HOTLINE_ASR_WORKERS": "0",
        "HOTLINE_PHONES": "0",
        "HOTLINE_LOG_FILE": str(rig.home / "service.log"),
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", program, cwd=ROOT, env=environment, start_new_session=True,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=(rig.home / "service.err").open("wb"),
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 60.0)).decode().strip()
    except TimeoutError:
        line = "no answer within 60 s"
    if line != "ready":
        await _end(process)
        raise BenchError(f"the service did not start: {line}\nsee {rig.home}/service.log and service.err")
    return process


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    for act in (None, process.terminate, process.kill):
        if process.returncode is not None:
            return
        if act is not None:
            with contextlib.suppress(ProcessLookupError):
                act()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5.0)


def _clean_home(home: Path) -> Path:
    """An empty directory with the prompts, whose path is returned. What a killed bench left running is ended."""
    for file in (home / "asterisk/etc/pid", home / "redis/pid"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(file.read_text())
            if str(home.resolve()).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(home, ignore_errors=True)
    sounds = home / "sounds"
    write_prompts(sounds)
    return sounds


@contextlib.asynccontextmanager
async def rig_up(
    variant: Variant, home: Path, rootfs: Path, *, seats: int = SEATS, music: bool = True, rules: bool = False,
    line: bool = False, extra: Mapping[str, str] | None = None, admission: str = "",
    settings: Mapping[str, str] | None = None, program: str = "bench.serve",
) -> AsyncIterator[Rig]:  # fmt: skip
    """Starts everything of a variant fresh; ends everything, whatever happens.

    Args:
        variant: what.
        home: its files.
        rootfs: where Asterisk and Redis are.
        seats: how many.
        music: whether waiting callers hear it.
        rules: see write_service_config.
        line: with a trunk to phones outside, and a directory that uses it.
        extra: file of the switch → text appended to it.
        admission: see write_service_config.
        settings: further HOTLINE_… variables of the service.
        program: the module that runs it.
    """
    sounds = _clean_home(home)
    seat_port, sip_port, ami_port = free_port(udp=True), free_port(udp=True), free_port(udp=False)
    line_port = free_port(udp=True) if line else 0
    files = extra_files(variant, seat_port, seats)
    for name, text in (extra or {}).items():
        files[name] = files.get(name, "") + text
    asterisk = PrivateAsterisk(
        rootfs=rootfs, templates=write_templates(home, variant, music=music), home=home / "asterisk", sounds=sounds,
        plan_changes={
            "seats": (), "dialled": (SERVICE_NUMBER,), "ami_port": ami_port, "sip_port": sip_port,
            "rtp_start": 20000, "rtp_end": 32000, "system_name": "bench",
            "lines": [LineTrunk(LINE, f"127.0.0.1:{line_port}")] if line else (),
        },
        extra_files=files,
    )  # fmt: skip
    rig = Rig(variant, home, sip_port, seat_port, asterisk, line_port=line_port)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(asterisk.stop)
        await asterisk.start()
        if variant.service:
            rig.redis = PrivateRedis(rootfs, home / "redis", free_port(udp=False))
            stack.push_async_callback(rig.redis.stop)
            await rig.redis.start()
            rig.service = await _start_service(rig, ami_port, rootfs, seats, rules, admission, settings or {}, program)
            stack.push_async_callback(_end, rig.service)
        yield rig
