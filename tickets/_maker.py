"""The worker that turns finished transcripts into drafts: a consumer of the stream of transcription results.

Why nothing is lost when it is killed, at any line: a result leaves the group's pending list only by XACK, which is
sent after the draft was committed (SQLite with synchronous=FULL) and announced. Killed before that, the result is
delivered again, by this consumer at its next start or by another one (XAUTOCLAIM); `Store.put_draft` then gives the
same ticket, whatever had been stored or edited before. So drafts are made at least once and stored exactly once;
`on_draft` may be called again for the same ticket.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ._draft import empty_draft, make_draft
from ._errors import StoreError, StoreUnavailable
from ._gazetteer import Gazetteer
from ._guide import Guide
from ._model import Draft, Facts, Note, Ticket
from ._repeat import Earlier
from ._store import Store
from ._stream import entries_of, pairs_of, text
from ._transcript import TranscriptLike

GROUP = "drafts"
_EARLIER = 20
_CALL_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

LoadTranscript = Callable[[str], Awaitable[TranscriptLike | None]]
"""The transcript of a call id; None when there is none (yet)."""
FactsOf = Callable[[str], Awaitable[Facts | None]]
"""What is known of a call id; None when the call is unknown (yet)."""
OnDraft = Callable[[Ticket], Awaitable[None]]
"""Told of each stored draft, at least once."""

_log = structlog.get_logger(__name__)


class _NotYetError(Exception):
    """A part of the call is not readable yet: worth another try."""


@dataclass(slots=True)
class MakerCounts:
    """Counters for metrics; they only grow."""

    made: int = 0
    """Drafts stored (or found stored) and acknowledged."""
    failed_tries: int = 0
    """Tries that ended in an error and are tried again."""
    given_up: int = 0
    """Results that became an empty draft after the last try."""
    dropped: int = 0
    """Stream entries that name no call, acknowledged without a draft."""
    redelivered: int = 0
    """Results taken over from a consumer that had not finished them."""
    late: int = 0
    """Drafts whose words came late."""
    waiting: int = 0
    """Drafts made without words because these were late."""


@dataclass(frozen=True, slots=True)
class MakerPolicy:
    """How patient the worker is; all times in seconds.

    `idle` is after how long an unfinished result is taken up again, by anyone; it must be longer than `limit`, the
    time for one try. After `tries` failed tries an empty draft is made, so that the seat still has a form; a
    result that was given out more than `deliveries` times without ever ending (it may be what kills the workers)
    gets one without its words being touched again. Words that come more than `late` seconds after the caller left are
    marked so.
    """

    tries: int = 3
    deliveries: int = 8
    idle: float = 15.0
    limit: float = 10.0
    block: float = 1.0
    pause: float = 0.2
    longest_pause: float = 5.0
    late: float = 60.0

    def __post_init__(self) -> None:
        if self.idle <= self.limit:
            raise ValueError(f"idle ({self.idle} s) must be longer than limit ({self.limit} s): else tries overlap")


class DraftMaker:
    """Makes a draft of each result on `{prefix}transcripts`, as one of the group "drafts".

    Args:
        redis: a client; its socket timeout, if any, must be longer than `policy.block`.
        store: where drafts go.
        gazetteer: the places; replace `maker.gazetteer` after a reload.
        load_transcript: gives a call's transcript.
        facts_of: gives a call's facts.
        on_draft: told of each stored draft; if it fails, the result is tried again.
        guide: catalogue and calendar; replace `maker.guide` after a reload.
        prefix: of the Redis keys.
        consumer: this worker's name in the group; the same name after a restart takes its own work up at once.
        clock: unix seconds.
    """

    def __init__(
        self,
        redis: Redis,
        store: Store,
        gazetteer: Gazetteer,
        *,
        load_transcript: LoadTranscript,
        facts_of: FactsOf,
        on_draft: OnDraft | None = None,
        guide: Guide | None = None,
        prefix: str = "hotline:",
        consumer: str = "drafts-1",
        policy: MakerPolicy | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.gazetteer = gazetteer
        self.guide = guide
        self.counts = MakerCounts()
        self.trouble = ""
        """Why no draft can be made just now; "" when one can."""
        self._redis = redis
        self._store = store
        self._load_transcript = load_transcript
        self._facts_of = facts_of
        self._on_draft = on_draft
        self._stream = f"{prefix}transcripts"
        self._consumer = consumer
        self._policy = policy or MakerPolicy()
        self._clock = clock
        self._claim_from = "0-0"

    async def run(self) -> None:
        """Works until cancelled; cancelling is safe at any moment. Outlives Redis and the store."""
        pause = self._policy.pause
        grouped = mine_done = False
        while True:
            _leave_if_cancelled()
            try:
                if not grouped:
                    await self._ensure_group()
                    grouped = True
                if not mine_done:
                    await self._own_pending()
                    mine_done = True
                await self._store.ping()  # nothing is taken up, and no try counted, while the store is away
                await self._stale()
                await self._new()
                pause = self._policy.pause
                self.trouble = ""
            except (RedisError, OSError, StoreError) as error:
                # the group goes with a Redis that lost its data: look again. What was in hand comes first, so that
                # drafts are made in the order of their results.
                grouped = mine_done = False
                self.trouble = type(error).__name__
                _leave_if_cancelled()
                _log.warning("drafts.waiting", cause=type(error).__name__, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._policy.longest_pause)

    async def await_words(self, call_id: str) -> bool:
        """Makes a draft without words, for a call whose transcript is late: the seat has a form meanwhile.

        Whatever draft there is stays. When the words come they are put in, unless a human has written before.

        Returns:
            Whether the call is done with; False: it is not in the books yet, ask again.

        Raises:
            StoreError: the store is away; ask again.
        """
        facts = await self._facts_of(call_id)
        if facts is None:
            return False
        draft = empty_draft(facts, self.gazetteer, self._clock(), Note.WAITING)
        ticket = await self._store.add_draft(call_id, draft)
        if ticket is None:
            return True
        self.counts.waiting += 1
        _log.warning("drafts.awaiting_words", call_id=call_id, ticket=ticket.id)
        if self._on_draft is not None:
            try:
                await self._on_draft(ticket)
            except Exception as error:  # it is told again with its words
                _log.warning("drafts.announce_failed", call_id=call_id, cause=type(error).__name__)
        return True

    async def _ensure_group(self) -> None:
        try:
            await self._redis.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _own_pending(self) -> None:
        """What this consumer had in hand when it was killed."""
        last = "0"
        while True:
            _leave_if_cancelled()
            await self._store.ping()
            answer = await self._redis.xreadgroup(GROUP, self._consumer, {self._stream: last}, count=1)
            entries = list(entries_of(answer))
            if not entries:
                return
            for entry, fields in entries:
                last = entry
                self.counts.redelivered += 1
                await self._handle(entry, fields, await self._delivered(entry))

    async def _stale(self) -> None:
        """One result that somebody took up long ago and did not finish (a failed try, a killed worker)."""
        answer: Any = await self._redis.xautoclaim(
            self._stream, GROUP, self._consumer, int(self._policy.idle * 1000), start_id=self._claim_from, count=1
        )
        self._claim_from = text(answer[0])
        for entry, fields in pairs_of(answer[1]):
            self.counts.redelivered += 1
            await self._handle(entry, fields, await self._delivered(entry))

    async def _new(self) -> None:
        """One new result, waiting for it a little."""
        # one at a time: what waits in a batch would look unfinished to the others
        answer = await self._redis.xreadgroup(
            GROUP, self._consumer, {self._stream: ">"}, count=1, block=max(1, int(self._policy.block * 1000))
        )
        for entry, fields in entries_of(answer):
            await self._handle(entry, fields, 1)

    async def _delivered(self, entry: str) -> int:
        """How often Redis gave this entry out: it counts tries across crashes too."""
        rows: Any = await self._redis.xpending_range(self._stream, GROUP, entry, entry, 1)
        return int(rows[0]["times_delivered"]) if rows else 1

    async def _handle(self, entry: str, fields: Mapping[str, str], tries: int) -> None:
        call_id = fields.get("call", "")
        if not _CALL_ID.fullmatch(call_id):
            self.counts.dropped += 1
            _log.error("drafts.dropped", entry=entry, reason="the entry names no call, or was trimmed away")
            await self._redis.xack(self._stream, GROUP, entry)
            return
        log = _log.bind(call_id=call_id, tries=tries)
        draft, cause = await self._try(call_id, fields, tries, _seconds_of(entry))
        if draft is None:
            if tries < self._policy.tries:
                self.counts.failed_tries += 1
                log.warning("drafts.try_failed", cause=cause)
                return  # stays pending: taken up again after `idle`
            self.counts.given_up += 1
            log.error("drafts.given_up", cause=cause)
            draft = await self._bare(call_id)
        try:
            ticket = await self._put(call_id, draft)
        except StoreError as error:
            # refused, not away: it must not hold up the others; stays pending and is tried again after `idle`
            self.counts.failed_tries += 1
            log.error("drafts.refused", cause=str(error))  # noqa: TRY400 - our own text says it all
            return
        if not await self._announce(ticket, tries):
            return
        await self._redis.xack(self._stream, GROUP, entry)
        self.counts.made += 1
        if draft.late is not None:
            self.counts.late += 1
        log.info(
            "drafts.made", ticket=ticket.id, note=ticket.draft.note.value, kind=ticket.draft.kind.value, late=draft.late
        )

    async def _announce(self, ticket: Ticket, tries: int) -> bool:
        """Whether the result is done with. The draft itself is safe already."""
        if self._on_draft is None:
            return True
        try:
            await self._on_draft(ticket)
        except (RedisConnectionError, RedisTimeoutError):
            raise  # Redis is away: as in `run`
        except Exception as error:
            self.counts.failed_tries += 1
            _log.warning("drafts.announce_failed", call_id=ticket.call_id, tries=tries, cause=type(error).__name__)
            return tries >= self._policy.tries
        return True

    async def _try(
        self, call_id: str, fields: Mapping[str, str], tries: int, came_at: float
    ) -> tuple[Draft | None, str]:
        """A draft, or None and the cause, which names no spoken words.

        Errors of Redis and a store that is away are not the result's fault and pass through.
        """
        try:
            async with asyncio.timeout(self._policy.limit):
                return await self._draft(call_id, fields, tries, came_at), ""
        except (RedisConnectionError, RedisTimeoutError, StoreUnavailable):
            raise
        except _NotYetError as error:
            return None, str(error)
        except Exception as error:
            return None, type(error).__name__

    async def _draft(self, call_id: str, fields: Mapping[str, str], tries: int, came_at: float) -> Draft:
        last = tries >= self._policy.tries
        if tries > self._policy.deliveries:
            raise _NotYetError("given out too often: it may be what kills the workers")
        facts = await self._facts_of(call_id)
        if facts is None:
            if not last:
                raise _NotYetError("the call's record is not there yet")
            facts = Facts(call_id)
        transcript = None
        if fields.get("status") == "ok":
            transcript = await self._load_transcript(call_id)
            if transcript is None:
                raise _NotYetError("the transcript is not there yet")
        # a few milliseconds for most calls, but the longest last 79 minutes: not in the event loop
        earlier = await self._earlier(facts)
        draft = await asyncio.to_thread(
            make_draft, transcript, facts, self.gazetteer, self._clock(), self.guide, earlier
        )
        after = came_at - facts.ended_at if transcript is not None and facts.ended_at is not None else 0.0
        return replace(draft, late=round(after, 1)) if after > self._policy.late else draft

    async def _earlier(self, facts: Facts) -> list[Earlier]:
        """What this caller's number had before (Art. 12)."""
        if not facts.caller_number:
            return []
        page = await self._store.tickets(_EARLIER, number=facts.caller_number)
        return [
            Earlier(one.id, one.status.value, one.draft.content, one.draft.region, one.draft.catalogue)
            for one in page.items if one.call_id != facts.call_id
        ]

    async def _bare(self, call_id: str) -> Draft:
        """A draft without words, after the last try."""
        facts = None
        try:
            async with asyncio.timeout(self._policy.limit):
                facts = await self._facts_of(call_id)
        except Exception as error:
            _log.warning("drafts.no_facts", call_id=call_id, cause=type(error).__name__)
        return empty_draft(facts or Facts(call_id), self.gazetteer, self._clock(), Note.FAILED)

    async def _put(self, call_id: str, draft: Draft) -> Ticket:
        """Stores the draft, waiting as long as the store is away: that is no fault of this draft."""
        pause = self._policy.pause
        while True:
            _leave_if_cancelled()
            try:
                return await self._store.put_draft(call_id, draft)
            except StoreUnavailable as error:
                self.trouble = type(error).__name__
                _log.warning("drafts.store_unavailable", call_id=call_id, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._policy.longest_pause)


def _seconds_of(entry: str) -> float:
    """When Redis took an entry (unix seconds): the time of the result, however late we come to read it."""
    return int(entry.partition("-")[0]) / 1000


def _leave_if_cancelled() -> None:
    """Ends a task whose cancellation was swallowed on the way.

    Python 3.11's `asyncio.wait_for`, which the Redis client uses for each command it sends, loses a cancellation that
    arrives just as the command is done; without this look the worker would run on for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
