import asyncio
from typing import Any

import pytest

from demo import Phone, RegistrationFailed, Timers


@pytest.mark.parametrize("qop", [True, False])
async def test_register_logs_in_and_unregister_takes_it_back(registrar: Any, qop: bool) -> None:
    registrar.qop = qop
    async with Phone(registrar.address, "8001", "secret") as phone:
        await phone.register(90)
        assert phone.registered and registrar.bindings["8001"] == phone.contact[1]
        assert registrar.requests[-1].headers["Expires"] == "90"
        await phone.unregister()
        assert not phone.registered and not registrar.bindings
    numbers = [request.cseq for request in registrar.requests]
    assert numbers == sorted(set(numbers)) and len({one.call_id for one in registrar.requests}) == 1


async def test_closing_unregisters(registrar: Any) -> None:
    async with Phone(registrar.address, "8001", "secret") as phone:
        await phone.register()
    assert not registrar.bindings


async def test_a_wrong_password_is_an_error_with_its_status_and_is_not_tried_for_ever(registrar: Any) -> None:
    async with Phone(registrar.address, "8001", "wrong") as phone:
        with pytest.raises(RegistrationFailed) as failed:
            await phone.register()
        assert failed.value.status == 403 and not phone.registered
    async with Phone(registrar.address, "8001") as phone:
        with pytest.raises(RegistrationFailed, match="401"):
            await phone.register()
    assert len(registrar.requests) == 3


async def test_a_stale_nonce_is_answered_anew(registrar: Any) -> None:
    registrar.stale_once = True
    async with Phone(registrar.address, "8001", "secret") as phone:
        await phone.register()
        assert phone.registered


async def test_a_registration_is_renewed_before_the_granted_time_is_over(registrar: Any, until: Any) -> None:
    registrar.granted = 1  # not the 3000 of the other contact in the answer
    async with Phone(registrar.address, "8001", "secret") as phone:
        await phone.register(3600)
        seen = len(registrar.requests)
        await until(lambda: len(registrar.requests) > seen)


async def test_a_restarted_registrar_is_found_again(
    registrar: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo._phone._RETRY", (0.05, 0.1))
    registrar.granted = 1
    async with Phone(registrar.address, "8001", "secret", timers=Timers(0.005, 0.01, 0.01)) as phone:
        await phone.register()
        registrar.silent = True
        registrar.bindings.clear()
        await until(lambda: not phone.registered)
        registrar.silent = False
        await until(lambda: phone.registered)
        assert registrar.bindings


async def test_a_dead_registrar_does_not_hold_up_the_end(registrar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo._phone._GOODBYE", 0.1)
    async with asyncio.timeout(20):
        async with Phone(registrar.address, "8001", "secret") as phone:
            await phone.register()
            registrar.silent = True
