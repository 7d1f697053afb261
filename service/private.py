"""The private Redis, secrets made once, and free ports: what an instance of our own needs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from telephony import loader

from .errors import ServiceError


def secret(path: Path) -> str:
    """The secret in `path`; made at the first time, readable by the owner only."""
    try:
        text = path.read_text(encoding="ascii").strip()
        if text:
            return text
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = secrets.token_urlsafe(24)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)  # an empty file of somebody's making may have had wider rights
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
    return text


def port_free(port: int, *, udp: bool = False, host: str = "127.0.0.1") -> bool:
    """Whether somebody else has the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as s:
        if not udp:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((host, port))
        except OSError:
            return False
    return True


@dataclass(slots=True)
class PrivateRedis:
    """A Redis of our own on loopback, with an append-only file: the journal survives its restart."""

    rootfs: Path
    home: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self, timeout: float = 15.0) -> None:
        """Starts and waits until it has loaded its file. Raises ServiceError."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._clear_stale()
        if not port_free(self.port):
            raise ServiceError(
                f"port {self.port} (private Redis) is in use",
                "end the other program, or choose another port: HOTLINE_REDIS_PORT=…",
            )
        log = self.home / "redis.log"
        command = [
            *loader(self.rootfs, "usr/bin/redis-server"), "--bind", "127.0.0.1", "--port", str(self.port),
            "--dir", str(self.home.resolve()), "--appendonly", "yes", "--appendfsync", "everysec",
            "--save", "", "--logfile", str(log.resolve()), "--daemonize", "no",
            # Losing entries under memory pressure would lose callers: better to refuse writes.
            "--maxmemory-policy", "noeviction",
        ]  # fmt: skip
        self.process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        (self.home / "pid").write_text(str(self.process.pid))
        client = Redis.from_url(self.url)
        try:
            async with asyncio.timeout(timeout):
                while True:
                    try:
                        await client.ping()
                        return
                    except (RedisError, OSError):
                        if self.process.returncode is not None:
                            break
                        await asyncio.sleep(0.02)
        except TimeoutError:
            pass
        finally:
            await client.aclose()
        await self.stop()
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else ""
        raise ServiceError(f"the private Redis did not start:\n{tail}", f"see {log}; move a broken file away")

    def _clear_stale(self) -> None:
        """One left behind by a killed run: ended, if it is ours."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.home / "pid").read_text())
            if str(self.home.resolve()).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGTERM)
                for _ in range(100):
                    if not Path(f"/proc/{pid}").exists():
                        break
                    with contextlib.suppress(ChildProcessError):
                        os.waitpid(pid, os.WNOHANG)
                    time.sleep(0.05)

    async def stop(self, timeout: float = 10.0) -> None:
        """SIGTERM lets it write its file; then SIGKILL."""
        process, self.process = self.process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), timeout)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
