"""What the caller wants: 咨询, 求助, 投诉, 举报, 意见建议. Words as a table, so that it can be read and argued with.

A declaration ("我要投诉…") outweighs every other word; the earlier words of a call count as much as later ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ._heard import CALLER, Line
from ._model import Doubt, Kind, Why

_DECLARED = 8
_STRONG = 3
_PLAIN = 2
_FAINT = 1

# (weight, words): each word counts once per call
_SIGNS: Mapping[Kind, Sequence[tuple[int, str]]] = MappingProxyType({
    Kind.REPORT: (
        (_STRONG, "举报|偷排|乱排|无证|赌博|传销|卖淫|假冒伪劣|偷税|漏税|非法"),
        (_STRONG, "违法建筑|违章建筑|违建|盗采|套取|骗保"),
    ),
    Kind.COMPLAINT: (
        (_STRONG, "投诉|扰民|拖欠|欠薪|乱收费|拒载|不作为|虚假宣传|不签合同|不交社保"),
        (_STRONG, "态度[很太特别]*(?:差|不好|恶劣)|不满意|推诿|踢皮球|太吵|噪音|油烟|臭味|异味"),
        (_PLAIN, "不退|不赔|不卫生|占道|违章停车|违停|占用|被占|没人管|不处理|不归他们管"),
        (_PLAIN, "没有结果|押金|欺骗|被.{0,8}骗|没人清理|随便开除|不来|不给|欠"),
    ),
    Kind.HELP: (
        (_STRONG, "求助|帮帮|帮忙|坏了|停水|停电|停气|断网|漏水|爆了|塌陷|堵了|堵住|丢了|倒了"),
        (_STRONG, "走失|摔伤|着火|打架|不亮|断了|裂了|被困|积水"),
        (_PLAIN, "派人|来修|维修|抢修|没人修|恢复|救助|低保|困难"),
        (_FAINT, "预约|修"),
    ),
    Kind.CONSULT: (
        (_STRONG, "咨询|请问|问一下|问下|问问|想了解|想知道|需要什么|哪个部门"),
        (_STRONG, "怎么(?:办理|提取|查询|转移|补办|申请|缴|交|领|报|弄|办)"),
        (_PLAIN, "如何|多久|在哪|哪里办|能代办|可以.{0,10}吗|能.{0,10}吗|是不是"),
        (_PLAIN, "什么时候到账|电话是多少|号码是多少|查询|进度|政策|条件|材料"),
        (_FAINT, "怎么|多少|什么时候|吗$"),
    ),
    Kind.SUGGESTION: (
        (_STRONG, "建议|意见|能不能(?:增加|增设|加装|多设)"),
        (_STRONG, "希望(?:能|可以)?(?:增加|增设|加装|开通|延长)"),
        (_FAINT, "增设|加装|应该"),
    ),
})

_NAMES = {"咨询": Kind.CONSULT, "求助": Kind.HELP, "投诉": Kind.COMPLAINT, "举报": Kind.REPORT,
          "建议": Kind.SUGGESTION, "提意见": Kind.SUGGESTION}
_DECLARING = re.compile(
    r"(?:我|我们|来)?(?:是|就是|打电话)?(?:想要|想|要|来|准备)(?:再|再次|继续|实名|向你们|跟你们)?(?:给你们)?"
    r"(咨询|求助|投诉|举报|建议|提意见)|(?:我|我们)(?:是来|是|来)?(咨询|求助|投诉|举报|建议)(?!的结果|没)"
)
_NOT = re.compile(r"(?:不是|不想|不要|没有|没|不)(?:来|要|想)?$")
_COMPILED = {
    kind: [(weight, re.compile(words)) for weight, words in rows] for kind, rows in _SIGNS.items()
}
# at a tie the kind that is handled with more care comes first
_ORDER = (Kind.REPORT, Kind.COMPLAINT, Kind.HELP, Kind.SUGGESTION, Kind.CONSULT)


def kind_of(lines: Sequence[Line], typical: Kind | None = None) -> tuple[Kind, tuple[Doubt, ...]]:
    """The kind of what the caller says, and the doubt about it.

    `typical` is what most callers with this matter want (the catalogue's); it weighs like one plain word.
    """
    spoken = [line for line in lines if line.party == CALLER]
    scores = dict.fromkeys(_ORDER, 0)
    for kind in _declared(spoken):
        scores[kind] += _DECLARED
    for kind, rows in _COMPILED.items():
        for weight, words in rows:
            scores[kind] += weight * len({hit.group() for line in spoken for hit in words.finditer(line.text)})
    if typical is not None and typical in scores:
        scores[typical] += _PLAIN
    best = max(_ORDER, key=lambda kind: (scores[kind], -_ORDER.index(kind)))
    if scores[best] == 0:
        doubt = (Doubt("kind", Why.WEAK),) if any(not line.only_answers for line in spoken) else ()
        return Kind.OTHER, doubt
    others = [kind for kind in _ORDER if kind is not best and scores[kind] == scores[best]]
    if others:
        names = "、".join(kind.zh for kind in (best, *others))
        return best, (Doubt("kind", Why.SEVERAL, names),)
    if scores[best] <= _FAINT:
        return best, (Doubt("kind", Why.WEAK),)
    return best, ()


def _declared(lines: Sequence[Line]) -> list[Kind]:
    """The first kind that the caller declared, if any ("我不是投诉，我是咨询" declares 咨询)."""
    for line in lines:
        for hit in _DECLARING.finditer(line.text):
            word = hit.group(1) or hit.group(2)
            begin = hit.start(1) if hit.group(1) else hit.start(2)
            if not _NOT.search(line.text, 0, begin):
                return [_NAMES[word]]
    return []


def weight_of(text: str) -> int:
    """How much a text says about the matter: for choosing the words that make the title."""
    return sum(
        weight * len({hit.group() for hit in words.finditer(text)})
        for rows in _COMPILED.values() for weight, words in rows
    )
