"""What is kept of talks of several: who spoke, who was heard when, the journal's entries, also those of version 0.2."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls import CallState
from calls import commands as c
from calls import events as e
from calls._arrange import SPOKE_LIMIT
from calls.codec import call_json, party_json, recording_job
from calls.events import KINDS, OLD_KINDS, Codec
from routing import Demand, Line, Try
from tests.unit.calls.story import (
    ARRIVED,
    BOSS,
    CALL,
    EN,
    POLICE,
    SEAT,
    SECOND,
    TAP,
    WATER,
    Story,
    arranged,
    consulting,
    emergency,
    joined,
    left,
    of,
    offered,
    supervised,
    talk_of_three,
    talking,
    wanted,
)

S = CallState


def job(story):
    return recording_job(story.call, "/spool/x.raw")


def ended(story, after=1.0):
    story.see(e.CallerLeft(CALL, 16), after=after)
    return job(story)


# ---------------------------------------------------------------------- who spoke
def test_who_speaks_is_asked_of_the_switch_only_while_more_than_one_other_is_in_the_talk():
    story = talking()
    out = story.see(wanted("join", WATER))
    assert not of(out, c.Mark), "costs the switch work: not in a talk of two"
    assert of(story.see(joined(TAP)), c.Mark) == [c.Mark(CALL, SEAT, True), c.Mark(CALL, TAP, True)]
    assert of(story.see(left(TAP)), c.Mark) == [c.Mark(CALL, SEAT, False)], "a dead leg's detector is gone with it"


def test_a_fourth_party_is_marked_and_the_others_not_again():
    story = talk_of_three()
    story.see(wanted("join", EN, "p2"), offered(f"{CALL}~8002~3", "p2"))
    assert of(story.see(joined(f"{CALL}~8002~3")), c.Mark) == [c.Mark(CALL, f"{CALL}~8002~3", True)]


def test_marks_are_turned_off_when_the_seat_goes_aside():
    out = talk_of_three().see(arranged("hold"))
    assert set(of(out, c.Mark)) == {c.Mark(CALL, SEAT, False), c.Mark(CALL, TAP, False)}


def test_a_word_is_kept_with_its_beginning_and_end():
    story = talk_of_three()
    story.see(e.Spoke(CALL, TAP, 0.75))
    assert story.call.spoke == ((TAP, story.now - 0.75, story.now),)


@pytest.mark.parametrize("leg", ["nobody", CALL])
def test_a_word_of_nobody_is_not_kept(leg):
    story = talk_of_three()
    assert story.see(e.Spoke(CALL, leg, 1.0)) == []
    assert story.call.spoke == ()


def test_no_word_of_a_private_consultation_is_kept():
    story = consulting()
    story.see(e.Spoke(CALL, TAP, 1.0))
    assert story.call.spoke == ()


def test_an_endless_talk_fills_nothing():
    story = talk_of_three()
    story.call = replace(story.call, spoke=((TAP, 1.0, 2.0),) * SPOKE_LIMIT)
    story.see(e.Spoke(CALL, TAP, 1.0))
    assert len(story.call.spoke) == SPOKE_LIMIT


# ---------------------------------------------------------------------- what the recording worker is told
def test_the_recording_knows_who_was_with_the_caller_from_when_to_when():
    """Answered at 1001, the seat at 1005, the line from 1007 to 1008, end at 1009."""
    story = talk_of_three()
    story.see(left(TAP))
    told = ended(story)
    assert told["seats"] == [[4.0, 8.0, "8001"]]
    assert told["parties"] == [[4.0, 8.0, "8001", "seat"], [6.0, 7.0, "line.water", "line"]]
    assert (told["answered"], told["ended"], told["kind"]) == (1001.0, 1009.0, "call")


def test_a_seat_that_was_aside_has_a_gap_and_who_was_consulted_is_not_in_the_recording():
    """The recording has the caller's music there; the words of the consultation are nowhere."""
    story = consulting()
    story.see(arranged("return"), left(TAP), joined(SEAT, "b3"))
    told = ended(story)
    assert told["seats"] == [[4.0, 5.0, "8001"], [10.0, 11.0, "8001"]]
    assert [x[2] for x in told["parties"]] == ["8001", "8001"]
    assert TAP not in json.dumps(told)
    assert "line.water" not in json.dumps(told)


def test_who_was_consulted_and_then_joined_is_in_it_from_then_on():
    story = consulting()
    story.see(arranged("join"), joined(CALL, "b2"))
    told = ended(story)
    assert told["parties"][-1][2:] == ["line.water", "line"]
    assert told["parties"][-1][0] == told["seats"][-1][0] == 9.0


def test_the_words_are_those_of_seats_and_lines_within_the_recording():
    story = talk_of_three()
    story.see(e.Spoke(CALL, TAP, 0.5), e.Spoke(CALL, SEAT, 90.0))
    told = ended(story)
    assert told["spoke"] == [[6.5, 7.0, "line.water"], [0.0, 8.0, "8001"]], "from the answer on, never before"


def test_a_word_after_the_callers_end_is_left_out():
    story = talk_of_three()
    story.see(e.Spoke(CALL, TAP, 0.5))
    end = story.now - 0.25
    call = replace(story.call, ended_at=end)
    assert recording_job(call, "x")["spoke"] == [[6.5, 6.75, "line.water"]]
    assert recording_job(replace(call, ended_at=end - 1), "x")["spoke"] == []


def test_a_call_that_an_emergency_line_served_alone_is_recorded_with_it():
    story = Story(ARRIVED, e.Waits(CALL), emergency())
    leg = story.party.offer.leg
    story.see(joined(leg))
    told = ended(story)
    assert told["seats"] == []
    assert told["parties"] == [[3.0, 4.0, "line.110", "line"]]
    assert story.call.outcome == "served"


def test_an_observer_is_in_no_recording():
    story = talking()
    story.see(supervised("whisper"), e.LegReady(CALL, BOSS))
    assert "8006" not in json.dumps(ended(story))


def test_seats_that_served_one_after_the_other_are_each_in_their_time():
    story = talking()
    story.see(wanted("transfer", EN), offered(), joined(SECOND, "b2"), left(SEAT))
    told = ended(story)
    assert told["seats"] == [[4.0, 6.0, "8001"], [7.0, 9.0, "8002"]]


def test_books_and_consoles_never_get_the_number_of_a_line():
    story = talking()
    line = Line("number", "外线", (Try("a", "057712345678", 20.0, "number", "外线"),))
    story.see(wanted("join", line, target="number"))
    seen = party_json(story.party)
    assert (seen["name"], seen["target"], seen["tried"], seen["tries"]) == ("外线", "number", 1, 1)
    assert "057712345678" not in json.dumps(call_json(story.call), ensure_ascii=False)
    told = party_json(replace(story.party, how="emergency"))
    assert (seen["emergency"], told["emergency"]) == (False, True)


# ---------------------------------------------------------------------- the journal
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3),
    max_leaves=6,
)  # fmt: skip
MAPS = st.dictionaries(st.text(max_size=5), JSON, max_size=3)
OF_TYPE = {
    "str": st.text(max_size=20), "tuple[str, ...]": st.lists(st.text(max_size=20), max_size=3).map(tuple),
    "bool": st.booleans(), "float": st.floats(0, 1e10),
    "float | None": st.none() | st.floats(0, 1e10),
    "Mapping[str, Any]": MAPS, "Mapping[str, Any] | None": st.none() | MAPS,
}  # fmt: skip
NEW = (e.PartyWanted, e.PartyUnwanted, e.Arranged, e.Requeued, e.ObserverWanted, e.Referred, e.Spoke, e.ContextKnown,
       e.Arrived, e.LegJoined)  # fmt: skip


@pytest.mark.parametrize("kind", NEW)
@given(data=st.data())
@settings(max_examples=30)
def test_every_event_of_parties_is_read_back_from_the_journal_as_it_was_written(kind, data):
    event = kind(**{f.name: data.draw(OF_TYPE[f.type]) for f in fields(kind)})
    text = Codec.encode(event)
    assert Codec.decode(text) == event
    newer = json.loads(text) | {"a field of tomorrow": 1}
    assert Codec.decode(json.dumps(newer)) == event, "a newer version's fields are passed over"


def test_the_journal_never_has_what_belongs_to_no_call():
    """A second line's channel, a switch to be asked, a seat's code: another process could do nothing with them."""
    assert not {"SeatDialled", "Transferred", "SeatCode"} & set(KINDS)
    assert set(OLD_KINDS) == {"ThirdWanted", "ThirdUnwanted", "AssistantWanted"}


WORD = st.text(max_size=9)
TRIES = st.lists(st.builds(Try, WORD, WORD, st.floats(1, 99), WORD, WORD, WORD, WORD), min_size=1, max_size=4)


@given(TRIES, st.lists(st.tuples(WORD, WORD), max_size=2))
def test_a_line_is_rung_by_another_process_as_it_was_asked_for(tries, headers):
    line = Line("110", "公安", tuple(tries), "end", True, tuple(headers))
    assert Line.from_json(json.loads(json.dumps(line.json()))) == line


OLD = Demand((("en", 1),), kind="third").json()
OF_0_2 = (
    {"e": "Arrived", "call": CALL, "channel": "PJSIP/t-1", "dialled": "12345", "number": "138", "name": "",
     "flow": "default@1", "history": {}},
    {"e": "Waits", "call": CALL, "demand": None},
    {"e": "Offered", "call": CALL, "offer": SEAT, "seat": "8001", "leg": SEAT, "deadline": 1e6, "step": 0, "why": {},
     "part": "", "phone": ""},
    {"e": "LegJoined", "call": CALL, "leg": SEAT, "seat": "8001"},
)  # fmt: skip
OLD_THIRD = {"e": "ThirdWanted", "call": CALL, "part": "t1", "demand": OLD, "by": "li"}
OLD_OFFER = {"e": "Offered", "call": CALL, "offer": SECOND, "seat": "8002", "leg": SECOND, "deadline": 1e6, "step": 0,
             "why": {}, "part": "t1", "phone": ""}  # fmt: skip
OLD_JOIN = {"e": "LegJoined", "call": CALL, "leg": SECOND, "seat": "8002"}


def old(*entries):
    return Story(*(Codec.decode(json.dumps(x)) for x in (*OF_0_2, *entries)))


def test_a_talk_begun_under_version_0_2_goes_on():
    """Its entries tell no bridges: who was joined was with the caller."""
    story = old()
    assert story.call.state is S.TALKING
    assert story.heard() == {SEAT}
    assert story.call.leg(SEAT).moving is None
    assert c.HangUp(CALL, "PJSIP/t-1") in story.see(left(SEAT))


def test_a_third_party_asked_for_under_version_0_2_is_a_party_that_joins():
    story = old(OLD_THIRD)
    assert (story.party.id, story.party.how, story.party.state, story.party.by) == ("t1", "join", "queued", "li")
    story = old(OLD_THIRD, OLD_OFFER, OLD_JOIN)
    assert story.heard() == {SEAT, SECOND}
    assert (story.party.state, story.call.seat) == ("joined", "8001")


@pytest.mark.parametrize("how_far", [[OLD_THIRD], [OLD_THIRD, OLD_OFFER], [OLD_THIRD, OLD_OFFER, OLD_JOIN]])
def test_a_third_party_sent_away_under_version_0_2_is_gone(how_far):
    story = old(*how_far, {"e": "ThirdUnwanted", "call": CALL, "part": "t1"})
    assert story.party.state == ("left" if len(how_far) == 3 else "withdrawn")
    assert story.heard() == {SEAT}


def test_a_leaders_assistant_of_version_0_2_whispers():
    story = old({"e": "AssistantWanted", "call": CALL, "seat": "8006", "leg": BOSS, "beside": SEAT, "phone": "8006"},
                {"e": "LegReady", "call": CALL, "leg": BOSS})  # fmt: skip
    assert (story.call.leg(BOSS).kind, story.call.leg(BOSS).mode) == ("observer", "whisper")
    assert story.heard() == {SEAT}


def test_an_emergency_is_tried_over_the_trunks_of_its_own_day():
    """The directory may have changed since: the call keeps what it was asked with."""
    story = talking()
    event = Codec.decode(Codec.encode(emergency(POLICE, SEAT)))
    story.see(event)
    assert story.party.line == POLICE
