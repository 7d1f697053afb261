"""`hotline directory …`: the linked hotlines (联动热线名录) as the files have them; needs no running instance."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import ivr
import routing

from .cli_calls import whole
from .config import HotlineConfig, load_config
from .config_directory_checks import flow_faults
from .config_files import near
from .errors import ServiceError
from .render import shanghai
from .settings import load_settings

directory_app = typer.Typer(no_args_is_help=True, help="The directory of linked hotlines (联动热线名录).")
out = Console()
err = Console(stderr=True)
KINDS = {
    "emergency": "紧急", "hotline": "其他热线", "utility": "公共事业", "centre": "分中心", "unit": "单位",
    "social": "社会服务",
}  # fmt: skip
STATES = {"ready": "可接通", "no-trunk": "停用, 无线路", "closed": "不在服务时间"}
NO_TRUNK = "no trunk: name one in config/directory.yaml under trunks: of the entry"


def _config(file: Path | None = None) -> HotlineConfig:
    settings = load_settings()
    return load_config(settings.config_dir / "hotline.yaml", directory=file)


def _state(directory: routing.Directory, entry: routing.Entry, now: float) -> str:
    state = directory.state(entry, now)
    text = f"{STATES[state]} {state}"
    change = directory.next_change(entry, now) if state != "no-trunk" else None
    if change is not None:
        text += f" → {shanghai(change)[5:16]}"
    return text


@directory_app.command("list")
def list_(
    kind: Annotated[str | None, typer.Option(help="one kind only: " + ", ".join(routing.ENTRY_KINDS))] = None,
    search: Annotated[str, typer.Option(help="words in id, name, number, region or matters")] = "",
) -> None:
    """All entries: numbers, state and why, fallback."""
    if kind is not None and kind not in routing.ENTRY_KINDS:
        raise ServiceError(f"no kind '{kind}'{near(kind, routing.ENTRY_KINDS)}", "hotline directory list")
    directory, now = _config().directory(), time.time()
    entries = [e for e in directory.search(search) if kind in (None, e.kind)]
    digits = {entry: digit for digit, entry in directory.emergency_digits.items()}
    table = Table(*whole("id"), "名称 name", "类别 kind", *whole("号码 numbers"), "状态 state", *whole("改拨 fallback"))
    for e in entries:
        key = f" [键 key {digits[e.id]}]" if e.id in digits else ""
        table.add_row(
            e.id, escape(e.zh + key), f"{KINDS[e.kind]} {e.kind}", " ".join(e.numbers) or "–",
            _state(directory, e, now), e.fallback or "–",
        )  # fmt: skip
    out.print(table)
    ready = sum(directory.state(e, now) == "ready" for e in entries)
    out.print(f"{len(entries)} 条 entries, 现在可接通 can be reached now: {ready}")


@directory_app.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="a directory to look at; default: config/directory.yaml")] = None,
) -> None:
    """Check the directory with the other files: every fault with file, line, reason and what to write instead."""
    config = _config(file)
    directory = config.directory()
    flows = _flows()
    for warning in (*config.warnings, *_unrung(directory, flows)):
        err.print(f"[yellow]![/yellow] {escape(warning)}", soft_wrap=True, highlight=False)
    if faults := list(flow_faults(directory, flows)):
        raise ServiceError("\n".join(faults), "give the flow's node an emergency entry of the directory")
    n, linked = len(directory.entries), sum(directory.state(e, time.time()) != "no-trunk" for e in directory.entries)
    counts = f"{n} 条 entries, {linked} 条有线路 with a trunk, {len(directory.trunks)} 条中继 trunks"
    out.print(f"[green]✓[/green] 名录正确 the directory is good: {counts}", highlight=False)


def _flows() -> list[ivr.Flow]:
    """All flows; none where there are no prompts, as in a directory of configuration that is being written."""
    directory = load_settings().config_dir
    prompts = directory / "prompts" / "prompts.yaml"
    return list(ivr.load_book(directory / "flows", ivr.load_prompts(prompts))) if prompts.exists() else []


def _unrung(directory: routing.Directory, flows: list[ivr.Flow]) -> Iterator[str]:
    """Emergency lines that callers can ask for and nobody can ring."""
    asked = {f"digit {digit}": id_ for digit, id_ in directory.emergency_digits.items()}
    asked |= {
        f"flow '{f.name}', node '{n}'": node.entry
        for f in flows for n, node in f.nodes.items() if isinstance(node, ivr.Emergency)
    }  # fmt: skip
    for what, id_ in asked.items():
        entry = directory.get(id_)
        if entry is not None and directory.state(entry, time.time()) == "no-trunk":
            yield f"{what} asks for {id_}, which has no trunk: its callers are told so and wait for a seat"


@directory_app.command("show")
def show(entry: Annotated[str, typer.Argument(help="the entry's id or one of its numbers")]) -> None:
    """One entry whole: how it is reached, its hours, what it takes and what it does not."""
    directory, now = _config().directory(), time.time()
    found = directory.resolve(entry)
    one = directory.get(found[1]) if found is not None and found[0] == "entry" else None
    if one is None:
        raise ServiceError(
            f"no entry '{entry}'{near(entry, [e.id for e in directory.entries])}", "hotline directory list"
        )
    for line in _lines(directory, one, now):
        out.print(line, highlight=False, soft_wrap=True)


def _lines(directory: routing.Directory, e: routing.Entry, now: float) -> list[str]:
    """An entry for the terminal."""
    lines = [
        f"[bold]{e.id}[/bold]  {escape(e.zh)}  {escape(e.en)}".rstrip(),
        f"  类别 kind      {KINDS[e.kind]} {e.kind}" + (f"  区域 region {e.region}" if e.region else ""),
        f"  号码 numbers   {' '.join(e.numbers) or '–'}",
        f"  时间 hours     {e.hours_text or '全天 always'}",
        f"  状态 state     {_state(directory, e, now)}",
        f"  改拨 fallback  {_name(directory, e.fallback) if e.fallback else '–'}",
        f"  随话信息 context {e.protocol}" + (f"  {escape(e.url)}" if e.url else ""),
        f"  显示号码       {'来电人的 the caller’s' if e.caller_id == 'caller' else '本热线的 the hotline’s'}",
        f"  对方挂机后     {'接回人工 back to a human' if e.after == 'return' else '结束通话 the call is over'}",
    ]
    if directory.state(e, now) == "ready":
        lines.append("[bold]依次呼叫 tries[/bold]")
        for n, t in enumerate(directory.line(e.id, now).tries, 1):
            lines.append(f"  {n}. {escape(t.name)}  {t.number}  {t.trunk}  {t.seconds:g} s")
    elif directory.state(e, now) == "no-trunk":
        lines.append(f"  {NO_TRUNK}")
    for title, table in (("受理 takes", e.takes), ("不受理 does not take", e.refers)):
        if table:
            lines.append(f"[bold]{title}[/bold]")
        for m in table:
            who = "" if not m.to else f" → {_name(directory, m.to)}"
            about = "、".join([*m.words, *m.codes])
            lines.append(f"  {escape(m.zh)}{who}" + (f"  [dim]{escape(about)}[/dim]" if about else ""))
    return lines


def _name(directory: routing.Directory, id_: str) -> str:
    entry = directory.get(id_)
    return entry.zh if entry is not None else "本热线 this hotline"


@directory_app.command("for")
def for_(
    words: Annotated[list[str], typer.Argument(help="what the caller says, or a code of config/catalogue.yaml")],
) -> None:
    """Which hotline takes a matter, and which table says so."""
    directory, now = _config().directory(), time.time()
    advices = directory.for_matter(" ".join(words))
    if not advices:
        out.print("名录中没有热线受理, 由本热线登记 · no table speaks of it: it is this hotline's")
    for advice in advices:
        who, state = "本热线 this hotline", ""
        if advice.entry is not None:
            who = f"{advice.entry.id}  {advice.entry.zh}"
            state = f"  ({_state(directory, advice.entry, now)})"
        out.print(f"[bold]{escape(who)}[/bold]{state}\n  {escape(advice.reason)}", highlight=False, soft_wrap=True)
