"""`hotline draft`: a text in, JSON out; what is wrong is said in one sentence."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.errors import ServiceError

TALK = "来电人: 鹿城区学院路路灯坏了\n座席: 您贵姓\n来电人: 免贵姓王\n"
run = CliRunner()


def test_one_text() -> None:
    got = run.invoke(app, ["draft", "--number", "057788997766", "--date", "2026-09-30"], input=TALK)
    draft = json.loads(got.stdout)
    assert (draft["kind"], draft["region"], draft["due"]) == ("help", "330302", "2026-10-10")
    assert draft["caller"] == {"surname": "王", "phone": "057788997766"}


def test_many_texts() -> None:
    lines = json.dumps({"text": TALK, "number": "13800138000"}) + "\n\n" + json.dumps("公积金怎么提取") + "\n"
    got = run.invoke(app, ["draft", "--json-lines"], input=lines)
    first, second = (json.loads(line) for line in got.stdout.splitlines())
    assert first["caller"]["phone"] == "13800138000"
    assert (second["kind"], second["catalogue"]) == ("consult", "P422")


@pytest.mark.parametrize(("options", "given", "told"), [
    ([], b"", "the text is empty"),
    ([], b"ok\n\xff\xfe", "line 2 is not UTF-8"),
    (["--date", "tomorrow"], b"x", "is no date"),
    (["--number", "abc"], b"x", "no telephone number"),
    (["--centre", "999999"], b"x", "no centre"),
    (["--json-lines"], b"{", "line 1 is not JSON"),
    (["--json-lines"], b'{"talk": 1}', "line 1 has no `text`"),
    (["/nowhere/talk.txt"], b"", "cannot be read"),
])
def test_a_fault_is_told(options: list[str], given: bytes, told: str) -> None:
    got = run.invoke(app, ["draft", *options], input=given)
    assert isinstance(got.exception, ServiceError)
    assert told in str(got.exception)
