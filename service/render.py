"""A call as lines for the terminal, Chinese first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
KINDS = {
    "consult": "咨询", "help": "求助", "complaint": "投诉", "report": "举报", "suggestion": "意见建议", "other": "其他",
}  # fmt: skip
WHAT = {
    "arrived": "来电, 交换机应答并播放问候语 · answered by the switch, greeting",
    "flow": "进入流程 · in the flow",
    "key": "按键 · key pressed",
    "waiting": "等候座席 · waits for a seat",
    "offered": "派话 · offered to seat",
    "ringing": "座席振铃 · the seat's phone rings",
    "not_taken": "未接, 保留排队次序 · not taken, the rank stays",
    "joined": "接通 · talking with seat",
    "seat_hung_up": "座席挂机 · the seat hung up",
    "seat_lost": "座席断线, 重新派话 · seat lost, back to the queue",
    "caller_left": "来电人挂机 · the caller hung up",
    "voicemail": "留言 · voicemail",
    "native_queue": "交换机自带队列接管 · the switch's own queue",
    "wrapped_up": "话后处理结束 · wrap-up done",
    "draft": "工单草稿已生成 · draft made",
    "planned": "派话方案 · plan",
    "told": "告知来电人 · the caller is told",
    "callback_asked": "改为回拨 · will be called back",
    "callback_due": "回拨开始排队 · call back in the queue",
    "callback_dropped": "回拨取消 · call back dropped",
    "dialling": "座席就绪, 拨打来电人 · seat ready, the caller is dialled",
    "caller_answered": "来电人接听 · the caller answers",
    "not_reached": "未接通 · not reached",
    "third_wanted": "请求第三方 · third party wanted",
    "third_offered": "派话给第三方 · offered to a third party",
    "third_joined": "第三方加入 · third party joins",
    "third_left": "第三方退出 · third party leaves",
    "party_wanted": "请求加入一方 · a party is wanted",
    "party_offered": "派话给所请的一方 · offered to a party",
    "line_rung": "呼叫外线 · an outside line is rung",
    "party_rings": "对方振铃 · the party's phone rings",
    "try_failed": "这条线路未接通 · this line was not reached",
    "party_failed": "未接通 · the party was not reached",
    "party_joined": "对方接通 · the party has joined",
    "party_left": "一方离开 · a party leaves",
    "party_withdrawn": "已撤回请求 · the party is not wanted any more",
    "all_joined": "各方接通 · all are joined",
    "swapped": "切换通话对象 · the seat changes sides",
    "completed": "转接完成 · transferred, the seat leaves",
    "returned": "座席回到来电人 · the seat is back with the caller",
    "held": "来电人听音乐 · the caller is on hold",
    "resumed": "恢复通话 · the talk goes on",
    "muted": "座席静音 · the seat is muted",
    "unmuted": "取消静音 · the seat is heard again",
    "left": "座席离开 · the seat leaves the talk",
    "requeued": "转到其他座席, 重新排队 · transferred by the queue",
    "referred": "话机自行转接 · transferred by the phone itself",
    "seat_left": "座席退出, 其余继续 · the seat leaves, the others talk on",
    "takes_charge": "接手通话 · takes charge of the call",
    "talk_over": "各方通话结束 · the others' talk is over",
    "context": "收到转来热线的案情 · the other hotline's context is here",
    "observer_rung": "呼叫督导话机 · the supervisor's phone is rung",
    "observer_listens": "督导旁听 · a supervisor listens",
    "observer_mode": "督导改变方式 · the supervisor changes mode",
    "observer_stops": "督导停止 · the supervisor stops",
    "observer_left": "督导退出 · the supervisor leaves",
    "assistant_rung": "呼叫领导助理 · the leader's assistant is rung",
    "assistant_listens": "助理旁听 · the assistant listens",
    "assistant_left": "助理退出 · the assistant leaves",
    "mode": "运行模式变化 · operating mode",
}
SEAT_STATES = {
    "offline": "离线", "available": "空闲", "offered": "派话中", "ringing": "振铃", "talking": "通话中",
    "wrap_up": "话后处理", "break": "小休", "rest": "强制休息",
}  # fmt: skip
MODES = {"normal": "正常", "surge": "话务高峰", "degraded": "降级运行", "disaster": "应急"}
CALLBACK_REASONS = {"lost": "线路故障中断", "queue": "排队时要求", "missed": "未接来电", "visit": "回访"}
CALLBACK_STATES = {
    "open": "待拨", "running": "正在拨", "done": "已完成", "given_up": "多次未接通", "cancelled": "已取消",
    "expired": "已过期",
}  # fmt: skip


_FIGURES = (
    ("position", "第 place", ""), ("seconds", "预计 expected", " s"), ("waited", "已等 waited", " s"),
    ("free", "可选 free", ""),
)  # fmt: skip


def shanghai(at: float | None) -> str:
    """A time as people here read it, with its date."""
    return dt.datetime.fromtimestamp(at, ZONE).strftime("%Y-%m-%d %H:%M:%S") if at is not None else "–"


def moment_line(moment: Mapping[str, Any], start: float) -> str:
    """One line of a timeline."""
    detail = moment["detail"]
    named = ("seat", "digit", "ticket", "dialled", "who", "steps", "what")
    extra = next((str(detail[k]) for k in named if detail.get(k)), "").removeprefix("line.").removeprefix("entry:")
    told = [str(detail[k]) for k in ("why", "step", "reason", "by") if detail.get(k)]
    told += [
        f"{text} {detail[key]:g}{unit}" for key, text, unit in _FIGURES if isinstance(detail.get(key), int | float)
    ]
    why = f" ({', '.join(told)})" if told else ""
    clock = dt.datetime.fromtimestamp(moment["at"], ZONE).strftime("%H:%M:%S")
    what = WHAT.get(moment["what"], moment["what"])
    return f"  {clock}  +{moment['at'] - start:6.2f} s  {what} {extra}{why}".rstrip()


def transcript_lines(transcript: Mapping[str, Any] | None) -> Iterator[str]:
    """Both sides in order of time."""
    if transcript is None:
        yield "  (没有文字 · no transcript)"
        return
    for part in transcript["segments"]:
        who = "来电人" if part["party"] == "caller" else f"座席 {part['seat'] or ''}".strip()
        yield f"  {part['start']:6.2f} s  {who}: {part['text']}  [dim]({part['confidence']:.2f})[/dim]"


def draft_lines(draft: Mapping[str, Any] | None) -> Iterator[str]:
    """The draft ticket."""
    if draft is None:
        yield "  (还没有草稿 · no draft yet)"
        return
    region = f"{draft['region_name'] or '不确定 not sure'} {draft['region'] or ''}".strip()
    yield f"  编号 number   {draft['id']}"
    yield f"  类别 kind     {KINDS.get(draft['kind'] or '', draft['kind'])} ({draft['kind']})"
    yield f"  区域 region   {region}"
    yield f"  标题 title    {draft['title']}"
    yield f"  内容 content  {draft['content']}"
    yield f"  地址 address  {draft['address'] or '–'}"
    yield f"  来电 caller   {draft['caller']['phone'] or '–'}"
    if draft["uncertain"]:
        doubts = [f"{d['field']} ({d['why']}{': ' + d['text'] if d['text'] else ''})" for d in draft["uncertain"]]
        yield f"  待核 check    {', '.join(doubts)}"


def call_lines(call: Mapping[str, Any]) -> Iterator[str]:
    """A whole call."""
    out = "  呼出 made by us" if call.get("direction") == "out" else ""
    yield f"[bold]{call['id']}[/bold]  {shanghai(call['arrived_at'])} (Asia/Shanghai)  {call['state']}{out}"
    if call.get("origin") is not None:
        yield f"  来自热线 from: {call['origin']['label']['zh']}  案件 case: {call['case'] or '–'}"
    for party in call.get("parties", ()):
        why, seat = (f" ({party['why']})" if party["why"] else ""), (f" {party['seat']}" if party["seat"] else "")
        yield f"  一方 party: {party['label']['zh']} {party['how']} {party['state']}{seat}{why}"
    yield "[bold]时间线 timeline[/bold]"
    yield from (moment_line(m, call["arrived_at"]) for m in call["timeline"])
    yield "[bold]文字 transcript[/bold]"
    yield from transcript_lines(call["transcript"])
    recording = call["recording"]
    if recording is not None:
        about = f"{recording['duration']:.1f} s, {recording['format']}, sha256 {recording['sha256'][:16]}…"
        yield f"[bold]录音 recording[/bold]  {about}"
    yield "[bold]工单草稿 draft ticket[/bold]"
    yield from draft_lines(call["draft"])
