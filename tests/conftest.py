"""One private Asterisk and one Redis for the whole run, on free loopback ports, ended with it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ROOTFS = Path(os.environ.get("HOTLINE_ROOTFS", ROOT / "var/rootfs"))
PROMPTS = ROOT / "var/prompts"
OUTSIDE = "127.0.0.77"
"""Where calls to callers go out in tests: phones of the public network, on loopback."""
_numbers = itertools.count()


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port nobody has now."""
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class _Loop(threading.Thread):
    """An event loop of its own for the servers, so that they outlive every test's loop."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="test-servers")
        self.loop = asyncio.new_event_loop()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def call(self, work: Coroutine[Any, Any, Any], timeout: float = 60.0) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)


@pytest.fixture(scope="session")
def _servers() -> Iterator[_Loop]:
    thread = _Loop()
    thread.start()
    yield thread
    thread.loop.call_soon_threadsafe(thread.loop.stop)
    thread.join(10)


@pytest.fixture(scope="session")
def run_dir() -> Iterator[Path]:
    """Files of this run's servers."""
    path = Path(tempfile.mkdtemp(prefix="hotline-test-"))
    yield path
    if not os.environ.get("HOTLINE_KEEP"):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url(_servers: _Loop, run_dir: Path) -> Iterator[str]:
    """A real Redis."""
    from service.private import PrivateRedis

    server = PrivateRedis(ROOTFS, run_dir / "redis", free_port())
    _servers.call(server.start())
    yield server.url
    _servers.call(server.stop())


@dataclass(frozen=True)
class Switch:
    """The run's Asterisk."""

    asterisk: Any
    plan: Any
    run: Callable[[Coroutine[Any, Any, Any]], Any]

    @property
    def outside(self) -> tuple[str, int]:
        """Where a phone of the public network listens (demo.Phone local_ip, local_port)."""
        ip, _, port = self.plan.out_contact.partition(":")
        return ip, int(port)

    @property
    def sip(self) -> tuple[str, int]:
        """Where phones register and callers call."""
        return ("127.0.0.1", self.plan.sip_port)


@pytest.fixture(scope="session")
def switch(_servers: _Loop, run_dir: Path) -> Iterator[Switch]:
    """A real Asterisk with the product's own configuration."""
    from telephony import LineTrunk, PrivateAsterisk, SeatPhone
    from tests.parties.trunks import TRUNKS

    assert (PROMPTS / "zh/greeting.wav").exists(), f"no prompts in {PROMPTS}: run 'make setup'"
    low = 30000 + 4000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])  # several runs side by side
    asterisk = PrivateAsterisk(
        rootfs=ROOTFS, templates=ROOT / "config/asterisk", home=run_dir / "asterisk", sounds=PROMPTS,
        plan_changes={
            "seats": [SeatPhone(f"800{i}", f"demo-800{i}") for i in range(1, 9)], "dialled": ("12345", "12315"),
            "ami_port": free_port(), "sip_port": free_port(socket.SOCK_DGRAM), "rtp_start": low,
            "rtp_end": low + 4000, "ami_secret": "test-secret",
            "out_contact": f"{OUTSIDE}:{free_port(socket.SOCK_DGRAM)}",
            "lines": [LineTrunk(n, f"{ip}:{free_port(socket.SOCK_DGRAM)}", (ip,)) for n, ip in TRUNKS.items()],
        },
    )  # fmt: skip
    plan = _servers.call(asterisk.start())
    yield Switch(asterisk, plan, _servers.call)
    _servers.call(asterisk.stop())


@dataclass(frozen=True)
class Bench:
    """Makes instances of the service on the run's switch and Redis."""

    switch: Switch
    redis_url: str
    tmp: Path

    def config(self, **changes: Any) -> Path:
        """A copy of config/ with changed times, numbers or seats in hotline.yaml."""
        directory = self.tmp / f"config-{next(_numbers)}"
        directory.mkdir()
        for entry in (ROOT / "config").iterdir():
            if entry.name == "flows":
                shutil.copytree(entry, directory / "flows")
            elif entry.name != "hotline.yaml":
                (directory / entry.name).symlink_to(entry)
        data = yaml.safe_load((ROOT / "config/hotline.yaml").read_text())
        data["times"].update({"wrap_up": 1, "ring": 6, "refused_pause": 0.2, "reserve": 3})
        # The callers of a whole file of tests have one number.
        data["admission"]["caller"]["calls"] = 1000
        for key, value in changes.items():
            if isinstance(value, dict) and isinstance(data.get(key), dict):
                data[key].update(value)
            else:
                data[key] = value
        (directory / "hotline.yaml").write_text(yaml.safe_dump(data, allow_unicode=True))
        return directory

    def settings(self, config: Path | None = None, **changes: Any) -> Any:
        """Settings of one instance; its journal has a prefix of its own."""
        from service.settings import load_settings

        number = next(_numbers)
        var = self.tmp / f"var-{number}"
        secrets = var / "secrets"
        secrets.mkdir(parents=True)
        (secrets / "ami").write_text(self.switch.plan.ami_secret)
        values: dict[str, Any] = {
            "config_dir": config or self.config(), "var_dir": var, "private_asterisk": False,
            "ami_port": self.switch.plan.ami_port, "recording_spool": self.switch.plan.recording_spool,
            "sip_port": self.switch.plan.sip_port, "redis_url": self.redis_url, "redis_prefix": f"t{number}:",
            "http_port": free_port(), "asr_workers": 0, "spoken_emergency": False, "out_endpoint": "hotline-out",
        }  # fmt: skip
        values.update(changes)
        return load_settings(**values)

    @contextlib.asynccontextmanager
    async def hotline(self, settings: Any = None, **changes: Any) -> AsyncIterator[Any]:
        """A running instance."""
        from service.app import running

        config = self.config(**changes.pop("config", {}))
        async with running(settings or self.settings(config, **changes)) as hotline:
            yield hotline


@pytest.fixture
def bench(switch: Switch, redis_url: str, tmp_path: Path) -> Bench:
    """See Bench."""
    for note in Path(switch.plan.recording_spool).glob("*.alone*"):
        note.unlink(missing_ok=True)  # of another test's callers: this one's service would take them into its books
    # Nor recordings: of calls that are in another test's book, a hotline of this one would think that nobody knew them.
    for raw in Path(switch.plan.recording_spool).glob("*.raw"):
        with contextlib.suppress(OSError):
            if raw.stat().st_mtime < time.time() - 5:
                raw.unlink()
    return Bench(switch, redis_url, tmp_path)


async def eventually(true: Callable[[], Any], timeout: float = 30.0, what: str = "") -> Any:
    """Waits until `true()` is; the limit is only for failures."""
    end = asyncio.get_running_loop().time() + timeout
    while not (value := true()):
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"not within {timeout:.0f} s: {what or true}")
        await asyncio.sleep(0.01)
    return value


async def seconds_until(true: Callable[[], Any], timeout: float = 30.0, what: str = "") -> float:
    """As `eventually`; tells how long it took, without the time that a busy machine took from this process."""
    loop = asyncio.get_running_loop()
    began, stolen = loop.time(), 0.0
    while not true():
        before = loop.time()
        assert before - began < timeout, f"not within {timeout:.0f} s: {what or true}"
        await asyncio.sleep(0.01)
        stolen += max(0.0, loop.time() - before - 0.02)
    return loop.time() - began - stolen


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually


__all__ = ["ROOT", "ROOTFS", "Bench", "Switch", "eventually", "free_port", "seconds_until"]
