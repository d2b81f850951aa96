"""An agent's own credential goes in through the API and never comes out."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from delegation.api import samples
from delegation.models import Agent
from delegation.services.credentials import credential_of
from security.identity import BearerToken, BrokenCredential, Secret
from security.signing import secret_box
from tests.agents import AgentServer
from tests.delegation.api.conftest import Api
from tests.security.identity.certificates import Authority

SECRET = "the-translators-own-token"
BEARER = {"kind": "bearer", "token": SECRET}


@pytest.fixture(autouse=True)
def _fresh_box() -> Iterator[None]:
    secret_box.cache_clear()
    yield
    secret_box.cache_clear()


def employed(api: Api, **changes: Any) -> Any:
    return api.post("agents", samples.AGENT_REQUEST | changes)


@pytest.mark.parametrize(
    "credential",
    [
        BEARER,
        {"kind": "api_key", "header": "X-Agent-Key", "value": SECRET},
        {"kind": "basic", "username": "platform", "password": SECRET},
        {
            "kind": "oauth_client",
            "token_url": "https://login.example/token",
            "client_id": "platform",
            "client_secret": SECRET,
            "scope": "agents",
        },
    ],
    ids=lambda credential: str(credential["kind"]),
)
def test_each_kind_is_taken_sealed_and_never_shown(alice: Api, credential: dict[str, str]) -> None:
    made = employed(alice, credential=credential)

    assert made.status_code == 201
    agent_id = made.json()["agent_id"]
    changed = alice.patch(f"agents/{agent_id}", {"seniority": "senior"})
    answers = [made, changed, alice.get(f"agents/{agent_id}"), alice.get("agents")]
    for answer in answers:
        assert SECRET not in answer.content.decode()
        assert '"credential"' not in answer.content.decode()
    assert made.json()["credential_kind"] == credential["kind"]
    assert made.json()["credential_set_at"].endswith("Z")
    stored = Agent.objects.filter(pk=agent_id).values().get()
    assert SECRET not in json.dumps(stored, default=str)
    assert credential_of(Agent.objects.get(pk=agent_id)) is not None


def test_null_removes_it_and_what_is_not_sent_stays(alice: Api) -> None:
    agent_id = employed(alice, credential=BEARER).json()["agent_id"]

    kept = alice.patch(f"agents/{agent_id}", {"name": "Tara"}).json()
    assert kept["credential_kind"] == "bearer"
    removed = alice.patch(f"agents/{agent_id}", {"credential": None}).json()
    assert (removed["credential_kind"], removed["credential_set_at"]) == (None, None)
    assert credential_of(Agent.objects.get(pk=agent_id)) is None


@pytest.mark.parametrize(
    "credential",
    [
        SECRET,
        [],
        {},
        {"kind": "password", "token": SECRET},
        {"kind": "bearer"},
        {"kind": "bearer", "token": ""},
        {"kind": "bearer", "token": f"{SECRET}\r\nX-Customer-ID: acmecorp"},
        {"kind": "bearer", "token": 7},
        {"kind": "bearer", "token": SECRET, "header": "X"},
        {"kind": "api_key", "header": "X-Customer-ID", "value": SECRET},
        {"kind": "api_key", "header": "X-Gateway-Token", "value": SECRET},
        {"kind": "api_key", "header": "Host", "value": SECRET},
        {"kind": "api_key", "header": "X Key", "value": SECRET},
        {"kind": "basic", "username": "a:b", "password": SECRET},
        {"kind": "oauth_client", "token_url": "http://10.0.0.1/", "client_id": "a", "client_secret": SECRET},
        {"kind": "oauth_client", "token_url": "http://169.254.169.254/", "client_id": "a", "client_secret": SECRET},
        {"kind": "oauth_client", "token_url": "ftp://login.example/", "client_id": "a", "client_secret": SECRET},
        {"kind": "oauth_client", "token_url": "https://login.example/", "client_id": "", "client_secret": SECRET},
        {"kind": "mutual_tls", "certificate_file": "us.pem", "key_file": "us.key"},
    ],
)
def test_what_cannot_be_used_is_refused_and_not_repeated(alice: Api, credential: Any) -> None:
    refused = employed(alice, credential=credential)

    assert (refused.status_code, refused.json()["error"]) == (400, "VALIDATION_ERROR")
    assert SECRET not in refused.content.decode()
    assert not Agent.objects.exists()


def test_whoever_moves_an_agent_must_bring_its_credential_along(alice: Api) -> None:
    agent_id = employed(alice, credential=BEARER).json()["agent_id"]
    here, elsewhere = samples.AGENT_REQUEST["endpoint_url"], "https://thief.example/"

    assert alice.patch(f"agents/{agent_id}", {"endpoint_url": elsewhere}).status_code == 400
    assert alice.patch(f"agents/{agent_id}", {"endpoint_url": f"{here}/v2"}).status_code == 200
    moved = alice.patch(f"agents/{agent_id}", {"endpoint_url": elsewhere, "credential": BEARER})
    assert (moved.status_code, moved.json()["endpoint_url"]) == (200, elsewhere)
    assert alice.patch(f"agents/{agent_id}", {"endpoint_url": here, "credential": None}).status_code == 200


def test_who_may_not_edit_agents_sets_no_credential(carol: Api, zoe: Api, agents: dict[str, Agent]) -> None:
    address = f"agents/{agents['editor'].pk}"

    assert carol.patch(address, {"credential": BEARER}).status_code == 403
    assert zoe.patch(address, {"credential": BEARER}).status_code == 404
    assert not Agent.objects.exclude(sealed_credential="").exists()


def test_a_sealed_text_opens_for_no_other_agent(alice: Api, agents: dict[str, Agent]) -> None:
    alice.patch(f"agents/{agents['editor'].pk}", {"credential": BEARER})
    sealed = Agent.objects.get(pk=agents["editor"].pk).sealed_credential
    Agent.objects.filter(pk=agents["analyst"].pk).update(sealed_credential=sealed, credential_kind="bearer")

    assert credential_of(Agent.objects.get(pk=agents["editor"].pk)) == BearerToken(token=Secret(SECRET))
    assert isinstance(credential_of(Agent.objects.get(pk=agents["analyst"].pk)), BrokenCredential)


def test_a_check_shows_it_and_is_signed(alice: Api, agents: dict[str, Agent], agent_server: AgentServer) -> None:
    alice.patch(f"agents/{agents['editor'].pk}", {"credential": BEARER})
    seen: list[Any] = []

    class Card:
        def play(self, call: Any, connection: Any) -> None:
            seen.append(call.headers)
            connection.respond(401, b"{}")

    agent_server.card("editor", Card())
    body = alice.post(f"agents/{agents['editor'].pk}/check").json()

    assert (body["reachable"], body["error"]["code"]) == (False, "AGENT_CREDENTIAL_UNUSABLE")
    (headers,) = seen
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert headers["x-customer-id"] == "techcorp"
    assert headers["x-gateway-token"].count(".") == 2
    assert SECRET not in json.dumps(body)


def test_a_client_certificate_is_tried_when_it_is_set(alice: Api, settings: Any, tmp_path: Path) -> None:
    settings.A2A_CLIENT_CERTIFICATES_DIR = str(tmp_path)
    (tmp_path / "techcorp").mkdir()
    authority = Authority.new(tmp_path / "techcorp")
    authority.issue("us")
    good = {"kind": "mutual_tls", "certificate_file": "us.pem", "key_file": "us.key"}
    safe = "https://agents.example/translator"

    assert employed(alice, credential=good).status_code == 400
    assert employed(alice, endpoint_url=safe, credential=good | {"key_file": "../us.key"}).status_code == 400
    assert employed(alice, endpoint_url=safe, credential=good | {"key_file": "/etc/passwd"}).status_code == 400
    made = employed(alice, endpoint_url=safe, credential=good)
    assert (made.status_code, made.json()["credential_kind"]) == (201, "mutual_tls")


def test_a_new_encryption_key_takes_over_what_the_old_one_sealed(
    alice: Api, agents: dict[str, Agent], settings: Any
) -> None:
    alice.patch(f"agents/{agents['editor'].pk}", {"credential": BEARER})
    before = Agent.objects.get(pk=agents["editor"].pk).sealed_credential
    settings.A2A_ENCRYPTION_KEYS = ["the-new-secret-of-the-installation-4567"]
    secret_box.cache_clear()

    out = io.StringIO()
    call_command("reseal", stdout=out)

    assert json.loads(out.getvalue()) == {"credentials_resealed": 1, "unreadable": []}
    editor = Agent.objects.get(pk=agents["editor"].pk)
    assert editor.sealed_credential != before
    assert credential_of(editor) == BearerToken(token=Secret(SECRET))
    settings.SECRET_KEY = "another-secret-key-of-the-same-database-0123"
    secret_box.cache_clear()
    assert credential_of(editor) == BearerToken(token=Secret(SECRET))


def test_resealing_names_what_no_key_opens_and_leaves_it(alice: Api, agents: dict[str, Agent], settings: Any) -> None:
    alice.patch(f"agents/{agents['editor'].pk}", {"credential": BEARER})
    settings.SECRET_KEY = "another-secret-key-of-the-same-database-0123"
    secret_box.cache_clear()
    out = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("reseal", stdout=out)

    assert ended.value.code == 1
    assert json.loads(out.getvalue())["unreadable"] == ["techcorp/editor"]
