"""The private Asterisk of an instance's settings, and what reaches it."""

from __future__ import annotations

from pathlib import Path

import telephony

from .certificates import own_certificate
from .config import HotlineConfig
from .errors import ConfigError
from .passwords import read_secret, seat_password
from .private import secret
from .settings import Settings


def seat_phones(config: HotlineConfig, settings: Settings | None = None) -> list[telephony.SeatPhone]:
    """The phones that register here; a seat with a `phone` of its own is at another Asterisk."""
    return [telephony.SeatPhone(x.id, seat_password(x.id, config, settings)) for x in config.seats if not x.phone]


def line_trunks(config: HotlineConfig) -> list[telephony.LineTrunk]:
    """The trunks of the hotline directory. Raises ConfigError when a password's file cannot be read."""
    return [
        telephony.LineTrunk(
            t.name, t.contact, t.match, t.qualify, t.user, read_secret(Path(t.password_file), t.name) if t.user else "",
            t.register,
        )
        for t in config.directory().trunks.values()
    ]  # fmt: skip


def certificate(s: Settings) -> tuple[Path | None, Path | None]:
    """(certificate, key) of the private Asterisk, made if need be; (None, None) where nothing is encrypted."""
    if not s.encrypted:
        return None, None
    if s.tls_cert is None:
        own = own_certificate(s.own_certificate, s.bind) if s.private_asterisk else s.own_certificate
        return own, own
    cert, key = s.tls_cert.resolve(), (s.tls_key or s.tls_cert).resolve()
    for name, path in (("tls_cert", cert), ("tls_key", key)):
        if s.private_asterisk and not path.is_file():
            raise ConfigError(f"setting '{name}': {path}: no such file", "name a PEM file, or leave both out")
    return cert, key


def ami_tls(s: Settings) -> telephony.AmiTls | None:
    """How the manager's certificate is verified; None: no TLS."""
    if not s.ami_tls:
        return None
    if s.private_asterisk and s.tls_cert is None:
        return telephony.AmiTls(s.ami_tls_ca or s.own_certificate, s.ami_tls_name or "localhost")
    return telephony.AmiTls(s.ami_tls_ca or (s.tls_cert if s.private_asterisk else None), s.ami_tls_name)


def peers_of(settings: Settings) -> tuple[telephony.Peer, ...]:
    """Other Asterisks whose seats are rung."""
    return tuple(telephony.Peer(name, contact) for name, contact in settings.peers.items())


def check_switch(settings: Settings, config: HotlineConfig) -> None:
    """Whether the directory's trunks go together with the peers of the settings, and all passwords can be read.

    Raises telephony.RenderError, ConfigError.
    """
    peers = peers_of(settings)
    seat_phones(config, settings)
    telephony.check_lines(line_trunks(config), peers, [*(p.name for p in peers), *(x.id for x in config.seats)])


def private_asterisk(s: Settings, config: HotlineConfig) -> telephony.PrivateAsterisk:
    """The private Asterisk of these settings, not yet started."""
    cert, key = certificate(s)
    return telephony.PrivateAsterisk(
        rootfs=s.rootfs_dir,
        templates=s.config_dir / "asterisk",
        home=s.var_dir / "asterisk",
        sounds=s.prompts_dir,
        plan_changes={
            "seats": seat_phones(config, s),
            "dialled": tuple(config.numbers),
            "lines": line_trunks(config),
            "system_name": s.system_name,
            "ami_user": s.ami_user,
            "ami_secret": secret(s.ami_secret_file or s.secrets_dir / "ami"),
            "ami_port": s.ami_port,
            "sip_port": s.sip_port,
            "rtp_start": s.rtp_start,
            "rtp_end": s.rtp_end,
            "bind": s.bind,
            "recording_spool": s.spool,
            "record": s.record,
            "out_contact": s.out_trunk,
            "out_user": s.out_trunk_user,
            "out_password": _out_password(s),
            "peers": peers_of(s),
            "ami_tls": s.ami_tls,
            "sip_tls_port": s.sip_tls_port,
            "sip_udp": s.sip_udp,
            "sip_tls_ca": s.sip_tls_ca.resolve() if s.sip_tls_ca else None,
            "srtp": s.srtp,
            "tls_cert": cert,
            "tls_key": key,
        },
    )


def _out_password(s: Settings) -> str:
    if not s.out_trunk_user or s.out_trunk_password_file is None:
        return ""
    return read_secret(s.out_trunk_password_file, "out_trunk")
