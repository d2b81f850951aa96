"""Cards are asked for seldom, and their absence or failure is no obstacle."""

import asyncio

import pytest

from delegation.errors import AgentFailed, AgentUnavailable, InvalidAgentResponse
from delegation.gateway import Binding, CardRequest, Gateway, Protocol
from tests.agents import AgentServer, Html, Raw, Say, Slow, Status
from tests.delegation.gateway.calling import call_to, in_gateway


async def call(gateway: Gateway, server: AgentServer, agent: str = "copywriter", **more: str) -> None:
    await gateway.call(call_to(server.url(agent), **more))


def test_a_hundred_calls_at_once_ask_for_the_card_once(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        await asyncio.gather(*(call(gateway, server) for _ in range(100)))

    in_gateway(story)
    assert server.card_fetches("copywriter") == 1
    assert len(server.calls("copywriter")) == 100


def test_each_customer_asks_for_itself(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        for customer in ("acmecorp", "techcorp", "acmecorp"):
            await call(gateway, server, customer_id=customer)

    in_gateway(story)
    assert server.card_fetches("copywriter") == 2


def test_a_card_is_asked_for_again_when_its_time_is_over_or_a_fresh_one_is_wanted(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        await gateway.card(CardRequest(url=server.url("copywriter")))
        await gateway.card(CardRequest(url=server.url("copywriter")))
        assert server.card_fetches("copywriter") == 1
        await gateway.card(CardRequest(url=server.url("copywriter")), fresh=True)
        assert server.card_fetches("copywriter") == 2
        await asyncio.sleep(0.25)
        await gateway.card(CardRequest(url=server.url("copywriter")))
        assert server.card_fetches("copywriter") == 3

    in_gateway(story, card_ttl_seconds=0.2)


def test_an_agent_without_a_card_is_called_and_not_asked_again(server: AgentServer) -> None:
    server.card("copywriter", None)

    async def story(gateway: Gateway) -> None:
        await call(gateway, server)
        await call(gateway, server)
        with pytest.raises(AgentFailed, match="no agent card"):
            await gateway.card(CardRequest(url=server.url("copywriter"), customer_id="acmecorp"))

    in_gateway(story)
    assert server.card_fetches("copywriter") == 1


def test_a_cardless_agent_that_speaks_0_3_alone_is_found_out_once(server: AgentServer) -> None:
    server.card("veteran", None)
    server.speak_legacy("veteran")
    versions: list[str] = []

    async def story(gateway: Gateway) -> None:
        for _ in range(3):
            await call(gateway, server, "veteran")
        versions.extend(each.headers["a2a-version"] for each in server.calls("veteran"))

    in_gateway(story)
    assert versions == ["0.3", "0.3", "0.3"]
    assert server.refused_methods("veteran") == ["SendMessage"]


def test_a_0_3_card_is_understood(server: AgentServer) -> None:
    server.speak_legacy("veteran")

    card = in_gateway(lambda gateway: gateway.card(CardRequest(url=server.url("veteran"))))

    assert (card.protocol_version, card.binding, card.rpc_url) == (
        Protocol.V0_3,
        Binding.JSONRPC,
        server.url("veteran"),
    )


@pytest.mark.parametrize(
    "card",
    [
        Html(),
        Raw(b"[]"),
        Raw(b"{}"),
        Raw(b'{"name":"x"}'),
        Raw(b'{"name":"x","supportedInterfaces":[{"url":5,"protocolBinding":"JSONRPC","protocolVersion":"1.0"}]}'),
        Raw(
            b'{"name":"x","supportedInterfaces":[{"url":"http://x","protocolBinding":"JSONRPC","protocolVersion":"9"}]}'
        ),
        Raw(b'{"name":"x","supportedInterfaces":7,"skills":{},"url":""}'),
    ],
)
def test_a_card_that_is_none_is_said_to_be_invalid_and_not_asked_for_again_at_once(
    server: AgentServer, card: Raw
) -> None:
    server.card("copywriter", card)

    async def story(gateway: Gateway) -> None:
        for _ in range(2):
            with pytest.raises(InvalidAgentResponse):
                await call(gateway, server)

    in_gateway(story)
    assert server.card_fetches("copywriter") == 1
    assert server.calls("copywriter") == []


def test_an_agent_is_called_by_its_old_card_while_the_new_one_cannot_be_had(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        await call(gateway, server)
        await asyncio.sleep(0.1)
        server.card("copywriter", Status(500))
        await call(gateway, server)

    in_gateway(story, card_ttl_seconds=0.05)
    assert server.card_fetches("copywriter") == 2
    assert len(server.calls("copywriter")) == 2


def test_an_agent_whose_first_card_cannot_be_had_is_unavailable(server: AgentServer) -> None:
    server.card("copywriter", Status(500))

    with pytest.raises(AgentUnavailable):
        in_gateway(lambda gateway: call(gateway, server))


def test_a_caller_that_gives_up_does_not_take_the_card_from_the_others(server: AgentServer) -> None:
    card = b'{"name":"x","supportedInterfaces":[{"url":"%b","protocolBinding":"JSONRPC","protocolVersion":"1.0"}]}'
    server.card("copywriter", Slow(0.3, Raw(card % server.url("copywriter").encode())))
    server.script("copywriter", Say("hello"))

    async def story(gateway: Gateway) -> None:
        impatient = asyncio.ensure_future(call(gateway, server))
        patient = asyncio.ensure_future(call(gateway, server))
        await asyncio.sleep(0.05)
        impatient.cancel()
        await patient

    in_gateway(story)
    assert server.card_fetches("copywriter") == 1


def test_an_interfaces_tenant_is_named_in_the_call(server: AgentServer) -> None:
    interface = {"url": server.url("flat"), "protocolBinding": "JSONRPC", "protocolVersion": "1.0", "tenant": "t-7"}
    server.card("copywriter", {"supportedInterfaces": [interface]})

    in_gateway(lambda gateway: call(gateway, server))

    assert server.calls("flat")[0].params["tenant"] == "t-7"
