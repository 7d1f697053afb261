"""What `hotline doctor` asks of the switch: over AMI as the service's own user, so with no more rights than it has.

A second session beside the service's. It sends nothing that changes a call; the one event it makes (HotlineDoctor)
nobody else understands.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import telephony

from .config import HotlineConfig
from .doctor import Finding, NotLooked, off_loop, say, some, with_well
from .doctor_dialplan import Step, contexts_of, differences
from .pbx import ami_tls, private_asterisk
from .settings import Settings

NEEDED = (
    "AGI", "ControlPlayback", "CoreShowChannels", "DeviceStateList", "Getvar", "Hangup", "Originate", "Redirect",
    "Setvar", "UserEvent",
)  # fmt: skip
"""Actions the service sends."""
PROVIDED = {
    "AGI": "res_agi", "ControlPlayback": "app_controlplayback", "DeviceStateList": "res_manager_devicestate",
    "MixMonitorMute": "app_mixmonitor", "PJSIPHangup": "chan_pjsip", "QueueStatus": "app_queue",
}  # fmt: skip
"""Action → the module without which it is not there."""
FUNCTIONS = {
    "func_uri": ("URIENCODE(a b)", "a%20b"), "func_dialplan": ("DIALPLAN_EXISTS(hotline-wait,s,1)", "1"),
    "func_logic": ('IF($["1" = "1"]?yes:no)', "yes"), "func_devstate": ("DEVICE_STATE(PJSIP/hotline-no)", "INVALID"),
}  # fmt: skip
"""Module → one of its functions, and what that gives."""
POWERFUL = frozenset({"system", "command", "config"})
"""Classes with which an intruder would own the switch's machine."""
WRITES = ("call", "agent", "user", "reporting", "originate", "agi")
"""Classes of the manager user as it is rendered."""
_PRIV = re.compile(r"\(Priv: ([^)]*)\)")


class Pbx:
    """One AMI session for all checks of the switch; made at the first use.

    Args:
        s: settings.
        limit: seconds for connecting and logging in.
    """

    def __init__(self, s: Settings, limit: float = 4.0) -> None:
        self.settings = s
        self.host = s.bind if s.private_asterisk else s.ami_host
        self.where = f"{self.host}:{s.ami_port}"
        self.secret_file = s.ami_secret_file or s.secrets_dir / "ami"
        self._awaited: dict[str, asyncio.Event] = {}
        self._limit = limit
        self._link: telephony.AmiLink | None = None
        self._opening: asyncio.Task[telephony.AmiLink] | None = None

    async def link(self) -> telephony.AmiLink:
        """The session. Raises telephony.TelephonyError; OSError or UnicodeError for the secret's file."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name="doctor-ami")
        return await asyncio.shield(self._opening)

    async def wanted(self) -> telephony.AmiLink:
        """The session, for checks that need it. Raises NotLooked."""
        try:
            return await self.link()
        except (telephony.TelephonyError, OSError, UnicodeError):
            raise NotLooked("没有 AMI 连接", "no AMI session") from None

    async def _open(self) -> telephony.AmiLink:
        secret = (await off_loop(lambda: self.secret_file.read_text(encoding="ascii"))).strip()
        self._link = link = telephony.AmiLink(
            telephony.AmiSettings(
                host=self.host, port=self.settings.ami_port, username=self.settings.ami_user, secret=secret,
                tls=ami_tls(self.settings),
                # One try only: a refused login may be an alarm over there.
                events="user,system", reconnect_min=60.0, reconnect_max=60.0,
            ),
            self._events,
        )  # fmt: skip
        await link.start()
        end = asyncio.get_running_loop().time() + self._limit
        while link.state is not telephony.LinkState.UP:
            if link.state is telephony.LinkState.DOWN or asyncio.get_running_loop().time() > end:
                raise telephony.LinkDown(link.trouble)
            await asyncio.sleep(0.02)
        return link

    def _events(self, batch: Iterable[Mapping[str, Any]]) -> None:
        for message in batch:
            if (event := self._awaited.get(str(message.get("Token", "")))) is not None:
                event.set()

    async def close(self) -> None:
        """Ends the session."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
            if not self._opening.cancelled():
                self._opening.exception()  # told by the check of the login
        if self._link is not None:
            await self._link.stop()

    # ------------------------------------------------------------------ questions
    async def value(self, variable: str) -> str:
        """A global variable's or a function's value; "" for none. Raises NotLooked."""
        link = await self.wanted()
        try:
            return (await link.send({"Action": "Getvar", "Variable": variable})).one("Value")
        except telephony.ActionFailed:
            return ""

    async def actions(self) -> Mapping[str, str]:
        """Actions this user may send → "what it does (Priv: class,…,all)". Raises NotLooked."""
        reply = await (await self.wanted()).send({"Action": "ListCommands"})
        return {name: reply.one(name) for name in reply if name not in ("Response", "ActionID")}

    async def clock(self) -> float:
        """The switch's clock, unix seconds, to the millisecond. Raises NotLooked."""
        try:
            return float(await self.value("STRFTIME(,,%s.%3q)"))
        except ValueError:
            raise NotLooked("读不到时间", "its time cannot be read") from None

    async def event_comes(self, seconds: float = 1.5) -> bool:
        """Whether an event that we make comes back to us."""
        link, token, came = await self.wanted(), secrets.token_hex(8), asyncio.Event()
        self._awaited[token] = came
        with contextlib.suppress(telephony.TelephonyError, TimeoutError):
            await link.send({"Action": "UserEvent", "UserEvent": "HotlineDoctor", "Token": token})
            await asyncio.wait_for(came.wait(), seconds)
        return came.is_set()


# ------------------------------------------------------------------ login and rights
async def ami(pbx: Pbx) -> list[Finding]:
    """Whether the login works, with neither too many rights nor too few, and whether events come."""
    try:
        await pbx.link()
    except (OSError, UnicodeError) as error:
        if not isinstance(error, telephony.TelephonyError):  # LinkDown is a ConnectionError too
            return [say("ami-secret", pbx.secret_file, name=type(error).__name__)]
        if "refused the login" in str(error):
            return [say("ami-login", pbx.where, user=pbx.settings.ami_user, path=pbx.secret_file)]
        if "certificate" in str(error):
            return [say("ami-certificate", pbx.where, error=re.search(r"\(([^)]*)\)", str(error) + "(–)")[1])]  # type: ignore[index]
        if "no TLS there" in str(error):
            return [say("ami-no-tls", pbx.where)]
        return [say("ami-down", pbx.where)]
    found = judge_rights(await pbx.actions())
    if not await pbx.event_comes():
        found.append(say("ami-events", pbx.where))
    if not pbx.settings.ami_tls and not loopback(pbx.host):
        found.append(say("ami-plain", pbx.where))
    return with_well(found, say("ami-well", pbx.where))


def loopback(host: str) -> bool:
    """Whether nobody else's machine can listen in."""
    return host.startswith("127.") or host in ("localhost", "::1")


def judge_rights(actions: Mapping[str, str]) -> list[Finding]:
    """What the actions that a manager user may send (`Pbx.actions`) say of its rights.

    An action is allowed by any one of its classes. One that none of our own classes allows shows a class too much.
    """
    write, found = ",".join(WRITES), []
    missing = [x for x in NEEDED if x not in actions and x not in PROVIDED]  # PROVIDED: its module may be missing
    if missing:
        found.append(say("ami-rights-missing", names=", ".join(missing), write=write))
    classes = [set(m[1].split(",")) - {"all", "<none>"} for m in map(_PRIV.search, actions.values()) if m is not None]
    extra: set[str] = set()
    for needs in sorted((c for c in classes if c and c.isdisjoint(WRITES)), key=len):
        if extra.isdisjoint(needs):  # else what is known already allows it
            extra |= needs
    if extra & POWERFUL:
        found.append(say("ami-rights-much", names=", ".join(sorted(extra & POWERFUL)), write=write))
    if extra - POWERFUL:
        found.append(say("ami-rights-more", names=", ".join(sorted(extra - POWERFUL)), write=write))
    return found


# ------------------------------------------------------------------ dialplan
async def dialplan(pbx: Pbx, config: HotlineConfig) -> list[Finding]:
    """Whether the switch has our contexts, each as this version renders it, and the native queue behind them."""
    link = await pbx.wanted()
    wanted = await off_loop(lambda: rendered(pbx.settings, config))
    missing, changed, found = [], [], []
    for context, steps in wanted.items():
        try:
            items = await link.send_list({"Action": "ShowDialPlan", "Context": context})
        except telephony.ActionFailed:
            if steps:  # one without steps (no seats to be rung by others) is not kept by the switch
                missing.append(context)
            continue
        if differs := differences(steps, (_step(m) for m in items if m.one("Priority").isdigit())):
            changed.append(f"{context} ({differs})")
    if missing:
        found.append(say("dialplan-missing", pbx.where, names=", ".join(missing)))
    if changed:
        found.append(say("dialplan-version", pbx.where, names=", ".join(changed)))
    queue: list[str] = []
    with contextlib.suppress(telephony.TelephonyError):
        queue = [m.event for m in await link.send_list({"Action": "QueueStatus", "Queue": "hotline-native"})]
    if "QueueParams" not in queue:
        found.append(say("no-native-queue", pbx.where))
    return with_well([*found, *await _globals(pbx)], say("dialplan-well", pbx.where, count=len(wanted)))


def _step(m: Mapping[str, str | list[str]]) -> Step:
    def one(key: str) -> str:
        value = m.get(key, "")
        return value if isinstance(value, str) else value[0]

    return Step(one("Extension"), int(one("Priority")), one("Application"), one("AppData"))


async def _globals(pbx: Pbx) -> list[Finding]:
    found = []
    if (spool := await pbx.value("HL_RECORDINGS")) != str(pbx.settings.spool):
        found.append(say("spool-differs", f"{spool or '–'} ≠ {pbx.settings.spool}"))
    beat, stale = await pbx.value("HEARTBEAT"), await pbx.value("HL_STALE")
    if not stale.isdigit():
        found.append(say("no-stale", pbx.where))
    elif not beat.isdigit() or int(beat) + int(stale) < time.time():
        found.append(say("no-heart-beat"))
    return found


def rendered(s: Settings, config: HotlineConfig) -> dict[str, set[Step]]:
    """The dialplan as this version renders it for these settings. Writes nothing, and needs no Asterisk here."""
    asterisk = private_asterisk(s, config)
    # Directories of a private instance: none of them is in the dialplan.
    nowhere = dict.fromkeys(
        ("etc_dir", "var_dir", "spool_dir", "run_dir", "log_dir", "data_dir", "module_dir", "moh_dir"), s.var_dir
    )
    plan = telephony.SwitchPlan(**nowhere, **asterisk.plan_changes)  # type: ignore[arg-type]
    return contexts_of(telephony.render(asterisk.templates, plan)["extensions.conf"])


# ------------------------------------------------------------------ modules
async def modules(pbx: Pbx, config: HotlineConfig) -> list[Finding]:
    """What the dialplan needs, as far as it can be seen: all of it in our own switch, the most of it in another."""
    link = await pbx.wanted()
    version = (await link.send({"Action": "CoreSettings"})).one("AsteriskVersion")
    actions = await pbx.actions()
    missing = {module for action, module in PROVIDED.items() if action not in actions}
    for module, (variable, wanted) in FUNCTIONS.items():
        if await pbx.value(variable) != wanted:
            missing.add(module)
    found = []
    if pbx.settings.private_asterisk:
        missing |= await _unloaded(pbx.settings, config)
    else:
        found.append(say("not-seen"))
    if missing:
        found.append(say("module-missing", pbx.where, names=", ".join(sorted(missing))))
    major = re.search(r"\d+", version)
    if major is None or int(major[0]) < 22:
        found.append(say("asterisk-version", pbx.where, version=version))
    return with_well(found, say("modules-well", version=version))


async def _unloaded(s: Settings, config: HotlineConfig) -> set[str]:
    """Modules of our own switch's modules.conf that do not run."""
    asterisk = private_asterisk(s, config)
    try:
        shown = await asterisk.cli("module show")
    finally:
        asterisk.forget()
    running = {words[0] for line in shown.splitlines() if "Running" in (words := line.split())}
    if not running:
        return set()  # another switch than ours answers at this port: the other checks tell
    conf = await off_loop(lambda: (s.config_dir / "asterisk" / "modules.conf").read_text(encoding="utf-8"))
    wanted = re.findall(r"^load\s*=>?\s*(\S+?)(?:\.so)?\s*$", conf, re.MULTILINE)
    return {name for name in wanted if f"{name}.so" not in running}


# ------------------------------------------------------------------ trunks and phones
def endpoints(s: Settings, config: HotlineConfig) -> Iterator[tuple[str, str, bool]]:
    """(endpoint, trunk | out | peer | line, whether the switch asks if the other side lives)."""
    if s.private_asterisk:
        yield "trunk", "trunk", False
    if s.outward:
        yield s.outward, "out", False
    yield from ((name, "peer", False) for name in s.peers)
    for trunk in config.directory().trunks.values():
        yield f"{telephony.LINE_TRUNK}{trunk.name}", "line", trunk.qualify > 0


async def trunks(pbx: Pbx, config: HotlineConfig) -> list[Finding]:
    """Whether each trunk's endpoint is there, and reachable where the switch asks."""
    await pbx.wanted()
    wanted = list(endpoints(pbx.settings, config))
    states = {name: await pbx.value(f"DEVICE_STATE(PJSIP/{name})") for name, _, _ in wanted}
    return judge_trunks(wanted, states, pbx.where)


def judge_trunks(wanted: Sequence[tuple[str, str, bool]], states: Mapping[str, str], where: str) -> list[Finding]:
    """What the device states of the trunks' endpoints (`endpoints`) mean."""
    gone = [name for name, _, _ in wanted if states.get(name, "") in ("INVALID", "")]
    dead = [name for name, _, asked in wanted if asked and states.get(name) == "UNAVAILABLE"]
    unasked = [name for name, kind, asked in wanted if kind == "line" and not asked]
    found = []
    if gone:
        found.append(say("trunk-missing", where, names=", ".join(gone)))
    if dead:
        found.append(say("trunk-dead", where, names=", ".join(dead)))
    if unasked:
        found.append(say("trunk-unasked", "directory.yaml", names=", ".join(unasked)))
    return with_well(found, say("trunks-well", where, count=len(wanted)))


async def phones(pbx: Pbx, config: HotlineConfig) -> list[Finding]:
    """Seats' phones: whether the switch knows each, and how many are registered."""
    await pbx.wanted()
    ours = [x.id for x in config.seats if not x.phone]
    return judge_phones({seat: await pbx.value(f"DEVICE_STATE(PJSIP/{seat})") for seat in ours}, pbx.where)


def judge_phones(states: Mapping[str, str], where: str) -> list[Finding]:
    """What the device states of the seats' phones mean."""
    unknown = [seat for seat, state in states.items() if state in ("INVALID", "")]
    online = [seat for seat, state in states.items() if state not in ("INVALID", "", "UNAVAILABLE")]
    found = []
    if unknown:
        found.append(say("seat-unknown", where, names=some(unknown)))
    if states and not online:
        found.append(say("no-phone", where))
    return found or [say("phones-well", online=len(online), count=len(states))]
