"""`hotline call …` and `hotline ticket …`: the running instance through its API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console
from rich.table import Column, Table

from .access import issue
from .errors import ServiceError
from .render import call_lines, shanghai
from .settings import load_settings

call_app = typer.Typer(no_args_is_help=True, help="Calls of the running instance.")
ticket_app = typer.Typer(no_args_is_help=True, help="Drafts and tickets of the running instance.")
out = Console()


def ask(method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """One request as the terminal's admin; gives the answer's data. Raises ServiceError."""
    settings = load_settings()

    async def send() -> Any:
        headers = {"Authorization": f"Bearer {issue(settings, 'admin', 'terminal', None, 0.01)}"}
        url = f"http://{settings.http_host}:{settings.http_port}/api/v1/{path}"
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.request(method, url, headers=headers, json=body) as answer,
            ):
                data = await answer.json()
                if answer.status != 200:
                    raise ServiceError(f"{data.get('what', data)} ({path})", f"{data.get('mend', '')}")
                return data
        except aiohttp.ClientConnectionError:
            raise ServiceError(
                f"no service at http://{settings.http_host}:{settings.http_port}", "start it: make run"
            ) from None

    return asyncio.run(send())


def get(path: str) -> Any:
    """One GET as the terminal's admin. Raises ServiceError."""
    return ask("GET", path)


def whole(*names: str) -> list[Column]:
    """Columns that are never cut: ids are there to be copied."""
    return [Column(name, no_wrap=True, overflow="ignore") for name in names]


@call_app.command("list")
def list_(limit: Annotated[int, typer.Option(min=1, max=200)] = 20) -> None:
    """The newest calls, live ones first."""
    table = Table(*whole("call", "arrived (Shanghai)"), "state", "seat", *whole("caller"))
    for call in get(f"calls?limit={limit}")["items"]:
        number = ("→ " if call["direction"] == "out" else "") + (call["caller"]["number"] or "–")
        table.add_row(
            call["id"], shanghai(call["arrived_at"]), call["outcome"] or call["state"], call["seat"] or "–", number
        )
    out.print(table)


@call_app.command("show")
def show(call: Annotated[str, typer.Argument(help="the call's id")]) -> None:
    """One call whole: timeline, transcript, draft."""
    for line in call_lines(get(f"calls/{call}")):
        out.print(line, highlight=False, soft_wrap=True)


@ticket_app.command("list")
def tickets_(limit: Annotated[int, typer.Option(min=1, max=200)] = 20) -> None:
    """The newest drafts and tickets."""
    table = Table(*whole("ticket", "made (Shanghai)"), "state", "kind", "region", "title")
    for one in get(f"tickets?limit={limit}")["items"]:
        table.add_row(
            one["id"], shanghai(one["created_at"]), one["state"], one["kind"] or "–", one["region_name"] or "–",
            one["title"],
        )  # fmt: skip
    out.print(table)
