"""`hotline simulate`: a day before it comes, with the real matching, from a file or from the calls of the past."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

import tickets

from .config import load_config
from .errors import ConfigError, ServiceError
from .settings import Settings, load_settings
from .yaml_file import load_yaml

if TYPE_CHECKING:
    from routing import RoutingBook
    from simulation import Model, PastCall, Result

SHANGHAI = 8 * 3600.0
"""Seconds that China's one time zone is before unix time; it has no summer time."""
PAGE = 200
out = Console()
err = Console(stderr=True)


def load_model(path: Path) -> Model:
    """Reads a model.

    Raises:
        ConfigError: with every fault as "file:line: where: reason".
    """
    from simulation import ModelError, parse_model

    located = load_yaml(path)
    try:
        return parse_model(located.data, _book(located.data))
    except ModelError as error:
        faults = [
            f"{path}:{located.line(loc)}: {'.'.join(map(str, loc)) or 'file'}: {why}" for loc, why in error.faults
        ]
        raise ConfigError("\n".join(faults), "mend the lines named; config/simulation has examples") from None


def _book(data: object) -> RoutingBook | None:
    """The hotline's own rules, when a class of callers asks for them."""
    classes = data.get("classes") if isinstance(data, dict) else None
    if not isinstance(classes, list) or not any(isinstance(c, dict) and "route" in c for c in classes):
        return None
    return load_config(load_settings().config_dir / "hotline.yaml").book()


async def _past(settings: Settings, limit: int) -> list[PastCall]:
    from simulation import PastCall

    store = tickets.Store(settings.store)
    calls: list[PastCall] = []
    before: str | None = None
    try:
        while len(calls) < limit:
            page = await store.calls(PAGE, before)
            for call in page.items:
                queued = next((m["at"] for m in call.timeline if m.get("what") == "waiting"), None)
                if isinstance(queued, int | float):
                    calls.append(PastCall(float(queued), call.joined_at, call.ended_at, call.seat))
            before = page.next
            if before is None:
                break
    finally:
        await store.close()
    return calls


def _from_history(limit: int, seats: int | None) -> Model:
    from simulation import HistoryError, model_of_history

    settings = load_settings()
    times = load_config(settings.config_dir / "hotline.yaml")
    file = settings.store.removeprefix("sqlite:///")
    if file != settings.store and not Path(file).exists():
        raise ServiceError(f"there are no calls yet: no file {file}", "let calls come first, or simulate a file")
    try:
        past = asyncio.run(_past(settings, limit))
        model, found = model_of_history(
            past, offset=SHANGHAI, wrap_up=times.policy().wrap_up, seats=seats, policy=times.policy()
        )
    except (HistoryError, tickets.TicketsError) as error:
        raise ServiceError(str(error), "let more calls come first, or simulate a file of config/simulation") from None
    for line in found:
        err.print(f"  {line}", highlight=False)
    return model


def run(
    file: Annotated[Path | None, typer.Argument(help="a model: config/simulation/*.yaml")] = None,
    history: Annotated[bool, typer.Option("--history", help="make the model from the stored calls")] = False,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same callers")] = 1,
    days: Annotated[int, typer.Option("--days", "--replications", min=1, max=1000, help="so many runs")] = 1,
    compare: Annotated[bool, typer.Option("--compare", help="beside app_queue, as the file sets it up")] = False,
    png: Annotated[Path | None, typer.Option(help="write a picture")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="figures as JSON")] = False,
    seats: Annotated[int | None, typer.Option(min=1, help="--history: seats on duty, instead of those found")] = None,
    limit: Annotated[int, typer.Option(min=20, help="--history: so many of the newest calls")] = 100_000,
) -> None:
    """Simulate a day with the real matching: answered in time, waits and occupancy, hour by hour."""
    if history == (file is not None):
        raise ServiceError("either a FILE or --history is wanted", "config/simulation/hangzhou-day.yaml is one to try")
    # Here, not above: the other commands and the service need neither numpy nor matplotlib for it.
    from simulation import PictureError, comparison, draw_comparison, draw_day, simulate

    model = load_model(file) if file is not None else _from_history(limit, seats)
    seeds = list(range(seed, seed + days))
    with err.status("simulating …") as status:
        results = list(comparison(model, seeds, status.update)) if compare else [simulate(model, seeds, status.update)]
    if as_json:
        typer.echo(json.dumps([r.json() for r in results], ensure_ascii=False, indent=1))
    else:
        _show(model, results)
    if png is not None:
        try:
            if compare:
                draw_comparison(results, png, model.name)
            else:
                draw_day(results[0], png, model.name)
        except PictureError as error:
            raise ServiceError(str(error), "name a file in a directory that can be written") from None
        err.print(f"  {png}", highlight=False)


def _show(model: Model, results: Sequence[Result]) -> None:
    from simulation import CLOCK

    limit = f"{model.threshold:.0f} s"
    first = results[0]
    table = Table(
        "hour", "calls", f"≤{limit}", "%", "answ.", "gone", "mean p50 p90 p99", "seats", "occupancy",
        title=f"{model.name} · {first.name}", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False,
    )  # fmt: skip
    for column in table.columns:
        column.justify, column.no_wrap = "right", True
    for row in [*(r for r in first.hours if r.arrivals or r.on_duty), replace(first.total, name="all")]:
        busy = " ".join(f"{100 * x:3.0f}" for x in row.occupancy) if row.occupancy else "–"
        waits = f"{_number(row.mean):>4} " + " ".join(f"{_number(x, 0):>3}" for x in (row.p50, row.p90, row.p99))
        table.add_row(
            row.name.removesuffix(":00"), str(row.arrivals), str(row.within), _percent(row.share), str(row.answered),
            str(row.abandoned), waits, f"{row.on_duty:.0f}", busy, end_section=row is first.hours[-1],
        )  # fmt: skip
    out.print(table)
    if len(results) > 1:
        out.print(_beside(results, limit))
    out.print(f"计时 clock: {CLOCK}. Waits: seconds, of the answered.")
    out.print("座席忙 occupancy: 最低 least, 平均 mean, 最高 most, % of the time on duty (offered, talking, wrap-up).")
    out.print(
        f"≤ {limit} %: 分子 numerator: answered within {limit}; 分母 denominator: calls = all who entered the queue."
    )
    blocked = f"; busy tone {first.total.blocked}" if first.total.blocked else ""
    out.print(f"[dim]{first.calls_per_second:,.0f} simulated calls per second; {first.runs} run(s){blocked}[/dim]")


def _beside(results: Sequence[Result], limit: str) -> Table:
    table = Table(
        "rules", f"≤ {limit}", "of calls", "%", f"beyond {limit}", "aband.", "mean", "p90", "p99", "first wish met",
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False,
    )  # fmt: skip
    for column in table.columns[1:]:
        column.justify = "right"
    for result in results:
        t = result.total
        table.add_row(
            result.name, str(t.within), str(t.arrivals), _number(100 * t.share), str(t.beyond), str(t.abandoned),
            _number(t.mean), _number(t.p90), _number(t.p99), f"{t.fit:.1%}",
        )  # fmt: skip
    return table


def _percent(share: float) -> str:
    return "100" if share == 1 else _number(100 * share)


def _number(value: float, digits: int = 1) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"
