"""Hot reload: configuration and flows are read again when their files change.

A wrong file changes nothing: the fault is logged with file, line and reason, and the old one stays.
Running calls keep the flow version they began with.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import ivr
import telephony

from .config import CONFIG_FILES, HotlineConfig, load_config
from .errors import ConfigError
from .pbx import check_switch, line_trunks, seat_phones
from .settings import Settings

log = logging.getLogger(__name__)
PAUSE = 1.0


class Reloadable(Protocol):
    """What the watcher needs of the running instance."""

    settings: Settings
    flows: ivr.FlowLibrary
    config: HotlineConfig
    asterisk: telephony.PrivateAsterisk | None

    async def apply_config(self, config: HotlineConfig) -> None:
        """Takes a new configuration."""


class Watcher:
    """Looks at the files' times and sizes once a second."""

    def __init__(self, app: Reloadable, refused: Callable[[int], None] = lambda _: None) -> None:
        """`refused` is told how many faults a reload found."""
        self._app = app
        self._refused = refused
        self._seen = self._state()
        self.problems: list[str] = []

    def _files(self) -> list[Path]:
        directory = self._app.settings.config_dir
        return [*(directory / name for name in CONFIG_FILES), directory / "prompts" / "prompts.yaml",
                *sorted((directory / "flows").glob("*.yaml"))]  # fmt: skip

    def _state(self) -> dict[Path, tuple[int, int]]:
        state: dict[Path, tuple[int, int]] = {}
        for path in self._files():
            try:
                stat = path.stat()
            except OSError:
                continue
            state[path] = (stat.st_mtime_ns, stat.st_size)
        return state

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(PAUSE)
            now = await asyncio.to_thread(self._state)
            if now != self._seen:
                self._seen = now
                try:
                    await self.reload()
                except Exception as error:
                    # The switch or Redis, for instance: the next change is looked at all the same.
                    self.problems.append(f"not taken over everywhere: {type(error).__name__}")
                    log.exception("configuration could not be taken over everywhere; save a file again to retry")

    async def reload(self) -> None:
        """Reads everything again and applies what is good."""
        app = self._app
        self.problems = []
        report = await asyncio.to_thread(app.flows.reload)
        self.problems += [str(p) for p in report.problems]
        config = app.config
        try:
            path = app.settings.config_dir / "hotline.yaml"
            config = await asyncio.to_thread(load_config, path, [f.name for f in app.flows.book])
            check_switch(app.settings, config)
        except (ConfigError, telephony.RenderError) as error:
            config = app.config
            self.problems += str(error).splitlines()
        phones, lines = seat_phones(config, app.settings), line_trunks(config)
        switch_changed = (
            phones != seat_phones(app.config, app.settings)
            or lines != line_trunks(app.config)
            or set(config.numbers) != set(app.config.numbers)
        )
        await app.apply_config(config)
        if switch_changed and app.asterisk is not None:
            app.asterisk.plan_changes["seats"] = phones
            app.asterisk.plan_changes["dialled"] = tuple(config.numbers)
            app.asterisk.plan_changes["lines"] = lines
            await app.asterisk.reload()
        self._refused(len(self.problems))
        for problem in self.problems:
            log.error("configuration refused, the old one stays: %s", problem)
        for warning in config.warnings:
            log.warning("configuration: %s", warning)
        if not self.problems:
            log.info("configuration reloaded", extra={"changed": list(report.changed), "added": list(report.added)})
