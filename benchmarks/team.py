"""The customer at work in the benchmarks: its people, and its agents at both speeds."""

from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone

from benchmarks.agents import SPLIT
from benchmarks.contest import CHAIN, LEAVES, Order
from delegation.models import Agent
from security.principal import Principal
from security.rows import platform_rows
from security.services import customer_create, principal_of_user

FIRST_AGENTS = {"chain": CHAIN[0], "fanout": SPLIT}
# -1: as the tempo of the agents has been set.
DELAYS_MS = (0, 50, -1)
TEMPO_CUSTOMER = "bench-tempo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Employer:
    principal: Principal
    api_key: str


def customer_id_of(order: Order) -> str:
    """Return which customer's agents answer after the order's delay."""
    return _customer_id(order.delay_ms)


@platform_rows()
def employers(agents_url: str) -> dict[str, Employer]:
    """Make the tables, and in them one customer with its team for each delay; return them by customer id.

    Where they are there already, they are brought up to date.
    """
    call_command("migrate", verbosity=0, interactive=False)
    return {_customer_id(delay_ms): _employer(delay_ms, agents_url) for delay_ms in DELAYS_MS}


def _customer_id(delay_ms: int) -> str:
    return f"bench-{delay_ms}" if delay_ms >= 0 else TEMPO_CUSTOMER


def _employer(delay_ms: int, agents_url: str) -> Employer:
    customer_id = _customer_id(delay_ms)
    created = customer_create(
        slug=customer_id,
        name=customer_id.replace("-", " ").title(),
        aliases=[],
        domains=[f"{customer_id}.example"],
        owner=customer_id,
        password="benchmarks only",
        now=timezone.now(),
    )
    for number, agent_type in enumerate((*CHAIN, SPLIT, *LEAVES)):
        Agent.objects.update_or_create(
            customer_id=customer_id,
            agent_type=agent_type,
            defaults={
                "ve_id": f"{customer_id}-{number}",
                "name": agent_type.title(),
                "seniority": "specialist" if agent_type in LEAVES else "manager",
                "skills": ["reports"],
                "endpoint_url": f"{agents_url}/{delay_ms}/{agent_type}",
                "is_root": number == 0,
            },
        )
    user = get_user_model().objects.get(username=customer_id)
    return Employer(principal=principal_of_user(user, customer_id), api_key=created.api_key)
