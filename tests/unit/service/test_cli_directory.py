"""`hotline directory …`: lists, checks, shows, and says who takes a matter; no instance needed."""

import shutil

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.errors import ConfigError, ServiceError
from service.settings import ROOT


@pytest.fixture
def hotline(tmp_path, monkeypatch):
    """The command on a copy of the shipped configuration in which 110 and water have a trunk, water by day."""
    directory = tmp_path / "config"
    directory.mkdir()
    for name in ("hotline", "routing", "centres", "workdays", "catalogue", "directory"):
        shutil.copy(ROOT / f"config/{name}.yaml", directory)
    text = (directory / "directory.yaml").read_text()
    text = text.replace("trunks: {}", 'trunks: {police: "10.0.0.7:5060", water: "10.0.0.8:5060"}')
    text = text.replace('numbers: "110"\n', 'numbers: "110"\n    trunks: police\n    fallback: water\n', 1)
    text = text.replace("water: {name", 'water: {numbers: "057196390", trunks: water, hours: closed, name')
    (directory / "directory.yaml").write_text(text)
    monkeypatch.setenv("HOTLINE_CONFIG_DIR", str(directory))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*line):
        return CliRunner().invoke(app, ["directory", *line])

    run.file = directory / "directory.yaml"
    return run


def row(text, first):
    return next(line for line in text.splitlines() if line.startswith(f"│ {first} "))


def test_the_list_says_of_every_entry_whether_and_why_not(hotline):
    text = hotline("list").output
    assert "可接通 ready" in row(text, "110") and "键 key 9" in row(text, "110") and "water" in row(text, "110")
    assert "停用, 无线路 no-trunk" in row(text, "12348") and "12348 公共法律服务" in row(text, "12348")
    assert "不在服务时间 closed" in row(text, "water") and "057196390" in row(text, "water")
    assert "can be reached now: 1" in text
    text = hotline("list", "--kind", "utility", "--search", "停水").output
    assert "供水服务" in text and "110 公安" not in text
    refused = hotline("list", "--kind", "utilities").exception
    assert isinstance(refused, ServiceError) and "did you mean 'utility'" in str(refused)


def test_an_entry_is_shown_whole(hotline):
    text = hotline("show", "110").output
    assert "1. 110 公安报警  110  line-police  10 s" in text
    assert "供水服务" in text.split("改拨 fallback")[1].splitlines()[0]
    assert "→ 12315 市场监管" in text and "→ 本热线 this hotline" in text
    assert "12348 公共法律服务" in hotline("show", "12348").output
    assert "under trunks:" in hotline("show", "12348").output
    assert "供水服务" in hotline("show", "057196390").output, "by a number too"
    refused = hotline("show", "12384").exception
    assert isinstance(refused, ServiceError) and "no entry '12384'; did you mean" in str(refused)


def test_who_takes_a_matter(hotline):
    text = hotline("for", "家里", "停水了").output
    assert text.index("water  供水服务") < text.index("本热线 this hotline")
    assert "供水服务受理停水与自来水 (“停水”)" in text and "closed" in text
    assert "12313  12313 烟草" in hotline("for", "M218").output
    assert "由本热线登记" in hotline("for", "天气").output


def test_the_present_file_and_another_one_are_checked(hotline, tmp_path):
    text = hotline("check").output
    assert "✓" in text and "90 条 entries, 2 条有线路" in text and "2 条中继" in text
    draft = tmp_path / "draft.yaml"
    draft.write_text(hotline.file.read_text().replace("fallback: water", "fallback: watre"))
    refused = hotline("check", str(draft)).exception
    assert isinstance(refused, ConfigError)
    assert "draft.yaml:" in str(refused) and "no entry 'watre'; did you mean 'water'?" in str(refused)
    assert hotline("check").exit_code == 0


def with_flows(hotline):
    config = hotline.file.parent
    shutil.copytree(ROOT / "config/flows", config / "flows")
    (config / "prompts").mkdir()
    shutil.copy(ROOT / "config/prompts/prompts.yaml", config / "prompts")
    return config / "flows" / "self-service.yaml"


def test_what_callers_can_ask_for_and_nobody_can_ring_is_told(hotline):
    with_flows(hotline)
    result = hotline("check")
    assert result.exit_code == 0
    assert "asks for 119, which has no trunk" in result.stderr
    assert "asks for 110" not in result.stderr, "110 has one here"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("emergency: 119", "emergency: 191", "no entry '191' in directory.yaml; did you mean '119'?"),
        ("emergency: 119", "emergency: 12348", "'12348' is no emergency line"),
        ("9: police", "9: fire", "key 9 rings 119 here and 110 while waiting"),
    ],
)
def test_a_flow_that_wants_what_the_directory_has_not_is_refused_by_both_checks(hotline, old, new, reason):
    flow = with_flows(hotline)
    assert old in flow.read_text()
    flow.write_text(flow.read_text().replace(old, new, 1))
    refused = hotline("check").exception
    assert isinstance(refused, ServiceError) and "flow 'self-service', node '" in str(refused)
    assert reason in str(refused)
    for name in ("regions.yaml", "asterisk"):
        (hotline.file.parent / name).symlink_to(ROOT / "config" / name)
    whole = CliRunner().invoke(app, ["check"])
    assert whole.exit_code == 1 and reason in whole.stderr
