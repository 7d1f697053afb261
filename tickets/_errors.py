"""What can go wrong in this room. No text here holds a caller's number, name or words."""

from __future__ import annotations


class TicketsError(Exception):
    """Base of this room's errors."""


class FileError(TicketsError):
    """A file written by people is wrong. `path` and `line` (1-based) say where."""

    def __init__(self, path: str, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path = path
        self.line = line
        self.problem = problem


class GazetteerError(FileError):
    """The file of places is wrong."""


class CatalogueError(FileError):
    """The dispatch catalogue is wrong."""


class TranscriptError(TicketsError):
    """A transcript's JSON has not the agreed shape."""


class StoreError(TicketsError):
    """The store refused or could not do something; the text says what, and how to mend it."""


class StoreUrlError(StoreError):
    """The store's URL is not one this room can use."""


class StoreUnavailable(StoreError):  # noqa: N818 - a state of the world, named as people say it
    """The store cannot be reached just now; the same call may succeed later."""


class StoreDamaged(StoreUnavailable):
    """The store's file is damaged or gone: somebody must put it back. Until then what is to be written waits."""


class SchemaError(StoreError):
    """The database's schema is not one that this version knows."""


class BadCursor(TicketsError, ValueError):  # noqa: N818 - reads better at the HTTP edge
    """A page cursor that this store did not give out."""


class NoSuchTicket(TicketsError, LookupError):  # noqa: N818 - reads better at the HTTP edge
    """There is no ticket with that number."""


class RevisionConflict(TicketsError):  # noqa: N818 - reads better at the HTTP edge
    """Somebody else changed the ticket first: read it again. `current` is the revision now."""

    def __init__(self, ticket_id: str, current: int) -> None:
        super().__init__(f"ticket {ticket_id} is at revision {current} now: read it again, then change it")
        self.ticket_id = ticket_id
        self.current = current
