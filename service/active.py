"""What the one deciding process has: engine, link to the switch, desk, drafts, book of calls.

A process becomes the active one when it is granted the lease, and may stop being it at any time: everything here is
started and stopped as one, any number of times in a process's life.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

import calls
import console
import ivr
import recordings
import telephony
import tickets
from routing import Dispatcher

from .admission import Admission
from .books import CallBook
from .call_log import CallLog
from .cli_draft import load_guide
from .cluster import SECOND_LOOK
from .config import HotlineConfig
from .desk import HotlineDesk
from .disk import DiskWatch
from .ears import Ears
from .health import Health, NotWell
from .keeping import Keeping
from .linked import Linked
from .links import Pbx
from .metrics import Metrics
from .sayings import Sayings
from .settings import Settings
from .strays import Strays

log = logging.getLogger(__name__)

SWEEP_SECONDS = 30.0
CLOCK_APART = 2.0
"""Seconds between the machine's clock and the engine's that are told."""


class Active:
    """See the module's text.

    Args:
        settings: the process's.
        config: what is configured now.
        flows: the library of flows.
        redis: the process's client.
        store: where calls and drafts are kept.
        vault: where recordings are.
        gazetteer: the places.
        health: the process's parts; ours are added to a copy.
        lease: allows every write and every command.
        observers: told of each change, beside our own.
        disk: watches this machine's disks.
        level: the format of the journal that all processes read.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        config: HotlineConfig,
        flows: ivr.FlowLibrary,
        redis: Redis,
        store: tickets.Store,
        vault: recordings.Vault,
        gazetteer: tickets.Gazetteer,
        health: Health,
        lease: calls.Lease,
        observers: Sequence[Callable[[calls.Change], None]] = (),
        level: Callable[[], int] = lambda: calls.FORMAT,
        disk: DiskWatch | None = None,
    ) -> None:
        self.settings = settings
        self.config = config
        self.flows = flows
        self.redis = redis
        self.store = store
        self.vault = vault
        self.gazetteer = gazetteer
        self.health = health.extended()
        self.lease = lease
        self._disk = disk
        self.app: web.Application
        self._tasks: list[asyncio.Task[None]] = []
        self._exit = contextlib.AsyncExitStack()
        self.journal = calls.RedisJournal(redis, settings.redis_prefix, token=lease.token, level=level)
        self.clock = calls.Steady()
        self.pbx = Pbx(settings, lambda: self.engine, self.clock)
        self.link = self.pbx.main.link
        self.switch = self.pbx.switch
        dispatcher = Dispatcher(config.routing_seats(), config.policy())
        self.host = calls.Host(dispatcher, config.book(), can_call_out=bool(settings.outward))
        self.host.outside.directory = config.directory()
        self.host.out_suffix = self.pbx.out_suffix
        self.sayings = Sayings(self.host, settings.prompts_dir, lambda: disk is not None and disk.critical)
        self.engine = calls.Engine(
            switch=self.switch,
            journal=self.journal,
            dispatcher=dispatcher,
            host=self.host,
            rules=self._rules(),
            entries=self.entries(),
            raw_path=lambda call: str(settings.spool / f"{call}.raw"),
            record=settings.record,
            clock=self.clock,
            may_act=lambda: lease.held,
            on_fenced=lease.lose,
        )
        self.linked = Linked(
            self.engine, store, lambda: self.host.outside.directory,
            lambda: console.HandoverHotline(name=self.config.centre.name, centre=self.config.centre.code),
        )  # fmt: skip
        self.admission = Admission(
            engine=self.engine, host=self.host, doors=[telephony.Door(x.link) for x in self.pbx.parts],
            limits=config.admission.limits(telephony.LINE_TRUNK), language=self._language,
            ping=redis.ping, countless=[settings.probe_caller],
        )  # fmt: skip
        self.host.gates.append(self.admission.gate)
        self.metrics = Metrics(self.engine)
        self.metrics.registry.register(self.admission)
        self.metrics.count_from("hotline_engine", "Engine since the start", self.engine.counters)
        for prefix, text, counters in self.pbx.counters():
            self.metrics.count_from(prefix, text, counters)
        for counts in (self.linked.counts, self.linked.issuer.counts):
            self.metrics.count_from("hotline_handovers", "Cases between hotlines since the start", counts)
        self.ears: Ears | None = None
        for observer in (self.metrics.on_change, CallLog().on_change, self.pbx.on_change, *observers):
            self.engine.observe(observer)

    # ------------------------------------------------------------------ start and stop
    async def start(self) -> None:
        """Folds the journal and begins to decide. Raises JournalError."""
        try:
            await self._known_versions()
            await self.engine.recover()
            self.linked.recover(await self.journal.rows("handovers"))
            # The engine ends before the link: what it has decided is still sent, so that the next process finds
            # it in the switch.
            self._exit.push_async_callback(self.pbx.stop)
            self._exit.push_async_callback(self.engine.stop)
            self.engine.start()
            await self.pbx.start()
            self._prepare_desk()
            self._look_after()
            self._listen()
        except BaseException:
            await self.stop()
            raise

    def _listen(self) -> None:
        """Begins to listen for spoken emergencies, once there is a line that could be rung for one."""
        known = self.host.outside.directory
        rings = any(x.emergency and known.state(x, time.time()) == "ready" for x in known.entries)
        if self.ears is not None or not rings or not self.settings.spoken_emergency or not self.settings.record:
            return
        settings = recordings.EarSettings(model=self.settings.model_dir)
        self.ears = Ears(
            self.engine, lambda call: str(self.settings.spool / f"{call}.raw"),
            lambda detector, heard: recordings.Listener(settings, detector, heard, log_file=self.settings.log_file),
            time.time,
        )  # fmt: skip
        self.engine.observe(self.ears.on_change)
        self._exit.push_async_callback(self.ears.stop)
        self.metrics.registry.register(self.ears)
        self.ears.start()

    async def wait_for_switch(self, seconds: float) -> None:
        """Waits for the switch. Not there yet: the service runs, /readyz says so, and the link goes on trying."""
        await self.pbx.wait_up(seconds)

    def halt(self) -> None:
        """Another decides: from now on nothing is written and nothing sent. `stop` does the rest."""
        self.engine.halt()

    async def stop(self) -> None:
        """Stops in the reverse order. Calls in progress stay up in the switch."""
        late = set(self._tasks)
        while late:
            # Once more if need be: a cancellation in the middle of connecting to Redis can be taken for a
            # failed connection, after which the task would go on for ever.
            for task in late:
                task.cancel()
            _, late = await asyncio.wait(late, timeout=0.5)
        self._tasks = []
        await self._exit.aclose()

    def _task(self, coroutine: Any, name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(coroutine, name=name)
        task.add_done_callback(tell_death)
        self._tasks.append(task)

    def _look_after(self) -> None:
        async def journal() -> None:
            if not self.engine.journal_ok:
                raise NotWell("journal", "日志流无法写入", "the journal cannot be written")

        async def cluster() -> None:
            if not self.lease.held:
                raise NotWell("lease", "主用租约未能续期", "the lease of the active process could not be renewed")

        self.pbx.look_after(self.health)
        async def clock() -> None:
            if abs(self.clock.apart) > CLOCK_APART:
                raise NotWell("clock-jumped", "系统时钟被改动过, 呼叫按不变的时钟继续, 并逐渐跟上",
                              "this machine's clock was set: calls go by a steady one that follows slowly")  # fmt: skip

        self.health.add("clock", clock, needed=False)
        self.health.add("journal", journal)
        self.health.add("cluster", cluster)
        self.health.add("admission", self.admission.well, needed=False)
        self._task(self._remember(), "remember")
        self._task(self.admission.run(), "admission")
        self._task(self._sweeps(), "sweeps")
        self._task(self._remembers(), "remembers")
        self._task(self.sayings.run(), "sayings")
        self._task(self._trims(), "trims")
        self._task(self.desk.run(), "desk")
        self._task(self.linked.run(), "linked")
        self._task(self.drafts.run(), "drafts")
        self._task(self.book.run(), "book-of-calls")
        for work, name in self.keeping.coroutines():
            self._task(work, name)

    # ------------------------------------------------------------------ configuration
    def _rules(self) -> calls.Rules:
        book = self.config.book()
        return calls.Rules(
            self.flows, self.config.demand(), self.config.times.ring, book.callbacks.ring, book.waiting.tell_after,
            book.waiting.tell_every,
        )  # fmt: skip

    def entries(self) -> dict[str, calls.Entry]:
        """How the switch begins calls to each number, from the present flows."""
        out: dict[str, calls.Entry] = {}
        for number, entry in self.config.numbers.items():
            flow = self.flows.book.get(entry.flow)
            if flow is None:
                continue
            constant = flow.entry()
            prompts = tuple(p.file for p in constant.prompts) if constant is not None else ()
            out[number] = calls.Entry(flow.reference, prompts)
        return out

    def _language(self, flow: str) -> str:
        found = self.flows.flow_of(flow)
        return found.language if found is not None else "zh"

    async def _known_versions(self) -> None:
        """Flow versions that calls of the last process may still have, and ours for the next one."""
        key = self.settings.redis_prefix + "flows"
        rows: Any = await self.redis.hgetall(key)
        for text in rows.values():
            with contextlib.suppress(ValueError):
                self.flows.add(ivr.Flow.from_json(text.decode()))
        await self.publish_flows()

    async def publish_flows(self) -> None:
        """Writes the present flow versions where the next process finds them."""
        rows: dict[Any, Any] = {f.reference: f.to_json() for f in self.flows.book}
        await self.redis.hset(self.settings.redis_prefix + "flows", mapping=rows)

    async def apply_config(self, config: HotlineConfig) -> None:
        """New configuration or flows for calls that begin from now on."""
        self.config = config
        self.engine.rules = self._rules()
        self.engine.entries = self.entries()
        self.engine.set_seats(config.routing_seats())
        self.engine.set_book(config.book(), config.policy())
        self.host.outside.directory = config.directory()
        self.admission.rules.configure(config.admission.limits(telephony.LINE_TRUNK))
        self._listen()
        await self.publish_flows()
        if self.switch.up and self.lease.held:
            self.switch.announce(self.engine.entries)

    # ------------------------------------------------------------------ now and then
    async def look_again(self) -> None:
        """Compares with the switch: what was not sent while the lease had lapsed is decided anew."""
        if self.switch.up:
            if self.lease.held:
                # Also how calls begin: told while the lease had lapsed, it was not sent, and callers had no greeting.
                self.switch.announce(self.engine.entries)
            with contextlib.suppress(telephony.TelephonyError):
                await self.engine.sweep()

    async def _remember(self) -> None:
        with contextlib.suppress(calls.JournalError):
            await self.engine.remember()

    async def _sweeps(self) -> None:
        """Looks at the switch's truth now and then, whatever the events said."""
        await asyncio.sleep(SECOND_LOOK)
        while True:
            if self.switch.up:
                with contextlib.suppress(telephony.TelephonyError):
                    await self.engine.sweep()
                if self.settings.record and await self.strays.look():
                    continue  # entered by the next look
            await asyncio.sleep(SWEEP_SECONDS)

    async def _remembers(self) -> None:
        """Who called lately: after the takeover, because it may be many rows and nobody waits for it."""
        while True:
            try:
                await self.engine.remember()
            except calls.JournalError:
                await asyncio.sleep(5.0)
            else:
                break
        while True:
            await asyncio.sleep(3600.0)
            self.host.memory.tidy(time.time())

    async def _trims(self) -> None:
        """Keeps the streams from growing for ever: three days of journal, thirty of transcripts' results.
        Never an entry of a live call, never a result that no draft was made of yet."""
        while True:
            with contextlib.suppress(calls.JournalError, RedisError, OSError):
                now = time.time()
                await self.journal.trim(now)
                await self._trim_results(now)
            await asyncio.sleep(3600)

    async def _trim_results(self, now: float) -> None:
        stream = self.settings.redis_prefix + "transcripts"
        group: Any = next((g for g in await self.redis.xinfo_groups(stream) if g["name"] == b"drafts"), None)
        pending: Any = await self.redis.xpending(stream, "drafts") if group is not None else None
        if pending is None or pending["pending"] or group["lag"]:
            return  # something waits: at the next hour
        oldest = f"{int((now - 30 * 86400) * 1000)}-0"
        await self.redis.xtrim(stream, minid=oldest, approximate=True)

    # ------------------------------------------------------------------ desk, drafts, console
    def _prepare_desk(self) -> None:
        s = self.settings
        self.desk = HotlineDesk(
            engine=self.engine, store=self.store, transcript=self.words, audio=self.audio,
            manifest=self.manifest, health=self.health.look, metrics=self.metrics.text,
            case=self.linked.case_of, linked=self.linked,
        )  # fmt: skip
        self.engine.observe(self.desk.on_change)
        self.drafts = tickets.DraftMaker(
            self.redis, self.store, self.gazetteer, load_transcript=self._transcript, facts_of=self._facts,
            on_draft=self._on_draft, guide=load_guide(s.config_dir), prefix=s.redis_prefix, consumer=f"drafts-{s.node}",
            policy=tickets.MakerPolicy(late=s.draft_late),
        )  # fmt: skip
        self.book = CallBook(self.redis, self.store, lambda: self.config.centre.code, prefix=s.redis_prefix,
                             consumer=f"books-{s.node}")  # fmt: skip
        self.strays = Strays(s.spool, self.engine, self.switch, self.store, self.redis, s.redis_prefix)
        self.metrics.count_from("hotline_strays", "Recordings nobody told of since the start", self.strays.counters)
        self.metrics.count_from("hotline_drafts", "Drafts since the start", self.drafts.counts)
        self.metrics.count_from("hotline_books", "Book of calls since the start", self.book.counters)
        self.app = console.build_app(self.desk, console.TokenBook.open(s.secrets_dir / "tokens"))
        self.keeping = Keeping(
            settings=s, config=lambda: self.config, redis=self.redis, store=self.store, vault=self.vault,
            drafts=self.drafts, book=self.book, health=self.health, metrics=self.metrics, told=self.desk.log.tell,
            disk=self._disk,
        )  # fmt: skip
        self._exit.push_async_callback(self.keeping.stop)
        self.metrics.count_from("hotline_streams", "Event streams since the start", console.stream_stats(self.app))

    async def _transcript(self, call_id: str) -> tickets.Transcript | None:
        data = await self.words(call_id)
        return tickets.Transcript.from_json(data) if data is not None else None

    async def words(self, call_id: str) -> Mapping[str, Any] | None:
        """A call's transcript as JSON values, or None."""
        return await asyncio.to_thread(self.vault.transcript, call_id)

    async def manifest(self, call_id: str) -> Mapping[str, Any] | None:
        """A call's recording's manifest, or None."""
        return await asyncio.to_thread(self.vault.manifest, call_id)

    async def audio(self, call_id: str) -> Path | None:
        """A call's recording, or None."""
        return await asyncio.to_thread(self.vault.audio, call_id)

    async def _facts(self, call_id: str) -> tickets.Facts | None:
        live = self.engine.calls.get(call_id)
        centre = self.config.centre.code
        if live is not None:
            source = "voicemail" if live.outcome == "voicemail" else "call"
            return tickets.Facts(
                call_id, live.caller_number, live.dialled, centre, live.seat, source, live.ended_at
            )
        record = await self.store.call(call_id)
        if record is None or not record.state:
            return None
        source = "voicemail" if record.outcome == "voicemail" else "call"
        return tickets.Facts(
            call_id, record.caller_number, record.dialled, centre, record.seat, source, record.ended_at
        )

    async def _on_draft(self, ticket: tickets.Ticket) -> None:
        if ticket.call_id is None:
            return
        # For a call in wrap-up this enters its journal and timeline; an ended one has it in the store.
        live = self.engine.calls.get(ticket.call_id)
        if live is None or live.ticket != ticket.id:  # it may have been told before its words came
            self.engine.feed([calls.events.DraftMade(ticket.call_id, ticket.id)])
        manifest = await self.manifest(ticket.call_id)
        spoken = tickets.TranscriptStatus.OK if await self.words(ticket.call_id) else tickets.TranscriptStatus.FAILED
        if ticket.draft.note is tickets.Note.WAITING:
            spoken = tickets.TranscriptStatus.PENDING
        await self.store.put_recording(
            ticket.call_id, recording=manifest, transcript=spoken, at=ticket.created_at
        )
        self.linked.cases.note(ticket)
        await self.desk.tell_draft(ticket)


def tell_death(task: asyncio.Task[None]) -> None:
    """A task that should run for ever has ended."""
    if not task.cancelled() and task.exception() is not None:
        log.error("task %s ended with an error", task.get_name(), exc_info=task.exception())
