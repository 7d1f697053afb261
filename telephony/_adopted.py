"""An Asterisk that a killed run of ours has left behind: taken up again, with the talks that go on in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path

RELOADED = frozenset({"extensions.conf", "pjsip.conf", "queues.conf"})
"""What a running Asterisk reads again; where another file has changed, it must be started anew."""
_BIND = re.compile(r"^\s*bind\s*=.*$", re.MULTILINE)
_RUN_DIR = re.compile(r"^\s*astrundir\s*=>?\s*(\S+)\s*$", re.MULTILINE)


class Adopted:
    """A process that is not our child, with what `asyncio.subprocess.Process` has of use here."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._born = _born(pid)

    @property
    def returncode(self) -> int | None:
        """None while it runs; nobody tells us its real code."""
        return None if self._born and _born(self.pid) == self._born else -1

    async def wait(self) -> int:
        """Until it has ended."""
        while (code := self.returncode) is None:  # noqa: ASYNC110 - of a stranger nobody is told
            await asyncio.sleep(0.1)
        return code

    def _signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._signal(signal.SIGKILL)


def _born(pid: int) -> str:
    """When it was started, so that another process with its number is not taken for it; "" if there is none."""
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if rest[0] == "Z" else rest[19]


def owned(etc: Path) -> None:
    """From now on the Asterisk that reads this directory is ours."""
    (etc / "owner").write_text(f"{os.getpid()} {_born(os.getpid())}")


def left_behind(etc: Path) -> int | None:
    """The process of an Asterisk that reads this directory and whose owner has died; None if there is none."""
    with contextlib.suppress(OSError, ValueError):
        owner, born = (etc / "owner").read_text().split()
        if _born(int(owner)) == born:
            return None
    with contextlib.suppress(OSError, ValueError):
        pid = int((etc / "pid").read_text())
        if str(etc).encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and _born(pid):
            return pid
    return None


def run_dir_of(etc: Path) -> Path | None:
    """Where the one that is left behind has its socket."""
    if left_behind(etc) is None:
        return None
    with contextlib.suppress(OSError):
        found = _RUN_DIR.search((etc / "asterisk.conf").read_text(encoding="utf-8"))
        if found is not None and (Path(found[1]) / "asterisk.ctl").exists():
            return Path(found[1])
    return None


def can_go_on(etc: Path, wanted: Mapping[str, str]) -> bool:
    """Whether what it was started with is what it would be started with now, but for files that it reads again."""
    for name, text in wanted.items():
        try:
            before = (etc / name).read_text(encoding="utf-8")
        except OSError:
            return False
        if before != text and (name not in RELOADED or _BIND.findall(before) != _BIND.findall(text)):
            return False
    return True
