"""Two hotlines, two switches: a call goes from one to the other and is known there as theirs."""

import pytest

from tests.parties.two import two_hotlines

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
