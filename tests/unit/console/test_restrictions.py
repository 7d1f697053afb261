"""The restriction list over the API: two persons, masked numbers, audited looks, hostile bodies, the bundle."""

from __future__ import annotations

from typing import Any

import pytest

ORDER = {"number": "13812341234", "reason": "abuse", "note": "反复辱骂，来电 13812341234"}
PATH = "/api/v1/restrictions"


async def post(console: Any, path: str, body: Any, role: str = "supervisor") -> tuple[int, Any]:
    answer = await console.client.post(PATH + path, headers=console.headers(role), json=body)
    return answer.status, await answer.json()


def looks(console: Any, what: str) -> list[Any]:
    return [entry for entry in console.desk.audited if entry.what == what]


async def test_one_person_proposes_and_another_confirms(console: Any) -> None:
    status, entry = await post(console, "", ORDER)
    assert status == 200 and (entry["state"], entry["own"]) == ("proposed", True)
    status, problem = await post(console, f"/{entry['id']}/act", {"what": "confirm"})
    assert (status, problem["code"]) == (409, "second-person")
    status, entry = await post(console, f"/{entry['id']}/act", {"what": "confirm"}, "admin")
    assert status == 200 and entry["state"] == "active" and entry["own"] is False
    status, problem = await post(console, f"/{entry['id']}/act", {"what": "lift"})
    assert (status, problem["code"]) == (422, "note-missing")
    status, entry = await post(console, f"/{entry['id']}/act", {"what": "lift", "note": "误认"})
    assert entry["state"] == "lifted"
    told = [(one.calls, one.who, one.detail) for one in looks(console, "restriction")]
    assert ((entry["id"],), "the admin", "confirm") in told and ((entry["id"],), "the supervisor", "lift") in told
    assert "13812341234" not in str(told), "no number in the audit's words"


async def test_a_call_gives_the_number_and_is_the_evidence(console: Any) -> None:
    body = {"call": "demo-1.4", "reason": "threat", "note": "恐吓", "days": 2}
    status, entry = await post(console, "", body)
    assert status == 200 and entry["calls"] == ["demo-1.4"] and entry["number"] == "138****1234"
    status, problem = await post(console, "", {**body, "call": "demo-1.9"})
    assert (status, problem["code"]) == (409, "number-withheld")
    status, problem = await post(console, "", {**body, "call": "nobody"})
    assert (status, problem["code"]) == (404, "no-such-call")


async def test_numbers_are_masked_in_lists_and_whole_only_for_who_may_see_them_audited(console: Any) -> None:
    await post(console, "", ORDER)
    console.desk.audited.clear()
    for role in ("admin", "supervisor", "auditor"):
        text = await (await console.get(PATH, role)).text()
        assert "138****1234" in text and "13812341234" not in text and "13857704511" not in text
    assert looks(console, "number") == []
    whole = await (await console.get(f"{PATH}/r-101", "supervisor")).json()
    assert whole["number"] == "13857704511" and [one["id"] for one in whole["known"]] == ["demo-0.9"]
    assert [one.calls for one in looks(console, "number")] == [("r-101",)]
    hidden = await (await console.get(f"{PATH}/r-101", "auditor")).json()
    assert hidden["number"] == "138****4511" and hidden["masked"] and len(looks(console, "number")) == 1
    assert [one.who for one in looks(console, "restriction")] == ["the supervisor", "the auditor"]


async def test_what_cannot_be_audited_is_neither_shown_nor_done(console: Any) -> None:
    console.desk.broken["audit"] = RuntimeError("full")
    assert (await console.get(f"{PATH}/r-101", "supervisor")).status == 503
    assert (await post(console, "", ORDER))[0] == 503
    assert (await post(console, "/r-102/act", {"what": "confirm"}))[0] == 503
    assert (await console.client.post(f"{PATH}/r-101/bundle", headers=console.headers("admin"), json={})).status == 503
    assert len(console.desk.restricted) == 4 and console.desk.restricted["r-102"].state == "proposed"
    assert console.desk.bundles == []


@pytest.mark.parametrize(
    "change",
    [
        {"number": "hello"}, {"number": "1" * 21}, {"number": None}, {"number": 13812341234}, {"call": "demo-1.4"},
        {"reason": "DROP TABLE"}, {"reason": None}, {"note": ""}, {"note": "a\nb"}, {"note": "x" * 201},
        {"days": 0}, {"days": -1}, {"days": 1e9}, {"days": "7"}, {"variant": "beat"}, {"calls": "c"},
        {"calls": ["../x"]}, {"calls": ["c"] * 51}, {"extra": 1}, {"proposed_by": "somebody else"},
    ],
)  # fmt: skip
async def test_an_order_of_the_wrong_form_is_refused_with_its_place(console: Any, change: Any) -> None:
    status, problem = await post(console, "", {**ORDER, **change})
    assert status == 422 and problem["code"] == "bad-body" and problem["where"].startswith("body:")
    assert len(console.desk.restricted) == 4


@pytest.mark.parametrize("number", ["110", "12345", "95598"])
async def test_a_service_is_not_restricted(console: Any, number: str) -> None:
    status, problem = await post(console, "", {**ORDER, "number": number})
    assert (status, problem["code"]) == (409, "not-restrictable")


@pytest.mark.parametrize("path", ["", "/r-102/act", "/r-101/bundle"])
async def test_ten_megabytes_are_refused(console: Any, path: str) -> None:
    headers = {**console.headers("supervisor"), "Content-Type": "application/json"}
    answer = await console.client.post(PATH + path, headers=headers, data=b"x" * 10_000_000)
    assert answer.status == 413


@pytest.mark.parametrize("entry", ["nobody", "..%2f..%2fetc", "a%00b", "x" * 65])
async def test_an_entry_that_is_none_is_said_so(console: Any, entry: str) -> None:
    for path, body in (("act", {"what": "lift", "note": "x"}), ("bundle", {})):
        status, _ = await post(console, f"/{entry}/{path}", body)
        assert status in (400, 404)
    assert (await console.get(f"{PATH}/{entry}")).status in (400, 404)


async def test_pages_join_without_a_gap(console: Any) -> None:
    seen, cursor = [], ""
    while True:
        page = await (await console.get(f"{PATH}?limit=1{cursor}")).json()
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ["r-102", "r-103", "r-101", "r-100"]
    assert (page["proposed"], page["active"], page["review_due"]) == (1, 2, 2)
    assert (await console.get(f"{PATH}?cursor=nobody")).status == 404
    assert (await console.get(f"{PATH}?state=other")).status == 400


async def test_a_bundle_is_streamed_and_its_hash_is_in_the_audit(console: Any) -> None:
    headers = console.headers("supervisor")
    answer = await console.client.post(f"{PATH}/r-101/bundle", headers=headers, json={"calls": ["demo-0.9"]})
    assert answer.status == 200 and answer.content_type == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="hotline-evidence-r-101.zip"'
    assert await answer.read() == b"PK\x05\x06" + b"\0" * 18
    begun, made = looks(console, "evidence")
    assert begun.calls == ("r-101", "demo-0.9") and made.detail.startswith("bundle made, 22 bytes, sha256 8739c76e")
    assert console.desk.bundles == [("r-101", ("demo-0.9",), "the supervisor")]
    status, problem = await post(console, "/r-101/bundle", {"calls": ["demo-1.4"]})
    assert (status, problem["code"]) == (409, "not-its-call")


async def test_a_bundle_that_breaks_off_is_no_whole_answer(console: Any) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        async def chunks() -> Any:
            yield b"PK"
            raise OSError("disk")

        return chunks()

    console.desk.bundle = broken
    with pytest.raises(Exception, match=r"payload|[Dd]isconnect|reset"):
        await (await console.client.post(f"{PATH}/r-101/bundle", headers=console.headers("admin"), json={})).read()
    assert [one.detail for one in looks(console, "evidence")] == ["bundle begun"]
