"""The private Asterisk's own certificate, made once: who trusts it trusts this one file and nobody else."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_USES = ExtendedKeyUsageOID
DAYS = 730
"""How long it is valid; `hotline doctor` speaks up thirty days before."""


def names_for(bind: str) -> list[str]:
    """By which names and addresses the switch of this machine is reached."""
    names = ["localhost", "127.0.0.1", bind, socket.gethostname()]
    return [x for x in dict.fromkeys(names) if x and x not in ("0.0.0.0", "::")]


def make(names: Sequence[str], days: float = DAYS, now: dt.datetime | None = None) -> bytes:
    """A key and a certificate that signs itself, PEM.

    Args:
        names: host names and addresses it is for; the first one is its subject.
        days: how long it is valid from `now` on.
    """
    now = now or dt.datetime.now(dt.UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks differ: valid from an hour ago.
        .not_valid_before(now - dt.timedelta(hours=1) + min(dt.timedelta(days=days), dt.timedelta()))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(list(_alternatives(names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_USES.SERVER_AUTH, _USES.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _alternatives(names: Iterable[str]) -> Iterable[x509.GeneralName]:
    for name in names:
        try:
            yield x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            yield x509.DNSName(name)


def write(path: Path, pem: bytes) -> None:
    """Puts a key and its certificate there, readable by the owner only; never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    draft.replace(path)


def own_certificate(path: Path, bind: str) -> Path:
    """The file, made if it is not there."""
    if not path.exists():
        write(path, make(names_for(bind)))
    return path


def public_part(path: Path) -> tuple[str, str, dt.datetime]:
    """(certificate alone as PEM, SHA-256 of it as hex, end of its validity). Raises OSError, ValueError."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    text = certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
    return text, certificate.fingerprint(hashes.SHA256()).hex(), certificate.not_valid_after_utc
