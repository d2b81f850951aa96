"""Group commit: what is ready is committed together; the next batch forms while a commit is under way."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog
from django.db import DatabaseError, DataError, OperationalError

from delegation.store import DatabaseAway, LoopStore, NewTask, Settled, Settlement

log = structlog.get_logger(__name__)
# A batch is one lock on each of its tasks: small enough to be quick, large enough to share the commit's cost.
BATCH = 256
# What comes in while a commit is under way belongs to the next, and is not to be late for it.
_DONE_AT_ONCE = 8
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 2.0
# Deadlocks and a locked SQLite file pass by; what the database refuses this often it refuses for good.
_TRIES_WHILE_REACHABLE = 5


class _Waiting(NamedTuple):
    item: NewTask | Settlement
    outcome: asyncio.Future[Any]
    meanwhile: Callable[[], None] | None


class Settler:
    """Commits what hops and submitters bring, a batch at a time. An idle system waits for nothing."""

    def __init__(self, store: LoopStore) -> None:
        self._store = store
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()

    async def settle(self, settlement: Settlement, *, meanwhile: Callable[[], None] | None = None) -> Settled:
        """Commit the settlement with whatever else is ready, and do ``meanwhile`` while the database is at it.

        Where that raises, it is reported, and what the batch's others have to do meanwhile may be left out.

        Raises:
            DatabaseError: the database refuses this settlement, and would refuse it again.
        """
        settled: Settled = await self._bring(settlement, meanwhile)
        return settled

    async def submit(self, task: NewTask, *, meanwhile: Callable[[], None] | None = None) -> bool:
        """Save the task as ``settle`` does a settlement; return False where its idempotency key is taken."""
        saved: bool = await self._bring(task, meanwhile)
        return saved

    async def run(self) -> None:
        """Commit batch after batch until cancelled. What was brought before is committed first."""
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty() and len(batch) < BATCH:
                batch.append(self._queue.get_nowait())
            to_do = [waiting.meanwhile for waiting in batch if waiting.meanwhile is not None]
            asyncio.get_running_loop().call_soon(_use_the_wait, to_do)
            try:
                await self._commit(batch)
            except Exception as error:
                # Whoever waits must not wait for ever; each hop then ends or is found by the sweep.
                for waiting in batch:
                    if not waiting.outcome.done():
                        waiting.outcome.set_exception(error)
                raise

    async def _bring(self, item: NewTask | Settlement, meanwhile: Callable[[], None] | None) -> Any:
        waiting = _Waiting(item, asyncio.get_running_loop().create_future(), meanwhile)
        self._queue.put_nowait(waiting)
        return await waiting.outcome

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        """Commit the batch; where the database refuses it, each part alone, so that one bad part spoils no other."""
        try:
            outcomes = await self._try(batch)
        except DatabaseError as error:
            if len(batch) > 1:
                for waiting in batch:
                    await self._commit([waiting])
            elif not batch[0].outcome.cancelled():
                batch[0].outcome.set_exception(error)
            return
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.outcome.cancelled():
                waiting.outcome.set_result(outcome)

    async def _try(self, batch: Sequence[_Waiting]) -> list[bool | Settled]:
        """Commit as soon as the database is there to do it.

        After a broken connection a second try may find its claims lost, because the first went through: then it writes
        nothing, and the sweep finds the hops that nobody runs.
        """
        pause, tries = _FIRST_PAUSE_SECONDS, 0
        while True:
            try:
                return await self._write(batch)
            except DatabaseAway as error:
                log.warning("database is away", error=str(error))
            except OperationalError:
                tries += 1
                if tries == _TRIES_WHILE_REACHABLE:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _write(self, batch: Sequence[_Waiting]) -> list[bool | Settled]:
        tasks = [waiting.item for waiting in batch if isinstance(waiting.item, NewTask)]
        settlements = [waiting.item for waiting in batch if isinstance(waiting.item, Settlement)]
        try:
            saved, settled = await self._store.commit(tasks, settlements)
        except (TypeError, ValueError) as error:
            # What cannot be put into the database's words (a lone surrogate, say) is refused like any other bad row.
            raise DataError(str(error)) from error
        saved_in_turn, settled_in_turn = iter(saved), iter(settled)
        return [
            next(saved_in_turn) if isinstance(waiting.item, NewTask) else next(settled_in_turn) for waiting in batch
        ]


def _use_the_wait(to_do: Sequence[Callable[[], None]]) -> None:
    for do in to_do[:_DONE_AT_ONCE]:
        do()
    if left := to_do[_DONE_AT_ONCE:]:
        asyncio.get_running_loop().call_soon(_use_the_wait, left)
