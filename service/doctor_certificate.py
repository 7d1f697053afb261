"""Until when a PEM certificate is valid. As much of DER (X.690) and X.509 (RFC 5280, 4.1) as that needs."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION, _UTC, _GENERALIZED = 0x30, 0xA0, 0x17, 0x18


class CertificateError(ValueError):
    """Not a certificate."""


def _item(data: bytes, at: int) -> tuple[int, int, int]:
    """(tag, where its content begins, where it ends) of the item at `at`."""
    if at + 2 > len(data):
        raise CertificateError("cut off")
    tag, size, begin = data[at], data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4:
            raise CertificateError("a length of no use")
        size, begin = int.from_bytes(data[begin : begin + count], "big"), begin + count
    if begin + size > len(data):
        raise CertificateError("cut off")
    return tag, begin, begin + size


def _expect(data: bytes, at: int, tag: int) -> tuple[int, int]:
    found, begin, end = _item(data, at)
    if found != tag:
        raise CertificateError("not laid out as a certificate")
    return begin, end


def _not_after(der: bytes) -> float:
    at, _ = _expect(der, 0, _SEQUENCE)
    at, _ = _expect(der, at, _SEQUENCE)
    if _item(der, at)[0] == _VERSION:
        at = _item(der, at)[2]
    for _ in range(3):  # serial number, signature, issuer
        at = _item(der, at)[2]
    at, _ = _expect(der, at, _SEQUENCE)
    at = _item(der, at)[2]  # notBefore
    tag, begin, end = _item(der, at)
    text = der[begin:end].decode("ascii", "replace")
    if tag == _UTC:  # two digits of the year: 50 and more are of the last century
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED:
        raise CertificateError("no end of validity")
    try:
        return dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC).timestamp()
    except ValueError:
        raise CertificateError("no end of validity") from None


def valid_until(text: str) -> float | None:
    """Unix seconds at which the first certificate of a chain to end does so; None: there is none in `text`.

    Raises:
        CertificateError: a block is no certificate.
    """
    ends = []
    for block in _BLOCK.findall(text):
        try:
            der = base64.b64decode("".join(block.split()), validate=True)
        except binascii.Error:
            raise CertificateError("not base64") from None
        ends.append(_not_after(der))
    return min(ends, default=None)
