"""The demo: its directory leads to nobody real, and its lines say truly who hears whom."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import calls
import routing
from calls.model import Leg, LegState, Moment, Party
from demo import RegistrationFailed, Say
from demo.speech import SpeechError
from service.config import load_config
from service.demo_call import demo_call
from service.demo_directory import LINE, TRUNK, demo_directory, demo_settings
from service.demo_fire import FireScene
from service.demo_watch import Watch, company_line, company_of
from service.errors import ConfigError, ServiceError
from service.settings import load_settings
from tests.conftest import ROOT

CONTACT = "127.0.0.119:5555"
SITE = """
trunks:
  police: {contact: "10.0.0.7:5060", match: ["10.0.0.7"], origin: "110"}
  carrier: "sbc.example.cn:5060"
emergency_digits: {"8": "110"}
dialable: [{pattern: "0571[28]XXXXXXX", trunks: [carrier]}]
entries:
  "110": {name: 报警, kind: emergency, numbers: "110", trunks: [police, carrier], fallback: "119"}
  "119": {name: 本市消防, kind: emergency, numbers: ["119", "057188880119"], trunks: [carrier], fallback: "120"}
  "120": {name: 急救, kind: emergency, numbers: "120", trunks: carrier}
  shanghai-12345: {name: 上海, kind: hotline, numbers: "02112345", trunks: carrier, protocol: uui, url: "https://x.cn"}
"""


@pytest.fixture
def site(tmp_path):
    """Settings of a site whose directory has real trunks."""
    config = tmp_path / "config"
    config.mkdir()
    for entry in (ROOT / "config").iterdir():
        if entry.name != "directory.yaml":
            (config / entry.name).symlink_to(entry)
    (config / "directory.yaml").write_text(SITE)
    return load_settings(config_dir=config, var_dir=tmp_path / "var")


def loaded(settings):
    return load_config(settings.config_dir / "hotline.yaml").directory()


# ---------------------------------------------------------------------- the directory
def test_no_real_line_is_rung_in_a_demo_whatever_the_site_has(site):
    before = (site.config_dir / "directory.yaml").read_bytes()
    settings = demo_settings(site.model_copy(update={"out_trunk": "10.0.0.9:5060", "out_endpoint": "sbc"}), CONTACT)
    assert settings.outward == "", "nor is anybody called back"
    directory = loaded(settings)
    assert {t.contact for t in directory.trunks.values()} == {CONTACT}
    assert {e.id for e in directory.entries if directory.state(e, 0.0) == "ready"} == {LINE}
    line = directory.line(LINE, 0.0)
    assert [(t.trunk, t.number) for t in line.tries] == [(routing.TRUNK_PREFIX + TRUNK, "119")]
    assert line.name == "本市消防"
    with pytest.raises(routing.DirectoryError):
        directory.number_line("057128880000", 0.0)
    assert dict(directory.emergency_digits) == {"8": LINE}, "the site's key, the demo's line"
    assert (site.config_dir / "directory.yaml").read_bytes() == before


def test_as_shipped_the_demo_rings_its_own_119_by_key_9(tmp_path):
    settings = demo_settings(load_settings(config_dir=ROOT / "config", var_dir=tmp_path), CONTACT)
    directory = loaded(settings)
    assert dict(directory.emergency_digits) == {"9": LINE}
    assert directory.line(LINE, 0.0).name == "119 消防救援"
    assert len(directory.entries) == len(loaded(load_settings(config_dir=ROOT / "config")).entries)


def test_a_second_start_and_a_missing_directory_or_file_are_no_hindrance(site):
    assert loaded(demo_settings(site, CONTACT)).line(LINE, 0.0)
    (site.config_dir / "directory.yaml").unlink()
    (site.config_dir / "workdays.yaml").unlink()
    settings = demo_settings(site, "127.0.0.119:6666")
    assert {t.contact for t in loaded(settings).trunks.values()} == {"127.0.0.119:6666"}
    assert [e.id for e in loaded(settings).entries] == [LINE]
    (site.config_dir / "workdays.yaml").write_bytes((ROOT / "config/workdays.yaml").read_bytes())
    assert (settings.config_dir / "workdays.yaml").exists(), "a file that is made while the demo runs is seen"


def test_a_saved_file_of_the_sites_is_seen_through_the_demos_links(site):
    settings = demo_settings(site, CONTACT)
    hotline = site.config_dir / "hotline.yaml"
    text = hotline.read_text().replace("wrap_up: 30", "wrap_up: 31")
    hotline.unlink()
    hotline.write_text(text)
    assert load_config(settings.config_dir / "hotline.yaml").times.wrap_up == 31


def test_a_place_that_cannot_be_written_is_said_with_its_cure(site):
    site.var_dir.mkdir(exist_ok=True)
    (site.var_dir / "demo").write_text("in the way")
    with pytest.raises(ServiceError, match="cannot be written") as told:
        demo_settings(site, CONTACT)
    assert "--var-dir" in told.value.fix


ids = st.sampled_from(["110", "119", "fire", "120", "shanghai-12345"])
sites = st.fixed_dictionaries(
    {},
    optional={
        "trunks": st.just({"carrier": {"contact": "10.0.0.7:5060"}}),
        "dialable": st.just([{"pattern": "0571X.", "trunks": ["carrier"]}]),
        "emergency_digits": st.dictionaries(st.sampled_from("89"), ids, max_size=2),
        "entries": st.dictionaries(
            ids,
            st.fixed_dictionaries(
                {"name": st.just("某某"), "kind": st.sampled_from(["emergency", "unit"])},
                optional={
                    "trunks": st.sampled_from(["carrier", ["carrier"]]), "fallback": ids,
                    "numbers": st.sampled_from(["119", ["119"], "110", []]), "ring": st.just(9),
                },
            ),
        ),
    },
)  # fmt: skip


@given(sites)
def test_nothing_of_any_site_leads_out_of_the_demos_directory(site: dict[str, Any]) -> None:
    content = demo_directory(site, CONTACT)
    assert content["trunks"] == {TRUNK: {"contact": CONTACT}}
    assert content["dialable"] == []
    assert {i for i, e in content["entries"].items() if e.get("trunks")} == {LINE}
    assert not any(e.get("fallback") for e in content["entries"].values())
    assert set(content["emergency_digits"].values()) <= {LINE}
    owners = [i for i, e in content["entries"].items() if LINE in (e.get("numbers") or [])]
    assert owners == [LINE], "a number leads to one entry"
    assert yaml.safe_load(yaml.safe_dump(content)) == content


# ---------------------------------------------------------------------- what is printed
class Out:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def print(self, *objects: object, **_: object) -> None:
        self.lines += [str(x) for x in objects]


def leg(id_: str, kind: str, who: str, *heard: tuple[float, float | None]) -> Leg:
    return Leg(id_, kind, who, LegState.JOINED, 1.0, heard=heard)


CALL = calls.Call("c", calls.CallState.TALKING, "PJSIP/trunk-1", "12345", "138", "", "default@1", 1.0)
PARTY = Party("p1", "emergency", 1.0, line=routing.Line("119", "119 消防救援", (routing.Try("line-demo", "119"),)),
              tried=1, leg="l", target="entry:119")  # fmt: skip
TALKS = replace(
    CALL, parties=(PARTY,), legs=(leg("s", "third", "8002", (3.0, None)), leg("l", "line", "line.119", (2.0, None))),
)  # fmt: skip


def change(call: calls.Call) -> calls.Change:
    return calls.Change((call,), (), ())


def test_who_hears_whom_is_said_with_the_line_first():
    assert company_line(company_of(TALKS)) == "119 消防救援 与来电人、座席 8002 三方通话 · three hear each other"
    assert company_line(company_of(replace(TALKS, legs=TALKS.legs[1:]))).startswith("119 消防救援 与来电人通话 ·")
    held = replace(TALKS, legs=tuple(replace(x, heard=((2.0, 3.0),)) for x in TALKS.legs))
    assert company_of(held) == (), "joined, but aside: the caller does not hear them"
    charge = replace(TALKS, legs=tuple(replace(x, kind="seat") if x.id == "s" else x for x in TALKS.legs))
    assert company_of(charge) == company_of(TALKS), "taking charge is not a change of company"
    observed = replace(TALKS, legs=(*TALKS.legs, leg("o", "observer", "8009", (2.0, None))))
    assert company_of(observed) == company_of(TALKS), "whoever only listens is not heard"


def test_a_company_is_told_once_and_only_in_calls_of_several():
    out = Out()
    watch = Watch(out)
    watch.on_change(change(replace(TALKS, parties=())))
    assert out.lines == [], "a plain talk has its line in the timeline"
    parted = replace(TALKS, legs=())
    for call in (TALKS, parted, TALKS, parted, replace(TALKS, legs=TALKS.legs[:1]), replace(TALKS, ended_at=9.0)):
        watch.on_change(change(call))
    assert [line.count("↔") for line in out.lines] == [1, 1]
    assert watch.talk_with(1).is_set() and watch.talk_with(0).is_set() and not watch.talk_with(2).is_set()
    assert watch.talk_with(1, 1).is_set() and watch.talk_with(0, 1).is_set() and not watch.talk_with(1, 0).is_set()


def test_only_the_scenes_own_call_is_followed():
    out = Out()
    watch = Watch(out, "138", begun=False)
    came = (Moment(1.0, "arrived", (("dialled", "12345"),)),)
    watch.on_change(change(replace(CALL, timeline=came)))
    watch.begin(["c"])
    watch.on_change(change(replace(CALL, timeline=came)))
    watch.on_change(change(replace(CALL, id="d", caller_number="139", timeline=came)))
    assert (watch.call, out.lines) == (None, []), "an earlier run's call, somebody else's call"
    watch.on_change(change(replace(CALL, id="e", timeline=came)))
    assert watch.call == "e" and len(out.lines) == 1
    watch.close()
    watch.on_change(change(replace(CALL, id="e", timeline=(*came, Moment(2.0, "wrapped_up")))))
    assert len(out.lines) == 1


def test_a_sentence_counts_when_it_has_been_said_to_the_end():
    out = Out()
    watch = Watch(out)
    watch.says("line.says", {"line": "119", "text": "请讲"})
    assert not watch.said(Say("请讲")).is_set()
    watch.says("line.said", {"line": "119", "text": "请讲"})
    assert watch.said(Say("请讲")).is_set()
    watch.says("caller.pressed", {"keys": "9"})
    assert [line.strip().removeprefix("[dim]").removesuffix("[/dim]") for line in out.lines] == [
        "119 说: 请讲", "来电人 按键: 9",
    ]  # fmt: skip


def test_timelines_name_the_party():
    out = Out()
    moments = (Moment(1.0, "party_wanted", (("who", "entry:119"), ("by", "spoken"))),
               Moment(1.0, "party_joined", (("part", "p1"), ("who", "line.119"))))  # fmt: skip
    Watch(out).on_change(change(replace(CALL, timeline=moments)))
    assert out.lines[0].endswith("a party is wanted 119 (spoken)")
    assert out.lines[1].endswith("the party has joined 119")


# ---------------------------------------------------------------------- when it cannot be shown
@pytest.mark.parametrize(
    ("rung", "companies", "says"),
    [
        (None, [], "never reached the service"),
        (False, [], "key 9 did nothing"),
        (True, [(("seat", "s"),)], "not joined"),
        (True, [(("line", "l"),)], "no seat came"),
        (True, [(("seat", "s"),), (("line", "l"), ("seat", "s"))], "did not go on"),
        (True, [(("line", "l"),), (("line", "l"), ("seat", "s")), (("seat", "s"),)], ""),
    ],
)
def test_each_way_to_fail_is_named(site: Any, rung: bool | None, companies: list[Any], says: str) -> None:
    watch = Watch(Out())
    scene = FireScene(site, watch)
    watch.call, watch.companies = (None if rung is None else "c"), companies
    if rung:
        watch.event("line_rung").set()
    fault = scene._fault(True, False, "9")
    assert says in fault and bool(fault) == bool(says)


def test_a_cry_that_was_heard_is_not_blamed_on_the_recogniser(site: Any) -> None:
    watch = Watch(Out())
    watch.call = "c"
    assert "was heard" in FireScene(site, watch)._fault(True, True, "9")
    assert "HOTLINE_ASR_MODEL" in FireScene(site, watch)._fault(True, False, None)
    assert "nobody listens" in FireScene(site, watch)._fault(False, False, None)


async def test_a_pbx_of_ones_own_is_given_no_trunk_and_told_so(site: Any) -> None:
    settings = site.model_copy(update={"private_asterisk": False})
    with pytest.raises(ServiceError) as told:
        await demo_call(settings, Out(), stay=False, scene="fire")  # type: ignore[arg-type]
    assert "street-light" in told.value.fix
    assert not (site.var_dir / "demo").exists()


@pytest.mark.parametrize(
    ("error", "says", "cure"),
    [
        (OSError(99, "Cannot assign requested address"), "127.0.0.119", "ip address show lo"),
        (SpeechError("espeak-ng is missing"), "espeak-ng is missing", "make setup"),
        (RegistrationFailed(403), "403", "log"),
    ],
)
async def test_what_stops_the_demos_people_is_said_with_its_cure(
    site: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str, cure: str
) -> None:
    async def fails(_: object) -> None:
        raise error

    monkeypatch.setattr("demo.LinePhone.__aenter__", fails)
    with pytest.raises(ServiceError, match=says) as told:
        await demo_call(site, Out(), stay=False, scene="fire")  # type: ignore[arg-type]
    assert cure in told.value.fix


async def test_a_fault_in_the_sites_directory_names_the_sites_file(site: Any) -> None:
    path: Path = site.config_dir / "hotline.yaml"
    text = path.read_text().replace("ring: 15", "rnig: 15")
    path.unlink()
    path.write_text(text)
    async with asyncio.timeout(30):
        with pytest.raises(ConfigError, match="rnig") as told:
            await demo_call(site, Out(), stay=False, scene="fire")  # type: ignore[arg-type]
    assert str(site.config_dir) in str(told.value)
    assert "demo" not in str(told.value)
