"""The private Asterisk of an instance's settings."""

from __future__ import annotations

import telephony

from .config import HotlineConfig
from .private import secret
from .settings import Settings


def seat_phones(config: HotlineConfig) -> list[telephony.SeatPhone]:
    """The phones that register here; a seat with a `phone` of its own is at another Asterisk."""
    return [telephony.SeatPhone(x.id, config.password(x.id)) for x in config.seats if not x.phone]


def line_trunks(config: HotlineConfig) -> list[telephony.LineTrunk]:
    """The trunks of the hotline directory."""
    trunks = config.directory().trunks.values()
    return [telephony.LineTrunk(t.name, t.contact, t.match, t.qualify) for t in trunks]


def peers_of(settings: Settings) -> tuple[telephony.Peer, ...]:
    """Other Asterisks whose seats are rung."""
    return tuple(telephony.Peer(name, contact) for name, contact in settings.peers.items())


def check_switch(settings: Settings, config: HotlineConfig) -> None:
    """Whether the directory's trunks go together with the peers of the settings. Raises telephony.RenderError."""
    peers = peers_of(settings)
    telephony.check_lines(line_trunks(config), peers, [*(p.name for p in peers), *(x.id for x in config.seats)])


def private_asterisk(s: Settings, config: HotlineConfig) -> telephony.PrivateAsterisk:
    """The private Asterisk of these settings, not yet started."""
    return telephony.PrivateAsterisk(
        rootfs=s.rootfs_dir,
        templates=s.config_dir / "asterisk",
        home=s.var_dir / "asterisk",
        sounds=s.prompts_dir,
        plan_changes={
            "seats": seat_phones(config),
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
            "peers": peers_of(s),
        },
    )
