"""The service machine's clock is wrong, and jumps: the switch hears the heart-beat in its own time, calls go on."""

from __future__ import annotations

import time

import pytest

from calls import CallState
from tests.parties.world import PATIENCE, floor

pytestmark = pytest.mark.integration


async def test_a_clock_that_is_wrong_and_jumps_by_hours_costs_no_caller(bench, eventually):
    async with floor(bench, seats=["8001"]) as world:
        clock = world.hotline.active.clock
        off = [0.0]
        clock._wall = lambda: time.time() + off[0]

        async def beat():
            link = world.hotline.link
            value = (await link.send({"Action": "Getvar", "Variable": "HEARTBEAT"})).one("Value")
            epoch = (await link.send({"Action": "Getvar", "Variable": "STRFTIME(,,%s)"})).one("Value")
            return int(value) - int(epoch)

        world.engine._clock.not_before(time.time() + 300)  # as a process that began with a wrong clock
        for jump in (3 * 3600.0, -3 * 3600.0):
            off[0] = jump
            talk = await world.talk("8001")
            assert talk.call.state is CallState.TALKING
            since = world.hotline.switch._its._asked
            await eventually(lambda since=since: world.hotline.switch._its._asked != since, PATIENCE, "read again")
            assert abs(await beat()) <= 2
            await world.engine.sweep()
            parts = {p.part: p for p in await world.hotline.active.health.look()}
            assert parts["clock"].reason == "clock-jumped" and parts["ami"].ok
            await talk.caller.hang_up()
            await eventually(lambda: not world.engine.calls, PATIENCE, "wrapped up and over")
