"""Matters with a lawful channel of their own (Art. 11): courts, arbitration, discipline, reconsideration, disclosure, petition.

Only signs are here; what the caller is told stands in `config/catalogue.yaml` under `channels`.
"""

# ruff: noqa: E501 - tables of words
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ._heard import CALLER, Line

LITIGATION = "litigation"
ARBITRATION = "arbitration"
DISCIPLINE = "discipline"
RECONSIDERATION = "reconsideration"
DISCLOSURE = "disclosure"
PETITION = "petition"
CHANNELS = (LITIGATION, ARBITRATION, DISCIPLINE, RECONSIDERATION, DISCLOSURE, PETITION)

_OFFICIAL = (
    r"(?:村(?:支)?书记|村主任|村干部|村长|村委(?:会)?(?:的)?(?:主任|书记|干部)?|社区书记|社区主任|镇长|书记|局长|处长|科长|所长|乡长|县长|区长|市长|干部|公务员|领导|民警|警察|交警|法官|检察官|工作人员|执法人员|城管队员|校长|院长|主任|党员|办事员|国企(?:老总|领导|经理)|官员|审批人员|队长)"
)
_TABLE: Sequence[tuple[str, int, str]] = (
    (LITIGATION, 5, r"判决|法院(?:的)?(?:判|裁定|调解书|传票|执行|不执行|一审|二审|已经)|一审|二审|上诉|强制执行|执行局|执行庭|执行难|老赖|失信被执行|不服判|败诉|胜诉|开庭|庭审|再审|申诉(?:再审)?到法院|抗诉|检察院(?:抗诉|监督)"),
    (LITIGATION, 5, r"诉讼|打官司|起诉|告(?:上|到)法院|去法院(?:告|起诉)?|到法院(?:告|起诉|立案)|法院(?:告|起诉|立案|受理)|立案(?:庭|材料|难)?(?=.{0,6}法院)|诉状|财产保全|民事纠纷.{0,6}法院"),
    (LITIGATION, 4, r"离婚(?:财产|纠纷|分割|官司|判|协议不履行|.{0,8}(?:不同意|抚养|房子|财产|怎么分))|抚养(?:权|费)|遗产(?:分割|纠纷|继承|.{0,6}(?:分|争|吵|纠纷))|继承(?:纠纷|权)|分割(?:财产|房产)|分家(?:析产)?|(?:借|欠)(?:了|给)?(?:他|我|她|朋友|亲戚|同学|同事|老乡|表弟|表哥)[^，。]{0,14}(?:不还|没还|赖)|借条|欠条|民间借贷"),
    (ARBITRATION, 5, r"(?:申请|去|提起|走|劳动|人事|商事|打|做|到|要|搞)(?:劳动)?仲裁|仲裁(?:委|庭|裁决|结果|院|书|员|裁|申请|流程|开庭|时效|怎么|要|程序|输|赢|判|下来)|仲裁"),
    (DISCIPLINE, 5, r"贪污|受贿|行贿|索贿|收(?:了)?(?:人家|别人|老板|他们|他|开发商|企业|商户)?(?:的)?(?:红包|好处费?|回扣|贿赂|黑钱|礼金|购物卡|烟酒|茅台)|吃拿卡要|以权谋私|滥用职权|公款(?:吃喝|旅游|消费|私用)?|公车私用|挪用(?:公款|集体|村里|专项|扶贫)|(?:私吞|侵吞|侵占|截留|克扣)(?:村|集体|公款|补偿|补贴|扶贫|征地|低保|救灾|专项)[^，。]{0,8}|权钱交易|官商勾结|违纪|纪委|纪检|监察委?|党纪|保护伞|任人唯亲|优亲厚友|腐败|作风问题|大操大办|吃空饷|暗箱操作|中饱私囊|伸手要钱"),
    (DISCIPLINE, 5, _OFFICIAL + r"[^，。！？]{0,16}(?:贪|收(?:了)?钱|收礼|受贿|红包|好处|回扣|吃喝|侵占|私吞|挪用|占为己有|装进(?:自己)?(?:口袋|腰包)|拿(?:了)?(?:人家|老板|好处)|亲戚.{0,8}(?:低保|工程|项目|中标)|虚报|冒领|套取|小舅子|赌博|包养|嫖)"),
    (RECONSIDERATION, 5, r"行政复议|复议(?!期)|(?:对|不服|不认可|不接受|不同意|有异议)[^，。！？]{0,22}(?:处罚决定|行政处罚|行政决定|罚单|处罚|罚款|认定(?:书|结果|决定)?|许可决定|强制拆除|强拆决定|征收决定|工伤认定|不予(?:受理|许可|登记|认定)|决定书|吊销|扣分|拘留)[^，。]{0,6}(?:不服|有异议|不合理|不认可)?|(?:处罚决定|行政处罚|处罚|罚单|决定书|工伤认定|认定书|吊销|拘留|罚款|扣分)[^，。！？]{0,14}(?:不服|有异议|不认可|不认|申诉)|不服[^，。]{0,12}(?:处罚|决定|认定|罚)|撤销(?:这个|该)?(?:行政)?(?:处罚|决定)"),
    (DISCLOSURE, 5, r"信息公开|政府公开|公开(?:一下)?[^，。]{0,14}(?:批文|文件|方案|账目|预算|决算|合同|标准|明细|规划|报告|批复|资料|材料|图纸|数据|协议|档案)|(?:申请|依申请|要求|想要?)(?:政府|你们|局里|街道|他们)?公开|依申请|(?:查|看|调|拿|要|复印|申请|获取|调取)(?:到|一下|阅)?[^，。]{0,10}(?:征地批文|征收批文|批文|批复|环评报告|环评(?:文件|资料)|会议纪要|红头文件|规划许可(?:文件|档案)|征收公告|补偿方案|财政预算|政府文件|立项文件|招标文件|审批(?:文件|材料|资料|档案)|征地(?:文件|资料|档案))"),
    (PETITION, 5, r"信访(?!局的电话)|上访|复查复核|信访(?:件|事项|答复|意见书|局|办)|来信来访|走访.{0,4}(?:接待|领导)|(?:见|找)(?:市|县|区|省)(?:长|委书记|领导)(?:反映|当面|接访)|接访|北京(?:去)?(?:告状|上访)|去省里(?:告|反映|上访)|历史遗留问题|联名(?:信|上书)|集体(?:上访|请愿)"),
)
_EN: Sequence[tuple[str, int, str]] = (
    (LITIGATION, 5, r"\b(?:lawsuit|sue|suing|court|judgment|judgement|verdict|litigation|divorce|custody|inheritance|appeal(?:ing)? (?:the|a) (?:ruling|verdict|judg)|judge)\b"),
    (ARBITRATION, 6, r"\barbitrat(?:ion|or|e)\b"),
    (DISCIPLINE, 6, r"\b(?:brib(?:e|es|ed|ery|ing)|corrupt(?:ion)?|embezzl\w+|kickbacks?|abus(?:e|ing|ed) (?:of |his |her |their )?(?:power|office|position)|red envelopes?)\b"),
    (RECONSIDERATION, 6, r"\b(?:reconsideration|administrative review|appeal (?:against )?(?:the|a|this|my) (?:fine|penalty|decision|ticket)|(?:contest|challenge|dispute|disagree with|object to) (?:the|a|this|my) (?:fine|penalty|decision|ticket|administrative|punishment))\b"),
    (DISCLOSURE, 6, r"\b(?:(?:information|government) disclosure|freedom of information|disclose (?:the|government)|public records?|access to (?:government|public) (?:records|documents|information|files)|open government)\b"),
    (PETITION, 6, r"\b(?:petition\w*|letters and visits)\b"),
)
_COMPILED = [(code, weight, re.compile(words, re.IGNORECASE)) for code, weight, words in (*_TABLE, *_EN)]
_DENIED = re.compile(
    r"(?:不想|不用|不需要|不必|没有?|不是|还没|别|不打算|不准备|没去|不会|无需|不愿(?:意)?|没想|不要|不去|懒得|犯不着|不至于|用不着|没必要|也没)(?:去|要|走|申请|再|说|到|找|打|跟他们?|想|过|进行|通过)*$|\b(?:not|don'?t|do not|never|no|without)(?: want| need| going| to| a| any| the)*\s*$",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"(?:说|威胁|恐吓|吓唬)[^，。]{0,8}(?:告|起诉)(?:我|我们|业主)|(?:去|到|上)?法院告(?:我|我们)(?!们?的权)|(?:别的|别人|其他|有些|有的|人家)[^，。]{0,8}(?:要去|去|在|要|已经)?(?:起诉|打官司|上访|仲裁)|(?:裁判|比赛|篮球|足球)[^，。]{0,8}仲裁|(?:法院|检察院|信访局|纪委|仲裁委|仲裁院|courthouse|court)(?:门口|旁边|对面|附近|后面|边上|路|站|那边|那里|隔壁|前面|楼下|斜对面|宿舍|食堂|停车|公交)|(?:篮球|网球|tennis|basketball|羽毛球|food|badminton) court|court ?yard|(?:路过|在|经过|到)(?:中级)?(?:人民)?法院(?:门口|旁边|附近|对面|路口)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ChannelMark:
    """A lawful channel, and the words that point to it."""

    code: str
    words: str


def find_channel(lines: Sequence[Line]) -> ChannelMark | None:
    """The lawful channel of the matter; None for an ordinary one."""
    scores: dict[str, int] = {}
    words: dict[str, str] = {}
    for line in lines:
        if line.party != CALLER:
            continue
        text = _ELSEWHERE.sub(lambda hit: "＊" * len(hit.group()), line.text)
        for code, weight, pattern in _COMPILED:
            for hit in pattern.finditer(text):
                if not _DENIED.search(text, 0, hit.start()):
                    scores[code] = scores.get(code, 0) + weight
                    words.setdefault(code, hit.group())
    if not scores:
        return None
    code = max(scores, key=lambda one: (scores[one], -CHANNELS.index(one)))
    return ChannelMark(code, words[code])
