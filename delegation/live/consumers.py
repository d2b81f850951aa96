"""The websockets that tell events as they happen. A group message is a poke; what is told comes from the database."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qs, urlparse
from uuid import UUID

import orjson
import structlog
from channels.db import DatabaseSyncToAsync
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from delegation.api.pagination import positive_int
from delegation.api.shapes import event_shape
from delegation.live.following import CustomerFollower, Follower, TaskFollower
from delegation.live.views import CUSTOMER_KEY
from delegation.live.watched import RENEW_SECONDS, watch
from delegation.models import TaskEvent
from security.credentials import CUSTOMER_NAMES, credential_of_token, member_of, only_match
from security.errors import AuthFailed, NotAuthenticated, NotFound, PlatformError, ValidationFailed
from security.origin import arrived
from security.principal import Principal
from security.rows import narrow_rows
from security.services import principal_of_user
from security.switches import SWITCHES_REMEMBERED_SECONDS, is_switched_off, switches_are_stale

SUBPROTOCOL = "a2a.jwt"
# What a lost wake-up costs at most.
LOOK_AGAIN_SECONDS = 2.0

BAD_REQUEST, NOT_AUTHENTICATED, NOT_FOUND, SERVER_ERROR = 4400, 4401, 4404, 1011

P = ParamSpec("P")
R = TypeVar("R")

logger = structlog.get_logger(__name__)
# All sockets of the process share a few threads, and with them a few database connections.
_THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="websocket")


async def _in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    call: Any = DatabaseSyncToAsync(function, thread_sensitive=False, executor=_THREADS)
    result: R = await call(*args, **kwargs)
    return result


def _meta(scope: dict[str, Any]) -> dict[str, str]:
    """Return the handshake's headers in WSGI's words."""
    named = {f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}": value for name, value in scope["headers"]}
    return {name: value.decode("latin-1") for name, value in named.items()}


def _principal_as_on_the_pages(user: Any, session: Any) -> Principal:
    """Return the person at the customer that the pages show them; raise AuthFailed where there is none."""
    chosen = session.get(CUSTOMER_KEY)
    if chosen:
        with suppress(AuthFailed):
            return principal_of_user(user, chosen)
    return principal_of_user(user)


class EventSocket(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels publishes no types
    """Accept, authenticate, then tell what is new until the client goes or its credential ends.

    A refusal follows the acceptance, since a handshake that is refused cannot carry a close code.
    """

    def __init__(self) -> None:
        super().__init__()
        self._moved: set[UUID] = set()
        self._poked = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None
        self._group: str | None = None
        self._renew_at = 0.0
        self._expires_at: datetime | None = None
        self._login_id: UUID | None = None
        self._principal: Principal

    async def connect(self) -> None:
        arrived("websocket", _meta(self.scope))
        await self.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in self.scope.get("subprotocols", ()) else None)
        try:
            await self._authenticate()
            follower = await self.follower()
        except (PlatformError, DatabaseError) as error:
            await self._refuse(error)
        else:
            self._telling = asyncio.create_task(self._tell(follower))

    async def disconnect(self, code: int) -> None:  # noqa: ARG002  channels' signature
        if self._telling is not None:
            self._telling.cancel()
        if self._group is not None:
            await self.channel_layer.group_discard(self._group, self.channel_name)

    async def tasks_moved(self, message: dict[str, Any]) -> None:
        """Take the poke of the group."""
        self._moved.update(map(UUID, message["task_ids"]))
        self._poked.set()

    async def follower(self) -> Follower:
        """Return where this socket begins; subscribe before reading, so that nothing falls between."""
        raise NotImplementedError

    async def subscribe(self, group: str) -> None:
        self._group = group
        try:
            await self.channel_layer.group_add(group, self.channel_name)
        except (RedisError, OSError) as error:
            # Without wake-ups this socket still looks by itself.
            logger.warning("websocket_without_wakeups", error=repr(error))
        await self._watch(group)

    async def _watch(self, group: str) -> None:
        try:
            # In the thread's own context: in the socket's the cache would open a connection for each call.
            await asyncio.get_running_loop().run_in_executor(_THREADS, watch, group)
            self._renew_at = time.monotonic() + RENEW_SECONDS
        except (RedisError, OSError) as error:
            logger.warning("websocket_without_wakeups", error=repr(error))

    async def _authenticate(self) -> None:
        offered = list(self.scope.get("subprotocols", ()))
        if SUBPROTOCOL in offered:
            tokens = [each for each in offered if each != SUBPROTOCOL]
            credential = await _in_thread(credential_of_token, tokens[0] if tokens else "")
            self._principal, self._expires_at = credential.member.principal, credential.expires_at
            self._login_id = credential.login_id
        else:
            self._principal = await self._principal_of_session()
        # For this socket's task and those that it begins; threads are handed its context.
        narrow_rows(self._principal.customer_id)
        await _in_thread(only_match, self._principal, self._named())

    def _named(self) -> list[tuple[str, object]]:
        """Return where the client may have said which customer it means, and what."""
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        named = [("X-Customer-ID", _meta(self.scope).get("HTTP_X_CUSTOMER_ID"))]
        return [*named, *((f"the query's {key}", each) for key in CUSTOMER_NAMES for each in query.get(key, ()))]

    async def _principal_of_session(self) -> Principal:
        user = self.scope["user"]
        if not user.is_authenticated:
            raise NotAuthenticated(internal="neither a token nor a session")
        if not self._same_site():
            raise NotAuthenticated(internal="a session from a page of another site")
        return await _in_thread(_principal_as_on_the_pages, user, self.scope["session"])

    def _same_site(self) -> bool:
        """Tell whether the page is one of ours: any other could use the visitor's session."""
        origins = [value.decode("latin-1") for name, value in self.scope["headers"] if name == b"origin"]
        validator = OriginValidator(None, settings.ALLOWED_HOSTS)
        return len(origins) == 1 and bool(validator.valid_origin(urlparse(origins[0])))

    async def _tell(self, follower: Follower) -> None:
        try:
            await self._tell_on(follower)
        except PlatformError as error:
            await self._refuse(error)
        except Exception:
            logger.exception("websocket_failed")
            await self.close(SERVER_ERROR)

    async def _tell_on(self, follower: Follower) -> None:
        moved: set[UUID] | None = None
        while not self._expired():
            try:
                await self._tell_new(follower, moved)
            except DatabaseError as error:
                logger.warning("websocket_waits_for_database", error=repr(error))
            moved = await self._next_poke()
            if self._group is not None and time.monotonic() >= self._renew_at:
                await self._watch(self._group)
        raise NotAuthenticated(internal="the token has expired")

    async def _tell_new(self, follower: Follower, moved: set[UUID] | None) -> None:
        batches = follower.batches(moved)
        while events := await _in_thread(self._next_batch, batches):
            for event in events:
                await self.send(text_data=orjson.dumps(event_shape(event)).decode())

    def _next_batch(self, batches: Iterator[list[TaskEvent]]) -> list[TaskEvent]:
        # Raises when the person has left the customer in the meantime.
        who = self._principal
        member_of(user_id=who.user_id, customer_id=who.customer_id, login_id=self._login_id)
        return next(batches, [])

    async def _next_poke(self) -> set[UUID] | None:
        """Wait for a poke and return the tasks that moved, or None when it is time to look at all of them."""
        until = time.monotonic() + self._wait_seconds()
        while not self._poked.is_set():
            left_seconds = until - time.monotonic()
            if left_seconds <= 0:
                return None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), min(left_seconds, SWITCHES_REMEMBERED_SECONDS))
            await self._check_switched_on()
        self._poked.clear()
        moved, self._moved = self._moved, set()
        return moved

    async def _check_switched_on(self) -> None:
        """Raise NotAuthenticated once the customer is switched off. Of all sockets one a second asks the database."""
        customer_id = self._principal.customer_id
        with suppress(DatabaseError):  # It is asked again a second later.
            off = (
                await _in_thread(is_switched_off, customer_id) if switches_are_stale() else is_switched_off(customer_id)
            )
            if off:
                raise NotAuthenticated(internal="switched off")

    def _wait_seconds(self) -> float:
        if self._expires_at is None:
            return LOOK_AGAIN_SECONDS
        return max(0.0, min(LOOK_AGAIN_SECONDS, (self._expires_at - datetime.now(UTC)).total_seconds()))

    def _expired(self) -> bool:
        return self._expires_at is not None and datetime.now(UTC) >= self._expires_at

    async def _refuse(self, error: Exception) -> None:
        match error:
            case AuthFailed():
                await self.close(NOT_AUTHENTICATED)
            case NotFound():
                await self.close(NOT_FOUND)
            case ValidationFailed():
                await self.close(BAD_REQUEST)
            case _:
                logger.warning("websocket_refused", error=repr(error))
                await self.close(SERVER_ERROR)


class TaskEvents(EventSocket):
    """`/ws/tasks/{id}/?after=N`: one task, what came after N and then what comes."""

    async def follower(self) -> Follower:
        after = positive_int(self._after(), name="after", least=0, most=2**31 - 1)
        try:
            task_id = UUID(self.scope["url_route"]["kwargs"]["task_id"])
        except ValueError as error:
            raise NotFound(internal="not an id") from error
        await self.subscribe(f"task.{task_id}")
        return await _in_thread(TaskFollower, principal=self._principal, task_id=task_id, after=after)

    def _after(self) -> str:
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        return str(query.get("after", ["0"])[-1])


class CustomerEvents(EventSocket):
    """`/ws/tasks/`: all tasks of the customer, from now on."""

    async def follower(self) -> Follower:
        await self.subscribe(f"customer.{self._principal.customer_id}")
        return await _in_thread(CustomerFollower, principal=self._principal, now=timezone.now())


class NothingHere(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels publishes no types
    """Any other address."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(NOT_FOUND)
