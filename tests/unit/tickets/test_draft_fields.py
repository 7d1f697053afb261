"""What a draft knows besides its words: emergencies, channels, numbers, sums, the caller, due dates, repeats."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from routing import WorkCalendar
from tickets import (
    Catalogue,
    Draft,
    Earlier,
    Facts,
    Gazetteer,
    Guide,
    TranscriptError,
    Why,
    draft_json,
    find_repeats,
    make_draft,
    read_talk,
)

CONFIG = Path(__file__).resolve().parents[3] / "config"
PLACES = Gazetteer.load(CONFIG / "regions.yaml")
CALENDAR = WorkCalendar(
    {date(2026, 10, day): "国庆节" for day in range(1, 8)}, {date(2026, 10, 10): "国庆节"}, frozenset({2026})
)
GUIDE = Guide(Catalogue.load(CONFIG / "catalogue.yaml"), CALENDAR)


def drafted(text: str, number: str = "", at: str = "2026-09-30T10:00:00+08:00") -> Draft:
    facts = Facts("t", caller_number=number)
    return make_draft(read_talk(text), facts, PLACES, datetime.fromisoformat(at).timestamp(), GUIDE)


@pytest.mark.parametrize(("said", "line"), [
    ("楼下着火了快来人", "119"), ("我被关在电梯里出不来", "119"), ("小孩掉河里了", "119"), ("家里煤气味道很重", "119"),
    ("有人拿刀在追人", "110"), ("我不想活了", "110"), ("我奶奶老年痴呆早上出门到现在没回来", "110"),
    ("我妈晕倒了没有呼吸", "120"), ("前面两辆车撞了", "122"), ("we are stuck in the elevator", "119"),
    ("my husband collapsed and is not responding", "120"), ("体育馆比赛有人晕倒了没有呼吸快来", "120"),
])
def test_an_emergency_is_heard(said: str, line: str) -> None:
    assert drafted(said).emergency == line


@pytest.mark.parametrize("said", [
    "我不是要报警我就是问问", "去年我们这里着过火", "听说有人跳楼是不是真的", "万一着火怎么办", "气死我了",
    "火锅店太吵",
    "消防通道被车占了", "田里在烧秸秆烟很大", "宽带卡得想跳楼", "there was a fire last year", "家里没着火",
])
def test_what_is_denied_over_heard_of_or_a_figure_of_speech_is_none(said: str) -> None:
    assert drafted(said).emergency is None


@pytest.mark.parametrize(("said", "channel"), [
    ("我要申请劳动仲裁", "arbitration"), ("法院判决下来了不执行", "litigation"), ("村书记贪污征地款", "discipline"),
    ("对这个处罚决定不服想申请行政复议", "reconsideration"), ("我要申请政府信息公开", "disclosure"),
    ("信访答复我不满意", "petition"), ("我不想打官司", None), ("法院门口路灯坏了", None), ("老板拖欠工资", None),
])
def test_the_lawful_channel(said: str, channel: str | None) -> None:
    assert drafted(said).channel == channel


@pytest.mark.parametrize(("said", "number"), [
    ("我电话幺三八零零幺三八零零零", "13800138000"),
    ("我的号码是一三八 零零一三 不对 零零一四 八零零零", "13800148000"),
    ("电话幺三八零零幺三八零零零不对是幺三九零零幺三八零零零", "13900138000"),
    ("座席: 您的电话\n来电人: 一三八三个零\n座席: 嗯\n来电人: 幺三八零零", "13800013800"),
    ("座机零五七七八八九九七七六六", "057788997766"),
    ("my number is one three eight double zero one three eight triple zero", "13800138000"),
    ("老板的电话是幺三八零零幺三八零零零", "057700000000"),
    ("就打这个号码", "057700000000"),
])
def test_the_number_to_call_back(said: str, number: str) -> None:
    assert drafted(said, "057700000000").phone == number


def test_a_broken_off_number_is_marked_and_the_callers_own_stands() -> None:
    draft = drafted("我的电话是幺三八零零幺三", "057700000000")
    assert draft.phone == "057700000000"
    assert [one.why for one in draft.uncertain if one.field == "caller.phone"] == [Why.INCOMPLETE]


@pytest.mark.parametrize(("said", "yuan"), [
    ("欠我一千四百块", (1400,)), ("七十块钱", (70,)), ("三万五", (35000,)), ("押金1.2万元", (12000,)),
    ("一块二一度电", (1.2,)),
    ("一万四不对是一万三千四", (13400,)), ("二十几块", ()), ("三百米", ()), ("千万不要说出去", ()),
    ("two hundred yuan", (200,)),
])
def test_sums_of_money(said: str, yuan: tuple[float, ...]) -> None:
    draft = drafted(said)
    assert draft.amounts == yuan
    assert sum(one.why is Why.AMOUNT for one in draft.uncertain) == len(yuan)


@pytest.mark.parametrize(("said", "surname"), [
    ("我姓王", "王"), ("免贵姓欧阳", "欧阳"), ("我姓王不对姓黄", "黄"), ("弓长张姓张", "张"), ("老板姓陈", None),
    ("座席: 您贵姓\n来电人: 古月胡", "胡"), ("my name is sarah brown", "Brown"),
])
def test_the_callers_surname(said: str, surname: str | None) -> None:
    assert drafted(said).surname == surname


@pytest.mark.parametrize(("said", "handling", "due"), [
    ("鹿城区学院路路灯坏了", "fast", "2026-10-10"),
    ("鹿城区老板拖欠工资半年了", "general", "2026-10-15"),
])
def test_due_dates_count_working_days_from_registration(said: str, handling: str, due: str) -> None:
    draft = drafted(said)
    assert (draft.handling, draft.due) == (handling, due)


def test_a_due_date_beyond_the_published_years_is_marked() -> None:
    draft = drafted("路灯坏了", at="2026-12-31T10:00:00+08:00")
    assert draft.due == "2027-01-05"
    assert Why.PROVISIONAL in {one.why for one in draft.uncertain}


def test_wishes_and_repeats_the_caller_tells_of() -> None:
    draft = drafted("我上个礼拜打过电话投诉了请保密赶紧来处理")
    assert (draft.again, draft.secret, draft.urgent) == (True, True, True)
    assert not drafted("我跟物业反映过好几次").again


def test_an_earlier_ticket_of_the_same_facts_is_shown_with_its_likeness() -> None:
    draft = drafted("鹿城区学院路二十号路灯坏了")
    same = Earlier("1", "confirmed", "鹿城区学院路二十号的路灯坏了。", "330302", "P405")
    other = Earlier("2", "draft", "公积金怎么提取？", "330302", "P422")
    found = find_repeats(draft, [other, same])
    assert [(one.ticket, one.status) for one in found] == [("1", "confirmed")]
    assert found[0].likeness > 0.8


def test_the_json_has_exactly_the_agreed_keys() -> None:
    assert list(draft_json(drafted("我姓王路灯坏了"))) == [
        "kind", "title", "content", "region", "address", "emergency", "lawful_channel", "handling", "due", "unit",
        "catalogue", "caller", "amounts", "language", "repeat", "uncertain",
    ]


@pytest.mark.parametrize("text", ["", " \n ", "来电人:\n座席: ", "a\x00b"])
def test_a_text_without_words_is_an_error(text: str) -> None:
    with pytest.raises(TranscriptError):
        read_talk(text)
