"""Where Asterisk's manager is, and how patient to be."""

from __future__ import annotations

from dataclasses import dataclass, field

from ._link_tls import AmiTls


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiSettings:
    """Settings of one AMI session.  All times in seconds.

    Attributes:
        host: address of the manager port.
        port: its TCP port.
        username: manager user (``manager.conf``).
        secret: its password; never shown.
        tls: how the PBX is verified; None: plain TCP, for loopback or a network of its own.
        events: event classes for this session: "on", "off", or "call,user,…".
        ping_interval: silence after which a Ping is sent.
        ping_timeout: silence after which the link is declared down; more than `ping_interval`.
        connect_timeout: for the TCP connection and the TLS handshake.
        login_timeout: for the answer to the login.
        boot_wait: how long to wait for ``FullyBooted`` after the login; calls fail in the first moments
            of an Asterisk that still boots.  The user needs ``read = system`` for it to come at once.
        up_timeout: for `on_up`.
        action_timeout: for the answer to an action, unless told otherwise.
        reconnect_min: first pause before a new attempt, doubled each time …
        reconnect_max: … up to this; also how long a session must last to count as a success.
        max_held: events held during the reconciliation before the session is given up.
    """

    host: str = "127.0.0.1"
    port: int = 5038
    username: str
    secret: str = field(repr=False)
    tls: AmiTls | None = None
    events: str = "on"
    ping_interval: float = 1.0
    ping_timeout: float = 2.0
    connect_timeout: float = 3.0
    login_timeout: float = 5.0
    boot_wait: float = 0.5
    up_timeout: float = 10.0
    action_timeout: float = 5.0
    reconnect_min: float = 0.1
    reconnect_max: float = 5.0
    max_held: int = 50_000

    def __post_init__(self) -> None:
        if not 0 < self.ping_interval < self.ping_timeout:
            raise ValueError("AMI settings: ping_timeout must be greater than ping_interval, both above 0")
        if not 0 < self.reconnect_min <= self.reconnect_max:
            raise ValueError("AMI settings: reconnect_max must not be less than reconnect_min, both above 0")
