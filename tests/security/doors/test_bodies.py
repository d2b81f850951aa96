"""What bodies try: fields that are not theirs, another customer's names in those that are, and shapes that break."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models

from delegation.models import ApprovalVote, Task
from security.models import Membership
from tests.people import PASSWORD
from tests.security.doors.attack import absent_id, address, client_of, parameters, seen, send, statements, tells_of_acme
from tests.security.doors.company import APPS, Company, everything
from tests.security.doors.schema import Operation, body_of, fields_of
from tests.security.doors.table import OPEN, REST

WRITES = [operation for operation in REST if operation[0] in {"post", "patch"}]
WITH_BODY = [*WRITES, *OPEN]
SMUGGLED_TEXT, SMUGGLED_NUMBER, SMUGGLED_ID = "smuggled", 70_707_070, "77777777-7777-7777-8777-777777777777"
# Names that other systems have for what ours would not let be set.
MORE = (
    "tenant tenant_id org user_id username_id owner_id by by_id is_admin roles permissions is_superuser pk uuid".split()
)


def smuggled() -> Iterator[tuple[str, Any]]:
    """Yield every column of every table with a value of its kind that would be recognised anywhere."""
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.concrete_fields:
                for name in {field.name, field.attname} - {"customer", "customer_id"}:
                    yield name, _value_for(field)
    yield from ((name, SMUGGLED_TEXT) for name in MORE)


def _value_for(field: Any) -> Any:
    kind = field.target_field if field.is_relation else field
    if isinstance(kind, models.UUIDField):
        return SMUGGLED_ID
    if isinstance(kind, models.IntegerField | models.FloatField | models.DecimalField):
        return SMUGGLED_NUMBER
    return True if isinstance(kind, models.BooleanField) else SMUGGLED_TEXT


def ready(tech: Company) -> dict[str, Any]:
    """Let Carol be there for a grant, and Bob be the one whose task Alice may approve."""
    carol = get_user_model().objects.get(username="carol")
    bob = get_user_model().objects.get(username="bob")
    Membership.objects.filter(user=carol).update(role="operator")
    Task.objects.filter(customer_id="techcorp").update(created_by=bob)
    ApprovalVote.objects.all().delete()
    return tech.ids


@pytest.mark.parametrize("operation", WRITES, ids=" ".join)
def test_fields_that_are_not_its_own_change_nothing(
    tech: Company, acme: Company, schema: dict[str, Any], operation: Operation
) -> None:
    method, pattern = operation
    own = fields_of(schema, operation)
    more = {name: value for name, value in smuggled() if name not in own}
    assert len(more) > 100
    before = everything(customer_id="acmecorp")

    response = send(
        client_of(tech.owner),
        method,
        address(pattern, ready(tech)),
        {**more, **(body_of(schema, operation) or {})},
    )

    assert response.status_code in {200, 201}, response.content
    said, stored = response.content.decode(), str(everything())
    for trace in (SMUGGLED_TEXT, str(SMUGGLED_NUMBER), SMUGGLED_ID):
        assert trace not in said
        assert trace not in stored
    assert everything(customer_id="acmecorp") == before
    assert not get_user_model().objects.filter(is_superuser=True).exists()
    assert not tells_of_acme(said)


# Fields that name something: AcmeCorp's thing. What nobody has differs in its last letter.
REFERENCES = {
    "tasks agent": "quince-acmecorp",
    "rules agent_from": "quince-acmecorp",
    "rules agent_to": "quince-acmecorp",
    "grants agent": "quince-acmecorp",
    "grants username": "zoe",
    "auth/token customer": "acmecorp",
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_anothers_name_in_a_body_is_as_unknown_as_any(
    tech: Company, acme: Company, schema: dict[str, Any], reference: str
) -> None:
    pattern, _, field = reference.partition(" ")
    theirs = REFERENCES[reference]
    body = body_of(schema, ("post", pattern)) or {}
    if pattern == "auth/token":
        body |= {"username": "alice", "password": PASSWORD}
    client = client_of() if ("post", pattern) in OPEN else client_of(tech.owner)
    answers, told = [], []
    for name in (f"{theirs[:-1]}x", theirs, f"{theirs[:-1]}y"):
        with statements() as carried_out:
            response = send(client, "post", address(pattern, {}), {**body, field: name})
        answers.append(seen(response, name))
        told.append(carried_out)

    assert answers[1] == answers[2]
    assert answers[1][0] in {400, 401, 404}
    assert told[1] == told[2]


def test_what_another_customer_has_may_be_had_here_too(tech: Company, acme: Company) -> None:
    client = client_of(tech.owner)
    agent = {"agent_type": "quince-acmecorp", "name": "Ours", "endpoint_url": "http://127.0.0.1:9/"}
    task = {"message": "Write.", "agent": "editor"}
    key = {"Idempotency-Key": "the-same"}

    assert send(client, "post", "/api/v1/agents", agent).status_code == 201
    assert send(client_of(acme.owner), "post", "/api/v1/tasks", task, headers=key).status_code == 201
    ours = send(client, "post", "/api/v1/tasks", task, headers=key)
    assert (ours.status_code, ours.json()["customer_id"]) == (201, "techcorp")
    assert "Idempotent-Replayed" not in ours.headers


BROKEN: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/json"),
    "no JSON": (b"{", "application/json"),
    "a list": (b"[]", "application/json"),
    "null": (b"null", "application/json"),
    "NaN": (b'{"message": NaN}', "application/json"),
    "NUL": (b'{"message": "a\\u0000b", "reason": "\\u0000", "name": "\\u0000"}', "application/json"),
    "half a surrogate": (b'{"message": "\\ud800"}', "application/json"),
    "bad UTF-8": (b'{"message": "\xff"}', "application/json"),
    "deep lists": (b'{"metadata": {"a": ' + b"[" * 100 + b"]" * 100 + b"}}", "application/json"),
    "very deep": (b"[" * 100_000, "application/json"),
    "deep objects": (b'{"a":' * 2000 + b"1" + b"}" * 2000, "application/json"),
    "a big number": (b'{"priority": 1' + b"0" * 5000 + b"}", "application/json"),
    "the same key twice": (b'{"customer_id": "techcorp", "customer_id": "acmecorp"}', "application/json"),
    "a form": (b"message=hello&customer_id=acmecorp", "application/x-www-form-urlencoded"),
    "parts": (
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
    "XML": (b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>", "application/xml"),
    "text": (b'{"message": "hello"}', "text/plain"),
    "YAML": (b"!!python/object/apply:os.system ['id']", "application/yaml"),
    "no type": (b'{"message": "hello"}', ""),
    "too large": (b'{"message": "' + b"a" * 3_000_000 + b'"}', "application/json"),
}


@pytest.mark.parametrize("shape", BROKEN)
def test_what_breaks_is_refused_alike_at_every_address(tech: Company, acme: Company, shape: str) -> None:
    content, kind = BROKEN[shape]
    client, before = client_of(tech.owner), everything(customer_id="acmecorp")
    for method, pattern in WITH_BODY:
        theirs = {name: acme.ids[name] for name in parameters(pattern)}
        none = {name: absent_id(value) for name, value in theirs.items()}
        answers = [
            seen(getattr(client, method)(address(pattern, ids), data=content, content_type=kind), *ids.values())
            for ids in (theirs, none)
        ]
        assert answers[0][0] == answers[1][0], (method, pattern)
        if pattern not in {"auth/logout", "auth/token", "auth/refresh"}:
            assert answers[0] == answers[1], (method, pattern)
        # A change of nothing is one.
        nothing = {200} if (method, pattern, shape) == ("patch", "leak-policy", "nothing") else set()
        assert answers[0][0] in {400, 404, 413, 415, 429} | nothing, (method, pattern, answers[0])
    assert everything(customer_id="acmecorp") == before
