"""Modes are switched by persons and thresholds, with hysteresis; incidents; what is kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import MODES, Incident, Load, ModeConfig, ModeControl, ModeState, Threshold

MODE = {
    "normal": ModeConfig("normal"),
    "surge": ModeConfig(
        "surge",
        enter=Threshold(waiting=50, answered=0.7),
        leave=Threshold(waiting=10, answered=0.9),
        confirm=15,
        stay=300,
    ),
    "disaster": ModeConfig("disaster", enter=Threshold(present=0.3), confirm=5, stay=600),
}
CALM, BUSY, EMPTY = Load(), Load(waiting=60), Load(present=0.2)


def switched(control, load, now):
    wanted = control.judge(load, now)
    if wanted is not None:
        assert control.set_mode(wanted, "thresholds", control.reason(load), now)
    return control.mode


def test_a_threshold_must_hold_for_a_while_and_the_mode_stays_a_while():
    c = ModeControl(MODE)
    assert switched(c, BUSY, 0) == "normal"
    assert switched(c, BUSY, 14) == "normal"
    assert switched(c, BUSY, 15) == "surge"
    assert c.state == ModeState("surge", 15, "thresholds", c.reason(BUSY), True)
    assert switched(c, CALM, 16) == "surge"
    assert switched(c, CALM, 314) == "surge", "not before `stay`"
    assert switched(c, CALM, 315) == "surge", "and then `confirm` again"
    assert switched(c, CALM, 330) == "normal"


def test_a_short_peak_changes_nothing():
    c = ModeControl(MODE)
    for now in range(0, 200, 10):
        assert switched(c, BUSY if now % 20 else CALM, now) == "normal"


def test_between_the_limits_nothing_changes():
    between = Load(waiting=30)
    c = ModeControl(MODE)
    assert all(switched(c, between, now) == "normal" for now in range(0, 100, 10))
    c.set_mode("surge", "thresholds", "", 0)
    assert all(switched(c, between, now) == "surge" for now in range(0, 2000, 10))


def test_a_worse_mode_does_not_wait_for_the_stay():
    c = ModeControl(MODE)
    c.set_mode("surge", "thresholds", "", 0)
    switched(c, EMPTY, 10)
    assert switched(c, EMPTY, 15) == "disaster"


@pytest.mark.parametrize(
    ("load", "reached"),
    [(Load(answered=0.7), True), (Load(answered=0.71), False), (Load(answered=None), False), (Load(waiting=50), True)],
)
def test_each_limit_counts(load, reached):
    assert MODE["surge"].enter.reached(load) is reached


def test_busy_and_longest():
    assert Threshold(busy=0.95).reached(Load(busy=0.95))
    assert Threshold(longest=60).reached(Load(longest=60))
    assert not Threshold().reached(Load(10**6, 1e9, 1.0, 0.0, 0.0))


def test_what_a_person_sets_stays_until_a_person_ends_it():
    c = ModeControl(MODE)
    c.set_mode("surge", "anna", "fire drill", 0)
    assert all(switched(c, CALM, now) == "surge" for now in range(0, 5000, 100))
    assert all(switched(c, EMPTY, now) == "surge" for now in range(0, 500, 100))
    c.set_mode("normal", "anna", "over", 6000)
    switched(c, EMPTY, 6001)
    assert switched(c, EMPTY, 6010) == "disaster", "normal by hand: look after it again"


def test_a_person_may_hand_back_to_the_thresholds():
    c = ModeControl(MODE)
    c.set_mode("surge", "anna", "", 0)
    c.set_auto(True, "anna")
    switched(c, CALM, 400)
    assert switched(c, CALM, 420) == "normal"
    c.set_mode("normal", "anna", "", 500, auto=False)
    switched(c, EMPTY, 501)
    assert switched(c, EMPTY, 600) == "normal"


def test_a_mode_that_does_not_exist_is_refused_and_one_that_is_gone_is_normal():
    c = ModeControl(MODE)
    with pytest.raises(ValueError, match="no mode 'sruge'; there are normal, surge, disaster"):
        c.set_mode("sruge", "x", "", 0)
    gone = ModeControl(MODE, ModeState("degraded"))
    assert gone.mode == "normal"
    assert gone.config.name == "normal"


def test_setting_the_same_again_keeps_its_begin():
    c = ModeControl(MODE)
    assert c.set_mode("surge", "anna", "a", 10)
    assert not c.set_mode("surge", "anna", "a", 20)
    assert c.state.since == 10


def test_incidents_come_and_go():
    c = ModeControl(MODE)
    c.add_incident(Incident("b", frozenset({"330300"}), "停水", "no water", until=100.0, since=2))
    c.add_incident(Incident("a", frozenset({"330100"}), "停电", since=1, by="anna"))
    assert [i.id for i in c.incidents(50)] == ["a", "b"]
    assert [i.id for i in c.incidents(100)] == ["a"]
    assert c.end_incident("a") is True
    assert c.end_incident("a") is False
    assert c.incidents(0) == ()


@given(
    st.sampled_from(MODES),
    st.floats(0, 1e9),
    st.text(max_size=9),
    st.text(max_size=9),
    st.booleans(),
    st.lists(
        st.builds(
            Incident,
            st.text(min_size=1, max_size=5),
            st.frozensets(st.text(max_size=6)),
            st.text(max_size=9),
            until=st.none() | st.floats(1, 1e9),
        ),
        max_size=3,
    ),
)
def test_everything_survives_the_journal(mode, since, by, reason, auto, incidents):
    state = ModeState(mode, since, by, reason, auto)
    c = ModeControl({m: ModeConfig(m) for m in MODES}, state, incidents)
    again = ModeControl.from_json(json.loads(json.dumps(c.json())), c.modes)
    assert again.state == state
    assert again.incidents(0) == c.incidents(0)


@pytest.mark.parametrize(
    "data", [{}, {"mode": "surge"}, {"mode": "surge", "since": None}, {"incidents": [{}, {"id": 1}]}]
)
def test_what_cannot_be_read_is_as_if_never_set(data):
    assert ModeControl.from_json(data, MODE).mode == "normal"
