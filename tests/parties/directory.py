"""The hotline directory of the tests: entries behind the run's trunks, and one of every reason why there is no line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

EXPERT_NUMBER = "057128880001"
"""May be dialled without an entry (over the trunk `expert`); any other number may not."""


def entries(url: str = "") -> dict[str, Any]:
    """Entries by id; `url` is where the linked hotline's handovers are fetched."""
    linked: dict[str, Any] = {
        "name": "上海12345", "kind": "hotline", "numbers": "02112345", "trunks": "linked", "protocol": "uui",
    }  # fmt: skip
    if url:
        linked["url"] = url
    return {
        "110": {
            "name": {"zh": "110 公安报警", "en": "110 police"}, "kind": "emergency", "numbers": "110",
            "trunks": ["police", "police-2"], "fallback": "119", "ring": 3,
        },
        "119": {"name": "119 消防救援", "kind": "emergency", "numbers": "119", "trunks": "fire"},
        "120": {"name": "120 医疗急救", "kind": "emergency", "numbers": "120", "trunks": "medical"},
        "expert": {"name": "专家外线", "kind": "unit", "numbers": "057188880001", "trunks": "expert", "ring": 4},
        "last-word": {
            "name": "接后不回", "kind": "social", "numbers": "057188880002", "trunks": "expert", "after": "end",
        },
        "shanghai-12345": linked,
        "12348": {"name": "12348 法律援助", "kind": "social", "numbers": "12348"},
        "closed": {
            "name": "不在服务时间", "kind": "unit", "numbers": "057188880009", "trunks": "expert", "hours": "closed",
        },
    }  # fmt: skip


def directory(plan: Any, **changes: Any) -> dict[str, Any]:
    """The file's content.

    Args:
        plan: the switch's plan, whose trunks it uses.
        changes: id → entry (None: left out); an underscore stands for "-".
    """
    known = entries()
    for id_, entry in changes.items():
        known[id_.replace("_", "-")] = entry
    used = {t for e in known.values() if e for t in _listed(e.get("trunks", []))} | {"expert"}
    return {
        "trunks": {
            line.name: {"contact": line.contact, "match": list(line.match)} for line in plan.lines if line.name in used
        },
        "emergency_digits": {"9": "110"} if known.get("110") else {},
        "dialable": [{"pattern": "05712888XXXX", "trunks": ["expert"], "name": "本地固话"}],
        "entries": {id_: entry for id_, entry in known.items() if entry is not None},
    }


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def write(config: Path, content: Mapping[str, Any]) -> Path:
    """Puts it into a configuration of tests.conftest.Bench, in place of the shipped one."""
    path = config / "directory.yaml"
    if path.is_symlink():
        path.unlink()
    path.write_text(yaml.safe_dump(dict(content), allow_unicode=True), encoding="utf-8")
    return config
