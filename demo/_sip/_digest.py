"""Digest authentication, MD5 with and without qop=auth (RFC 2617 §3, RFC 3261 §22)."""

import hashlib
import re
from dataclasses import dataclass

from ._errors import SipError
from ._message import Response

_PART = re.compile(r'\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks of us. `proxy` is true for a 407."""

    realm: str
    nonce: str
    opaque: str | None
    qop: bool
    stale: bool
    proxy: bool


def _md5(text: str) -> str:
    # MD5 is what the protocol demands; nothing rests on it but a demo phone's login.
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def parts(value: str) -> dict[str, str]:
    """`name="value", …` of a digest header (behind the scheme) as a dictionary with lower-case names."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise SipError("authentication scheme is not Digest")
    found: dict[str, str] = {}
    at = 0
    while at < len(rest) and (match := _PART.match(rest, at)) and match.end() > at:
        text = re.sub(r"\\(.)", r"\1", match[2], flags=re.S) if match[2] is not None else match[3]
        found.setdefault(match[1].lower(), text)
        at = match.end()
    return found


def challenge(response: Response) -> Challenge:
    """The first MD5 challenge of a 401 or 407.

    Raises:
        SipError: None that we can answer (other algorithms, no nonce, or only qop=auth-int).
    """
    proxy = response.status == 407
    for value in response.headers.all("Proxy-Authenticate" if proxy else "WWW-Authenticate"):
        try:
            found = parts(value)
        except SipError:
            continue
        qops = [one.strip().lower() for one in found.get("qop", "").split(",") if one.strip()]
        if found.get("algorithm", "MD5").upper() != "MD5" or not found.get("nonce"):
            continue
        if qops and "auth" not in qops:
            continue
        return Challenge(
            realm=found.get("realm", ""),
            nonce=found["nonce"],
            opaque=found.get("opaque"),
            qop=bool(qops),
            stale=found.get("stale", "").lower() == "true",
            proxy=proxy,
        )
    raise SipError(f"{response.status} without a digest challenge for MD5: allow MD5 for this account")


def authorization(
    asked: Challenge, *, user: str, password: str, method: str, uri: str, cnonce: str, count: int = 1
) -> tuple[str, str]:
    """The (name, value) of the header that answers a challenge.

    Args:
        asked: The challenge.
        user: User name of the account.
        password: Its password.
        method: Method of the request that is sent again.
        uri: Its request-URI.
        cnonce: A fresh random token.
        count: How often this nonce has been used, from 1.
    """
    ha1 = _md5(f"{user}:{asked.realm}:{password}")
    ha2 = _md5(f"{method}:{uri}")
    nc = f"{count:08x}"
    middle = f"{asked.nonce}:{nc}:{cnonce}:auth" if asked.qop else asked.nonce
    fields = [("username", user), ("realm", asked.realm), ("nonce", asked.nonce), ("uri", uri)]
    fields.append(("response", _md5(f"{ha1}:{middle}:{ha2}")))
    if asked.opaque is not None:
        fields.append(("opaque", asked.opaque))
    if asked.qop:
        fields.append(("cnonce", cnonce))
    text = ", ".join(f'{name}="{_escape(value)}"' for name, value in fields) + ", algorithm=MD5"
    if asked.qop:
        text += f", qop=auth, nc={nc}"
    return ("Proxy-Authorization" if asked.proxy else "Authorization"), f"Digest {text}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
