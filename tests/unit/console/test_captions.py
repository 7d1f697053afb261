"""Every code and every sentence of the page has a Chinese and an English caption."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import routing
from console import Role
from console._captions import captions
from console._fake_floor import BREAKS
from console._problems import STATUS
from console._schema import CallState, How, Leg, PartyState
from console._schema_floor import SeatState, Waiting
from console._schema_parties import SuperviseOrder
from console._schema_restrictions import Reason, Variant

WHYS = (
    "busy", "no_answer", "refused", "unreachable", "wrong_number", "withdrawn", "nobody", "caller_left", "seat_left",
)  # fmt: skip
STATIC = Path(__file__).parents[3] / "console" / "static"


def keys_of_the_page() -> set[str]:
    found: set[str] = set()
    for file in STATIC.glob("*.js"):
        found |= set(re.findall(r'"(ui\.[\w.]+)"', file.read_text("utf-8")))
    return found


def made_of_parts(name: str, parts: str) -> set[str]:
    return {f"ui.{name}.{part}" for part in parts.split()}


def test_no_sentence_of_the_page_lacks_its_captions() -> None:
    used = keys_of_the_page()
    assert len(used) > 60
    assert used - set(captions()) == set()


def test_no_caption_of_the_page_is_left_over() -> None:
    spoken = keys_of_the_page()
    # Put together from parts in the page's code.
    made = made_of_parts("col", "state outcome caller region dialled seat arrived elapsed")
    made |= made_of_parts("col", "callee reason attempts next ended")
    made |= {f"ui.detail.{what}.{when}" for what in ("transcript", "recording", "draft") for when in ("later", "none")}
    made |= {"ui.pop.ringing", "ui.pop.offered"}
    made |= made_of_parts("callbacks", "open closed open.none closed.none add.visit add.missed")
    made |= made_of_parts("reset", "ringing talking wrap_up break offline available")
    for column in ("centre", "signed", "free", "talking", "waiting", "in", "out"):
        made |= {f"ui.centres.{column}", f"ui.centres.{column}.long"}
    assert {key for key in captions() if key.startswith("ui.")} - spoken - made == set()
    assert made <= set(captions())


@pytest.mark.parametrize(
    "keys",
    [
        [f"call.state.{state}" for state in get_args(CallState)],
        [f"seat.state.{state}" for state in get_args(SeatState)],
        [f"leg.kind.{kind}" for kind in get_args(Leg.model_fields["kind"].annotation)],
        [f"role.{role}" for role in Role],
        [f"break.{reason}" for reason, _ in BREAKS],
        [f"party.state.{state}" for state in get_args(PartyState)],
        [f"party.how.{how}" for how in get_args(How)],
        [f"party.why.{why}" for why in WHYS],
        [f"directory.reason.{reason}" for reason in ("no-trunk", "closed")],
        [f"supervise.{mode}" for mode in get_args(SuperviseOrder.model_fields["mode"].annotation)],
        [f"waiting.kind.{kind}" for kind in get_args(Waiting.model_fields["kind"].annotation)],
        [f"mode.{mode}" for mode in ("normal", "surge", "degraded", "disaster")],
        [f"mode.about.{mode}" for mode in ("normal", "surge", "degraded", "disaster")],
        [f"restriction.reason.{reason}" for reason in get_args(Reason)],
        [f"restriction.variant.{variant}" for variant in get_args(Variant)],
        [f"restriction.state.{state}" for state in ("proposed", "active", *routing.RESTRICTION_ENDS)],
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
