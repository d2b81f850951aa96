"""`python -m tests.chaos.staff AGENTS_PORT`: employs people and agents on an empty database; prints the people's keys.

{customer: {"owner": key, "approver": key}}
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - what follows needs the apps
from django.utils import timezone  # noqa: E402

from delegation.models import Agent  # noqa: E402
from security.models import Membership, Role  # noqa: E402
from security.rows import be_platform  # noqa: E402
from security.services import api_key_create, customer_create  # noqa: E402
from tests.chaos.agents import DECISIONS  # noqa: E402

be_platform()

CUSTOMERS = ("north", "south", "west")
RANKS = {"lead": "manager", "organiser": "manager", "writer": "senior"}
# Nobody listens there, ever: it is the port of the discard service.
DEAD = "http://127.0.0.1:9/dead"


def hire(customer_id: str) -> dict[str, str]:
    """Create the customer with one who submits and one who decides; return their keys."""
    now = timezone.now()
    owner, approver = f"{customer_id}-owner", f"{customer_id}-approver"
    customer_create(
        slug=customer_id,
        name=f"{customer_id.title()} Trading",
        aliases=[],
        domains=[f"{customer_id}.example"],
        owner=owner,
        password="a-long-word-for-chaos",
        now=now,
    )
    people = get_user_model().objects
    hired = people.create_user(username=approver)
    Membership.objects.create(user=hired, customer_id=customer_id, role=Role.APPROVER)
    ids = {"owner": people.get(username=owner).pk, "approver": hired.pk}
    return {
        role: api_key_create(user_id=pk, customer_id=customer_id, name="chaos", now=now) for role, pk in ids.items()
    }


def employ(customer_id: str, port: int) -> None:
    for number, agent_type in enumerate([*DECISIONS, "dead"]):
        Agent.objects.create(
            customer_id=customer_id,
            ve_id=f"{customer_id}-{number}",
            agent_type=agent_type,
            name=agent_type.title(),
            seniority=RANKS.get(agent_type, "specialist"),
            endpoint_url=DEAD if agent_type == "dead" else f"http://127.0.0.1:{port}/{agent_type}",
            is_root=agent_type == "lead",
            requires_approval=agent_type == "treasurer",
        )


if __name__ == "__main__":
    keys = {customer_id: hire(customer_id) for customer_id in CUSTOMERS}
    for customer_id in CUSTOMERS:
        employ(customer_id, int(sys.argv[1]))
    sys.stdout.write(json.dumps(keys))
