"""Renders the Asterisk configuration from the templates in config/asterisk.

Templates hold `@NAME@` marks; every mark must be known and every value is checked, so that a seat's
name can never smuggle a line into the switch's configuration.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ._render_sip import (
    check_secured,
    end_of,
    good_contact,
    login_of,
    manager_listener,
    seat_media,
    transports,
    trunk_media,
)
from .errors import RenderError

_MARK = re.compile(r"@([A-Z_]+)@")
_SAFE = re.compile(r"[^\r\n\0\[\];]*")
_SEAT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")

_RECORDS = re.compile(r"^ same => n,.*MixMonitor\(")

# Files an existing PBX needs; the others only make a private instance complete.
PBX_PIECES = ("extensions.conf", "manager.conf", "pjsip.conf", "queues.conf")
# Read at boot by core modules; absent ones are reported as errors in the log.
_EMPTY = (
    "acl.conf", "ccss.conf", "cel.conf", "chan_websocket.conf", "cli.conf", "codecs.conf",
    "dnsmgr.conf", "dsp.conf", "features.conf", "http.conf", "pjproject.conf",
    "queuerules.conf", "res_parking.conf", "sorcery.conf", "stasis.conf", "udptl.conf",
    "websocket_client.conf", "confbridge.conf", "geolocation.conf", "stir_shaken.conf",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeatPhone:
    """A seat's SIP account on the switch."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Peer:
    """Another Asterisk whose seats are rung from here, and which may ring ours: `8001@<name>`."""

    name: str
    contact: str
    """host:port of its SIP. Requests from this host ring seats: it must not be one of the trunk's addresses."""


@dataclass(frozen=True, slots=True)
class LineTrunk:
    """A trunk to other hotlines and units (联动热线名录): calls go out through it, and come in from its hosts."""

    name: str
    """Letters, digits, '-' and '_', at most 27; its endpoint is `line-<name>`."""
    contact: str
    """host:port of its SIP over UDP; tls:host:port over TLS."""
    match: Sequence[str] = ()
    """Addresses, networks or host names whose calls come in by it as callers of the hotline; none: outgoing only."""
    qualify: int = 0
    """Asks every so many seconds whether the other side lives, so that a dead trunk fails at once; 0: never."""
    user: str = ""
    """With `password`: who we are when it asks; empty: it knows us by our address."""
    password: str = field(default="", repr=False)
    register: bool = False
    """Registers as `user`, where the carrier sends calls to whoever is registered."""

    @property
    def endpoint(self) -> str:
        """Name of its PJSIP endpoint."""
        return LINE_TRUNK + self.name


LINE_TRUNK = "line-"
"""Begins the endpoint's name of a directory trunk."""


@dataclass(frozen=True, slots=True)
class SwitchPlan:
    """All that the templates need. Paths are absolute; ports are TCP (AMI) or UDP (SIP, RTP)."""

    etc_dir: Path
    var_dir: Path
    spool_dir: Path
    run_dir: Path
    log_dir: Path
    data_dir: Path
    module_dir: Path
    moh_dir: Path
    recording_spool: Path
    seats: Sequence[SeatPhone]
    dialled: Sequence[str]
    ami_secret: str = field(repr=False)
    ami_user: str = "hotline"
    ami_port: int = 5038
    sip_port: int = 5060
    rtp_start: int = 10000
    rtp_end: int = 20000
    bind: str = "127.0.0.1"
    ami_permit: str = "127.0.0.1/255.255.255.255"
    trunk_match: str = "127.0.0.0/8"
    system_name: str = "hotline"
    out_contact: str = ""
    """Where calls to callers go out (回拨), as host:port; empty: there is no way out (no toll fraud)."""
    peers: Sequence[Peer] = ()
    lines: Sequence[LineTrunk] = ()
    """Trunks of the hotline directory; none: no call leaves for another hotline."""
    record: bool = True
    """False: the dialplan starts no recording."""
    out_user: str = ""
    out_password: str = field(default="", repr=False)
    """Of the trunk `out_contact`, if it asks who we are."""
    ami_tls: bool = False
    """The manager listens with TLS, and not without."""
    sip_tls_port: int = 0
    """TCP port of SIP over TLS; 0: none."""
    sip_udp: bool = True
    """False: SIP over TLS alone."""
    srtp: str = "off"
    """Of seats' phones and of trunks over TLS: off, optional, required."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    """PEM files, read by Asterisk."""
    sip_tls_ca: Path | None = None
    """CAs that the other sides of trunks over TLS are verified by; None: this system's."""


def _seat_section(seat: SeatPhone) -> str:
    u = seat.user
    return (
        f"[{u}](seat)\nauth = {u}\naors = {u}\n\n"
        f"[{u}](seat-auth)\nusername = {u}\npassword = {seat.password}\n\n"
        f"[{u}](seat-aor)\n"
    )


OUT_TRUNK = "hotline-out"
"""The endpoint for calling out. Nothing comes in through it: its context has no extension for anybody."""
_NO_REDIRECT = "redirect_method = user\nset_var = FORWARD_CONTEXT=hotline-nowhere\n"
"""The other end may not send our call elsewhere (302): what it names is looked for where there is no extension."""
_PEER = re.compile(r"[A-Za-z0-9.-]{1,253}:[0-9]{1,5}")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(/[0-9]{1,2})?")
_NUMERIC = re.compile(r"[0-9.]+(/[0-9]{1,2})?")
_TRUNK_NAME = re.compile(r"[A-Za-z0-9_-]{1,27}")


def _out_section(plan: SwitchPlan) -> str:
    contact = plan.out_contact
    if not contact:
        return "; no trunk for calling out: out_trunk in the settings names one"
    if not good_contact(contact):
        raise RenderError("OUT_CONTACT: host:port, for instance 10.0.0.5:5060, or tls:host:port")
    uri, media = end_of(plan, contact)
    login, sections = login_of(OUT_TRUNK, uri, plan.out_user, plan.out_password)
    return (
        f"[{OUT_TRUNK}]\ntype = endpoint\ncontext = hotline-keys\n{media}disallow = all\n"
        f"allow = alaw,ulaw\ndirect_media = no\nrtp_symmetric = yes\nrtp_timeout = 60\nallow_transfer = no\n"
        f"{_NO_REDIRECT}identify_by = ip\n{login}aors = {OUT_TRUNK}\n\n"
        f"[{OUT_TRUNK}]\ntype = aor\ncontact = {uri}\nqualify_frequency = 0\n{sections}"
    )


def _peer_section(peer: Peer) -> str:
    if not _SEAT_ID.fullmatch(peer.name) or not _PEER.fullmatch(peer.contact):
        raise RenderError(f"peer {peer.name!r}: a name of letters, digits, '_' or '-', and host:port")
    n, host = peer.name, peer.contact.rpartition(":")[0]
    return (
        f"[{n}]\ntype = endpoint\ncontext = hotline-peer\ntransport = transport-udp\ndisallow = all\n"
        f"allow = alaw,ulaw\ndirect_media = no\nrtp_symmetric = yes\nrtp_timeout = 60\nrtp_timeout_hold = 300\n"
        f"identify_by = ip\ntrust_id_inbound = yes\nallow_transfer = no\n{_NO_REDIRECT}aors = {n}\n\n"
        f"[{n}]\ntype = aor\ncontact = sip:{peer.contact}\nqualify_frequency = 0\n\n"
        f"[{n}-address]\ntype = identify\nendpoint = {n}\nmatch = {host}\n"
    )


def _line_section(plan: SwitchPlan, line: LineTrunk) -> str:
    """Nothing but the hotline itself can be dialled through it, and it moves no call of ours (REFER).

    It is known by its address alone: who only writes its name into a request is nobody.
    """
    n = line.endpoint
    uri, media = end_of(plan, line.contact)
    login, sections = login_of(n, uri, line.user, line.password, register=line.register)
    text = (
        f"[{n}]\ntype = endpoint\ncontext = hotline-trunk\n{media}disallow = all\n"
        f"allow = alaw,ulaw\ndirect_media = no\nrtp_symmetric = yes\nforce_rport = yes\ndtmf_mode = rfc4733\n"
        f"rtp_timeout = 60\nrtp_timeout_hold = 300\nidentify_by = ip\ntrust_id_inbound = yes\n"
        f"allow_transfer = no\n{_NO_REDIRECT}{login}aors = {n}\n\n"
        f"[{n}]\ntype = aor\ncontact = {uri}\nqualify_frequency = {line.qualify}\n{sections}"
    )
    if line.match:
        text += f"\n[{n}-address]\ntype = identify\nendpoint = {n}\nsrv_lookups = no\nmatch = {','.join(line.match)}\n"
    return text


def _network(text: str) -> ipaddress.IPv4Network | None:
    """An address or a network; None: a host name, or nothing."""
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None


def _overlap(one: str, two: str) -> bool:
    a, b = _network(one), _network(two)
    return a.overlaps(b) if a is not None and b is not None else one.lower() == two.lower()


def check_lines(lines: Sequence[LineTrunk], peers: Sequence[Peer], taken: Iterable[str]) -> None:
    """Whether the trunks of the hotline directory go together with all else that has a name or an address.

    Args:
        lines: the trunks.
        peers: other Asterisks.
        taken: names of endpoints that there are.

    Raises:
        RenderError: a name or an address is taken, or is none; the text says which.
    """
    names = set(taken)
    owners = [(p.contact.rpartition(":")[0], f"peer {p.name}") for p in peers]
    for line in lines:
        if not _TRUNK_NAME.fullmatch(line.name) or not good_contact(line.contact) or line.qualify < 0:
            raise RenderError(f"trunk {line.name!r}: a name of 1-27 letters, digits, '_' or '-', and host:port")
        if line.endpoint in names:
            raise RenderError(f"trunk {line.name!r}: a seat, a peer or another trunk is called {line.endpoint}")
        names.add(line.endpoint)
        for host in line.match:
            if not _HOST.fullmatch(host) or (_NUMERIC.fullmatch(host) and _network(host) is None):
                raise RenderError(f"trunk {line.name!r}: match {host!r} is no address, network or host name")
            for other, owner in owners:
                if _overlap(host, other):
                    raise RenderError(f"trunk {line.name!r}: calls from {host} are those of {owner} already ({other})")
        owners += [(host, f"trunk {line.name}") for host in line.match]


def _trunk_match(plan: SwitchPlan) -> str:
    """Whose calls are the public's: never those of a directory trunk, however wide the network is.

    The switch takes the first section that fits, in an order of its own; so they must not overlap.
    """
    numeric = [h for line in plan.lines for h in line.match if _NUMERIC.fullmatch(h)]
    return ",".join([plan.trunk_match, *(f"!{h if '/' in h else h + '/32'}" for h in numeric)])


def _values(plan: SwitchPlan) -> Mapping[str, str]:
    check_secured(plan)
    for seat in plan.seats:
        if not _SEAT_ID.fullmatch(seat.user):
            raise RenderError(f"seat {seat.user!r}: a seat's id has 1-32 letters, digits, '_' or '-'")
        if not seat.password or not _SAFE.fullmatch(seat.password):
            raise RenderError(f"seat {seat.user}: the password is empty or has a line break, ';' or brackets")
    taken = {"trunk", OUT_TRUNK, *(seat.user for seat in plan.seats)}
    for peer in plan.peers:
        if peer.name in taken:
            raise RenderError(f"peer {peer.name!r}: a seat, a trunk or another peer has this name")
        taken.add(peer.name)
    check_lines(plan.lines, plan.peers, taken)
    for number in plan.dialled:
        if not re.fullmatch(r"\+?[0-9]{1,24}", number):
            raise RenderError(f"dialled number {number!r}: digits only")
    plain = {
        "ETC_DIR": plan.etc_dir, "VAR_DIR": plan.var_dir, "SPOOL_DIR": plan.spool_dir,
        "RUN_DIR": plan.run_dir, "LOG_DIR": plan.log_dir, "DATA_DIR": plan.data_dir,
        "MODULE_DIR": plan.module_dir, "MOH_DIR": plan.moh_dir, "RECORDING_SPOOL": plan.recording_spool,
        "AMI_USER": plan.ami_user, "AMI_SECRET": plan.ami_secret, "AMI_PORT": plan.ami_port,
        "AMI_PERMIT": plan.ami_permit, "SIP_PORT": plan.sip_port, "RTP_START": plan.rtp_start,
        "RTP_END": plan.rtp_end, "BIND": plan.bind, "TRUNK_MATCH": plan.trunk_match,
        "SYSTEM_NAME": plan.system_name,
        **({"TLS_CERT": plan.tls_cert, "TLS_KEY": plan.tls_key} if plan.ami_tls or plan.sip_tls_port else {}),
        **({"SIP_TLS_CA": plan.sip_tls_ca} if plan.sip_tls_ca else {}),
    }  # fmt: skip
    values = {k: str(v) for k, v in plain.items()}
    for key, value in values.items():
        if not value or not _SAFE.fullmatch(value):
            raise RenderError(f"{key}: empty, or has a line break, ';' or brackets")
    values["OUT_TRUNK"] = _out_section(plan)
    values["AMI_LISTEN"] = manager_listener(plan)
    values["TRANSPORTS"] = transports(plan)
    values["SEAT_MEDIA"], values["TRUNK_MEDIA"] = seat_media(plan), trunk_media(plan)
    values["TRUNK_MATCH"] = _trunk_match(plan)
    values["LINES"] = "\n".join(_line_section(plan, x) for x in plan.lines) or "; no trunk in the hotline directory"
    values["PEERS"] = "\n".join(_peer_section(p) for p in plan.peers) or "; no other Asterisk rings seats here"
    # One extension for each seat of ours, and none for anything else: a peer can ring seats and dial no number.
    values["PEER_SEATS"] = "\n".join(
        f"exten => {s.user},1,Dial(PJSIP/{s.user},120)\n same => n,Hangup(${{HANGUPCAUSE}})" for s in plan.seats
    )
    values["SEATS"] = "\n".join(_seat_section(s) for s in plan.seats)
    values["QUEUE_MEMBERS"] = "\n".join(f"member = PJSIP/{s.user}" for s in plan.seats)
    values["SELF_CALL"] = "\n".join(f"exten => {n},1,Goto(hotline-trunk,{n},1)" for n in plan.dialled)
    return values


def render(templates: Path, plan: SwitchPlan) -> dict[str, str]:
    """Returns file name → content for every template. Raises RenderError on an unknown mark or value."""
    values = _values(plan)
    files = sorted(templates.glob("*.conf"))
    if not files:
        raise RenderError(f"no templates (*.conf) in {templates}")
    out: dict[str, str] = {}
    for path in files:
        text = path.read_text(encoding="utf-8")
        unknown = sorted({m for m in _MARK.findall(text) if m not in values})
        if unknown:
            raise RenderError(f"{path}: unknown marks {', '.join(unknown)}")
        out[path.name] = _MARK.sub(lambda m: values[m.group(1)], text)
    if not plan.record and "extensions.conf" in out:
        lines = out["extensions.conf"].split("\n")
        out["extensions.conf"] = "\n".join(" same => n,NoOp()" if _RECORDS.match(x) else x for x in lines)
    for name in _EMPTY:
        out.setdefault(name, "; empty on purpose\n")
    return out
