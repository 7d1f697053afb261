"""What `hotline doctor` says of encryption between the switch, its phones, its trunks and us."""

from __future__ import annotations

from .config import HotlineConfig
from .doctor import Finding, say, some
from .doctor_pbx import loopback
from .settings import Settings


def encryption(s: Settings, config: HotlineConfig) -> list[Finding]:
    """What is encrypted, and what ought to be: whatever leaves this machine."""
    found: list[Finding] = []
    if s.private_asterisk:
        if not loopback(s.bind):
            if not s.sip_tls_port or s.srtp == "off":
                found.append(say("sip-plain", f"{s.bind}:{s.sip_port}"))
            elif s.srtp == "optional":
                found.append(say("srtp-optional", "srtp"))
        contacts = {t.name: t.contact for t in config.directory().trunks.values()}
        if s.out_trunk:
            contacts["out_trunk"] = s.out_trunk
        plain = [n for n, c in contacts.items() if not c.startswith("tls:") and not loopback(c.rpartition(":")[0])]
        if plain:
            found.append(say("trunk-plain", "directory.yaml", names=some(plain)))
    parts = (("AMI: TLS", s.ami_tls), ("SIP: TLS", s.sip_tls_port > 0), (f"SRTP: {s.srtp}", s.srtp != "off"))
    on = [name for name, yes in parts if yes]
    return [*found, say("encrypted", names=" · ".join(on) or "–")] if on or not found else found
