"""What the caller wants: 咨询, 求助, 投诉, 举报, 意见建议. Words as a table, so that it can be read and argued with.

What the caller declares of himself ("我要投诉…") decides; an emergency is a call for help; else words are weighed.
"""

# ruff: noqa: E501 - tables of words
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ._heard import CALLER, Line
from ._model import Doubt, Kind, Why

_DECLARED = 30
_EMERGENCY = 20
_STRONG = 3
_PLAIN = 2
_FAINT = 1
_ENDING = 4

# (weight, words): each word counts once per call
_SIGNS: Mapping[Kind, Sequence[tuple[int, str]]] = MappingProxyType({
    Kind.REPORT: (
        (_STRONG, "举报(?!的|过)|走私|倾倒|洗脑|偷砍|乱砍|偷排|乱排|无证|赌博|赌场|传销|卖淫|假冒伪劣|偷税|漏税|非法|挖古墓|盗墓|盗挖|电鱼|毒鱼|聚众"),
        (_STRONG, "违法建筑|违章建筑|违建|盗采|套取|骗保|造假|黑作坊|假酒|假药|贩卖|吸毒|童工|偷倒|私自搭建|违法搭"),
        (_STRONG, r"\b(?:illegal\w*|unlicensed|dumping|counterfeit|fake|gambling|without a licen[sc]e|secretly)\b"),
        (_PLAIN, "查一查|查处|来查|去查|严查|抓起来|没有(?:执照|证|许可)|偷偷|伪造"),
    ),
    Kind.COMPLAINT: (
        (_STRONG, "投诉(?!的(?:那|事|工单|结果|问题)|过|电话)|扰民|拖欠|欠薪|乱收费|拒载|不作为|虚假宣传|不签合同|不交社保|说话不算数|什么道理|神么道理|有什么(?:权力|权利|用)"),
        (_STRONG, "态度[很太特别]*(?:差|不好|恶劣)|不满意|推诿|踢皮球|太吵|噪音|油烟|臭味|异味|欺负|吵得|吵死|不守信|霸王|抢钱|敲诈|气得|气死"),
        (_PLAIN, "不退|不赔|不卫生|占道|违章停车|违停|占用|被占|没人管|不处理|不归他们管|讲了没用|不肯|不给退|刁难|骗人|糊弄|差劲|凭什么"),
        (_PLAIN, "没有结果|押金|欺骗|被.{0,8}骗|没人清理|随便开除|不来|不给|欠|扣(?:我|了|钱)|多(?:收|扣)|涨到|没有?人(?:理|联系|回)|不理|退费|呛死|从早到晚"),
        (_FAINT, "物业|老板|好几个月|不通知|味道|位道"),
        (_STRONG, r"\b(?:complain|complaint|rude|refused?|overcharged|refund|unfair|not fair|cheated|noisy|noise|ripped|won'?t (?:return|pay|give)|has ?n'?t paid|not paid|would not)\b"),
    ),
    Kind.HELP: (
        (_STRONG, "求助|帮帮|帮忙|坏了|停水|停电|停气|断网|漏水|爆了|塌陷|堵了|堵住|丢了|倒了|求求?你们|救救|救命|坏掉|破了|破掉|裂开|掉下来"),
        (_STRONG, "走失|摔伤|着火|打架|不亮|断了|裂了|被困|积水|没有?水|没有?电|满出来|翻出来|漂了|全黑|没水了|水没有|撞断|掉了?下|马蜂|野猪|野狗|结冰|挡住.{0,3}路|瘟"),
        (_STRONG, "(?:派|叫|喊|让)(?:个|一?下)?(?:人|环卫|电工|兽医|工人|师傅|[\\u4e00-\\u9fff]{2,4})(?:快)?(?:过)?来|来(?:个|一?下)?人|快来|你们来(?:抽|修|看|清|抓|捞|处理|摘)|来(?:抽|捞|清|修|填|抓|摘)(?:一)?|安排(?:人|一下|一个)|帮我(?:联系|查|找|想|问|安排|办|协调|催)|催一下|能不能(?:给|帮|派|叫|安排|来|过来)|想想办法|协调一下|请你们(?:协调|帮|派|来)|解决一下"),
        (_PLAIN, "派人|来修|维修|抢修|没人修|恢复|救助|低保|困难|危险|玻璃|滑倒|摔倒|没人(?:捞|扫|清)|没办法"),
        (_FAINT, "预约|修"),
        (_STRONG, r"\b(?:please help|help me|need help|can you help|could you send|send (?:someone|somebody|a|an)|fix|broken|no water|no power|no electricity|lost my|leaking|stuck|blocked|blocking|not working)\b"),
    ),
    Kind.CONSULT: (
        (_STRONG, "咨询|请问|问一下|问一夏|问下|问问|问夏|想问|我问|了解一下|想了解|想知道|需要什么|哪个部门"),
        (_STRONG, "(?:处理|办|弄)(?:得|到)?(?:怎么样|哪一步|什么程度)|怎么样了|什么进展|去哪个|要去哪|到哪个|哪个窗口|几点(?:钟)?(?:开|关|下|上|到)?|关不关|开不开|需不需要|用不用|收不收|要不要"),
        (_STRONG, "怎么(?:办理|提取|查询|转移|补办|申请|缴|交|领|报|弄|办(?!啊|呀|$)|走|赔|预约|算|查|转|开|收费|处理)"),
        (_PLAIN, "如何|多久|在哪|哪里(?:办|开|申请|报|领|交|买|考|查|找|可以|能)|能代办|可以.{0,10}吗|能.{0,10}吗|是不是|会不会|找谁|流程|期限|要带|有没有.{2,12}[啊的]"),
        (_PLAIN, "什么时候(?:到账|开|放|通|办|能|可以|截止|涨)|电话是多少|号码是多少|查询|进度|政策|条件|材料|要多少|多少(?:钱|费)|标准"),
        (_FAINT, "怎么|多少|什么时候|神么时候|几[天点号]|吗$"),
        (_STRONG, r"\b(?:can i ask|i want to ask|just want to ask|i'?d like to (?:know|ask)|want to know|could you tell me|can you tell me|how (?:do|can|to|much|long)|where (?:do|can|is)|what (?:documents|do i|time|is)|when (?:does|is|do)|do i need)\b"),
    ),
    Kind.SUGGESTION: (
        (_STRONG, "建议|建意|见议|意见|能不能(?:增加|增设|加装|多设|加|装|延长|多)|可不可以(?:增加|加|装|多)"),
        (_STRONG, "能不能(?:在[^，]{1,10}|把[^，]{1,10}|晚上|早上|周末|给[^，]{1,6})?(?:增加|增设|加装|多|加|装|延长|开晚|开早|晚一?点|早一?点|开到|改成|设|放)|(?:我觉得|我看|我认为)[^，]{0,20}(?:应该|可以|最好|多)|要是[^，]{1,24}就好了|最好(?:能|是)|提个|可以考虑"),
        (_STRONG, "希望(?:能|可以)?(?:增加|增设|加装|开通|延长|多)"),
        (_PLAIN, "增设|加装|应该(?:装|增|设|加)|多(?:装|设|开|加)(?:几|一|点)"),
        (_FAINT, "应该"),
        (_STRONG, r"\b(?:suggest|suggestion|it would be (?:nice|good|great|better)|propose|proposal)\b"),
    ),
})
_NAMES = {"咨询": Kind.CONSULT, "求助": Kind.HELP, "投诉": Kind.COMPLAINT, "举报": Kind.REPORT,
          "建议": Kind.SUGGESTION, "提意见": Kind.SUGGESTION, "提建议": Kind.SUGGESTION}
# what recognisers make of these words
_MISHEARD = re.compile(r"(?P<投诉>头诉|投素|投宿|偷诉|投述|透诉|头素|投速)|(?P<举报>举抱|举暴|据报|举包|举保|举爆|具报|局报)|(?P<建议>建意|建义|见议|健议|建一(?=[一下增加]))|(?P<咨询>咨寻|资询|咨训|资讯(?=一下|下)|自询)|(?P<求助>求住|求注|球助)")
_WHAT = "咨询|求助|投诉|举报|提建议|建议|提意见"
_DECLARING = re.compile(
    rf"(?:我|我们|来)?(?:是|就是|打电话|打过?来)?(?:想要|想|要|来|准备|就)(?:再|再次|继续|实名|匿名|向你们|跟你们|在这里|打电话)*(?:给你们|来)?({_WHAT})"
    rf"|(?:我|我们|这边)(?:这|这是|再|就|这边|实名|匿名|在这里|今天)?(?:是来|是|来)?({_WHAT})(?!的结果|没|过|了(?:好|[两三四五六七八九几])|书|电话)"
    rf"|(?:帮我|给我|替我|请)(?:再)?(?:登记)?(?:一个)?({_WHAT})"
    rf"|(?<!是)(投诉|举报|求助|咨询|建议)(?:一下子?|下|他们?|她|它|这个[\u4e00-\u9fff]{{1,6}}|这家[\u4e00-\u9fff]{{1,6}}|物业|电信|移动|平台|商家|老板|他们(?:公司)?)?[了啊呀的吧]?$"
    rf"|^(投诉|举报|求助|咨询|建议)(?!电话|热线|的|渠道|信箱|过|了)"
)
_EN_KINDS = (
    (re.compile(r"\b(?:want|like|need|wish|calling|here) to (?:(?:make|file|lodge) an? )?complain|(?:make|file|lodge) an? complaint|my complaint\b", re.I), Kind.COMPLAINT),
    (re.compile(r"\b(?:want|like|need|wish|calling|here) to report\b(?! (?:a|an)? ?(?:broken|leak|outage|problem|fault|lost|power|water))", re.I), Kind.REPORT),
    (re.compile(r"\b(?:want|like|wish|calling|here|have) (?:to (?:make )?)?(?:an? )?suggest", re.I), Kind.SUGGESTION),
    (re.compile(r"\b(?:want|like|wish|calling|here) to (?:ask|inquire|enquire|know|find out)|(?:can|could|may) i ask\b", re.I), Kind.CONSULT),
)
_WRONG_NUMBER = re.compile(r"(?:打|拨|按)错(?:了|电话|号)|\bwrong number\b|misdial", re.IGNORECASE)
_NOT = re.compile(r"(?:不是|不想|不要|没有|没|不|他叫我|他让我|叫我去|让我去|叫我|让我|别人|他们?|她|你去|有人|人家|去)(?:来|要|想|去|在|说要)?$")
_QUESTION_END = re.compile(
    r"(?:在哪(?:里|儿)?|哪里(?:申请|办|开|报名?|交|找|领|买|去|考)?|怎么(?:走|弄|办理|申请|赔|预约|算|查|交|提|写|转|报|收费|收|领|处理|去)|几[天点号](?:钱|来|开|关)?|多少(?:钱|平方|个月|分|天|岁)?|什么时候.{0,6}|多久|要什么(?:材料|手续|证件)?|什么(?:材料|手续|证件|条件)|流程(?:怎么走)?|条件|行不行|可以吗|可不可以|能.{0,8}吗|能不能(?!给|帮|派|叫|来|安排|装|加|增|多|在|把|开|延|晚|早).{0,8}|是哪一?天|怎么样了?|关不关门|吗|吗|呢|找谁(?:报案)?|哪个部门|通不通|能报吗|要不要.{0,6}|算不算.{0,4}|有没有.{0,10})[啊呀的呢吧]*$"
)
_COMPILED = {
    kind: [(weight, re.compile(words, re.IGNORECASE)) for weight, words in rows] for kind, rows in _SIGNS.items()
}
# at a tie the kind that is handled with more care comes first
_ORDER = (Kind.REPORT, Kind.COMPLAINT, Kind.HELP, Kind.SUGGESTION, Kind.CONSULT)


def kind_of(
    lines: Sequence[Line], typical: Kind | None = None, emergency: bool = False
) -> tuple[Kind, tuple[Doubt, ...]]:
    """The kind of what the caller says, and the doubt about it.

    `typical` is what most callers with this matter want (the catalogue's); it weighs like one plain word.
    `emergency`: one was heard.
    """
    spoken = [line for line in lines if line.party == CALLER]
    if not emergency and any(_WRONG_NUMBER.search(line.text) for line in spoken):
        return Kind.OTHER, ()
    texts = [_mended(line.text) for line in spoken]
    scores = dict.fromkeys(_ORDER, 0)
    for kind in _declared(texts):
        scores[kind] += _DECLARED
    if emergency:
        scores[Kind.HELP] += _EMERGENCY
    for kind, rows in _COMPILED.items():
        for weight, words in rows:
            scores[kind] += weight * len({hit.group() for text in texts for hit in words.finditer(text)})
    if any(_QUESTION_END.search(text) for text in texts if len(text) > 5):
        scores[Kind.CONSULT] += _ENDING
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


def _mended(text: str) -> str:
    """With the words of declaration that recognisers get wrong set right."""
    return _MISHEARD.sub(lambda hit: next(name for name, got in hit.groupdict().items() if got), text)


def _declared(texts: Sequence[str]) -> list[Kind]:
    """The first kind that the caller declared, if any ("我不是投诉，我是咨询" declares 咨询)."""
    for text in texts:
        for hit in _DECLARING.finditer(text):
            n = next(i for i in range(1, 6) if hit.group(i))
            if not _NOT.search(text, 0, hit.start(n)) and not _NOT.search(text, 0, hit.start()):
                return [_NAMES[hit.group(n)]]
        found = [(got.start(), kind) for words, kind in _EN_KINDS if (got := words.search(text))]
        if found:
            return [min(found)[1]]
    return []


def weight_of(text: str) -> int:
    """How much a text says about the matter: for choosing the words that make the title."""
    return sum(
        weight * len({hit.group() for hit in words.finditer(text)})
        for rows in _COMPILED.values() for weight, words in rows
    )
