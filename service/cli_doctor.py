"""`hotline doctor` and `hotline probe`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import typer
from prometheus_client import start_http_server
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from . import logs
from .doctor import Finding, Report, examine, worst
from .doctor_checks import checks
from .errors import ServiceError
from .probe import Result, Watch, target_of
from .probe import probe as test_call
from .probe_news import leave
from .render import shanghai
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
    chosen = language(lang)
    with _quiet(verbose):
        report = asyncio.run(_examine(settings, only or [], chosen, show=not as_json))
    if as_json:
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        faults, notes = report.count("fault"), report.count("note")
        out.print({"zh": f"{faults} 处故障, {notes} 条提示。", "en": f"{faults} fault(s), {notes} note(s)."}[chosen])
    raise typer.Exit(1 if report.count("fault") else 0)


@contextlib.contextmanager
def _quiet(verbose: bool) -> Iterator[None]:
    """Without log lines: what a part logs on its way is said by its finding."""
    if verbose:
        logs.set_up("debug")
        yield
        return
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


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


def probe(
    watch: Annotated[bool, typer.Option("--watch", help="again and again, until Ctrl-C")] = False,
    every: Annotated[float | None, typer.Option(min=5, help="seconds between two; default: probe_every")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON for each call")] = False,
    lang: Language = None,
) -> None:
    """Make a real test call through the trunk and hear whether it is answered; exit code 1 when it is not."""
    settings = load_settings()
    target, chosen = target_of(settings), language(lang)
    logs.set_up(settings.log_level, settings.log_file)

    def told(result: Result) -> None:
        print(json.dumps(result.to_json()) if as_json else result_line(result, chosen), flush=True)
        if watch:
            leave(settings, result, watching.in_a_row, every or settings.probe_every)

    watching = Watch(lambda: test_call(target), every or settings.probe_every, told)
    if not watch:
        raise typer.Exit(0 if asyncio.run(watching.once()).ok else 1)
    if settings.probe_metrics_port:
        try:
            start_http_server(settings.probe_metrics_port, "127.0.0.1", watching.metrics.registry)
        except OSError:
            raise ServiceError(
                f"port {settings.probe_metrics_port} (metrics of the probe) is in use",
                "choose another: HOTLINE_PROBE_METRICS_PORT=…",
            ) from None
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(watching.run())


WHY = {
    "unreachable": ("对端无应答", "nobody there"),
    "busy": ("忙", "busy"),
    "refused": ("被拒绝", "refused"),
    "no_answer": ("振铃无人接", "not answered"),
    "failed": ("呼叫失败", "failed"),
    "no_audio": ("接通但没有声音包", "answered, but no audio packets came"),
    "silence": ("接通但静音", "answered, but silent"),
    "no_speech": ("听到的不像提示语", "what was heard is no greeting"),
    "lossy": ("丢包太多", "too many packets lost"),
    "not_ended": (
        "流程没有自己挂断: 服务未应答, 或号码的流程不对", "not ended by its flow: no service, or another flow"
    ),
    "error": ("拨测本身出错", "the probe itself failed"),
}


def result_line(result: Result, lang: str) -> str:
    """A test call as people read it."""
    at, zh = shanghai(result.at), lang == "zh"
    parts = []
    if result.answer is not None:
        parts.append(f"{result.answer:.2f} 秒接通" if zh else f"answered in {result.answer:.2f} s")
    if result.sound:
        level = f", {result.level:.0f} dBov" if result.level is not None else ""
        parts.append((f"听到 {result.sound:.1f} 秒" if zh else f"heard {result.sound:.1f} s") + level)
    if not result.ok:
        status = f" ({result.status})" if result.status else ""
        parts.append(WHY[result.reason][0 if zh else 1] + status)
    return f"{at} {'✓' if result.ok else '✗'} {'; '.join(parts)}"
