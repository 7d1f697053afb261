"""What can never be written must not stop the journal, nor cost what can be."""

from collections.abc import Callable

from calls import Batch, MemoryJournal
from calls import events as e
from tests.unit.calls.party_world import CALL, World


class Strict(MemoryJournal):
    """Encodes as the real one does."""

    async def append(self, batch: Batch) -> None:
        for event, _ in batch.entries:
            e.Codec.encode(event).encode()
        await super().append(batch)


async def test_an_event_that_no_journal_can_hold_stops_the_hotline_or_loses_the_batch_it_is_in() -> None:
    world = World()
    world.journal = Strict()
    world.begin()
    broken: Callable[[], None] = lambda: None  # noqa: E731
    world.switch.arrive(CALL)
    world.engine.feed([e.Arrived("hotline-2.0", "PJSIP/x", "12345", history={"calls": broken})])
    world.switch.greeted(CALL)
    await world.caller()
    kept = [event async for event, _ in world.journal.replay()]
    assert any(isinstance(x, e.Arrived) and x.call == CALL for x in kept)
    assert not any(x.call == "hotline-2.0" and isinstance(x, e.Arrived) for x in kept)
    assert world.engine.counters.errors == 1
    assert world.engine.journal_ok
    assert world.seat("8001").state.value == "talking", "its commands went out"


async def test_a_surrogate_out_of_a_broken_name_stops_the_journal() -> None:
    world = World()
    world.journal = Strict()
    world.begin()
    world.engine.feed([e.Arrived(CALL, "PJSIP/x", "12345", name="\ud800")])
    await world.engine.turn()
    assert world.engine.journal_ok
    assert world.engine.counters.errors == 1
