"""CPU time of processes, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def process_seconds(pid: int) -> float:
    """User and system CPU seconds of one process with all its threads, children apart; 0 if it is gone."""
    try:
        # The name in brackets may hold spaces: fields are counted from behind it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def machine_seconds() -> float:
    """Busy CPU seconds of the whole machine, all cores."""
    user, nice, system, _idle, _iowait, irq, softirq, *_ = (
        int(x) for x in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / _TICK


@dataclass(slots=True)
class Meter:
    """CPU seconds of named processes between `start` and `stop`, and of everything else on the machine."""

    pids: dict[str, int]
    spent: dict[str, float] | None = None
    _began: dict[str, float] | None = None
    _machine: float = 0.0

    def start(self) -> None:
        """From now."""
        self._began = {name: process_seconds(pid) for name, pid in self.pids.items()}
        self._machine = machine_seconds()

    def stop(self, others: float = 0.0) -> dict[str, float]:
        """Until now. `others`: CPU seconds of processes of ours that have ended since (told apart as "load")."""
        assert self._began is not None
        spent = {name: process_seconds(pid) - self._began[name] for name, pid in self.pids.items()}
        spent["load"] = others
        spent["foreign"] = max(0.0, machine_seconds() - self._machine - sum(spent.values()))
        self.spent = spent
        return spent
