"""The bench of further parties: what is read from the tones, from the switch's lists, and what stands in the tables."""

from collections import Counter
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench import layout, parties, party_cpu
from bench.party_times import ALL, PATIENCE, STEADY, STEPS, Mark, Times, both, hears_from, longest_gap, merged, read
from demo import TONES, ToneSpan
from service.config_directory import DirectoryFile

EVER = float("inf")


# ------------------------------------------------------------------ times
def test_all_hear_all_when_the_last_pair_does():
    assert hears_from([[(0.0, EVER)], [(10.25, EVER)], [(10.03, 30.0)]], 10.0) == pytest.approx(0.25)


def test_a_moment_between_two_states_is_no_answer():
    flicker = [(10.1, 10.1 + STEADY / 2), (11.0, EVER)]
    assert hears_from([flicker, [(0.0, EVER)]], 10.0) == pytest.approx(1.0)


def test_who_was_never_parted_has_not_come_together_again():
    assert hears_from([[(0.0, EVER)], [(5.0, EVER)]], 10.0) is None
    assert hears_from([[(0.0, 9.9), (10.2, EVER)]], 10.0) == pytest.approx(0.2)


def test_what_is_heard_too_late_or_never_has_failed():
    assert hears_from([[(10.0 + PATIENCE + 0.1, EVER)]], 10.0) is None
    assert hears_from([[(10.1, EVER)], []], 10.0) is None


SPANS = st.lists(st.integers(0, 60), max_size=8, unique=True).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@given(SPANS, SPANS)
def test_both_hold_exactly_where_each_does(one, other):
    found = both(one, other)
    assert all(begin < end for begin, end in found)
    for tick in range(61):
        at = tick + 0.5
        holds = [any(b <= at < e for b, e in spans) for spans in (one, other, found)]
        assert holds[2] == (holds[0] and holds[1])


@given(st.lists(SPANS, min_size=1, max_size=4), st.integers(0, 60))
def test_whenever_an_answer_comes_all_hold_then_and_did_not_before(spans, since):
    found = hears_from(spans, since, patience=100.0)
    if found is not None:
        at = since + found
        assert found > 0
        assert all(any(b <= at and at + STEADY <= e for b, e in one) for one in spans)
        assert not all(any(b <= since < e for b, e in one) for one in spans)


@given(SPANS)
def test_gaps_that_are_short_enough_are_none_and_all_else_stays(spans):
    found = merged(spans, 3)
    assert all(b[0] - a[1] >= 3 for a, b in pairwise(found))
    for tick in range(61):
        at = tick + 0.5
        was, now = (any(b <= at < e for b, e in x) for x in (spans, found))
        near = any(a[1] <= at < b[0] and b[0] - a[1] < 3 for a, b in pairwise(spans))
        assert now == (was or near)


def test_a_late_packet_does_not_part_who_talk():
    broken = [(10.02, 10.12), (10.18, 10.3), (10.36, EVER)]
    assert hears_from([broken], 10.0) == pytest.approx(0.36)
    assert hears_from([merged(broken)], 10.0) == pytest.approx(0.02)


def test_the_gap_is_looked_for_near_the_step_only():
    spans = [(0.0, 3.0), (7.0, 10.0), (10.08, 11.0), (11.02, 20.0)]
    assert longest_gap(spans, 9.5, 11.5) == pytest.approx(0.08)
    assert longest_gap([(0.0, 20.0)], 9.5, 11.5) == 0.0


def heard(broken=0.0, **began):
    """A phone that hears the voices from those times on; for a moment it does not, from `broken` on."""
    tones = dict(zip(("caller", "seat", "party"), TONES[1:4], strict=True))
    spans = {tones[v]: [ToneSpan(tones[v], at, broken or None)] for v, at in began.items()}
    for tone, found in spans.items():
        found += [ToneSpan(tone, broken + 0.05, None)] if broken else []
    return SimpleNamespace(tone_log=lambda tones: [span for t in tones for span in spans.get(t, ())])


def test_marks_become_times_and_faults():
    calls = {
        "caller": heard(seat=1.0, party=10.03), "seat": heard(caller=1.0, party=10.02),
        "party": heard(caller=10.04, seat=10.04),
    }  # fmt: skip
    late = {**calls, "caller": heard(seat=1.0, party=10.03, broken=10.2)}
    deaf = {**calls, "party": heard(caller=10.04)}
    times = Times()
    read(times, [Mark("join", 10.0, ALL, calls), Mark("emergency", 10.0, ALL, late), Mark("transfer", 10.0, ALL, deaf)])
    assert times.found["join"] == times.found["emergency"] == [pytest.approx(40.0)]
    assert times.found["gap"] == [0.0, pytest.approx(50.0)], "told apart, and does not part them"
    assert times.found["transfer"] == [] and times.faults == Counter({"transfer: not heard": 1})
    assert set(times.as_json()["times"]) == set(STEPS) == set(parties.STEP_TITLES)


# ------------------------------------------------------------------ costs
def test_bridges_with_nobody_in_them_do_not_count():
    text = """Bridge-ID                            Name               Chans Type            Technology      Duration
165cc1de-b9b3-4dbc-9412-c79d8e4dd95e bench-1795579604.10    0 base            holding_bridge  00:00:01
9c0abcd5-74ee-40cb-a061-68744500dee5 <unknown>              3 basic           softmix         00:00:01
ed6fbef3-8abd-4822-b4ad-5a2575a90683 a room of three        4 base            softmix         00:00:01

"""
    assert party_cpu.technologies(text) == {"softmix": 2}


def test_packets_are_counted_by_channel_although_names_are_cut_off():
    text = """
                                             ...........Receive......... .........Transmit..........
 BridgeId ChannelId ........ UpTime.. Codec.   Count    Lost Pct  Jitter   Count    Lost Pct  Jitter RTT....
 ===========================================================================================================

 24a3be36 2002-00000002      00:00:01 alaw       48       0    0   0.000     52       0    0   0.000   0.000
 24a3be36 line-outside-00000 00:00:02 alaw      103       0    0   0.000     98       0    0   0.000   0.000
          line-outside-00000 00:00:01 alaw       49       0    0   0.000     48       0    0   0.000   0.000

Objects found: 3
"""
    assert party_cpu.packet_counts(text) == {
        ("2002-00000002", 0): 48, ("line-outside-00000", 0): 103, ("line-outside-00000", 1): 49,
    }  # fmt: skip


def test_one_caller_of_a_room_is_recorded_and_only_two_extensions_tell_who_talks():
    text = party_cpu.conference(record=True)["extensions.conf"]
    by_number = {part.split(",")[0]: part for part in text.split("exten => ")[1:]}
    assert {n for n, part in by_number.items() if "MixMonitor" in part} == {
        party_cpu.RECORDED, party_cpu.RECORDED_DETECT,
    }  # fmt: skip
    assert {n for n, part in by_number.items() if "talk_detection_events" in part} == {
        party_cpu.RECORDED_DETECT, party_cpu.PLAIN_DETECT,
    }  # fmt: skip
    assert "MixMonitor" not in party_cpu.conference(record=False)["extensions.conf"]


def test_the_speech_has_words_and_a_pause_that_ends_them(tmp_path):
    path = tmp_path / "speech.pcma"
    party_cpu.write_speech(path)
    audio = np.frombuffer(path.read_bytes(), np.uint8)
    quiet = audio == audio[-1]
    assert len(audio) % 160 == 0 and not quiet[: layout.RATE].all()
    # The switch's detector waits for 2.5 s of silence.
    assert quiet[-round(2.6 * layout.RATE) :].all()


def test_the_benchs_directory_is_one_the_service_takes():
    file = DirectoryFile.model_validate(yaml.safe_load(layout.directory(5099)))
    assert {id_: (e.kind, e.trunks, e.caller_id) for id_, e in file.entries.items()} == {
        "unit": ("unit", ["outside"], "caller"), "110": ("emergency", ["outside"], "caller"),
    }  # fmt: skip


# ------------------------------------------------------------------ tables
def run_of(**times):
    return {"calls": 3, "faults": {}, "cores": {}, "times": {step: times.get(step, []) for step in STEPS}}


def cost(shape, asterisk):
    return party_cpu.Cost(shape, 20, asterisk=asterisk, bridges={"softmix": 20}).as_json()


def test_an_aim_that_is_missed_is_said_to_be():
    found = {"times": [run_of(**{"consult-busy": [20.0, 180.0]}), run_of(**{"consult-busy": [30.0, 90.0]})]}
    found["times"][1]["faults"] = {"join: not heard": 2}
    by_aim = {v["aim"].split(",")[0]: v for v in parties.verdicts(found)}
    busy = by_aim["486 → seat and caller again: consulted"]
    assert (busy["b"], busy["least"], busy["most"], busy["met"]) == (135.0, 90.0, 180.0, False)
    failed = by_aim["steps that failed"]
    assert failed["b"] == 2.0 and not failed["met"]


def test_ratios_are_taken_within_a_run():
    costs = [cost("ours-3-talk", 2.0), cost("conf-3-talk", 4.0), cost("conf-3-talk", 1.0), cost("ours-3-talk", 1.5)]
    (ratio,) = parties.verdicts({"costs": costs})
    assert (ratio["least"], ratio["most"], ratio["met"]) == (0.5, 1.5, True)
    costs = [cost("ours-3", 1.05), cost("conf-3", 1.0), cost("ours-2", 1.05), cost("dial-2", 1.0)]
    three, two = parties.verdicts({"costs": costs})
    assert not three["met"] and two["met"], "only the same kind of bridge is given the noise"


def test_the_tables_have_a_row_for_all_that_was_measured():
    table = parties.times_table([run_of(join=[10.0, 30.0]), run_of(join=[20.0])])
    assert len(table.splitlines()) == 2 and "joins" in table and "30.0" in table
    shapes = parties.costs_table([cost(shape, 1.0) for shape in party_cpu.SHAPES])
    assert len(shapes.splitlines()) == 1 + len(party_cpu.SHAPES) and "20 × softmix" in shapes
