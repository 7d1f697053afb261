"""What must always be true, as the phones and the switch show it. Each thing that is not is a problem."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from calls.ports import Place
from demo import IncomingCall
from recordings import Vault
from telephony._message import Message

from .people import Crowd, Person
from .servers import Site

RANK_SLACK = 1.0
"""Seconds by which one who came later may be rung before another: their offers were decided in one moment."""
BREATH = 1.0
"""Seconds within which INVITEs of one moment reach their phones."""
KNOWN = 2.5
"""Seconds after which the books must know that a caller waits (again)."""
LONGEST = 150.0
"""Seconds of waiting with the service alive after which a caller was forgotten; the load leaves room for all."""
CALLERS = (Place.GREETING, Place.FLOW, Place.WAITING, Place.VOICEMAIL, Place.NATIVE)


class Judge:
    """Watches `crowd`; `wrong(kind, text)` is told of each problem. Kinds are the sums of the report."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.crowd: Crowd
        self.problems: list[tuple[str, str]] = []
        self.sums: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()
        """What was looked at and was as it must be."""
        self.began = time.time()
        self.answered_ids: dict[str, str] = {}
        """Id of each call that the switch has answered → number."""
        self.must_be_listed: dict[str, float] = {}
        """Number → when its switch died: it must be on the callback list."""
        self.disturbed: list[tuple[float, float, str]] = []
        """(from, until, switch or "": all) in which decisions are late by force: a slow or cut link, a stopped part."""
        self._unknown: dict[str, float] = {}
        self._native: set[str] = set()
        self._waits: set[str] = set()
        site.on_messages = self.on_messages

    def wrong(self, kind: str, text: str) -> None:
        """Notes a problem."""
        self.sums[kind] += 1
        self.problems.append((kind, f"at {time.time() - self.began:.1f} s: {text}"))

    # ------------------------------------------------------------------ what the switch tells
    def on_messages(self, name: str, batch: Sequence[Message]) -> None:
        """User events of the dialplan: ids of calls, and since when they wait."""
        for message in batch:
            if message.event != "UserEvent":
                continue
            what, id_ = str(message.get("UserEvent", "")), str(message.get("Uniqueid", ""))
            number = self.answered_ids.get(id_) or self._number(message)
            person = self.crowd.people.get(number)
            if person is None or what not in ("Arrived", "Native", "Waiting", "Answered"):
                continue
            self.answered_ids[id_] = number
            if id_ not in person.ids:
                person.ids.append(id_)
            if what in ("Waiting", "Native"):
                (self._native.add if what == "Native" else self._native.discard)(number)
                now = time.time()
                person.rank = person.rank or now
                person.free_since = max(person.free_since, now)

    def _number(self, message: Message) -> str:
        for field in ("CallerIDNum", "ConnectedLineNum"):
            digits = "".join(x for x in str(message.get(field, "")) if x.isdigit())[-11:]
            if digits in self.crowd.people:
                return digits
        return ""

    # ------------------------------------------------------------------ offers
    def on_offer(self, seat: str, person: Person | None, call: IncomingCall) -> None:
        """A seat's phone is rung for somebody."""
        now = time.time()
        others = [c for c in self.crowd.at_desk[seat] if c is not call and c.end is None]
        alive = self.site.was_served(now - 6, now)
        for other in others:
            if len(self.site.pbxs) > 1 and not alive:
                continue  # each switch's own queue rings the phones that are registered there
            since = now - (other.invite_received_at or now)
            self.wrong(
                "double offers",
                f"seat {seat} is rung for {call.caller} and has {other.caller} ({other.state} for {since:.1f} s)",
            )
        if person is None:
            return
        rung = [c for c in person.rings if c.end is None]
        # A ring that a service began and cannot end (it is dead, or cut off) does not keep the switch's own queue from
        # ringing somebody else: the caller gets whoever answers first.
        if rung and alive and not self._disturbed(now - 6, now, person.pbx):
            self.wrong("double offers", f"{person.number} is offered to {seat} while another seat is rung for it")
        self.facts["offers"] += 1
        if alive and not person.talks and not person.recalled and person.rank and person.number not in self._native:
            self._check_rank(seat, person, now)

    def _check_rank(self, seat: str, chosen: Person, now: float) -> None:
        if self._disturbed(now - 3, now, chosen.pbx):
            return
        served_since = self.site.served_since(now)
        self.facts["offers of which the rank was judged"] += 1
        for other in self.crowd.inside:
            if other is chosen or not other.rank or other.rank > chosen.rank - RANK_SLACK or other.talks:
                continue
            if other.came > chosen.came - RANK_SLACK:
                continue  # it came later, and waited first: the switch's own queue greets nobody
            if other.rings or other.hung_up or other.wants_callback or other.number in self._native:
                continue
            if any(self._disturbed(x.rank - 3, x.rank, x.pbx) for x in (chosen, other)):
                continue  # they began to wait while nobody could decide: they are in the books from when somebody could
            known = max(other.rank, other.free_since, served_since)
            if now - known < KNOWN or self._disturbed(now - 3, now, other.pbx):
                continue
            text = (
                f"{chosen.number} (waits for {now - chosen.rank:.1f} s) is offered to {seat} before {other.number} "
                f"({now - other.rank:.1f} s, free for {now - known:.1f} s)"
            )
            # Both may be offered in one breath, and this INVITE have been quicker than the other one.
            asyncio.get_running_loop().call_later(BREATH, self._confirm_rank, other, now, text)
            return

    def _confirm_rank(self, other: Person, at: float, text: str) -> None:
        if not any((c.invite_received_at or 0.0) >= at - BREATH for c in other.rings) and not other.talks:
            self.wrong("lost ranks", text)

    def _disturbed(self, begin: float, end: float, pbx: str) -> bool:
        return any(a <= end and begin <= b and name in ("", pbx) for a, b, name in self.disturbed)

    # ------------------------------------------------------------------ looking
    async def look(self) -> None:
        """Callers in the switch against the books; who waits too long."""
        now = time.time()
        for person in self.crowd.inside:
            waits = now - max(person.free_since, person.rank) if person.phase == "waiting" and not person.killed else 0
            if waits > LONGEST and self.site.was_served(now - LONGEST, now):
                self.wrong("stuck", f"{person.number} waits for {now - person.rank:.0f} s")
                person.free_since = now
        if not self.site.was_served(now - 5, now) or self._disturbed(now - 5, now, ""):
            self._unknown.clear()
            return
        await self._compare(now)

    async def _compare(self, now: float) -> None:
        inside: dict[str, Any] = {}
        for pbx in self.site.pbxs:
            snapshot = await self.site.snapshot(pbx)
            if snapshot is None or self._disturbed(now - 5, now, pbx.name):
                self._unknown.clear()
                return
            for view in snapshot.channels:
                if view.place in CALLERS and view.number in self.crowd.people and view.age > 3:
                    inside[view.id] = view
        answer = await self.site.ask("calls?live=true&limit=200")
        if answer is None:
            return
        known = {x["id"] for x in answer["items"]}
        missing = set(inside) - known
        for id_ in missing:
            since = self._unknown.setdefault(id_, now)
            if now - since > 8:
                self.wrong("not in the books", f"{inside[id_].number} ({id_}, {inside[id_].place}) is in the switch "
                                               f"for {inside[id_].age:.0f} s and not in the books")  # fmt: skip
                self._unknown[id_] = now + 1e9
        for id_ in set(self._unknown) - missing:
            del self._unknown[id_]

    # ------------------------------------------------------------------ a switch has died
    def switch_died(self, pbx: str) -> None:
        """Notes who was inside: each must be on the callback list."""
        now = time.time()
        for person in self.crowd.inside:
            if person.pbx == pbx and person.call is not None:
                person.phase_killed, person.killed = person.phase, now
                # Who has come within this moment was not heard of; who leaves a message has left one.
                if person.answered and person.answered < now - 1.0 and not person.hung_up and (
                    person.phase_killed != "voicemail"
                ):  # fmt: skip
                    self.must_be_listed[person.number] = now
                person.call.finish("failed", "local", 408)
        for call in [x for calls in self.crowd.at_desk.values() for x in calls if x.end is None]:
            caller = self.crowd.people.get(call.caller)
            if len(self.site.pbxs) == 1 or (caller is not None and caller.pbx == pbx):
                call.finish("failed", "local", 408)
        for number, line in list(self.crowd.lines.items()):
            if len(self.site.pbxs) == 1 and line.end is None:
                self.crowd.people[number].killed = now
                line.finish("failed", "local", 408)

    async def check_lists(self) -> None:
        """Whether everybody whom a dead switch cut off is, or was, on the callback list."""
        rows = {row["number"]: row for row in (await self.site.redis_hash("callbacks")).values()}
        for number, at in list(self.must_be_listed.items()):
            person = self.crowd.people[number]
            if number in rows or person.recalled:
                del self.must_be_listed[number]
                self.facts["cut off by a switch's death and on the list"] += 1
            elif not self.site.was_served(person.came, at) or any(
                a <= person.came and at <= b + KNOWN for a, b, _ in self.disturbed
            ):
                # From its arrival until its switch died nothing could be written, and nobody asked the switch: two
                # failures at once. Its recording is kept (a raw file that is entered later).
                del self.must_be_listed[number]
                self.facts["came and was cut off while nothing could be written"] += 1
            elif self.site.was_served(time.time() - 15, time.time()) and time.time() - at > 30:
                del self.must_be_listed[number]
                self.wrong("not called back", f"{number} was cut off by its switch's death ({person.phase_killed}, "
                                              f"{at - person.came:.1f} s after it came) and is on no list")  # fmt: skip

    # ------------------------------------------------------------------ recordings
    async def check_recordings(self) -> None:
        """Every answered call: a sealed recording, or a raw file with its job."""
        vault = Vault(self.site.settings.recordings_dir)
        jobs: set[str] = set()
        for stream in ("recordings", "recordings:dead"):
            with contextlib.suppress(RedisError, OSError):
                rows: Any = await self.site.redis.xrange(self.site.settings.redis_prefix + stream)
                jobs |= {json.loads(fields[b"job"])["call"] for _, fields in rows if b"job" in fields}
        spool = self.site.pbxs[0].asterisk.plan().recording_spool
        for id_, number in self.answered_ids.items():
            raw = spool / f"{id_}.raw"
            if vault.manifest(id_) is not None:
                self.facts["recordings sealed"] += 1
                continue
            if id_ in jobs and raw.exists():
                self.facts["raw recordings with a job"] += 1
                continue
            person = self.crowd.people[number]
            what = "a raw file without a job" if raw.exists() else "a job without a file" if id_ in jobs else "nothing"
            if what != "a raw file without a job" and person.over and person.answered > person.over - 0.3:
                continue  # hung up before the first packet
            self.wrong("lost recordings", f"{number} ({id_}, {person.outcome}): {what}")
