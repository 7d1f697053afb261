"""What waiting callers are told, and how seats' breaks are named. Plain values from the configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WaitingRules:
    """While a caller waits. Times in seconds of waiting, unless said otherwise."""

    tell_after: float = 20.0
    """The first word (position, expected wait) comes after so long …"""
    tell_every: float = 60.0
    """… and again after each so long."""
    long_wait: float = 30.0
    """Position and expected wait are spoken only when the caller is expected to wait at least this much more."""
    longest_told: float = 1800.0
    """Expected waits beyond it are spoken as "more than" this."""
    callback: bool = True
    """Whether a call back that keeps the rank is offered at all."""
    callback_key: str = "1"
    callback_after: float = 30.0
    """Offered once the caller has waited so long, or is expected to wait `callback_wait` more."""
    callback_wait: float = 60.0
    voicemail: bool = True
    """Whether a caller whom nobody can serve is brought to the voicemail (a draft is made of it) …"""
    voicemail_after: float = 45.0
    """… after so long without any seat, signed in and on duty, that fits one of its steps."""
    incidents: bool = True
    """Whether known incidents of the caller's region are announced."""


@dataclass(frozen=True, slots=True)
class BreakReason:
    """Why a seat takes a break (小休), as its agent chooses it."""

    code: str
    zh: str
    en: str
    limit: float
    """Seconds; past it the seat is taken offline, and shows."""
