"""The flood's arithmetic: what became of each caller."""

from bench.overload import Flood, evaluate, is_held, verdicts


def line(kind, *words, at=()):
    times = [f"{int(t)}.000000 {round(t % 1 * 1e6)}.000000" for t in at]
    return " ".join([kind, *words, *times])


def test_each_caller_is_in_one_column(tmp_path):
    callers = [
        line("A", "1391", at=(100.0, 100.01)), line("X", "1391", at=(104.0,)), line("Z", "1391", at=(104.0,)),  # served
        line("A", "1392", at=(101.0, 101.5)), line("X", "1392", at=(105.0,)), line("Z", "1392", at=(105.0,)),  # told
        line("Z", "1393", at=(102.0,)),  # refused
        line("A", "1394", at=(103.0, 103.1)), line("P", "1394", at=(123.0,)), line("Z", "1394", at=(123.0,)),  # gave up
    ]  # 1395: nobody answered
    desks = [line("I", "sip:2001", "1391", at=(101.5,)), line("H", "sip:2001", "1391", at=(103.9,))]
    (tmp_path / "flood.log").write_text("\n".join(callers))
    (tmp_path / "desk.log").write_text("\n".join(desks))
    trial = Flood("on", 1.0, 5.0, offered=5)
    evaluate(trial, tmp_path / "flood.log", tmp_path / "desk.log", 104.5)
    assert (trial.served, trial.told, trial.refused, trial.gave_up, trial.unanswered) == (1, 1, 1, 1, 1)
    assert round(trial.answer_p99) == 10
    assert round(trial.seat_p50) == 1490
    assert trial.on_the_line == 2, "1392 hears its announcement, 1394 waits"
    assert not is_held(trial)


def test_the_aims_are_of_admission_control_alone():
    trial = Flood("on", 120.0, 15.0, offered=1800, served=900, served_rate=60.0).as_json()
    found = {"held": 60.0, "trials": [Flood("off", 120.0, 15.0).as_json(), trial]}
    assert all(v["met"] for v in verdicts(found))
    trial["unanswered"] = 18
    assert [v["met"] for v in verdicts(found)].count(False) == 1
    assert verdicts({"held": 60.0, "trials": []}) == []
