"""Check that a call comes from the platform, is meant for this agent, and arrived unchanged: copy this file into yours.

It needs PyJWT and cryptography alone. An ASGI agent is wrapped once::

    keys = PlatformKeys("https://platform.example/.well-known/jwks.json")
    app = VerifiedCalls(app, keys=keys, expected_agent="techcorp/copywriter")

Any other calls ``verify(headers, body, jwks, expected_agent)`` with the body's bytes as they came. Where an agent runs
as several processes, each knows only the tokens that it has seen itself.
"""

import asyncio
import contextlib
import hashlib
import heapq
import json
import logging
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import jwt
from jwt.types import Options

log = logging.getLogger(__name__)

TOKEN_HEADER = "x-gateway-token"  # noqa: S105 - a header's name
CUSTOMER_HEADER = "x-customer-id"
TOKEN_TYPE = "a2a-call+jwt"  # noqa: S105 - what kind of token it is
CLOCKS_APART_SECONDS = 10

_OPTIONS: Options = {
    "require": "iss aud sub iat exp jti message_id delegation_id body_sha256".split(),
    "strict_aud": True,
}

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class CallRefusedError(Exception):
    """The call must not be answered; the text says why, for the agent's own log."""


class UnknownKeyError(CallRefusedError):
    """The token is signed by a key that is not in the set: fetch the platform's keys anew, and try once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """For whom the call is made.

    ``on_behalf_of`` names who passed the work on: the person who gave the task (``customer/people/id``) where there is
    one, then the agents (``customer/agent-type``), the root first.

    A call that is sent again, after a lost connection say, has a new token and the same ``message_id``: answer it as
    before.
    """

    customer_id: str
    message_id: str
    delegation_id: str
    on_behalf_of: tuple[str, ...]


class SeenTokens:
    """The tokens used so far, each kept until it expires. Only tokens that the platform signed get here."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._by_expiry: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def first_use(self, token_id: str, *, expires_at: float, now: float) -> bool:
        """Remember the token; False where it was there already. Times are Unix seconds."""
        with self._lock:
            while self._by_expiry and self._by_expiry[0][0] < now:
                self._seen.discard(heapq.heappop(self._by_expiry)[1])
            if token_id in self._seen:
                return False
            self._seen.add(token_id)
            heapq.heappush(self._by_expiry, (expires_at, token_id))
            return True


_SEEN = SeenTokens()


def verify(
    headers: Headers,
    body: bytes,
    jwks: Mapping[str, Any],
    expected_agent: str,
    *,
    issuer: str | None = None,
    seen: SeenTokens = _SEEN,
) -> Caller:
    """Return for whom the call is made; ``expected_agent`` is this agent, as ``customer/agent-type``.

    Raises:
        UnknownKeyError: the key is not in ``jwks``.
        CallRefusedError: there is no token, or it is forged, expired, for another agent or body, or used before; or the
            customer in the header is not the one that the platform signed for.
    """
    named = _only_values(headers)
    claims = _signed_claims(named.get(TOKEN_HEADER, ""), jwks, expected_agent, issuer)
    if hashlib.sha256(body).hexdigest() != claims["body_sha256"]:
        raise CallRefusedError("the body is not the one that was signed")
    if named.get(CUSTOMER_HEADER) != claims["sub"]:
        raise CallRefusedError("X-Customer-ID is not the customer that was signed for")
    expires_at = float(claims["exp"]) + CLOCKS_APART_SECONDS
    # The last of the checks: a call that is refused for another reason uses no token up.
    if not seen.first_use(claims["jti"], expires_at=expires_at, now=time.time()):
        raise CallRefusedError("the token was used before")
    return Caller(
        customer_id=claims["sub"],
        message_id=str(claims["message_id"]),
        delegation_id=str(claims["delegation_id"]),
        on_behalf_of=_actors(claims.get("act")),
    )


def _only_values(headers: Headers) -> dict[str, str]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    values: dict[str, str] = {}
    for name, value in pairs:
        lowered = name.lower()
        if lowered in values and lowered in (TOKEN_HEADER, CUSTOMER_HEADER):
            # We would check the one, and the agent might read the other.
            raise CallRefusedError(f"{lowered} stands there twice")
        values[lowered] = value
    return values


def _signed_claims(token: str, jwks: Mapping[str, Any], expected_agent: str, issuer: str | None) -> dict[str, Any]:
    if not token:
        raise CallRefusedError("there is no token")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != "EdDSA" or header.get("typ") != TOKEN_TYPE:
            raise CallRefusedError("the token is of another kind")
        return jwt.decode(
            token,
            _key(jwks, header.get("kid")),
            # Never the algorithm that the token asks for: that would let it choose `none` or HS256.
            algorithms=["EdDSA"],
            audience=expected_agent,
            issuer=issuer,
            leeway=CLOCKS_APART_SECONDS,
            options=_OPTIONS,
        )
    except jwt.PyJWTError as error:
        raise CallRefusedError(f"the token is refused: {error}") from error


def _key(jwks: Mapping[str, Any], kid: object) -> jwt.PyJWK:
    for key in jwks["keys"]:
        if key.get("kid") == kid and (key.get("kty"), key.get("crv")) == ("OKP", "Ed25519"):
            return jwt.PyJWK.from_dict(key, algorithm="EdDSA")
    raise UnknownKeyError("the token's key is not among the platform's")


def _actors(actor: Any) -> tuple[str, ...]:
    names: list[str] = []
    while isinstance(actor, dict):
        names.append(str(actor.get("sub")))
        actor = actor.get("act")
    return tuple(reversed(names))


class PlatformKeys:
    """The platform's published keys, fetched again every ``keep_seconds`` and where a token names an unknown one.

    Unknown keys cause no more than one fetch every ``pause_seconds``, however many calls name them. While the platform
    cannot be reached, the keys that were fetched last are used.
    """

    def __init__(self, url: str, *, keep_seconds: float = 300, pause_seconds: float = 10) -> None:
        if not url.startswith(("https://", "http://")):
            raise ValueError("the keys' address must begin with https://")
        self._url = url
        self._keep_seconds = keep_seconds
        self._pause_seconds = pause_seconds
        self._jwks: Mapping[str, Any] = {"keys": []}
        self._tried_at = float("-inf")
        self._lock = threading.Lock()

    def known(self) -> Mapping[str, Any] | None:
        """Return the keys, or None where they ought to be fetched first."""
        return self._jwks if time.monotonic() - self._tried_at < self._keep_seconds else None

    def fetched(self) -> Mapping[str, Any]:
        """Return the keys after asking for them, unless that was done a moment ago. Waits for the network."""
        with self._lock:
            if time.monotonic() - self._tried_at >= self._pause_seconds:
                # Where it fails, the old keys are still good; with none at all, every call is refused.
                with contextlib.suppress(OSError, HTTPException, ValueError):
                    self._download()
                self._tried_at = time.monotonic()
            return self._jwks

    def _download(self) -> None:
        # A cache on the way may not know a key that is new.
        request = urllib.request.Request(self._url, headers={"Cache-Control": "no-cache"})  # noqa: S310 - checked above
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            jwks = json.loads(response.read(1_000_000))
        if isinstance(jwks, dict) and isinstance(jwks.get("keys"), list):
            self._jwks = jwks


class VerifiedCalls:
    """Let an ASGI application see only what the platform sent it; the rest is answered 401.

    The agent's card stays public. The application finds the `Caller` as ``scope["state"]["caller"]``
    (Starlette: ``request.state.caller``).
    """

    def __init__(
        self,
        app: Application,
        *,
        keys: PlatformKeys,
        expected_agent: str,
        issuer: str | None = None,
        max_body_bytes: int = 8 * 1024 * 1024,
    ) -> None:
        self._app = app
        self._keys = keys
        self._expected_agent = expected_agent
        self._issuer = issuer
        self._max_body_bytes = max_body_bytes
        self._seen = SeenTokens()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _asks_for_card(scope):
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif (body := await _whole_body(receive, self._max_body_bytes)) is None:
            await _answer(send, 413, "the body is too large")
        else:
            await self._pass_on(scope, body, receive, send)

    async def _pass_on(self, scope: MutableMapping[str, Any], body: bytes, receive: Receive, send: Send) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        try:
            caller = await self._verified(headers, body)
        except CallRefusedError as refusal:
            log.warning("call refused: %s", refusal)
            await _answer(send, 401, "this agent answers the platform alone")
            return
        unread = [body]

        async def again() -> Message:
            return {"type": "http.request", "body": unread.pop()} if unread else await receive()

        await self._app({**scope, "state": {**scope.get("state", {}), "caller": caller}}, again, send)

    async def _verified(self, headers: Headers, body: bytes) -> Caller:
        jwks = self._keys.known()
        if jwks is None:
            jwks = await asyncio.to_thread(self._keys.fetched)
        try:
            return self._verify(headers, body, jwks)
        except UnknownKeyError:
            return self._verify(headers, body, await asyncio.to_thread(self._keys.fetched))

    def _verify(self, headers: Headers, body: bytes, jwks: Mapping[str, Any]) -> Caller:
        return verify(headers, body, jwks, self._expected_agent, issuer=self._issuer, seen=self._seen)


def _asks_for_card(scope: Mapping[str, Any]) -> bool:
    card = scope["type"] == "http" and scope["path"].endswith("/.well-known/agent-card.json")
    return card and scope["method"] in ("GET", "HEAD")


async def _whole_body(receive: Receive, max_bytes: int) -> bytes | None:
    body = bytearray()
    while len(body) <= max_bytes:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            # A client that has gone leaves half a body, whose hash is not the one that was signed.
            return bytes(body) if len(body) <= max_bytes else None
    return None


async def _answer(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": text}).encode()})
