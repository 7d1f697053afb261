"""Fast or general (Art. 12, 15): what is out, broken or going on now is fast; what must be looked into is general."""

# ruff: noqa: E501 - tables of words
from __future__ import annotations

import re
from collections.abc import Sequence

from ._catalogue import Found, Handling
from ._heard import CALLER, Line
from ._model import Draft, Kind

_OUT = re.compile(
    r"停水|停电|停气|断水|断电|断网|(?:没|没有|无)(?:自来)?(?:水(?!表|费|准|平)|电(?!梯|话|视|瓶|动|工|子)|气(?!味|象)|网(?!约|购|点)|信号)(?!费)|[水莱来]水?没有|信号(?:都)?(?:没|断)|(?:宽带|网络?|电话)[^，。]{0,4}断|水管[^，。]{0,8}(?:爆|破|裂|断)|爆管|(?:水|自来水)[^，。]{0,8}(?:黄的?|发黄|浑|有味|发臭|黑的)|电梯[^，。]{0,8}(?:坏|不动|停了|停运|不能用|故障)|(?:红绿灯|信号灯)[^，。]{0,10}(?:坏|不亮|不动|灭|黑)"
    r"|用不了[^，。]{0,6}(?:没有?气|打不着)|把我家水停|水停了|电停了|\b(?:no (?:water|power|electricity|gas|signal|internet)|power (?:cut|outage)|water (?:is )?(?:cut off|off|yellow|brown)|burst|(?:elevator|lift) (?:is )?(?:broken|out|not working|stopped)|traffic lights? (?:is|are)? ?(?:out|broken|not working))\b",
    re.IGNORECASE,
)
_BROKEN = re.compile(
    r"(?:路灯|街灯|灯)[^，。]{0,12}(?:不亮|坏|黑|灭|一闪|倒)|(?:井盖|窨井|阴井)[^，。]{0,10}(?:没|丢|破|坏|翘|松|不见|塌|掉|响|碎|裂|偷|开)|(?:路|地|马路|路面|街)[^，。]{0,10}(?:坑|塌|陷|洞|裂|凹|拱)|坑(?!人)[^，。]{0,8}(?:填|摔|车|大|深)|(?:护栏|栏杆|隔离栏)[^，。]{0,8}(?:断|坏|掉|倒|歪|缺|撞)|(?:树|树枝|大树)[^，。]{0,10}(?:倒|断|压|掉|砸)|(?:电线|电缆|线缆|光缆|电线杆|线)[^，。]{0,8}(?:掉|垂|挂|断|倒|耷)|(?:墙|瓷砖|墙皮|外墙|广告牌|招牌)[^，。]{0,8}(?:掉|脱落|要倒|裂|松|歪|砸)|(?:房|楼|屋)[^，。]{0,8}(?:要塌|要倒|快塌)|(?:石头|山石|沙子|油|玻璃|钉子|水泥)[^，。]{0,14}(?:路|地上|挡|没人扫|一大[堆片])|(?:路|地上)[^，。]{0,6}(?:一大?[片堆滩]|都是|全是)[^，。]{0,3}(?:油|玻璃|石|沙|泥)|积水|结冰|内涝|淹(?!死)|(?:污水|化粪池|下水道|粪水|窨井水|阴沟)[^，。]{0,10}(?:满|冒|溢|堵|流|外|翻)|死(?:猪|狗|猫|鸡|鸭|老鼠)|(?:垃圾|垃圾桶)[^，。]{0,14}(?:没人|满|没清|不清|没收|没来|堆(?:了|成|在|着)|不运|溢)|野狗|流浪狗|流浪犬|马蜂|蜂窝|胡蜂|野猪|(?:有|条|爬)[^，。]{0,5}蛇|鸡瘟|猪瘟|一夜死了"
    r"|(?:消防通道|安全出口|逃生通道|消防门|安全通道|疏散通道|生命通道)[^，。]{0,14}(?:占|堵|锁|堆|停|封|挡)|(?:占|堵|锁|堆|停|封|挡)[^，。]{0,8}(?:消防通道|安全出口|逃生通道|消防门|生命通道)|(?:电瓶车|电动车|电动|电冻车)[^，。]{0,12}(?:楼道|上楼|楼里|电梯|家里充)|(?:楼道|楼梯|家里)[^，。]{0,10}(?:充电|电瓶车|电动车)|飞线"
    r"|\b(?:(?:street ?lights?|street ?lamps?|lights)[^.]{0,24}(?:broken|out|not working|off)|pothole|manhole[^.]{0,12}(?:missing|broken|open)|stray dogs?|garbage[^.]{0,20}(?:not|overflow|piled)|rubbish[^.]{0,20}(?:not|overflow|piled)|flooded|sewage|fire (?:exit|lane|escape)[^.]{0,16}(?:blocked|locked)|tree (?:fell|has fallen|is down)|fallen tree)\b",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"(?:现在|到现在|这会儿?|这时候|此刻|半夜了|都[十一二三四五六七八九两\d]+点(?:半)?(?:多)?了)[^，。]{0,8}(?:还在|在|有[辆个人]|正|放|停着|横|堵)|还在(?:放|打|吵|施工|倒|烧|响|唱|跳|敲|排|炒|装|钻)|正在|这会儿|刚刚|横在|\b(?:right now|at this moment|still (?:going|drilling|playing|working|burning)|just now|currently)\b",
    re.IGNORECASE,
)
_MOVE_CAR = re.compile(r"挪(?:一下|下|个)?(?:一下)?车|挪走|移车|堵(?:住|在)[^，。]{0,6}(?:出不[来去]|门口|车库)|出不[来去]")
_HABIT = re.compile(r"天天|每天|每晚|好几个月|长期|一直|经常|上个?(?:礼拜|星期|周|月)|几年|半年|每个?周|每到|老是|总是")
_MONEY_MATTER = re.compile(r"(?:多少钱|收费|退钱|退款|电费|水费|话费|费用|赔偿|补偿|报销|合同|态度|开通费|什么时候通|能不能装|希望装|新装|报装|开户)")
_MISSING = re.compile(r"(?:没有|没装|缺)(?:一?[个盏])?(?:路灯|红绿灯|护栏|井盖的)|(?:装|增设|加装|安装)(?:几|一|点|个|盏)")


def handling_of(lines: Sequence[Line], draft: Draft, found: Found | None) -> Handling | None:
    """How the matter is to be handled; None when nothing is known of it."""
    if draft.emergency is not None:
        return Handling.FAST
    if draft.channel is not None or draft.kind is Kind.SUGGESTION:
        return Handling.GENERAL
    text = "\n".join(line.text for line in lines if line.party == CALLER)
    out, broken = _OUT.search(text) is not None, _BROKEN.search(text) is not None
    if draft.kind is Kind.CONSULT:
        return Handling.FAST if out and not _MONEY_MATTER.search(text) else Handling.GENERAL
    if out and not (draft.kind is not Kind.HELP and _MONEY_MATTER.search(text)):
        return Handling.FAST
    if broken and not _MISSING.search(text):
        return Handling.FAST
    fitting = found is not None and found.entry.handling is Handling.FAST
    if draft.kind is Kind.HELP and (_MOVE_CAR.search(text) or (fitting and not _MONEY_MATTER.search(text))):
        return Handling.FAST
    if draft.kind in (Kind.COMPLAINT, Kind.REPORT) and _NOW.search(text) and fitting and not _HABIT.search(text):
        return Handling.FAST
    return None if draft.kind is Kind.OTHER and found is None else Handling.GENERAL
