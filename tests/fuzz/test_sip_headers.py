"""What a foreign switch or a caller writes into SIP reaches us in Arrived (Origin, Case, Uui, name, number) and in the
environment of AsyncAGI. A hostile caller is led through all that can happen to it; nothing of it gets out wrongly."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from calls import clean_case, decode_uui, encode_uui
from calls import events as e
from telephony._translate import translate
from tests.fuzz.hostile import NASTY, fuzz, nasty, texts
from tests.fuzz.rig import Rig, read_action

C = "hotline-1763932131.12"
ours = encode_uui("h-1", "t" * 32)
uuis = st.one_of(
    nasty, texts,
    st.builds(lambda h, p: f"{h};{p}", st.one_of(st.binary(max_size=200).map(bytes.hex), texts),
              st.sampled_from(["encoding=hex;purpose=hotline-handover", "encoding=hex", "purpose=hotline-handover",
                               'encoding="hex";purpose="hotline-handover"', "encoding=hex;encoding=hex;purpose=x"])),
    st.lists(st.sampled_from([ours, '"', "\\", ",", ";", "x", " "]), max_size=12).map("".join),
)  # fmt: skip
cases = st.one_of(nasty, texts, st.sampled_from(["330000-hotline-1.0", "a" * 80, "a" * 81, "${EXTEN}", "a,b", "a b"]))


def arrived(**changed: str) -> dict[str, Any]:
    return {"Event": "UserEvent", "UserEvent": "Arrived", "Uniqueid": C, "Channel": "PJSIP/trunk-00000001",
            "Exten": "12345", "CallerIDNum": "13800001234", "CallerIDName": "王先生", **changed}  # fmt: skip


@example(value=";".join(["x" * 10] * 2000))
@example(value='"' * 9000)
@example(value=ours)
@given(value=uuis)
@fuzz(200)
def test_user_to_user_is_ours_or_nothing(value: str) -> None:
    found = decode_uui(value)
    if found is not None:
        again = encode_uui(*found)  # what came in can go out: it has the form of ours
        assert decode_uui(again) == found
        assert not set("\r\n\0,; \"'") & set("".join(found))


@example(value="\n330000-1")
@example(value="330000-1\n")
@given(value=cases)
@fuzz(150)
def test_a_case_is_plain_or_nothing(value: str) -> None:
    found = clean_case(value)
    assert len(found) <= 80 and found.isascii() and found.isprintable()
    assert not set("\r\n\0,;\"'${}&|\\ ") & set(found)
    assert clean_case(found) == found


@given(case=cases, uui=uuis, origin=texts, number=texts, name=texts, encoded=st.booleans())
@fuzz(150)
def test_arrived_has_clean_fields_whatever_came(
    case: str, uui: str, origin: str, number: str, name: str, encoded: bool
) -> None:
    def write(value: str) -> str:
        return quote(value.encode("utf-8", "surrogatepass")) if encoded else value

    fields = arrived(Case=write(case), Uui=write(uui), Origin=origin, CallerIDNum=number, CallerIDName=name)
    (one,) = translate([fields])
    assert isinstance(one, e.Arrived)
    for value in (one.case, one.uui, one.origin, one.number, one.name):
        assert value.isprintable() and len(value) <= 400
    assert one.case.isascii() and one.uui.isascii() and one.origin.isascii() and len(one.origin) <= 32
    assert set(one.number) <= set("0123456789+*#")


def test_a_flow_and_a_key_are_plain_or_nothing() -> None:
    """Given past the reader of bytes too: what the journal could not write would take a whole turn with it."""
    for text in NASTY:
        (one,) = translate([arrived(Flow=text)])
        assert isinstance(one, e.Arrived) and one.flow.isprintable() and len(one.flow) <= 256
        for key in translate([{"Event": "DTMFEnd", "Uniqueid": C, "Digit": text, "Direction": "Received"}]):
            assert isinstance(key, e.DigitPressed) and key.digit in "0123456789*#ABCD"


async def led_through(hostile: dict[str, str], keys: str) -> Rig:
    """Greeting, flow, queue, offer, talk, hold, an outside line, transfer by the phone, the end."""
    rig = Rig()
    with rig.no_error():
        await rig.tell({"Event": "ContactStatus", "EndpointName": "8001", "ContactStatus": "Reachable"})
        await rig.tell({**arrived(), "Flow": rig.flow, **hostile})
        if C not in rig.engine.calls:
            return rig
        await rig.tell({"Event": "AsyncAGIStart", "Uniqueid": C, "Env": NASTY[9]})
        for key in keys:
            await rig.tell({"Event": "AsyncAGIExec", "Uniqueid": C, "CommandId": "1", "Result": NASTY[9]})
            await rig.tell({"Event": "DTMFEnd", "Uniqueid": C, "Digit": key, "Direction": "Received"})
        await rig.tell({"Event": "UserEvent", "UserEvent": "Waiting", "Uniqueid": C})
        call = rig.engine.calls[C]
        if call.offer is not None:
            leg = call.offer.leg
            await rig.tell({"Event": "BridgeEnter", "Uniqueid": leg, "BridgeUniqueid": "b1"})
            for entry in [x.id for x in rig.config.directory().entries if x.emergency][:2]:
                try:
                    rig.engine.emergency(C, entry, by="t")
                except Exception as refusal:
                    assert type(refusal).__name__ == "OrderError"
                await rig.turns()
            await rig.tell({"Event": "BlindTransfer", "TransfererUniqueid": leg, "TransfereeUniqueid": C,
                            "Extension": hostile.get("Exten", "8002"), "Result": "Success"})  # fmt: skip
        await rig.tell({"Event": "Hangup", "Uniqueid": C, "Cause": "16"})
        await rig.serves()
    return rig


FIELDS = ("Channel", "Exten", "CallerIDNum", "CallerIDName", "Flow", "Origin", "Case", "Uui")


@example(hostile={"Channel": "PJSIP/x-1,HL_FLOW_1=x"}, keys="")
@example(hostile={"CallerIDName": '"><a\r\nAction: Originate'}, keys="")
@example(hostile={"CallerIDNum": "138>;x=\"<"}, keys="0")
@given(hostile=st.dictionaries(st.sampled_from(FIELDS), texts, max_size=4), keys=st.text("0123456789*#A", max_size=4))
@fuzz(100)
def test_a_hostile_caller_is_led_through_everything(hostile: dict[str, str], keys: str) -> None:
    rig = asyncio.run(led_through(hostile, keys))
    for data in rig.link.sent:
        headers = read_action(data)
        assert len(headers) <= 20 and all(len(value.encode()) <= 900 for _, value in headers)


async def test_each_nasty_value_in_each_field_of_a_caller() -> None:
    rang = 0
    for text in NASTY:
        for field in FIELDS:
            rig = await led_through({field: text}, "1")
            rang += any(b"Action: Originate" in data for data in rig.link.sent)
    assert rang > len(NASTY)  # the way to the phones was gone
