"""Errors an operator sees: each says what, where and how to mend."""

from __future__ import annotations


class ServiceError(Exception):
    """Base: `fix` is the sentence that tells what to do."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix



class ConfigError(ServiceError):
    """A configuration file is wrong; the message has file:line for every fault."""
