"""Every file that an operator edits, spoilt: it loads, or says "file:line: what is wrong". Never another exception,
never for ever, never out of memory."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import ivr
import simulation
from service.cli_simulate import load_model
from service.config import load_config
from service.errors import ConfigError
from service.settings import load_settings
from tests.fuzz.hostile import LONG, changed, fuzz, rng, torn
from tickets._catalogue_file import read_catalogue
from tickets._errors import FileError
from tickets._gazetteer_file import read_regions

CONFIG = Path(__file__).parents[2] / "config"
LINE = re.compile(r"^[^\n]*:\d+: ", re.M)


@functools.cache
def shipped(name: str) -> str:
    """The shipped file; long lists shortened, so that each try is quick."""
    text = (CONFIG / name).read_text("utf-8")
    if name in ("catalogue.yaml", "regions.yaml", "directory.yaml") and not LONG:
        data = yaml.safe_load(text)
        for key in ("entries", "cities"):
            if isinstance(data.get(key), list):
                data[key] = data[key][:5]
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    return text


@functools.cache
def prompts() -> ivr.PromptLibrary:
    return ivr.load_prompts(CONFIG / "prompts/prompts.yaml")


def _config(path: Path) -> None:
    for name in ("hotline.yaml", "routing.yaml", "centres.yaml", "workdays.yaml", "directory.yaml"):
        needed = name == "hotline.yaml" or name in NEEDS.get(path.name, ())
        if needed and not (path.parent / name).exists():
            (path.parent / name).write_text(shipped(name), "utf-8")
    config = load_config(path.parent / "hotline.yaml")
    config.book(), config.policy(), config.directory(), config.routing_seats()


def _settings(path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTLINE_SETTINGS", str(path))
        load_settings()


NEEDS = {"routing.yaml": ("centres.yaml",), "directory.yaml": ("routing.yaml", "centres.yaml")}
LOADERS: dict[str, Callable[[Path], Any]] = {
    "hotline.yaml": _config,
    "routing.yaml": _config,
    "centres.yaml": _config,
    "workdays.yaml": _config,
    "directory.yaml": _config,
    "settings.yaml": _settings,
    "catalogue.yaml": read_catalogue,
    "regions.yaml": read_regions,
    "simulation/county.yaml": load_model,
    "simulation/hangzhou-day.yaml": load_model,
    "flows/default.yaml": lambda path: ivr.load_flow(path, prompts()),
    "flows/self-service.yaml": lambda path: ivr.load_flow(path, prompts()),
    "prompts/prompts.yaml": ivr.load_prompts,
}
SETTINGS = """\
http_port: 8345
peers: {hangzhou: "10.0.0.6:5060"}
out_trunk: "10.0.0.9:5060"
record: true
log_level: info
cluster_url: http://10.0.0.1:8345
"""


def text_of(name: str) -> str:
    return SETTINGS if name == "settings.yaml" else shipped(name)


def check(folder: Path, name: str, raw: bytes) -> None:
    """It loads, or the message has file and line."""
    path = folder / Path(name).name
    path.write_bytes(raw)
    try:
        LOADERS[name](path)
    except (ConfigError, FileError, ivr.FlowError) as error:
        told = str(error)
        assert told.strip() and len(told) < 2_000_000
        assert LINE.search(told) or "setting '" in told or "settings:" in told, told[:300]
    finally:
        path.unlink()


@pytest.mark.parametrize("name", LOADERS)
@given(data=st.data())
@fuzz(5)
def test_a_file_with_changed_values(name: str, tmp_path: Path, data: st.DataObject) -> None:
    whole = yaml.safe_load(text_of(name))
    spoilt = data.draw(changed(whole))
    check(tmp_path, name, yaml.safe_dump(spoilt, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", LOADERS)
def test_a_file_with_torn_bytes(name: str, tmp_path: Path) -> None:
    dice, raw = rng(31), text_of(name).encode()
    for _ in range(300 if LONG else 3):
        check(tmp_path, name, torn(raw, dice))


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
ODD = {
    "nothing": "", "blank": "\n\n", "comment": "# x", "null": "null", "a list": "- 1", "a word": "x", "a number": "7",
    "two documents": "a: 1\n---\nb: 2\n", "a tag": "!!python/object/apply:os.system ['id']", "own tag": "a: !x 1",
    "a key that is a list": "? [a, b]\n: 1\n", "a key that is a mapping": "? {a: 1}\n: 1\n", "a date": "a: 2026-13-45",
    "a time": "2026-11-25: x", "binary": "a: !!binary x", "a set": "!!set {a, b}", "an omap": "!!omap [a: 1]",
    "endless": "a: &a {b: *a}", "endless list": "&a [*a]", "its own key": "&a ? *a\n: 1", "merge": "<<: 7",
    "merge of itself": "a: &a\n  <<: *a", "no anchor": "a: *b", "nul": "a: \0",
    "a tab": "a:\n\t- 1", "bom": "\ufeffa: 1",
    "a long number": "a: " + "9" * 5000, "hex": "a: 0x" + "f" * 5000, "sexagesimal": "a: 1:" + "59:" * 2000 + "1",
    "deep": "[" * 1100, "deep mapping": "{a: " * 1100, "indented": "".join(f"{' ' * i}a:\n" for i in range(600)),
    "a bomb": BOMB, "a true key": "true: 1\n1: 2\nnull: 3\n", "a float key": ".nan: 1\n",
    "merged bomb": BOMB + "<<: *i\n",
    "percent": "%YAML 9.9\n---\na: 1", "latin": "a: \x85\u2028b", "quotes": 'a: "\\ud800"', "quoted nul": 'a: "\\0"',
}  # fmt: skip


READERS = ("hotline.yaml", "settings.yaml", "catalogue.yaml", "flows/default.yaml", "prompts/prompts.yaml")
"""One file of each reader."""


@pytest.mark.parametrize("name", LOADERS if LONG else READERS)
def test_a_file_with_odd_yaml(name: str, tmp_path: Path) -> None:
    for text in ODD.values():
        check(tmp_path, name, text.encode("utf-8", "surrogatepass"))


PLACES = {
    "hotline.yaml": ("seats: {}\n", "numbers"), "routing.yaml": ("hours: {}\n", "hours"),
    "centres.yaml": ("centres: {}\n", "centres"), "directory.yaml": ("entries: {}\n", "entries"),
    "catalogue.yaml": ("entries: {}\n", "entries"), "regions.yaml": ("cities: {}\n", "cities"),
    "flows/default.yaml": ("nodes: {}\n", "nodes"), "prompts/prompts.yaml": ("prompts: {}\n", "prompts"),
    "simulation/county.yaml": ("classes: {}\n", "seats"), "workdays.yaml": ("years: {}\n", "years"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_a_bomb_of_aliases_in_a_place_that_is_read(name: str, tmp_path: Path) -> None:
    """A kilobyte that stands for a thousand million values."""
    key = PLACES[name][1]
    check(tmp_path, name, (BOMB + f"{key}: *i\n").encode())
    check(tmp_path, name, f"{key}: &x {{a: *x, b: [*x]}}\n".encode())


@given(data=st.data())
@fuzz(40)
def test_a_model_of_any_values(data: st.DataObject) -> None:
    whole = yaml.safe_load(shipped("simulation/county.yaml"))
    try:
        simulation.parse_model(data.draw(changed(whole)))
    except simulation.ModelError as error:
        assert error.faults
