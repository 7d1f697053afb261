"""An independent SIP phone (pyVoIP) as the caller: our own phones could share our own mistakes."""

import asyncio
import socket
import time

import pytest

from demo import Phone

pyvoip = pytest.importorskip("pyVoIP.VoIP", reason="pyVoIP needs Python below 3.13")
pytestmark = pytest.mark.integration


async def test_a_pyvoip_caller_reaches_a_seat_and_is_heard(bench, switch, eventually, monkeypatch):
    # pyVoIP keeps what it hears at the offset of its RTP timestamp: when the switch changes from greeting
    # to music to a seat, that is up to 4 GB of memory. What it hears is not looked at here.
    monkeypatch.setattr("pyVoIP.RTP.RTPClient.parse_packet", lambda *_: None)
    async with bench.hotline() as hotline, Phone(switch.sip, "8001", "demo-8001") as seat:
        await seat.register()
        await eventually(lambda: hotline.engine.dispatcher.seats["8001"].state.value == "available")
        host, port = switch.sip

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            sip_port = s.getsockname()[1]

        def run_phone():
            # Registers as 8002 (pyVoIP only calls when registered) and dials the hotline like any caller.
            phone = pyvoip.VoIPPhone(
                host, port, "8002", "demo-8002", myIP="127.0.0.1", sipPort=sip_port, rtpPortLow=26100, rtpPortHigh=26200
            )
            phone.start()
            try:
                for _ in range(100):
                    if phone.get_status() == pyvoip.PhoneStatus.REGISTERED:
                        break
                    time.sleep(0.05)
                call = phone.call("12345")
                for _ in range(200):
                    if call.state == pyvoip.CallState.ANSWERED:
                        break
                    time.sleep(0.05)
                # pyVoIP's audio is 8-bit unsigned: a square wave of 500 Hz.
                for _ in range(300):
                    if call.state != pyvoip.CallState.ANSWERED:
                        break
                    call.write_audio((b"\xd0" * 8 + b"\x30" * 8) * 10)
                    time.sleep(0.02)
            finally:
                phone.stop()

        caller = asyncio.create_task(asyncio.to_thread(run_phone))
        ringing = await seat.incoming(20)
        await ringing.answer()
        await eventually(lambda: any(c.state.value == "talking" for c in hotline.engine.calls.values()))
        await eventually(lambda: ringing.tones_heard((500.0,)) == {500.0}, 10, "the seat hears pyVoIP's tone")
        await ringing.hang_up()
        await caller
