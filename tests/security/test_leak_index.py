"""The detector follows the customers: by whatever way they change, and only when it is committed."""

import uuid
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from security.leak_index import LeakIndex
from security.leak_models import Canary, RegisteredValue
from security.leak_services import canary_plant, canary_remove, value_forget, values_register
from security.models import Customer
from security.services import customer_create
from security.tenant_changes import read_version

pytestmark = pytest.mark.django_db(transaction=True)
SECRET_NAME = "Project Bluebird"


@pytest.fixture
def index() -> LeakIndex:
    Customer.objects.create(id="techcorp", name="TechCorp")
    Customer.objects.create(id="zenith", name="Zenith Robotics")
    followed = LeakIndex()
    followed.refresh()
    return followed


def found(index: LeakIndex, text: str, customer_id: str = "techcorp") -> list[str]:
    return [text[each.start : each.end] for each in index.refresh().scan(text, customer_id)]


def created(name: str) -> None:
    owner = {"owner": "olivia", "password": "a-long-pass-word"}
    customer_create(slug="globex", name=name, aliases=[], domains=[], now=timezone.now(), **owner)


CHANGES: dict[str, tuple[Callable[[], object], str]] = {
    "a customer is created": (lambda: created("Globex Industries"), "Globex Industries"),
    "a customer is saved": (
        lambda: Customer(id="zenith", name="Zenith Avionics").save(force_update=True),
        "Zenith Avionics",
    ),
    "a customer is updated in bulk": (
        lambda: Customer.objects.filter(id="zenith").update(aliases=["Zenotics"]),
        "Zenotics",
    ),
    "a domain is added": (
        lambda: Customer.objects.filter(id="zenith").update(domains=["zenroboto.example"]),
        "zenroboto.example",
    ),
    "several are created at once": (
        lambda: Customer.objects.bulk_create([Customer(id=f"new-{n}", name=f"Newcomer {n} Ltd") for n in range(3)]),
        "Newcomer 2 Ltd",
    ),
    "a value is registered": (
        lambda: values_register(customer_id="zenith", values=[SECRET_NAME], label="a project", user_id=None),
        SECRET_NAME,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_committed_change_is_seen_by_the_next_scan(index: LeakIndex, change: str) -> None:
    make, name = CHANGES[change]
    assert found(index, f"as for {name}.") == []

    make()

    assert found(index, f"as for {name}.") == [name]


def test_what_is_gone_is_found_no_more(index: LeakIndex) -> None:
    assert found(index, "as for Zenith Robotics.") == ["Zenith Robotics"]
    Customer.objects.filter(id="zenith").update(name="Zenith Avionics")
    assert found(index, "as for Zenith Robotics.") == []
    Customer.objects.get(id="zenith").delete()
    assert found(index, "as for Zenith Avionics.") == []


def test_a_canary_is_found_until_it_is_removed_and_never_by_its_owner(index: LeakIndex) -> None:
    canary = canary_plant(customer_id="zenith", planted="the price list", user_id=None)
    assert found(index, f"see {canary.token}, please") == [canary.token]
    assert found(index, f"see {canary.token}, please", "zenith") == []

    canary_remove(customer_id="zenith", canary_id=canary.id)

    assert found(index, f"see {canary.token}, please") == []


def test_a_registered_value_is_kept_as_a_digest_alone(index: LeakIndex) -> None:
    values_register(customer_id="zenith", values=[SECRET_NAME, "INV-2025-0007"], label="projects", user_id=None)

    rows = str(list(RegisteredValue.objects.values()))
    assert "luebird" not in rows
    assert "0007" not in rows
    assert found(index, "the invoice inv-2025-0007!") == ["inv-2025-0007"]
    assert found(index, "the invoice inv-2025-0007!", "zenith") == []

    value_forget(customer_id="zenith", value_id=RegisteredValue.objects.order_by("-id")[0].id)

    assert found(index, "the invoice inv-2025-0007!") == []


def test_registering_the_same_again_adds_nothing(index: LeakIndex) -> None:
    first = values_register(customer_id="zenith", values=[SECRET_NAME, " project  BLUEBIRD "], label="x", user_id=None)
    again = values_register(customer_id="zenith", values=[SECRET_NAME], label="y", user_id=None)
    assert (first.added, again.added, again.known) == (1, 0, 1)


def test_a_change_that_is_taken_back_leaves_no_trace(index: LeakIndex) -> None:
    with transaction.atomic():
        Customer.objects.filter(id="zenith").update(name="Zenith Avionics")
        assert found(index, "as for Zenith Avionics.") == ["Zenith Avionics"]
        transaction.set_rollback(True)
    assert found(index, "as for Zenith Avionics.") == []
    assert found(index, "as for Zenith Robotics.") == ["Zenith Robotics"]


def test_a_change_that_does_not_concern_names_wakes_nobody(index: LeakIndex) -> None:
    before = read_version()
    Customer.objects.filter(id="zenith").update(is_active=False)
    assert read_version() == before
    # Data of a customer that is switched off are its own all the same.
    assert found(index, "as for Zenith Robotics.") == ["Zenith Robotics"]


def test_emptied_tables_are_noticed(index: LeakIndex) -> None:
    Canary.objects.create(customer_id="zenith", token=f"cnry-{uuid.uuid4().hex}", planted="x")
    index.refresh()
    with connections["default"].cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE security_customer CASCADE")
        else:
            cursor.execute("DELETE FROM security_canary")
            cursor.execute("DELETE FROM security_customer")
    assert found(index, "as for Zenith Robotics.") == []
