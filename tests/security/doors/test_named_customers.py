"""The customer comes from the credential alone: to name another one leads nowhere, wherever it is named."""

from typing import Any

import pytest

from tests.security.doors.attack import absent_id, address, client_of, parameters, seen, send
from tests.security.doors.company import Company, everything
from tests.security.doors.schema import Operation, body_of
from tests.security.doors.table import REST

NAMES = ("customer_id", "customer")


@pytest.mark.parametrize("operation", REST, ids=" ".join)
def test_naming_another_customer_leads_to_nothing(
    tech: Company, acme: Company, schema: dict[str, Any], operation: Operation
) -> None:
    method, pattern = operation
    path, body = address(pattern, tech.ids), body_of(schema, operation)
    client, before = client_of(tech.owner), everything()
    attempts = []
    for other in ("acmecorp", "nobody", "TECHCORP", "techcorp ", ""):
        attempts.append(send(client, method, path, body, headers={"X-Customer-ID": other}))
        attempts += [send(client, method, f"{path}?{name}=techcorp&{name}={other}", body) for name in NAMES]
        if method in {"post", "patch"}:
            attempts += [send(client, method, path, {**(body or {}), name: other}) for name in NAMES]

    assert {seen(each)[0] for each in attempts} == {404}
    assert len({seen(each)[2] for each in attempts}) == 1
    after = everything()
    assert {name: rows for name, rows in after.items() if name not in _NOTED} == {
        name: rows for name, rows in before.items() if name not in _NOTED
    }


_NOTED = {"audit.AuthorizationLog", "security.Login"}


@pytest.mark.parametrize("operation", [one for one in REST if parameters(one[1])], ids=" ".join)
def test_naming_the_other_customer_does_not_help_to_reach_its_rows(
    tech: Company, acme: Company, schema: dict[str, Any], operation: Operation
) -> None:
    method, pattern = operation
    client, body = client_of(tech.owner), body_of(schema, operation)
    answers = set()
    for named in ("techcorp", "acmecorp"):
        for ids in (acme.ids, {name: absent_id(acme.ids[name]) for name in parameters(pattern)}):
            path = f"{address(pattern, ids)}?customer_id={named}"
            status, _, said = seen(send(client, method, path, body, headers={"X-Customer-ID": named}))
            answers.add((status, said))

    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
