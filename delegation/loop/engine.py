"""The worker's life: it registers, claims what is pending, runs it, takes over from the dead, and hands back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog
from django.db import DatabaseError, connection

from delegation.actors import bell
from delegation.gateway import Gateway
from delegation.loop import account as accounts
from delegation.loop.admission import Gate
from delegation.loop.alarm import Alarm
from delegation.loop.asking import Asker
from delegation.loop.beginning import begun
from delegation.loop.budgets import Budgets, read_spent
from delegation.loop.circuits import Circuits, save_circuit
from delegation.loop.conductor import Conductor
from delegation.loop.detectors import Detectors
from delegation.loop.inputs import answers_to, read_inputs
from delegation.loop.pauses import POLLING, POLLING_BESIDE_PUSH, Polling
from delegation.loop.places import Places
from delegation.loop.pushing import PushAddresses
from delegation.loop.roster import Rosters, read_roster
from delegation.loop.settler import Settler
from delegation.loop.sweeper import Sweeper, canceled_of
from delegation.loop.withdrawals import Withdrawals, take_back_late, taken_back
from delegation.services.branches import branches_cancel
from delegation.states import HopStatus
from delegation.store import (
    ClaimedHop,
    NewTask,
    Settled,
    Settlement,
    loop_store_for_database,
)
from delegation.store.records import Row
from delegation.store.rows import new_id
from security.leak_index import leak_index
from security.limiting import async_store
from security.limits import AsyncBudgetLedger, AsyncLimiter
from security.outbound import AddressPolicy
from security.rows import platform_rows
from security.signing import RingSigner

log = structlog.get_logger(__name__)
T = TypeVar("T")
# Of much that waits, as after a crash, each of several workers that look at one moment is to have its part.
_CLAIMED_AT_ONCE = 64
# Where others were at the tasks of what waits, it is looked for again soon, and ever later, up to the sweep's second.
_AGAIN, _LONGEST_AGAIN = timedelta(milliseconds=5), 8
Announce = Callable[[Mapping[UUID, tuple[str, int]]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How a worker works; the defaults are the product's. Without ``push`` agents that answer late are polled alone."""

    agent_timeout_seconds: float = 60.0
    question_expiry_seconds: float = 24 * 3600.0
    allowed_agent_hosts: tuple[str, ...] = ()
    client_certificates: Path | None = None
    capacity: int = 256
    agent_concurrency: int = 128
    sweep_seconds: float = 1.0
    roster_ttl_seconds: float = 1.0
    drain_seconds: float = 20.0
    circuit_threshold: int = 5
    circuit_seconds: float = 5.0
    circuit_longest_seconds: float = 300.0
    push: PushAddresses | None = None
    polling: Polling = POLLING
    polling_beside_push: Polling = POLLING_BESIDE_PUSH


class Engine:
    """Runs hops on the asyncio loop it is started on.

    ``look`` may be called from any thread; everything else belongs to the loop. ``announce`` is told, after each
    commit, the newest event number of each task that moved: {task id: (customer id, number)}.
    """

    def __init__(self, options: EngineOptions, *, announce: Announce) -> None:
        self.id = new_id()
        self._options = options
        self._announce = announce
        self._store = loop_store_for_database()
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._settler = Settler(self._store)
        self._sweeper = Sweeper(worker_id=self.id)
        self._signer = RingSigner()
        self._withdrawals = Withdrawals()
        self._places = Places(capacity=options.capacity, per_agent=options.agent_concurrency)
        self._running: dict[UUID, tuple[ClaimedHop, asyncio.Task[None]]] = {}
        self._background: list[asyncio.Task[None]] = []
        self._awake = asyncio.Event()
        self._alarm = Alarm(self._awake.set)
        self._draining = False
        self._left_to_others: set[UUID] = set()
        # Whether the last look may have left hops unclaimed for want of a place.
        self._full = False
        self._detectors = Detectors(leak_index, refresh=lambda: self._read(leak_index.refresh))

    async def start(self) -> None:
        """Register this worker, take over what dead workers left, and begin to claim.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        self._loop = asyncio.get_running_loop()
        await self._read(self._signer.refresh, _now())
        self._gateway = Gateway(
            policy=AddressPolicy(allowed_hosts=self._options.allowed_agent_hosts),
            signer=self._signer,
            certificates=self._options.client_certificates,
        )
        self._rosters = Rosters(
            read=lambda customer_id: self._read(read_roster, customer_id),
            ttl_seconds=self._options.roster_ttl_seconds,
        )
        self._limits = async_store()
        circuits = Circuits(
            save=lambda agent_id, open_until: self._read(save_circuit, agent_id, open_until),
            threshold=self._options.circuit_threshold,
            first_seconds=self._options.circuit_seconds,
            longest_seconds=self._options.circuit_longest_seconds,
        )
        self._conductor = Conductor(
            asker=Asker(gateway=self._gateway, circuits=circuits, places=self._places),
            push=self._options.push,
            polling=self._options.polling,
            polling_beside_push=self._options.polling_beside_push,
            rosters=self._rosters,
            gate=Gate(AsyncLimiter(self._limits)),
            budgets=Budgets(AsyncBudgetLedger(self._limits), spent=lambda *of: self._read(read_spent, *of)),
            detector=self._detectors.current,
            inputs=self._inputs,
            settle=self.settle,
            places=self._places,
            agent_timeout_seconds=self._options.agent_timeout_seconds,
            question_expiry_seconds=self._options.question_expiry_seconds,
        )
        await self._read(self._sweeper.register, _now())
        await self._detectors.refresh()
        self._awake.set()
        works = (self._settler.run, self._claim, self._sweep, self._detectors.listen)
        self._background = [asyncio.create_task(_unstoppable(work)) for work in works]

    def look(self) -> None:
        """Look for hops to claim, soon."""
        with suppress(RuntimeError):  # The loop has been closed: there is nobody left to look.
            self._loop.call_soon_threadsafe(self._awake.set)

    async def submit(self, task: NewTask) -> bool:
        """Save a task together with whatever else is ready, and begin it here where there is a place for it.

        Returns False where its idempotency key is taken: then nothing was saved.
        """
        roster = await self._rosters.of(task.task["customer_id"])
        agent = roster.agents.get(task.hops[0]["agent_type"]) if task.hops else None
        if agent is None or not self._places.has_one_for(agent):
            saved = await self._settler.submit(task)
            self._awake.set()
            return saved
        task, hop = begun(task, owner=self.id, agent_name=agent.name, at=_now())
        self._places.take(hop)
        prepare = self._conductor.expect([hop], roster)
        saved = False
        try:
            saved = await self._settler.submit(task, meanwhile=prepare)
        finally:
            if not saved:
                self._leave(hop)
                await self._conductor.forget(hop)
        if saved:
            self._announce({hop.task.id: (hop.task.customer_id, task.task["last_seq"])})
            self._run(hop)
        return saved

    async def settle(self, settlement: Settlement, *, meanwhile: Callable[[], None] | None = None) -> Settled:
        """Commit the settlement (see ``Settler.settle``), and see to what follows from it beside the hop itself."""
        if self._draining and settlement.ends_branch is not None:
            settlement = settlement._replace(ends_branch=settlement.ends_branch._replace(owner=None))
        settled = await self._settler.settle(settlement, meanwhile=meanwhile)
        changes = settlement.changes
        waits_until = changes.get("due_at") if changes["status"] == HopStatus.WAITING else None
        if settled.held:
            task = settlement.hop.task
            self._announce({task.id: (task.customer_id, settled.last_seq)})
            waits = settled.joined and settled.resumed is None
            if waits or any(hop["status"] == HopStatus.PENDING for hop in settlement.new_hops):
                self._awake.set()
            if self._draining:
                self._left_to_others |= {row["id"] for row in settlement.new_hops}
            if settled.leaves_branches and settlement.ends_branch is not None:
                split_id = settlement.ends_branch.split_id
                await self._read(lambda: branches_cancel(task_id=task.id, split_id=split_id, now=_now()))
                self._awake.set()
                await self._abort_canceled()
            if waits_until is not None:
                self._alarm.ring_at(waits_until)
        elif changes["status"] == HopStatus.WAITING and changes.get("remote_task_id"):
            # The agent has begun work that nobody waits for, if it was cancelled meanwhile.
            await self._read(take_back_late, settlement.hop.id, changes["remote_task_id"], settlement.at)
        return settled

    async def drain(self) -> None:
        """Claim no more, give calls under way a while to end, hand back the others, and say goodbye."""
        self._draining = True
        self._places.close()
        # The sweep goes on, lest the others take this worker for dead meanwhile.
        _, claim, *_ = self._background
        await _stopped([claim])
        await self._abort_canceled()
        running = [task for _, task in self._running.values()]
        if running:
            await asyncio.wait(running, timeout=self._options.drain_seconds)
        left = list(self._running.values())
        await _stopped([task for _, task in left])
        for hop, _ in left:
            await self.settle(accounts.handed_back(hop, at=_now()))
            self._left_to_others.add(hop.id)
        for hop_id in list(self._left_to_others)[:1]:
            await self._read(bell.ring, hop_id)
        await _stopped(self._background)
        await self._withdrawals.close()
        await self._gateway.close()
        await self._limits.aclose()
        await self._read(self._sweeper.leave)
        await self._store.close()
        await self._loop.run_in_executor(self._reading, _close_connection)
        self._reading.shutdown()

    @property
    def in_flight(self) -> int:
        """Return how many hops this worker is running."""
        return len(self._running)

    async def _claim(self) -> None:
        left_to_others = 0  # looks in a row that passed hops by
        while True:
            await self._awake.wait()
            self._awake.clear()
            self._full = True
            while (wanted := min(self._places.free, _CLAIMED_AT_ONCE)) > 0:
                try:
                    claims = await self._store.claim(
                        owner=self.id,
                        limit=wanted,
                        now=_now(),
                        agent_limit=self._options.agent_concurrency,
                        taken=self._places.taken,
                    )
                except DatabaseError as error:
                    log.warning("cannot claim", error=str(error))
                    await asyncio.sleep(self._options.sweep_seconds)
                    continue
                if claims.last_seqs:
                    self._announce(claims.last_seqs)
                for hop in claims.hops:
                    self._places.take(hop)
                    self._run(hop)
                left_to_others = min(left_to_others + 1, _LONGEST_AGAIN) if claims.passed_by else 0
                if left_to_others:
                    self._alarm.ring_at(_now() + _AGAIN * 2**left_to_others)
                if len(claims.hops) < wanted:
                    self._full = False
                    break

    async def _inputs(self, hop: ClaimedHop) -> list[Row]:
        """Return what the hop is given by those that it goes on from, if any."""
        if hop.resumes_id is None:
            return []
        return await read_inputs(
            hop.resumes_id,
            attempt=partial(self._store.attempt, customer_id=hop.task.customer_id),
            answers=lambda hop_id: self._read(answers_to, hop_id),
        )

    def _leave(self, hop: ClaimedHop) -> None:
        """Give the hop's place back; whoever waits for one at its agent is looked for."""
        pause = self._places.leave(hop)
        if pause is not None:
            self._loop.call_later(pause, self._awake.set)

    def _run(self, hop: ClaimedHop) -> None:
        if hop.id in self._running:
            # It was taken over meanwhile, and has come back: the call under way has lost its claim.
            self._running[hop.id][1].cancel()
        self._running[hop.id] = hop, asyncio.create_task(self._follow(hop))

    async def _follow(self, hop: ClaimedHop) -> None:
        """Run a hop and the chain that goes on from it; the branches of a split run beside it."""
        following = [hop]
        present: ClaimedHop | None = hop
        try:
            while following:
                hop, *beside = following
                present = hop
                for other in beside:
                    self._run(other)
                following = await self._conductor.advance(hop)
                present = None
                self._leave(hop)
                own = self._running.pop(hop.id)[1]
                for child in following[:1]:
                    self._running[child.id] = child, own
        except DatabaseError:
            log.exception("hop left to the sweep", hop_id=str(hop.id))
        finally:
            if present is not None:
                self._leave(present)
            if not self._draining:
                _, runner = self._running.get(hop.id, (hop, None))
                if runner is asyncio.current_task():
                    del self._running[hop.id]
                if self._full:
                    self._awake.set()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._options.sweep_seconds)
            try:
                await self._read(self._sweeper.sweep, _now(), tuple(self._running))
                await self._detectors.refresh()
                await self._abort_canceled()
                if self._withdrawals.free:
                    late = await self._read(taken_back, _now(), self._withdrawals.free)
                    self._withdrawals.tell(late, gateway=self._gateway, rosters=self._rosters)
                if self._signer.stale:
                    await self._read(self._signer.refresh, _now())
            except DatabaseError as error:
                log.warning("cannot sweep", error=str(error))
            self._awake.set()

    async def _abort_canceled(self) -> None:
        """Stop calling agents for hops that were cancelled meanwhile: with their task, or as branches not needed."""
        for hop_id in await self._read(canceled_of, tuple(self._running)):
            if hop_id in self._running:
                self._running[hop_id][1].cancel()

    async def _read(self, function: Callable[..., T], *arguments: object) -> T:
        """Run a function on the reading thread. A broken connection is dropped: the next use opens another."""
        return await self._loop.run_in_executor(self._reading, _on_usable_connection, function, arguments)


def _on_usable_connection(function: Callable[..., T], arguments: tuple[object, ...]) -> T:
    try:
        # Claims, sweeps and the leak index cross customers; what is read for one narrows itself.
        with platform_rows():
            return function(*arguments)
    except DatabaseError:
        if not connection.in_atomic_block and not (connection.connection and connection.is_usable()):
            connection.close()
        raise


async def _unstoppable(work: Callable[[], Awaitable[None]]) -> None:
    """Run one of the worker's endless works, and again should it break: without it the worker would only look alive."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("a worker's background work broke")
            await asyncio.sleep(1)


def _close_connection() -> None:
    connection.close()  # looked up here: each thread has its own


async def _stopped(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _now() -> datetime:
    return datetime.now(UTC)
