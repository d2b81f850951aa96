"""The admin's form takes an agent's credential, and shows nothing of it ever after."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from delegation.models import Agent
from delegation.services.credentials import credential_of
from security.identity import ApiKey, Secret
from security.models import SigningKey
from security.signing import RingSigner
from tests.agents import AgentServer
from tests.people import PASSWORD, Cast, team

SECRET = "the-editors-own-secret-value"


@pytest.fixture
def root(people: Cast) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", password=PASSWORD))
    return client


@pytest.fixture
def editor(people: Cast, agent_server: AgentServer) -> Agent:
    return team(agent_server)["editor"]


def page_of(agent: Agent) -> str:
    return reverse("admin:delegation_agent_change", args=[agent.pk])


def fields_of(agent: Agent, **changes: str) -> dict[str, Any]:
    names = "agent_type ve_id name description seniority endpoint_url".split()
    return {
        **{name: getattr(agent, name) for name in names},
        "customer": agent.customer_id,
        "skills": "[]",
        "enabled": "on",
        **changes,
    }


def kept(agent: Agent) -> Any:
    return credential_of(Agent.objects.get(pk=agent.pk))


API_KEY = {"credential_choice": "api_key", "credential_header": "X-Agent-Key", "credential_value": SECRET}


def test_it_is_set_kept_and_removed_and_never_shown(root: Client, editor: Agent) -> None:
    assert root.post(page_of(editor), fields_of(editor, **API_KEY)).status_code == 302
    assert kept(editor) == ApiKey(header="X-Agent-Key", value=Secret(SECRET))
    page = root.get(page_of(editor)).content.decode()
    assert SECRET not in page
    assert "api_key, set " in page

    root.post(page_of(editor), fields_of(editor, name="Edda"))
    assert kept(editor) == ApiKey(header="X-Agent-Key", value=Secret(SECRET))

    root.post(page_of(editor), fields_of(editor, credential_choice="none"))
    assert kept(editor) is None


def test_a_wrong_one_is_a_form_error_and_what_was_typed_is_not_repeated(root: Client, editor: Agent) -> None:
    wrong = API_KEY | {"credential_header": "X-Customer-ID"}

    refused = root.post(page_of(editor), fields_of(editor, **wrong))

    assert refused.status_code == 200
    assert "gateway&#x27;s own" in refused.content.decode()
    assert SECRET not in refused.content.decode()
    assert kept(editor) is None


def test_an_agent_is_not_moved_with_its_credential(root: Client, editor: Agent) -> None:
    root.post(page_of(editor), fields_of(editor, **API_KEY))
    moved = {"endpoint_url": "https://thief.example/"}

    assert root.post(page_of(editor), fields_of(editor, **moved)).status_code == 200
    assert Agent.objects.get(pk=editor.pk).endpoint_url == editor.endpoint_url
    assert root.post(page_of(editor), fields_of(editor, **moved, **API_KEY)).status_code == 302


def test_signing_keys_are_for_those_who_run_the_platform_and_show_nothing_private(root: Client, people: Cast) -> None:
    RingSigner().refresh(timezone.now())
    key = SigningKey.objects.get()
    address = reverse("admin:security_signingkey_change", args=[key.pk])

    page = root.get(address)
    assert page.status_code == 200
    assert key.sealed_private_key not in page.content.decode()
    carol = people.carol.user
    carol.is_staff = True
    carol.save()
    client = Client()
    client.force_login(carol)
    assert client.get(address).status_code == 403
