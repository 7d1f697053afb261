"""`hotline outbox …` and `hotline recordings …`: what waits for a human in storage. They work on the store and the
vault themselves, whether the service runs or not; each change has its entry in the audit trail.
"""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

import recordings
import tickets

from .errors import ServiceError
from .render import shanghai
from .settings import Settings, load_settings

T = TypeVar("T")
outbox_app = typer.Typer(no_args_is_help=True, help="Messages that the ticket platform refused.")
recordings_app = typer.Typer(no_args_is_help=True, help="Recordings that must stay whatever the policy says.")
out = Console()
Why = Annotated[str, typer.Option(help="the reason, for the audit trail")]


def _with_store(work: Callable[[tickets.Store, Settings], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = load_settings()
        store = tickets.Store(settings.store)
        try:
            await store.ping()
            return await work(store, settings)
        except tickets.StoreError as error:
            raise ServiceError(str(error), "see docs/storage.md") from None
        finally:
            await store.close()

    return asyncio.run(run())


async def _audit(store: tickets.Store, what: str, object_id: str, why: str) -> None:
    await store.audit(getpass.getuser(), "terminal", what, object_id, at=time.time(), why=why)


# ---------------------------------------------------------------------- the outbox
@outbox_app.command("list")
def list_() -> None:
    """Refused messages, the oldest first; what follows of their tickets waits behind them."""

    async def work(store: tickets.Store, _: Settings) -> tuple[tickets.OutboxFigures, tuple[tickets.Message, ...]]:
        return await store.outbox_figures(), await store.dead_messages()

    figures, dead = _with_store(work)
    table = Table("id", "ticket", "kind", "refused", "why", "tries")
    for one in dead:
        table.add_row(str(one.id), one.subject, one.kind, shanghai(one.dead_at or 0.0), one.error, str(one.tries))
    out.print(table)
    out.print(f"{figures.dead} refused, {figures.waiting} waiting to be told.", highlight=False)


@outbox_app.command()
def retry(message: Annotated[int, typer.Argument(help="id, as `list` shows it")]) -> None:
    """Tell a refused message again, once its cause is mended at the platform."""
    _decide(message, "outbox.retry", "", lambda store: store.revive_message(message))


@outbox_app.command()
def drop(message: Annotated[int, typer.Argument(help="id, as `list` shows it")], why: Why) -> None:
    """Give a refused message up; the later ones of its ticket are told then."""
    _decide(message, "outbox.drop", why, lambda store: store.drop_message(message))


def _decide(message: int, what: str, why: str, act: Callable[[tickets.Store], Awaitable[bool]]) -> None:
    async def work(store: tickets.Store, _: Settings) -> None:
        subject = next((one.subject for one in await store.dead_messages(10_000) if one.id == message), None)
        if subject is None:
            raise ServiceError(f"message {message}: no such refused message", "hotline outbox list")
        await _audit(store, what, subject, why)
        await act(store)

    _with_store(work)
    out.print("[green]✓[/green] done")


# ---------------------------------------------------------------------- recordings
def _keeper(settings: Settings) -> recordings.Keeper:
    return recordings.Keeper(recordings.Vault(settings.recordings_dir))


@recordings_app.command()
def hold(call: Annotated[str, typer.Argument(help="the call's id")], why: Why) -> None:
    """Keep a call's recording until it is released: a dispute, an investigation, a lawsuit."""

    async def work(store: tickets.Store, settings: Settings) -> None:
        await _audit(store, "recording.hold", call, why)
        _keeper(settings).hold(call, getpass.getuser(), why)

    _change(work)


@recordings_app.command()
def release(call: Annotated[str, typer.Argument(help="the call's id")], why: Why) -> None:
    """Let the policy count again."""

    async def work(store: tickets.Store, settings: Settings) -> None:
        keeper = _keeper(settings)
        if not keeper.held(call):
            raise ServiceError(f"{call}: nobody holds it", "hotline recordings holds")
        await _audit(store, "recording.release", call, why)
        keeper.release(call)

    _change(work)


def _change(work: Callable[[tickets.Store, Settings], Awaitable[None]]) -> None:
    try:
        _with_store(work)
    except recordings.RecordingError as error:
        raise ServiceError(str(error), "hotline call list shows the ids") from None
    out.print("[green]✓[/green] done")


@recordings_app.command()
def holds() -> None:
    """All recordings that are held."""
    table = Table("call", "since", "by", "why")
    for one in _keeper(load_settings()).holds():
        at = one.get("at")
        since = shanghai(at) if isinstance(at, int | float) else "?"
        table.add_row(str(one.get("call")), since, str(one.get("who", "?")), str(one.get("why", "?")))
    out.print(table)
