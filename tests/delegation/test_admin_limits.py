"""Limits, budgets and switches in the admin, and an agent's own limit over REST."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuthorizationLog
from delegation.models import Agent, Hop
from security.limiting import terms_of
from security.models import Customer, RateLimit
from tests.delegation.rows import employ, hop, submitted
from tests.people import PASSWORD, Cast

ADD = "admin:security_ratelimit_add"


@pytest.fixture
def root(people: Cast) -> Client:
    """Sign in who runs the platform."""
    get_user_model().objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.login(username="root", password=PASSWORD)
    return client


def limit(root: Client, **fields: Any) -> Any:
    return root.post(reverse(ADD), {"customer": "techcorp", "agent": "", "target": "", "window_seconds": ""} | fields)


def allowed() -> int:
    return terms_of("techcorp").table.customer_tasks(customer_id="techcorp").quota.allowed


def test_a_limit_that_is_set_here_holds_at_once(root: Client, django_capture_on_commit_callbacks: Any) -> None:
    assert allowed() == 1000

    with django_capture_on_commit_callbacks(execute=True):
        assert limit(root, limit_type="customer_tasks", allowed="7").status_code == 302

    assert allowed() == 7


@pytest.mark.parametrize(
    "fields",
    [
        {"limit_type": "customer_tasks", "allowed": "7", "agent": "writer"},
        {"limit_type": "agent_calls", "allowed": "7", "agent": "writer", "target": "editor"},
        {"limit_type": "delegation_pair", "allowed": "7", "target": "editor"},
        {"limit_type": "agent_calls", "allowed": "-1"},
        {"limit_type": "agent_calls", "allowed": "10000001"},
        {"limit_type": "agent_calls", "allowed": "7", "window_seconds": "0"},
        {"limit_type": "agent_calls", "allowed": "many"},
        {"limit_type": "bananas", "allowed": "7"},
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_in_words(root: Client, fields: dict[str, str]) -> None:
    refused = limit(root, **fields)

    assert refused.status_code == 200
    assert "Please correct the error" in refused.text
    assert not RateLimit.objects.exists()


def test_a_raised_limit_wakes_who_waits_for_it(root: Client, people: Cast) -> None:
    employ("manager")
    task = submitted(people.alice)
    waiting = hop(task, status="waiting", due_at=timezone.now() + timedelta(hours=1))
    elsewhere = hop(task, status="waiting", due_at=timezone.now() + timedelta(hours=1), polls=1)

    limit(root, limit_type="agent_calls", allowed="700")

    due = Hop.objects.filter(due_at__lte=timezone.now())
    assert [each.id for each in due] == [waiting.id]
    assert Hop.objects.filter(id=elsewhere.id, due_at__gt=timezone.now()).exists()


def test_a_customer_is_switched_off_and_on_with_the_reason_on_record(root: Client) -> None:
    address = reverse("admin:security_customer_change", args=["techcorp"])
    inline = {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
    form = inline | {
        "name": "TechCorp", "aliases": "[]", "domains": "[]", "identifiers": "[]", "when_limited": "fail",
        "in_flight": "cancel", "disabled_reason": "Unpaid.", "month_cost_usd": "12.5",
    }  # fmt: skip

    assert root.post(address, form).status_code == 302

    customer = Customer.objects.get(id="techcorp")
    assert (customer.is_active, customer.in_flight, customer.disabled_reason) == (False, "cancel", "Unpaid.")
    assert terms_of("techcorp").month is not None
    (record,) = AuthorizationLog.objects.all()
    assert record.denied_reason == "switched off by root (admin), calls in flight: cancel; Unpaid."

    assert root.post(address, form | {"is_active": "on"}).status_code == 302
    assert Customer.objects.get(id="techcorp").disabled_reason == ""
    assert AuthorizationLog.objects.filter(authorized=True).count() == 1


def test_an_agents_own_limit_and_expected_cost_are_set_over_rest(people: Cast) -> None:
    agent = employ("manager")
    client = Client(headers={"X-API-Key": people.alice.api_key})

    def patch(**fields: Any) -> Any:
        return client.patch(f"/api/v1/agents/{agent.id}", fields, "application/json")

    changed = patch(calls_per_hour=7, expected_tokens=900, expected_cost_usd=0.0125).json()
    assert (changed["calls_per_hour"], changed["expected_tokens"], changed["expected_cost_usd"]) == (7, 900, 0.0125)
    assert patch(calls_per_hour=None).json()["calls_per_hour"] is None
    for wrong in (-1, "many", 10**9, 1.5):
        assert patch(calls_per_hour=wrong).status_code == 400
    assert patch(in_flight="explode").status_code == 400
    assert patch(expected_cost_usd=-1).status_code == 400
    assert Agent.objects.get(id=agent.id).expected_tokens == 900
