"""An alarm begins when a part is surely not well, is told once, and ends when it surely is."""

import logging

import console
from service.alarms import Alarms
from service.health import Health, NotWell


def probe(part="store", ok=True, reason=None, severity=None):
    message = None if ok else {"zh": "不行", "en": "not well"}
    return console.Probe.model_validate(
        {"part": part, "ok": ok, "reason": reason, "severity": severity, "message": message, "since": 100.0}
    )


BAD = probe(ok=False, reason="store-down", severity="critical")


def alarms(told=None):
    async def look():
        return []

    return Alarms(look, (told if told is not None else []).append, lambda: 130.0)


def test_one_slow_answer_is_none_and_two_are_one(caplog):
    told = []
    one = alarms(told)
    for bad in (BAD, probe(), BAD, probe(), BAD):
        one.note([bad])
    assert one.live == {} and told == []
    one.note([BAD])
    one.note([BAD])
    one.note([BAD])
    [alarm] = one.live.values()
    assert (alarm.name, alarm.code, alarm.severity, alarm.since) == ("store", "store-down", "critical", 100.0)
    assert (alarm.zh, alarm.en) == ("不行", "not well")
    assert told == [BAD]
    assert [r.message for r in caplog.records] == ["alarm begins"]  # once
    assert caplog.records[0].levelno == logging.ERROR


def test_it_ends_when_the_part_is_surely_well(caplog):
    told = []
    one = alarms(told)
    for bad in (BAD, BAD, probe(), BAD, probe()):
        one.note([bad])
    assert one.live
    one.note([probe()])
    assert one.live == {}
    [past] = one.past
    assert (past.since, past.until) == (100.0, 130.0)
    assert [r.message for r in caplog.records] == ["alarm begins", "alarm ends"]
    assert [p.ok for p in told] == [False, True]


def test_the_same_part_may_get_worse(caplog):
    one = alarms()
    low = probe("disk", ok=False, reason="disk-low", severity="warning")
    worse = probe("disk", ok=False, reason="disk-critical", severity="critical")
    for p in (low, low, worse, worse):
        one.note([p])
    assert one.live["disk"].code == "disk-critical"
    assert [(r.message, r.levelname) for r in caplog.records] == [
        ("alarm begins", "WARNING"), ("alarm changes", "ERROR"),
    ]  # fmt: skip


def test_figures():
    one = alarms()
    for _ in range(2):
        one.note([BAD, probe("ami")])
    samples = {(s.name, s.labels["name"]): s.value for f in one.collect() for s in f.samples}
    assert samples["hotline_alarm", "store"] == 1
    assert samples["hotline_alarm", "ami"] == 0
    assert samples["hotline_alarms_begun_total", "store"] == 1


async def test_parts_say_how_bad_it_is():
    health = Health()

    async def needed():
        raise NotWell("x", "坏", "bad")

    async def less():
        raise NotWell("y", "坏", "bad", "critical")

    health.add("a", needed)
    health.add("b", needed, needed=False)
    health.add("c", less, needed=False)
    assert [p.severity for p in await health.look()] == ["critical", "warning", "critical"]
