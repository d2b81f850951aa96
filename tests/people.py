"""The small cast of the stories: TechCorp with Alice, Bob and Carol, AcmeCorp with Zoe, and TechCorp's agents."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from delegation.models import Agent
from security.credentials import log_in
from security.models import Membership, Role
from security.principal import Principal
from security.services import api_key_create, customer_create, principal_of_user
from tests.agents import AgentServer

# As in the API's own examples.
PASSWORD = "espresso-in-the-morning"

# agent type, seniority, skills; the first is the root.
TEAM = (
    ("marketing-manager", "manager", ["planning"]),
    ("copywriter", "senior", ["writing"]),
    ("editor", "senior", ["editing"]),
    ("seo-specialist", "specialist", ["keywords"]),
    ("analyst", "specialist", ["numbers"]),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who signs in, and who they are at their customer."""

    user: Any
    principal: Principal

    @property
    def token(self) -> str:
        """Return an access token, as the login gives it."""
        customer_id = self.principal.customer_id
        return log_in(
            request=None, username=self.user.username, password=PASSWORD, customer_id=customer_id, now=timezone.now()
        ).access

    @property
    def api_key(self) -> str:
        return api_key_create(
            user_id=self.user.pk, customer_id=self.principal.customer_id, name="tests", now=timezone.now()
        )


@dataclass(frozen=True, slots=True)
class Cast:
    """Alice owns TechCorp, Bob approves there, Carol only looks; Zoe owns AcmeCorp."""

    alice: Person
    bob: Person
    carol: Person
    zoe: Person


def cast() -> Cast:
    """Create the customers and their people."""
    customer_create(
        slug="techcorp",
        name="TechCorp",
        aliases=["Tech Corp"],
        domains=["techcorp.example"],
        owner="alice",
        password=PASSWORD,
        now=timezone.now(),
    )
    customer_create(
        slug="acmecorp",
        name="AcmeCorp",
        aliases=["Acme Corp"],
        domains=["acme-corp.example"],
        owner="zoe",
        password=PASSWORD,
        now=timezone.now(),
    )
    return Cast(
        alice=_person("alice"),
        bob=_hired("bob", Role.APPROVER),
        carol=_hired("carol", Role.VIEWER),
        zoe=_person("zoe"),
    )


def team(server: AgentServer, *, customer_id: str = "techcorp", **changes: dict[str, Any]) -> dict[str, Agent]:
    """Employ the team at the server's addresses; ``changes`` gives fields by agent type (with _ for -)."""
    agents = {}
    for number, (agent_type, seniority, skills) in enumerate(TEAM, start=1):
        fields: dict[str, Any] = {
            "customer_id": customer_id,
            "ve_id": f"{customer_id}-{number:03}",
            "agent_type": agent_type,
            "name": agent_type.replace("-", " ").title(),
            "seniority": seniority,
            "skills": skills,
            "endpoint_url": server.url(agent_type),
            "is_root": number == 1,
        }
        agents[agent_type] = Agent.objects.create(**fields | changes.get(agent_type.replace("-", "_"), {}))
    return agents


def _hired(username: str, role: Role) -> Person:
    user = get_user_model().objects.create_user(username=username, password=PASSWORD)
    Membership.objects.create(user=user, customer_id="techcorp", role=role)
    return _person(username)


def _person(username: str) -> Person:
    user = get_user_model().objects.get(username=username)
    return Person(user=user, principal=principal_of_user(user))
