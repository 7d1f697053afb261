"""Two hotlines, two switches: a call goes from one to the other and is known there as theirs."""

import pytest

from tests.parties.two import two_hotlines
from tests.parties.world import NOBODY

pytestmark = pytest.mark.integration


async def test_the_other_hotline_joins_by_its_trunk_and_keeps_the_caller(tmp_path, redis_url, eventually):
    async with two_hotlines(tmp_path, redis_url) as (zhejiang, shanghai):
        talk = await zhejiang.talk()
        await shanghai.seat("8101")
        part = zhejiang.engine.want_party(talk.id, "join", entry="shanghai-12345")
        talk.voices.add("shanghai", await shanghai.takes("8101"))
        await talk.party(part, "joined")
        await talk.voices.all_hear_all()
        (there,) = shanghai.engine.calls.values()
        assert there.origin == "line-zhejiang-12345"
        zhejiang.engine.arrange(talk.id, "leave")
        await talk.seat.ended(10)
        await talk.voices.all_hear_all("caller", "shanghai")
        await talk.caller.hang_up()
        await talk.voices["shanghai"].ended(10)


async def test_a_call_goes_to_the_other_hotline_with_its_case_and_comes_back(tmp_path, redis_url, eventually):
    async with two_hotlines(tmp_path, redis_url) as (zhejiang, shanghai):
        talk = await zhejiang.talk(number="13800001234")
        await shanghai.seat("8101")
        part = zhejiang.engine.want_party(talk.id, "consult", entry="shanghai-12345")
        talk.voices.add("shanghai", await shanghai.takes("8101"))
        await talk.party(part, "joined")
        await talk.voices.hear(caller=NOBODY, seat={"shanghai"}, shanghai={"seat"})

        (abroad,) = shanghai.engine.calls

        def there():
            return shanghai.engine.calls[abroad]

        await eventually(lambda: there().context, what="the other hotline has fetched the case")
        context = there().context
        assert there().origin == "line-zhejiang-12345"
        assert there().case == context["case"] and talk.id in context["case"]
        assert context["caller"]["number"] == "13800001234", "not the trunk's number"
        counts = zhejiang.hotline.active.linked.counts
        assert (counts.given, counts.denied, counts.too_late) == (1, 0, 0)

        zhejiang.engine.arrange(talk.id, "complete")
        await talk.seat.ended(10)
        await talk.voices.all_hear_all("caller", "shanghai")

        await zhejiang.seat("8002")
        before = set(zhejiang.engine.calls)
        shanghai.engine.want_party(abroad, "transfer", entry="zhejiang-12345")
        talk.voices.add("back", await zhejiang.takes("8002"))
        (again,) = set(zhejiang.engine.calls) - before
        await eventually(lambda: zhejiang.engine.calls[again].context, what="the case has come back")
        back = zhejiang.engine.calls[again]
        assert (back.origin, back.case) == ("line-shanghai-12345", there().case), "the same case, not a new one"
        await talk.voices["shanghai"].ended(10)
        await talk.voices.all_hear_all("caller", "back")
        await talk.caller.hang_up()
        await talk.voices["back"].ended(10)
