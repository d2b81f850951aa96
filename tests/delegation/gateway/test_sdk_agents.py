"""The gateway and servers built on a2a-sdk understand each other, in both versions and both bindings."""

import asyncio
from collections.abc import Iterator

import pytest

from delegation.errors import AgentFailed, InvalidAgentResponse
from delegation.gateway import EXTENSION_URI, Binding, CardRequest, Gateway, Protocol, ReplyState
from security.identity import BearerToken, Secret
from tests.delegation.gateway.calling import call_to, in_gateway, replied
from tests.delegation.gateway.sdk_agent import sdk_agent

KINDS = {
    "1.0 over JSON-RPC": (("JSONRPC", "1.0"),),
    "1.0 over HTTP+JSON": (("HTTP+JSON", "1.0"),),
    "0.3 over JSON-RPC": (("JSONRPC", "0.3"),),
    "what is spoken of several": (("GRPC", "1.0"), ("JSONRPC", "0.3"), ("HTTP+JSON", "1.0"), ("JSONRPC", "1.0.2")),
}


@pytest.fixture(params=KINDS, scope="module")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with sdk_agent(*KINDS[request.param]) as address:
        yield address


def test_the_agent_receives_the_instruction_the_context_and_the_headers(url: str) -> None:
    reply = replied(url, instruction="echo this", credential=BearerToken(token=Secret("abc")))

    assert (reply.state, reply.text) == (ReplyState.COMPLETED, "as received")
    (received,) = reply.data
    assert isinstance(received, dict)
    message = received["message"]
    text, data = message["parts"]
    assert (message["messageId"], message["contextId"], message["role"]) == ("message-1", "task-1", "ROLE_USER")
    assert message["extensions"] == [EXTENSION_URI]
    assert text["text"] == "echo this"
    assert data["data"] == {"task_id": "task-1", "candidates": []}
    assert data["metadata"] == {"extension": EXTENSION_URI}
    headers = received["headers"]
    assert headers["x-customer-id"] == "acmecorp"
    assert headers["authorization"] == "Bearer abc"
    assert headers["traceparent"].startswith("00-")
    assert EXTENSION_URI in headers["a2a-extensions"]


def test_a_completed_task_is_read_artifacts_first(url: str) -> None:
    reply = replied(url, instruction="work")

    assert reply.state is ReplyState.COMPLETED
    assert reply.text == "the artifact\nthe closing words"
    assert reply.data == ({"action": "handle", "result": "done"},)
    assert reply.remote_task_id
    assert reply.context_id == "task-1"


def test_late_work_is_polled_to_its_end(url: str) -> None:
    async def story(gateway: Gateway) -> list[ReplyState]:
        first = await gateway.call(call_to(url, instruction="late", return_immediately=True))
        states = [first.state]
        while states[-1] is ReplyState.WORKING:
            await asyncio.sleep(0.1)
            states.append((await gateway.poll(call_to(url, remote_task_id=first.remote_task_id))).state)
        return states

    states = in_gateway(story)
    assert states[0] is ReplyState.WORKING
    assert states[-1] is ReplyState.COMPLETED


def test_a_question_is_answered_in_the_same_task(url: str) -> None:
    async def story(gateway: Gateway) -> None:
        asked = await gateway.call(call_to(url, instruction="ask"))
        assert (asked.state, asked.text) == (ReplyState.INPUT_REQUIRED, "Which quarter?")
        answer = call_to(url, instruction="answered Q3", message_id="message-2", remote_task_id=asked.remote_task_id)
        answered = await gateway.call(answer)
        assert (answered.state, answered.text) == (ReplyState.COMPLETED, "thank you for: answered Q3")
        assert answered.remote_task_id == asked.remote_task_id

    in_gateway(story)


@pytest.mark.parametrize(("word", "told"), [("fail", "the printer is on fire"), ("reject", "not my work")])
def test_failure_keeps_the_agents_words_apart_from_every_message(url: str, word: str, told: str) -> None:
    with pytest.raises(AgentFailed) as caught:
        replied(url, instruction=word)

    assert told in caught.value.said
    assert told not in caught.value.internal_message
    assert told not in caught.value.user_message


def test_a_running_task_is_cancelled_and_a_finished_one_left_alone(url: str) -> None:
    async def story(gateway: Gateway) -> None:
        running = await gateway.call(call_to(url, instruction="late", return_immediately=True))
        call = call_to(url, remote_task_id=running.remote_task_id)
        await gateway.cancel(call)
        with pytest.raises(AgentFailed, match="canceled"):
            await gateway.poll(call)
        await gateway.cancel(call)
        await gateway.cancel(call_to(url, remote_task_id="never-heard-of"))
        await gateway.cancel(call_to(url))

    in_gateway(story)


def test_an_unknown_task_cannot_be_polled(url: str) -> None:
    with pytest.raises(AgentFailed):
        in_gateway(lambda gateway: gateway.poll(call_to(url, remote_task_id="never-heard-of")))


def test_the_card_is_read(url: str) -> None:
    card = in_gateway(lambda gateway: gateway.card(CardRequest(url=url)))

    assert (card.name, card.version, card.description) == ("Stranger", "3.2.1", "Built on a2a-sdk.")
    assert card.supports_push
    assert card.supports_streaming
    assert [(skill.name, skill.tags) for skill in card.skills] == [("Strangeness", ("odd",))]
    assert card.raw["name"] == "Stranger"


def test_json_rpc_1_0_is_preferred_over_all_else() -> None:
    with sdk_agent(*KINDS["what is spoken of several"]) as url:
        card = in_gateway(lambda gateway: gateway.card(CardRequest(url=url)))

    assert (card.binding, card.protocol_version) == (Binding.JSONRPC, Protocol.V1_0)


def test_an_agent_that_speaks_nothing_we_know_is_said_to() -> None:
    with sdk_agent(("GRPC", "1.0")) as url, pytest.raises(InvalidAgentResponse, match="no interface"):
        replied(url)
