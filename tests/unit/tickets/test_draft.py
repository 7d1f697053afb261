"""Kind, title, content, address and doubts of a draft, on talk as recognisers write it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tickets import Draft, Facts, Gazetteer, Kind, Note, Segment, Transcript, Why, Word, make_draft

Drafted = Callable[..., Draft]


def test_the_first_call(drafted: Drafted) -> None:
    draft = drafted("S:您好 请 讲", "喂 你好", "鹿城区 人民路 路灯 坏 了 请 派人 来 修", "S:好 的", "谢谢 再见")
    assert draft.kind is Kind.HELP
    assert draft.region == "330302"
    assert draft.region_name == "浙江省温州市鹿城区"
    assert draft.title == "鹿城区人民路路灯坏了"
    assert draft.content == "鹿城区人民路路灯坏了请派人来修。"
    assert draft.address == "人民路"
    assert draft.caller_number == "057712345678"
    assert draft.uncertain == ()
    assert draft.note is Note.NONE
    assert draft.made_at == 1763932131.0


@pytest.mark.parametrize(("talk", "kind"), [
    ("我 要 投诉 小区 噪音 扰民", Kind.COMPLAINT),
    ("老板 拖欠 工资 半年 了", Kind.COMPLAINT),
    ("出租车 拒载", Kind.COMPLAINT),
    ("我 要 举报 工地 违法 建筑", Kind.REPORT),
    ("楼下 有人 赌博", Kind.REPORT),
    ("请问 公积金 怎么 提取", Kind.CONSULT),
    ("我 想 咨询 一下 社保 怎么 转移", Kind.CONSULT),
    ("居住证 需要 什么 材料", Kind.CONSULT),
    ("建议 府前街 增设 公交站", Kind.SUGGESTION),
    ("小区 停水 三 天 了", Kind.HELP),
    ("井盖 丢 了", Kind.HELP),
    ("不是 投诉 我 是 咨询 一下 医保", Kind.CONSULT),
    ("我 要 投诉 请问 找 哪个 部门", Kind.COMPLAINT),
])
def test_the_kind_is_what_the_caller_wants(drafted: Drafted, talk: str, kind: Kind) -> None:
    draft = drafted(talk)
    assert (draft.kind, draft.kind.zh) == (kind, kind.zh)
    assert [one for one in draft.uncertain if one.field == "kind"] == []


def test_an_unclear_kind_is_other_and_marked(drafted: Drafted) -> None:
    draft = drafted("我 住 在 三 楼")
    assert draft.kind is Kind.OTHER
    assert ("kind", Why.WEAK) in [(one.field, one.why) for one in draft.uncertain]


def test_the_seats_words_are_not_the_callers(drafted: Drafted) -> None:
    draft = drafted("S:您 要 投诉 还是 举报", "小区 停水 了", "S:请问 怎么 称呼")
    assert draft.content == "小区停水了。"
    assert draft.kind is Kind.HELP


def test_content_keeps_order_and_drops_fillers(drafted: Drafted) -> None:
    draft = drafted(
        "嗯 那个 我 我 我 要 反映", "呃 小区 小区 停水 三 天 了", "S:好", "什么 时候 恢复", "S:会 转达", "好 的 谢谢"
    )
    assert draft.content == "我要反映。小区停水三天了。什么时候恢复？"


def test_segments_of_one_breath_are_one_sentence(gazetteer: Gazetteer) -> None:
    talk = Transcript("c", (Segment("caller", "小区 停水", 0.0, 1.0), Segment("caller", "三 天 了", 1.3, 2.0)))
    assert make_draft(talk, Facts("c"), gazetteer, 0.0).content == "小区停水，三天了。"


def test_spoken_digits_are_not_lost_as_stutter(drafted: Drafted) -> None:
    draft = drafted("我 的 电话 是 一 三 八 八 八 零 零 二十 二十 五", "路灯 坏 了")
    assert "一三八八八零零二十二十五" in draft.content


def test_latin_words_stay_apart(drafted: Drafted) -> None:
    assert drafted("hello my street lamp is broken").content == "hello my street lamp is broken。"


@pytest.mark.parametrize(("talk", "address"), [
    ("鹿城区 学院路 二十 号 三 楼", "学院路二十号三楼"),
    ("我 住 在 鹿城区 车站 大道 十五 号", "车站大道十五号"),
    ("我住在鹿城区学院路二十号", "学院路二十号"),
    ("柳市镇 车站路 五 号 停水", "柳市镇车站路五号"),
    ("龙湾区永中街道的路灯坏了", "永中街道"),
    ("路灯 坏 了", None),
    ("路面 塌陷 了", None),
    ("我们 小区 停水 了", None),
    ("我 要 投诉 小区 噪音", None),
    ("街道 办事处 不 处理", None),
])
def test_the_address_is_what_was_said_of_it(drafted: Drafted, talk: str, address: str | None) -> None:
    assert drafted(talk).address == address


def test_the_title_is_place_then_matter(drafted: Drafted) -> None:
    noisy = drafted("我 要 投诉 小区 噪音 扰民", "S:哪里", "鹿城区 学院路 二十 号")
    assert noisy.title == "鹿城区学院路二十号小区噪音扰民"
    assert drafted("你好", "我 想 咨询 一下 社保 怎么 转移").title == "社保怎么转移"
    assert drafted("我 在 瑞安市", "老板 拖欠 工资 半年 了 请 尽快 处理").title == "瑞安市老板拖欠工资半年了"


def test_a_long_story_has_a_short_title(drafted: Drafted) -> None:
    draft = drafted("鹿城区 学院路 二十 号 " + "路灯 坏 了 又 修 又 坏 了 " * 50)
    assert len(draft.title) <= 40
    assert draft.title.startswith("鹿城区学院路二十号")


def test_badly_heard_address_and_content_are_marked(drafted: Drafted) -> None:
    draft = drafted("学院路 二十 号 停水 了", conf=0.3)
    assert {one.field for one in draft.uncertain if one.why is Why.LOW_CONFIDENCE} == {"address", "content"}


def test_one_bad_word_marks_only_its_field(gazetteer: Gazetteer) -> None:
    words = (Word("鹿城区"), Word("学院路", conf=0.2), Word("停水"), Word("三"), Word("天"), Word("了"))
    talk = Transcript("c", (Segment("caller", "鹿城区 学院路 停水 三 天 了", 0.0, 2.0, 0.9, words),))
    draft = make_draft(talk, Facts("c"), gazetteer, 0.0)
    assert [(one.field, one.heard) for one in draft.uncertain] == [("address", "学院路")]


def test_no_transcript_still_gives_the_seat_a_form(gazetteer: Gazetteer) -> None:
    draft = make_draft(None, Facts("c", "057712345678", centre="330300", source="voicemail"), gazetteer, 7.0)
    assert draft.note is Note.NO_TRANSCRIPT
    assert (draft.caller_number, draft.source) == ("057712345678", "voicemail")
    assert (draft.region, draft.content) == ("330300", "")
    assert draft.title
    assert "0577" not in draft.title


@pytest.mark.parametrize("talk", [[], ["谢谢 再见"], ["S:您好 请 讲"], ["嗯 啊"]])
def test_a_silent_caller_still_gives_the_seat_a_form(drafted: Drafted, talk: list[str]) -> None:
    draft = drafted(*talk)
    assert (draft.note, draft.content) == (Note.NO_SPEECH, "")
    assert draft.title
