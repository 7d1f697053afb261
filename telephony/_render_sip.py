"""Sections of pjsip.conf and manager.conf that depend on encryption: transports, trunks, the manager's listener."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from .errors import RenderError

TLS = "tls:"
"""Before host:port: its SIP goes over TLS, and its certificate must be good for that host."""
SYSTEM_CAS = Path("/etc/ssl/certs/ca-certificates.crt")
_CONTACT = re.compile(r"(tls:)?[A-Za-z0-9.-]{1,253}:[0-9]{1,5}")
_SAFE = re.compile(r"[^\r\n\0\[\];]{1,200}")


class Secured(Protocol):
    """What these sections need of the plan."""

    @property
    def bind(self) -> str: ...
    @property
    def sip_port(self) -> int: ...
    @property
    def ami_port(self) -> int: ...
    @property
    def ami_tls(self) -> bool: ...
    @property
    def sip_tls_port(self) -> int: ...
    @property
    def sip_udp(self) -> bool: ...
    @property
    def srtp(self) -> str: ...
    @property
    def tls_cert(self) -> Path | None: ...
    @property
    def tls_key(self) -> Path | None: ...
    @property
    def sip_tls_ca(self) -> Path | None: ...


def check_secured(plan: Secured) -> None:
    """Whether the settings of encryption go together. Raises RenderError."""
    if plan.srtp not in ("off", "optional", "required"):
        raise RenderError("srtp: off, optional or required")
    if plan.srtp != "off" and not plan.sip_tls_port:
        raise RenderError("srtp needs sip_tls_port: its keys would travel in the clear")
    if not plan.sip_udp and not plan.sip_tls_port:
        raise RenderError("without sip_udp there must be a sip_tls_port")
    if (plan.ami_tls or plan.sip_tls_port) and (plan.tls_cert is None or plan.tls_key is None):
        raise RenderError("TLS needs a certificate and its key: tls_cert, tls_key")


def manager_listener(plan: Secured) -> str:
    """Where the manager listens. With TLS it listens nowhere else."""
    if not plan.ami_tls:
        return f"bindaddr = {plan.bind}\nport = {plan.ami_port}"
    return (
        f"tlsenable = yes\ntlsbindaddr = {plan.bind}:{plan.ami_port}\n"
        f"tlscertfile = {plan.tls_cert}\ntlsprivatekey = {plan.tls_key}\n"
        "; Nowhere without TLS: an address for documentation (RFC 5737), which no machine has. manager.conf knows no\n"
        "; other way to say so; the log has one line that it cannot be bound.\nbindaddr = 192.0.2.1\nport = 5038"
    )


def transports(plan: Secured) -> str:
    """The transports of SIP."""
    parts = []
    if plan.sip_udp:
        parts.append(f"[transport-udp]\ntype = transport\nprotocol = udp\nbind = {plan.bind}:{plan.sip_port}\n")
    if plan.sip_tls_port:
        # The other side of a trunk must prove who it is; phones, which have no certificate, prove it by their password.
        parts.append(
            f"[transport-tls]\ntype = transport\nprotocol = tls\nbind = {plan.bind}:{plan.sip_tls_port}\n"
            f"cert_file = {plan.tls_cert}\npriv_key_file = {plan.tls_key}\n"
            f"ca_list_file = {plan.sip_tls_ca or SYSTEM_CAS}\nmethod = tlsv1_2\n"
            "verify_server = yes\nverify_client = no\n"
        )
    return "\n".join(parts)


def _srtp(plan: Secured) -> list[str]:
    if plan.srtp == "off":
        return []
    return ["media_encryption = sdes", f"media_encryption_optimistic = {'yes' if plan.srtp == 'optional' else 'no'}"]


def seat_media(plan: Secured) -> str:
    """Of seats' endpoints. With TLS there is no fixed transport: a phone is reached by the one it registered by."""
    lines = [] if plan.sip_tls_port else ["transport = transport-udp"]
    lines += _srtp(plan)
    return "\n".join(lines) or "; by the transport its phone registered by"


def trunk_media(plan: Secured) -> str:
    """Of the public's trunk: it takes encrypted talk where it is offered."""
    lines = [] if plan.sip_tls_port else ["transport = transport-udp"]
    if plan.srtp != "off":
        lines += ["media_encryption = sdes", "media_encryption_optimistic = yes"]
    return "\n".join(lines) or "; by the transport the call came by"


def good_contact(contact: str) -> bool:
    """host:port, or tls:host:port."""
    return _CONTACT.fullmatch(contact) is not None


def host_of(contact: str) -> str:
    """The host of a contact."""
    return contact.removeprefix(TLS).rpartition(":")[0]


def end_of(plan: Secured, contact: str) -> tuple[str, str]:
    """(URI, lines of the endpoint) of a trunk's other end. Raises RenderError.

    Over TLS the talk is encrypted as `srtp` says; over UDP its keys could be read, so it is not.
    """
    if not contact.startswith(TLS):
        if not plan.sip_udp:
            raise RenderError("a trunk goes over UDP, and sip_udp is off: write tls: before its contact")
        return f"sip:{contact}", "transport = transport-udp\n"
    if not plan.sip_tls_port:
        raise RenderError("a trunk goes over TLS: set sip_tls_port")
    lines = ["transport = transport-tls", *_srtp(plan), ""]
    # A bare semicolon begins a comment there.
    return f"sip:{contact.removeprefix(TLS)}\\;transport=tls", "\n".join(lines)


def login_of(name: str, uri: str, user: str, password: str, *, register: bool = False) -> tuple[str, str]:
    """(line of the endpoint, further sections) for a trunk that asks who we are. Raises RenderError."""
    if not user:
        return "", ""
    if not _SAFE.fullmatch(user) or not _SAFE.fullmatch(password):
        raise RenderError(f"{name}: user or password is empty or has a line break, ';' or brackets")
    sections = f"\n[{name}-auth]\ntype = auth\nauth_type = digest\nusername = {user}\npassword = {password}\n"
    if register:
        host = uri.partition("\\;")[0].removeprefix("sip:")
        sections += (
            f"\n[{name}-registration]\ntype = registration\noutbound_auth = {name}-auth\nserver_uri = {uri}\n"
            f"client_uri = sip:{user}@{host}\ncontact_user = {user}\nretry_interval = 30\n"
            f"forbidden_retry_interval = 300\nendpoint = {name}\n"
        )
    return f"outbound_auth = {name}-auth\n", sections
