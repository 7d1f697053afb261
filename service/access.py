"""Tokens for people at the terminal."""

from __future__ import annotations

from rich.console import Console

import console

from .errors import ServiceError
from .settings import Settings


def issue(settings: Settings, role: str, name: str, seat: str | None = None, days: float = 30.0) -> str:
    """A signed token. Raises ServiceError for a role that does not exist."""
    try:
        chosen = console.Role(role)
    except ValueError:
        known = ", ".join(r.value for r in console.Role)
        raise ServiceError(f"no role '{role}'", f"choose one of: {known}") from None
    book = console.TokenBook.open(settings.secrets_dir / "tokens")
    try:
        return book.issue(chosen, name, seat=seat, days=days)
    except ValueError as error:
        raise ServiceError(str(error), "hotline token --help shows what each role needs") from None


def token_url(settings: Settings, role: str = "admin", seat: str | None = None) -> str:
    """The console's address with a token for one day in its fragment (never sent to a server or log)."""
    token = issue(settings, role, "terminal", seat, 1.0)
    return f"http://{settings.http_host}:{settings.http_port}/#token={token}"


def show_addresses(settings: Settings, out: Console) -> None:
    """Where things are, and a way in."""
    base = f"http://{settings.http_host}:{settings.http_port}"
    out.print(f"  console   {token_url(settings)}", soft_wrap=True, highlight=False)
    out.print(f"  API       {base}/api/openapi.json   (hotline token --role admin)", soft_wrap=True)
    if settings.private_asterisk:
        sip = f"sip:12345@{settings.bind}:{settings.sip_port}"
        out.print(f"  SIP       {sip}  (udp; seats 8001-8008, password demo-8001 …)", soft_wrap=True)
