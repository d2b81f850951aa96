"""An agent that wants a client certificate gets it, and no path leads out of the customer's folder."""

import asyncio
import ssl
from pathlib import Path

import pytest

from delegation.errors import AgentUnavailable
from delegation.gateway.http_pool import HttpPool
from security.identity import AgentCredentialUnusable, MutualTls, client_tls
from security.outbound import AddressPolicy
from tests.agents import AgentServer
from tests.security.identity.certificates import Authority

CREDENTIAL = MutualTls(certificate_file="us.pem", key_file="us.key", authority_file="authority.pem")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "techcorp"
    folder.mkdir()
    authority = Authority.new(folder)
    authority.issue("us")
    authority.issue("agent")
    authority.issue("locked", passphrase=b"passphrase")
    return folder


def status_with(tls: ssl.SSLContext, folder: Path) -> int:
    """Fetch the card of an agent that speaks to certified callers alone."""
    agents_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "authority.pem"))
    agents_side.load_cert_chain(folder / "agent.pem", folder / "agent.key")
    agents_side.verify_mode = ssl.CERT_REQUIRED

    async def fetch(url: str) -> int:
        policy = AddressPolicy(allowed_hosts=("127.0.0.1",))
        options = {"max_response_bytes": 100_000, "max_connections": 1, "max_connections_per_host": 1}
        pool = HttpPool(policy=policy, tls=tls, **options)
        try:
            return (await pool.request("GET", f"{url}/.well-known/agent-card.json", headers={})).status
        finally:
            await pool.close()

    with AgentServer(tls=agents_side) as server:
        return asyncio.run(fetch(server.url("copywriter")))


def test_the_agent_sees_our_certificate(folder: Path) -> None:
    assert status_with(client_tls(CREDENTIAL, folder=folder), folder) == 200


def test_without_it_the_agent_does_not_speak_to_us(folder: Path) -> None:
    with pytest.raises(AgentUnavailable):
        status_with(ssl.create_default_context(cafile=str(folder / "authority.pem")), folder)


def test_an_agent_of_an_unknown_authority_is_not_spoken_to(folder: Path) -> None:
    unnamed = MutualTls(certificate_file="us.pem", key_file="us.key")

    with pytest.raises(AgentUnavailable):
        status_with(client_tls(unnamed, folder=folder), folder)


@pytest.mark.parametrize(
    "path", ["../acmecorp/us.pem", "/etc/hostname", "../../techcorp/../acmecorp/us.pem", "link.pem"]
)
def test_no_path_leads_out_of_the_folder_nor_tells_what_is_there(folder: Path, path: str) -> None:
    other = folder.parent / "acmecorp"
    other.mkdir()
    Authority.new(other).issue("us")
    (folder / "link.pem").symlink_to(other / "us.pem")
    for stranger in (
        MutualTls(certificate_file=path, key_file="us.key"),
        MutualTls(certificate_file="us.pem", key_file=path),
        MutualTls(certificate_file="us.pem", key_file="us.key", authority_file=path),
    ):
        with pytest.raises(AgentCredentialUnusable, match="no file"):
            client_tls(stranger, folder=folder)


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        ("missing.pem", "us.key"),
        ("us.key", "us.key"),
        ("us.pem", "agent.key"),
        ("locked.pem", "locked.key"),
        (".", "."),
    ],
)
def test_files_that_do_not_serve_are_an_error_of_the_credential(folder: Path, certificate: str, key: str) -> None:
    with pytest.raises(AgentCredentialUnusable):
        client_tls(MutualTls(certificate_file=certificate, key_file=key), folder=folder)
