"""The admin as auditors, operators of the platform and strangers meet it."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm

from audit.models import AuthorizationLog, DelegationLog, LeakageLog
from delegation.admin.sidebar import navigation
from delegation.models import (
    Agent,
    AgentGrant,
    Approval,
    ApprovalVote,
    Clarification,
    DelegationRule,
    Hop,
    Task,
    TaskEvent,
    Worker,
)
from delegation.models.questions import ApprovalRules
from delegation.states import Action, HopStatus
from security.models import ApiKey, Customer, Login, Membership, PlatformAuditor, Role
from tests.agents import AgentServer
from tests.delegation import rows
from tests.people import PASSWORD, Cast, Person

LOGS = [DelegationLog, AuthorizationLog, LeakageLog]
READ_ONLY: list[type[Model]] = [*LOGS, Task, Hop, TaskEvent, Approval, ApprovalVote, Clarification, Worker, Login]
RULES: list[type[Model]] = [ApprovalRules, DelegationRule, AgentGrant]
ALL: list[type[Model]] = [*READ_ONLY, *RULES, Agent, Customer, Membership, PlatformAuditor, ApiKey, get_user_model()]
# Those of the installation belong to no customer.
SCOPED = [model for model in ALL if model not in {Worker, PlatformAuditor}]


def address(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def task(people: Cast) -> Task:
    """A task with one row of everything that an admin page can show."""
    for customer_id in ("techcorp", "acmecorp"):
        rows.employ("manager", customer_id=customer_id, is_root=True)
        rows.employ("copywriter", customer_id=customer_id)
    return story(people)


def story(people: Cast) -> Task:
    task = rows.submitted(people.alice)
    root = task.hops.get()
    asked = rows.hop(task, root, status=HopStatus.WAITING, action=Action.ASK_CLARIFICATION)
    rows.clarification(asked, "Customers")
    approval = rows.approval(rows.hop(task, root, status=HopStatus.WAITING))
    now = timezone.now()
    ApprovalVote.objects.create(approval=approval, user=people.bob.user, approved=True, comment="Fine.", created_at=now)
    rows.logged(task)
    ApprovalRules.objects.get_or_create(customer_id="techcorp")
    PlatformAuditor.objects.get_or_create(user=people.bob.user, defaults={"reason": "The yearly audit."})
    rule(task.customer_id, people.alice)
    return task


def rule(customer_id: str, person: Person) -> None:
    """Let the customer have a rule for a pair, a grant, an API key and a login."""
    source, target = Agent.objects.filter(customer_id=customer_id).order_by("id")[:2]
    pair = {"agent_from": source, "agent_to": target, "effect": "deny"}
    DelegationRule.objects.get_or_create(customer_id=customer_id, **pair, defaults={"reason": f"For {customer_id}."})
    assign_perm("invoke_agent", person.user, target)
    assert person.api_key
    assert person.token


@pytest.fixture
def root(people: Cast) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", password=PASSWORD))
    return client


@pytest.fixture
def auditor(people: Cast) -> Client:
    """Carol, TechCorp's auditor."""
    carol = people.carol.user
    carol.is_staff = True
    carol.save()
    Membership.objects.filter(user=carol).update(role=Role.AUDITOR)
    client = Client()
    client.force_login(carol)
    return client


@pytest.fixture
def operator(auditor: Client, people: Cast) -> Client:
    Membership.objects.filter(user=people.carol.user).update(role=Role.OPERATOR)
    return auditor


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_every_list_and_row_can_be_opened(root: Client, task: Task, people: Cast, model: type[Model]) -> None:
    assert people.alice.api_key
    Worker.objects.get_or_create(
        id=task.id, defaults={"name": "h:1", "lock_key": 1, "started_at": task.created_at, "seen_at": task.created_at}
    )
    row = model._default_manager.first()
    assert row

    assert root.get(address(model, "changelist")).status_code == 200
    assert root.get(address(model, "changelist"), {"q": str(row.pk)}).status_code == 200
    assert root.get(address(model, "change", row.pk)).status_code == 200


def test_every_model_of_ours_is_registered() -> None:
    ours = {model for app in ("audit", "security", "delegation") for model in apps.get_app_config(app).get_models()}

    assert ours <= set(admin.site._registry)


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_nothing_that_testifies_can_be_added_changed_or_deleted(
    root: Client, task: Task, people: Cast, model: type[Model]
) -> None:
    assert people.alice.api_key
    at = task.created_at
    Worker.objects.get_or_create(id=task.id, defaults={"name": "h:1", "lock_key": 1, "started_at": at, "seen_at": at})
    row = model._default_manager.first()
    assert row
    before = list(model._default_manager.values())

    assert root.get(address(model, "add")).status_code == 403
    assert root.post(address(model, "add"), {}).status_code == 403
    assert root.post(address(model, "change", row.pk), {"status": "failed"}).status_code == 403
    assert root.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    deleting = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    root.post(address(model, "changelist"), deleting)
    assert list(model._default_manager.values()) == before


@pytest.mark.parametrize("model", [*READ_ONLY, Agent, Membership])
def test_a_list_costs_the_same_queries_however_long(root: Client, task: Task, people: Cast, model: type[Model]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert root.get(address(model, "changelist")).status_code == 200
        return len(counted)

    queries()  # Content types are remembered from the first time on.
    few = queries()
    for number in range(5):
        story(people)
        rows.employ(f"writer-{number}")
        user = get_user_model().objects.create_user(f"person-{number}")
        Membership.objects.create(user=user, customer_id="techcorp")
    assert queries() == few


def test_a_task_shows_its_tree(root: Client, task: Task) -> None:
    first = task.hops.get(depth=0)
    Hop.objects.filter(id=first.id).update(
        status="completed",
        action="parallel",
        delegated_to="copywriter, copywriter",
        reason="Two texts.",
        confidence=0.83,
    )
    leak = rows.hop(task, first, findings=2, result="<b>text</b>", cost_usd="0.0123", reason="<i>because</i>")

    shown = root.get(address(Task, "change", task.id)).content.decode()

    tree = shown[shown.index("screen-tree-title") :]
    linked = re.findall(r"/admin/delegation/hop/([0-9a-f-]+)/change/", tree)
    assert linked == [str(hop.id) for hop in task.hops.order_by("id")]
    for text in (
        "Split between",
        "confidence 83 %",
        "Two texts.",
        "2.00 s",
        "$0.0123",
        "2 findings",
        "bob approved: Fine.",
    ):
        assert text in tree
    assert f"{address(LeakageLog, 'changelist')}?hop_id__exact={leak.id}" in tree
    assert "Who is the audience?" in tree
    assert "<i>because</i>" not in shown


def test_json_is_shown_to_be_read(root: Client, task: Task) -> None:
    log = LeakageLog.objects.get()

    shown = root.get(address(LeakageLog, "change", log.id)).content.decode()

    assert "{\n  &quot;kind&quot;: &quot;github_pat&quot;\n}" in shown


def test_findings_of_one_hop_can_be_listed(root: Client, task: Task) -> None:
    found = root.get(address(LeakageLog, "changelist"), {"hop_id__exact": str(task.id)}).content.decode()
    none = root.get(address(LeakageLog, "changelist"), {"hop_id__exact": str(LeakageLog.objects.get().id)})

    assert "ghp_****" in found
    assert "ghp_****" not in none.content.decode()


def test_an_auditor_sees_the_own_customer_and_no_other(auditor: Client, task: Task, people: Cast) -> None:
    theirs = rows.submitted(people.zoe, "Acme's own business.")
    rows.hop(theirs, theirs.hops.get())
    rows.approval(rows.hop(theirs, theirs.hops.get(depth=0), status=HopStatus.WAITING))
    rows.logged(theirs)
    rule("acmecorp", people.zoe)
    ApprovalRules.objects.create(customer_id="acmecorp")

    for model in SCOPED:
        shown = auditor.get(address(model, "changelist")).content.decode()
        assert "acmecorp" not in shown.lower(), model
        assert str(theirs.id) not in shown
    for row in filter(None, map(_row_of_acme, SCOPED)):
        # The admin's way to say that there is no such row.
        assert auditor.get(address(type(row), "change", row.pk)).headers["Location"] == reverse("admin:index")
    assert str(task.id) in auditor.get(address(Task, "changelist")).content.decode()
    assert "AcmeCorp" not in auditor.get(address(Agent, "add")).content.decode()


def _row_of_acme(model: type[Model]) -> Model | None:
    path = {Customer: "id", ApprovalVote: "approval__customer_id", get_user_model(): "memberships__customer_id"}
    path[AgentGrant] = "content_object__customer_id"
    return model._default_manager.filter(**{path.get(model, "customer_id"): "acmecorp"}).first()


def test_a_person_who_is_not_staff_stays_outside(people: Cast) -> None:
    client = Client()
    client.force_login(people.alice.user)

    assert client.get(reverse("admin:index")).headers["Location"].startswith(reverse("admin:login"))


def test_an_auditor_makes_no_accounts(auditor: Client, people: Cast) -> None:
    users = get_user_model()
    assert auditor.get(address(users, "add")).status_code == 403
    assert auditor.post(address(users, "change", people.carol.user.pk), {"is_superuser": "on"}).status_code == 403


def test_the_sidebar_leads_only_where_a_person_may_go(auditor: Client, people: Cast, rf: Any) -> None:
    request = rf.get("/admin/")
    request.user = people.bob.user
    assert navigation(request) == []

    request.user = get_user_model().objects.get(username="carol")
    links = [item["link"] for section in navigation(request) for item in section["items"]]
    assert [auditor.get(link).status_code for link in links] == [200] * len(links)


def test_a_member_cancels_tasks_from_the_list(operator: Client, task: Task, people: Cast) -> None:
    action = {"action": "cancel", "_selected_action": [str(task.id)]}

    shown = operator.post(address(Task, "changelist"), action, follow=True).content.decode()
    assert "1 task canceled." in shown
    assert Task.objects.get().status == "canceled"

    again = operator.post(address(Task, "changelist"), action, follow=True).content.decode()
    assert "The task is canceled already." in again


def test_who_may_not_cancel_is_told_so(auditor: Client, root: Client, task: Task) -> None:
    action = {"action": "cancel", "_selected_action": [str(task.id)]}

    viewer = auditor.post(address(Task, "changelist"), action, follow=True).content.decode()
    stranger = root.post(address(Task, "changelist"), action, follow=True).content.decode()

    assert "Your role does not allow this." in viewer
    assert "don&#x27;t have permission" in stranger
    assert Task.objects.get().status == "input_required"


def test_an_agent_is_employed_and_its_address_judged(root: Client, people: Cast, settings: Any) -> None:
    form = {
        "customer": "techcorp", "agent_type": "editor", "ve_id": "ve-9", "name": "Edgar", "seniority": "senior",
        "skills": '["editing"]', "endpoint_url": "http://169.254.169.254/", "enabled": "on",
        "in_flight": "finish",
    }  # fmt: skip

    refused = root.post(address(Agent, "add"), form)
    assert refused.status_code == 200
    assert not Agent.objects.exists()

    root.post(address(Agent, "add"), form | {"endpoint_url": "http://127.0.0.1:9/"})
    assert Agent.objects.get().skills == ["editing"]
    root.post(
        address(Agent, "change", Agent.objects.get().pk), form | {"endpoint_url": "http://127.0.0.1:9/", "skills": "3"}
    )
    assert Agent.objects.get().skills == ["editing"]


def test_agents_are_looked_in_on(operator: Client, people: Cast, agent_server: AgentServer) -> None:
    there = rows.employ("writer")
    Agent.objects.filter(id=there.id).update(endpoint_url=agent_server.url("writer"))
    away = rows.employ("editor")

    action = {"action": "check_now", "_selected_action": [str(there.id), str(away.id)]}
    shown = operator.post(address(Agent, "changelist"), action, follow=True).content.decode()

    assert "Writer (writer) answers" in shown
    assert "Editor (editor): The selected agent is currently unavailable." in shown
    assert Agent.objects.get(id=there.id).card
