"""`hotline seat …`, `hotline callback …` and `hotline mode …`: the floor of the running instance through its API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from .cli_calls import ask, get, whole
from .render import CALLBACK_REASONS, CALLBACK_STATES, MODES, SEAT_STATES, shanghai

seat_app = typer.Typer(no_args_is_help=True, help="Seats of the running instance.")
callback_app = typer.Typer(no_args_is_help=True, help="Calls back (回拨) and return visits (回访).")
mode_app = typer.Typer(no_args_is_help=True, help="The operating mode (Art. 29) and known incidents.")
out = Console()


def _both(table: Mapping[str, str], code: str) -> str:
    """ "空闲 available"; a code without a caption is shown as it is."""
    return f"{table[code]} {code}" if code in table else code


# --- seats ---


@seat_app.command("list")
def seats() -> None:
    """All seats: state, until when, what for, calls taken and occupancy."""
    table = Table(*whole("seat"), "name", "centre", "kind", "state", "until (Shanghai)", "calls", "occupied", "duty")
    for one in get("seats")["items"]:
        reason = f" ({one['reason']})" if one["reason"] and one["state"] in ("break", "rest", "offline") else ""
        table.add_row(
            one["id"], one["name"], one["centre"], one["kind"], _both(SEAT_STATES, one["state"]) + reason,
            shanghai(one["deadline"])[11:] or "–", str(one["taken"]), _occupied(one), "yes" if one["on_duty"] else "no",
        )  # fmt: skip
    out.print(table)


def _occupied(one: Mapping[str, Any]) -> str:
    signed_in, since = one["signed_in_at"], one["since"]
    if signed_in is None:
        return "–"
    # Up to the beginning of the present state: the terminal needs no clock that agrees with the service's.
    return f"{one['busy_seconds'] / max(60.0, since - signed_in):.0%}"


@seat_app.command("reset")
def reset(
    seat: Annotated[str, typer.Argument(help="the seat's id")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Bring a stuck seat out of whatever state it is in. A talk that is true is not torn apart: it is refused."""
    if not yes:
        typer.confirm(
            f"Reset {seat}? A call it is being rung for goes to another seat, a wrap-up or break ends", abort=True
        )
    one = ask("POST", f"seats/{seat}/reset", {})
    out.print(f"{seat}: {_both(SEAT_STATES, one['state'])}")


@seat_app.command("rest")
def rest(
    seat: Annotated[str, typer.Argument(help="the seat's id")],
    seconds: Annotated[float | None, typer.Option(min=60, max=7200, help="how long; else as configured")] = None,
) -> None:
    """Force a seat to rest after an abusive call: now, or when the call in its hands is over."""
    one = ask("POST", f"seats/{seat}/rest", {} if seconds is None else {"seconds": seconds})
    after = " · 本通结束后强制休息 rests after this call" if one["wanted"] == "rest" else ""
    until = f" · {shanghai(one['deadline'])}" if one["state"] == "rest" else ""
    out.print(f"{seat}: {_both(SEAT_STATES, one['state'])}{until}{after}")


# --- callbacks ---


@callback_app.command("list")
def callbacks(
    closed: Annotated[bool, typer.Option("--closed", help="those that are over instead of those to do")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
) -> None:
    """The callback list, to be tried next first."""
    page = get(f"callbacks?state={'closed' if closed else 'open'}&limit={limit}")
    table = Table(
        *whole("entry", "number"), "reason", "state", "tries", "last", Column("next (Shanghai)", no_wrap=True)
    )
    for one in page["items"]:
        last = one["last_outcome"] or "–"
        tries = f"{one['attempts']}/{one['attempts_limit']}" if one["attempts_limit"] else str(one["attempts"])
        number = (one["number"] or "–") + (" 免打扰" if one["do_not_disturb"] else "")
        table.add_row(
            one["id"], number, _both(CALLBACK_REASONS, one["reason"]), _both(CALLBACK_STATES, one["state"]), tries,
            last, shanghai(one["next_try"]),
        )  # fmt: skip
    out.print(table)
    out.print(f"{page['open']} to do · 待拨 {page['open']}")


@callback_app.command("add")
def add(
    number: Annotated[str, typer.Argument(help="whom to call")],
    reason: Annotated[str, typer.Option(help="visit (回访) or missed (未接来电)")] = "visit",
) -> None:
    """Add a number; one that is in the list already keeps its one entry."""
    one = ask("POST", "callbacks", {"number": number, "reason": reason})
    out.print(f"{one['id']}: {_both(CALLBACK_STATES, one['state'])}, {_both(CALLBACK_REASONS, one['reason'])}")


@callback_app.command("cancel")
def cancel(entry: Annotated[str, typer.Argument(help="the entry's id")]) -> None:
    """Take an entry off the list (hotline callback reopen puts it back)."""
    one = ask("POST", f"callbacks/{entry}/cancel", {})
    out.print(f"{one['id']}: {_both(CALLBACK_STATES, one['state'])}")


@callback_app.command("reopen")
def reopen(entry: Annotated[str, typer.Argument(help="the entry's id")]) -> None:
    """Put a cancelled entry back at its rank."""
    one = ask("POST", f"callbacks/{entry}/reopen", {})
    out.print(f"{one['id']}: {_both(CALLBACK_STATES, one['state'])}")


# --- mode ---


@mode_app.command("show")
def show() -> None:
    """The present mode: since when, by whom, why; and the known incidents."""
    _show(get("mode"))


@mode_app.command("set")
def set_mode(
    mode: Annotated[str, typer.Argument(help="normal, surge, degraded or disaster")],
    reason: Annotated[str, typer.Option(help="for the record; every seat sees it, no personal data")],
    auto: Annotated[bool | None, typer.Option("--auto/--no-auto", help="whether thresholds may switch it")] = None,
) -> None:
    """Switch the operating mode, for calls from now on."""
    order: dict[str, Any] = {"mode": mode, "reason": reason}
    if auto is not None:
        order["automatic"] = auto
    _show(ask("PUT", "mode", order))


def _show(mode: Mapping[str, Any]) -> None:
    since = shanghai(mode["since"]) if mode["since"] else "–"
    out.print(
        f"[bold]{_both(MODES, mode['mode'])}[/bold]  {since}  {mode['by'] or ''}  {mode['reason'] or ''}".rstrip()
    )
    out.print(f"阈值自动切换 thresholds: {'开 on' if mode['automatic'] else '关 off'}")
    for one in mode["incidents"]:
        regions = "、".join(place["name"] for place in one["regions"])
        until = shanghai(one["until"]) if one["until"] else "手动结束 ended by hand"
        told = escape(f"{one['id']}: {regions} → {until}: {one['text']['zh']}")
        out.print(f"已知事件 incident {told}", soft_wrap=True)
