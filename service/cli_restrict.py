"""`hotline restrict …`: the restriction list (限制名单) of the running instance, and evidence bundles."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console
from rich.table import Column, Table

import console

from .access import issue
from .cli_calls import ask, get, whole
from .errors import ServiceError
from .evidence_check import check
from .render import shanghai
from .settings import load_settings

restrict_app = typer.Typer(no_args_is_help=True, help="Restricted callers (限制名单), and evidence for the police.")
out = Console()
Entry = Annotated[str, typer.Argument(help="the entry's id")]
Note = Annotated[str, typer.Option(help="why, for the record")]


class Reason(StrEnum):
    """Why a number is restricted."""

    ABUSE = "abuse"
    THREAT = "threat"
    OBSCENE = "obscene"
    OCCUPYING = "occupying"
    FALSE_REPORT = "false-report"
    OTHER = "other"


class Variant(StrEnum):
    """What a restricted caller meets."""

    ANNOUNCE = "announce"
    QUEUE_LAST = "queue-last"


class Decision(StrEnum):
    """A second person's word."""

    CONFIRM = "confirm"
    REJECT = "reject"
    KEEP = "keep"
    APPEAL = "appeal"


def _both(family: str, code: str) -> str:
    """ "待确认 proposed"; a code without a caption is shown as it is."""
    caption = console.caption(f"restriction.{family}.{code}")
    return f"{caption.zh} {code}" if caption is not None else code


@restrict_app.command("list")
def list_(
    closed: Annotated[bool, typer.Option("--closed", help="those that are over")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
) -> None:
    """The list, newest first; numbers masked."""
    page = get(f"restrictions?state={'closed' if closed else 'open'}&limit={limit}")
    table = Table(
        *whole("entry", "number"), "state", "reason", "proposed by", Column("until (Shanghai)", no_wrap=True), "calls"
    )
    for one in page["items"]:
        due = " 待复核 review" if one["review_due"] else ""
        table.add_row(
            one["id"], one["number"], _both("state", one["state"]) + due, _both("reason", one["reason"]),
            one["proposed_by"], shanghai(one["until"]) if one["until"] else "–", str(one["hits"]),
        )  # fmt: skip
    out.print(table)
    counts = f"{page['proposed']} to be confirmed, {page['active']} in force, {page['review_due']} to be reviewed"
    out.print(f"{counts} · 待确认 {page['proposed']}，生效中 {page['active']}，待复核 {page['review_due']}")


@restrict_app.command("show")
def show(entry: Entry) -> None:
    """One entry with its number and history (audited)."""
    one = get(f"restrictions/{entry}")
    _line(one)
    out.print(f"{one['number']}  {_both('reason', one['reason'])}  {_both('variant', one['variant'])}  {one['note']}",
              markup=False, highlight=False)  # fmt: skip
    out.print(f"until {shanghai(one['until']) if one['until'] else '–'}; {one['hits']} calls since", highlight=False)
    for mark in one["marks"]:
        told = f"{shanghai(mark['at'])}  {_both('mark', mark['what'])}  {mark['who'] or ''}  {mark['note'] or ''}"
        out.print(told.rstrip(), markup=False, highlight=False)
    for call in one["known"]:
        out.print(f"call {call['id']}  {shanghai(call['at'])}  {'recorded' if call['recorded'] else ''}".rstrip(),
                  highlight=False)  # fmt: skip


@restrict_app.command("add")
def add(
    note: Note,
    number: Annotated[str | None, typer.Option(help="whom; or --call")] = None,
    call: Annotated[str | None, typer.Option(help="whose caller, by the call's id: it is evidence, too")] = None,
    reason: Annotated[Reason, typer.Option(help="what it is for")] = Reason.ABUSE,
    days: Annotated[float | None, typer.Option(help="how long from its confirmation on; else as configured")] = None,
    variant: Annotated[Variant, typer.Option(help="what the caller meets")] = Variant.ANNOUNCE,
) -> None:
    """Propose to restrict a caller. Another person confirms it, at the console: nobody is restricted before."""
    if (number is None) == (call is None):
        raise ServiceError("give just one of --number and --call", "hotline restrict add --call ID --note TEXT")
    who: Mapping[str, Any] = {"number": number} if number is not None else {"call": call}
    order = {**who, "reason": reason.value, "note": note, "variant": variant.value}
    _line(ask("POST", "restrictions", order if days is None else {**order, "days": days}))


@restrict_app.command("review")
def review(
    entry: Entry,
    decision: Annotated[Decision, typer.Argument(help="confirm or reject a proposal; keep one in force; an appeal")],
    note: Note = "",
) -> None:
    """A second person's word. Who proposed at the terminal cannot confirm at it."""
    _act(entry, decision.value, note)


@restrict_app.command("lift")
def lift(entry: Entry, note: Note) -> None:
    """End a restriction at once, or withdraw a proposal."""
    _act(entry, "lift", note)


def _act(entry: str, what: str, note: str) -> None:
    _line(ask("POST", f"restrictions/{entry}/act", {"what": what, "note": note}))


def _line(one: Mapping[str, Any]) -> None:
    out.print(f"{one['id']}: {_both('state', one['state'])}", highlight=False)


@restrict_app.command("bundle")
def bundle(
    entry: Entry,
    to: Annotated[Path | None, typer.Option(help="file to write; else hotline-evidence-ENTRY.zip here")] = None,
    call: Annotated[list[str] | None, typer.Option(help="a call that goes in (again for more)")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """The evidence for the police: recordings, words, records, audit trail, hashes. Written whole or not at all."""
    path = to or Path(f"hotline-evidence-{entry}.zip")
    if path.exists():
        raise ServiceError(f"{path} is there already", "give another name: --to FILE")
    if not yes:
        typer.confirm("It holds the full number and recordings, for the police only; this is audited. Make it?",
                      abort=True)  # fmt: skip
    digest, size = asyncio.run(_fetch(entry, path, call))
    out.print(f"{path}  {size} bytes", highlight=False, soft_wrap=True)
    out.print(f"SHA-256 {digest}", highlight=False, soft_wrap=True)
    _tell(path)


async def _fetch(entry: str, path: Path, calls: list[str] | None) -> tuple[str, int]:
    settings = load_settings()
    part = path.with_name(f".{path.name}.part")
    url = f"http://{settings.http_host}:{settings.http_port}/api/v1/restrictions/{entry}/bundle"
    headers = {"Authorization": f"Bearer {issue(settings, 'admin', 'terminal', None, 0.01)}"}
    digest, size = hashlib.sha256(), 0
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_read=60)) as session,
            session.post(url, headers=headers, json={} if calls is None else {"calls": calls}) as answer,
        ):
            if answer.status != 200:
                data = await answer.json()
                raise ServiceError(f"{data.get('what', data)} (restrictions)", f"{data.get('mend', '')}")
            # Its contents are personal: nobody else on this machine reads them.
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                async for chunk in answer.content.iter_chunked(256 * 1024):
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
        part.replace(path)
    except aiohttp.ClientConnectionError:
        where = f"{settings.http_host}:{settings.http_port}"
        raise ServiceError(f"no service at http://{where}", "start it: make run") from None
    except aiohttp.ClientError as error:
        raise ServiceError(f"the bundle broke off ({type(error).__name__})", "see the service's log") from None
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest(), size


@restrict_app.command("verify")
def verify(path: Annotated[Path, typer.Argument(help="the .zip")]) -> None:
    """Check a bundle: every hash, and that each recording is the one the vault had sealed. Needs no service."""
    if not path.is_file():
        raise ServiceError(f"{path} is no file", "give the bundle's .zip")
    _tell(path)


def _tell(path: Path) -> None:
    found = check(path)
    for fault in found.faults:
        out.print(f"✗ {fault}", markup=False, highlight=False)
    for one in found.manifest.get("missing") or ():
        if isinstance(one, dict):
            lacks = ascii(f"{one.get('call')}: no {one.get('what')} ({one.get('why')})")[1:200]
            out.print(f"– {lacks}", markup=False, highlight=False)
    if found.faults:
        mend = "fetch the original again, and compare its SHA-256 with the audit's"
        raise ServiceError(f"{path}: {len(found.faults)} faults: it is not the bundle that was made", mend)
    out.print(f"✓ 完好 whole and unchanged: {found.files} files, {found.recordings} recordings", highlight=False)
