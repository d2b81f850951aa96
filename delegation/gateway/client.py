"""The way to the agents: one object per asyncio loop, which knows neither database nor settings."""

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from delegation.errors import AgentFailed, AgentTimeout
from delegation.gateway.access import NOTHING, Access, Shown, Signer, Visitor
from delegation.gateway.calls import AgentCall, AgentReply, CardRequest, PushTarget, ReplyState
from delegation.gateway.card_cache import CardCache, CardKey
from delegation.gateway.cards import AgentCard, Protocol, as_legacy, assumed_card, card_of, card_url
from delegation.gateway.http_connection import HttpResponse
from delegation.gateway.http_pool import HttpPool
from delegation.gateway.parsing import json_of
from delegation.gateway.replies import DialectRefused, ParamsRefused, PushRefused, check_status, reply_of
from delegation.gateway.requests import HttpRequest, Operation, Prepared, request_of
from delegation.gateway.waits import retried
from security.errors import PlatformError
from security.identity import AgentCredentialUnusable
from security.outbound import AddressPolicy

_CARD_SECONDS = 30.0


class Gateway:
    """Call agents by A2A 1.0, or by 0.3 where their card says so.

    Every method raises, of the catalogue and nothing else: AgentTimeout, AgentUnavailable, AgentFailed,
    InvalidAgentResponse, AgentResponseTooLarge, AddressRefused, AgentCredentialUnusable. Cancelling a
    call closes its connection.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        max_response_bytes: int = 8 * 1024 * 1024,
        max_connections: int = 1024,
        max_connections_per_host: int = 256,
        card_ttl_seconds: float = 300.0,
        idle_seconds: float = 25.0,
        tls: ssl.SSLContext | None = None,
        signer: Signer | None = None,
        certificates: Path | None = None,
    ) -> None:
        self._policy = policy
        self._cards = CardCache(ttl_seconds=card_ttl_seconds)
        self._pool = HttpPool(
            policy=policy,
            max_response_bytes=max_response_bytes,
            max_connections=max_connections,
            max_connections_per_host=max_connections_per_host,
            idle_seconds=idle_seconds,
            tls=tls,
        )
        self._access = Access(pool=self._pool, policy=policy, signer=signer, certificates=certificates)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection, with what is under way on it."""
        await self._cards.close()
        await self._access.close()
        await self._pool.close()

    def prepared(self, call: AgentCall) -> AgentCall:
        """Return the call with its request made and signed, for when its turn comes; as it is where that must wait.

        Raises PlatformError: nothing can be signed.
        """
        card = self._cards.known(CardKey(call.customer_id, call.url))
        if card is None or (call.push is not None and card.supports_push):
            return call
        request = request_of(Operation.SEND, call, card)
        return call._replace(prepared=Prepared(card, request, self._access.signed(call, request.body)))

    async def call(self, call: AgentCall) -> AgentReply:
        """Send the message and return the agent's answer; every retry carries the same message id."""
        return await self._within_time(Operation.SEND, call)

    async def poll(self, call: AgentCall) -> AgentReply:
        """Return how the agent's task ``call.remote_task_id`` stands."""
        return await self._within_time(Operation.GET, call)

    async def cancel(self, call: AgentCall) -> None:
        """Ask the agent to cancel ``call.remote_task_id``; that it cannot or need not any more is no error."""
        if call.remote_task_id is None:
            return
        with contextlib.suppress(PlatformError):
            await self._within_time(Operation.CANCEL, call)

    async def card(self, wanted: CardRequest, *, fresh: bool = False) -> AgentCard:
        """Return the agent's card, from the cache unless it is to be ``fresh``.

        Raises:
            AgentFailed: the agent has no card.
        """
        key = CardKey(wanted.customer_id, wanted.url)
        known = None if fresh else self._cards.known(key)
        card = known or await self._cards.fetched(key, partial(self._fetch_card, wanted))
        if not card.raw:
            raise AgentFailed(internal=f"no agent card at {card_url(wanted.url)}")
        return card

    async def _within_time(self, operation: Operation, call: AgentCall) -> AgentReply:
        until = asyncio.get_running_loop().time() + call.timeout_seconds
        try:
            async with asyncio.timeout_at(until):
                return await self._perform(operation, call, until)
        except TimeoutError as error:
            raise AgentTimeout(internal=f"{call.url} did not answer within {call.timeout_seconds:g} s") from error

    async def _perform(self, operation: Operation, call: AgentCall, until: float) -> AgentReply:
        key = CardKey(call.customer_id, call.url)
        card = self._cards.known(key)
        if card is None:
            card = await self._cards.fetched(key, partial(self._fetch_card, call))
        asking = self._ask if call.push is None or not card.supports_push else self._told_where_to_push
        try:
            return await asking(operation, call, card, until)
        except DialectRefused:
            if card.raw or card.protocol_version is Protocol.V0_3:
                raise
        legacy = as_legacy(card)
        reply = await self._ask(operation, call, legacy, until)
        self._cards.remember(key, legacy)
        return reply

    async def _told_where_to_push(
        self, operation: Operation, call: AgentCall, card: AgentCard, until: float
    ) -> AgentReply:
        """Send with the address to push to; an agent that refuses it is followed by polling."""
        try:
            push = call.push() if call.push is not None and operation is Operation.SEND else None
            reply = await self._ask(operation, call, card, until, push=push)
        except (ParamsRefused, PushRefused):
            if operation is not Operation.SEND:
                raise
            reply = await self._ask(operation, call, card, until)
            self._cards.remember(CardKey(call.customer_id, call.url), replace(card, supports_push=False))
            return reply
        return reply._replace(will_push=True) if reply.state is ReplyState.WORKING else reply

    async def _ask(
        self, operation: Operation, call: AgentCall, card: AgentCard, until: float, *, push: PushTarget | None = None
    ) -> AgentReply:
        made = call.prepared if operation is Operation.SEND and push is None else None
        if made is not None and made.card is not card:
            made = None
        request = made.request if made else request_of(operation, call, card, push=push)
        exchange = partial(self._exchange, call, request, made)
        return reply_of(await retried(exchange, until=until, max_tries=call.max_tries), card)

    async def _exchange(self, visitor: Visitor, request: HttpRequest, made: Prepared | None = None) -> HttpResponse:
        shown = NOTHING if visitor.credential is None else await self._access.credential(visitor, request.url)
        response = await self._sent(visitor, request, shown, made)
        if response.status == 401 and visitor.credential is not None:
            if self._access.renewable(visitor, shown):
                shown = await self._access.credential(visitor, request.url)
                response = await self._sent(visitor, request, shown, made)
            if response.status == 401:
                raise AgentCredentialUnusable(internal=f"{request.url} refuses the credential")
        check_status(response)
        return response

    def _sent(
        self, visitor: Visitor, request: HttpRequest, shown: Shown, made: Prepared | None
    ) -> Coroutine[Any, Any, HttpResponse]:
        # Signed for each sending: a token is good once.
        token = (made and made.take_token()) or self._access.signed(visitor, request.body)
        headers = {**request.headers, **shown.headers, **token}
        return self._pool.request(request.method, request.url, headers=headers, body=request.body, apart=shown.apart)

    async def _fetch_card(self, visitor: Visitor) -> AgentCard:
        url = visitor.url
        self._policy.check_url(url)
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        if visitor.customer_id:
            headers["x-customer-id"] = visitor.customer_id
        request = HttpRequest("GET", card_url(url), headers, b"")
        until = asyncio.get_running_loop().time() + _CARD_SECONDS
        try:
            async with asyncio.timeout_at(until):
                response = await retried(partial(self._exchange, visitor, request), until=until)
        except AgentFailed:
            return assumed_card(url)
        except TimeoutError as error:
            raise AgentTimeout(internal=f"no card from {url} within {_CARD_SECONDS:g} s") from error
        return card_of(json_of(response.body), url=url, policy=self._policy)
