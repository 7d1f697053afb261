"""Chinese and English captions of every code, from the one file ``i18n.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml

from ._schema import Text2


@cache
def captions() -> Mapping[str, Text2]:
    """All captions by key, e.g. ``call.state.waiting``."""
    raw = yaml.safe_load(files("console").joinpath("i18n.yaml").read_text("utf-8"))
    found = {}
    for key, texts in raw.items():
        if not (isinstance(texts, list) and len(texts) == 2):
            raise ValueError(f"i18n.yaml: {key}: write two texts in quotes, Chinese and English")
        found[str(key)] = Text2(zh=str(texts[0]), en=str(texts[1]))
    return MappingProxyType(found)


def caption(key: str) -> Text2 | None:
    """The caption of ``key``; None when the file has none."""
    return captions().get(key)
