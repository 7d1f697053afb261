"""Watches the free space where the hotline writes; with little left, what can be built again goes, oldest first.

Never a recording, a raw file whose sound is not sealed, the store, the journal, a secret or a configuration: these are
in no list here. Recordings go by their own policy only (service/retention.py).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .health import NotWell

log = logging.getLogger(__name__)
EVERY = 10.0
_UNITS = {"B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


class Level(IntEnum):
    """How full a disk is."""

    OK = 0
    WARN = 1
    LOW = 2
    """What can be built again is removed."""
    CRITICAL = 3
    """Besides, what is not needed for calls and recordings pauses."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes: of the file system, and free for us."""

    total: int
    free: int


def usage(path: Path) -> Usage:
    """Of the file system of a path (or of the nearest directory that exists). Raises OSError."""
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    return Usage(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)


def limit_bytes(text: str, total: int) -> int:
    """ "10GiB", "512MiB" or "5%" as bytes of a file system of `total` bytes.

    Raises:
        ValueError: neither.
    """
    text = text.strip()
    if text.endswith("%"):
        return int(total * float(text[:-1]) / 100)
    digits = text.rstrip("BbGgIiKkMmTt")
    unit = text[len(digits) :].upper() or "B"
    return int(float(digits) * _UNITS[unit]) if unit in _UNITS else int("not a size")


@dataclass(frozen=True, slots=True)
class Limits:
    """Free space below which a level begins: "10GiB" or "5%"."""

    warn: str = "10GiB"
    low: str = "4GiB"
    critical: str = "1GiB"

    def of(self, level: Level, total: int) -> int:
        """In bytes."""
        text = {Level.WARN: self.warn, Level.LOW: self.low, Level.CRITICAL: self.critical}[level]
        return limit_bytes(text, total)

    def level(self, now: Usage) -> Level:
        """The level of a file system."""
        for level in (Level.CRITICAL, Level.LOW, Level.WARN):
            if now.free < self.of(level, now.total):
                return level
        return Level.OK


_TEXTS = {
    Level.WARN: ("请清理或扩容", "make room, or add some"),
    Level.LOW: (
        "可重建的数据已按顺序清理，录音不动；请尽快扩容",
        "what can be built again is removed, recordings are not; add space soon",
    ),
    Level.CRITICAL: (
        "转写与事件播报已暂停，把空间留给录音；请立即扩容",
        "transcription and spoken incidents pause, what is left is for recordings; add space now",
    ),
}
Step = tuple[str, Callable[[], Iterator[Path]]]
"""A kind of data that can be built again: its name, and its files, the oldest first."""


class DiskWatch(Collector):
    """See the module's text.

    Args:
        places: name → directory; several on one file system count once.
        limits: the levels.
        steps: what may go, in this order.
        measure: gives the usage of a path (tests put their own).
        remove: removes a file.
    """

    def __init__(
        self,
        places: Mapping[str, Path],
        limits: Limits,
        steps: Sequence[Step] = (),
        *,
        measure: Callable[[Path], Usage] = usage,
        remove: Callable[[Path], None] = Path.unlink,
    ) -> None:
        self.level = Level.OK
        self.levels: dict[str, Level] = {}
        self.free: dict[str, Usage] = {}
        self.removed: dict[str, int] = {name: 0 for name, _ in steps}
        self.removed_bytes = 0
        self._places, self._limits, self._steps = dict(places), limits, steps
        self._measure, self._remove = measure, remove

    @property
    def critical(self) -> bool:
        """What is not needed for calls and recordings pauses."""
        return self.level is Level.CRITICAL

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(EVERY)

    def look(self) -> None:
        """One look, and the removing that it asks for. Blocking."""
        self._see()
        for name, level in self.levels.items():
            if level >= Level.LOW:
                self._clean(self._places[name])
        if self.level >= Level.LOW:
            self._see()

    def _see(self) -> None:
        for name, path in self._places.items():
            try:
                self.free[name] = self._measure(path)
            except OSError as error:
                log.warning("disk: %s cannot be looked at (%s)", name, type(error).__name__)
                continue
            self.levels[name] = self._limits.level(self.free[name])
        self.level = max(self.levels.values(), default=Level.OK)

    def _clean(self, place: Path) -> None:
        device = _device(place)
        for name, files in self._steps:
            for path in files():
                try:
                    if self._limits.level(self._measure(place)) < Level.LOW:
                        return
                    if _device(path) != device:
                        continue
                    size = path.lstat().st_size
                    self._remove(path)
                except OSError as error:
                    log.warning("disk: a file of %s stays (%s)", name, type(error).__name__)
                    continue
                self.removed[name] += 1
                self.removed_bytes += size

    async def well(self) -> None:
        """For the health of parts. Raises NotWell."""
        if self.level is Level.OK:
            return
        worst = min((n for n, one in self.levels.items() if one is self.level), key=lambda n: self.free[n].free)
        left = f"{self.free[worst].free / 2**30:.1f} GiB"
        zh, en = _TEXTS[self.level]
        raise NotWell(
            f"disk-{self.level.name.lower()}", f"{worst} 所在磁盘剩余 {left}：{zh}", f"{left} left for {worst}: {en}",
            "critical" if self.critical else "warning",
        )

    def collect(self) -> Iterable[Metric]:
        """Called by the registry at each scrape."""
        free = GaugeMetricFamily("hotline_disk_free_bytes", "Free for us where this is", labels=["place"])
        for name, now in self.free.items():
            free.add_metric([name], now.free)
        yield free
        yield GaugeMetricFamily("hotline_disk_level", "0 well, 1 warn, 2 low, 3 critical", value=int(self.level))
        removed = CounterMetricFamily("hotline_disk_removed", "Files removed to make room, by kind", labels=["kind"])
        for name, count in self.removed.items():
            removed.add_metric([name], count)
        yield removed


def _device(path: Path) -> int:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path.stat().st_dev


def oldest(folder: Path, *patterns: str, older_than: float = 0.0, clock: Callable[[], float] = time.time) -> list[Path]:
    """Plain files of a folder that match, the oldest first; links and what is younger than so many seconds stay."""
    found: list[tuple[float, Path]] = []
    now = clock()
    for pattern in patterns:
        for path in folder.glob(pattern):
            try:
                info = path.lstat()
            except FileNotFoundError:
                continue
            if path.is_file() and not path.is_symlink() and now - info.st_mtime >= older_than:
                found.append((info.st_mtime, path))
    return [path for _, path in sorted(found)]


__all__ = ["DiskWatch", "Level", "Limits", "Step", "Usage", "limit_bytes", "oldest", "usage"]
