"""The customer at work in the benchmarks: its people, and its agents at both speeds."""

from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone

from benchmarks.agents import SPLIT
from benchmarks.contest import CHAIN, LEAVES, Order
from delegation.models import Agent
from security.principal import Principal
from security.services import customer_create, principal_of_user

FIRST_AGENTS = {"chain": CHAIN[0], "fanout": SPLIT}
DELAYS_MS = (0, 50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Employer:
    principal: Principal
    api_key: str


def customer_id_of(order: Order) -> str:
    """Return which customer's agents answer after the order's delay."""
    return f"bench-{order.delay_ms}"


def employers(agents_url: str) -> dict[str, Employer]:
    """Make the tables, and in them one customer with its team for each delay; return them by customer id."""
    call_command("migrate", verbosity=0, interactive=False)
    return {f"bench-{delay_ms}": _employer(delay_ms, agents_url) for delay_ms in DELAYS_MS}


def _employer(delay_ms: int, agents_url: str) -> Employer:
    customer_id = f"bench-{delay_ms}"
    created = customer_create(
        slug=customer_id,
        name=f"Bench {delay_ms}",
        aliases=[],
        domains=[f"{customer_id}.example"],
        owner=customer_id,
        password="benchmarks only",
        now=timezone.now(),
    )
    for number, agent_type in enumerate((*CHAIN, SPLIT, *LEAVES)):
        Agent.objects.create(
            customer_id=customer_id,
            ve_id=f"{customer_id}-{number}",
            agent_type=agent_type,
            name=agent_type.title(),
            seniority="specialist" if agent_type in LEAVES else "manager",
            skills=["reports"],
            endpoint_url=f"{agents_url}/{delay_ms}/{agent_type}",
            is_root=number == 0,
        )
    user = get_user_model().objects.get(username=customer_id)
    return Employer(principal=principal_of_user(user, customer_id), api_key=created.api_key)
