"""An SDK agent behind the verifier, over real HTTP: the gateway gets its answer, nobody else does."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from delegation.gateway.cards import assumed_card
from delegation.gateway.requests import HttpRequest, Operation, request_of
from examples.minimal_agent import application
from examples.verifier import PlatformKeys, VerifiedCalls
from security.identity import KeyRing
from tests.delegation.gateway.calling import call_to
from tests.examples.a2a_client import served
from tests.examples.signed_calls import ISSUER, ME, RING, SCHEDULE, key_from, now, token_of

# What a caller gets who is not the platform: the same, whatever is wrong.
REFUSED = (401, {"error": "this agent answers the platform alone"})


class Platform:
    """Publish keys, and count how often they are asked for."""

    def __init__(self) -> None:
        self.ring = RING
        self.fetches = 0
        self.answer: Response | None = None
        self.url = ""

    def application(self, url: str) -> Starlette:
        self.url = f"{url}/.well-known/jwks.json"
        return Starlette(routes=[Route("/.well-known/jwks.json", self._jwks)])

    async def _jwks(self, _request: Request) -> Response:
        self.fetches += 1
        return self.answer or JSONResponse(self.ring.jwks(now(), SCHEDULE))


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    with served(platform.application):
        yield platform


def behind_the_verifier(keys: PlatformKeys) -> Callable[[str], Any]:
    """Wrap the word counter as its owner would."""
    options: dict[str, Any] = {"expected_agent": ME, "issuer": ISSUER, "max_body_bytes": 10_000}
    return lambda url: VerifiedCalls(application(f"{url}/"), keys=keys, **options)


@pytest.fixture
def agent(platform: Platform) -> Iterator[str]:
    with served(behind_the_verifier(PlatformKeys(platform.url, pause_seconds=0.2))) as url:
        yield f"{url}/"


def request_to(agent: str, *, ring: KeyRing = RING, instruction: str = "count these four words") -> HttpRequest:
    """Return what the gateway sends, with its token."""
    request = request_of(Operation.SEND, call_to(agent, instruction=instruction), assumed_card(agent))
    headers = {**request.headers, "x-gateway-token": token_of(body=request.body, ring=ring)}
    return HttpRequest(request.method, request.url, headers, request.body)


def sent(request: HttpRequest, *, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    fields = {**request.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = httpx.post(request.url, content=request.body if body is None else body, headers=fields)
    return answer.status_code, answer.json()


def words(answer: tuple[int, Any]) -> str:
    status, content = answer
    assert status == 200
    (part,) = content["result"]["message"]["parts"]
    return str(part["text"])


def test_the_gateway_is_answered(agent: str) -> None:
    assert words(sent(request_to(agent))) == "4 words"


def test_whoever_else_calls_is_not(agent: str) -> None:
    request = request_to(agent)

    assert sent(request, x_gateway_token="") == REFUSED
    assert sent(request, x_customer_id="techcorp") == REFUSED
    assert sent(request, body=request.body.replace(b"four", b"five")) == REFUSED
    assert sent(request_to(agent), x_gateway_token=token_of(body=b"other")) == REFUSED
    assert words(sent(request)) == "4 words"


def test_a_recorded_call_cannot_be_played_again(agent: str) -> None:
    request = request_to(agent)

    assert words(sent(request)) == "4 words"
    assert sent(request) == REFUSED


def test_of_many_copies_that_arrive_together_one_is_answered(agent: str) -> None:
    request = request_to(agent)

    async def together() -> list[int]:
        async with httpx.AsyncClient() as client:
            posts = [client.post(request.url, content=request.body, headers=dict(request.headers)) for _ in range(20)]
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    assert sorted(asyncio.run(together())) == [200] + [401] * 19


def test_a_second_customer_header_is_refused_on_the_wire(agent: str) -> None:
    request = request_to(agent)
    pairs = [*request.headers.items(), ("X-Customer-ID", "techcorp")]

    assert httpx.post(request.url, content=request.body, headers=pairs).status_code == 401


def test_a_body_in_pieces_is_put_together(agent: str) -> None:
    request = request_to(agent)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(request.body), 100):
            yield request.body[start : start + 100]

    answer = httpx.post(request.url, content=pieces(), headers=dict(request.headers))
    assert words((answer.status_code, answer.json())) == "4 words"


def test_a_body_that_is_too_large_is_not_read_to_its_end(agent: str) -> None:
    status, _ = sent(request_to(agent, instruction="word " * 3000))

    assert status == 413


def test_the_card_stays_public_and_nothing_else_does(agent: str) -> None:
    card = f"{agent}.well-known/agent-card.json"

    assert httpx.get(card).json()["name"] == "Word counter"
    assert httpx.post(card, content=b"{}").status_code == 401
    assert httpx.get(agent).status_code == 401


def test_the_keys_are_fetched_once_for_many_calls(agent: str, platform: Platform) -> None:
    for _ in range(5):
        assert words(sent(request_to(agent))) == "4 words"

    assert platform.fetches == 1


def test_a_new_key_of_the_platform_is_learnt_when_its_first_token_comes(agent: str, platform: Platform) -> None:
    assert words(sent(request_to(agent))) == "4 words"
    platform.ring = RING.with_key(key_from(now() - timedelta(seconds=1)))
    asyncio.run(asyncio.sleep(0.25))

    assert words(sent(request_to(agent, ring=platform.ring))) == "4 words"
    assert platform.fetches == 2


def test_forged_key_ids_do_not_make_the_agent_hammer_the_platform(platform: Platform) -> None:
    keys = PlatformKeys(platform.url, pause_seconds=60)
    stranger = KeyRing((key_from(now() - timedelta(days=1)),))

    with served(behind_the_verifier(keys)) as url:
        assert [sent(request_to(f"{url}/", ring=stranger)) for _ in range(5)] == [REFUSED] * 5

    assert platform.fetches == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"keys": 5}', b""])
def test_keys_that_cannot_be_read_open_no_door(agent: str, platform: Platform, body: bytes) -> None:
    platform.answer = Response(body)
    assert sent(request_to(agent)) == REFUSED

    platform.answer = None
    asyncio.run(asyncio.sleep(0.25))
    assert words(sent(request_to(agent))) == "4 words"


def test_the_old_keys_serve_while_the_platform_cannot_be_asked(platform: Platform) -> None:
    keys = PlatformKeys(platform.url, keep_seconds=0, pause_seconds=0)
    known = keys.fetched()
    platform.answer = Response(status_code=500)

    assert keys.known() is None
    assert keys.fetched() == known
    assert platform.fetches == 2


def test_keys_are_fetched_over_http_alone() -> None:
    with pytest.raises(ValueError, match="https"):
        PlatformKeys("file:///etc/passwd")
