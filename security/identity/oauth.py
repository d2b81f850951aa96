"""Access tokens for agents behind OAuth (client credentials grant, RFC 6749, 4.4), each fetched once for many calls."""

import asyncio
import json
import re
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote_plus, urlencode

from security.identity.agent_credentials import (
    AgentCredential,
    ApiKey,
    BasicLogin,
    BearerToken,
    ClientAuthentication,
    OAuthClient,
)
from security.identity.errors import AgentCredentialUnusable, TokenEndpointUnavailable
from security.identity.secret import Secret
from security.outbound import AddressPolicy

_ANSWER_SECONDS = 10.0
# A token whose lifetime is not told is taken for a short one.
_UNTOLD_LIFETIME_SECONDS = 300.0
_LONGEST_KEPT_SECONDS = 86400.0
_MAX_KEPT = 10_000
_ACCESS_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}", re.ASCII)
_ERROR_CODE = re.compile(r"[a-z_]{1,40}", re.ASCII)


class HttpAnswer(Protocol):
    """A whole response."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...


class HttpSender(Protocol):
    """What the gateway's connections offer; their failures pass through as they are."""

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> HttpAnswer:
        """Send one request, following no redirect, and return the whole response."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    # With the whole credential, its secret included: who names another's client without its secret finds nothing.
    customer_id: str
    client: OAuthClient


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    token: Secret
    fresh_until: float


class ClientTokens:
    """The access tokens of all customers' OAuth clients, for one asyncio loop."""

    def __init__(self, *, http: HttpSender, policy: AddressPolicy) -> None:
        self._http = http
        self._policy = policy
        self._grants: dict[_Key, _Grant] = {}
        self._flights: dict[_Key, asyncio.Task[_Grant]] = {}

    async def token(self, client: OAuthClient, *, customer_id: str) -> Secret:
        """Return a token that is still good, asking for one where there is none.

        Raises:
            AddressRefused: the token address may not be called.
            AgentCredentialUnusable: the authorisation server refuses the client, or its answer is none.
            TokenEndpointUnavailable: it is overloaded, broken, or silent for 10 s.
            PlatformError: it cannot be reached (the sender's own errors).
        """
        key = _Key(customer_id=customer_id, client=client)
        grant = self._grants.get(key)
        if grant is not None and time.monotonic() < grant.fresh_until:
            return grant.token
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.ensure_future(self._fetch(key))
            flight.add_done_callback(lambda done: self._landed(key, done))
        # Who gives up waiting does not end what others wait for too.
        return (await asyncio.shield(flight)).token

    def forget(self, client: OAuthClient, *, customer_id: str, token: Secret) -> None:
        """Drop a token that the agent refused; one that was fetched since stays."""
        key = _Key(customer_id=customer_id, client=client)
        grant = self._grants.get(key)
        if grant is not None and grant.token == token:
            del self._grants[key]

    async def close(self) -> None:
        """Give up what is under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _fetch(self, key: _Key) -> _Grant:
        client = key.client
        self._policy.check_url(client.token_url)
        headers, body = _request(client)
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer = await self._http.request("POST", client.token_url, headers=headers, body=body)
        except TimeoutError as error:
            raise TokenEndpointUnavailable(
                internal=f"{client.token_url} did not answer in {_ANSWER_SECONDS:g} s"
            ) from error
        grant = _grant(answer, client.token_url, asked_at=asked_at)
        self._grants.pop(key, None)
        if len(self._grants) >= _MAX_KEPT:
            del self._grants[next(iter(self._grants))]
        self._grants[key] = grant
        return grant

    def _landed(self, key: _Key, flight: asyncio.Task[_Grant]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            # Marks a failure as seen where every caller has gone; those who wait get it all the same.
            flight.exception()


async def credential_headers(credential: AgentCredential, *, tokens: ClientTokens, customer_id: str) -> dict[str, str]:
    """Return the headers that show the credential; none for a client certificate, which TLS shows.

    Raises:
        PlatformError: as ``ClientTokens.token``.
    """
    match credential:
        case BearerToken():
            return {"authorization": f"Bearer {credential.token.reveal()}"}
        case ApiKey():
            return {credential.header.lower(): credential.value.reveal()}
        case BasicLogin():
            pair = f"{credential.username}:{credential.password.reveal()}".encode()
            return {"authorization": f"Basic {b64encode(pair).decode()}"}
        case OAuthClient():
            token = await tokens.token(credential, customer_id=customer_id)
            return {"authorization": f"Bearer {token.reveal()}"}
        case _:
            return {}


def _request(client: OAuthClient) -> tuple[dict[str, str], bytes]:
    form = {"grant_type": "client_credentials", "scope": client.scope, "audience": client.audience}
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
        "accept-encoding": "identity",
    }
    secret = client.client_secret.reveal()
    if client.client_authentication is ClientAuthentication.BASIC:
        # RFC 6749, 2.3.1: each of the two is form-encoded first.
        pair = f"{quote_plus(client.client_id)}:{quote_plus(secret)}".encode()
        headers["authorization"] = f"Basic {b64encode(pair).decode()}"
    else:
        form |= {"client_id": client.client_id, "client_secret": secret}
    return headers, urlencode({name: value for name, value in form.items() if value}).encode()


def _grant(answer: HttpAnswer, url: str, *, asked_at: float) -> _Grant:
    if answer.status == 429 or answer.status >= 500:
        raise TokenEndpointUnavailable(internal=f"{url} answered {answer.status}")
    content = _object(answer.body)
    if answer.status != 200:
        # The body is a stranger's and may repeat the secret: only the standard's short code goes into the log.
        code = content.get("error")
        shown = code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else "no error code"
        raise AgentCredentialUnusable(internal=f"{url} answered {answer.status}, {shown}")
    token, kind = content.get("access_token"), content.get("token_type")
    if not isinstance(token, str) or not _ACCESS_TOKEN.fullmatch(token) or str(kind).lower() != "bearer":
        raise AgentCredentialUnusable(internal=f"{url} gave no bearer token")
    lifetime = _lifetime_seconds(content.get("expires_in"))
    # The call itself takes time too: a token in its last tenth (at most 30 s) is not begun with.
    return _Grant(token=Secret(token), fresh_until=asked_at + lifetime - min(30.0, lifetime / 10))


def _object(body: bytes) -> dict[str, object]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _lifetime_seconds(told: object) -> float:
    if isinstance(told, str) and told.isascii() and told.isdigit():
        told = int(told[:9])
    if isinstance(told, bool) or not isinstance(told, int | float):
        return _UNTOLD_LIFETIME_SECONDS
    # Also turns NaN and negative numbers into none at all.
    return float(min(told, _LONGEST_KEPT_SECONDS)) if told > 0 else 0.0
