"""What can go wrong between us and the switch. No message holds a caller's number or words."""

from __future__ import annotations


class TelephonyError(Exception):
    """Base of all errors of this room."""


class RenderError(TelephonyError):
    """A value does not fit into the switch's configuration."""


class PrivateAsteriskError(TelephonyError):
    """The private Asterisk is missing, does not start or does not stop."""
