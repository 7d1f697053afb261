"""`hotline route explain`: why a call went where it went, or where such a call would go."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Annotated

import typer
from rich.console import Console

import routing

from .cli_calls import get
from .config import load_config
from .config_files import near
from .errors import ServiceError
from .explain import forecast, story
from .render import ZONE
from .settings import load_settings

route_app = typer.Typer(no_args_is_help=True, help="Routing: why a call goes where it goes.")
out = Console()


@route_app.callback()
def _group() -> None:
    """Routing."""


@route_app.command("explain")
def explain(
    call: Annotated[str | None, typer.Argument(help="a call's id: its story, from the running instance")] = None,
    dialled: Annotated[str | None, typer.Option(help="the dialled number: what would happen")] = None,
    caller: Annotated[str, typer.Option(help="the caller's number")] = "",
    skill: Annotated[list[str] | None, typer.Option(help="what the flow asks for: name or name=level")] = None,
    language: Annotated[str, typer.Option(help="language of the flow")] = "zh",
    centre: Annotated[str | None, typer.Option(help="home centre that the flow names")] = None,
    at: Annotated[str | None, typer.Option(help='"2026-11-25 10:00", time in Zhejiang; default: now')] = None,
    mode: Annotated[str, typer.Option(help="operating mode")] = "normal",
    cut_off_from: Annotated[str | None, typer.Option(help="cut off just now while talking with this seat")] = None,
    calls: Annotated[int, typer.Option(min=1, max=5, help="which call of today it is")] = 1,
    abandoned: Annotated[bool, typer.Option("--abandoned", help="gave up waiting just now")] = False,
) -> None:
    """Why a call went where it went (CALL_ID), or where one would go (--dialled)."""
    if (call is None) == (dialled is None):
        raise ServiceError("give either a call's id or --dialled", "hotline route explain --dialled 12345")
    settings = load_settings()
    config = load_config(settings.config_dir / "hotline.yaml")
    book = config.book()
    if call is not None:
        for line in story(get(f"calls/{call}"), book):
            out.print(line, highlight=False, soft_wrap=True)
        return
    assert dialled is not None
    for what, name, known in (
        ("dialled number", dialled, set(config.numbers)),
        ("mode", mode, set(book.modes)),
        ("centre", centre, {c.code for c in book.tree}),
        ("seat", cut_off_from, set(book.seats)),
    ):
        if name is not None and name not in known:
            raise ServiceError(f"no {what} '{name}'{near(name, known)}", "hotline.yaml and routing.yaml have the names")
    now = _time(at)
    seen = [{"at": now - 60.0 * n, "ended": now - 60.0 * n, "outcome": "served", "seat": None, "cut": False}
            for n in range(1, calls)]  # fmt: skip
    if cut_off_from is not None:
        seen.insert(0, {"at": now - 30, "ended": now - 5, "outcome": "served", "seat": cut_off_from, "cut": True})
        seen = seen[: max(calls - 1, 1)]
    elif abandoned:
        seen.insert(0, {"at": now - 60, "ended": now - 5, "outcome": "abandoned", "seat": None, "cut": False})
        seen = seen[: max(calls - 1, 1)]
    facts = routing.Facts(
        dialled, caller, language, tuple(sorted(_skill(s) for s in skill or ())), centre, history={"calls": seen},
        now=now,
    )  # fmt: skip
    for line in forecast(book, facts, mode):
        out.print(line, highlight=False, soft_wrap=True)


def _skill(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([a-z][a-z0-9-]*)(?:=([1-5]))?", text)
    if found is None:
        raise ServiceError(f"'{text}' is no skill", "write wenzhou-wu or wenzhou-wu=3")
    return found[1], int(found[2] or 1)


def _time(text: str | None) -> float:
    if text is None:
        return time.time()
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()
    except ValueError:
        raise ServiceError(f"'{text}' is no time", 'write "2026-11-25 10:00"') from None
