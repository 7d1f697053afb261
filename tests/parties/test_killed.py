"""kill -9 in the middle of transfers: two real processes, real audio. Each test is named by what would go wrong."""

import asyncio
import time

import pytest

from demo import Manner
from tests.parties.processes import floor_of_two
from tests.parties.world import NOBODY

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

RINGS = Manner(after=None)
LINES = {"join": ("expert", "expert"), "consult": ("119", "fire"), "transfer": ("120", "medical"),
         "busy": ("shanghai-12345", "linked"), "emergency": ("110", "police")}  # fmt: skip
"""What is ordered → (entry, trunk)."""


async def test_a_killed_process_costs_somebody_the_talk_the_transfer_or_the_recording(bench):
    """Six calls in six arrangements at once; then the same, joined, and the other process is killed too."""
    slow = {"shanghai-12345": {"name": "上海12345", "kind": "hotline", "numbers": "02112345", "trunks": "linked",
                               "protocol": "uui", "ring": 30}}  # fmt: skip
    slow |= {"expert": {"name": "专家", "kind": "unit", "numbers": "057188880001", "trunks": "expert", "ring": 30},
             "110": {"name": "110", "kind": "emergency", "numbers": "110", "trunks": "police", "ring": 30}}  # fmt: skip
    async with floor_of_two(bench, **slow) as site:
        for _, trunk in LINES.values():
            site.outside[trunk].takes(RINGS)
        talks = {}
        for n, name in enumerate((*LINES, "held"), 1):
            talks[name] = await site.talk(f"800{n}")
        sizes = {name: recorded(site, talk) for name, talk in talks.items()}

        async def ordered(name):
            """The order whose answer the killed process gave, or would have given."""
            if name == "held":
                return await site.order(talks[name], "arrange", "key-held", what="hold")
            entry = LINES[name][0]
            if name == "emergency":
                return await site.order(talks[name], "emergency", "key-emergency", entry=entry)
            how = "transfer" if name == "busy" else name
            return await site.order(talks[name], "parties", f"key-{name}", how=how, entry=entry)

        answers = dict(zip(talks, await asyncio.gather(*map(ordered, talks)), strict=True))
        rings = {name: await site.outside[trunk].rings() for name, (_, trunk) in LINES.items()}
        for name in ("consult", "transfer", "held"):
            await talks[name].voices.music()
        began = time.time()
        await site.kill()
        # ------------------------------------------------------------ nobody decides
        for name in ("consult", "transfer"):
            await rings[name].answer()
            talks[name].voices.add("other", rings[name])
        await talks["consult"].voices.hear(seat={"other"}, other={"seat"}, caller=NOBODY)
        await talks["transfer"].voices.hear(caller={"other"}, other={"caller"})
        await site.taken_over()
        # ------------------------------------------------------------ the other one does
        again = dict(zip(talks, await asyncio.gather(*map(ordered, talks)), strict=True))
        assert {n: a.get("id") for n, a in again.items()} == {n: a.get("id") for n, a in answers.items()}
        for name in ("join", "emergency"):
            await rings[name].answer()
            talks[name].voices.add("other", rings[name])
            await site.party(talks[name], answers[name]["id"], "joined")
            await talks[name].voices.all_hear_all()
            talks[name].never_cut(began)
        await rings["busy"].reject(486)
        assert (await site.party(talks["busy"], answers["busy"]["id"], "failed"))["why"] == "busy"
        await talks["busy"].voices.all_hear_all()
        await talks["transfer"].seat.ended(10)
        await talks["held"].voices.music()
        await site.order(talks["held"], "arrange", what="resume")
        await talks["held"].voices.all_hear_all()
        await talks["consult"].voices.hear(seat={"other"}, other={"seat"}, caller=NOBODY)
        await site.agrees()
        assert {trunk: len(site.outside[trunk].seen) for _, trunk in LINES.values()} == {
            trunk: 1 for _, trunk in LINES.values()
        }, "one order, one call"

        # ------------------------------------------------------------ the same, joined
        await site.second()
        await site.order(talks["held"], "arrange", what="mute")
        await talks["held"].voices.hear(caller=NOBODY, seat={"caller"})
        began = time.time()
        await site.kill()
        await site.taken_over()
        await site.agrees()
        for name in ("join", "emergency"):
            await talks[name].voices.all_hear_all()
            talks[name].never_cut(began, *ALL)
        await talks["transfer"].voices.all_hear_all("caller", "other")
        await talks["consult"].voices.hear(seat={"other"}, other={"seat"}, caller=NOBODY)
        talks["transfer"].never_cut(began, ("caller", "other"), ("other", "caller"))
        talks["consult"].never_cut(began, ("seat", "other"), ("other", "seat"))
        await site.order(talks["consult"], "arrange", what="join")
        await talks["consult"].voices.all_hear_all()
        await site.order(talks["held"], "arrange", what="unmute")
        await talks["held"].voices.all_hear_all()
        await site.order(talks["emergency"], "arrange", what="leave")
        await talks["emergency"].voices.hear(caller={"other"}, other={"caller"})
        await site.agrees()
        for name, talk in talks.items():
            assert recorded(site, talk) > sizes[name], name
        assert len(list(site.settings.spool.glob("*.raw"))) >= len(talks)


ALL = (("caller", "seat"), ("caller", "other"), ("seat", "caller"), ("seat", "other"), ("other", "caller"))


def recorded(site, talk):
    """Bytes of the call's one raw file."""
    (path,) = site.settings.spool.glob(f"{talk.id}*.raw")
    return path.stat().st_size


async def test_with_no_process_left_a_talk_ends_or_a_caller_stays_in_the_music(bench):
    async with floor_of_two(bench) as site:
        plain, held, consult, rung = [await site.talk(f"800{n}") for n in (1, 2, 3, 4)]
        site.outside["medical"].takes(RINGS)
        await site.order(held, "arrange", what="hold")
        part = await site.order(consult, "parties", how="consult", entry="expert")
        consult.voices.add("other", await site.outside["expert"].answers())
        await site.party(consult, part["id"], "joined")
        part = await site.order(rung, "parties", how="transfer", entry="120")
        ringing = await site.outside["medical"].rings()
        for talk in (held, consult, rung):
            await talk.voices.music()
        human = await site.phone("8005")
        began = time.time()
        standby = site.standby
        await asyncio.gather(site.kill(), standby.kill())
        # ------------------------------------------------------------ the switch alone
        await rung.voices.music()
        await held.voices.all_hear_all()
        native = await human.incoming(20)
        await native.answer()
        consult.voices.add("human", native)
        await consult.voices.all_hear_all("caller", "human")
        await consult.voices.all_hear_all("seat", "other")
        await rung.voices.all_hear_all("caller", "seat")
        await ringing.answer()
        rung.voices.add("other", ringing)
        await rung.voices.all_hear_all()
        # ------------------------------------------------------------ a process again
        site.active = await site.begin()
        await site.active.is_("active")
        await site.agrees()
        await plain.voices.all_hear_all()
        plain.never_cut(began)
        await held.voices.all_hear_all()
        await consult.voices.all_hear_all("caller", "human")
        # Who was consulted has lost its caller to that human: nobody stays in the line for nothing.
        await consult.seat.ended(10)
        await consult.voices["other"].ended(10)
        await rung.voices.all_hear_all("caller", "other")
        await site.order(held, "arrange", what="hold")
        await held.voices.music()
        await site.order(held, "arrange", what="resume")
        await held.voices.all_hear_all()
