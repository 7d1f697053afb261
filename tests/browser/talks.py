"""Seats in talks with several parties, and what they have ordered: shared by the browser tests."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from console._scene_parties import furnish_parties

CALL = "demo-1.6"
SEAT = "8005"


async def talking(place: Any, **how: Any) -> Page:
    """A seat in an ordinary talk."""
    return await at(place, SEAT, **how)


async def at(place: Any, seat: str, **how: Any) -> Page:
    furnish_parties(place.desk)
    page: Page = await place.enter("seat", seat, **how)
    await page.wait_for_selector(".emergency-key")
    return page


def orders(place: Any, what: str) -> list[dict[str, Any]]:
    """Arguments of the orders that reached the desk, without who and under which key."""
    return [
        {name: value for name, value in args.items() if name not in ("by", "key", "asking")}
        for kind, _, args in place.desk.ordered if kind == what
    ]  # fmt: skip


async def party_of(place: Any, call: str, place_of: int = -1) -> Any:
    return (await place.desk.call(call)).parties[place_of]
