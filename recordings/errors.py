"""What can go wrong with a recording. Every error carries a short code that is safe to log and to publish."""

from __future__ import annotations


class RecordingError(Exception):
    """Base. `code` is a few lower-case words joined by dashes, without anything personal in it."""

    code = "recording-error"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class BadJobError(RecordingError):
    """A job that can never be done: malformed, or pointing outside of the spool."""

    code = "bad-job"


class RawMissingError(RecordingError):
    """The switch wrote no file, and no finished recording exists either."""

    code = "raw-missing"


class VaultDamagedError(RecordingError):
    """A file of the vault does not say what it must."""

    code = "vault-damaged"


class RecogniserError(RecordingError):
    """The recogniser could not be loaded or failed on a recording."""

    code = "recogniser-error"
