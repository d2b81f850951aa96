"""Agents' own credentials: read from what an owner enters, kept sealed, shown masked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.errors import ValidationFailed
from security.identity import (
    AgentCredential,
    ApiKey,
    BearerToken,
    ClientAuthentication,
    MutualTls,
    OAuthClient,
    SealBroken,
    Secret,
    masked,
    opened_credential,
    read_credential,
    sealed_credential,
)
from tests.security.identity.memory_key_store import BOX

SECRET_TEXT = "s3cr3t-0123456789-abcd"
OAUTH = {
    "kind": "oauth_client",
    "token_url": "https://auth.example.com/token",
    "client_id": "platform",
    "client_secret": SECRET_TEXT,
}
CREDENTIALS: dict[str, AgentCredential] = {
    "bearer ••••abcd": BearerToken(token=Secret(SECRET_TEXT)),
    "X-API-Key ••••abcd": ApiKey(header="X-API-Key", value=Secret(SECRET_TEXT)),
    "OAuth client platform at auth.example.com ••••abcd": OAuthClient(
        token_url="https://auth.example.com/token",
        client_id="platform",
        client_secret=Secret(SECRET_TEXT),
        scope="agents.call",
        audience="https://agents.example.com",
        client_authentication=ClientAuthentication.BODY,
    ),
    "client certificate techcorp.pem": MutualTls(certificate_file="techcorp.pem", key_file="techcorp.key"),
}


@pytest.mark.parametrize("line", CREDENTIALS)
def test_it_is_recognised_by_its_mask_and_never_shown(line: str) -> None:
    credential = CREDENTIALS[line]

    assert masked(credential) == line
    assert SECRET_TEXT not in f"{credential!r}{credential}"


@pytest.mark.parametrize("line", CREDENTIALS)
def test_it_is_kept_sealed_and_opens_for_its_agent(line: str) -> None:
    sealed = sealed_credential(CREDENTIALS[line], box=BOX, customer_id="techcorp", agent_id="a1")

    assert SECRET_TEXT not in sealed
    assert opened_credential(sealed, box=BOX, customer_id="techcorp", agent_id="a1") == CREDENTIALS[line]


@pytest.mark.parametrize(("customer_id", "agent_id"), [("acmecorp", "a1"), ("techcorp", "a2"), ("techcorp/a1", "")])
def test_copied_into_another_agents_row_it_does_not_open(customer_id: str, agent_id: str) -> None:
    sealed = sealed_credential(BearerToken(token=Secret("abc")), box=BOX, customer_id="techcorp", agent_id="a1")

    with pytest.raises(SealBroken):
        opened_credential(sealed, box=BOX, customer_id=customer_id, agent_id=agent_id)


def test_sealed_nonsense_is_refused_without_quoting_it() -> None:
    sealed = BOX.seal("hunter2 is no JSON", purpose="agent-credential/techcorp/a1")

    with pytest.raises(SealBroken) as refusal:
        opened_credential(sealed, box=BOX, customer_id="techcorp", agent_id="a1")

    assert "hunter2" not in refusal.value.internal_message
    assert refusal.value.__suppress_context__


def test_an_owner_enters_kind_and_fields() -> None:
    assert read_credential({"kind": "bearer", "token": "abc"}) == BearerToken(token=Secret("abc"))
    read = read_credential(OAUTH)
    assert isinstance(read, OAuthClient)
    assert read.client_authentication is ClientAuthentication.BASIC


@pytest.mark.parametrize(
    "given_fields",
    [
        {},
        {"kind": "password", "token": "x"},
        {"kind": ["bearer"], "token": "x"},
        {"kind": "bearer"},
        {"kind": "bearer", "token": ""},
        {"kind": "bearer", "token": None},
        {"kind": "bearer", "token": {"a": 1}},
        {"kind": "bearer", "token": "two words"},
        {"kind": "bearer", "token": "abc\r\nX-Customer-ID: acmecorp"},
        {"kind": "bearer", "token": "naïve"},
        {"kind": "bearer", "token": "abc", "admin": "yes"},
        {"kind": "api_key", "header": "X-API-Key", "value": "a\nb"},
        {"kind": "api_key", "header": "X-API-Key", "value": " led by a space"},
        {"kind": "api_key", "header": "X API Key", "value": "abc"},
        {"kind": "api_key", "header": "X-Key:", "value": "abc"},
        {"kind": "api_key", "header": "", "value": "abc"},
        OAUTH | {"client_secret": ""},
        OAUTH | {"client_secret": "\ud800"},
        OAUTH | {"client_authentication": "magic"},
        OAUTH | {"scope": "a\nb"},
        {"kind": "mutual_tls", "certificate_file": "a.pem"},
        {"kind": "mutual_tls", "certificate_file": "a.pem", "key_file": ""},
        {"kind": "mutual_tls", "certificate_file": "a.pem\0", "key_file": "k"},
    ],
)
def test_what_is_no_credential_is_refused(given_fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        read_credential(given_fields)


@pytest.mark.parametrize(
    "header",
    """X-Customer-ID x-customer-id X-Gateway-Token Host Content-Length Transfer-Encoding Connection traceparent
    A2A-Version X-A2A-Extensions Content-Type""".split(),
)
def test_a_credential_cannot_take_the_place_of_the_gateways_own_headers(header: str) -> None:
    with pytest.raises(ValidationFailed):
        ApiKey(header=header, value=Secret("acmecorp"))


@given(token=st.text())
def test_no_refusal_quotes_what_was_entered(token: str) -> None:
    marked = f"hunter2 {token}"
    with pytest.raises(ValidationFailed) as refusal:
        read_credential({"kind": "bearer", "token": marked})

    assert "hunter2" not in refusal.value.user_message + refusal.value.internal_message
