"""The demo's own hotline directory (联动热线名录), laid over the configuration for one run of `hotline demo`.

It has one trunk, which leads to a phone of the demo on loopback. Whatever trunks the site's own directory has are left
out: nothing that is said or pressed in a demo may ring a real emergency line.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .config import CONFIG_FILES
from .errors import ServiceError
from .settings import Settings
from .yaml_file import load_yaml

FILE = "directory.yaml"
LINE = "119"
"""The entry that leads somewhere: number and id, as the listener for spoken emergencies names it."""
LINE_NAME = {"zh": "119 消防救援", "en": "119 fire and rescue"}
TRUNK = "demo"
ADDRESS = "127.0.0.119"
"""Where the demo's phone behind the trunk is; its port is a free one."""


def demo_directory(site: Mapping[str, Any], contact: str) -> dict[str, Any]:
    """The content of directory.yaml for a demo.

    Args:
        site: the site's own, as read; of it names, matters and hours stay, so that pages look as they will.
        contact: host:port of the phone behind the trunk.

    Returns:
        A directory in which 119 alone leads anywhere, and one digit (the site's, if it has one; Art. 11) rings it.
    """
    entries = {
        str(id_): {k: v for k, v in entry.items() if k not in ("trunks", "fallback")}
        for id_, entry in (site.get("entries") or {}).items()
        if isinstance(entry, dict) and (str(id_) == LINE or LINE not in _listed(entry.get("numbers")))
    }
    kept = {k: v for k, v in entries.get(LINE, {}).items() if k in ("name", "matters", "region")}
    entries[LINE] = {"name": LINE_NAME, **kept, "kind": "emergency", "numbers": LINE, "trunks": [TRUNK]}
    digit = next(iter(site.get("emergency_digits") or {}), None)
    return {
        "trunks": {TRUNK: {"contact": contact}},
        "emergency_digits": {digit: LINE} if digit is not None else {},
        "dialable": [],
        "entries": entries,
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def demo_settings(settings: Settings, contact: str) -> Settings:
    """The same settings over a configuration of links to the site's files, with the demo's directory among them.

    A file that is saved while the demo runs is taken up as ever; only the directory is the demo's. There is no trunk
    for calling callers back either: those of the demo have numbers that may be somebody's.

    Args:
        settings: of the instance; below its var_dir the links are made anew.
        contact: host:port of the phone behind the trunk.

    Raises:
        ConfigError: the site's directory.yaml is no YAML.
        ServiceError: the place for the links cannot be written.
    """
    own, place = settings.config_dir.resolve(), settings.var_dir.resolve() / "demo" / "config"
    site = load_yaml(own / FILE).data if (own / FILE).exists() else None
    text = yaml.safe_dump(
        demo_directory(site if isinstance(site, dict) else {}, contact), allow_unicode=True, sort_keys=False
    )
    try:
        if place.exists():
            shutil.rmtree(place)
        place.mkdir(parents=True)
        for entry in own.iterdir():
            if entry.name != FILE:
                (place / entry.name).symlink_to(entry)
        _missing(own, place)
        (place / FILE).write_text(f"# 演示用, 每次启动重写 / of the demo, written anew at each start\n{text}", "utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ServiceError(f"{place}: cannot be written ({reason})", "free it, or choose another --var-dir") from None
    return settings.model_copy(update={"config_dir": place, "out_trunk": "", "out_endpoint": ""})


def _missing(own: Path, place: Path) -> None:
    """Files that may yet be made: their links lead there then."""
    for name in CONFIG_FILES:
        if name != FILE and not (own / name).exists():
            (place / name).symlink_to(own / name)


__all__ = ["ADDRESS", "LINE", "TRUNK", "demo_directory", "demo_settings"]
