"""Every code and every sentence of the page has a Chinese and an English caption."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from console import Role, Settings
from console._captions import captions
from console._problems import STATUS
from console._schema import CallState, Leg, SeatState

STATIC = Path(__file__).parents[3] / "console" / "static"


def keys_of_the_page() -> set[str]:
    found: set[str] = set()
    for file in STATIC.glob("*.js"):
        found |= set(re.findall(r'"(ui\.[\w.]+)"', file.read_text("utf-8")))
    return found


def test_no_sentence_of_the_page_lacks_its_captions() -> None:
    used = keys_of_the_page()
    assert len(used) > 60
    assert used - set(captions()) == set()


def test_no_caption_of_the_page_is_left_over() -> None:
    spoken = keys_of_the_page()
    # Put together from parts in the page's code.
    columns = ("state", "outcome", "caller", "region", "dialled", "seat", "arrived", "elapsed")
    made = {f"ui.col.{name}" for name in columns}
    made |= {f"ui.detail.{what}.{when}" for what in ("transcript", "recording", "draft") for when in ("later", "none")}
    made |= {"ui.pop.ringing", "ui.pop.offered"}
    assert {key for key in captions() if key.startswith("ui.")} - spoken - made == set()
    assert made <= set(captions())


@pytest.mark.parametrize(
    "keys",
    [
        [f"call.state.{state}" for state in get_args(CallState)],
        [f"seat.state.{state}" for state in get_args(SeatState)],
        [f"leg.kind.{kind}" for kind in get_args(Leg.model_fields["kind"].annotation)],
        [f"role.{role}" for role in Role],
        [f"break.{reason}" for reason in Settings().break_reasons],
        [f"problem.{code}" for code in STATUS],
        [f"problem.{code}.mend" for code in STATUS],
    ],
    ids=lambda keys: keys[0].rsplit(".", 1)[0],
)
def test_every_code_has_both_captions(keys: list[str]) -> None:
    for key in keys:
        assert captions()[key].zh and captions()[key].en, key


def test_chinese_is_chinese_and_english_is_english() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    for key, text in captions().items():
        assert not han.search(text.en) or key == "ui.language", key
