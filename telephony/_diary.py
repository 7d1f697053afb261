"""What the switch wrote down while no process was there: one small file per call beside the raw recordings.

The dialplan (contexts hotline-native, hotline-wait) adds a line for what happens to a caller of its own queue:

    A|<unix s>|<dialled>|<number>|<name, URL-encoded>|<endpoint>|<channel>|<flow>   the caller
    N|<unix s>                                                                     into the queue
    J|<unix s>|<endpoint of the seat>|<id of its channel>                          a seat is joined
    L|<unix s>|<cause>                                                             the caller has left

A file is renamed when it is read, so that a line that comes later begins a new one, and removed when its events are in
the journal: who dies between the two is followed by a process that reads the renamed file again, and takes only what
the books do not have. Files have the caller's number: the directory is the recordings' own, with the same rights.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import unquote

from calls import events as e
from calls.ports import Tale

from ._translate import clean_channel, clean_name, clean_number, clean_seat

NEW, TAKEN = ".alone", ".alone-taken"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MADE = re.compile(r"(?:.*-)?(\d{9,11})\.\d+", re.ASCII)
"""An id of the switch's: when the channel was made, a number."""
_OLD = 86400.0
_MOST_BYTES = 4096
_MOST_FILES = 5000
"""Read at once; the others at the next look."""


class Diary:
    """One switch's tales.

    Args:
        spool: directory of the raw recordings.
        over: whether a call has ended and is in the books.
        owns: whether a call is at this switch (several may share the directory).
    """

    def __init__(self, spool: Path, over: Callable[[str], bool], owns: Callable[[str], bool] = lambda _: True) -> None:
        self._spool, self._over, self._owns = spool, over, owns
        self._in_hand: set[str] = set()

    def read(self) -> list[Tale]:
        """All that is told, by call. Blocks for as long as the files take; never raises."""
        tales: list[Tale] = []
        for call in self._calls():
            if len(tales) >= _MOST_FILES:
                break
            lines = self._take(call)
            events = sorted(_events(call, lines), key=lambda x: x[0])
            if not events:
                continue
            if type(events[0][1]) is not e.Arrived and events[-1][0] < time.time() - _OLD:
                self._forget(call, TAKEN)  # the end of a tale that was told long ago
                continue
            self._in_hand.add(call)
            tales.append(Tale(call, tuple(events), max(self._touched(call), events[-1][0])))
        return tales

    def written(self, calls: Iterable[str], left: Iterable[str] = ()) -> None:
        """Events of these calls are in the journal now, and with them what was told of them before; of those who have
        left nothing more is to be told."""
        for call in self._in_hand.intersection(calls) if self._in_hand else ():
            self._forget(call, TAKEN)
        for call in left:
            self._forget(call, TAKEN, NEW)

    def _calls(self) -> list[str]:
        names: set[str] = set()
        with contextlib.suppress(OSError), os.scandir(self._spool) as found:
            for entry in found:
                stem = entry.name.removesuffix(TAKEN).removesuffix(NEW)
                if stem != entry.name and _ID.fullmatch(stem) and self._owns(stem):
                    names.add(stem)
        over = {x for x in names if self._over(x)}
        for call in over:
            self._forget(call, TAKEN, NEW)
        return sorted(names - over)

    def _forget(self, call: str, *endings: str) -> None:
        self._in_hand.discard(call)
        for ending in endings:
            with contextlib.suppress(OSError):
                (self._spool / f"{call}{ending}").unlink()

    def _take(self, call: str) -> list[str]:
        new, taken = self._spool / f"{call}{NEW}", self._spool / f"{call}{TAKEN}"
        before, text = _text(taken), ""
        try:
            if before:
                # A later part of a tale whose beginning was not journalled yet: one after the other.
                text = _text(new)
                if text:
                    with taken.open("a", encoding="utf-8") as file:
                        file.write(text)
                    new.unlink()
            else:
                new.rename(taken)
                text = _text(taken)
        except OSError:
            pass  # nothing new; or not ours to move, then it is read where it is
        return (before + text).splitlines()

    def _touched(self, call: str) -> float:
        """Last time the recording was written, as far as there is one."""
        try:
            return (self._spool / f"{call}.raw").stat().st_mtime
        except OSError:
            return 0.0


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _events(call: str, lines: Iterable[str]) -> Iterable[tuple[float, e.Event]]:
    """What cannot be read is left out."""
    for line in lines:
        kind, *rest = line.split("|")
        try:
            at = float(int(rest[0]))
        except (IndexError, ValueError):
            continue
        fields = [*rest[1:], *[""] * 6]
        if kind == "A":
            made = _MADE.fullmatch(call)
            arrived = min(at, float(made[1])) if made is not None else at
            yield arrived, _arrived(call, fields)
        elif kind == "N":
            yield at, e.WentNative(call)
        elif kind == "J" and clean_seat(fields[0]) and _ID.fullmatch(fields[1]):
            yield at, e.LegJoined(call, fields[1], fields[0])
        elif kind == "L":
            yield at, e.CallerLeft(call, int(fields[0]) if fields[0].isdecimal() else 0)


def _arrived(call: str, fields: list[str]) -> e.Arrived:
    dialled, number, name, origin, channel, flow = fields[:6]
    flow = flow if flow.isprintable() and len(flow) <= 256 else ""
    name = clean_name(unquote(name))
    return e.Arrived(
        call, clean_channel(channel, call), clean_number(dialled), clean_number(number), name, flow,
        origin=clean_seat(origin),
    )  # fmt: skip
