"""The `hotline` command."""

from __future__ import annotations

import asyncio
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import ivr
import telephony

from .access import show_addresses
from .cli_asterisk import asterisk_app
from .cli_calls import call_app, ticket_app
from .cli_directory import directory_app
from .cli_doctor import doctor as doctor_command
from .cli_doctor import probe as probe_command
from .cli_draft import run as draft_command
from .cli_floor import callback_app, mode_app, seat_app
from .cli_flow import flow_app, prompts_app
from .cli_restrict import restrict_app
from .cli_route import route_app
from .cli_simulate import run as simulate_command
from .cli_storage import outbox_app, recordings_app
from .config import load_config
from .config_directory_checks import flow_faults
from .errors import ServiceError
from .settings import Settings, load_settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="浙江 12345 热线的电话中枢 / the telephone heart of the 12345 hotline.",
)  # fmt: skip
app.add_typer(flow_app, name="flow")
app.add_typer(prompts_app, name="prompts")
app.add_typer(asterisk_app, name="asterisk")
app.add_typer(call_app, name="call")
app.add_typer(ticket_app, name="ticket")
app.add_typer(seat_app, name="seat")
app.add_typer(callback_app, name="callback")
app.add_typer(mode_app, name="mode")
app.add_typer(restrict_app, name="restrict")
app.add_typer(route_app, name="route")
app.add_typer(directory_app, name="directory")
app.add_typer(outbox_app, name="outbox")
app.add_typer(recordings_app, name="recordings")
app.command("simulate")(simulate_command)
app.command("draft")(draft_command)
app.command("doctor")(doctor_command)
app.command("probe")(probe_command)

out = Console()
err = Console(stderr=True)

Phones = Annotated[int | None, typer.Option(help="demo phones that register as seats; 0: use your own phones")]
HttpPort = Annotated[int | None, typer.Option(help="port of the console and API")]
SipPort = Annotated[int | None, typer.Option(help="UDP port of the private Asterisk's SIP")]
VarDir = Annotated[Path | None, typer.Option(help="directory of everything that is written")]


class Scene(StrEnum):
    """What `hotline demo` plays."""

    ALL = "all"
    STREET_LIGHT = "street-light"
    FIRE = "fire"


async def _until_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()


@app.command()
def run(
    phones: Phones = None,
    http_port: HttpPort = None,
    sip_port: SipPort = None,
    var_dir: VarDir = None,
    node: Annotated[str | None, typer.Option(help="this process's name among several on one Redis")] = None,
    join: Annotated[
        bool, typer.Option("--join", help="join what runs already: start no Redis, Asterisk or phones of our own")
    ] = False,
) -> None:
    """Start everything and stay up until Ctrl-C."""
    own = False if join else None
    settings = load_settings(
        phones=0 if join and phones is None else phones, http_port=http_port, sip_port=sip_port, var_dir=var_dir,
        node=node, private_redis=own, private_asterisk=own,
    )  # fmt: skip
    from . import logs
    from .app import Hotline, running
    from .cluster import Role
    from .phones import demo_seats

    logs.set_up(settings.log_level, settings.log_file)

    async def main() -> None:
        hotline = Hotline(settings, lambda part: out.print(f"  starting {part} …"))

        def tell_role(role: Role) -> None:
            holder = hotline.lease.holder
            other = f"; active is {holder.node}, {holder.url}" if role is Role.STANDBY and holder is not None else ""
            out.print(f"  role      [bold]{role.value}[/bold], node {settings.node}{other}", soft_wrap=True)

        hotline.role_told = tell_role
        async with running(settings, hotline=hotline), demo_seats(settings):
            out.print("[bold]Running.[/bold] Ctrl-C ends it.")
            show_addresses(settings, out)
            await _until_signal()
            out.print("Stopping …")

    asyncio.run(main())


@app.command()
def demo(
    phones: Phones = None,
    http_port: HttpPort = None,
    sip_port: SipPort = None,
    var_dir: VarDir = None,
    stay: Annotated[bool, typer.Option(help="stay up after the calls (the default); --no-stay ends")] = True,
    scene: Annotated[Scene, typer.Option(help="which callers: a broken street lamp, a fire with 119")] = Scene.ALL,
) -> None:
    """Start everything and let simulated callers through the whole path."""
    from . import logs
    from .demo_call import demo_call

    settings = load_settings(phones=phones, http_port=http_port, sip_port=sip_port, var_dir=var_dir)
    if settings.log_file is None:
        # The terminal belongs to the call's timeline.
        settings = settings.model_copy(update={"log_file": settings.var_dir / "log" / "hotline.log"})
    logs.set_up(settings.log_level, settings.log_file)
    ok = asyncio.run(demo_call(settings, out, stay=stay, scene=scene.value))
    raise typer.Exit(0 if ok else 1)


@app.command()
def check() -> None:
    """Check configuration and flows; says file, line and reason for each fault."""
    settings = load_settings()
    faults: list[str] = []
    warnings: tuple[str, ...] = ()
    flows: list[ivr.Flow] = []
    try:
        prompts = ivr.load_prompts(settings.config_dir / "prompts" / "prompts.yaml")
        flows = list(ivr.load_book(settings.config_dir / "flows", prompts))
    except ivr.FlowError as error:
        faults += [str(p) for p in error.problems]
    try:
        config = load_config(settings.config_dir / "hotline.yaml", [flow.name for flow in flows] or None)
        warnings = config.warnings
        faults += flow_faults(config.directory(), flows)
        from .pbx import private_asterisk

        asterisk = private_asterisk(settings, config)
        telephony.render(asterisk.templates, asterisk.plan())
        asterisk.forget()
    except (ServiceError, telephony.TelephonyError) as error:
        faults += str(error).splitlines()
    try:
        import tickets

        tickets.Gazetteer.load(settings.config_dir / "regions.yaml")
        tickets.Catalogue.load(settings.config_dir / "catalogue.yaml")
    except tickets.TicketsError as error:
        faults += str(error).splitlines()
    for warning in warnings:
        err.print(f"[yellow]![/yellow] {warning}", soft_wrap=True, highlight=False)
    for fault in faults:
        err.print(f"[red]✗[/red] {fault}", soft_wrap=True, highlight=False)
    if faults:
        err.print(f"{len(faults)} fault(s). Nothing was changed.")
        raise typer.Exit(1)
    out.print(
        f"[green]✓[/green] configuration, {len(flows)} flows, Asterisk templates, regions and catalogue are good."
    )


@app.command()
def token(
    role: Annotated[str, typer.Option(help="admin, supervisor, seat, auditor or probe")] = "admin",
    name: Annotated[str, typer.Option(help="who will use it; written into the audit trail")] = "operator",
    seat: Annotated[str | None, typer.Option(help="for the role seat: the seat's id")] = None,
    days: Annotated[float, typer.Option(help="valid for so many days")] = 30.0,
) -> None:
    """Print an API token; send it as `Authorization: Bearer …`."""
    from .access import issue

    print(issue(load_settings(), role, name, seat, days))


@app.command()
def settings() -> None:
    """Show every setting: its value, and the variable that changes it."""
    current = load_settings()
    table = Table("setting", "value", "environment variable")
    for name in Settings.model_fields:
        table.add_row(name, str(getattr(current, name)), f"HOTLINE_{name.upper()}")
    out.print(table)


def main() -> None:
    """Entry point: errors of ours are one clear message, never a stack trace."""
    try:
        app(standalone_mode=True)
    except (ServiceError, telephony.TelephonyError, ivr.FlowError) as error:
        tell(error)
        sys.exit(1)


def tell(error: Exception) -> None:
    """What, where, how to mend."""
    err.print(f"[red]✗[/red] {error}", soft_wrap=True, highlight=False)
    fix: Any = getattr(error, "fix", "")
    if fix:
        err.print(f"  How to mend it: {fix}", soft_wrap=True, highlight=False)



