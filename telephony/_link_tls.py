"""AMI over TLS: whom the link trusts, and what it says when it does not.

There is no way to switch the verification off: who is not known to be the PBX is never sent the secret. The login
leaves only when the handshake is over, and it is over only when chain, validity and name have been checked.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from ._link_errors import LinkDown


@dataclass(frozen=True, slots=True)
class AmiTls:
    """How the PBX proves who it is.

    Attributes:
        ca: PEM file with the CA that signed the PBX's certificate, or with that certificate itself (then no other one
            of the same CA is taken); None: the CAs of this system.
        name: the name or address that the certificate must be for; "": the host that is connected to.
    """

    ca: Path | None = None
    name: str = ""

    def context(self) -> ssl.SSLContext:
        """Read anew for each connection: a renewed file needs no restart. Raises LinkDown."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            if self.ca is None:
                context.load_default_certs(ssl.Purpose.SERVER_AUTH)
            else:
                context.load_verify_locations(self.ca)
                # So that the PBX's own certificate can be named, although it is no CA.
                context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise LinkDown(f"AMI: the file of trusted certificates {self.ca} cannot be used: {reason}") from None
        return context


def tls_trouble(where: str, error: ssl.SSLError) -> str:
    """Why the handshake failed, and what to mend."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{where}: the certificate of Asterisk is not accepted ({error.verify_message.rstrip('.')}); "
            "nothing was sent to it: check ami_tls_ca and ami_tls_name, or renew the certificate"
        )
    return (
        f"{where}: no TLS there ({error.reason or type(error).__name__}); nothing was sent to it: "
        "tlsenable in manager.conf, or another port"
    )
