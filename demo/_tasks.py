"""Tasks with an owner: named, collected, and none left behind."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """The tasks of one phone, and the errors that nobody else could see.

    Attributes:
        errors: Exceptions of tasks and callbacks, in order.
    """

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._partings: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str, *, parting: bool = False) -> asyncio.Task[Any]:
        """Run `work`; its exception lands in `errors`. A `parting` one is given time at the end (BYE)."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        if parting:
            self._partings.add(task)
        task.add_done_callback(self._done)
        return task

    def fail(self, error: Exception) -> None:
        """Note an error of a callback."""
        self.errors.append(error)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        self._partings.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.errors.append(error)

    async def partings(self) -> None:
        """Wait for the parting tasks."""
        while self._partings:
            await asyncio.wait(self._partings)

    async def close(self, *, spare_partings: bool = False) -> None:
        """Cancel all tasks and wait until they are gone (not the one that calls this)."""
        spared = {asyncio.current_task(), *(self._partings if spare_partings else ())}
        while others := [task for task in self._tasks if task not in spared]:
            for task in others:
                task.cancel()
            await asyncio.wait(others)
