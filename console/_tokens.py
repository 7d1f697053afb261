"""Role tokens: stateless, signed with HMAC-SHA256, checked without any store.

A token is ``h1.<payload>.<signature>``, both parts base64url without padding: safe in an Authorization header
and in Sec-WebSocket-Protocol. Replacing the secret file revokes every token at once.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from ._roles import Principal, Role
from ._schema import ID_PATTERN

_PREFIX = "h1"
_MAX_LENGTH = 1024
_SECRET_BYTES = 32
_ID = re.compile(ID_PATTERN)


class TokenRefusedError(Exception):
    """A token that does not open anything. ``code`` is ``bad-token`` or ``token-expired``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TokenBook:
    """Issues and checks role tokens.

    Args:
        secret: signing key, at least 32 bytes.
        clock: unix seconds; tests give their own.
    """

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        if len(secret) < _SECRET_BYTES:
            raise ValueError(f"the token secret has {len(secret)} bytes; give at least {_SECRET_BYTES}")
        self._secret = secret
        self._clock = clock

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> TokenBook:
        """Read the secret from ``path``; make the file (mode 0600) if it is not there yet.

        Raises:
            PermissionError: others can read the file.
            ValueError: the file holds too little.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and linked into place: of two processes that start at once, one wins, both read it whole.
        if not path.exists():
            draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(handle, "w") as file:
                    file.write(secrets.token_hex(_SECRET_BYTES) + "\n")
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(draft)
            finally:
                draft.unlink()
        if path.stat().st_mode & 0o077:
            raise PermissionError(f"{path}: others can read the token secret; run: chmod 600 {path}")
        return cls(path.read_text().strip().encode(), clock=clock)

    def issue(self, role: Role | str, name: str, seat: str | None = None, days: float = 30) -> str:
        """Make a token.

        Args:
            role: see :class:`Role`.
            name: 1 to 64 characters, written to the audit with every look.
            seat: seat id; needed for role ``seat``, refused for the others.
            days: how long it opens anything; more than 0, at most 3660.

        Raises:
            ValueError: an argument is out of its range.
        """
        role = Role(role)
        if not 1 <= len(name) <= 64 or not name.isprintable():
            raise ValueError("token name: give 1 to 64 printable characters")
        if (seat is not None) != (role is Role.SEAT):
            raise ValueError("token seat: role 'seat' needs a seat id, the other roles take none")
        if seat is not None and not _ID.fullmatch(seat):
            raise ValueError("token seat: letters, digits, '.', '_' and '-' only, at most 64")
        if not 0 < days <= 3660:
            raise ValueError("token days: give more than 0 and at most 3660")
        now = self._clock()
        payload: dict[str, object] = {"role": role.value, "name": name, "iat": now, "exp": now + days * 86400}
        if seat is not None:
            payload["seat"] = seat
        body = f"{_PREFIX}.{_b64(json.dumps(payload, ensure_ascii=False, separators=(',', ':')).encode())}"
        return f"{body}.{_b64(self._sign(body))}"

    def check(self, token: str) -> Principal:
        """The holder of ``token``.

        Raises:
            TokenRefusedError: not ours, damaged, or expired.
        """
        if len(token) > _MAX_LENGTH or not token.isascii():
            raise TokenRefusedError("bad-token")
        body, _, signature = token.rpartition(".")
        prefix, _, payload = body.partition(".")
        if prefix != _PREFIX or not hmac.compare_digest(signature, _b64(self._sign(body))):
            raise TokenRefusedError("bad-token")
        try:
            # The signature is ours, so the payload is too; a later version of us may still write another one.
            fields = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            who = Principal(
                role=Role(fields["role"]),
                name=str(fields["name"]),
                seat=fields.get("seat"),
                issued=float(fields["iat"]),
                expires=float(fields["exp"]),
            )
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise TokenRefusedError("bad-token") from None
        if self._clock() >= who.expires:
            raise TokenRefusedError("token-expired")
        return who

    def _sign(self, body: str) -> bytes:
        return hmac.new(self._secret, body.encode("ascii"), hashlib.sha256).digest()


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
