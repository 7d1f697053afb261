"""config/directory.yaml: what it becomes, every fault with file, line, reason and cure, and what never comes out."""

import datetime as dt

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import routing
from routing import DirectoryError
from service.config import load_config
from service.errors import ConfigError
from service.pbx import line_trunks
from service.settings import ROOT

HOTLINE = """\
centre: {code: "330000", name: 浙江省热线}
numbers: {"12345": {flow: default}, "12315": {flow: default}}
seats:
  - {id: "8001", name: 甲}
  - {id: line-mine, name: 乙}
"""
ROUTING = """\
hours: {office: {days: {daily: "08:30-17:30"}}}
waiting: {callback_key: "1"}
modes: {surge: {waiting: {callback_key: "2"}}}
"""
CATALOGUE = """\
entries:
  - {code: S311, zh: 治安}
  - {code: M203, zh: 退款}
"""
DIRECTORY = """\
trunks:
  police: {contact: "10.0.0.7:5060", match: "10.0.0.7"}
  carrier: {contact: "sbc.example.cn:5070", match: ["10.0.1.0/24", "sbc.example.cn"], origin: sh, qualify: 30}
  spare: "10.0.0.8:5060"
emergency_digits: {"9": "110"}
dialable:
  - {pattern: "0571[28]XXXXXXX", trunks: carrier, name: 杭州固话}
entries:
  "110":
    name: {zh: 110 报警, en: 110 police}
    kind: emergency
    numbers: "110"
    trunks: [police, carrier]
    fallback: desk
    matters:
      takes: [{zh: 治安, words: [抢劫, 打+架], codes: [S311]}, 斗殴]
      not: [{zh: 退款, codes: M203, to: "12345"}, {zh: 上海, words: 上海, to: sh}]
  sh:
    name: 上海 12345
    kind: hotline
    numbers: ["02112345", "02122222222"]
    trunks: carrier
    protocol: uui
    url: https://sh.example.cn/hotline/
    region: "310000"
  desk:
    name: 值班
    kind: unit
    numbers: "057187000000"
    trunks: spare
    hours: office
    ring: 25
    after: end
    caller_id: caller
  bare:
    name: 供水
    kind: utility
    hours: "08:00-12:00, 13:00-17:00"
"""
FILES = {"hotline.yaml": HOTLINE, "routing.yaml": ROUTING, "catalogue.yaml": CATALOGUE, "directory.yaml": DIRECTORY}


@pytest.fixture
def write(tmp_path):
    """Writes the files with changes of directory.yaml: (old, new) …"""

    def write(*changes, **others):
        texts = FILES | others
        for old, new in changes:
            assert old in texts["directory.yaml"], old
            texts = texts | {"directory.yaml": texts["directory.yaml"].replace(old, new, 1)}
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        return tmp_path / "hotline.yaml"

    return write


def at(text):
    return dt.datetime.fromisoformat(text + "+08:00").timestamp()


NOON, NIGHT = at("2026-11-25 12:00"), at("2026-11-25 23:00")


# ---------------------------------------------------------------------- what it becomes
def test_the_file_becomes_a_directory(write):
    config = load_config(write())
    directory = config.directory()
    assert config.warnings == ()
    assert config.directory() is directory, "made once"
    line = directory.line("110", NOON)
    assert [(t.trunk, t.number, t.seconds, t.entry, t.caller_id, t.protocol) for t in line.tries] == [
        ("line-police", "110", 10, "110", "caller", "none"),
        ("line-carrier", "110", 10, "110", "caller", "none"),
        ("line-spare", "057187000000", 25, "desk", "caller", "none"),
    ]
    assert [t.entry for t in directory.line("110", NIGHT).tries] == ["110", "110"], "the fallback is closed"
    sh = directory.get("sh")
    assert (sh.zh, sh.en, sh.protocol, sh.url, sh.region) == (
        "上海 12345", "", "uui", "https://sh.example.cn/hotline", "310000",
    )  # fmt: skip
    assert {t.caller_id for t in directory.line("sh", NOON).tries} == {"hotline"}
    assert directory.line("desk", NOON).after == "end"
    assert [directory.state(e, NIGHT) for e in directory.entries] == ["ready", "ready", "closed", "no-trunk"]
    bare = directory.get("bare")
    assert (directory.is_open(bare, at("2026-11-25 13:00")), directory.is_open(bare, NOON)) == (True, False)
    assert (directory.get("desk").hours_text, bare.hours_text) == ("office", "08:00-12:00, 13:00-17:00")
    assert directory.emergency_digits == {"9": "110"}
    assert directory.number_line("057187000001", NOON).tries[0].trunk == "line-carrier"
    assert directory.by_trunk("line-police").id == "110"
    assert directory.by_trunk("line-carrier").id == "sh", "as its origin says"
    assert [(a.entry.id if a.entry else "12345") for a in directory.for_matter("M203")] == ["12345"]
    assert directory.for_matter("街上斗殴")[0].entry.id == "110", "a text alone is title and word"
    assert [(t.endpoint, t.contact, t.match, t.qualify) for t in line_trunks(config)] == [
        ("line-police", "10.0.0.7:5060", ("10.0.0.7",), 0),
        ("line-carrier", "sbc.example.cn:5070", ("10.0.1.0/24", "sbc.example.cn"), 30),
        ("line-spare", "10.0.0.8:5060", (), 0),
    ]


def test_without_the_file_or_with_an_empty_one_nothing_leads_anywhere(write, tmp_path):
    for text in ("", "# nothing\n", "entries: {}\n", None):
        path = write(**({"directory.yaml": text} if text is not None else {}))
        if text is None:
            (tmp_path / "directory.yaml").unlink()
        directory = load_config(path).directory()
        assert directory == routing.Directory(calendar=directory.calendar)


def test_another_file_can_be_looked_at_before_it_is_put_there(write, tmp_path):
    path = write()
    draft = tmp_path / "draft.yaml"
    draft.write_text(DIRECTORY.replace("上海 12345", "上海市 12345"))
    assert load_config(path, directory=draft).directory().get("sh").zh == "上海市 12345"
    draft.write_text("entires: {}")
    with pytest.raises(ConfigError, match=r"draft\.yaml:1: entires: no such key; did you mean 'entries'"):
        load_config(path, directory=draft)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(path, directory=tmp_path / "nobody.yaml")


def test_the_shipped_directory_is_good_and_leads_to_no_real_line():
    config = load_config(ROOT / "config/hotline.yaml")
    directory = config.directory()
    assert config.warnings == ()
    assert directory.trunks == {} and directory.dialable == () and line_trunks(config) == []
    assert {directory.state(e, t) for e in directory.entries for t in (NOON, NIGHT)} == {"no-trunk"}
    for entry in directory.entries:
        with pytest.raises(DirectoryError) as caught:
            directory.line(entry.id, NOON)
        assert caught.value.code == "entry-disabled"
    assert {"110", "119", "120", "122"} <= {e.id for e in directory.entries if e.emergency}
    assert directory.emergency_digits == {"9": "110"}
    cities = {e.region for e in directory.entries if e.kind == "centre" and e.region.endswith("00")} - {"330000"}
    assert cities == {f"33{n:02d}00" for n in range(1, 12)}, "the eleven cities"
    assert {"12360", "12367", "12313", "12366"} <= {e.id for e in directory.entries if e.kind == "centre"}
    assert {e.region[:2] for e in directory.entries if e.kind == "hotline"} == {"31", "32", "34"}
    assert {e.kind for e in directory.entries} == set(routing.ENTRY_KINDS)


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ("有人持刀抢劫", ["110"]), ("厨房起火了", ["119"]), ("老人晕倒了", ["120"]), ("高速上追尾了", ["122"]),
        ("家里有煤气味", ["119"]), ("广场舞太吵", ["12345"]), ("店家不肯退款", ["12315"]),
        ("停水了", ["water", "12345"]), ("停电三小时了", ["95598", "12345"]), ("老板拖欠工资", ["12333"]),
        ("医保怎么报销", ["12393"]), ("公积金提取", ["12329"]), ("路灯不亮", ["12345"]), ("M218", ["12313"]),
        ("E117", ["12366"]), ("孩子要跳楼", ["110"]), ("今天天气怎么样", []), ("there is a fire", ["119"]),
    ],
)  # fmt: skip
def test_the_shipped_tables_send_matters_to_who_takes_them(said, who, shipped):
    assert [a.entry.id if a.entry else "12345" for a in shipped.for_matter(said)] == who


@pytest.fixture(scope="module")
def shipped():
    return load_config(ROOT / "config/hotline.yaml").directory()


# ---------------------------------------------------------------------- faults
FAULTS = [
    ("trunks:\n", "trunk:\n", 1, "trunk", "no such key; did you mean 'trunks'?"),
    ("kind: unit", "kidn: unit", 28, "entries.desk.kidn", "no such key; did you mean 'kind'?"),
    ("kind: unit", "kind: units", 28, "entries.desk.kind", "'unit'"),
    ("to: sh}", "too: sh}", 17, "entries.110.matters.not.1.too", "no such key; did you mean 'to'?"),
    ("[police, carrier]", "[polcie, carrier]", 13, "entries.110.trunks.0", "no trunk 'polcie'; did you mean 'police'?"),
    ("[police, carrier]", "[police, police]", 13, "entries.110.trunks.1", "'police' is there twice"),
    ("trunks: carrier, name", "trunks: carier, name", 7, "dialable.0.trunks.0", "did you mean 'carrier'?"),
    ("trunks: carrier, name", "trunks: [], name", 7, "dialable.0.trunks", "at least 1"),
    ("fallback: desk", "fallback: dsek", 14, "entries.110.fallback", "no entry 'dsek'; did you mean 'desk'?"),
    ("fallback: desk", 'fallback: "110"', 14, "entries.110.fallback", "circle: 110 → 110"),
    ("after: end", 'fallback: "110"', 33, "entries.110.fallback", None),
    ("hours: office", "hours: offcie", 31, "entries.desk.hours", "no hours 'offcie' in routing.yaml; did you mean"),
    ("hours: office", "hours: 25:00-26:00", 31, "entries.desk.hours", "no time of the day"),
    ("kind: emergency", "kind: emergency\n    hours: office", 12, "entries.110.hours", "always open (Art. 11)"),
    ('numbers: "110"', 'numbers: "1-10"', 12, "entries.110.numbers.0", "digits alone"),
    ('numbers: "110"', 'numbers: "1-10"', 12, "entries.110.numbers.0", "write 110"),
    ('numbers: "110"', 'numbers: "１１０"', 12, "entries.110.numbers.0", "write 110"),
    ('numbers: "110"', "numbers: [110]", 12, "entries.110.numbers.0", "in quotes"),
    ('numbers: "110"', "numbers: []", 12, "entries.110.numbers", "has trunks and no number"),
    ('"02122222222"', '"110"', 21, "entries.sh.numbers.1", "this number is 110's already"),
    ("desk:\n    name", '"12345":\n    name', 26, "entries.12345", "stands for this hotline itself"),
    ("desk:\n    name", "number:\n    name", 26, "entries.number", "choose another id"),
    ("desk:\n    name", "Desk:\n    name", 26, "entries.Desk", "small letters"),
    ("desk:\n    name", "119:\n    name", 26, "entries.119", "in quotes"),
    ("bare:\n    name", "desk:\n    name", 35, "'desk' is there twice", None),
    ('{"9": "110"}', '{"9": "111"}', 5, "emergency_digits.9", "no entry '111'; did you mean '110'?"),
    ('{"9": "110"}', '{"9": sh}', 5, "emergency_digits.9", "'sh' is no emergency line"),
    ('{"9": "110"}', '{"99": "110"}', 5, "emergency_digits.99", "pattern"),
    ('{"9": "110"}', '{"1": "110"}', 5, "emergency_digits.1", "asks for a call back"),
    ('{"9": "110"}', '{"2": "110"}', 5, "emergency_digits.2", "choose another digit"),
    ("https://sh.example.cn/hotline/", "sh.example.cn", 24, "entries.sh.url", "https://host"),
    ("https://sh.example.cn/hotline/", "ftp://sh.example.cn", 24, "entries.sh.url", "https://host"),
    ("https://sh.example.cn/hotline/", "https://me:pw@sh.example.cn", 24, "entries.sh.url", "https://host"),
    ("https://sh.example.cn/hotline/", "https://sh.example.cn/?x=1", 24, "entries.sh.url", "https://host"),
    ("https://sh.example.cn/hotline/", "https://sh.example.cn:99999", 24, "entries.sh.url", "https://host"),
    ("https://sh.example.cn/hotline/", "https://[::1", 24, "entries.sh.url", "https://host"),
    ("0571[28]XXXXXXX", "(0+)+", 7, "dialable.0.pattern", "is no part of a pattern"),
    ("0571[28]XXXXXXX", "0571[28XXXXXXX", 7, "dialable.0.pattern", "'[' without ']'"),
    ("0571[28]XXXXXXX", "X.", 7, "dialable.0.pattern", "allows every number"),
    ("0571[28]XXXXXXX", "05.71", 7, "dialable.0.pattern", "at the end"),
    ("police: {", "Police: {", 2, "trunks.Police", "small letters"),
    ("police: {", "a23456789012345678901234567x: {", 2, "trunks.a2345678901234567890", "at most 27"),
    ("police: {", "mine: {", 2, "trunks.mine", "a seat of hotline.yaml is called line-mine"),
    ("origin: sh", "origin: hs", 3, "trunks.carrier.origin", "no entry 'hs'; known: "),
    ('"10.0.0.7:5060", match', '"10.0.0.7", match', 2, "trunks.police.contact", "10.0.0.7:5060"),
    ('"10.0.0.7:5060", match', '"10.0.0:5060", match', 2, "trunks.police.contact", "host and port"),
    ('"10.0.0.7:5060", match', '"10.0.0.7:0", match', 2, "trunks.police.contact", "host and port"),
    ('"10.0.0.7:5060", match', '"a b:5060", match', 2, "trunks.police.contact", "host and port"),
    ('match: "10.0.0.7"', 'match: "10.0.1.9"', 3, "trunks.carrier.match.0", "in '10.0.1.9' of trunk 'police' already"),
    ('match: "10.0.0.7"', 'match: "SBC.example.cn"', 3, "trunks.carrier.match.1", "of trunk 'police' already"),
    ('match: "10.0.0.7"', 'match: "10.0.0.7/24"', 2, "trunks.police.match.0", "zeros behind the prefix"),
    ('match: "10.0.0.7"', 'match: "0.0.0.0/0"', 2, "trunks.police.match.0", "too wide"),
    ('match: "10.0.0.7"', 'match: "10.0.0.7:5060"', 2, "trunks.police.match.0", "without a port"),
    ("[S311]", "[S312]", 16, "entries.110.matters.takes.0.codes.0", "no code S312 in catalogue.yaml; did you mean"),
    ("[抢劫, 打+架]", "[抢劫, 打+]", 16, "entries.110.matters.takes.0.words", "both are said"),
    ("words: [抢劫, 打+架], codes: [S311]", 'en: "x"', 16, "entries.110.matters.takes.0", "neither words nor codes"),
    (', to: "12345"}', "}", 17, "entries.110.matters.not.0", "who takes it?"),
    ("to: sh}", "to: hs}", 17, "entries.110.matters.not.1.to", "no entry 'hs'; known: "),
    ("to: sh}", 'to: "110"}', 17, "entries.110.matters.not.1.to", "to itself"),
    ("codes: [S311]}", "codes: [S311], to: sh}", 16, "entries.110.matters.takes.0.to", "under not: only"),
    ("ring: 25", "ring: 1", 32, "entries.desk.ring", "greater than or equal to 3"),
    ("region: \"310000\"", "region: shanghai", 25, "entries.sh.region", "pattern"),
]


@pytest.mark.parametrize(("old", "new", "line", "where", "reason"), FAULTS)
def test_each_fault_says_where_why_and_what_to_write(write, old, new, line, where, reason):
    with pytest.raises(ConfigError) as caught:
        load_config(write((old, new)))
    faults = str(caught.value).splitlines()
    start = f"directory.yaml:{line}: {where}"
    if reason is None and "twice" not in where:
        start, reason = "entries.110.fallback: ", "fallbacks run in a circle: 110 → desk → 110"
    assert any(start in x and (reason or "") in x for x in faults), faults
    assert "mend" in caught.value.fix or "keep one" in caught.value.fix


def test_a_circle_is_told_once_and_who_only_leads_into_it_is_not_blamed(write):
    path = write(("after: end", "fallback: sh"), ("region:", "fallback: desk\n    region:"))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    (fault,) = str(caught.value).splitlines()
    assert "entries.sh.fallback: fallbacks run in a circle: sh → desk → sh" in fault


@pytest.mark.parametrize(
    ("change", "where", "reason"),
    [
        (("https://sh", "http://sh"), "entries.sh.url", "in the clear"),
        (("fallback: desk", "ring: 20"), "entries.110.ring", "the next trunk waits 20 s"),
        (("[police, carrier]\n    fallback: desk", "police"), "entries.110.trunks", "one trunk and no fallback"),
        (('"057187000000"', '["11", "12", "13", "14", "15", "16", "17"]'), "entries.desk", "only the first 6"),
        (("trunks: spare", "after: end"), "trunks.spare", "nothing uses trunk 'spare'"),
        (('"02122222222"', '"12315"'), "entries.sh.numbers.1", "would come back to us"),
        (("0571[28]XXXXXXX", "0[0-5]X."), "dialable.0.pattern", "allows calls abroad"),
        (("    trunks: [police, carrier]\n", ""), "entries.110.fallback", "never tried"),
    ],
)
def test_what_works_and_is_probably_not_meant_is_a_warning(write, change, where, reason):
    old, new = change
    path = write(change) if "after: end" not in new else write((old, ""))
    warnings = load_config(path).warnings
    assert any(f": {where}: " in w and reason in w for w in warnings), warnings


def test_the_example_in_the_documentation_is_good(write):
    (block,) = (ROOT / "docs/directory.md").read_text().split("```yaml\n")[1:]
    catalogue = (ROOT / "config/catalogue.yaml").read_text()
    config = load_config(write(**{"directory.yaml": block.split("```")[0], "catalogue.yaml": catalogue}))
    assert config.warnings == ()
    line = config.directory().line("110", NOON)
    assert [t.trunk for t in line.tries] == ["line-police", "line-police-2", "line-carrier"]
    assert config.directory().by_trunk("line-police-2").id == "110"


def test_the_commented_examples_of_the_shipped_file_are_good(write):
    text = (ROOT / "config/directory.yaml").read_text()
    for key, empty in (("trunks", "{}"), ("dialable", "[]")):
        start = text.index(f"# {key}:\n")
        example, rest = text[start:].split(f"{key}: {empty}\n", 1)
        text = text[:start] + "".join(f"{line[2:]}\n" for line in example.splitlines()) + rest
    catalogue = (ROOT / "config/catalogue.yaml").read_text()
    routing_file = (ROOT / "config/routing.yaml").read_text().split("# 自上而下")[0].split("# 某类座席")[0]
    config = load_config(write(**{"directory.yaml": text, "catalogue.yaml": catalogue, "routing.yaml": routing_file}))
    assert set(config.directory().trunks) == {"police", "carrier", "shanghai"}
    assert config.directory().number_line("057121234567", NOON).tries[0].trunk == "line-carrier"


# ---------------------------------------------------------------------- whatever is written
IDS, TRUNK_NAMES = ["110", "119", "water", "desk", "sh"], ["a", "b", "c"]
NAMES = st.lists(st.sampled_from([*TRUNK_NAMES, "x"]), max_size=3)
ENTRIES = st.dictionaries(
    st.sampled_from(IDS),
    st.fixed_dictionaries(
        {"name": st.just("名"), "kind": st.sampled_from(["emergency", "unit"])},
        optional={
            "numbers": st.lists(st.integers(1, 60).map(str), max_size=4),
            "trunks": NAMES,
            "fallback": st.sampled_from([*IDS, "nobody"]),
            "hours": st.sampled_from(["office", "always", "closed", "09:00-10:00", "nix"]),
            "ring": st.integers(1, 30),
        },
    ),
)
FILE = st.fixed_dictionaries(
    {"entries": ENTRIES},
    optional={
        "trunks": st.lists(st.sampled_from(TRUNK_NAMES), max_size=3).map(
            lambda names: {n: f"10.0.0.{TRUNK_NAMES.index(n) + 1}:5060" for n in names}
        ),
        "dialable": st.lists(
            st.fixed_dictionaries({"pattern": st.text("019XNZ[]-.", max_size=6), "trunks": NAMES}), max_size=3
        ),
        "emergency_digits": st.dictionaries(st.sampled_from("1290"), st.sampled_from(IDS), max_size=2),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(FILE, st.text("0123456789", max_size=8), st.floats(0, 4e9))
def test_no_file_that_loads_gives_an_empty_line_a_circle_or_a_try_over_an_unknown_trunk(write, data, number, now):
    path = write(**{"directory.yaml": yaml.safe_dump(data)})
    try:
        directory = load_config(path).directory()
    except ConfigError:
        return
    endpoints = {t.endpoint for t in directory.trunks.values()}
    for entry in directory.entries:
        seen, at_ = set(), entry
        while at_ is not None:
            assert at_.id not in seen
            seen.add(at_.id)
            at_ = directory.get(at_.fallback)
        state = directory.state(entry, now)
        assert state != "closed" or not entry.emergency
        try:
            line = directory.line(entry.id, now)
        except DirectoryError as error:
            assert error.code == {"no-trunk": "entry-disabled", "closed": "entry-closed"}[state]
            continue
        assert state == "ready" and 1 <= len(line.tries) <= routing.MOST_TRIES
        assert {t.trunk for t in line.tries} <= endpoints
        assert line.tries[0].entry == entry.id and {t.entry for t in line.tries} <= seen
        assert all(t.number in directory.get(t.entry).numbers and t.seconds >= 3 for t in line.tries)
    for entry_id in directory.emergency_digits.values():
        assert directory.get(entry_id).emergency
    try:
        line = directory.number_line(number, now)
    except DirectoryError as error:
        assert error.code == "number-not-allowed"
        assert not any(rule.allows(number) for rule in directory.dialable)
        return
    rule = next(r for r in directory.dialable if r.allows(number))
    assert {t.trunk.removeprefix("line-") for t in line.tries} == set(rule.trunks) <= set(directory.trunks)
