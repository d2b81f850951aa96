"""A call that was made ahead of its turn is the call that would have been made then, and its token goes out once."""

from datetime import datetime
from hashlib import sha256
from itertools import count

from delegation.gateway import Gateway, PushTarget
from security.identity import CallIdentity
from tests.agents import AgentServer, Status, Working, handle
from tests.delegation.gateway.calling import call_to, in_gateway

IDENTITY = CallIdentity(
    customer_id="acmecorp",
    path=("copywriter",),
    agent_ve_id="ve-1",
    message_id="message-1",
    delegation_id="message-1",
    timeout_seconds=10.0,
)


class Numbered:
    """Signs with a number that is drawn anew each time, and the body's digest."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def sign(self, call: CallIdentity, *, body: bytes, now: datetime) -> str:
        return f"{next(self._numbers)}.{sha256(body).hexdigest()}"


def sendings(server: AgentServer, agent: str = "copywriter") -> int:
    """Return how many messages the agent saw, each of which must have a token of its own that fits its body."""
    shown = [call.headers["x-gateway-token"].split(".") for call in server.calls(agent)]
    for (_, digest), call in zip(shown, server.calls(agent), strict=True):
        assert digest == sha256(call.raw).hexdigest()
    assert len({number for number, _ in shown}) == len(shown)
    return len(shown)


async def know_the_card(gateway: Gateway, url: str) -> None:
    await gateway.call(call_to(url, identity=IDENTITY))


def test_it_is_the_same_request(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        call = call_to(server.url("copywriter"), identity=IDENTITY)
        await gateway.call(call)
        await gateway.call(gateway.prepared(call))

    in_gateway(story, signer=Numbered())

    by_its_turn, ahead = server.calls("copywriter")
    assert ahead.body == by_its_turn.body
    own = {"x-gateway-token"}
    assert {k: v for k, v in ahead.headers.items() if k not in own} == {
        k: v for k, v in by_its_turn.headers.items() if k not in own
    }
    assert sendings(server) == 2


def test_each_further_try_has_a_token_of_its_own(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        url = server.url("copywriter")
        await know_the_card(gateway, url)
        call = gateway.prepared(call_to(url, identity=IDENTITY))
        for _ in range(2):
            await gateway.call(call)

    server.script("copywriter", [handle("a"), Status(503), handle("b"), handle("c")])
    in_gateway(story, signer=Numbered())

    assert sendings(server) == 4
    assert set(server.counts()) == {"message-1"}


def test_what_is_not_known_of_the_agent_yet_is_found_out_when_its_turn_comes(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        call = call_to(server.url("copywriter"), identity=IDENTITY)
        assert gateway.prepared(call) == call
        await gateway.call(gateway.prepared(call))

    in_gateway(story, signer=Numbered())

    assert sendings(server) == 1


def test_an_agent_that_has_changed_its_language_is_spoken_to_in_the_new_one(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        url = server.url("copywriter")
        await know_the_card(gateway, url)
        call = gateway.prepared(call_to(url, identity=IDENTITY))
        server.speak_legacy("copywriter")
        await gateway.call(call)

    in_gateway(story, signer=Numbered(), card_ttl_seconds=0.0)

    assert [call.headers["a2a-version"] for call in server.calls("copywriter")] == ["1.0", "0.3"]


def test_an_agent_that_pushes_is_told_where_when_its_turn_comes(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        url = server.url("copywriter")
        await know_the_card(gateway, url)
        target = PushTarget(url="https://us.example/callbacks/1", token="t0ken")
        call = gateway.prepared(call_to(url, identity=IDENTITY, push=lambda: target))
        reply = await gateway.call(call)
        assert reply.will_push

    server.script("copywriter", [handle("a"), Working(None)])
    in_gateway(story, signer=Numbered())

    *_, call = server.calls("copywriter")
    assert call.params["configuration"]["taskPushNotificationConfig"]["token"] == "t0ken"


def test_a_poll_is_no_message_that_was_prepared(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        url = server.url("copywriter")
        await know_the_card(gateway, url)
        reply = await gateway.call(call_to(url, identity=IDENTITY))
        call = gateway.prepared(call_to(url, identity=IDENTITY, remote_task_id=reply.remote_task_id))
        await gateway.poll(call)

    server.script("copywriter", [handle("a"), Working(None)])
    in_gateway(story, signer=Numbered())

    assert len(server.calls("copywriter", method="GetTask")) == 1
    assert len(server.calls("copywriter")) == 2
