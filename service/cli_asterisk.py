"""`hotline asterisk …`: the pieces for an existing PBX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import telephony

from .config import load_config
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
