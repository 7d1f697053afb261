"""Operating modes (Art. 29): normal, surge, degraded, disaster. Switched by a person, or by thresholds with
hysteresis and a least stay; known incidents of a region. Pure: time and load are arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ._plain import held
from ._rules import StepRule
from ._waiting import WaitingRules

NORMAL = "normal"
MODES = (NORMAL, "surge", "degraded", "disaster")
"""In order of severity."""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the hotline is now."""

    waiting: int = 0
    longest: float = 0.0
    """Seconds that the first in the queue has waited."""
    busy: float = 0.0
    """Share of the signed-in seats that serve a caller or cannot take one (0 to 1)."""
    present: float = 1.0
    """Share of the seats on duty that are signed in (0 to 1)."""
    answered: float | None = None
    """Share of the last minutes' callers answered within 15 s; None: too few to say."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Limits; one that is None says nothing."""

    waiting: int | None = None
    longest: float | None = None
    busy: float | None = None
    present: float | None = None
    answered: float | None = None

    def _signs(self, load: Load) -> list[bool]:
        """For each limit that is given: whether the load is as bad as that."""
        signs = [
            load_value >= limit
            for load_value, limit in (
                (load.waiting, self.waiting),
                (load.longest, self.longest),
                (load.busy, self.busy),
            )
            if limit is not None
        ]
        if self.present is not None:
            signs.append(load.present <= self.present)
        if self.answered is not None and load.answered is not None:
            signs.append(load.answered <= self.answered)
        return signs

    def reached(self, load: Load) -> bool:
        """Whether one limit is reached: time to enter."""
        return any(self._signs(load))

    def passed(self, load: Load) -> bool:
        """Whether no limit is reached any more: time to leave."""
        return not any(self._signs(load))

    @property
    def given(self) -> bool:
        """Whether there is a limit at all."""
        return any(getattr(self, name) is not None for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class ModeConfig:
    """One mode as it is configured."""

    name: str
    zh: str = ""
    en: str = ""
    scale: float = 1.0
    """Seconds of the steps are multiplied by it: 0.5 relaxes twice as fast, 0 at once."""
    extra: tuple[StepRule, ...] = ()
    """Steps after a rule's own (other centres) …"""
    extra_after: float = 20.0
    """… which open when the rule's last step has had so many seconds."""
    announce: tuple[str, ...] = ()
    """Prompts (config/prompts) told to waiting callers once."""
    waiting: WaitingRules = field(default_factory=WaitingRules)
    enter: Threshold = Threshold()
    leave: Threshold = Threshold()
    """Limits below which it ends by itself; without any, those of `enter`."""
    confirm: float = 15.0
    """The thresholds must hold for so many seconds before anything changes."""
    stay: float = 300.0
    """Least seconds in a mode that thresholds have switched on."""
    wrap_up: float | None = None
    """A wrap-up that begins in this mode lasts at most so many seconds; None: as always. The draft stays to be
    finished."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A known event in a region: callers from there hear of it and keep their place."""

    id: str
    regions: frozenset[str]
    """Centre codes; one stands for all below it."""
    zh: str
    en: str = ""
    until: float | None = None
    """Unix seconds; None: until it is ended by hand."""
    unknown: bool = False
    """Callers whose region is not known (mobile phones) hear it too."""
    prompt: str = ""
    """Id of a prompt that says it; empty: made of the text."""
    since: float = 0.0
    by: str = ""

    def live(self, now: float) -> bool:
        """Whether it still holds."""
        return self.until is None or now < self.until

    def json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "id": self.id, "regions": sorted(self.regions), "zh": self.zh, "en": self.en, "until": self.until,
            "unknown": self.unknown, "prompt": self.prompt, "since": self.since, "by": self.by,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Incident:
        """What `json` wrote. Raises KeyError or TypeError."""
        return held(cls(
            str(data["id"]), frozenset(map(str, data["regions"])), str(data["zh"]), data.get("en", ""),
            data.get("until"), bool(data.get("unknown", False)), data.get("prompt", ""), data.get("since", 0.0),
            data.get("by", ""),
        ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModeState:
    """Which mode, since when, by whom and why."""

    mode: str = NORMAL
    since: float = 0.0
    by: str = ""
    """Who switched it: a person, or "thresholds"."""
    reason: str = ""
    auto: bool = True
    """Whether thresholds may switch. A mode set by a person stays until a person says otherwise."""


THRESHOLDS = "thresholds"
"""`ModeState.by` of a mode that the load has switched on."""


class ModeControl:
    """The present mode and the incidents added at run time. Not thread-safe: one owner."""

    def __init__(
        self, modes: Mapping[str, ModeConfig] | None = None, state: ModeState | None = None,
        incidents: Iterable[Incident] = (),
    ) -> None:  # fmt: skip
        self.modes: Mapping[str, ModeConfig] = modes or {NORMAL: ModeConfig(NORMAL)}
        self.state = state or ModeState()
        self._incidents = {i.id: i for i in incidents}
        self._wish: tuple[str, float] | None = None
        """(mode the thresholds ask for, since when): it must last `confirm` seconds."""

    @property
    def mode(self) -> str:
        """The present mode's name; normal when the configuration no longer has it."""
        return self.state.mode if self.state.mode in self.modes else NORMAL

    @property
    def config(self) -> ModeConfig:
        """The present mode's configuration."""
        return self.modes.get(self.mode) or ModeConfig(NORMAL)

    # ------------------------------------------------------------------ switching
    def set_mode(self, mode: str, by: str, reason: str, now: float, *, auto: bool | None = None) -> bool:
        """Switches. By a person it stays until a person says otherwise, unless `auto` is given.

        Returns:
            Whether anything changed.

        Raises:
            ValueError: there is no such mode.
        """
        if mode not in self.modes:
            raise ValueError(f"no mode '{mode}'; there are {', '.join(self.modes)}")
        if auto is None:
            # Back to normal by hand means: all is well, look after it yourself again.
            auto = by == THRESHOLDS or mode == NORMAL
        since = self.state.since if mode == self.state.mode else now
        new = ModeState(mode, since, by, reason, auto)
        changed = new != self.state
        self.state, self._wish = new, None
        return changed

    def set_auto(self, auto: bool, by: str) -> None:
        """Whether thresholds may switch from now on; the present mode stays for now."""
        self.state, self._wish = replace(self.state, auto=auto, by=by), None

    def judge(self, load: Load, now: float) -> str | None:
        """The mode that the load asks for, if it is another one and has been asked for long enough.

        Nothing is switched: whoever asks writes it down first, then calls `set_mode`.
        """
        present = self.config
        if not self.state.auto:
            self._wish = None
            return None
        wanted = self._wanted(load)
        if wanted == present.name or (_severity(wanted) < _severity(present.name) and not self._may_leave(load, now)):
            self._wish = None
            return None
        if self._wish is None or self._wish[0] != wanted:
            self._wish = (wanted, now)
        confirm = self.modes[wanted].confirm if wanted in self.modes and wanted != NORMAL else present.confirm
        return wanted if now - self._wish[1] >= confirm else None

    def _wanted(self, load: Load) -> str:
        """The most severe mode whose limits are reached."""
        for name in sorted(self.modes, key=_severity, reverse=True):
            if name != NORMAL and self.modes[name].enter.reached(load):
                return name
        return NORMAL

    def _may_leave(self, load: Load, now: float) -> bool:
        present = self.config
        limits = present.leave if present.leave.given else present.enter
        return now - self.state.since >= present.stay and limits.passed(load)

    def reason(self, load: Load) -> str:
        """The load in words for the log and the console, without any caller in it."""
        answered = f", answered {load.answered:.0%}" if load.answered is not None else ""
        return f"waiting {load.waiting}, longest {load.longest:.0f} s, busy {load.busy:.0%}, " \
               f"present {load.present:.0%}{answered}"  # fmt: skip

    # ------------------------------------------------------------------ incidents
    def add_incident(self, incident: Incident) -> None:
        """Adds one, or replaces the one of the same id."""
        self._incidents[incident.id] = incident

    def end_incident(self, incident_id: str) -> bool:
        """Ends one that was added at run time. False if there is none."""
        return self._incidents.pop(incident_id, None) is not None

    def incidents(self, now: float) -> tuple[Incident, ...]:
        """Those that hold now, oldest first; past ones are forgotten."""
        self._incidents = {i: one for i, one in self._incidents.items() if one.live(now)}
        return tuple(sorted(self._incidents.values(), key=lambda i: (i.since, i.id)))

    # ------------------------------------------------------------------ keeping
    def json(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        s = self.state
        state = {"mode": s.mode, "since": s.since, "by": s.by, "reason": s.reason, "auto": s.auto}
        return {**state, "incidents": [i.json() for i in self._incidents.values()]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], modes: Mapping[str, ModeConfig]) -> ModeControl:
        """What `json` wrote, by this version or an older one; what cannot be read is as if never set."""
        if not isinstance(data, Mapping):
            data = {}
        try:
            state = held(ModeState(
                str(data["mode"]), float(data["since"]), str(data.get("by", "")), str(data.get("reason", "")),
                bool(data.get("auto", True)),
            ))  # fmt: skip
        except (KeyError, TypeError, ValueError, OverflowError):
            state = ModeState()
        incidents = []
        rows = data.get("incidents")
        for row in rows if isinstance(rows, list | tuple) else ():
            try:
                incidents.append(Incident.from_json(row))
            except (KeyError, TypeError, ValueError):
                continue
        return cls(modes, state, incidents)


def _severity(mode: str) -> int:
    return MODES.index(mode) if mode in MODES else 0
