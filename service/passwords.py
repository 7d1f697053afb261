"""Passwords of phones and trunks: from files or the environment, never in a log, a text of an error or a listing."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

from .config import HotlineConfig
from .errors import ConfigError
from .settings import Settings

_HOW = "one line, mode 0600"
LEAST = 16
"""Characters of a secret from which passwords are derived."""


def read_secret(path: Path, what: str) -> str:
    """The one line of a secret's file. Raises ConfigError, which names the file and never its content."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not ASCII"
        raise ConfigError(f"{what}: the password's file {path} cannot be read: {reason}", _HOW) from None
    if not text or len(text.splitlines()) > 1:
        raise ConfigError(f"{what}: the password's file {path} is empty or has several lines", _HOW)
    return text


def derived(secret: str, seat: str) -> str:
    """A seat's password: 24 letters and digits (120 bits), which tell nothing of the secret or of another seat's."""
    digest = hmac.new(secret.encode(), f"hotline-seat:{seat}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:15]).decode().lower()


def seat_secret(s: Settings | None) -> str:
    """The secret of the seats' passwords; "": none is set. Raises ConfigError."""
    if s is None:
        return ""
    if s.seat_password is not None:
        text = s.seat_password.get_secret_value()
    elif s.seat_password_file is not None:
        text = read_secret(s.seat_password_file, "seat_password_file")
    else:
        return ""
    if len(text) < LEAST:
        raise ConfigError(f"the seats' secret has less than {LEAST} characters", "openssl rand -base64 24 makes one")
    return text


def seat_password(seat: str, config: HotlineConfig, s: Settings | None) -> str:
    """What a seat's phone registers with: derived from the secret, or as hotline.yaml says. Raises ConfigError."""
    secret = seat_secret(s)
    return derived(secret, seat) if secret else config.password(seat)
