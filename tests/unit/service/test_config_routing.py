"""Routing, centres and calendar files: what they become, and every fault with file, line, place and hint."""

import datetime as dt

import pytest
import yaml

from routing import Facts, StepRule
from service.config import CONFIG_FILES, load_config
from service.errors import ConfigError
from service.settings import ROOT

HOTLINE = """\
centre: {code: "330000", name: 浙江省热线}
numbers:
  "12345": {flow: default}
  "12333": {flow: default, rule: social, centre: "330300"}
default_skills: {putonghua: 1}
seats:
  - {id: "8001", name: 甲, skills: {putonghua: 5}}
  - {id: "8002", name: 乙, skills: {putonghua: 5, wenzhou-wu: 4}, centre: "330300"}
  - {id: "8003", name: 丙, skills: {putonghua: 5, tax: 4}, kind: expert}
  - {id: "8004", name: 丁, skills: {putonghua: 5}, kind: expert, hours: night, phone: "8004@hangzhou"}
  - {id: "9001", name: 领导, kind: leader}
  - {id: "9002", name: 助理, kind: assistant}
"""
CENTRES = """\
centres:
  "330000": 浙江省
  "330100": {name: 杭州市, area_code: "0571", capacity: 20, foreign: 5}
  "330300": {name: 温州市, area_code: "0577", hours: office, neighbours: ["330100"]}
  "330302": 鹿城区
  "330000-tax": 税务分中心
"""
ROUTING = """\
skills:
  putonghua: {zh: 普通话, en: Mandarin, kind: language}
  wenzhou-wu: {zh: 温州话, en: Wenzhou Wu, kind: dialect}
  tax: {zh: 税务, en: tax}
hours:
  office: {workdays: "08:30-12:00, 13:30-17:30"}
  night: {days: {mon-fri: "18:00-24:00", sat: closed}, dates: {2026-10-01: always}}
kinds: {expert: office}
rules:
  - name: wenzhou
    when: {skills: wenzhou-wu, caller: ["+86577*"]}
    steps:
      - {skills: {wenzhou-wu: 3}, centres: home, seconds: 10}
      - {centres: [city, "330100+"], seconds: 10}
      - {skills: any, centres: province, kinds: agent}
  - name: social
    by_name: true
    steps: [{add: {tax: 2}, centres: province}]
  - name: default
    steps: [{centres: home, seconds: 10}, {centres: any}]
modifiers:
  - {name: cut-off, when: {history: cut_off}, same_seat: 15, priority: 5}
  - {name: help, when: {outside: office}, seats: ["8001"], seconds: 3}
leader_days:
  - {date: 2026-12-10, from: "09:00", to: 13:30, leader: "9001", assistant: "9002", centres: ["330300+"]}
third: {priority: 7}
waiting: {tell_after: 25, callback: false}
callbacks: {attempts: 4, spacing: [60], from: "09:00", to: "18:00", do_not_disturb: ["13800000000"]}
modes:
  surge:
    scale: 0.25
    extra: [{centres: "330000-tax", seconds: 5}, {centres: any}]
    waiting: {tell_after: 5}
    enter: {waiting: 50, answered: 0.7}
    leave: {waiting: 10, answered: 0.9}
incidents:
  - {id: water, regions: "330302", zh: 停水, until: 2026-11-25 20:00:00}
breaks:
  - {code: meal, zh: 用餐, en: meal, limit: 1800}
fairness: {order: least_occupied, keep_free: {wenzhou-wu: 1}, keep_for: 30}
emergency: {callers: ["110"], dialled: ["12345"]}
"""
WORKDAYS = """\
years:
  2026:
    - {name: 元旦, from: 2026-01-01, to: 2026-01-03, work: [2026-01-04]}
    - {name: 国庆节, from: 2026-10-01, to: 2026-10-07, work: [2026-10-10]}
"""
FILES = {"hotline.yaml": HOTLINE, "centres.yaml": CENTRES, "routing.yaml": ROUTING, "workdays.yaml": WORKDAYS}


@pytest.fixture
def write(tmp_path):
    """Writes the four files with one change: (file, old, new)."""

    def write(file=None, old="", new="", **others):
        texts = dict(FILES) | others
        if file is not None:
            assert old in texts[file]
            texts[file] = texts[file].replace(old, new, 1)
        for name, text in texts.items():
            if text is not None:
                (tmp_path / name).write_text(text)
        return tmp_path / "hotline.yaml"

    return write


def at(text):
    return dt.datetime.fromisoformat(text + "+08:00").timestamp()


# ---------------------------------------------------------------------- what they become
def test_all_four_files_become_one_book(write):
    config = load_config(write(), ["default"])
    book = config.book()
    assert config.warnings == ()
    assert config.book() is book, "made once"
    assert {s.id: (s.kind, s.centre, s.phone) for s in config.routing_seats()} == {
        "8001": ("agent", "330000", ""),
        "8002": ("agent", "330300", ""),
        "8003": ("expert", "330000", ""),
        "8004": ("expert", "330000", "8004@hangzhou"),
        "9001": ("leader", "330000", ""),
        "9002": ("assistant", "330000", ""),
    }
    tree = book.tree.centres
    assert [(c.code, c.kind, c.parent) for c in tree.values()] == [
        ("330000", "province", None),
        ("330100", "city", "330000"),
        ("330300", "city", "330000"),
        ("330302", "county", "330300"),
        ("330000-tax", "sub", "330000"),
    ]
    assert tree["330300"].numbers == ("12333",)
    assert book.limits()["330100"].foreign == 5
    assert book.rules[0].when.callers == ("0577*",)
    assert book.rules[0].steps[2] == StepRule((), centres=("province",), kinds=frozenset({"agent"}))
    assert book.modifiers[1].seats == {"8001"}
    assert book.seat_hours["8003"].name == "office"
    assert book.seat_hours["8004"].name == "night", "a seat's own hours go before its kind's"
    assert book.third_priority == 7
    assert (book.waiting.tell_after, book.waiting.callback, book.waiting.tell_every) == (25, False, 60)
    assert (book.callbacks.attempts, book.callbacks.spacing, book.callbacks.begin) == (4, (60,), dt.time(9))
    assert book.callbacks.do_not_disturb == {"13800000000"}
    surge = book.modes["surge"]
    assert (surge.scale, surge.zh, surge.waiting.tell_after, surge.waiting.callback) == (0.25, "话务高峰", 5, False)
    assert (surge.enter.waiting, surge.leave.answered) == (50, 0.9)
    assert set(book.modes) == {"normal", "surge", "degraded", "disaster"}, "a person can switch to each"
    assert book.incidents[0].until == at("2026-11-25 20:00")
    assert [(b.code, b.limit) for b in book.breaks] == [("meal", 1800)]
    assert book.emergency_dialled == {"12345"}
    policy = config.policy()
    assert (policy.order, policy.keep_free, policy.keep_for, policy.rest) == (
        "least_occupied",
        {"wenzhou-wu": 1},
        30,
        300,
    )
    leader = book.leader_days[0]
    assert (leader.start, leader.end, leader.centres) == (540, 810, {"330300", "330302"}), "13:30 without quotes too"
    assert book.duty(at("2026-10-10 10:00")) == {
        "8001": True,
        "8002": True,
        "8003": True,
        "8004": False,
        "9001": False,
        "9002": True,
    }
    assert book.duty(at("2026-10-01 10:00"))["8004"] is True, "its own dates"
    assert "13800000000" not in repr(config), "no numbers of people in prints"


def test_hotline_yaml_alone_is_enough(write):
    alone = HOTLINE.replace(", hours: night", "").replace(", rule: social", "")
    path = write(**{"hotline.yaml": alone, "centres.yaml": None, "routing.yaml": None, "workdays.yaml": None})
    book = load_config(path, ["default"]).book()
    demand = book.plan(Facts("12345", "13800000000", now=at("2026-11-25 10:00")))
    assert demand.why == ("rule:default",)
    assert [s.centres for s in demand.steps] == [{"330000"}, None]
    assert set(book.duty(0)) == {"8001", "8002", "8003", "8004", "9001", "9002"}


def test_empty_further_files_are_as_if_absent(write):
    alone = HOTLINE.replace(", hours: night", "").replace(", rule: social", "")
    load_config(
        write(**{"hotline.yaml": alone, "centres.yaml": "# nothing\n", "routing.yaml": "", "workdays.yaml": ""})
    )


# ---------------------------------------------------------------------- faults
H, C, R, W = CONFIG_FILES[0], CONFIG_FILES[2], CONFIG_FILES[1], CONFIG_FILES[3]


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "where", "reason"),
    [
        (H, "rule: social", "rule: socail", 4, "numbers.12333.rule", "no rule 'socail'; did you mean 'social'?"),
        (H, 'centre: "330300"}', 'centre: "330301"}', 4, "numbers.12333.centre", "no centre '330301'; did you mean"),
        (H, '"330000", name', '"330900", name', 1, "centre.code", "no centre '330900'; did you mean"),
        (H, '4}, centre: "330300"', '4}, centre: "330399"', 8, "seats.1.centre", "no centre '330399'"),
        (H, "hours: night", "hours: nihgt", 10, "seats.3.hours", "no hours 'nihgt'; did you mean 'night'?"),
        (H, "kind: leader", "kind: boss", 11, "seats.4.kind", "'agent', 'expert'"),
        (H, "8004@hangzhou", "8004@a b", 10, "seats.3.phone", "pattern"),
        (
            C,
            '"330302": 鹿城区',
            '"330402": 南湖区',
            5,
            "centres.330402.parent",
            "no centre above '330400'; did you mean",
        ),
        (C, 'neighbours: ["330100"]', 'neighbours: ["330200"]', 4, "centres.330300.neighbours.0", "no centre '330200'"),
        (C, 'neighbours: ["330100"]', 'neighbours: ["330300"]', 4, "centres.330300.neighbours.0", "of itself"),
        (C, "hours: office", "hours: offcie", 4, "centres.330300.hours", "did you mean 'office'?"),
        (C, 'area_code: "0577"', 'area_code: "0571"', 4, "centres.330300.area_code", "0571 is 330100's already"),
        (C, "foreign: 5", "foreign: 50", 3, "centres.330100.foreign", "more than the capacity of 20"),
        (C, "foreign: 5", "foriegn: 5", 3, "centres.330100.foriegn", "no such key; did you mean 'foreign'?"),
        (C, '"330302"', '"33030"', 5, "centres.33030", "pattern"),
        (
            C,
            '"330000": 浙江省',
            '"330000": {name: 浙江省, parent: "330300"}',
            2,
            "centres.330000.parent",
            "in a circle",
        ),
        (R, "skills: wenzhou-wu,", "skills: wenzhou-wo,", 11, "rules.0.when.skills.0", "did you mean 'wenzhou-wu'?"),
        (R, "skills: {wenzhou-wu: 3}", "skills: {wenzhuo-wu: 3}", 13, "rules.0.steps.0.skills.wenzhuo-wu", "no skill"),
        (
            R,
            "centres: home, seconds: 10}\n      -",
            "centres: homme, seconds: 10}\n      -",
            13,
            "rules.0.steps.0.centres.0",
            "no centre or circle 'homme'; did you mean 'home'?",
        ),
        (
            R,
            '"330100+"], seconds',
            '"330900+"], seconds',
            14,
            "rules.0.steps.1.centres.1",
            "no centre or circle '330900+'",
        ),
        (
            R,
            "centres: home, seconds: 10}\n      -",
            "centres: home}\n      -",
            13,
            "rules.0.steps.0",
            "has no 'seconds'",
        ),
        (R, "kinds: agent", "kinds: assistant", 15, "rules.0.steps.2.kinds", "never offered"),
        (R, "skills: any,", "skills: any, add: {tax: 1},", 15, "rules.0.steps.2", "not both"),
        (R, "name: social", "name: wenzhou", 16, "rules.1", "'wenzhou' is there twice"),
        (R, "- name: wenzhou", "- name: default", 10, "rules.0.name", "must be the last one"),
        (R, "by_name: true", "dialled: 1", 17, "rules.1.dialled", "no such key"),
        (R, "history: cut_off", "history: cutoff", 22, "modifiers.0.when.history.0", "'cut_off'"),
        (R, "outside: office", "outside: offices", 23, "modifiers.1.when.outside.0", "did you mean 'office'?"),
        (R, 'seats: ["8001"]', 'seats: ["8009"]', 23, "modifiers.1.seats.0", "no seat '8009'; did you mean"),
        (R, 'seats: ["8001"]', 'seats: ["9002"]', 23, "modifiers.1.seats.0", "is an assistant"),
        (
            R,
            "history: cut_off",
            'dialled: "12354"',
            22,
            "modifiers.0.when.dialled.0",
            "no dialled number '12354'; did you mean",
        ),
        (R, "history: cut_off", 'centre: "330399+"', 22, "modifiers.0.when.centre.0", "no centre '330399'"),
        (R, "expert: office", "expert: offise", 8, "kinds.expert", "did you mean 'office'?"),
        (R, "expert: office", "exprt: office", 8, "kinds.exprt", "'expert'"),
        (R, 'leader: "9001"', 'leader: "9002"', 25, "leader_days.0", "the same seat"),
        (R, 'leader: "9001", assistant: "9002"', 'leader: "9002"', 25, "leader_days.0.leader", "is an assistant"),
        (R, 'leader: "9001"', 'leader: "9009"', 25, "leader_days.0.leader", "no seat '9009'; did you mean"),
        (R, 'assistant: "9002"', 'assistant: "8001"', 25, "leader_days.0.assistant", "of kind agent"),
        (R, 'from: "09:00", to: 13:30', 'from: "14:00", to: 13:30', 25, "leader_days.0", "'to' must be after 'from'"),
        (R, 'from: "09:00", to: 13', 'from: "9h", to: 13', 25, "leader_days.0.from", "no time of the day"),
        (R, 'centres: ["330300+"]}', 'centres: ["3303+"]}', 25, "leader_days.0.centres.0", "pattern"),
        (R, "08:30-12:00", "12:30-12:00", 6, "hours.office.workdays", "ends before it begins"),
        (R, "mon-fri", "mon-fir", 7, "hours.night.days", "'mon-fir' is no day of the week"),
        (R, "sat: closed", "fri: closed", 7, "hours.night.days", "fri is given twice"),
        (R, "days: {mon-fri", "workdays: always, days: {mon-fri", 7, "hours.night", "not both"),
        (R, "attempts: 4", "attempts: 0", 28, "callbacks.attempts", "greater than or equal to 1"),
        (
            R,
            'from: "09:00", to: "18:00"',
            'from: "19:00", to: "18:00"',
            28,
            "callbacks",
            "the begin must be before the end",
        ),
        (R, "surge:\n", "sruge:\n", 30, "modes.sruge", "'surge'"),
        (R, "surge:\n", "normal:\n", 30, "modes.normal", "has no thresholds"),
        (R, "seconds: 5}, {centres: any", "name: x}, {centres: any", 32, "modes.surge.extra.0", "has no 'seconds'"),
        (R, "leave: {waiting: 10", "leave: {waiting: 60", 35, "modes.surge.leave.waiting", "it would flap"),
        (R, "answered: 0.9", "answered: 0.6", 35, "modes.surge.leave.answered", "it would flap"),
        (R, 'regions: "330302"', 'regions: "330303"', 37, "incidents.0.regions.0", "no centre '330303'; did you mean"),
        (R, "limit: 1800", "limit: 1", 39, "breaks.0.limit", "greater than or equal to 60"),
        (
            R,
            "keep_free: {wenzhou-wu",
            "keep_free: {wenzhou",
            40,
            "fairness.keep_free.wenzhou",
            "did you mean 'wenzhou-wu'?",
        ),
        (R, 'dialled: ["12345"]', 'dialled: ["12346"]', 41, "emergency.dialled.0", "no dialled number"),
        (R, "fairness:", "fairnes:", 40, "fairnes", "no such key; did you mean 'fairness'?"),
        (W, "to: 2026-01-03", "to: 2025-12-31", 3, "years.2026.0", "must not be before"),
        (W, "work: [2026-01-04]", "work: [2026-01-03]", 3, "years.2026.0", "2026-01-03 is there twice"),
        (W, "work: [2026-10-10]", "work: [2025-10-10]", 4, "years.2026.1", "is not of 2026"),
        (W, "from: 2026-10-01", "from: 2026-13-01", 4, "", "not YAML"),
        (W, "name: 元旦", "nmae: 元旦", 3, "years.2026.0.nmae", "did you mean 'name'?"),
    ],
)
def test_every_fault_has_file_line_place_reason_and_hint(write, file, old, new, line, where, reason):
    path = write(file, old, new)
    with pytest.raises(ConfigError) as caught:
        load_config(path, ["default"])
    assert caught.value.fix
    lines = str(caught.value).splitlines()
    start = f"{path.parent / file}:{line}: " + (f"{where}: " if where else "")
    assert any(x.startswith(start) and reason in x for x in lines), lines


def test_faults_of_all_files_are_told_at_once(write):
    path = write(
        **{
            "hotline.yaml": HOTLINE.replace("name: 甲", "nmae: 甲"),
            "centres.yaml": CENTRES.replace("foreign", "foregin"),
            "routing.yaml": ROUTING.replace("fairness", "fairnes"),
            "workdays.yaml": WORKDAYS.replace("name: 元旦", "x: 1"),
            "directory.yaml": "entires: {}",
        }
    )
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert {line.split(":")[0].rsplit("/")[-1] for line in str(caught.value).splitlines()} == set(CONFIG_FILES)
    path = write(
        **{
            "hotline.yaml": HOTLINE.replace("rule: social", "rule: x"),
            "routing.yaml": ROUTING.replace('"8001"', '"8"'),
            "directory.yaml": "",
        }
    )
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert len(str(caught.value).splitlines()) == 2, "across the files too"


def test_a_prompt_that_does_not_exist_is_a_fault_where_there_are_prompts(write, tmp_path):
    path = write(R, "    scale: 0.25", "    announce: all-buzy\n    scale: 0.25")
    load_config(path)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/prompts.yaml").write_text("prompts:\n  all-busy: {zh: 忙}\n")
    with pytest.raises(ConfigError, match=r"modes.surge.announce.0: no prompt 'all-buzy'; did you mean 'all-busy'\?"):
        load_config(path)


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "reason"),
    [
        (
            R,
            "steps: [{add: {tax: 2}, centres: province}]",
            "steps: [{add: {tax: 5}, centres: province}]",
            "rules.1.steps",
            "fits no seat at all",
        ),
        (R, "    by_name: true\n", "", "rules.1", "holds for every caller"),
        (H, "rule: social, ", "", "rules.1", "no number names it"),
        (H, "wenzhou-wu: 4", "wenzhou-wo: 4", "seats.1.skills.wenzhou-wo", "did you mean 'wenzhou-wu'?"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(write, file, old, new, where, reason):
    warnings = load_config(write(file, old, new), ["default"]).warnings
    assert any(f": {where}: " in w and reason in w for w in warnings), warnings


# ---------------------------------------------------------------------- what ships
@pytest.fixture(scope="module")
def shipped():
    return load_config(ROOT / "config/hotline.yaml", ["default", "probe"])


def test_the_shipped_files_have_neither_faults_nor_warnings(shipped):
    assert shipped.warnings == ()
    kinds = [c.kind for c in shipped.book().tree]
    assert {k: kinds.count(k) for k in kinds} == {"province": 1, "city": 11, "county": 90, "sub": 4}


def test_the_shipped_tree_is_that_of_the_gazetteer(shipped):
    regions = yaml.safe_load((ROOT / "config/regions.yaml").read_text())
    names = {c["code"]: c["name"] for city in regions["cities"] for c in (city, *city["counties"])}
    assert names == {c.code: c.name for c in shipped.book().tree if c.kind in ("city", "county")}
    areas = {c.area_code: c.name for c in shipped.book().tree if c.area_code}
    assert areas == {
        "0570": "衢州市",
        "0571": "杭州市",
        "0572": "湖州市",
        "0573": "嘉兴市",
        "0574": "宁波市",
        "0575": "绍兴市",
        "0576": "台州市",
        "0577": "温州市",
        "0578": "丽水市",
        "0579": "金华市",
        "0580": "舟山市",
    }
    for centre in shipped.book().tree:
        for other in centre.neighbours:
            assert centre.code in shipped.book().tree.centres[other].neighbours, (centre.name, other)


def test_the_shipped_calendar_is_the_state_councils(shipped):
    chinese_calendar = pytest.importorskip("chinese_calendar")
    calendar = shipped.book().calendar
    assert calendar.years == {2025, 2026}
    day = dt.date(2025, 1, 1)
    while day.year < 2027:
        assert calendar.day(day).workday == chinese_calendar.is_workday(day), day
        assert not calendar.day(day).provisional
        day += dt.timedelta(days=1)
    assert calendar.day(day).provisional


@pytest.mark.parametrize("number", ["13800000000", "057788880000", "", "+15551234567"])
def test_a_plain_caller_of_the_demo_is_open_to_all_eight_seats_at_once(shipped, number):
    demand = shipped.book().plan(Facts("12345", number, now=at("2026-11-25 10:00")))
    assert len(demand.steps) == 1
    assert all(demand.steps[0].fits(s) for s in shipped.routing_seats())
    assert demand.priority == 0


def test_the_shipped_wenzhou_rule_relaxes_in_a_staffed_province(shipped, write):
    seats = [
        {"id": f"s{i}", "name": "x", "skills": {"putonghua": 4} | more, "centre": centre}
        for i, (centre, more) in enumerate(
            [
                ("330300", {"wenzhou-wu": 4}),
                ("330300", {"local-wenzhou": 3}),
                ("330300", {}),
                ("330302", {}),
                ("330100", {}),
            ]
        )
    ]
    data = yaml.safe_load((ROOT / "config/hotline.yaml").read_text()) | {"seats": seats}
    texts = {name: (ROOT / "config" / name).read_text() for name in CONFIG_FILES[1:]}
    book = load_config(write(**texts, **{"hotline.yaml": yaml.safe_dump(data)})).book()
    facts = Facts("12345", "057788880000", skills=(("wenzhou-wu", 3),), now=at("2026-11-25 10:00"))
    steps = book.plan(facts).steps
    assert [(s.name, s.seconds, sorted(i for i, seat in book.seats.items() if s.fits(seat))) for s in steps] == [
        ("温州话", 10, ["s0"]),
        ("普通话熟悉温州", 10, ["s1"]),
        ("本中心", 10, ["s0", "s1", "s2"]),
        ("全市", 10, ["s0", "s1", "s2", "s3"]),
        ("全省温州话", 5, ["s0"]),
        ("全省", None, ["s0", "s1", "s2", "s3", "s4"]),
    ]


async def test_the_reload_watches_the_files_beside_hotline_yaml(tmp_path):
    from types import SimpleNamespace

    from service.reload import Watcher

    for name in CONFIG_FILES:
        (tmp_path / name).write_text((ROOT / "config" / name).read_text())
    config = load_config(tmp_path / "hotline.yaml")
    applied = []

    async def apply_config(config):
        applied.append(config)

    flows = SimpleNamespace(
        book=[SimpleNamespace(name="default"), SimpleNamespace(name="probe")],
        reload=lambda: SimpleNamespace(problems=(), changed=(), added=()),
    )
    app = SimpleNamespace(
        settings=SimpleNamespace(config_dir=tmp_path, peers={}, seat_password=None, seat_password_file=None),
        flows=flows,
        config=config,
        asterisk=None,
        apply_config=apply_config,
    )
    watcher = Watcher(app)
    for name in CONFIG_FILES:
        before = watcher._state()
        path = tmp_path / name
        path.write_text(path.read_text() + "\n# changed\n")
        assert watcher._state() != before, name
    routing = tmp_path / "routing.yaml"
    routing.write_text(routing.read_text().replace("tell_after: 20", "tell_after: 21"))
    await watcher.reload()
    assert applied[-1].book().waiting.tell_after == 21
    routing.write_text(routing.read_text().replace("tell_after: 21", "tell_aftre: 21"))
    await watcher.reload()
    assert applied[-1] is config, "the old one stays"
    assert "did you mean 'tell_after'?" in watcher.problems[0]


def test_the_examples_in_the_documentation_are_good():
    from service.config_centres import CentresFile, WorkdaysFile
    from service.config_models import HotlineFile
    from service.config_routing import RoutingFile

    models = {"centres": CentresFile, "years": WorkdaysFile, "seats": HotlineFile}
    blocks = (ROOT / "docs/routing.md").read_text().split("```yaml\n")[1:]
    seen = set()
    for block in blocks:
        for key, value in yaml.safe_load(block.split("```")[0]).items():
            model = models.get(key, RoutingFile)
            base = (
                {"centre": {"code": "330000", "name": "x"}, "numbers": {"12345": {"flow": "x"}}}
                if key == "seats"
                else {}
            )
            model.model_validate(base | {key: value})
            seen.add(key)
    assert seen >= {"rules", "modifiers", "hours", "modes", "leader_days", "incidents", "fairness", "centres", "years"}
