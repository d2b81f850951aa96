"""Agents see their own credential, fresh and from their own customer's connections; nobody else ever does."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from delegation.errors import AgentFailed, AgentUnavailable
from delegation.gateway import Gateway
from security.errors import AddressRefused, PlatformError
from security.identity import (
    AgentCredentialUnusable,
    ApiKey,
    BasicLogin,
    BearerToken,
    BrokenCredential,
    MutualTls,
    OAuthClient,
    Secret,
)
from tests.agents import AgentServer, Call, Status, Working, handle
from tests.agents.connection import Connection
from tests.delegation.gateway.calling import call_to, in_gateway, replied
from tests.security.identity.certificates import Authority

SECRET = "a-secret-that-nobody-may-read"
BEARER = BearerToken(token=Secret(SECRET))
BASIC = "Basic cGxhdGZvcm06b3BlbiBzZXNhbWU="


class Played:
    """Answer with what is written down, and keep what was asked."""

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.seen: list[Call] = []

    def play(self, call: Call, connection: Connection) -> None:
        self.seen.append(call)
        status, body = self.answers[min(len(self.seen), len(self.answers)) - 1]
        connection.respond(status, orjson.dumps(body))


def grant(token: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600} | more


@pytest.fixture
def tokens(server: AgentServer) -> Played:
    """The authorisation server, at the place of an agent's card; it gives token-1, then token-2."""
    played = Played(grant("token-1"), grant("token-2"))
    server.card("authorisation", played)
    return played


def client_of(server: AgentServer) -> OAuthClient:
    url = f"{server.url('authorisation')}/.well-known/agent-card.json"
    return OAuthClient(token_url=url, client_id="platform", client_secret=Secret(SECRET))


def authorizations(server: AgentServer, method: str = "SendMessage") -> list[str | None]:
    return [call.headers.get("authorization") for call in server.calls(method=method)]


@pytest.mark.parametrize(
    ("credential", "header", "value"),
    [
        (BEARER, "authorization", f"Bearer {SECRET}"),
        (ApiKey(header="X-Agent-Key", value=Secret(SECRET)), "x-agent-key", SECRET),
        (
            BasicLogin(username="platform", password=Secret("open sesame")),
            "authorization",
            "Basic cGxhdGZvcm06b3BlbiBzZXNhbWU=",
        ),
    ],
)
def test_calls_polls_cancels_and_the_card_carry_it(
    server: AgentServer, credential: Any, header: str, value: str
) -> None:
    card = Played((404, {}))
    server.card("copywriter", card)
    server.script("copywriter", [Working(after_seconds=None)])

    async def story(gateway: Gateway) -> None:
        reply = await gateway.call(call_to(server.url("copywriter"), credential=credential))
        again = call_to(server.url("copywriter"), credential=credential, remote_task_id=reply.remote_task_id)
        await gateway.poll(again)
        await gateway.cancel(again)

    in_gateway(story)

    seen = [*card.seen, *(server.calls(method=name)[0] for name in ("SendMessage", "GetTask", "CancelTask"))]
    assert [call.headers[header] for call in seen] == [value] * 4
    assert {call.headers["x-customer-id"] for call in seen} == {"acmecorp"}


def test_an_access_token_is_fetched_once_for_many_calls(server: AgentServer, tokens: Played) -> None:
    async def story(gateway: Gateway) -> None:
        calls = [call_to(server.url("copywriter"), credential=client_of(server)) for _ in range(20)]
        await asyncio.gather(*(gateway.call(call) for call in calls))

    in_gateway(story)

    assert authorizations(server) == ["Bearer token-1"] * 20
    assert len(tokens.seen) == 1


def test_a_token_that_the_agent_refuses_is_fetched_anew_once(server: AgentServer, tokens: Played) -> None:
    server.script("copywriter", [Status(401), handle("done")])

    reply = replied(server.url("copywriter"), credential=client_of(server))

    assert reply.data == ({"action": "handle", "result": "done"},)
    assert authorizations(server) == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(("kind", "calls"), [("oauth", 2), ("bearer", 1)])
def test_an_agent_that_goes_on_refusing_makes_the_credential_unusable(
    server: AgentServer, tokens: Played, kind: str, calls: int
) -> None:
    server.script("copywriter", Status(401))

    with pytest.raises(AgentCredentialUnusable):
        replied(server.url("copywriter"), credential=client_of(server) if kind == "oauth" else BEARER)

    assert len(server.calls()) == calls


def test_an_agent_that_refuses_us_without_a_credential_has_failed(server: AgentServer) -> None:
    server.script("copywriter", Status(401))

    with pytest.raises(AgentFailed):
        replied(server.url("copywriter"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, {"error": "invalid_client", "error_description": SECRET}), AgentCredentialUnusable),
        ((200, {"token_type": "Bearer"}), AgentCredentialUnusable),
        ((503, {}), AgentUnavailable),
        ((302, {}), AgentCredentialUnusable),
    ],
)
def test_an_authorisation_server_that_gives_no_token_ends_the_call_and_tells_no_secret(
    server: AgentServer, answer: tuple[int, dict[str, Any]], error: type[PlatformError]
) -> None:
    server.card("authorisation", Played(answer))

    with pytest.raises(error) as caught:
        replied(server.url("copywriter"), credential=client_of(server))

    assert server.calls() == []
    assert SECRET not in caught.value.internal_message + caught.value.user_message + repr(caught.value.__cause__)


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/t", "http://10.0.0.1/t", "http://[::ffff:a9fe:a9fe]/t", "http://2852039166/t"]
)
def test_a_token_address_inside_is_refused_at_the_call_too(server: AgentServer, url: str) -> None:
    client = OAuthClient(token_url=url, client_id="platform", client_secret=Secret(SECRET))

    with pytest.raises(AddressRefused):
        replied(server.url("copywriter"), credential=client)

    assert server.calls() == []


def test_what_cannot_be_opened_is_not_called_with(server: AgentServer) -> None:
    with pytest.raises(AgentCredentialUnusable):
        replied(server.url("copywriter"), credential=BrokenCredential("no secret opens it"))

    assert server.calls() == []


def test_a_card_that_leads_elsewhere_takes_no_credential_along(server: AgentServer) -> None:
    with AgentServer() as elsewhere:
        interface = {"url": elsewhere.url("thief"), "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        server.card("copywriter", {"supportedInterfaces": [interface]})

        with pytest.raises(AgentCredentialUnusable):
            replied(server.url("copywriter"), credential=BEARER)

        assert elsewhere.calls() == []


def test_a_connection_that_showed_a_credential_serves_no_other_customer(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        for customer_id in ("acmecorp", "techcorp", "acmecorp", "techcorp"):
            await gateway.call(call_to(server.url("copywriter"), credential=BEARER, customer_id=customer_id))
        await gateway.call(call_to(server.url("copywriter"), customer_id="globex"))

    in_gateway(story)

    by_customer: dict[str, set[int]] = {}
    for call in server.calls():
        by_customer.setdefault(call.headers["x-customer-id"], set()).add(call.connection)
    assert [len(connections) for connections in by_customer.values()] == [1, 1, 1]
    assert len(set.union(*by_customer.values())) == 3


def test_one_customers_access_token_is_not_anothers_even_with_the_same_client(
    server: AgentServer, tokens: Played
) -> None:
    async def story(gateway: Gateway) -> None:
        for customer_id in ("acmecorp", "techcorp"):
            call = call_to(server.url("copywriter"), credential=client_of(server), customer_id=customer_id)
            await gateway.call(call)

    in_gateway(story)

    assert authorizations(server) == ["Bearer token-1", "Bearer token-2"]


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[AgentServer, Path]]:
    """An agent that speaks to certified callers alone, and the folder of the customers' certificates."""
    folder = tmp_path / "acmecorp"
    folder.mkdir()
    authority = Authority.new(folder)
    for name in ("us", "agent"):
        authority.issue(name)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "authority.pem"))
    tls.load_cert_chain(folder / "agent.pem", folder / "agent.key")
    tls.verify_mode = ssl.CERT_REQUIRED
    with AgentServer(tls=tls) as server:
        yield server, tmp_path


CERTIFICATE = MutualTls(certificate_file="us.pem", key_file="us.key", authority_file="authority.pem")


def test_a_client_certificate_opens_the_agent_and_its_connection_is_used_again(
    certified: tuple[AgentServer, Path],
) -> None:
    server, folder = certified

    async def story(gateway: Gateway) -> None:
        for _ in range(3):
            await gateway.call(call_to(server.url("copywriter"), credential=CERTIFICATE))

    in_gateway(story, certificates=folder)

    assert len({call.connection for call in server.calls()}) == 1


@pytest.mark.parametrize("customer_id", ["techcorp", "../acmecorp"])
def test_another_customer_cannot_show_the_certificate(certified: tuple[AgentServer, Path], customer_id: str) -> None:
    server, folder = certified
    (folder / "techcorp").mkdir()
    stolen = MutualTls(certificate_file="../acmecorp/us.pem", key_file="../acmecorp/us.key")

    async def story(gateway: Gateway) -> None:
        await gateway.call(call_to(server.url("copywriter"), credential=CERTIFICATE))
        with pytest.raises(AgentCredentialUnusable):
            await gateway.call(call_to(server.url("copywriter"), credential=stolen, customer_id="techcorp"))
        with pytest.raises(AgentUnavailable):
            await gateway.call(call_to(server.url("copywriter"), customer_id="techcorp"))

    in_gateway(story, certificates=folder)

    assert {call.headers["x-customer-id"] for call in server.calls()} == {"acmecorp"}


def test_a_client_certificate_is_shown_over_https_alone(server: AgentServer, tmp_path: Path) -> None:
    with pytest.raises(AgentCredentialUnusable):
        in_gateway(
            lambda gateway: gateway.call(call_to(server.url("copywriter"), credential=CERTIFICATE)),
            certificates=tmp_path,
        )
    assert server.calls() == []
