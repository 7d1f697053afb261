"""Database work that a cancellation cannot cut in two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

Work = TypeVar("Work", bound=Callable[..., Coroutine[Any, Any, Any]])


class HasRunning(Protocol):
    """What `whole` keeps its tasks in; the loop itself holds tasks only weakly."""

    _running: set[asyncio.Task[Any]]


def whole(work: Work) -> Work:
    """Makes a method run to its end even when its caller is cancelled; the caller then ends right after it.

    Cancelling SQLAlchemy in mid-transaction drops the connection in the background, and with aiosqlite that may leave
    it open with the write lock held: every later writer waits in vain. The work is short (a transaction), so it is
    let finish instead.
    """

    @wraps(work)
    async def run(self: HasRunning, *args: Any, **options: Any) -> Any:
        task = asyncio.create_task(work(self, *args, **options), name=f"store.{work.__name__}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: nobody is left to tell it to
            raise

    return cast(Work, run)
