"""What queries try: lookups through relations, orders, cursors of another customer, SQL."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
import uuid6
from django.apps import apps

from delegation.models import Agent
from tests.security.doors.attack import client_of, parameters, seen, statements, tells_of_acme
from tests.security.doors.company import APPS, Company
from tests.security.doors.table import REST

LISTS = [
    pattern for method, pattern in REST if method == "get" and not parameters(pattern) and pattern != "leak-policy"
]
SQL = ("' OR '1'='1", "1; DROP TABLE delegation_task", "%' --", "\\' OR 1=1 --", "{{7*7}}", "${jndi:ldap://x}", "\x00")


def lookups() -> Iterator[tuple[str, str]]:
    """Yield what an ORM would understand: every relation of every table to AcmeCorp, and every order."""
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.get_fields():
                for path in ("customer_id", "customer__id", "pk__gte", "created_by__username__startswith"):
                    yield f"{field.name}__{path}", "acmecorp"
                yield f"{field.name}__in", "acmecorp"
                yield f"{field.name}__isnull", "false"
                yield "ordering", f"-{field.name}__customer"
    for name in ("customer__id", "customer_id__in", "customer__name__startswith", "customer!", "customer[]", "$where"):
        yield name, "acmecorp"
    for name in ("ordering", "order_by", "sort", "fields", "include", "expand", "search", "q", "where", "format"):
        yield name, "customer_id"


@pytest.mark.parametrize("pattern", LISTS)
def test_what_is_no_filter_filters_nothing(tech: Company, acme: Company, pattern: str) -> None:
    client, path = client_of(tech.owner), f"/api/v1/{pattern}"
    plain = seen(client.get(path))
    plain = seen(client.get(path))  # The first may go on record, and be listed.
    assert plain[0] == 200
    assert not tells_of_acme(plain[2])
    asked: dict[str, list[str]] = {}
    for name, value in lookups():
        asked.setdefault(name, []).append(value)

    for name, values in asked.items():
        assert seen(client.get(path, {name: values[0]})) == plain, name
    whole = client.get(path, {name: values[:3] for name, values in list(asked.items())[:500]})
    assert whole.json()["results"] == client.get(path).json()["results"]


@pytest.mark.parametrize("pattern", LISTS)
def test_no_filter_carries_sql_or_reaches_another_customer(
    tech: Company, acme: Company, schema: dict[str, Any], pattern: str
) -> None:
    client, path = client_of(tech.owner), f"/api/v1/{pattern}"
    names = {each["name"] for each in schema["paths"][path]["get"]["parameters"] if each["in"] == "query"}
    agents = list(Agent.objects.filter(customer_id="acmecorp").values_list("ve_id", flat=True))
    theirs = [str(acme.ids["task_id"]), "quince-acmecorp", *agents, *map(str, acme.ids.values())]
    for name in names:
        for value in (*SQL, *theirs):
            response = client.get(path, {name: value})
            assert response.status_code in {200, 400}, (name, value)
            assert not tells_of_acme(response.content, besides=value), (name, value)
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("pattern", ["audit/delegations", "audit/authorizations", "audit/leakages"])
def test_the_logs_of_anothers_task_are_those_of_none(tech: Company, acme: Company, pattern: str) -> None:
    client, told, answers = client_of(tech.owner), [], []
    client.get(f"/api/v1/{pattern}")
    for task_id in (acme.rows["audit.leakagelog"].task_id, uuid6.uuid7()):  # type: ignore[attr-defined]
        with statements() as carried_out:
            response = client.get(f"/api/v1/{pattern}", {"task_id": str(task_id)})
        answers.append(seen(response, task_id))
        told.append(carried_out)
    assert answers[0] == answers[1]
    assert answers[0][2] == b'{"next":null,"previous":null,"results":[]}'
    assert told[0] == told[1]


@pytest.mark.parametrize("pattern", LISTS)
def test_a_cursor_of_anothers_opens_ones_own_list_alone(tech: Company, acme: Company, pattern: str) -> None:
    theirs = client_of(acme.owner).get(f"/api/v1/{pattern}", {"limit": 1}).json()
    client, path = client_of(tech.owner), f"/api/v1/{pattern}"
    client.get(path)
    if theirs["next"]:
        taken = client.get(theirs["next"].removeprefix("http://testserver"))
        assert taken.status_code == 200
        assert not tells_of_acme(taken.content)
    for position in acme.ids.values():
        for reverse in ("", "r=1&"):
            cursor = b64encode(f"{reverse}p={position}".encode()).decode()
            response = client.get(path, {"cursor": cursor})
            assert response.status_code in {200, 400}
            assert not tells_of_acme(response.content)
    for forged in ("x", "p=1", b64encode(b"p=' OR 1=1").decode(), b64encode(b"o=-1").decode(), "\x00", "é", ""):
        assert client.get(path, {"cursor": forged}).status_code == 400, forged


@pytest.mark.parametrize("limit", ["0", "-1", "501", "1e9", "١", "1 OR 1=1", "", "99999999999999999999"])
def test_no_limit_opens_more_than_a_page(tech: Company, limit: str) -> None:
    for pattern in LISTS:
        answer = client_of(tech.owner).get(f"/api/v1/{pattern}", {"limit": limit})
        assert answer.status_code == 400, (pattern, answer.content)
