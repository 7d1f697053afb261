"""What the caller says of himself: surname, wish for secrecy, urgency, that he has called before; and the language."""

# ruff: noqa: E501 - tables of words
from __future__ import annotations

import re
from collections.abc import Sequence

from ._heard import CALLER, Line

_DOUBLE = ("欧阳", "上官", "司马", "诸葛", "司徒", "夏侯", "慕容", "皇甫", "尉迟", "公孙", "令狐", "东方", "端木", "轩辕", "宇文", "长孙", "呼延", "南宫")
_SINGLE = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付"
    "傅方白邹孟熊秦邱丘江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿"
    "关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车"
    "项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠"
    "荆乐冀胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻厉伊仝区郜海阙花强帅屠朴厍竺裘"
)
_SPLIT = {
    "弓长": "张", "立早": "章", "耳东": "陈", "木子": "李", "双口": "吕", "古月": "胡", "口天": "吴", "三横": "王", "三划": "王",
    "草头": "黄", "言午": "许", "双木": "林", "走肖": "赵", "禾火": "秋", "人可": "何", "十口": "叶", "干勾": "于", "文刀": "刘", "卯金刀": "刘",
    "双人": "徐", "人未": "余", "三点水": "汪", "木易": "杨", "奇门": "郑", "耳关": "郑", "关耳": "郑", "土申": "坤", "日成": "晟",
    "子系": "孙", "女良": "娘", "山今": "岑", "言射": "谢", "走召": "赵", "米田共": "冀", "入则": "俞", "人则": "俞", "虎头": "虞",
}  # fmt: skip
_NAME = "|".join(_DOUBLE)
_SAID = re.compile(rf"(?:免贵|我|本人|鄙人|是|就|贵)?姓(?:是|氏)?({_NAME}|[\u4e00-\u9fff])")
_BY_SPLIT = re.compile("(" + "|".join(_SPLIT) + r")的?(?:那个)?([\u4e00-\u9fff])")
_CALLED = re.compile(rf"(?:我|本人)(?:的名字|名字)?(?:叫做?|名叫|就叫|是叫)(?:小|阿|老)?({_NAME}|[\u4e00-\u9fff])(?=[\u4e00-\u9fff]{{1,2}}(?![\u4e00-\u9fff])|[\u4e00-\u9fff]{{0,3}})")
_TITLED = re.compile(rf"(?:我是|叫我|喊我|称呼我|我这边是|联系人是?|我这里是)(?:小|老|阿)?({_NAME}|[\u4e00-\u9fff])(?:[\u4e00-\u9fff]{{0,2}})?(?:先生|女士|小姐|师傅|阿姨|大爷|同学|老师|医生|大姐|大妈|大叔|奶奶|爷爷|老板)")
_CALL_ME = re.compile(r"(?:叫我|喊我|称呼我)(?:小|老|阿)([\u4e00-\u9fff])")
_ASKED = re.compile(r"贵姓|怎么称呼|如何称呼|您姓|你姓|您的姓|姓什么|姓氏")
_SHORT = re.compile(rf"(?:免贵|姓|我姓|我是|叫我|小|老|阿|我叫)*({_NAME}|[\u4e00-\u9fff])(?:[\u4e00-\u9fff]{{1,2}})?(?:先生|女士|小姐)?")
_NOT_NAMES = frozenset("名什啥啊的了是不这那我你他谁哪在有没说要想就都也好对嗯呃一个")
_TAKEN_BACK = re.compile(r"(?:不|别|没|他|她|老板|房东|对方|负责人|司机|经理|医生|主任|你们?)(?:是|的|也|也是|就)?$")
_TAKEN_BACK_BARE = re.compile(r"(?:他|她|老板|房东|对方|负责人|司机|经理|医生|主任|那个人|邻居|老师|包工头|工头|店主|一个)(?:是|也|就|也是|叫)?$")
_EN_TITLE = r"(?:mr|mrs|ms|miss|mister|missus|dr|doctor)\.?"
_EN_NAME = re.compile(
    rf"(?:(?:my|the) (?:family |last |sur)name(?:'s| is)|surname(?:'s| is)?|last name(?:'s| is)?) ([A-Za-z'-]{{2,}})"
    rf"|(?:i am|i'm|this is|it's|it is|name is|name's|call me|speaking,?) {_EN_TITLE} ([A-Za-z'-]{{2,}})"
    rf"|(?:my name is|my name's|my full name is|the name is|name is|name's|this is|i am called|i'm called)(?: {_EN_TITLE})? ([A-Za-z'-]{{2,}}(?: [A-Za-z'-]{{2,}}){{0,2}})",
    re.IGNORECASE,
)
_EN_STOP = frozenset(
    ["and", "from", "i", "my", "the", "a", "calling", "about", "at", "in", "here", "with", "is", "speaking", "am", "was", "can", "could", "would", "you", "it's", "for", "it", "to", "but", "on", "of", "there", "so", "an", "regarding", "because", "please", "want", "have", "number", "phone", "mobile", "live", "work", "that", "this", "not", "very", "what", "where", "how", "when", "who", "your", "our", "we", "they", "if", "still", "hello", "hi", "thanks", "thank"]
)
_EN_NOT = frozenset(["the", "a", "an", "not", "really", "about", "regarding", "urgent", "ridiculous", "very", "in", "my", "your", "an", "is", "so", "to", "terrible", "unfair", "getting", "what", "how"])

_SECRET = re.compile(
    r"(?:保密|匿名|不留名|(?:不能|不想|不敢|不方便|不愿意?|不要)留(?:我)?(?:名|姓)|(?:不要|别|不能|不许|千万别)(?:跟[^，。]{1,6}|对外|给他|跟人家)?(?:说|讲|提)(?:是)?(?:我|谁|出去|名字|我的?名)|(?:名字|电话|号码)[^，。]{0,4}不(?:能|要|可以)(?:让|给|说|告诉)|不要把我[^，。]{0,8}(?:给|告诉|透露|说)|不要(?:透露|泄露|公开|告诉|暴露|让.{0,8}知道)|别(?:透露|泄露|公开|告诉|暴露|让.{0,8}知道)|不想(?:公开|透露|暴露|让.{0,8}知道)|不愿(?:意)?(?:透露|公开)|隐藏.{0,4}(?:身份|号码|信息)|不能透露"
    r"|confidential|anonymous|don't (?:tell|reveal|disclose|share)|do not (?:tell|reveal|disclose|share)|keep my name)",
    re.IGNORECASE,
)
_NOT_SECRET = re.compile(r"(?:不用|不需要|不必|无需|不)(?:保密|匿名)|可以公开|实名|商业秘密|有什么好保密|(?:说|讲)(?:是|要)?[^，。我]{0,6}保密")
_URGENT = re.compile(
    r"(?:很|非常|特别|比较|十分|太|真的|万分)(?:着急|紧急|急)|急用|急需|加急|紧急|马上(?:来|处理|解决|派)|立刻|立即|赶紧(?:来|派|处理|解决|过来)|赶快(?:来|派|处理|解决)|来不及|等不及|今天之内|今晚之前|urgent|as soon as possible|right away|immediately|asap",
    re.IGNORECASE,
)
_NOT_URGENT = re.compile(r"(?:不|不是很|不太|没那么|也不|并不)(?:着急|紧急|急)|不急")
_WHEN = r"(?:之前|上次|上回|前几天|前天|昨天|上周|上礼拜[一二三四五六日天]?|上个?月|上个?(?:星期|礼拜)|礼拜[一二三四五六天]|星期[一二三四五六天]|周[一二三四五六日]|已经|早就|以前|前面|前段时间|上午|早上|刚刚|刚才|曾经|去年|今年|[一二两三四五六七八九十几\d]+(?:天|个月|个?星期|周|个礼拜)(?:以)?前|又|再|就|都|我)"
_AGAIN = re.compile(
    rf"{_WHEN}[^，。？！]{{0,8}}(?:打过(?:来|一次|两次|几次|电话|你们|12345|一二三四五|热线)|打(?:过)?(?:了)?(?:你们)?电话(?:来|给你们|问|反映|投诉|登记)?过?|打来过|拨过|反映过|投诉过|举报过|来过电|咨询过|登记过|(?:跟|向|和|给|同)你们(?:讲|说|反映|投诉|举报)过?)"
    r"|(?:打|反映|投诉|举报)(?:过|了)(?:好?[几多无数]|[两二三四五六七八九\d])(?:次|遍|回|趟)|第[二三四五六七八九\d](?:次|遍|回)(?:打|来电|反映|投诉|举报)"
    r"|又是我|我又来|又(?:来)?(?:打|反映|投诉)(?:你们|电话|一次)|再次(?:反映|投诉|举报|来电)|工单(?:号|编号|还|一直|处理|办结|没)|(?:上次|上回)(?:的|那个)?(?:工单|登记|投诉|反映|诉求)"
    r"|(?:跟|向|和|给)你们(?:讲|说|反映|投诉)过|你们(?:上次|上回|当时|前面|说好?)[^，。]{0,16}(?:回复|答复|联系我|工作日|查了|处理|派人)|催(?:一下|办)(?:上次|之前)"
    r"|\b(?:called (?:you |here )?(?:before|already|last|yesterday|two|three|several|many|twice)|(?:have|'ve|had) (?:already |previously )?(?:called|complained|reported) (?:this |it |about |to you |here )*(?:before|already|last|twice|yesterday|two|three|several)|already (?:called|complained|reported)|(?:second|third|fourth) (?:time|call)|again about|calling again|follow(?:ing)? up)\b",
    re.IGNORECASE,
)
_OTHER_DESK = re.compile(
    r"(?:物业|社区|村里|村委|老板|公司|居委|房东|商家|店家|业委|街道|派出所|110|一一零|幺幺零|幺一零|客服|学校|城管|警察|交警|报警|法院|快递|平台|电信|移动|12306|12315|一二三一五|信访局|医院|收费站|劳动监察|供电局|水务)"
)
_FIRST = re.compile(r"第一次|首次|没(?:有)?(?:打|反映|投诉|举报)过|从来没|first time")
_LATIN = re.compile(r"[A-Za-z]")
_HAN = re.compile(r"[\u4e00-\u9fff]")


def language_of(lines: Sequence[Line]) -> str:
    """"en" or "zh": of what the caller says, by letters; a few names in the other writing do not turn it."""
    text = "".join(line.text for line in lines if line.party == CALLER)
    latin, han = len(_LATIN.findall(text)), len(_HAN.findall(text))
    return "en" if latin > 4 * han and latin >= 4 else "zh"


def surname_of(lines: Sequence[Line]) -> str | None:
    """The caller's surname; the last one said counts ("我姓王 不对 姓黄"), and a spelt-out one (弓长张) most."""
    found: str | None = None
    for n, line in enumerate(lines):
        if line.party != CALLER:
            continue
        asked = n > 0 and lines[n - 1].party != CALLER and _ASKED.search(lines[n - 1].text) is not None
        found = _in_line(line.text, asked) or found
    return found


def _in_line(text: str, asked: bool) -> str | None:
    best: tuple[int, int, str] | None = None

    def offer(rank: int, at: int, name: str) -> None:
        nonlocal best
        known = name in _SINGLE or name in _DOUBLE
        if known and (best is None or (rank, at) >= best[:2]):
            best = (rank, at, name)

    for hit in _SAID.finditer(text):
        if not _TAKEN_BACK_BARE.search(text, 0, hit.start()) and not re.search(r"(?:不|别)$", text[:hit.start()]):
            split = _BY_SPLIT.match(text, hit.start(1))
            name = split.group(2) if split is not None and split.group(2) in _SINGLE else hit.group(1)
            offer(3, hit.start(), name)
            tail = _BY_SPLIT.match(text, hit.end())
            if split is None and tail is not None and tail.group(2) in _SINGLE:
                offer(3, hit.start() + 1, tail.group(2))
    for pattern, rank in ((_TITLED, 2), (_CALL_ME, 2), (_CALLED, 1)):
        for hit in pattern.finditer(text):
            if hit.group(1) not in _NOT_NAMES:
                offer(rank, hit.start(), hit.group(1))
    if best is None and asked:
        split = _BY_SPLIT.search(text)
        short = _SHORT.match(text)
        if split is not None and split.group(2) in _SINGLE:
            offer(1, 0, split.group(2))
        elif short is not None and len(text.rstrip("，。 ,.")) <= 7 and short.group(1) not in _NOT_NAMES:
            offer(1, 0, short.group(1))
    return best[2] if best is not None else _english(text)


def _english(text: str) -> str | None:
    for hit in _EN_NAME.finditer(text):
        words = (hit.group(1) or hit.group(2) or hit.group(3)).split()
        kept: list[str] = []
        for word in words:
            if word.lower() in _EN_STOP:
                break
            kept.append(word)
        if kept and kept[0].lower() not in _EN_NOT:
            name = kept[-1].strip("'-")
            return name[:1].upper() + name[1:]
    return None


def wants_secrecy(lines: Sequence[Line]) -> bool:
    """Whether the caller wants his name or number kept from those concerned."""
    return any(
        line.party == CALLER and _SECRET.search(line.text) is not None and _NOT_SECRET.search(line.text) is None
        for line in lines
    )


def is_urgent(lines: Sequence[Line]) -> bool:
    """Whether the caller presses for speed."""
    return any(
        line.party == CALLER and _URGENT.search(_NOT_URGENT.sub("", line.text)) is not None for line in lines
    )


def says_again(lines: Sequence[Line]) -> bool:
    """Whether the caller says that the hotline has had this matter from him before (Art. 12)."""
    for line in lines:
        if line.party != CALLER or _FIRST.search(line.text):
            continue
        for hit in _AGAIN.finditer(line.text):
            around = line.text[max(0, hit.start() - 4):hit.end() + 4]
            if _OTHER_DESK.search(around) is None or re.search("12345|一二三四五|热线|你们", around):
                return True
    return False
