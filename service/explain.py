"""Why a call goes where it goes, in words: before (from the configuration) and after (from its timeline).

Pure: values in, lines out. Chinese first. No names and no numbers of people.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import routing

from .render import ZONE, shanghai

HOME_BY = {
    "flow": "流程指定 · the flow says so",
    "number": "被叫号码的归属 · the dialled number's",
    "area": "主叫区号 · the caller's area code",
    "default": "默认 · nothing else is known",
}
SHOWN_SEATS = 12
TOLD = {
    "position": "播报位置和预计等候 · told its position and expected wait",
    "callback_offer": "提供回拨 · offered a call back",
    "incident": "播报模式或已知事件 · told of the mode or a known incident",
    "voicemail": "无人在岗, 转留言 · nobody can come: voicemail",
    "nobody": "无人在岗 · nobody can come",
}


def reason(code: str, book: routing.RoutingBook | None = None) -> str:
    """A reason code (routing.Demand.why) in words."""
    name, _, value = code.partition(":")
    match name:
        case "rule":
            titles = {r.name: r.title for r in reversed(book.rules)} if book is not None else {}
            return f"规则「{titles.get(value) or value}」 · rule {value}"
        case "mode":
            mode = book.modes.get(value) if book is not None else None
            return f"运行模式「{mode.zh if mode is not None else value}」 · mode {value}"
        case "leader-day":
            return f"领导接听日, 先找座席 {value} · leader day: seat {value} first"
        case "closed":
            return f"归属中心 {value} 未开放 · home centre {value} is closed"
        case "third":
            return "第三方 (译员或专家) · a third party"
    titles = {m.name: m.title for m in book.modifiers} if book is not None else {}
    words = f"{titles.get(name) or name} · {name}"
    if value == "same-seat":
        return f"{words}: 先找原座席 · the same seat first"
    return f"{words}: 第 {value} 次 · call {value}" if value.isdigit() else words


# ---------------------------------------------------------------------- before the call
def forecast(book: routing.RoutingBook, facts: routing.Facts, mode: str) -> Iterator[str]:
    """What would happen to such a caller at `facts.now`, from the configuration alone."""
    plan = book.explain(facts, mode)
    duty = book.duty(facts.now)
    demand = plan.demand
    home = book.tree.centres.get(plan.home)
    local = routing.local_time(facts.now)
    day = book.calendar.day(local.date()) if local is not None else routing.Day(True)
    kind = "工作日 workday" if day.workday else "休息日 day off"
    about = ", ".join(x for x in (day.holiday, "暂定 provisional" if day.provisional else "") if x)
    yield f"[bold]时间 time[/bold]      {shanghai(facts.now)} (Asia/Shanghai), {kind}{f' ({about})' if about else ''}"
    yield f"[bold]归属 home[/bold]      {plan.home} {home.name if home is not None else ''} ({HOME_BY[plan.home_by]})"
    yield f"[bold]规则 rule[/bold]      {plan.rule.name}{f' {plan.rule.title}' if plan.rule.title else ''}"
    ahead = demand.priority * routing.POINT_SECONDS
    yield f"[bold]优先 priority[/bold]  {demand.priority:g} 分 = 先算等了 {ahead:g} 秒 · as if it had waited so long"
    for code in demand.why:
        yield f"  - {reason(code, book)}  [dim]{code}[/dim]"
    if plan.leader is not None:
        assistant = book.assistant_of(plan.leader.leader, facts.now)
        yield f"[bold]领导接听日 leader day[/bold]  座席 seat {plan.leader.leader}, 助理 assistant {assistant or '–'}"
    yield "[bold]步骤 steps[/bold]"
    opens = 0.0
    for n, step in enumerate(demand.steps, 1):
        fits = [s for s in book.seats.values() if s.kind != "assistant" and step.fits(s)]
        on = [s.id for s in fits if duty.get(s.id)]
        off = [s.id for s in fits if not duty.get(s.id)]
        yield f"  {n}. {_from(opens)}  {step.name}: {skills_text(step.skills, book)}"
        yield f"     在岗 on duty {len(on)}{_ids(on)}{f'; 不在岗 off duty {len(off)}{_ids(off)}' if off else ''}"
        if not on and n < len(demand.steps):
            yield "     [dim]无人在岗: 立即打开下一步 · nobody on duty: the next step opens at once[/dim]"
        opens += step.seconds or 0.0
    if plan.left_out:
        yield f"  [dim]略去 (不增加座席) · left out, they add no seat: {', '.join(plan.left_out)}[/dim]"
    if plan.closed:
        yield f"  [dim]现未开放 · closed now: {_names(plan.closed, book)}[/dim]"
    incidents = book.incidents_for(facts)
    for incident in incidents:
        yield f"[bold]已知事件 incident[/bold]  {incident.id}: {incident.zh}"
    waiting = book.waiting_rules(mode)
    said = [f"{waiting.tell_after:g} s 后播报 · first word"]
    if waiting.callback:
        said.append(f"{waiting.callback_after:g} s 后可回拨 · call back offered")
    if waiting.voicemail:
        said.append(f"无人在岗 {waiting.voicemail_after:g} s 后留言 · voicemail")
    yield f"[bold]等候 waiting[/bold]   {'; '.join(said)}"


def skills_text(skills: routing.Skills, book: routing.RoutingBook) -> str:
    """ "温州话 wenzhou-wu ≥ 3"."""
    if not skills:
        return "不限技能 any skill"
    names = ((book.skills.get(n), n, level) for n, level in skills)
    return ", ".join(f"{f'{s.zh} ' if s is not None else ''}{n} ≥ {level}" for s, n, level in names)


def _from(opens: float) -> str:
    return "立即 at once" if opens == 0 else f"{opens:g} 秒后 after {opens:g} s"


def _ids(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    return f" ({', '.join(ids[:SHOWN_SEATS])}{' …' if len(ids) > SHOWN_SEATS else ''})"


def _names(codes: Sequence[str], book: routing.RoutingBook) -> str:
    return ", ".join(f"{c} {book.tree.centres[c].name}" if c in book.tree else c for c in codes)


# ---------------------------------------------------------------------- after the call
def story(call: Mapping[str, Any], book: routing.RoutingBook | None = None) -> Iterator[str]:
    """The moments of a call that concern its way, as sentences. `call` is the API's answer."""
    start = call["arrived_at"]
    yield f"[bold]{call['id']}[/bold]  {shanghai(start)} (Asia/Shanghai)  {call['state']}"
    told_any = False
    for moment in call["timeline"]:
        for line in _moment(moment["what"], moment["detail"], book):
            told_any = True
            clock = dt.datetime.fromtimestamp(moment["at"], ZONE).strftime("%H:%M:%S")
            yield f"  {clock}  +{moment['at'] - start:6.1f} s  {line}"
    if not told_any:
        yield "  此通话没有派话记录 · nothing about routing is in this call's timeline"


def _moment(what: str, detail: Mapping[str, Any], book: routing.RoutingBook | None) -> Iterator[str]:
    seat = detail.get("seat") or "?"
    match what:
        case "planned":
            codes = str(detail.get("why", "")).split()
            yield f"定出步骤 planned: {detail.get('steps') or '–'}"
            for code in codes:
                yield f"  因为 because: {reason(code, book)}"
            if detail.get("priority"):
                yield f"  优先 priority: {detail['priority']:g} 分 points (一分抵一分钟 · a minute each)"
        case "offered" | "third_offered" | "party_offered":
            yield f"派给座席 {seat} · offered to seat {seat}{_offered(detail)}"
        case "not_taken":
            yield f"座席 {seat} 未接 ({detail.get('why', '?')}), 次序保留 · not taken by seat {seat}, the rank stays"
        case "joined":
            yield f"与座席 {seat} 接通 · joined with seat {seat}"
        case "seat_lost":
            yield f"座席 {seat} 断线, 按原次序重新排队 · seat {seat} lost: back in the queue at the old rank"
        case "told":
            kind = str(detail.get("what", ""))
            where = f", 第 {detail['position']} 位 · position {detail['position']}" if "position" in detail else ""
            wait = f", 预计 {detail['seconds']:g} 秒 · expected {detail['seconds']:g} s" if "seconds" in detail else ""
            yield f"{TOLD.get(kind, kind or '播报 · told')}{where}{wait}{_codes(detail)}"
        case "callback_asked":
            yield "要求回拨, 次序保留 · asked to be called back, the rank stays"
        case "third_wanted":
            yield "请求译员或专家加入 · an interpreter or expert is wanted"
        case "third_joined":
            yield f"座席 {seat} 作为第三方加入 · seat {seat} joined as a third party"
        case "party_wanted":
            yield f"请求 {detail.get('who') or '?'} 加入 ({detail.get('how') or '?'}) · wanted in the call"
        case "party_joined":
            yield f"{detail.get('who') or '?'} 接通 · has joined"
        case "party_failed":
            yield f"{detail.get('who') or '?'} 未接通 ({detail.get('why') or '?'}) · was not reached"
        case "requeued":
            yield f"座席 {seat} 转给 {detail.get('who') or '?'}, 次序保留 · transferred by the queue, the rank stays"
        case "voicemail":
            yield "转留言 · voicemail"
        case "native_queue":
            yield "服务无应答, 交换机自带队列接管 · the service was silent: the switch's own queue"
        case "assistant_listens":
            yield f"助理座席 {seat} 旁听 · assistant seat {seat} listens"


def _offered(detail: Mapping[str, Any]) -> str:
    parts = []
    if detail.get("step"):
        level = detail.get("level")
        parts.append(f"步骤 step {level + 1 if isinstance(level, int) else ''}「{detail['step']}」")
    if isinstance(detail.get("waited"), int | float):
        parts.append(f"等了 waited {detail['waited']:.1f} s")
    if detail.get("free"):
        parts.append(f"可选空闲座席 free seats that fit {detail['free']}")
    if detail.get("kept"):
        parts.append(f"为稀缺技能留出 kept for scarce skills {detail['kept']}")
    if detail.get("passed"):
        parts.append(f"越过排在前面的 callers passed {detail['passed']}")
    return f" ({'; '.join(parts)})" if parts else ""


def _codes(detail: Mapping[str, Any]) -> str:
    return f" ({detail['why']})" if detail.get("why") else ""
