"""What a call sends, what it makes of each answer, and when it tries again."""

import asyncio
import gzip
import time
from email.utils import formatdate

import pytest

from delegation.errors import (
    AgentError,
    AgentFailed,
    AgentResponseTooLarge,
    AgentTimeout,
    AgentUnavailable,
    InvalidAgentResponse,
)
from delegation.gateway import AgentReply, CardRequest, Gateway, PushTarget, ReplyState
from security.identity import ApiKey, Secret
from tests.agents import (
    AgentServer,
    Answer,
    Drop,
    DropMidBody,
    Fail,
    Hang,
    Html,
    Huge,
    NeedsInput,
    Nested,
    Raw,
    Redirect,
    Refuse,
    Reject,
    RpcError,
    Say,
    Status,
    Trickle,
    Working,
    handle,
)
from tests.agents.answers import Step
from tests.delegation.gateway.calling import call_to, in_gateway, replied

TARGET = PushTarget(url="https://us.example/callbacks/1", token="t0ken")


def answer_of(text: bytes, **headers: str) -> Raw:
    body = b'{"jsonrpc":"2.0","id":1,"result":{"message":{"parts":[{"text":"' + text + b'"}]}}}'
    return Raw(body, headers=headers)


def test_a_decision_comes_back_as_data(server: AgentServer) -> None:
    server.script("copywriter", handle("a slogan", confidence=0.8))

    reply = replied(server.url("copywriter"))

    assert reply == AgentReply(
        state=ReplyState.COMPLETED,
        text="",
        data=({"action": "handle", "result": "a slogan", "confidence": 0.8},),
        remote_task_id=None,
        context_id="task-1",
    )


def test_each_call_carries_the_customer_the_trace_and_the_agents_own_key(server: AgentServer) -> None:
    replied(server.url("copywriter"), credential=ApiKey(header="X-API-Key", value=Secret("k")))

    (call,) = server.calls("copywriter")
    assert call.headers["x-customer-id"] == "acmecorp"
    assert call.headers["traceparent"].startswith("00-0af7")
    assert call.headers["x-api-key"] == "k"
    assert call.headers["a2a-version"] == "1.0"


@pytest.mark.parametrize("value", ["a\r\nX-Admin: yes", "a\nb", "a\0b", "ключ"])
def test_a_header_that_would_break_out_is_not_sent(server: AgentServer, value: str) -> None:
    with pytest.raises(AgentUnavailable):
        replied(server.url("copywriter"), traceparent=value)

    assert server.calls("copywriter") == []


def test_the_push_address_goes_to_agents_that_can_push_alone(server: AgentServer) -> None:
    server.card("mute", {"capabilities": {"pushNotifications": False}})
    for agent in ("copywriter", "mute"):
        replied(server.url(agent), push=lambda: TARGET)

    (able,), (mute,) = server.calls("copywriter"), server.calls("mute")
    assert able.params["configuration"]["taskPushNotificationConfig"] == {
        "url": "https://us.example/callbacks/1",
        "token": "t0ken",
        "authentication": {"scheme": "Bearer", "credentials": "t0ken"},
    }
    assert "taskPushNotificationConfig" not in mute.params["configuration"]


def test_an_agent_of_0_3_is_told_in_its_own_words_where_to_push(server: AgentServer) -> None:
    server.speak_legacy("copywriter")
    server.script("copywriter", Working(None))

    reply = replied(server.url("copywriter"), push=lambda: TARGET)

    (call,) = server.calls("copywriter")
    target = call.params["configuration"]["pushNotificationConfig"]
    assert (target["url"], target["token"]) == (TARGET.url, TARGET.token)
    assert target["authentication"] == {"schemes": ["Bearer"], "credentials": "t0ken"}
    assert reply.will_push


@pytest.mark.parametrize("refusal", [RpcError(-32003, "No pushing"), RpcError(-32602, "Bad address"), Status(400)])
def test_an_agent_that_refuses_the_push_address_is_asked_without_it(server: AgentServer, refusal: Step) -> None:
    server.script("copywriter", [refusal, Working(None), Working(None)])

    async def story(gateway: Gateway) -> list[AgentReply]:
        call = call_to(server.url("copywriter"), push=lambda: TARGET)
        return [await gateway.call(call) for _ in range(2)]

    first, second = in_gateway(story)

    assert (first.state, first.will_push, second.will_push) == (ReplyState.WORKING, False, False)
    told = ["taskPushNotificationConfig" in call.params["configuration"] for call in server.calls("copywriter")]
    assert told == [True, False, False]
    assert set(server.counts()) == {"message-1"}


@pytest.mark.parametrize(
    ("step", "state", "text"),
    [
        (Say("plain"), ReplyState.COMPLETED, "plain"),
        (Say("plain", as_task=True), ReplyState.COMPLETED, "plain"),
        (Working(None), ReplyState.WORKING, ""),
        (NeedsInput("Which one?"), ReplyState.INPUT_REQUIRED, "Which one?"),
        (NeedsInput("Sign in first", auth=True), ReplyState.INPUT_REQUIRED, "Sign in first"),
        (answer_of(b"a\\u0000b"), ReplyState.COMPLETED, "a\ufffdb"),
        (answer_of(b"a\\ud800b\\uDC00\\ud83d\\ude00"), ReplyState.COMPLETED, "a\ufffdb\ufffd😀"),
        (answer_of(b"\\\\u0000 and \\\\\\u0000"), ReplyState.COMPLETED, "\\u0000 and \\\ufffd"),
        (Raw(b'{"result":{"kind":"message","parts":[]}}'), ReplyState.COMPLETED, ""),
    ],
)
def test_every_well_formed_answer_is_read(server: AgentServer, step: Step, state: ReplyState, text: str) -> None:
    server.script("copywriter", step)

    reply = replied(server.url("copywriter"))

    assert (reply.state, reply.text) == (state, text)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (Status(500), AgentUnavailable),
        (Status(501), AgentUnavailable),
        (Html(500), AgentUnavailable),
        (Status(400), AgentFailed),
        (Status(401), AgentFailed),
        (Status(404), AgentFailed),
        (Redirect("http://127.0.0.1:1/"), AgentFailed),
        (Fail("no paper"), AgentFailed),
        (Reject("no"), AgentFailed),
        (RpcError(-32603), AgentFailed),
        (RpcError(-32001), AgentFailed),
        (RpcError(-32700), InvalidAgentResponse),
        (RpcError(-32600), InvalidAgentResponse),
        (RpcError(-32601), InvalidAgentResponse),
        (RpcError(-32602), InvalidAgentResponse),
        (Raw(b'{"error":"text"}'), InvalidAgentResponse),
        (Html(), InvalidAgentResponse),
        (Raw(b""), InvalidAgentResponse),
        (Raw(b"[]"), InvalidAgentResponse),
        (Raw(b'"text"'), InvalidAgentResponse),
        (Raw(b"{}"), InvalidAgentResponse),
        (Raw(b'{"result":{}}'), InvalidAgentResponse),
        (Raw(b'{"result":{"message":{"parts":"x"}}}'), InvalidAgentResponse),
        (Raw(b'{"result":{"message":{"parts":[1]}}}'), InvalidAgentResponse),
        (Raw(b'{"result":{"message":{"parts":[{"text":1}]}}}'), InvalidAgentResponse),
        (Raw(b'{"result":{"task":{"id":"1"}}}'), InvalidAgentResponse),
        (Raw(b'{"result":{"task":{"id":1,"status":{"state":"completed"}}}}'), InvalidAgentResponse),
        (Raw(b'{"result":{"task":{"id":"1","status":{"state":"dreaming"}}}}'), InvalidAgentResponse),
        (Raw(b'{"result":\xff\xfe}'), InvalidAgentResponse),
        (Raw(b'{"result":{"message":{"parts":[{"text":"\\ud800'), InvalidAgentResponse),
        (Raw(b'{"result":"\\u0000' + b"x" * 2_000_000 + b'"}'), InvalidAgentResponse),
        (Raw(b"[" + b"[]," * 300_000 + b"1]"), InvalidAgentResponse),
        (Nested(200), InvalidAgentResponse),
        (Nested(100_000), InvalidAgentResponse),
        (Raw(b"x", headers={"content-encoding": "gzip"}), InvalidAgentResponse),
        (Raw(gzip.compress(b"{}")[:-4], headers={"content-encoding": "gzip"}), InvalidAgentResponse),
        (Raw(b"x", headers={"content-encoding": "br"}), InvalidAgentResponse),
        (Raw(b"", headers={"content-length": "-1"}), InvalidAgentResponse),
        (Raw(b"", headers={"x": "y" * 300_000}), InvalidAgentResponse),
        (Huge(), AgentResponseTooLarge),
        (Huge(declared=True), AgentResponseTooLarge),
        (Raw(gzip.compress(bytes(20_000_000)), headers={"content-encoding": "gzip"}), AgentResponseTooLarge),
    ],
)
def test_every_bad_answer_gets_its_error_after_one_try(
    server: AgentServer, step: Step, error: type[AgentError]
) -> None:
    server.script("copywriter", step)

    async def story(gateway: Gateway) -> None:
        with pytest.raises(AgentError) as caught:
            await gateway.call(call_to(server.url("copywriter")))
        assert isinstance(caught.value, error)
        assert caught.value.code == error.code
        assert len(server.calls("copywriter")) == 1
        server.script("copywriter", Say("well again"))
        assert (await gateway.call(call_to(server.url("copywriter")))).text == "well again"

    in_gateway(story)


def test_gzip_within_the_limit_is_unpacked(server: AgentServer) -> None:
    packed = gzip.compress(b'{"result":{"message":{"parts":[{"text":"small"}]}}}')
    server.script("copywriter", Raw(packed, headers={"content-encoding": "gzip"}))

    assert replied(server.url("copywriter")).text == "small"


def test_the_agents_error_text_stays_internal(server: AgentServer) -> None:
    server.script("copywriter", RpcError(-32603, "password=hunter2"))

    with pytest.raises(AgentFailed) as caught:
        replied(server.url("copywriter"))

    assert "hunter2" in caught.value.said
    assert "hunter2" not in caught.value.internal_message + caught.value.user_message


@pytest.mark.parametrize("step", [Hang(), Trickle(0.01)])
def test_the_time_limit_covers_the_bodys_last_byte_and_closes_the_connection(server: AgentServer, step: Step) -> None:
    server.script("copywriter", step)

    async def story(gateway: Gateway) -> None:
        started = time.monotonic()
        with pytest.raises(AgentTimeout):
            await gateway.call(call_to(server.url("copywriter"), timeout_seconds=0.3))
        assert 0.3 <= time.monotonic() - started < 1.0
        assert len(server.calls("copywriter")) == 1
        await until(lambda: server.open_connections == 0)

    in_gateway(story)


def test_the_card_counts_within_the_time_limit(server: AgentServer) -> None:
    server.card("copywriter", Hang())

    started = time.monotonic()
    with pytest.raises(AgentTimeout):
        replied(server.url("copywriter"), timeout_seconds=0.3)

    assert time.monotonic() - started < 1.0


def test_cancelling_a_call_closes_its_connection(server: AgentServer) -> None:
    server.script("copywriter", Hang())

    async def story(gateway: Gateway) -> None:
        calling = asyncio.ensure_future(gateway.call(call_to(server.url("copywriter"))))
        await until(lambda: len(server.calls("copywriter")) == 1)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await until(lambda: server.open_connections == 0)

    in_gateway(story)


async def until(holds: object, seconds: float = 2.0) -> None:
    assert callable(holds)
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  another thread makes it true
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("step", [Refuse(), Drop(), DropMidBody(), Status(429), Status(502), Status(503), Status(504)])
def test_what_may_pass_is_tried_twice_more_with_the_same_message_id(server: AgentServer, step: Step) -> None:
    server.script("copywriter", [step, step, handle("at last")])

    async def story(gateway: Gateway) -> None:
        await gateway.card(CardRequest(url=server.url("copywriter")))
        reply = await gateway.call(call_to(server.url("copywriter")))
        assert reply.data == ({"action": "handle", "result": "at last"},)

    in_gateway(story)
    assert server.counts("copywriter") == {"message-1": 3}


def test_after_three_tries_it_is_unavailable(server: AgentServer) -> None:
    server.script("copywriter", Status(503))

    with pytest.raises(AgentUnavailable):
        replied(server.url("copywriter"))

    assert server.counts("copywriter") == {"message-1": 3}


def test_nobody_listening_is_unavailable_after_three_tries(server: AgentServer) -> None:
    started = time.monotonic()
    with server.refused_url() as url, pytest.raises(AgentUnavailable, match=r"Connect call failed|refused"):
        replied(url)

    assert time.monotonic() - started > 0.2 * 0.5 + 0.6 * 0.5


def test_a_name_that_nobody_has_is_unavailable() -> None:
    with pytest.raises(AgentUnavailable, match="cannot resolve"):
        replied("http://no-such-host.invalid/agent")


def test_retry_after_is_honoured_when_it_fits(server: AgentServer) -> None:
    server.script("copywriter", [Status(429, retry_after="1"), handle("x")])

    started = time.monotonic()
    replied(server.url("copywriter"))

    assert 1.0 <= time.monotonic() - started < 2.0


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_that_does_not_fit_is_handed_on(server: AgentServer, form: str) -> None:
    value = "90" if form == "seconds" else formatdate(time.time() + 90, usegmt=True)
    server.script("copywriter", Status(503, retry_after=value))

    started = time.monotonic()
    with pytest.raises(AgentUnavailable) as caught:
        replied(server.url("copywriter"), timeout_seconds=10)

    assert caught.value.retry_after_seconds == pytest.approx(90, abs=5)
    assert time.monotonic() - started < 1.0
    assert len(server.calls("copywriter")) == 1


def test_a_retry_that_would_come_too_late_is_not_waited_for(server: AgentServer) -> None:
    server.script("copywriter", Status(503, retry_after="nonsense"))

    started = time.monotonic()
    with pytest.raises(AgentUnavailable) as caught:
        replied(server.url("copywriter"), timeout_seconds=0.09)

    assert time.monotonic() - started < 0.09
    assert caught.value.retry_after_seconds is None


def test_data_may_be_nested_as_deep_as_it_can_be_stored(server: AgentServer) -> None:
    server.script("copywriter", Answer(data=[[[{"a": [1]}]]] * 100))

    assert replied(server.url("copywriter")).data == ([[[{"a": [1]}]]] * 100,)
