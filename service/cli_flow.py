"""`hotline flow …` and `hotline prompts …`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

import ivr

from .errors import ServiceError
from .music import build_music
from .settings import load_settings

flow_app = typer.Typer(no_args_is_help=True, help="Flows: check, draw, try them in the terminal.")
prompts_app = typer.Typer(no_args_is_help=True, help="Prompts: what callers hear.")
out = Console()
err = Console(stderr=True)

Name = Annotated[str, typer.Argument(help="name of a flow in config/flows, or path of a YAML file")]


def _prompts() -> ivr.PromptLibrary:
    return ivr.load_prompts(load_settings().config_dir / "prompts" / "prompts.yaml")


def _flow(name: str) -> ivr.Flow:
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = load_settings().config_dir / "flows" / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in (load_settings().config_dir / "flows").glob("*.yaml")))
        raise ServiceError(f"no flow '{name}' ({path})", f"known flows: {known}")
    return ivr.load_flow(path, _prompts())


@flow_app.command("check")
def check(name: Annotated[str | None, typer.Argument(help="one flow; default: all")] = None) -> None:
    """Check flows; every fault with file, line, reason and how to mend it."""
    flows = [_flow(name)] if name else list(ivr.load_book(load_settings().config_dir / "flows", _prompts()))
    for flow in flows:
        how = "played by the switch itself" if flow.entry() is not None else "led by the service"
        about = f"{len(flow.nodes)} nodes, {how}, version {flow.version}"
        out.print(f"[green]✓[/green] {flow.name}  {flow.title}  ({about})")


@flow_app.command("draw")
def draw(
    name: Name = "default",
    language: Annotated[str, typer.Option(help="zh or en")] = "zh",
    mermaid: Annotated[bool, typer.Option("--mermaid", help="as Mermaid text for documents")] = False,
) -> None:
    """Show a flow as a tree, or as Mermaid text."""
    flow = _flow(name)
    print(ivr.draw(flow, language) if mermaid else ivr.tree(flow, language))


@flow_app.command("try")
def try_(name: Name = "default", language: Annotated[str, typer.Option(help="zh or en")] = "zh") -> None:
    """Walk a flow in the terminal: type digits or words, Enter alone is silence; Ctrl-D ends."""
    try:
        ivr.try_flow(_flow(name), print, input, now=time.time(), language=language)
    except (EOFError, KeyboardInterrupt):
        print()


@prompts_app.command("build")
def build(quiet: Annotated[bool, typer.Option("--quiet", help="only problems and a summary")] = False) -> None:
    """Make the prompts' audio: your recordings where there are any, espeak-ng's voice for the rest."""
    from ivr.prompts import PromptBuildError, build_prompts

    settings = load_settings()
    site = settings.config_dir / "prompts"
    build_music(site / "music", settings.prompts_dir / "music")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=err, disable=quiet, transient=True) as bar:
            task = bar.add_task("prompts", total=None)
            report = build_prompts(
                _prompts(), site, settings.prompts_dir,
                progress=lambda done, total, _: bar.update(task, completed=done, total=total),
            )  # fmt: skip
    except PromptBuildError as error:
        raise ServiceError(str(error), "install espeak-ng (apt-get install espeak-ng), then run it again") from None
    for problem in report.problems:
        err.print(f"[yellow]![/yellow] {problem}", soft_wrap=True, highlight=False)
    out.print(f"      {len(report.recorded)} recorded, {len(report.spoken)} spoken, {len(report.kept)} unchanged")
