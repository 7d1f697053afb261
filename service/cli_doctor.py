"""`hotline doctor` and `hotline probe`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Sequence
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from . import logs
from .doctor import Finding, Report, examine, worst
from .doctor_checks import checks
from .settings import Settings, load_settings

out = Console()
err = Console(stderr=True)
SIGNS = {"ok": "[green]✓[/green]", "note": "[yellow]![/yellow]", "fault": "[red]✗[/red]"}
MEND = {"zh": "怎样修", "en": "how to mend it"}

Lang = Literal["zh", "en"]
Json = Annotated[bool, typer.Option("--json", help="print JSON, in both languages")]
Language = Annotated[Lang | None, typer.Option("--lang", help="zh or en; default: as LANG says")]
Verbose = Annotated[bool, typer.Option("--verbose", help="also what each part logs")]


def language(chosen: str | None) -> str:
    """zh or en: what was chosen, else the terminal's."""
    names = [os.environ.get(x, "") for x in ("LC_ALL", "LC_MESSAGES", "LANG")]
    return chosen or ("zh" if next(filter(None, names), "").lower().startswith("zh") else "en")


def doctor(
    only: Annotated[list[str] | None, typer.Option("--only", help="one part; may be given several times")] = None,
    as_json: Json = False,
    lang: Language = None,
    verbose: Verbose = False,
) -> None:
    """Look at everything the hotline needs, and say what to mend; exit code 1 when there is something."""
    settings = load_settings()
    _quiet(verbose)
    chosen = language(lang)
    report = asyncio.run(_examine(settings, only or [], chosen, show=not as_json))
    if as_json:
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        faults, notes = report.count("fault"), report.count("note")
        out.print({"zh": f"{faults} 处故障, {notes} 条提示。", "en": f"{faults} fault(s), {notes} note(s)."}[chosen])
    raise typer.Exit(1 if report.count("fault") else 0)


def _quiet(verbose: bool) -> None:
    if verbose:
        logs.set_up("debug")
    else:
        logging.disable(logging.CRITICAL)  # what a part logs on its way is said by its finding


async def _examine(settings: Settings, only: Sequence[str], lang: str, *, show: bool) -> Report:
    async with checks(settings) as every:
        names = [check.part for check in every]
        if unknown := [x for x in only if x not in names]:
            raise typer.BadParameter(f"no part {', '.join(unknown)}; there are: {', '.join(names)}")
        left = {x for x in names if not only or x in only}
        with Status("…", console=Console(stderr=True, quiet=not show or not err.is_terminal)) as status:

            def told(part: str, found: Sequence[Finding]) -> None:
                left.discard(part)
                status.update(", ".join(x for x in names if x in left))
                if show:
                    show_part(part, found, lang)

            status.update(", ".join(x for x in names if x in left))
            return await examine([x for x in every if x.part in left], told)


def show_part(part: str, found: Sequence[Finding], lang: str) -> None:
    """A part as people read it: its state, then each finding with its place and its cure."""
    out.print(f"{SIGNS[worst(found)]} [bold]{part}[/bold]", highlight=False)
    for one in found:
        where = f"  [dim]{escape(one.where)}[/dim]" if one.where else ""
        out.print(f"    {SIGNS[one.state]} {escape(one.what[lang])}{where}", soft_wrap=True, highlight=False)
        if one.mend[lang]:
            out.print(f"      {MEND[lang]}: {escape(one.mend[lang])}", soft_wrap=True, highlight=False)
