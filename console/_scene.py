"""A furnished :class:`console.testing.FakeDesk`: one of every state, to look at and test the page."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from ._scene_directory import an_interpreter, some_directory
from ._scene_floor import furnish_floor
from ._schema import (
    Call,
    Caller,
    CallState,
    Doubt,
    Draft,
    DraftCaller,
    EarlierCall,
    Leg,
    Moment,
    Probe,
    Recording,
    Region,
    Segment,
    Transcript,
    Word,
)

if TYPE_CHECKING:
    from .testing import FakeDesk

RATE = 8000
LUCHENG = Region(code="330302", name="温州市鹿城区", why="number")
TALK = (
    ("seat", 1.2, "您好 12345 热线 请问 有 什么 可以 帮您", 1.0),
    ("caller", 5.4, "你好 我 反映 一下 鹿城区 五马街 那边 的 路灯 坏了", 0.97),
    ("caller", 11.0, "晚上 很 黑 老人 走路 不 安全 上周 还 摔了 一 个", 0.9),
    ("seat", 17.8, "好的 请问 具体 在 哪个 位置", 1.0),
    ("caller", 21.3, "就 在 府学巷 口子 上 一共 坏了 四 盏", 0.55),
    ("seat", 27.0, "府学巷 口 四 盏 路灯 不亮 我 为您 登记 一 张 工单 三 个 工作日 内 答复 您", 0.98),
    ("caller", 35.6, "好的 谢谢", 0.99),
)


def a_call(call_id: str, state: CallState, arrived: float, **more: Any) -> Call:
    """A plausible call of one caller; ``more`` replaces any field (``number``, ``name``, ``region`` too)."""
    caller = Caller(
        number=more.pop("number", "13858801234"),
        name=more.pop("name", None),
        region=more.pop("region", LUCHENG),
    )
    seat = more.get("seat")
    legs = [
        Leg(
            id=call_id,
            kind="caller",
            who=caller.number,
            state="up",
            started_at=arrived,
            answered_at=arrived + 0.2,
        )
    ]
    timeline = [
        Moment(at=arrived, what="arrived", detail={"dialled": "12345"}),
        Moment(at=arrived + 0.2, what="answered"),
        Moment(at=arrived + 8, what="waiting"),
        Moment(
            at=arrived + 8, what="planned",
            detail={
                "why": "rule:wenzhou repeat:2", "priority": 2,
                "steps": "wenzhou-wu 3 @home 330302 (10 s) → putonghua @city (10 s) → putonghua @province",
            },
        ),
    ]  # fmt: skip
    if seat is not None:
        legs.append(Leg(id=f"{call_id}-s", kind="seat", who=seat, state="ringing", started_at=arrived + 9))
        if state in ("wrap_up", "ended"):
            told: dict[str, Any] = {"what": "position", "position": 3, "seconds": 45, "waited": 0.5}
            timeline.append(Moment(at=arrived + 8.5, what="told", detail=told))
        offered: dict[str, Any] = {
            "seat": seat, "level": 1, "step": "putonghua @city", "waited": 11.2, "free": 3, "kept": 1, "passed": 0,
        }  # fmt: skip
        timeline.append(Moment(at=arrived + 9, what="offered", detail=offered))
    if state in ("talking", "wrap_up", "ended") and seat is not None:
        legs = [
            leg.model_copy(update={"state": "joined", "answered_at": arrived + 12, "joined_at": arrived + 12})
            for leg in legs
        ]
        timeline += [Moment(at=arrived + 12, what="joined", detail={"seat": seat})]
        more.setdefault("joined_at", arrived + 12)
    if state in ("wrap_up", "ended"):
        ended = more.setdefault("ended_at", arrived + 52)
        legs = [leg.model_copy(update={"state": "ended", "ended_at": ended, "cause": "normal"}) for leg in legs]
        timeline.append(Moment(at=ended, what="hung_up", detail={"by": "caller"}))
    fields: dict[str, Any] = {
        "answered_at": arrived + 0.2,
        "dialled": "12345",
        "legs": legs,
        "timeline": timeline,
    }
    return Call(id=call_id, state=state, caller=caller, arrived_at=arrived, **{**fields, **more})


def a_transcript(call_id: str) -> Transcript:
    """The street-lamp call, with a few words heard unclearly."""
    segments = []
    for party, start, text, sure in TALK:
        words, at = [], start
        for place, word in enumerate(text.split()):
            long = 0.22 * len(word) + 0.05
            conf = sure if sure > 0.6 else (0.41 if place in (2, 8) else 0.88)
            words.append(Word(word=word, start=round(at, 2), end=round(at + long, 2), conf=conf))
            at += long
        mean = sum(word.conf for word in words) / len(words)
        segments.append(
            Segment(party="caller" if party == "caller" else "seat", seat="8003" if party == "seat" else None,
                    start=start, end=round(at, 2), text=text.replace(" ", ""), confidence=round(mean, 2),
                    words=words)
        )  # fmt: skip
    return Transcript(call=call_id, model="hotline-cn-small", duration=40.0, segments=segments)


def a_recording(call_id: str, folder: Path) -> tuple[Recording, Path]:
    """Forty seconds of two hums, one per party, where the transcript says they speak."""
    time = np.arange(40 * RATE) / RATE
    sound = np.zeros((len(time), 2), np.float32)
    for party, start, text, _ in TALK:
        spoken = (time >= start) & (time < start + 0.22 * len(text))
        sound[spoken, 0 if party == "caller" else 1] = 0.1 * np.sin(
            time[spoken] * (1400 if party == "caller" else 1000)
        )
    path = folder / f"{call_id}.flac"
    soundfile.write(path, sound, RATE, format="FLAC", subtype="PCM_16")
    raw = path.read_bytes()
    manifest = Recording(
        audio=f"/api/v1/recordings/{call_id}/audio", duration=40.0, rate=RATE, channels=2, size=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
    )  # fmt: skip
    return manifest, path


def a_draft(draft_id: str, call: Call, created: float, **more: Any) -> Draft:
    """The street-lamp draft of ``call``."""
    fields: dict[str, Any] = {
        "kind": "help", "title": "鹿城区五马街府学巷口路灯损坏",
        "content": "来电人反映：鹿城区五马街府学巷口四盏路灯不亮，夜间行走不安全，上周有老人摔倒，"
                   "要求尽快修复。",
        "region": "330302", "region_name": "温州市鹿城区", "address": "五马街府学巷口", "handling": "fast",
        "due": created + 3 * 86400, "unit": "鹿城区综合行政执法局", "catalogue": "城市管理 / 市政设施 / 路灯",
        "uncertain": [Doubt(field="address", text="府学巷", why="low-confidence")],
    }  # fmt: skip
    caller = DraftCaller(name=call.caller.name, phone=call.caller.number)
    return Draft(
        id=draft_id, call=call.id, seat=call.seat, caller=caller, created_at=created, updated_at=created,
        **{**fields, **more},
    )  # fmt: skip


def furnish(desk: FakeDesk, folder: Path, now: float | None = None) -> None:
    """Fill ``desk`` with seats, calls in every state, drafts and health; recordings go to ``folder``."""
    now = desk.clock() if now is None else now
    yueqing = Region(code="330382", name="温州市乐清市", why="number")
    recording, path = a_recording("demo-1.4", folder)
    wrap = a_call("demo-1.4", "wrap_up", now - 77, seat="8003", outcome="served", name="李秀英")
    wrap = wrap.model_copy(
        update={
            "recording": recording, "transcript": a_transcript(wrap.id),
            "draft": a_draft("d-1004", wrap, now - 10),
            "earlier": [
                EarlierCall(id="demo-1.1", at=now - 86400 * 3, outcome="served", title="咨询居住证办理")
            ],
        }
    )  # fmt: skip
    calls = [
        wrap,
        a_call(
            "demo-1.5",
            "talking",
            now - 163,
            seat="8002",
            number="13705771122",
            region=yueqing,
            parties=[an_interpreter(now - 12)],
        ),
        a_call("demo-1.6", "talking", now - 76, seat="8005", number="057788990011"),
        a_call("demo-1.7", "offered", now - 14, seat="8007", number="15967761234", region=yueqing),
        a_call("demo-1.8", "waiting", now - 9, number="18857712345"),
        a_call("demo-1.9", "waiting", now - 6, number=None, region=None),
        a_call("demo-1.10", "in_flow", now - 3, number="13587654321"),
    ]
    due = a_call("demo-1.11", "due", now - 240, number="13616778899", direction="out", callback="cb-1002")
    calls.append(
        due.model_copy(
            update={
                "legs": [],
                "answered_at": None,
                "timeline": [
                    Moment(at=now - 240, what="callback_due", detail={"reason": "queue", "origin": "demo-0.8"}),
                    due.timeline[3],
                ],
            }
        )
    )
    outcomes = (
        ("served", "8001"),
        ("abandoned", None),
        ("served", "8004"),
        ("voicemail", None),
        ("served", "8002"),
    )
    for place, (outcome, served) in enumerate(outcomes):
        start = now - 600 - 530 * place
        calls.append(
            a_call(
                f"demo-0.{9 - place}",
                "ended",
                start,
                seat=served,
                outcome=outcome,
                number=f"1385770{4511 + 37 * place}",
            )
        )
    old = a_call("demo-1.1", "ended", now - 86400 * 3, seat="8001", outcome="served", name="李秀英")
    recording, old_path = a_recording("demo-1.1", folder)
    calls.append(old.model_copy(update={"transcript": a_transcript(old.id), "recording": recording}))
    desk.recordings.update({wrap.id: path, old.id: old_path})
    for call in calls:
        desk.keep(call)
    furnish_floor(desk, now)
    desk.book = some_directory()
    assert wrap.draft is not None
    desk.keep(wrap.draft)
    desk.keep(
        a_draft("d-1003", calls[7], now - 560, kind="consult", title="社保卡补办需要带哪些材料", handling=None,
                content="来电人咨询：社保卡遗失后补办需要的材料和办理地点，已当场答复。", unit=None,
                catalogue=None, due=None, address=None, uncertain=[])
    )  # fmt: skip
    for part in ("ami", "redis", "store"):
        desk.keep(Probe(part=part, ok=True, since=now - 9000))
    desk.keep(Probe(part="recogniser", ok=True, needed=False, since=now - 9000))


async def ring(desk: FakeDesk, seat_id: str, call_id: str = "demo-2.1") -> None:
    """Offer a new call to ``seat_id``: what the screen pop waits for."""
    now = desk.clock()
    call = a_call(
        call_id, "offered", now - 9, seat=seat_id, number="13806881234", name="李秀英",
        earlier=[
            EarlierCall(id="demo-1.1", at=now - 86400 * 3, outcome="served", title="咨询居住证办理"),
            EarlierCall(id="demo-0.9", at=now - 86400 * 40, outcome="abandoned"),
        ],
    )  # fmt: skip
    seat = next(seat for seat in await desk.seats() if seat.id == seat_id)
    fields = {"state": "ringing", "since": now, "deadline": now + 15, "call": call_id, "reason": None}
    await desk.put(call, seat.model_copy(update=fields))
