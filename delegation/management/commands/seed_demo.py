"""`manage.py seed_demo`: the two customers of the demo, their people, and their agents at the addresses given."""

import json
import secrets
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from delegation.services.agents import agent_create, agent_update, agents_visible
from examples.team import CUSTOMERS, roster
from security.errors import PlatformError
from security.models import Membership, Role
from security.principal import Principal
from security.services import customer_create, principal_of_user

ADMIN = "admin"
# A domain that can never exist marks the demo's people.
MAIL_DOMAIN = "demo.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """A customer's people by their role, and the names by which others would betray that they know it."""

    people: dict[Role, str]
    aliases: list[str]
    domains: list[str]
    address: str


CASTS = {
    "techcorp": Cast(
        people={Role.OWNER: "alice", Role.APPROVER: "bob", Role.AUDITOR: "carol", Role.VIEWER: "dave"},
        aliases=["Tech Corp"],
        domains=["techcorp.example"],
        address="http://127.0.0.1:9101",
    ),
    "acmecorp": Cast(
        people={Role.OWNER: "zoe", Role.APPROVER: "yann", Role.AUDITOR: "xenia"},
        aliases=["Acme Corp"],
        domains=["acme-corp.example"],
        address="http://127.0.0.1:9102",
    ),
}


class Command(BaseCommand):
    help = "Create the demo's customers, people and agents, or bring them up to date. Prints one JSON object."

    def add_arguments(self, parser: ArgumentParser) -> None:
        team = "where a team serves (python -m examples.team); the ports 9101 and 9102 where not given"
        parser.add_argument("--team", action="append", default=[], metavar="CUSTOMER=URL", help=team)
        parser.add_argument("--password", help="of every demo login; drawn and printed where not given")
        parser.add_argument("--migrate", action="store_true", help="bring the database's tables up to date first")

    def handle(self, *_: Any, team: list[str], password: str | None, migrate: bool, **__: Any) -> None:
        addresses = team_addresses(team)
        if migrate:
            call_command("migrate", verbosity=0, interactive=False)
        word = password or secrets.token_urlsafe(9)
        try:
            encoded = encoded_password(word)
            seeded = {
                slug: seed_customer(slug, password=word, encoded=encoded, address=addresses[slug]) for slug in CASTS
            }
        except PlatformError as error:
            raise CommandError(error.user_message) from error
        seed_person(ADMIN, encoded=encoded)
        self.stdout.write(json.dumps(seeded))


def team_addresses(given: list[str]) -> dict[str, str]:
    """Return each customer's team address, without a trailing slash. Raises CommandError."""
    addresses = {slug: cast.address for slug, cast in CASTS.items()}
    for text in given:
        slug, _, url = text.partition("=")
        if slug not in addresses or not url:
            raise CommandError(f"--team takes {' or '.join(addresses)}, =, and an address; not {text!r}")
        addresses[slug] = url.rstrip("/")
    return addresses


def seed_customer(slug: str, *, password: str, encoded: str, address: str) -> dict[str, Any]:
    """Create or update the customer with its people and agents. Returns what the demo prints of it."""
    cast = CASTS[slug]
    people = {role: seed_person(name, encoded=encoded, role=role) for role, name in cast.people.items()}
    created = customer_create(
        slug=slug,
        name=CUSTOMERS[slug],
        aliases=cast.aliases,
        domains=cast.domains,
        owner=cast.people[Role.OWNER],
        password=password,
        now=timezone.now(),
    )
    for role, person in people.items():
        Membership.objects.update_or_create(user=person, customer_id=slug, defaults={"role": role})
    seed_agents(principal_of_user(people[Role.OWNER], slug), address=address)
    members = [{"username": username, "role": role} for role, username in cast.people.items()]
    return {
        "name": CUSTOMERS[slug],
        "api_key": created.api_key,
        "admin": ADMIN,
        "members": members,
        "password": password,
    }


def encoded_password(password: str) -> str:
    """Return the password as it is stored: as the demo's people have it already, where it is still the same.

    Hashing is slow by design, and a changed hash would sign everybody out of their browsers.
    """
    stored = User.objects.filter(email__endswith=f"@{MAIL_DOMAIN}").values_list("password", flat=True).first()
    return stored if stored and check_password(password, stored) else make_password(password)


def seed_person(username: str, *, encoded: str, role: Role | None = None) -> User:
    """Create the person, or set the password, so that what the demo prints is true. No role: an administrator.

    Raises CommandError where somebody of that name exists who is not of the demo: nobody real loses a password.
    """
    user, created = User.objects.get_or_create(username=username, defaults={"email": f"{username}@{MAIL_DOMAIN}"})
    if not created and not user.email.endswith(f"@{MAIL_DOMAIN}"):
        raise CommandError(f"a person named {username} exists who is not of the demo; seed_demo wants a database apart")
    user.password = encoded
    user.is_superuser = role is None
    # Auditors read the logs in the admin.
    user.is_staff = role in {None, Role.AUDITOR}
    user.save()
    return user


def seed_agents(principal: Principal, *, address: str) -> None:
    """Register the team's agents at the address. The first of the roster receives the tasks that name no agent."""
    known = dict(agents_visible(principal).values_list("agent_type", "id"))
    for index, entry in enumerate(roster(principal.customer_id)):
        fields = {name: value for name, value in entry.items() if name != "path"}
        fields |= {"endpoint_url": f"{address}{entry['path']}", "is_root": index == 0, "enabled": True}
        # What somebody tried out with it does not go along to a team that serves at another port today.
        fields["credential"] = None
        if agent_id := known.get(str(entry["agent_type"])):
            agent_update(principal=principal, agent_id=agent_id, fields=fields, now=timezone.now())
        else:
            agent_create(principal=principal, fields=fields, now=timezone.now())
