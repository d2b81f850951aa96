"""Connections: which address they go to, how they are kept, shared and given up."""

import asyncio
import datetime as dt
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from delegation.errors import AgentUnavailable, InvalidAgentResponse
from delegation.gateway import Gateway
from security.errors import AddressRefused
from security.outbound import AddressPolicy
from tests.agents import AgentServer, Drop, Hold, Redirect, Say, Slow
from tests.delegation.gateway.calling import LOOPBACK, call_to, in_gateway, replied


class Names(asyncio.SelectorEventLoop):
    """A loop whose resolver answers each question about a name with the next entry: addresses parted by spaces."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self.addresses = list(addresses)
        self.asked: list[str] = []

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        self.asked.append(host)
        addresses = self.addresses.pop(0).split()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


def on_loop(loop: Names, policy: AddressPolicy, story: Callable[[Gateway], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with Gateway(policy=policy, **options) as gateway:
            await story(gateway)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())


def named(server: AgentServer, agent: str = "copywriter", host: str = "agents.example") -> str:
    return server.url(agent).replace("127.0.0.1", host)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/x", "http://[::ffff:127.0.0.1]:{}/x", "http://localhost:{}/x"])
def test_a_private_address_is_refused_where_none_is_allowed(server: AgentServer, url: str) -> None:
    with pytest.raises(AddressRefused):
        in_gateway(lambda gateway: gateway.call(call_to(url.format(server.port))), policy=AddressPolicy())

    assert server.card_fetches("x") == 0


def test_a_name_that_resolves_to_a_private_address_is_refused_without_a_connection(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        with pytest.raises(AddressRefused, match=r"resolves to 127\.0\.0\.1"):
            await gateway.call(call_to(named(server)))

    on_loop(Names("127.0.0.1"), AddressPolicy(), story)
    assert server.card_fetches("copywriter") == 0


def test_the_connection_goes_to_the_very_address_that_was_checked(server: AgentServer) -> None:
    """A name is looked up once a connection; what a second look-up would say does not matter."""
    loop = Names("127.0.0.1", "127.0.0.2")
    server.card("copywriter", None)

    async def story(gateway: Gateway) -> None:
        await gateway.call(call_to(named(server)))
        await gateway.call(call_to(named(server)))
        assert loop.asked == ["agents.example"]
        server.script("copywriter", Drop())
        with pytest.raises(AddressRefused):
            await gateway.call(call_to(named(server)))

    on_loop(loop, LOOPBACK, story)
    assert loop.asked == ["agents.example", "agents.example"]


def test_an_allowed_name_is_called_by_its_name(server: AgentServer) -> None:
    server.card("copywriter", None)

    async def story(gateway: Gateway) -> None:
        await gateway.call(call_to(named(server)))

    on_loop(Names("127.0.0.1"), AddressPolicy(allowed_hosts=("agents.example",)), story)
    (call,) = server.calls("copywriter")
    assert call.headers["host"] == f"agents.example:{server.port}"


def test_a_card_cannot_lead_to_a_private_address(server: AgentServer) -> None:
    interface = {"url": "http://169.254.169.254/latest", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
    server.card("copywriter", {"supportedInterfaces": [interface]})

    with pytest.raises(AddressRefused):
        replied(server.url("copywriter"))


def test_a_cards_redirect_is_not_followed(server: AgentServer) -> None:
    server.card("copywriter", Redirect(f"{server.url('other')}/.well-known/agent-card.json"))

    replied(server.url("copywriter"))

    assert server.card_fetches("other") == 0


def test_connections_are_kept_alive(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        for _ in range(20):
            await gateway.call(call_to(server.url("copywriter")))
        assert server.open_connections == 1

    in_gateway(story)
    assert len({call.connection for call in server.calls("copywriter")}) == 1
    until = time.monotonic() + 5
    while server.open_connections:  # the server hears of it a moment later
        assert time.monotonic() < until
        time.sleep(0.005)


def test_an_idle_connection_is_closed_after_a_while(server: AgentServer) -> None:
    async def story(gateway: Gateway) -> None:
        for _ in range(2):
            await gateway.call(call_to(server.url("copywriter")))
            assert server.open_connections == 1
            async with asyncio.timeout(2):
                while server.open_connections:  # noqa: ASYNC110  the server's thread makes it true
                    await asyncio.sleep(0.01)

    in_gateway(story, idle_seconds=0.1)


def test_a_host_whose_first_address_refuses_is_reached_by_the_second(server: AgentServer) -> None:
    server.card("copywriter", None)

    async def story(gateway: Gateway) -> None:
        await gateway.call(call_to(named(server)))

    policy = AddressPolicy(allowed_hosts=("127.0.0.1", "::1"))
    on_loop(Names("::1 127.0.0.1"), policy, story)
    assert len(server.calls("copywriter")) == 1


def test_bytes_that_nobody_asked_for_close_an_idle_connection() -> None:
    answer = b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"
    good = b'{"result":{"message":{"parts":[{"text":"mine"}]}}}'
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/chatty"

        def serve() -> None:
            first, _ = listener.accept()
            with first:
                first.recv(65536)
                first.sendall(answer)
                first.recv(65536)
                first.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(good), good))
                time.sleep(0.05)
                first.sendall(b"HTTP/1.1 200 OK\r\n")
                assert first.recv(65536) == b""

        async def story() -> None:
            serving = asyncio.get_running_loop().run_in_executor(None, serve)
            async with Gateway(policy=LOOPBACK) as gateway:
                await gateway.call(call_to(url))
                await asyncio.wait_for(asyncio.gather(serving, return_exceptions=True), 2)
            assert serving.done()

        asyncio.run(story())


def test_a_host_gets_no_more_connections_than_it_may(server: AgentServer) -> None:
    server.script("copywriter", Slow(0.05, Say("done")))
    seen: list[int] = []

    async def story(gateway: Gateway) -> None:
        async def one() -> None:
            await gateway.call(call_to(server.url("copywriter")))
            seen.append(server.open_connections)

        await asyncio.gather(*(one() for _ in range(20)))

    in_gateway(story, max_connections_per_host=4)
    assert max(seen) == 4
    assert len(server.calls("copywriter")) == 20


def test_one_slow_host_does_not_hold_up_another(server: AgentServer) -> None:
    hold = Hold(Say("late"))
    server.script("copywriter", hold)

    async def story(gateway: Gateway) -> None:
        with AgentServer() as other:
            slow = [asyncio.ensure_future(gateway.call(call_to(server.url("copywriter")))) for _ in range(8)]
            await asyncio.sleep(0.05)
            await gateway.call(call_to(other.url("editor"), timeout_seconds=2.0))
            hold.release()
            await asyncio.gather(*slow)

    in_gateway(story, max_connections_per_host=2)


def test_connections_that_died_while_idle_cost_no_failure(server: AgentServer) -> None:
    server.script("copywriter", Slow(0.02, Say("done")))

    async def story(gateway: Gateway) -> None:
        async def burst() -> None:
            await asyncio.gather(*(gateway.call(call_to(server.url("copywriter"))) for _ in range(8)))

        await burst()
        assert server.open_connections == 8
        server.close_idle_connections()
        await burst()

    in_gateway(story)
    assert len(server.calls("copywriter")) == 16


def test_a_body_that_ends_with_the_connection_is_whole(server: AgentServer) -> None:
    body = b'{"result":{"message":{"parts":[{"text":"the end"}]}}}'
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        answers = [b"HTTP/1.1 404 No\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n" + body]

        async def story() -> str:
            serving = asyncio.get_running_loop().run_in_executor(None, _answer_and_close, listener, answers)
            async with Gateway(policy=LOOPBACK) as gateway:
                text = (await gateway.call(call_to(f"http://127.0.0.1:{port}/old"))).text
            await serving
            return text

        assert asyncio.run(story()) == "the end"


def test_a_second_answer_to_one_request_is_never_taken_for_the_next(server: AgentServer) -> None:
    one = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b"
    good = b'{"result":{"message":{"parts":[{"text":"mine"}]}}}'
    evil = b'{"result":{"message":{"parts":[{"text":"evil"}]}}}'
    mine, smuggled = one % (len(good), good), one % (len(evil), evil)
    answers = [b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", mine + smuggled, mine]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/smuggler"

        async def story() -> list[str]:
            serving = asyncio.get_running_loop().run_in_executor(None, _answer_and_close, listener, answers)
            async with Gateway(policy=LOOPBACK) as gateway:
                texts = [(await gateway.call(call_to(url))).text for _ in range(2)]
            await serving
            return texts

        assert asyncio.run(story()) == ["mine", "mine"]


def _answer_and_close(listener: socket.socket, answers: list[bytes]) -> None:
    listener.settimeout(5)
    for answer in answers:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "agents.example")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("agents.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "agent.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def serving_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_tls_names_the_host_and_not_the_address(certificate: Path, serving_context: ssl.SSLContext) -> None:
    names: list[str | None] = []
    serving_context.sni_callback = lambda _socket, name, _context: names.append(name)
    trusting = ssl.create_default_context(cafile=certificate)

    with AgentServer(tls=serving_context) as server:

        async def story(gateway: Gateway) -> None:
            for _ in range(3):
                await gateway.call(call_to(named(server)))

        server.card("copywriter", None)
        on_loop(Names("127.0.0.1"), LOOPBACK, story, tls=trusting)
        calls = server.calls("copywriter")

    assert names == ["agents.example"]
    assert {call.headers["host"] for call in calls} == {f"agents.example:{server.port}"}


@pytest.mark.parametrize("host", ["agents.example", "other.example"])
def test_a_certificate_that_does_not_prove_the_host_is_refused_at_once(
    certificate: Path, serving_context: ssl.SSLContext, host: str
) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    loop = Names("127.0.0.1")

    with AgentServer(tls=serving_context) as server:

        async def story(gateway: Gateway) -> None:
            with pytest.raises(AgentUnavailable, match="TLS"):
                await gateway.call(call_to(named(server, host=host)))

        options = {} if host == "agents.example" else {"tls": trusting}
        on_loop(loop, LOOPBACK, story, **options)

    assert loop.asked == [host]


def test_a_card_cannot_lead_from_https_to_http(certificate: Path, serving_context: ssl.SSLContext) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    with AgentServer(tls=serving_context) as server, AgentServer() as plain:
        interface = {"url": plain.url("x"), "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        server.card("copywriter", {"supportedInterfaces": [interface]})

        async def story(gateway: Gateway) -> None:
            with pytest.raises(InvalidAgentResponse, match="not encrypted"):
                await gateway.call(call_to(named(server)))

        on_loop(Names("127.0.0.1"), LOOPBACK, story, tls=trusting)
        assert plain.calls() == []
