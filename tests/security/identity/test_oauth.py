"""Access tokens come from a real authorisation server on loopback, through the gateway's own connections."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote_plus

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from delegation.gateway.http_pool import HttpPool
from security.errors import AddressRefused, PlatformError
from security.identity import (
    AgentCredential,
    AgentCredentialUnusable,
    ApiKey,
    BearerToken,
    ClientAuthentication,
    ClientTokens,
    MutualTls,
    OAuthClient,
    Secret,
    TokenEndpointUnavailable,
    credential_headers,
)
from security.outbound import AddressPolicy
from tests.examples.a2a_client import served

T = TypeVar("T")
LOOPBACK = AddressPolicy(allowed_hosts=("127.0.0.1",))


class AuthorisationServer:
    """Give out numbered tokens; ``answer`` replaces what it says, ``seconds`` is how long it takes."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[dict[str, str], dict[str, list[str]]]] = []
        self.answer: Response | None = None
        self.lifetime: object = 3600
        self.seconds = 0.0

    def application(self, url: str) -> Starlette:
        self.url = f"{url}/token"
        return Starlette(routes=[Route("/token", self._token, methods=["POST"])])

    async def _token(self, request: Request) -> Response:
        self.asked.append((dict(request.headers), parse_qs((await request.body()).decode())))
        await asyncio.sleep(self.seconds)
        token = {"access_token": f"token-{len(self.asked)}", "token_type": "Bearer", "expires_in": self.lifetime}
        return self.answer or JSONResponse(token)


@pytest.fixture
def server() -> Iterator[AuthorisationServer]:
    server = AuthorisationServer()
    with served(server.application):
        yield server


def client_of(server: AuthorisationServer, **more: Any) -> OAuthClient:
    fields: dict[str, Any] = {
        "token_url": server.url,
        "client_id": "platform",
        "client_secret": Secret("hunter2-hunter2-hunter2"),
    }
    return OAuthClient(**fields | more)


def run(story: Callable[[ClientTokens], Awaitable[T]], *, policy: AddressPolicy = LOOPBACK) -> T:
    async def told() -> T:
        pool = HttpPool(policy=policy, max_response_bytes=100_000, max_connections=8, max_connections_per_host=8)
        tokens = ClientTokens(http=pool, policy=policy)
        try:
            return await story(tokens)
        finally:
            await tokens.close()
            await pool.close()

    return asyncio.run(told())


def fetched(client: OAuthClient, *, policy: AddressPolicy = LOOPBACK) -> str:
    return run(lambda tokens: tokens.token(client, customer_id="techcorp"), policy=policy).reveal()


def test_the_client_shows_its_secret_by_basic_authentication(server: AuthorisationServer) -> None:
    odd = Secret("p:ss w%rd+&=")
    client = client_of(server, client_id="plat:form", client_secret=odd, scope="a b", audience="https://agents")

    assert fetched(client) == "token-1"
    ((headers, form),) = server.asked
    scheme, _, pair = headers["authorization"].partition(" ")
    shown = [unquote_plus(part) for part in b64decode(pair).decode().split(":")]
    assert (scheme, shown) == ("Basic", ["plat:form", odd.reveal()])
    assert form == {"grant_type": ["client_credentials"], "scope": ["a b"], "audience": ["https://agents"]}


def test_the_client_shows_its_secret_in_the_body_where_the_server_wants_that(server: AuthorisationServer) -> None:
    assert fetched(client_of(server, client_authentication=ClientAuthentication.BODY)) == "token-1"
    ((headers, form),) = server.asked
    assert "authorization" not in headers
    assert form["client_id"] == ["platform"]
    assert form["client_secret"] == ["hunter2-hunter2-hunter2"]


def test_many_calls_share_one_token_and_one_request(server: AuthorisationServer) -> None:
    server.seconds = 0.05

    async def story(tokens: ClientTokens) -> set[str]:
        client = client_of(server)
        together = await asyncio.gather(*(tokens.token(client, customer_id="techcorp") for _ in range(50)))
        later = await tokens.token(client, customer_id="techcorp")
        return {token.reveal() for token in (*together, later)}

    assert run(story) == {"token-1"}
    assert len(server.asked) == 1


def test_no_customer_gets_another_ones_token_nor_one_without_the_secret(server: AuthorisationServer) -> None:
    async def story(tokens: ClientTokens) -> list[str]:
        mine = await tokens.token(client_of(server), customer_id="techcorp")
        theirs = await tokens.token(client_of(server), customer_id="acmecorp")
        guessed = await tokens.token(client_of(server, client_secret=Secret("guess")), customer_id="techcorp")
        return [token.reveal() for token in (mine, theirs, guessed)]

    assert run(story) == ["token-1", "token-2", "token-3"]


@pytest.mark.parametrize(("lifetime", "asked"), [(1, 2), ("1", 2), (0, 2), (-5, 2), (10**30, 1), (None, 1), ("x", 1)])
def test_a_token_is_used_as_long_as_it_lives(server: AuthorisationServer, lifetime: object, asked: int) -> None:
    server.lifetime = lifetime

    async def story(tokens: ClientTokens) -> None:
        await tokens.token(client_of(server), customer_id="techcorp")
        if lifetime in (1, "1"):
            await asyncio.sleep(0.95)
        await tokens.token(client_of(server), customer_id="techcorp")

    run(story)
    assert len(server.asked) == asked


def test_a_token_that_the_agent_refuses_is_fetched_anew_once(server: AuthorisationServer) -> None:
    async def story(tokens: ClientTokens) -> list[str]:
        client = client_of(server)
        first = await tokens.token(client, customer_id="techcorp")
        tokens.forget(client, customer_id="techcorp", token=first)
        second = await tokens.token(client, customer_id="techcorp")
        # A call that was under way with the first token is refused only now.
        tokens.forget(client, customer_id="techcorp", token=first)
        third = await tokens.token(client, customer_id="techcorp")
        return [token.reveal() for token in (first, second, third)]

    assert run(story) == ["token-1", "token-2", "token-2"]


def test_a_caller_that_gives_up_does_not_end_the_others_wait(server: AuthorisationServer) -> None:
    server.seconds = 0.2

    async def story(tokens: ClientTokens) -> str:
        client = client_of(server)
        impatient = asyncio.ensure_future(tokens.token(client, customer_id="techcorp"))
        patient = asyncio.ensure_future(tokens.token(client, customer_id="techcorp"))
        await asyncio.sleep(0.05)
        impatient.cancel()
        return (await patient).reveal()

    assert run(story) == "token-1"
    assert len(server.asked) == 1


REFUSALS: dict[str, Response] = {
    "invalid_client": JSONResponse({"error": "invalid_client", "hint": "hunter2"}, status_code=401),
    "answered 400, no error code": JSONResponse({"error": "it was hunter2!"}, status_code=400),
    "answered 302": Response(status_code=302, headers={"location": "http://127.0.0.1/"}),
    "no bearer token": JSONResponse({"access_token": "abc", "token_type": "mac"}),
    "gave no bearer": JSONResponse({"access_token": "abc\r\nX-Customer-ID: acmecorp", "token_type": "bearer"}),
    "gave no": JSONResponse({"token_type": "bearer"}),
    "gave": JSONResponse(["hunter2"]),
    "bearer token": Response(b"<html>hunter2"),
    "token": Response(b"[" * 50_000),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refusal_is_told_without_a_word_of_the_strangers_text(server: AuthorisationServer, reason: str) -> None:
    server.answer = REFUSALS[reason]

    with pytest.raises(AgentCredentialUnusable) as refusal:
        fetched(client_of(server))

    assert reason in refusal.value.internal_message
    assert "hunter2" not in refusal.value.internal_message + refusal.value.user_message


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again_later(server: AuthorisationServer, status: int) -> None:
    server.answer = Response(status_code=status)

    async def story(tokens: ClientTokens) -> str:
        with pytest.raises(TokenEndpointUnavailable) as failure:
            await tokens.token(client_of(server), customer_id="techcorp")
        assert failure.value.retryable
        server.answer = None
        return (await tokens.token(client_of(server), customer_id="techcorp")).reveal()

    assert run(story) == "token-2"


def test_a_token_address_on_a_private_network_is_not_called(server: AuthorisationServer) -> None:
    with pytest.raises(AddressRefused):
        fetched(client_of(server), policy=AddressPolicy())
    with pytest.raises(AddressRefused):
        fetched(client_of(server, token_url="file:///etc/passwd"))
    assert server.asked == []


def test_a_server_that_cannot_be_reached_fails_by_the_senders_own_error(server: AuthorisationServer) -> None:
    with pytest.raises(PlatformError) as failure:
        fetched(client_of(server, token_url="http://127.0.0.1:9/token"))

    assert failure.value.code == "AGENT_UNAVAILABLE"


def test_each_kind_of_credential_shows_itself_in_its_own_headers(server: AuthorisationServer) -> None:
    async def story(tokens: ClientTokens) -> list[dict[str, str]]:
        credentials: list[AgentCredential] = [
            BearerToken(token=Secret("abc")),
            ApiKey(header="X-API-Key", value=Secret("def")),
            client_of(server),
            MutualTls(certificate_file="a.pem", key_file="a.key"),
        ]
        return [await credential_headers(each, tokens=tokens, customer_id="techcorp") for each in credentials]

    assert run(story) == [
        {"authorization": "Bearer abc"},
        {"x-api-key": "def"},
        {"authorization": "Bearer token-1"},
        {},
    ]
