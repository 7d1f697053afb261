"""`hotline asterisk …`: the pieces for an existing PBX, its certificate, its phones' passwords."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import telephony

from .config import load_config
from .errors import ConfigError
from .settings import load_settings

asterisk_app = typer.Typer(no_args_is_help=True, help="Configuration for Asterisk.")
out = Console()


@asterisk_app.command("render")
def render(
    directory: Annotated[Path, typer.Argument(help="where to write; made if it is not there")] = Path("asterisk-out"),
    spool: Annotated[Path | None, typer.Option(help="where that Asterisk writes raw recordings")] = None,
    everything: Annotated[bool, typer.Option("--all", help="also the files of a private instance")] = False,
) -> None:
    """Write dialplan, manager, pjsip and queue pieces for a PBX of your own, with instructions."""
    from .pbx import private_asterisk

    settings = load_settings()
    config = load_config(settings.config_dir / "hotline.yaml")
    asterisk = private_asterisk(settings, config)
    plan = asterisk.plan()
    if spool is not None:
        plan = replace(plan, recording_spool=spool)
    files = telephony.render(asterisk.templates, plan)
    asterisk.forget()
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        if everything or name in telephony.PBX_PIECES:
            path = directory / name
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)  # the manager's and the seats' secrets are in them
            out.print(f"  {path}")
    text = (asterisk.templates / "INSTRUCTIONS.md").read_text(encoding="utf-8")
    marks = {"AMI_USER": plan.ami_user, "RECORDING_SPOOL": plan.recording_spool, "PROMPTS": settings.prompts_dir}
    for mark, value in marks.items():
        text = text.replace(f"@{mark}@", str(value))
    (directory / "README.md").write_text(text, encoding="utf-8")
    out.print(f"  {directory / 'README.md'}  ← how to put them to use")


@asterisk_app.command("certificate")
def certificate(
    renew: Annotated[bool, typer.Option("--renew", help="a new one, even if there is one")] = False,
    name: Annotated[list[str] | None, typer.Option(help="a further name or address it is for; with --renew")] = None,
) -> None:
    """Show the private Asterisk's own certificate, made if need be: phones and the service trust this file."""
    from . import certificates

    settings = load_settings()
    path = settings.own_certificate
    if renew or name or not path.exists():
        certificates.write(path, certificates.make([*(name or []), *certificates.names_for(settings.bind)]))
    try:
        text, fingerprint, until = certificates.public_part(path)
    except ValueError:
        raise ConfigError(f"{path}: no certificate", "hotline asterisk certificate --renew makes a new one") from None
    out.print(f"  {path} (with its key, mode 0600)", highlight=False, soft_wrap=True)
    out.print(f"  SHA-256 {fingerprint}", highlight=False, soft_wrap=True)
    out.print(f"  有效至 valid until {until:%Y-%m-%d %H:%M} UTC", highlight=False)
    out.print("  话机和别处的服务信任这一份 · for phones and services elsewhere to trust:")
    print(text, end="")


@asterisk_app.command("passwords")
def passwords(
    seats: Annotated[list[str] | None, typer.Argument(help="seats; left out: all whose phones register here")] = None,
) -> None:
    """Print the SIP passwords of seats' phones, for who sets the phones up. Shows secrets: mind who looks on."""
    from .passwords import seat_password, seat_secret

    settings = load_settings()
    config = load_config(settings.config_dir / "hotline.yaml")
    known = [x.id for x in config.seats if not x.phone]
    if strange := sorted(set(seats or ()) - set(known)):
        raise ConfigError(f"no phones of these seats register here: {', '.join(strange)}", "see config/hotline.yaml")
    if not seat_secret(settings):
        raise ConfigError(
            "the seats' passwords are those of hotline.yaml (seat_password)",
            "make a secret first: (umask 077; openssl rand -base64 24 > FILE), then seat_password_file: FILE",
        )
    for seat in seats or known:
        print(f"{seat}\t{seat_password(seat, config, settings)}")
