"""`hotline draft`: the draft of a talk, tried on a text."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

import tickets

from .config_centres import WorkdaysFile
from .config_files import read
from .errors import ServiceError
from .render import ZONE
from .settings import ROOT, load_settings

_NUMBER = re.compile(r"\+?[0-9]{3,20}")


def run(
    file: Annotated[Path | None, typer.Argument(help="the talk; default: standard input")] = None,
    number: Annotated[str, typer.Option(help="the number that the caller rings from")] = "",
    date: Annotated[
        str | None, typer.Option(help='time of registration, "2026-11-25" or "2026-11-25 10:00"; default: now')
    ] = None,
    centre: Annotated[
        str | None, typer.Option(help="six-digit code of the centre that was dialled: the place when none is named")
    ] = None,
    json_lines: Annotated[
        bool, typer.Option("--json-lines", help="many talks: each line a JSON text, or an object with `text`")
    ] = False,
) -> None:
    """Print the draft ticket of a talk as JSON.

    Lines may begin with 来电人: / 座席: (caller: / seat:); a text without such marks is all the caller's.
    """
    if number and not _NUMBER.fullmatch(number):
        raise ServiceError("--number is no telephone number", "write its digits only: --number 13800138000")
    at = _time(date)
    try:
        kit = load_kit(load_settings().config_dir)
    except tickets.TicketsError as error:
        raise ServiceError(str(error)) from None
    if centre is not None and kit[0].get(centre) is None:
        raise ServiceError(f"no centre '{centre}'", "config/regions.yaml has the codes; 330100 is 杭州市")
    text = _input(file)
    if not json_lines:
        print(json.dumps(_draft(kit, text, number, at, centre, "the text"), ensure_ascii=False, indent=2))
        return
    for n, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f"line {n}"
        own, own_number, own_at = _of_json(line, where)
        found = _draft(kit, own, own_number or number, at if own_at is None else own_at, centre, where)
        print(json.dumps(found, ensure_ascii=False), flush=True)


def load_kit(config: Path) -> tuple[tickets.Gazetteer, tickets.Guide]:
    """Places, and catalogue with calendar, from a directory of configuration.

    Raises:
        TicketsError, ConfigError: a file is wrong; with file, line and reason.
    """
    return tickets.Gazetteer.load(config / "regions.yaml"), load_guide(config)


def load_guide(config: Path) -> tickets.Guide:
    """Catalogue and calendar.

    Raises:
        CatalogueError, ConfigError: a file is wrong; with file, line and reason.
    """
    _, workdays = read(config / "workdays.yaml", WorkdaysFile, "years:", needed=False)
    catalogue = config / "catalogue.yaml"
    if not catalogue.exists():
        # A site's configuration from before there was one: the shipped catalogue serves.
        catalogue = ROOT / "config" / "catalogue.yaml"
    return tickets.Guide(tickets.Catalogue.load(catalogue), workdays.calendar())


def _draft(
    kit: tuple[tickets.Gazetteer, tickets.Guide], text: str, number: str, at: float, centre: str | None, where: str
) -> dict[str, Any]:
    try:
        talk = tickets.read_talk(text)
    except tickets.TranscriptError as error:
        raise ServiceError(f"{where}: {error}") from None
    facts = tickets.Facts("text", caller_number=number, centre=centre)
    return tickets.draft_json(tickets.make_draft(talk, facts, kit[0], at, kit[1]))


def _input(file: Path | None) -> str:
    try:
        data = sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as error:
        raise ServiceError(f"{file}: cannot be read ({error.strerror})") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[:error.start].count(b"\n") + 1
        raise ServiceError(f"line {line} is not UTF-8 text", "save the transcript as UTF-8") from None


def _of_json(line: str, where: str) -> tuple[str, str, float | None]:
    try:
        value = json.loads(line)
    except ValueError:
        fix = 'write {"text": "…", "number": "…", "date": "…"} on each line'
        raise ServiceError(f"{where} is not JSON", fix) from None
    if isinstance(value, str):
        return value, "", None
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise ServiceError(f"{where} has no `text`", 'write {"text": "…"} or a JSON text on each line')
    number, date = value.get("number") or "", value.get("date")
    if not isinstance(number, str) or not isinstance(date, str | None):
        raise ServiceError(f"{where}: `number` and `date` are texts")
    return text, number, None if date is None else _time(date)


def _time(text: str | None) -> float:
    if text is None:
        return time.time()
    try:
        when = dt.datetime.fromisoformat(text)
        return (when if when.tzinfo is not None else when.replace(tzinfo=ZONE)).timestamp()
    except (ValueError, OverflowError):
        raise ServiceError(f"'{text}' is no date", 'write "2026-11-25" or "2026-11-25 10:00"') from None
