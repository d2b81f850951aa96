"""Every role at every door: the REST routes, the live pages, the websocket and the admin, tried one by one."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm
from rest_framework.permissions import AllowAny

from audit.models import AuthorizationLog
from delegation.api.urls import ADDRESSES
from delegation.models import Agent, AgentGrant, DelegationRule
from security.leak_models import AllowedFinding, Canary, RegisteredValue
from security.models import ApiKey, Membership, PlatformAuditor, Role
from security.roles import ROLE_MATRIX, as_markdown
from security.services import principal_of_user
from tests.agents import AgentServer
from tests.architecture.test_documents import read
from tests.delegation.api.conftest import Api, submitted, waiting_for_answer, waiting_for_approval
from tests.delegation.live.consumers.watching import close_code, received, session_of, watching
from tests.delegation.rows import finding
from tests.people import PASSWORD, Cast, Person, team
from tests.security.doors.table import ADDS, ADMIN, REST
from tests.web import WebServer


@pytest.fixture
def agents(people: Cast, agent_server: AgentServer) -> dict[str, Agent]:
    return team(agent_server)


def pat(role: Role) -> Person:
    """Return a person of TechCorp in that role."""
    user = get_user_model().objects.create_user(username="pat", password=PASSWORD, is_staff=True)
    Membership.objects.create(user=user, customer_id="techcorp", role=role)
    return Person(user=user, principal=principal_of_user(user))


def rows(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    """Return ids of something of everything, all of Alice's."""
    approval = waiting_for_approval(submitted(people.alice))
    question = waiting_for_answer(submitted(people.alice))
    pair = {"agent_from": agents["editor"], "agent_to": agents["copywriter"]}
    assign_perm("invoke_agent", people.carol.user, agents["editor"])
    assert people.alice.api_key
    lasting = {"owner": people.alice.user, "expires_at": timezone.now() + timedelta(days=1)}
    value = {"customer_id": "techcorp", "label": "x", "digest": str(uuid4()), "key_id": ""}
    return {
        "finding_id": finding(submitted(people.alice)).pk,
        "canary_id": Canary.objects.create(customer_id="techcorp", planted="here").pk,
        "value_id": RegisteredValue.objects.create(**value).pk,
        "allowance_id": AllowedFinding.objects.create(customer_id="techcorp", kind="email", reason="x", **lasting).pk,
        "task_id": submitted(people.alice, start=False).pk,
        "approval_id": approval.pk,
        "clarification_id": question.pk,
        "agent_id": agents["analyst"].pk,
        "key_id": ApiKey.objects.get(name="tests", revoked_at=None).key_id,
        "rule_id": DelegationRule.objects.create(customer_id="techcorp", effect="deny", reason="No.", **pair).pk,
        "grant_id": AgentGrant.objects.get().pk,
    }


def test_every_rest_operation_declares_its_permission_and_is_tried_here() -> None:
    declared = set()
    for address, view, _ in ADDRESSES:
        methods = {name for name in view.http_method_names if hasattr(view, name)} - {"head", "options"}
        if AllowAny in view.permission_classes:
            assert address.startswith("auth/"), address
            continue
        assert {name.lower() for name in view.needs} == methods, address
        declared |= {(method, address) for method in methods}
    assert declared == REST.keys()


@pytest.mark.parametrize("role", Role)
def test_each_role_at_each_rest_operation(role: Role, people: Cast, agents: dict[str, Agent]) -> None:
    person = pat(role)
    api = Api(person)
    bodies = {"tasks": {"message": "Write."}}
    for (method, address), roles in REST.items():
        ids = rows(people, agents)
        path = address.replace("<uuid:", "{").replace(">", "}").format(**ids)
        before = AuthorizationLog.objects.filter(authorized=False).count()

        response = getattr(api, method)(path, *([] if method == "get" else [bodies.get(address, {"answer": "x"})]))

        refused = AuthorizationLog.objects.filter(authorized=False).count() - before
        if role in roles.split():
            assert (response.status_code in {200, 201, 400}, refused) == (True, 0), (method, address, response.content)
        else:
            assert (response.status_code, refused) == (403, 1), (method, address, response.content)
            assert response.json()["error"] == "AUTH_FAILED"
        AgentGrant.objects.all().delete()
        DelegationRule.objects.all().delete()


@pytest.mark.parametrize("role", Role)
def test_each_role_at_each_live_page(role: Role, people: Cast, agents: dict[str, Agent]) -> None:
    client = Client(headers={"Accept": "application/json"})
    client.force_login(pat(role).user)
    sends = {"start": "TASK_SUBMIT", "cancel": "TASK_CANCEL", "approval": "APPROVE", "clarification": "ANSWER"}
    needs = {name: permission for permission in ROLE_MATRIX[Role.OWNER] for name in [permission.name]}
    for page, permission in sends.items():
        ids = rows(people, agents)
        row = ids[f"{page}_id" if page in {"approval", "clarification"} else "task_id"]
        sent = {"verdict": "reject", "answer": "x"}

        response = client.post(reverse(f"live:{page}", args=[row]), sent)

        allowed = needs[permission] in ROLE_MATRIX[role]
        assert response.status_code == (200 if allowed else 403), (page, response.content)
        AgentGrant.objects.all().delete()
        DelegationRule.objects.all().delete()
    assert client.get(reverse("live:tasks")).status_code == 200
    assert client.get(reverse("live:task", args=[ids["task_id"]])).status_code == 200
    refused = AuthorizationLog.objects.filter(authorized=False)
    assert {row.request_headers["Door"] for row in refused} <= {"page"}
    assert refused.count() == sum(needs[permission] not in ROLE_MATRIX[role] for permission in sends.values())


@pytest.mark.parametrize("role", Role)
def test_each_role_at_each_admin_screen(role: Role, people: Cast, agents: dict[str, Agent]) -> None:
    client = Client()
    client.force_login(pat(role).user)

    for (app, model), roles in ADMIN.items():
        listed = client.get(reverse(f"admin:{app}_{model}_changelist")).status_code
        added = client.get(reverse(f"admin:{app}_{model}_add")).status_code
        assert listed == (200 if role in roles.split() else 403), (app, model)
        assert added == (200 if role in ADDS.get((app, model), "").split() else 403), (app, model)
    assert client.get(reverse("admin:security_role_matrix")).status_code == 200


def test_a_role_at_one_customer_edits_nothing_at_another(people: Cast, agents: dict[str, Agent]) -> None:
    person = pat(Role.VIEWER)
    Membership.objects.create(user=person.user, customer_id="acmecorp", role=Role.OWNER)
    client = Client()
    client.force_login(person.user)
    editor = agents["editor"]
    form = {"agent_type": "editor", "ve_id": editor.ve_id, "name": "Mine", "seniority": "senior", "skills": "[]"}
    form |= {"endpoint_url": "http://127.0.0.1:9/", "customer": "acmecorp"}

    assert client.post(reverse("admin:delegation_agent_change", args=[editor.pk]), form).status_code == 403
    client.post(reverse("admin:delegation_agent_add"), form | {"customer": "techcorp", "agent_type": "intruder"})

    editor.refresh_from_db()
    assert (editor.name, editor.customer_id) == ("Editor", "techcorp")
    assert not Agent.objects.filter(agent_type="intruder").exists()


def test_a_platform_auditor_sees_all_customers_in_the_admin_and_adds_what_auditors_do(
    people: Cast, agents: dict[str, Agent]
) -> None:
    user = get_user_model().objects.create_user(username="ada", is_staff=True)
    PlatformAuditor.objects.create(user=user, reason="The yearly audit.")
    client = Client()
    client.force_login(user)

    for (app, model), roles in ADMIN.items():
        expected = 200 if "auditor" in roles.split() else 403
        assert client.get(reverse(f"admin:{app}_{model}_changelist")).status_code == expected, model
        added = 200 if "auditor" in ADDS.get((app, model), "").split() else 403
        assert client.get(reverse(f"admin:{app}_{model}_add")).status_code == added, model
    shown = client.get(reverse("admin:security_customer_changelist")).content.decode()
    assert "TechCorp" in shown
    assert "AcmeCorp" in shown


def test_the_admin_makes_a_key_shows_it_once_and_revokes_it(people: Cast) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", password=PASSWORD))
    form = {"customer": "techcorp", "user": people.bob.user.pk, "name": "bob's program", "scopes": ["task_view"]}

    shown = client.post(reverse("admin:security_apikey_add"), form, follow=True).content.decode()

    key = ApiKey.objects.get(name="bob's program")
    raw = shown[shown.index(key.prefix) :].split("<")[0].split()[0]
    assert key.scopes == ["task_view"]
    assert Api().get("tasks", X_API_Key=raw).status_code == 200
    assert raw not in client.get(reverse("admin:security_apikey_change", args=[key.pk])).content.decode()
    stranger = form | {"user": people.zoe.user.pk}
    assert "no member of this customer" in client.post(reverse("admin:security_apikey_add"), stranger).content.decode()
    action = {"action": "revoke", "_selected_action": [str(key.pk)]}
    client.post(reverse("admin:security_apikey_changelist"), action)
    assert Api().get("tasks", X_API_Key=raw).status_code == 401


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", Role)
def test_each_role_watches_its_own_customer_by_websocket(web: WebServer, people: Cast, role: Role) -> None:
    Agent.objects.create(
        customer_id="techcorp", ve_id="v1", agent_type="manager", name="M", endpoint_url="http://127.0.0.1:9/"
    )
    task, person = submitted(people.alice), pat(role)

    with watching(web, f"/ws/tasks/{task.pk}/", person) as socket:
        assert received(socket, 1)[0]["seq"] == 1
    cookie = {"Cookie": f"sessionid={session_of(person)}"}
    with watching(web, f"/ws/tasks/{task.pk}/", additional_headers=cookie, origin=web.url) as socket:
        assert received(socket, 1)[0]["seq"] == 1
    for path in ("/ws/tasks/?customer_id=acmecorp", f"/ws/tasks/{task.pk}/?customer=acmecorp"):
        with watching(web, path, person) as socket:
            assert close_code(socket) == 4404
    with watching(web, f"/ws/tasks/{task.pk}/", people.zoe) as socket:
        assert close_code(socket) == 4404
    refused = AuthorizationLog.objects.filter(authorized=False)
    assert {row.request_headers["Door"] for row in refused} == {"websocket"}
    assert {row.customer_id for row in refused} == {"techcorp", "acmecorp"}
    assert "acmecorp" not in str(refused.filter(customer_id="techcorp").values_list("denied_reason", flat=True))


def test_the_document_shows_the_matrix_of_the_code() -> None:
    assert as_markdown() in read("docs/roles.md")
