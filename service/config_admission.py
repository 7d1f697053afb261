"""config/hotline.yaml, section `admission`: how many callers are let in (docs/admission.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

import calls
from routing import national

from .config_files import Strict

Rate = Annotated[float, Field(ge=1, le=10_000)]
Trunk = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,27}$")]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{3,24}$")]
Mode = Literal["normal", "surge", "degraded", "disaster"]


class TrunkEntry(Strict):
    """Callers a second over one trunk of the directory, and at once."""

    rate: Rate = 30
    burst: Rate = 60


class CallerEntry(Strict):
    """Calls from one number that are let in within so many seconds."""

    calls: Annotated[int, Field(ge=1, le=1000)] = 12
    seconds: Annotated[float, Field(ge=1, le=86400)] = 600
    switchboards: list[Number] = Field(default_factory=list)
    """Numbers of which many people call: without this limit."""


def _longer() -> dict[Mode, float]:
    return {"disaster": 4.0}


class AdmissionEntry(Strict):
    """See calls.Limits."""

    enabled: bool = True
    most: Annotated[int, Field(ge=1, le=100_000)] = 1000
    rate: Rate = 50
    burst: Rate = 100
    longest_wait: Annotated[float, Field(ge=10, le=86400)] = 900
    waiting_least: Annotated[int, Field(ge=0, le=100_000)] = 50
    longer: dict[Mode, Annotated[float, Field(ge=0.1, le=100)]] = Field(default_factory=_longer)
    announcements: Annotated[int, Field(ge=1, le=10_000)] = 100
    slow: Annotated[float, Field(ge=0.02, le=5)] = 0.25
    caller: CallerEntry = CallerEntry()
    trunk: TrunkEntry = TrunkEntry()
    trunks: dict[Trunk, TrunkEntry] = Field(default_factory=dict)
    """Trunk of directory.yaml → its own limit."""

    def limits(self, endpoint: str) -> calls.Limits:
        """For the door; `endpoint` begins the name of a directory trunk's endpoint."""
        return calls.Limits(
            on=self.enabled, most=self.most, rate=self.rate, burst=self.burst, longest_wait=self.longest_wait,
            waiting_least=self.waiting_least, longer={str(k): v for k, v in self.longer.items()},
            announcements=self.announcements, slow=self.slow, caller_calls=self.caller.calls,
            caller_seconds=self.caller.seconds,
            caller_except=frozenset(national(n) for n in self.caller.switchboards),
            trunk=calls.TrunkLimit(self.trunk.rate, self.trunk.burst),
            trunks={endpoint + n: calls.TrunkLimit(t.rate, t.burst) for n, t in self.trunks.items()},
        )  # fmt: skip
