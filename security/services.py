"""Customers with their owners: created, and brought up to date."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction

from security.errors import ValidationFailed
from security.keys import api_key_create, principal_of_api_key
from security.members import principal_of_user
from security.models import Customer, Membership, Role

__all__ = ["CreatedCustomer", "api_key_create", "customer_create", "principal_of_api_key", "principal_of_user"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedCustomer:
    customer_id: str
    username: str
    api_key: str


@transaction.atomic
def customer_create(
    *,
    slug: str,
    name: str,
    owner: str,
    password: str,
    aliases: list[str],
    domains: list[str],
    now: datetime,
) -> CreatedCustomer:
    """Create the customer with its owner, or bring both up to date, and return a fresh API key.

    The earlier keys of this name are revoked. An owner who exists keeps the password that was set.

    Raises:
        ValidationFailed: the slug or the name is not acceptable.
    """
    customer = Customer(id=slug, name=name, aliases=aliases, domains=domains)
    try:
        customer.clean_fields()
    except ValidationError as error:
        raise ValidationFailed(detail="; ".join(error.messages)) from error
    Customer.objects.update_or_create(id=slug, defaults={"name": name, "aliases": aliases, "domains": domains})
    users = get_user_model().objects
    user = users.filter(username=owner).first() or users.create_user(username=owner, password=password)
    Membership.objects.update_or_create(user=user, customer_id=slug, defaults={"role": Role.OWNER})
    key = api_key_create(user_id=user.pk, customer_id=slug, name="created with the customer", now=now)
    return CreatedCustomer(customer_id=slug, username=owner, api_key=key)
