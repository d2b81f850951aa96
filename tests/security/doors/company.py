"""Two customers with one row of everything: Alice's TechCorp, who attacks, and Zoe's AcmeCorp, who must not notice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.utils import timezone
from guardian.shortcuts import assign_perm

from audit.models import LeakFeedback
from delegation.models import Agent, AgentGrant, ApprovalVote, DelegationRule, TaskEvent
from delegation.models.questions import ApprovalRules
from security.leak_models import AllowedFinding, Canary, LeakPolicy, RegisteredValue
from security.models import ApiKey, Login, Membership, RateLimit, Role
from security.services import principal_of_user
from tests.delegation import rows
from tests.people import PASSWORD, TEAM, Cast, Person

# No word of AcmeCorp's may ever be seen from TechCorp. None of them stands in the examples of the API.
ACMES_WORDS = ("acmecorp", "acme corp", "acme-corp.example", "zoe", "quince", "nuthatch")
APPS = ("audit", "security", "delegation", "auth")


@dataclass(frozen=True, slots=True)
class Company:
    """A customer's owner, the ids of its rows by the names that addresses give them, and its rows by model."""

    owner: Person
    ids: dict[str, Any]
    rows: dict[str, Model]

    @property
    def customer_id(self) -> str:
        return self.owner.principal.customer_id


def furnished(owner: Person, *, secret: str) -> Company:
    """Give the owner's customer one of everything; its texts hold the secret."""
    customer_id = owner.principal.customer_id
    employed = _employ(customer_id)
    waiting = rows.submitted(owner, f"Ask about {secret}.")
    asked = rows.hop(waiting, waiting.hops.get(), status="waiting", action="ask_clarification")
    guarded = rows.submitted(owner, f"Buy {secret}.")
    approval = rows.approval(rows.hop(guarded, guarded.hops.get(), status="waiting", reason=f"For {secret}."))
    decision, ruling, finding = rows.logged(guarded)
    said = {"verdict": "confirmed", "by_id": owner.user.pk, "by": owner.user.username, "at": timezone.now()}
    lasting = {"owner": owner.user, "expires_at": timezone.now() + timedelta(days=1)}
    pair = {"agent_from": employed["editor"], "agent_to": employed["seo-specialist"]}
    assign_perm("invoke_agent", owner.user, employed["editor"])
    assert owner.api_key
    assert owner.token
    own = {"customer_id": customer_id}
    made: dict[str, Model] = {
        "finding_id": finding,
        "canary_id": Canary.objects.create(planted=f"in {secret}", **own),
        "value_id": RegisteredValue.objects.create(label=secret, digest=f"{secret:0>64}"[:64], key_id="k", **own),
        "allowance_id": AllowedFinding.objects.create(kind="email", reason=secret, **own, **lasting),
        "task_id": rows.submitted(owner, f"Write about {secret}.", start=False),
        "hop_id": asked,
        "approval_id": approval,
        "clarification_id": rows.clarification(asked, "Offices"),
        "agent_id": employed["analyst"],
        "key_id": ApiKey.objects.get(name="tests", revoked_at=None, **own),
        "rule_id": DelegationRule.objects.create(effect="deny", reason=secret, **own, **pair),
        "grant_id": AgentGrant.objects.get(content_object__customer_id=customer_id),
        # What only the admin has an address for.
        "decision": decision,
        "ruling": ruling,
        "feedback": LeakFeedback.objects.create(finding=finding, kind="github_pat", note=secret, **own, **said),
        "policy": LeakPolicy.objects.create(**own),
        "vote": ApprovalVote.objects.create(
            approval=approval, user=owner.user, approved=True, comment=secret, created_at=timezone.now()
        ),
        "event": TaskEvent.objects.filter(**own).earliest("id"),
        "approval_rules": ApprovalRules.objects.get_or_create(customer_id=customer_id)[0],
        "membership": Membership.objects.get(user=owner.user),
        "login": Login.objects.filter(**own).latest("created_at"),
        "limit": RateLimit.objects.create(limit_type="agent_calls", agent="editor", allowed=77, **own),
        "person": owner.user,
        "customer": Membership.objects.get(user=owner.user).customer,
    }
    ids = {name: getattr(row, "key_id" if name == "key_id" else "pk") for name, row in made.items()}
    return Company(owner=owner, ids=ids, rows={row._meta.label_lower: row for row in made.values()})


def _employ(customer_id: str) -> dict[str, Agent]:
    employed = {}
    for number, (agent_type, seniority, skills) in enumerate(TEAM):
        more = {"seniority": seniority, "skills": skills, "is_root": number == 0}
        employed[agent_type] = rows.employ(agent_type, customer_id=customer_id, **more)
    private = f"quince-{customer_id}" if customer_id == "acmecorp" else f"medlar-{customer_id}"
    employed[private] = rows.employ(private, customer_id=customer_id)
    return employed


def both(people: Cast) -> tuple[Company, Company]:
    """Return TechCorp and AcmeCorp."""
    return furnished(people.alice, secret="pears"), furnished(people.zoe, secret="nuthatch")


def hired(role: Role, *, customer_id: str = "techcorp", username: str = "pat") -> Person:
    """Return a person of the customer in that role, who may also sign in to the admin."""
    user = get_user_model().objects.create_user(username=username, password=PASSWORD, is_staff=True)
    Membership.objects.create(user=user, customer_id=customer_id, role=role)
    return Person(user=user, principal=principal_of_user(user))


def everything(*, customer_id: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Return all rows (of the customer), as they stand in the database."""
    return {model._meta.label: list(_rows(model, customer_id)) for model in _models()}


def _models() -> Iterator[type[Model]]:
    for app in APPS:
        yield from apps.get_app_config(app).get_models()


def _rows(model: type[Model], customer_id: str | None) -> Iterator[dict[str, Any]]:
    found = model._default_manager.order_by("pk")
    columns = {field.attname for field in model._meta.concrete_fields}
    if customer_id is not None:
        if "customer_id" not in columns:
            return
        found = found.filter(customer_id=customer_id)
    yield from found.values()
