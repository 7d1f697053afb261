"""A wrong configuration names file, line, place and reason; a good one becomes the rooms' values."""

import pytest

from routing import SeatState
from service.config import load_config
from service.errors import ConfigError

GOOD = """\
centre: {code: "330000", name: 浙江省热线}
numbers:
  "12345": {flow: default}
times:
  ring: 12
  wrap_up: 30
default_skills: {putonghua: 2, en: 1}
seats:
  - {id: "8001", name: 甲, skills: {putonghua: 5}}
  - {id: "8002", name: 乙}
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "hotline.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(path, flows=None):
    with pytest.raises(ConfigError) as caught:
        load_config(path, flows)
    assert caught.value.fix, "how to mend it"
    return str(caught.value).splitlines()


def test_a_good_file_becomes_policy_seats_and_demand(write):
    config = load_config(write(GOOD), ["default", "other"])
    policy = config.policy()
    assert (policy.ring, policy.wrap_up, policy.reserve, policy.missed_limit) == (12, 30, 3, 2)
    assert config.demand().skills == (("en", 1), ("putonghua", 2))
    seats = config.routing_seats()
    assert [(s.id, s.name, s.centre, dict(s.skills), s.state) for s in seats] == [
        ("8001", "甲", "330000", {"putonghua": 5}, SeatState.OFFLINE), ("8002", "乙", "330000", {}, SeatState.OFFLINE),
    ]  # fmt: skip
    assert config.password("8001") == "demo-8001"


def test_the_password_does_not_show_when_the_configuration_is_printed(write):
    assert "hush" not in repr(load_config(write(GOOD + 'seat_password: "hush-{seat}"\n')))


@pytest.mark.parametrize(
    ("old", "new", "line", "where", "reason"),
    [
        ("ring: 12", "rnig: 12", 5, "times.rnig", "no such key; did you mean 'ring'?"),
        ("times:", "tims:", 4, "tims", "did you mean 'times'?"),
        ("{flow: default}", "{flwo: default}", 3, "numbers.12345.flwo", "did you mean 'flow'?"),
        ("name: 甲", "nmae: 甲", 9, "seats.0.nmae", "did you mean 'name'?"),
        ("name: 甲", "name: 甲, zzz: 1", 9, "seats.0.zzz", "no such key"),
        ("ring: 12", "ring: soon", 5, "times.ring", "number"),
        ("ring: 12", "ring: 1", 5, "times.ring", "greater than or equal to 3"),
        ("ring: 12", "ring: .nan", 5, "times.ring", "Input should be"),
        ("wrap_up: 30", "wrap_up: .nan", 6, "times.wrap_up", "Input should be"),
        ("wrap_up: 30", "wrap_up: .inf", 6, "times.wrap_up", "Input should be"),
        ('"330000"', '"33"', 1, "centre.code", "pattern"),
        ('"12345":', '"a":', 3, "numbers.a", "pattern"),
        ('"12345":', "12345:", 3, "numbers.12345", "string"),
        ('id: "8001"', "id: 8001", 9, "seats.0.id", "string"),
        ("putonghua: 5", "putonghua: 9", 9, "seats.0.skills.putonghua", "less than or equal to 5"),
        ('id: "8002"', 'id: "8001"', 8, "seats", "seat 8001 is there twice"),
        ('id: "8002"', 'id: "../x"', 10, "seats.1.id", "pattern"),
    ],
)
def test_a_fault_has_file_line_place_and_reason(write, old, new, line, where, reason):
    assert old in GOOD
    path = write(GOOD.replace(old, new))
    lines = refused(path)
    assert any(x.startswith(f"{path}:{line}: {where}: ") and reason in x for x in lines), lines


def test_all_faults_are_told_at_once(write):
    lines = refused(write(GOOD.replace("ring: 12", "rnig: 12").replace("name: 乙", "nam: 乙")))
    assert len(lines) == 3, "two unknown keys and a missing name"


def test_a_missing_part_is_named(write):
    lines = refused(write("centre: {code: '330000', name: x}\n"))
    assert [x.split(": ")[1] for x in lines] == ["numbers", "seats"]


def test_a_number_that_leads_to_no_flow_names_the_nearest(write):
    path = write(GOOD.replace("flow: default", "flow: defualt"))
    assert refused(path, ["default", "x"]) == [
        f"{path}:3: numbers.12345.flow: no flow 'defualt'; did you mean 'default'?"
    ]
    assert refused(path, ["abc", "xyz"]) == [f"{path}:3: numbers.12345.flow: no flow 'defualt'; known: abc, xyz"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: [1,\nb: {", 2, "not YAML"),
        ("a: 1\n\tb: 2", 2, "not YAML"),
        ("a: \x00", 1, "not YAML"),
        ("", 1, "mapping"),
        ("- a\n- b\n", 1, "mapping"),
        ("just words", 1, "mapping"),
        ("a: 1\nb: 2024-13-45\n", 2, "not YAML"),
        ("? [a]\n: 1\n", 1, "not YAML"),
        ("a: !!python/object:os.system x\n", 1, "not YAML"),
        (GOOD.replace("times:\n", "times:\n  ring: 3\n"), 6, "twice"),
        (GOOD + "centre: {code: '330100', name: x}\n", 11, "twice"),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_line(write, text, line, reason):
    path = write(text)
    (message,) = refused(path)
    assert message.startswith(f"{path}:{line}: ")
    assert reason in message


def test_gbk_bytes_are_named_as_such(write):
    path = write(GOOD.encode("gbk"))
    assert refused(path) == [f"{path}:1: is not UTF-8 text"]


def test_deep_nesting_is_no_crash(write):
    assert "not YAML" in refused(write("a: " + "[" * 5000))[0]


def test_a_missing_file_is_named(tmp_path):
    assert "No such file" in refused(tmp_path / "hotline.yaml")[0]
    assert "directory" in refused(tmp_path)[0]


def test_the_shipped_configuration_is_good():
    from service.settings import ROOT

    assert len(load_config(ROOT / "config/hotline.yaml", ["default", "probe"]).seats) == 8
