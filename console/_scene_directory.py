"""The directory of the furnished desk: entries that lead somewhere (loopback parties) and entries that do not."""

from __future__ import annotations

from typing import Any

from ._schema import Party, Target, Text2
from ._schema_parties import Directory, DirectoryEntry, Matter


def an_interpreter(since: float, **changes: Any) -> Party:
    """A Japanese interpreter who rings at seat 8010, asked for by seat 8002."""
    party = Party(
        id="p1", how="join", state="ringing", target=Target(kind="skill", id="ja"),
        label=Text2(zh="日语", en="Japanese"), since=since, seat="8010", asked_by="8002",
    )  # fmt: skip
    return party.model_copy(update=changes)


def _takes(zh: str, en: str, *codes: str) -> Matter:
    return Matter(text=Text2(zh=zh, en=en), codes=list(codes))


def _not(zh: str, en: str, other: str | None = None) -> Matter:
    return Matter(text=Text2(zh=zh, en=en), takes=False, other=other)


def some_directory() -> Directory:
    """Emergency lines (one of them without a line), hotlines, utilities, centres and a unit that is closed."""
    rows: list[tuple[str, str, str, str, list[str], dict[str, Any]]] = [
        ("110", "emergency", "公安报警", "Police", ["110"], {
            "digit": "9", "tries": 3, "fallback": "110-backup",
            "matters": [_takes("正在发生的违法犯罪、危及人身安全", "Crime going on, danger to life"),
                        _takes("人员走失", "Missing persons"),
                        _not("噪声、邻里纠纷等非警务求助", "Noise, neighbours and other matters without danger")]}),
        ("119", "emergency", "消防救援", "Fire and rescue", ["119"], {"tries": 1}),
        ("120", "emergency", "医疗急救", "Ambulance", ["120"], {"tries": 2, "fallback": "110"}),
        ("122", "emergency", "道路交通事故", "Traffic accidents", ["122"], {"enabled": False, "reason": "no-trunk"}),
        ("110-backup", "emergency", "公安报警备用线", "Police, second line", ["110"], {"tries": 1}),
        ("shanghai-12345", "hotline", "上海12345", "Shanghai 12345", ["02112345"], {
            "tries": 1, "context": True, "region": "310000"}),
        ("suzhou-12345", "hotline", "苏州12345", "Suzhou 12345", ["051212345"], {
            "enabled": False, "reason": "no-trunk", "region": "320500"}),
        ("12348", "social", "公共法律服务", "Legal aid", ["12348"], {"tries": 1}),
        ("12356", "social", "心理援助", "Mental health support", ["12356"], {"enabled": False, "reason": "no-trunk"}),
        ("wenzhou-water", "utility", "温州供水", "Wenzhou Water", ["96390"], {
            "tries": 1, "region": "330300", "matters": [_takes("停水、水压低、水管爆裂", "No water, burst pipes"),
                                                         _not("水价政策", "Prices", "wenzhou-prices")]}),
        ("95598", "utility", "国家电网", "State Grid", ["95598"], {"enabled": False, "reason": "no-trunk"}),
        ("12360", "centre", "海关热线", "Customs", ["12360"], {"tries": 1, "context": True}),
        ("lucheng-lamps", "unit", "鹿城区路灯管理所", "Lucheng street lamps", ["88120000"], {
            "enabled": False, "reason": "closed", "open": False, "region": "330302", "tries": 1}),
    ]  # fmt: skip
    return Directory(
        numbers=True,
        items=[
            DirectoryEntry(
                id=entry, kind=kind, name=Text2(zh=zh, en=en), numbers=numbers,
                **{"enabled": True, "open": True, "emergency": kind == "emergency", **more},
            )
            for entry, kind, zh, en, numbers, more in rows
        ],
    )  # fmt: skip
