"""The region of the matter: found when named, confirmed by the seat's read-back, None when not sure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tickets import Doubt, Draft, Gazetteer, Why

Drafted = Callable[..., Draft]


def doubts(draft: Draft, field: str = "region") -> list[Why]:
    return [one.why for one in draft.uncertain if one.field == field]


def test_every_county_is_found_by_its_full_name(gazetteer: Gazetteer, drafted: Drafted) -> None:
    for county in gazetteer.counties():
        apart = " ".join(county.name)
        for talk in (f"我 在 {county.name} 路灯 坏 了", f"我在{county.name}路灯坏了", f"{apart} 停水 了"):
            draft = drafted(talk)
            assert (draft.region, doubts(draft)) == (county.code, []), talk


def test_every_county_is_found_by_its_short_name_after_its_city(gazetteer: Gazetteer, drafted: Drafted) -> None:
    for county in gazetteer.counties():
        city = gazetteer.get(county.parent)
        assert city is not None
        draft = drafted(f"我 在 {city.short} {county.short} 被 拖欠 工资", centre="330000")
        assert draft.region == county.code, (city.short, county.short)


def test_every_county_is_found_by_its_sound(gazetteer: Gazetteer, drafted: Drafted) -> None:
    """With wrong characters of the same sound (the suffix right): the region, marked for reading back."""
    for wrong, code in [("路城区", "330302"), ("欧海区", "330304"), ("瑞按市", "330381"), ("苍男县", "330327"),
                        ("拱叔区", "330105"), ("银州区", "330212"), ("义务市", "330782"), ("廉都区", "331102")]:
        draft = drafted(f"我 在 {wrong} 停水 了")
        assert (draft.region, doubts(draft)) == (code, [Why.HOMOPHONE]), wrong


@pytest.mark.parametrize("talk", [
    "我 要 到 商 城 去 怎么 走",
    "新 建 的 是 什么 时候 开放",
    "医务 室 没有 人",
    "天台 漏水 了",
    "我 在 天台 晒 衣服",
    "买 了 三 门 课 不 退 钱",
    "路桥 公司 拖欠 工资",
    "江山 路 停水 了",
    "钱塘 江 边 有 垃圾",
    "鹿城 路 的 路灯 坏 了",
    "上海市 普陀区 的 快递 丢 了",
    "重庆 江北区 的 快递 丢 了",
    "运河 线 公交车 不 来",
])
def test_ordinary_words_are_not_taken_for_counties(drafted: Drafted, talk: str) -> None:
    draft = drafted(talk)
    assert (draft.region, doubts(draft)) == ("330300", [Why.DEFAULT])


def test_a_short_name_is_found_with_context(drafted: Drafted) -> None:
    assert drafted("我 在 鹿城 停水 了").region == "330302"
    assert drafted("鹿城 这边 停水 了", centre="330000").region == "330302"
    assert drafted("我 是 天台 人 老板 不 给 工资", centre="331000").region == "331023"


def test_the_named_county_beats_the_dialled_centre(drafted: Drafted) -> None:
    draft = drafted("我 在 义乌市 停水 了", centre="330302")
    assert (draft.region, draft.region_name) == ("330782", "浙江省金华市义乌市")


def test_nothing_named_is_the_centres_place_and_marked(drafted: Drafted) -> None:
    draft = drafted("路灯 坏 了", centre="330302")
    assert (draft.region, doubts(draft)) == ("330302", [Why.DEFAULT])
    assert "鹿城区" not in draft.title


@pytest.mark.parametrize("centre", [None, "330000", "999999", "", "鹿城区"])
def test_nothing_named_and_no_city_known_is_not_sure(drafted: Drafted, centre: str | None) -> None:
    assert drafted("路灯 坏 了", centre=centre).region is None


def test_two_counties_are_not_sure(drafted: Drafted) -> None:
    draft = drafted("鹿城区 和 龙湾区 都 停水 了")
    assert draft.region is None
    assert Doubt("region", Why.SEVERAL, "鹿城区、龙湾区") in draft.uncertain


def test_where_the_matter_is_beats_where_the_caller_is_from(drafted: Drafted) -> None:
    assert drafted("我 是 鹿城区 人", "龙湾区 的 路灯 坏 了").region == "330303"
    assert drafted("我 户口 在 永嘉县", "瓯海区 学院路 停水").region == "330304"


def test_a_denied_county_is_not_the_place(drafted: Drafted) -> None:
    assert drafted("不 是 鹿城区", "是 龙湾区 停水 了").region == "330303"


def test_the_seats_words_alone_name_no_place(drafted: Drafted) -> None:
    draft = drafted("路灯 坏 了", "S:我们 是 鹿城区 热线")
    assert (draft.region, doubts(draft)) == ("330300", [Why.DEFAULT])


def test_a_confirmed_read_back_settles_it(drafted: Drafted) -> None:
    assert doubts(drafted("路 城区 停水", "S:鹿城区 对 吗", "对 的")) == []
    draft = drafted("路灯 坏 了", "S:是 瑞安市 吗", "是 的")
    assert (draft.region, doubts(draft)) == ("330381", [])
    assert drafted("鹿城区 还是 龙湾区 我 不 清楚", "S:那 是 龙湾区", "对").region == "330303"


def test_a_denied_read_back_does_not_count(drafted: Drafted) -> None:
    draft = drafted("路 城区 停水", "S:鹿城区 吗", "不是 是 龙湾区")
    assert draft.region == "330303"
    misheard = drafted("鹿城区 停水", "S:鹿城区 对 吗", "不对")
    assert (misheard.region, doubts(misheard)) == ("330300", [Why.DEFAULT])


def test_badly_heard_is_marked(drafted: Drafted) -> None:
    assert doubts(drafted("鹿城区 停水 了", conf=0.3)) == [Why.LOW_CONFIDENCE]
    assert doubts(drafted("鹿城区 停水 了", "S:鹿城区 好 的", conf=0.3)) == []


def test_a_former_name_is_todays_county(drafted: Drafted) -> None:
    assert drafted("我 在 下城区 停电 了", centre="330100").region == "330105"
    assert drafted("洞头县 停电 了").region == "330305"
