"""Whether a matter belongs to 110, 119, 120 or 122 at once (Art. 11), and which.

Two steps: signs, a table of words; then the frame in which each is said. What is denied, over, heard of, feared, only
a manner of speaking or somebody's trade is no emergency. The past lasts to the end of the turn unless
a word of the present ("现在", "刚刚") ends it; calls for help ("快来", "救命") outweigh all frames but "如果" and "不是".
"""

# ruff: noqa: E501 - tables of words
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ._heard import CALLER, Line

POLICE, FIRE, MEDICAL, TRAFFIC = "110", "119", "120", "122"

_PERSON = r"(?:有?个?(?:人|老人|老头|老太太?|小孩|孩子|男的?|女的?|女孩|男孩|大爷|大妈|阿姨|工人|邻居|学生|司机|妈妈?|爸爸?|老公|老婆|爷爷|奶奶|儿子|女儿|同事|朋友|师傅|丈夫|妻子))"

# sign → weight (the heaviest line wins; of equals the earlier in _ORDER)
_SIGNS: Mapping[str, Sequence[tuple[int, str]]] = MappingProxyType({
    FIRE: (
        (4, r"着火|起火|失火|着起来了?|烧起来|烧着了|在燃烧|烧得很大|火(?:势|光|苗)|大火|火很大|火越来越|冒火|火灾(?!保险|险|隐患|报警器|自动)|山火|自燃"),
        (4, r"(?:厨房|车子?|仓库|棚子?|屋子?|屋里|家里|被子|油锅|锅|空调|插座|电线|电表箱|变压器|阳台|店里|楼上|楼下|隔壁|山上|柴堆|草堆)[^，。]{0,6}(?:着了|烧了(?!水|菜|饭)|烧着|在烧(?!秸|垃|烤|香|纸)|烧得|冒烟|冒火)|火苗|火星子|起了火|着了火"),
        (4, r"(?:硫酸|盐酸|甲醇|液氨|化工原料|油罐车|槽罐|农药车|毒气|汽油|柴油)[^，。]{0,10}(?:流|漏|泄|翻|喷)|(?:泼|浇|倒)[^，。]{0,4}汽油|汽油[^，。]{0,6}(?:泼|浇|点火)|点(?:燃)?煤气"),
        (5, r"电梯[^，。]{0,4}卡在[^，。]{0,20}(?:里面|在里)|电梯[^，。]{0,14}(?:里面|里有|困|关|门打不开|停在半|下坠|往下掉)[^，。]{0,8}(?:人|孩子|我们?|出不|打不开)|(?:人|孩子|老人|我们?)[^，。]{0,8}(?:在|关|困|卡)[^，。]{0,4}电梯里|(?:山上|礁石|岛上|屋顶|悬崖|洞里|车里)[^，。]{0,8}(?:下不来|困|出不来|回不来)"),
        (4, r"(?:孩子|小孩|宝宝|婴儿|娃|老人|奶奶|爷爷|妈|爸)[^，。]{0,8}(?:反?锁|关|夹|卡|困)(?:在|到|进)?[^，。]{0,4}(?:车|屋|房|电梯|栏杆|里面|厕所|门里)|(?:挂|吊|悬)在[^，。]{0,6}(?:半空|外墙|楼外|窗外|阳台|空中)|船[^，。]{0,6}(?:翻|沉|进水|漏水|触礁|着火)|(?:手|胳膊|腿|脚|头|手指)[^，。]{0,6}(?:绞|夹|卷|卡|压)(?:进|在|住|到)|机器[^，。]{0,6}(?:夹|绞|卷|压)|(?:山上|山里|景区)[^，。]{0,10}(?:迷路|走不出|下不了山)|迷路[^，。]{0,8}(?:山|林)"),
        (4, r"(?:河|水|江|湖|塘|海|池|水库|井)(?:里|中|面上)[^，。]{0,8}(?:有(?:个)?人|扑腾|挣扎|喊救|漂着(?:个|一个)人|浮着)|车[^，。]{0,8}(?:开|掉|冲|滑|翻)(?:进|到|下)?(?:了)?[^，。]{0,4}(?:河|江|水|沟|桥下|悬崖|湖|塘)|(?:掉|滑|跌|摔)(?:进|到|下)?(?:了|去)?(?:化粪池|窨井|阴沟|粪坑|下水道|井盖)(?:里)?(?!的)|(?:掉|滑|跌|摔)(?:了)?(?:河|江|湖|塘|井|海|水|池)(?:塘)?里|(?:掉|滑|跌|摔)(?:进|到|下)(?:去)?(?:了)?[^，。]{0,4}(?:河|水(?!平|位|压|费)|湖|江|塘|井|池|海|坑|沟)(?:里)?|(?:浪|水|潮)[^，。]{0,4}(?:卷走|冲走|冲下去)"),
        (3, r"(?:浓烟|冒(?:出|着)?(?:好多|很多|大|白|浓)*烟|烟很大|都是烟|呛得)"),
        (4, r"(?:煤气|燃气|天然气|液化气|瓦斯|管道气|气罐|煤气罐|煤气瓶|钢瓶|氨气|氯气|化学品|危化品|油罐|槽罐车?)[^，。！？]{0,8}(?:泄漏|泄露|漏气|漏了|在漏|味|爆|嘶|呲|挖破|挖断|挖穿|破了|断了|冒气|往外冒|喷)|(?:泄漏|漏)(?:煤气|燃气|天然气|液化气|化学品|了?[^，。]{0,2}毒气)|漏气[^，。]{0,6}(?:煤气|燃气)|(?:闻到|一股|很浓的?|好浓的?|有)[^，。]{0,6}(?:煤气|燃气|天然气|液化气)"),
        (4, r"爆炸|炸了|炸开|(?:爆|炸)了?一声|一声巨响|巨响"),
        (4, r"(?:楼|房|墙|屋|脚手架|工棚|厂房|桥|天花板|阳台|隧道|山体|棚)[^，。！？]{0,6}(?:倒塌|坍塌|垮塌|塌了|塌下来|塌方|倒下来|倒了|要塌|滑坡)|山[^，。]{0,4}塌(?:了|下)|塌方|坍塌|泥石流|山体滑坡"),
        (5, r"(?:压|埋|困|卡)(?:住|在|着|了)[^，。！？]{0,8}(?:人|老人|孩子|小孩|工人|下面|里面|底下|电梯)|(?:人|老人|孩子|小孩|工人|我们?|老公|老婆|妈|爸)[^，。！？]{0,10}(?:被?(?:压|埋|困)(?:住|在|了)|卡(?:住|在))|被困|困在|关在电梯|困人|(?:人|孩子|小孩|老人)[^，。]{0,4}出不来"),
        (4, r"落水|溺水|掉(?:进|到|下)[^，。]{0,5}(?:河|水|湖|江|塘|井|池|海|坑|沟)|快淹死|淹住|沉下去|跳河|跳江|跳湖|跳海|跳塘|在水里(?:挣扎|喊)|被(?:水|洪水|浪)(?:冲走|卷走|围)"),
    ),
    MEDICAL: (
        (4, r"昏迷|昏倒|昏过去|晕倒|晕过去|晕厥|不省人事|失去意识|没(?:有)?(?:意识|呼吸|心跳|气息|反应|脉搏|知觉)|断气|快没气了|叫不动|醒不过来|喘不上来|躺[^，。]{0,6}不动了|人[^，。]{0,4}不动了|不会动了|卡(?:住|在)(?:了)?(?:喉咙|气管|嗓子)|噎着|喘不(?:过|上)(?:气|来)|哮喘[^，。]{0,4}(?:犯|发)|(?:砸|掉)[^，。]{0,4}(?:到|中|伤|着)(?:了)?(?:我|他|她|小?孩子?|老?人)(?!家)|(?:蛇|毒虫)咬(?:了|到)|呼吸困难|不会呼吸|抽搐|口吐白沫|休克|叫不醒|叫不应|窒息|噎住|翻白眼|倒地不起|倒在地上"),
        (4, r"心脏病(?:发|犯)|心梗|心肌梗|心绞痛|中风|脑梗|脑溢血|脑出血|大出血|流(?:了)?(?:好|很)?多血|血流不止|止不住血|满(?:头|脸|身|地)(?:是|都是)?血|都是血|全是血|一(?:地|摊)血|在流血|出了?好多血|吐血"),
        (4, r"(?:煤气|食物|一氧化碳|农药|酒精|药物)中毒|喝(?:了)?(?:半瓶|一瓶|整瓶)?(?:农药|百草枯|敌敌畏)|吃了(?:很多|好多|一瓶|整瓶|半瓶)?安眠药|触电|被电(?:到|了|击|晕)|(?:老鼠药|毒药|毒鼠|毒蘑菇)|吞(?:了|下)[^，。]{0,5}(?:药|电池|硬币|刀片)|割(?:了)?(?:手)?腕|电(?:到|晕|倒)了?人|要生了|羊水破|快生了|胸口(?:很|特别|疼|痛|闷)"),
        (4, r"头破血流|(?:脸色?|嘴唇|嘴巴|脸)[^，。]{0,3}(?:发紫|发青|发白|发黑|歪)|半边身(?:子|体)|血(?:一直)?(?:喷|往外)|骨头[^，。]{0,4}(?:露|出来)|动脉|中暑[^，。]{0,6}(?:倒|晕|昏)|抽(?:筋|风)[^，。]{0,4}(?:不停|了)|过敏[^，。]{0,8}(?:喘|休克|呼吸)|(?:头|脑袋)[^，。]{0,4}(?:出来了|露出)|肚子痛[^，。]{0,6}(?:要生|打滚)|被[^，。]{0,4}(?:压|夹|绞|轧|砸)(?:住|到|断|伤)了?|心脏(?:骤停|停)|心口(?:痛|疼)|不能动(?:了|弹)|爬不起来|起不来了"),
        (3, r"叫(?:个|辆|一?下)?(?:救护车|一二零|120)|(?:需要|快|要)(?:叫|派)?救护车|摔(?:下来|断|伤)|(?:骨折|动不了|伤得很重|受了?重伤|快不行了|快死了|要死了|生命危险|救命)|孕妇[^，。]{0,8}(?:流血|破水|肚子痛|要生)|从[^，。]{1,8}(?:楼|梯|架|树|屋顶|高处)[^，。]{0,4}(?:摔|掉|跌|坠)(?:了)?下来|坠楼|(?:楼上|高处|阳台|窗户|脚手架)[^，。]{0,4}(?:掉|摔|坠)(?:了)?下来(?:了)?(?:一个|个|有)?人|不清醒|神志不清|上吐下泻[^，。]{0,8}(?:好多|一家|不醒|晕)|被[^，。]{0,4}(?:毒蛇|蛇|疯狗|藏獒)咬|烫伤|烧伤"),
    ),
    POLICE: (
        (5, r"(?:拿着?|持|挥|带|有|掏出|举着|抄起)(?:一?把|了|个|着|出)?(?:菜|水果|尖|砍|长|大|西瓜|匕首)?刀|(?:拿着?|持|挥|抄|举)(?:着|了|一?根|一?把)*(?:铁棍|棍子|棒球棍|斧头|锤子|锄头|酒瓶|钢管|枪)|持械|砍死|捅死|打死(?:我|他|她|人|你)|要砍|持刀|砍(?:人|他|我|伤|了人)|捅(?:人|了|伤|他|我)|要?杀(?:人|了我|了他|死|我|他|你|了你)|行凶|枪击|开枪|有枪|拿枪"),
        (4, r"抢(?:劫|了我|我的?(?:包|手机|钱)|走了?我?)|被抢(?:了|劫)?|抢(?:我|她|他|老人|阿姨)的?[^，。]{0,4}(?:包|手机|项链|钱|东西)|踹(?:我家?)?门|砸(?:我家?)?门|入室|撬(?:门|锁|我)|(?:小偷|贼)[^，。]{0,8}(?:进|在|爬|偷|家|撬|现在)|有(?:小偷|贼)|绑架|劫持|被绑|非法拘禁|关起来了?不让(?:走|出)|不让(?:我|我们|他|她|人)?(?:走|出(?:去|来|门)|离开)|被?(?:关|锁)在[^，。]{0,6}(?:里|房间|屋|厕所|家|车)|强奸|猥亵|(?:一直|有人)(?:在)?跟踪|尾随"),
        (4, r"(?:正在|在|又|现在|还在|有人|一群人|几个人|好多人|人在)[^，。]{0,6}(?:打架|打人|斗殴|打起来|动手|砸(?:门|店|东西|车))|打起来了?|打架(?:了|斗殴)|斗殴|打群架|在打(?:我|她|他|人|孩子)|打我|殴打|被[^，。]{0,6}打(?:了|伤|得|成)|家暴|家庭暴力"),
        (5, r"自杀|轻生|跳楼|割腕|上吊|不想活|想死(?!你)|寻死|寻短见|活不下去|要(?:往下)?跳(?!绳|舞|槽|广)|往下跳|跳下去|站在(?:楼顶|天台|桥栏|栏杆|窗台|阳台)[^，。]{0,8}|结束(?:自己|我)的?生命|坐在(?:楼顶|天台|栏杆|窗台|桥)|烧炭"),
        (4, r"(?:小孩|孩子|儿子|女儿|宝宝|孙子|孙女|老人|老爷子|奶奶|爷爷|爸爸?|妈妈?|父亲|母亲|老公|老婆|女孩|男孩)[^，。]{0,12}(?:不见了|走丢|走失|丢了|失踪|找不到了?|被人?(?:抱|带|拐)走)|被拐|失踪|(?:老年痴呆|痴呆|阿尔茨海默|糊涂)[^。]{0,24}(?:没回|不见|没有?回来|走了|找不)|(?:小孩|孩子|儿子|女儿)[^，。]{0,14}(?:没回来|没回家)(?!吃)"),
        (5, r"遗书|(?:栏杆|护栏|窗户|阳台|窗台)外[^，。]{0,4}(?:站|坐|趴|挂)|活着没(?:有)?(?:什么)?意思|活够了|没有?活路|不想活|(?:爬|站|坐|骑)(?:到|上|在)(?:了)?[^，。]{0,6}(?:塔吊|楼顶|铁塔|屋顶|围栏|桥栏|栏杆|桥上|窗台|窗户|阳台)[^，。]{0,3}(?:外|边|上)?(?!修|装|看|晒|打牌|聊天|拍照|钓鱼)|吃(?:了)?[^，。]{0,4}(?:安眠药|药)(?:自杀)?|(?:要|想)(?:寻死|轻生|自尽|投河|投湖|投江)"),
        (4, r"掐[^，。]{0,4}脖子|往死里打|暴打|毒打|抢夺|抢了|抢走|(?:项链|包|手机|金链子|耳环)[^，。]{0,6}(?:被)?(?:拽|扯|抢|夺)(?:走|了)|进(?:了|来)?(?:小偷|贼)|(?:烧|炸)(?:了)?(?:我|他|她|这|那|人|房|店|楼)(?=[^，。]{0,4}(?:$|房|店|家|楼))|(?:拿|提|带)[^，。]{0,4}汽油|(?:一群|几个|好多|十几个|五六个|七八个)[^，。]{0,6}(?:围(?:住|着|殴)|堵(?:住|着)(?:我|他|人)|追着?(?:我|他|打|砍))|(?:翻|爬)(?:墙|窗)[^，。]{0,4}进|爬进(?:来|我)|撬(?:开|我)|闯进(?:来|我)|(?:拿|用)[^，。]{0,6}(?:砸|捅|砍|扎|烫)(?:我|她|他|人|了)|拖(?:上|进|走)[^，。]{0,4}(?:车|人|女|孩)|(?:孩子|小孩|儿子|女儿|老人|爸|妈|爷爷|奶奶)[^，。]{0,16}(?:联系不上|找不着|走散|没了踪影)|(?:爷爷|奶奶|爸爸?|妈妈?|父亲|母亲|老人|外公|外婆|老伴)[^，。]{0,16}(?:到现在|一直|还)(?:都|还)?没(?:有)?回(?:来|家)|(?:男孩|女孩|小朋友|孩子|小孩)[^，。]{0,14}走散"),
        (4, r"尸体|有人死|死了人|杀了人|砍了人|威胁[^，。]{0,6}(?:杀|砍|捅|同归)|同归于尽|精神病[^，。]{0,10}(?:砸|打|砍|拿)|拐走|抱走[^，。]{0,3}孩子|偷(?:孩子|小孩)"),
        (3, r"(?:我|帮我|赶紧|快|要|马上|需要)(?:要)?报警|快叫警察|炸弹|爆炸物"),
    ),
    TRAFFIC: (
        (4, r"(?:刮|蹭|碰|带|撞)(?:倒|翻)(?:了)?(?:人|我|他|她|老|一个|个)|(?:撞|刮|蹭|碰)了[^，。]{0,8}(?:就跑|跑了|跑掉|开走|逃)|(?:两|三|几)(?:辆|部|台)?车[^，。]{0,6}(?:碰|撞|刮|蹭|追)|车[^，。]{0,4}(?:翻(?:掉|到|进|在)|冲(?:上|进|出)|侧翻)|连环|骑车[^，。]{0,6}摔"),
        (4, r"车祸|交通事故|(?:相撞|对撞|撞到一起|(?:车|车子|货车|轿车|电动车|三轮车|摩托车?|公交车|大巴)[^，。]{0,8}(?:撞(?:了(?!护栏|栏杆|墙|门)|上|到|倒|在|翻)|追尾|侧翻|翻车|翻了))|撞(?:车了?|到了?(?:人|护栏|我|树|一起)|倒了?|上了?(?:护栏|人|我)|死了?|伤了?|飞了?|在一起)|被[^，。]{0,8}撞(?!断|坏|歪|弯|烂|掉|见|破|碎|翻垃)(?:了|倒|飞|伤|到)?|撞(?:了)?人[^，。]{0,4}跑|追尾|翻车|肇事(?:司机|逃)|逃逸|连环撞"),
    ),
})
_EN_SIGNS: Mapping[str, Sequence[tuple[int, str]]] = MappingProxyType({
    FIRE: (
        (4, r"\b(?:on fire|there(?:'s| is) (?:a )?(?:big |huge )?fire|fire (?:in|at|on) (?:my|the|our|a)|a fire (?:in|at|on|broke)|caught fire|catch(?:ing)? fire|house is burning|is burning|burning down|flames|(?:lots of|thick|heavy|so much|black|there(?:'s| is)) smoke|smoke (?:is )?(?:coming|pouring)|exploded|explosion|blew up)\b"),
        (4, r"\b(?:gas (?:smell|odou?r)|smell of gas|(?:elevator|lift) is stuck|stuck between (?:the )?floors|(?:wall|ceiling|roof|crane|scaffold\w*|balcony|tree) (?:has )?(?:fell|fallen|collapsed) on|buried|under the rubble|fell (?:into|in) (?:a|the) \w+)\b"),
        (4, r"\b(?:locked in(?:side)? (?:the|a|my) car|boat (?:is )?(?:sinking|sank|capsized)|building (?:has )?collapsed|smoke everywhere|fire alarm is ringing and)\b"),
        (4, r"\b(?:gas leak|leaking gas|gas is leaking|smell(?:s|ing)? (?:of )?(?:strong )?gas|smell gas|collapsed?|collapsing|drowning|fell (?:in(?:to)?) the (?:river|lake|water|canal)|trapped|fallen in(?:to)? the (?:river|lake|water|canal)|in the (?:river|lake|canal|water) and|(?:stuck|trapped|locked|caught|people|person|we are|inside) in(?:side)? (?:the|an|a|our|this) (?:elevator|lift))\b"),
    ),
    MEDICAL: (
        (4, r"\b(?:unconscious|not moving|isn'?t moving|won'?t wake up|wouldn'?t wake up|swallowed|electric shock|electrocuted|allergic reaction|fell (?:off|from) (?:the|a)|cut (?:his|her|my) wrists?|passed out|fainted|not breathing|isn't breathing|can'?t breathe|cannot breathe|can not breathe|heart attack|stroke|chest pain|seizure|bleeding|overdose|poisoned|not responding|going into labou?r|having a baby|choking|no pulse)\b"),
        (4, r"\b(?:sleeping pills|took (?:a lot of|too many|all (?:the|his|her)) \w+|lots? of blood|blood everywhere|in labou?r|baby is coming|water broke|chest pains?|lightning|can(?:not|'t| not) (?:speak|move)|hit (?:his|her|their|my) head|burned badly|badly burn\w+|dying)\b"),
        (5, r"\b(?:husband|wife|father|mother|dad|mom|mum|man|woman|friend|he|she|guy|person|someone|somebody|grand\w+|colleague|child|baby|son|daughter|neighbou?r)(?: has| just| suddenly)* (?:collapsed|fainted|fell down|stopped breathing|is dying|is bleeding)\b"),
        (3, r"\b(?:need an ambulance|call an ambulance|send an ambulance|badly (?:hurt|injured)|seriously (?:hurt|injured)|broken leg|collapsed on the (?:street|floor|ground))\b"),
    ),
    POLICE: (
        (5, r"\b(?:knife|gun|stabb(?:ed|ing)|shoot(?:ing)?|shot|kill(?:ing)? (?:his|her|their|my) \w+|kill(?:ing)? (?:me|him|her|himself|herself|myself)|suicide|jump(?:ing)? (?:off|from|out of)|threaten(?:ing|ed|s)? (?:to|me|us|her|him|people)|has a weapon|armed|going to jump|wants to die|want to die|end my life|hostage|kidnapp?ed)\b"),
        (4, r"\b(?:robb(?:ed|ing|ery)|(?:trying to|tries to) (?:break|get|force)(?: his way)? in(?:to)?|breaking in(?:to)?|broke into|break into|burglar|thief|stolen|grabbed my \w+|stranger (?:is )?(?:trying|at|in) |can'?t find my (?:son|daughter|child|kid|father|mother|baby|grand\w+)|snatched|mugged|being followed|following me|attack(?:ed|ing)|beating|beat(?:en)? (?:me|up)|hitting (?:me|her|him)|fighting|(?:child|son|daughter|kid) is missing|lost my (?:child|son|daughter|kid)|raped?|assault(?:ed|ing)?)\b"),
    ),
    TRAFFIC: (
        (4, r"\b(?:car (?:accident|crash)|traffic accident|accident on|crashed|car crash|cars? (?:have |has |just )?(?:crashed|collided|hit each other)|knocked (?:down|over) by|ran (?:me |him |her )?over|ran into (?:my|a|the|me)|(?:drove|ran|sped) (?:off|away) after|hit me and|hit my (?:car|bike|scooter)|hit by a (?:car|truck|bus|scooter|bike|taxi|van)|(?:car|truck|bus|scooter|taxi) (?:just )?hit|collision|rear-?ended|hit and run|overturned|rolled over)\b"),
    ),
})
_ORDER = (POLICE, FIRE, MEDICAL, TRAFFIC)

# ways of speaking and names of things that hold such words and mean nothing of the kind
_IDIOM = re.compile(
    r"火冒三丈|气得[^，。]{0,5}(?:杀|打|砍)人|想死的心|(?:逼|吵|烦|折磨|搞|弄)疯[^，。]{0,2}想死[^，。]{0,3}|里面(?:没人|没有人)|电梯(?:也)?(?:停|坏)(?:了)?里面没|(?:noise|dog|price|heat|smell|fees?|it|this|they|bureaucracy|traffic|waiting)[^.]{0,30}(?:is|are|is just) killing me|火烧眉毛|十万火急|急得火烧|(?:心里|心头|肚子里?|嗓子|喉咙|头顶|头上|鼻子)(?:都)?(?:都要|快要?|像|跟|就像)*(?:着了?火|冒火|冒烟|起火)[^，。]{0,3}|(?:忙|急|气|渴|热|眼睛|眼里)(?:得)?[^，。]{0,6}(?:冒烟|冒火|着火)(?:了)?"
    r"|(?:气|肺|脑袋|头|脑子|手机|电话|朋友圈|人都|我都|都快|心态|肚子|人)(?:都)?(?:要|快|快要|被|都要|都快|打|得)*(?:气)?(?:炸|爆炸|爆)了?|气炸|信息爆炸|爆炸性|炸锅|爆炸式|炸鸡|炸油条|炸了锅|打爆|油炸"
    r"|(?:快要?|都要|要|都快|真是|简直|真的|快被|把人|要把人|被他们?|被它|被)?(?:气|急|烦|吵|累|热|冻|臭|饿|渴|笑|忙|愁|坑|恨|贵|痒|无聊|困|堵|逼|闷|担心|羞|熏|吓|拖|折腾|熬|伤心|讨厌|整|害)(?:都)?(?:要|快|得)?死(?:人|我|了|掉|个人|你)*"
    r"|(?:愁|烦|气|急|恨|闹心|郁闷|吵|累|忙|压力大?|逼|臭|热|冷|痛|尴尬)(?:到|得)(?:我|人|我们|都|真|简直)*(?:都)?(?:想死|要死|要命|不想活|想跳楼|要跳楼|吐血|跳楼|想撞墙|心脏病|晕倒|昏倒|晕过去|要晕|要疯|崩溃|快疯)[^，。]{0,4}"
    r"|跳楼(?:价|大甩卖|甩卖|大减价|机)|吐血价|大出血(?:价|甩卖)|(?:差点|险些|快要?|都要|要)?(?:被)?(?:气|累|吓)(?:得|到)?(?:我|快|都|要|差点)*(?:吐血|昏|晕|晕倒|昏过去|昏倒|心脏病|出病|出心脏病|犯病|中风|脑溢血|高血压)[^，。]{0,5}"
    r"|救命(?:的)?(?:钱|稻草|药|恩人|之恩)|(?:得|到)(?:我|人|我们|都|真)*(?:想|要)(?:跳楼|死|撞墙|杀人|自杀|打人|上吊|砸)[^，。]{0,2}|不(?:买|消费|交钱|付钱|办卡)[^，。]{0,6}不(?:让|给)走|水管[^，。]{0,3}(?:爆炸|炸)(?:了)?|不是爆炸|撞到[^，。]{0,6}(?:菜篮|篮子|车篮|东西|手机)|(?:护栏|栏杆|路灯杆|灯杆|围墙|电线杆|消防栓|广告牌|隔离栏)[^，。]{0,4}被[^，。]{0,8}撞[^，。]{0,2}|(?:拿|想拿|真想拿|恨不得拿)把刀(?:上去|砍|去)?(?=[^，。]{0,4}开玩笑)|要(?:了)?(?:我|人|老)?(?:的)?(?:老)?命|杀(?:价|猪|熟|青|毒|虫|鸡|鸭|鱼|手锏|菌|伤力)|(?:自杀|轻生)(?:式|性)|大数据杀熟|宰客"
    r"|抢(?:购|票|号|修|收|钱|课|红包|道|单|生意|饭碗|座|车位|占|不到|险|注)|(?:像|跟|就是|简直|等于|这不是|明摆着|简直是|等于是|和|变相)(?:在)?(?:抢劫|打劫|明抢|抢钱|绑架|强盗|土匪|杀人|谋财害命|敲诈)[^，。]{0,4}|道德绑架|被绑定|绑(?:定|卡)|捆绑"
    r"|(?:电脑|手机|软件|系统|程序|游戏|网络)[^，。]{0,4}(?:中毒|中了毒|病毒|崩溃|瘫痪|卡住)|中了?(?:他|她|邪)的?毒|(?:信息|隐私|资料|个人信息|数据|秘密|号码)[^，。]{0,4}(?:泄露|泄漏)"
    r"|天(?:都)?(?:要)?塌(?:了|下来)|(?:撞|追)(?:期|款|名|衫|脸|档)|时间(?:上)?(?:有)?(?:撞|冲突)|撞车(?:了)?(?:时间|日程)|(?:正好|刚好|时间|会议|考试|日期|课)[^，。]{0,4}撞(?:车|上|到)(?:了)?[^，。]{0,3}|撞大运|撞见|打击|打我(?:的)?电话|打我(?:的)?(?:手机|号码)|打我这个|打我家|打我吧"
    r"|(?:着火|起火|火灾|消防|灭火)(?:点|险|器|栓|隐患|报警器|演练|演习|知识|培训|通道|逃生)|火(?:爆|锅|车|腿|化|葬|热|候|山石|龙果)|烟火|烟花|灯火|柴火|香火|战火|停火|火(?:起来|了起来)|发火|恼火|上火|窝火|惹火|火大|火气|恼羞"
    r"|(?:冰|蓝|红|绿|黄|灰)(?:火|焰)|刀(?:削面|鱼|片|具|刃|子嘴)|剃刀|两把刷子|枪(?:毙电影|版|手)|水枪|玩具枪|测温枪|加油枪|油枪|枪支管理"
    r"|想死你|打(?:车|的|电话|卡|折|工|架势|官司|扫|包|水|疫苗|针|印|听|交道|开|算|理|通|不通|分)|殴打他人的处罚|打赏"
    r"|(?:卡|钱|资金|账|款|资料|系统|流程|进度|工资|问题|手续|退款)[^，。]{0,5}(?:卡住|卡在|困在|压在|压着|压住)|困难|困扰|被困扰|贫困|特困|(?:被)?套牢"
    r"|(?:大火|火)(?:的)?(?:电视剧|歌|网红|博主|餐厅|店|景点)|网红|火(?:遍|出圈)|很火|太火|最近火|比较火|特别火|非常火"
    r"|(?:fire (?:drill|extinguisher|exit|station|hydrant|alarm test|safety|insurance|lane|door|department|fighter)|fired|killing time|kill time|dying to|scared to death|my phone (?:is |has )?died|heart attack (?:when|from the)|nearly had a heart attack|gave me a heart attack|almost had a heart attack|set on fire by|knife shop|stroke of|day ?light robbery|daylight robbery|highway robbery|robbery price|rip.?off|shot up|vaccine shots?|flu shots?|shot (?:for|of)|price (?:is )?killing|trapped in (?:a|this|the) contract|stuck in traffic|crashed (?:my )?(?:app|website|computer|phone|page)|(?:app|website|system|computer|page|server)(?: has| just| keeps)? crash(?:ed|ing|es)?|drowning in|smoke ?free|no.?smoking|gas bill|gas station|gas meter|gas card)",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"[，。！？；、,.!?;\s]+(?=[^\sA-Za-z]|$)|(?<=[,.!?;])\s*|(?=但是|可是|不过|然而|结果|突然|后来|所以|而且|你们)|(?=\b(?:but|now|so|because|and then|however)\b)",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"现在(?!还没|不|我问|问|想)|到现在|至今|刚刚|刚才|这会儿?|眼下|此刻|正在|正(?:拿|在|要)|马上|快来|赶紧来|快点来|又(?:着|起|打|开始|冒|漏|烧)|今天(?:又)?|突然|还在(?:烧|冒|打|漏|流)|right now|just now|at the moment|currently|just (?:saw|crashed|happened|hit|fell|collapsed|started)|please (?:send|hurry|come)|hurry|help",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"去年|前年|大前年|上个?月|上周|上个?星期|上个?礼拜|上次|上回|以前|之前|从前|曾经|那时候?|当时|当年|当初|小时候|前天|昨天|昨晚|昨日|前几天|前阵子|前段时间|前两天|前些(?:天|年)|(?:[几两三四五六七八九十半一二\d]+个?(?:年|月|天|星期|礼拜|周|多月|多年)|好久|很久|好几[天年月])(?:以)?前|[一二三四五六七八九十\d]{1,2}月份?(?:的时候|那次|发生|出)?|年初|年底那|春节(?:的时候|期间)|发生过|出过(?:事|一次|好几次|火灾|车祸)|着过火|烧过|撞过|摔过|打过架|打过人|漏过|塌过|倒过|有过|出了?事(?:以后|之后)|事故(?:以后|之后|后|认定|处理|责任|赔偿|证明|科)|那场|那次|那起"
    r"|\b(?:last (?:year|month|week|night|time|summer|winter|spring|monday|tuesday|wednesday|thursday|friday|saturday|sunday)|yesterday|(?<!minute )(?<!minutes )(?<!hour )(?<!hours )(?<!seconds )(?<!moment )ago|previously|used to|once|back in|in the past|had (?:a|been)|was (?:in )?a|were|the other day|earlier this)\b",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"(?:已经|都|后来|火|人)(?:被)?(?:扑|熄|浇)?灭(?:了|掉)|扑灭|灭掉了?|已经(?:没事|解决|处理|救|送(?:到|去)?医院|好了|出院|脱险|安全|控制住|拖走|撤离|修好|关(?:掉|了))|没事了|对方不赔|全责|救(?:出来|上来|起来)了|出院|送(?:医|急诊)?(?:抢救)?(?:以后|之后)|去世|过世|走了以后|住院(?:了)?(?:好|很|一|两|三|半)|在住院|伤残|工伤(?:认定|赔偿|鉴定)?|警察已经|交警已经|交警(?:判|认定|定)|定责|认定书|理赔|赔偿|补偿|保险公司|修车费|医药费|医疗费|误工费|事故处理"
    r"|\b(?:already (?:been )?(?:put out|extinguished|resolved|rescued|in hospital|called the police|over)|it'?s over now|fixed now|it'?s fine now|compensation|insurance|claim)\b",
    re.IGNORECASE,
)
_HEARD = re.compile(
    r"听(?:说|人说|人家说|别人说|邻居说|朋友说|同事说|到(?:消息|传言|有人说))|据说|传言|谣言|传闻|新闻|网上(?:说|看|看到|有人|传)|抖音|微博|微信群里?|群里(?:说|有人|传|在传)|朋友圈|报道|视频里?|电视|电影|小说|剧里|报纸|看到说|传得|辟谣|是不是真的|真的假的|\b(?:heard (?:that|about|of|from)|i heard|read (?:that|about|in)|news|rumou?r|saw (?:on|in) (?:the )?(?:tv|news|internet|wechat|video)|on the news|movie|film|online that|wechat group)\b",
    re.IGNORECASE,
)
_FEARED_BEFORE = re.compile(
    r"(?:会不会|可能会|很?容易|(?<!好)(?<!很)(?<!害)(?<!可)怕(?!他|她|死)|(?<!好)担心|恐怕|生怕|以防|防止|避免|预防|防范|防|迟早|早晚(?:要|会)?|别等|不要等|难道要?等|非(?:得|要)|差点|险些|差一点|几乎|就要出|不然|否则|小心|下个?月|下周|下个?星期|明天|后天|过几天|预产期|经常|老是|总是|常常|天天|每天|每次|动不动|时不时|一直有|以为|真(?:的)?要|要真|欺负|(?<!好)像|好比|如同)[^，。！？]{0,12}$"
    r"|\b(?:what|might|may|could|afraid|worried|worry|risk of|hazard|prevent|avoid|someone will|somebody will|would|almost|nearly|like|every \w+|always|often)\b[^,.]{0,30}$",
    re.IGNORECASE,
)
_FEARED_AFTER = re.compile(
    r"^[^，。！？]{0,10}(?:的话|隐患|风险|怎么得了|谁负责|才(?:管|来|处理|重视)|不得了建议|好几次|好几回|多次|就(?:完了|麻烦|糟))|^[^,.]{0,20}\b(?:risk|hazard|waiting to happen)\b", re.IGNORECASE
)
_IF = re.compile(r"(?:万一|如果|假如|要是|倘若|假设|一旦)[^，。！？]{0,30}$|\b(?:if|in case|what if)\b[^,.]{0,40}$", re.IGNORECASE)
_URGENT = re.compile(
    r"快来|快点|快叫|快派|快报|快救|快快|快过来|赶紧(?:来|派|叫|过)|救命(?!的?药|钱|稻草|恩|之恩)|救人|救救|刚刚|刚才|正在|这会儿|突然|还在(?:烧|冒|打|流|漏|叫|里面|追|喊|砸)|怎么办啊|叫(?:警察|救护车|消防)(?!.{0,6}(?:多少|费|一趟))|又在打|到现在没回|\b(?:please (?:send|hurry|come)|hurry|right now|just now|help me|help us|send (?:an ambulance|the police|someone|help)|is happening)\b",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"怎么(?:预防|防|避免|申请|办理|申报)|什么情况(?:下)?|什么时候(?:可以|能|该)|建议|提醒|宣传|演练|演习|培训|讲座|课程|学习|教(?:我们|大家)|比赛|考试|模拟|练习|检查|验收|条件|政策|规定|标准|收费|多少钱|一趟|补贴|保险|证书|证明|电话是多少|是几号|报销|医保|就是问问|问一下(?!路)"
)
_DENIED = re.compile(
    r"(?:没有?(?:发生|出|人|什么)?|并没有?|不是(?:说|要|来|真的?|因为)?|不用|不需要|不必|无需|别|不要|不想|并非|也没|又不是|未|没在|没有人|不会|不打算|不准备|不敢|防|灭)(?:任何|再|是|有|被|要|去|真的?|我|叫|打|他|她)?$|\b(?:not?|isn'?t|wasn'?t|don'?t|no|there(?:'s| is) no|not a|it'?s not(?: an?)?|nobody(?: is)?|nothing|never|without(?: any)?|no need (?:for|to))(?: (?:a|an|any|the|really|calling|on|about|reporting|going to|need|to))*\s*$",
    re.IGNORECASE,
)
_SOMEBODYS_TRADE = re.compile(r"(?:烟囱|工厂|厂里|厂子|化工厂|厂区|排烟|尾气|油烟|烧烤|饭店|餐馆|餐饮|烧秸秆|烧垃圾|焚烧|燃放|鞭炮|祭祀|烧纸|锅炉|公交车尾|柴油车)")
_SMOKE = re.compile(r"冒|烟|呛")


@dataclass(frozen=True, slots=True)
class Alarm:
    """An emergency heard: which line, in which of the lines, the words."""

    number: str
    line: int
    words: str


def _compile(table: Mapping[str, Sequence[tuple[int, str]]]) -> list[tuple[str, int, re.Pattern[str]]]:
    return [(number, weight, re.compile(words, re.IGNORECASE)) for number in table for weight, words in table[number]]


_ALL = _compile(_SIGNS) + _compile(_EN_SIGNS)


def find_emergency(lines: Sequence[Line]) -> Alarm | None:
    """The emergency that the caller reports as happening now, None when there is none."""
    best: tuple[int, int, Alarm] | None = None
    for n, line in enumerate(lines):
        if line.party != CALLER:
            continue
        urgent = _URGENT.search(line.text) is not None
        if not urgent and (_ASKED.search(line.text) or _OVER.search(line.text)):
            continue
        past = False
        for clause in _clauses(line.text):
            past = _is_past(clause, past) and not urgent
            if past or (_HEARD.search(clause) and not urgent):
                continue
            bare = _IDIOM.sub(lambda hit: "＊" * len(hit.group()), clause)
            for number, weight, words in _hits(bare, urgent):
                rank = (weight, -_ORDER.index(number))
                if best is None or rank > best[:2]:
                    best = (*rank, Alarm(number, n, words))
    return None if best is None else best[2]


def _clauses(text: str) -> list[str]:
    return [one for one in _SPLIT.split(text) if one]


def _is_past(clause: str, before: bool) -> bool:
    """Whether a clause tells of the past; it lasts until a word of the present."""
    if _NOW.search(clause):
        return False
    return before or _PAST.search(clause) is not None


def _hits(clause: str, urgent: bool) -> list[tuple[str, int, str]]:
    found = []
    for number, weight, pattern in _ALL:
        for hit in pattern.finditer(clause):
            before, after = clause[:hit.start()], clause[hit.end():]
            if _DENIED.search(before) or _IF.search(before):
                continue
            if not urgent and (_FEARED_BEFORE.search(before) or _FEARED_AFTER.search(after)):
                continue
            if _SMOKE.search(hit.group()) and _SOMEBODYS_TRADE.search(clause) and "火" not in hit.group():
                continue
            found.append((number, weight, hit.group()))
    return found
