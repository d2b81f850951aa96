"""The counters in Redis, shared by every process: each command is one script, one round trip.

An answer that does not come within 100 ms does not come: callers have something better to do than to wait for a
counter.
"""

import asyncio
from types import TracebackType
from typing import Any, NamedTuple, cast

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.retry import Retry

from security.limits.circuit import Circuit
from security.limits.commands import Admit, Command
from security.limits.errors import LimiterUnavailable
from security.limits.redis_scripts import Argument, ScriptCall, admissions_call, script_call

# A Redis that is away is met while waiting for a connection, for its opening or for the answer: each alone stays under
# 100 ms. Much less would blame Redis for a machine that is merely busy.
PATIENCE_SECONDS = 0.08
_SLICES = 3
_CONNECTIONS, _BATCH = 64, 64
# Without the client's name and version each new connection saves round trips.
_PLAIN: dict[str, Any] = {"protocol": 2, "driver_info": None, "max_connections": _CONNECTIONS}


class RedisStore:
    """Count for all processes. Threads may share it."""

    def __init__(self, *, url: str, circuit: Circuit | None = None, patience_seconds: float = PATIENCE_SECONDS) -> None:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            timeout=patience_seconds,
            socket_connect_timeout=patience_seconds,
            socket_timeout=patience_seconds,
            retry=Retry(NoBackoff(), 0),
            **_PLAIN,
        )
        self._client = redis.Redis(connection_pool=pool)
        self._circuit = circuit or Circuit()

    def run(self, command: Command) -> list[int]:
        """Carry out the command.

        Raises:
            LimiterUnavailable: Redis is out of reach; at once, where it was so a moment ago.
        """
        self._circuit.check()
        call = script_call(command)
        with self._circuit.watching():
            try:
                reply = self._client.evalsha(call.script.digest, len(call.keys), *call.keys_and_arguments)
            except NoScriptError:
                reply = self._client.eval(call.script.text, len(call.keys), *call.keys_and_arguments)
        return cast("list[int]", reply)

    def ping(self) -> None:
        """Ask Redis itself, whatever the circuit thinks. Raises LimiterUnavailable."""
        with self._circuit.watching():
            self._client.ping()

    def close(self) -> None:
        self._client.connection_pool.disconnect()


class AsyncRedisStore:
    """Count for all processes, from one event loop: the one in which it is first used.

    Commands that come while others are under way leave together, as one round trip when those are back: hundreds at
    once cost less each, and none waits for its turn of a connection. What only wants to be admitted shares a script's
    call with all that its customer asks at that moment.
    """

    def __init__(self, *, url: str, circuit: Circuit | None = None, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._client = redis.asyncio.Redis.from_url(
            url,
            socket_connect_timeout=None,
            socket_timeout=None,
            retry=AsyncRetry(NoBackoff(), 0),
            **_PLAIN,
        )
        # One batch is under way at a time. Through the client each would cost more than twice as much.
        self._connection = self._client.connection_pool.make_connection()
        self._circuit = circuit or Circuit()
        self._patience_seconds = patience_seconds
        self._waiting: list[_Asked] = []
        self._sender: asyncio.Task[None] | None = None

    def run(self, command: Command) -> asyncio.Future[list[int]]:
        """Begin to carry out the command, and return the reply to come.

        The future raises:
            LimiterUnavailable: Redis is out of reach; at once, where it was so a moment ago.
        """
        asked = _Asked(command, asyncio.get_running_loop().create_future())
        try:
            self._circuit.check()
        except LimiterUnavailable as error:
            asked.fail(error)
            return asked.answer
        self._waiting.append(asked)
        if self._sender is None:
            self._sender = asyncio.create_task(self._send())
        return asked.answer

    async def ping(self) -> None:
        """Ask Redis itself, whatever the circuit thinks. Raises LimiterUnavailable."""
        with self._circuit.watching():
            async with _Patience(self._patience_seconds):
                await cast("Any", self._client.ping())

    async def aclose(self) -> None:
        if self._sender is not None:
            await self._sender
        await self._connection.disconnect()
        await self._client.aclose()

    async def _send(self) -> None:
        """Send what waits, until nothing does. Where one batch fails, so does all that waits behind it."""
        batch: list[_Asked] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                with self._circuit.watching():
                    async with _Patience(self._patience_seconds):
                        await self._answer(_sendings(batch))
        except LimiterUnavailable as error:
            for asked in (*batch, *self._waiting):
                asked.fail(error)
            self._waiting = []
        finally:
            self._sender = None

    async def _answer(self, sendings: list["_Sending"]) -> None:
        replies = await self._replies([_by_digest(each.call) for each in sendings])
        for sending, answered in zip(sendings, replies, strict=True):
            reply = answered
            if isinstance(reply, NoScriptError):
                (reply,) = await self._replies([_by_text(sending.call)])
            if isinstance(reply, RedisError):
                raise reply
            sending.deliver(reply)

    async def _replies(self, commands: list[list[Argument]]) -> list[Any]:
        """Return what Redis answers to each, or the error that it met."""
        connection = self._connection
        if connection.is_connected and await connection.can_read():
            # The server has closed it meanwhile: sending opens another.
            await connection.disconnect(nowait=True)
        await connection.send_packed_command(connection.pack_commands(commands))
        return [await self._reply() for _ in commands]

    async def _reply(self) -> Any:
        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return error


def _by_digest(call: ScriptCall) -> list[Argument]:
    return ["EVALSHA", call.script.digest, len(call.keys), *call.keys_and_arguments]


def _by_text(call: ScriptCall) -> list[Argument]:
    return ["EVAL", call.script.text, len(call.keys), *call.keys_and_arguments]


class _Asked(NamedTuple):
    """A command under way. Whoever asked may have stopped waiting."""

    command: Command
    answer: asyncio.Future[list[int]]

    def succeed(self, reply: list[int]) -> None:
        if not self.answer.done():
            self.answer.set_result(reply)

    def fail(self, error: LimiterUnavailable) -> None:
        if not self.answer.done():
            self.answer.set_exception(LimiterUnavailable(internal=error.internal_message))


class _Sending(NamedTuple):
    """A call with those who wait for its reply: one alone for all of it, several for a number each."""

    call: ScriptCall
    asked: list[_Asked]

    def deliver(self, reply: list[int]) -> None:
        if len(self.asked) == 1:
            self.asked[0].succeed(reply)
            return
        for asked, number in zip(self.asked, reply, strict=True):
            asked.succeed([number])


def _sendings(batch: list[_Asked]) -> list[_Sending]:
    """Return the calls that carry out the batch: those of one customer that want to be admitted are one."""
    sendings: list[_Sending] = []
    admits: dict[str, list[_Asked]] = {}
    for asked in batch:
        if isinstance(asked.command, Admit):
            admits.setdefault(asked.command.customer_id, []).append(asked)
        else:
            sendings.append(_Sending(script_call(asked.command), [asked]))
    for together in admits.values():
        commands = [asked.command for asked in together if isinstance(asked.command, Admit)]
        sendings.append(_Sending(admissions_call(commands), together))
    return sendings


class _Patience:
    """Raise TimeoutError after three slices of time that the event loop lived through.

    One long timer would blame Redis for a loop that something else kept busy, with the answer lying unread; a pause of
    the loop, however long, uses up one slice only.
    """

    __slots__ = ("_left", "_loop", "_slice_seconds", "_timeout", "_timer")

    def __init__(self, seconds: float) -> None:
        self._slice_seconds = seconds / _SLICES

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = _SLICES
        self._timeout = asyncio.timeout(None)
        self._timer = self._loop.call_later(self._slice_seconds, self._tick)
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, traceback)

    def _tick(self) -> None:
        self._left -= 1
        if self._left:
            self._timer = self._loop.call_later(self._slice_seconds, self._tick)
        else:
            self._timeout.reschedule(self._loop.time())
