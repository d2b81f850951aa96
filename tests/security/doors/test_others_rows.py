"""Another customer's row is as absent as none: the same answer to the byte, by the same statements, to every role."""

from typing import Any

import pytest

from audit.models import AuthorizationLog
from security.models import Membership, Role
from tests.security.doors.attack import absent_id, address, client_of, parameters, seen, send, statements
from tests.security.doors.company import Company, everything, hired
from tests.security.doors.schema import Operation, body_of
from tests.security.doors.table import REST

WITH_IDS = [operation for operation in REST if parameters(operation[1])]
NAMES = [" ".join(operation) for operation in WITH_IDS]


def acmes_and_none(operation: Operation, acme: Company) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return ids of AcmeCorp's for the address, and twice ids of nothing."""
    theirs = {name: acme.ids[name] for name in parameters(operation[1])}
    none, other = ({name: absent_id(value) for name, value in theirs.items()} for _ in range(2))
    return theirs, none, other


@pytest.mark.parametrize("operation", WITH_IDS, ids=NAMES)
def test_anothers_row_is_as_absent_as_none(
    tech: Company, acme: Company, schema: dict[str, Any], operation: Operation
) -> None:
    method, pattern = operation
    theirs, none, warm = acmes_and_none(operation, acme)
    body, before = body_of(schema, operation), everything(customer_id="acmecorp")
    for role in Role:
        client = client_of(hired(role, username=role))
        # The first request may look up what the next ones remember.
        send(client, method, address(pattern, warm), body)
        answers, told = [], []
        for ids in (theirs, none):
            with statements() as carried_out:
                response = send(client, method, address(pattern, ids), body)
            answers.append(seen(response, *ids.values()))
            told.append(carried_out)

        assert answers[0] == answers[1], role
        # What a grant on one agent may give is refused by the service, which has looked for the row.
        refused = {403, 404} if pattern.endswith("/execute") else {403}
        assert answers[0][0] in ({404} if role in REST[operation].split() else refused), role
        assert told[0] == told[1], role
    assert everything(customer_id="acmecorp") == before


@pytest.mark.parametrize("operation", WITH_IDS, ids=NAMES)
def test_each_attempt_leaves_one_row_that_tells_nothing_of_the_other(
    tech: Company, acme: Company, schema: dict[str, Any], operation: Operation
) -> None:
    method, pattern = operation
    theirs, none, _ = acmes_and_none(operation, acme)
    client = client_of(tech.owner)
    AuthorizationLog.objects.all().delete()
    for ids in (theirs, none):
        send(client, method, address(pattern, ids), body_of(schema, operation))

    rows = AuthorizationLog.objects.filter(authorized=False).order_by("id")
    assert [(row.customer_id, row.request_headers["Door"]) for row in rows] == 2 * [("techcorp", "rest")]
    first, second = ({**vars(row), "_state": 0, "id": 0, "created_at": 0} for row in rows)
    assert str(first).replace(str(next(iter(theirs.values()))), "ID") == str(second).replace(
        str(next(iter(none.values()))), "ID"
    )
    assert "acme" not in str(first).lower()


@pytest.mark.parametrize("operation", REST, ids=" ".join)
def test_a_member_of_two_customers_acts_for_the_one_that_the_credential_names(
    tech: Company, acme: Company, schema: dict[str, Any], operation: Operation
) -> None:
    method, pattern = operation
    gwen = hired(Role.OWNER, customer_id="acmecorp", username="gwen")
    Membership.objects.create(user=gwen.user, customer_id="techcorp", role=Role.OWNER)
    before = everything(customer_id="techcorp")

    response = send(client_of(gwen), method, address(pattern, tech.ids), body_of(schema, operation))

    assert response.status_code == 404 if parameters(pattern) else response.status_code < 500
    assert "techcorp" not in response.content.decode()
    assert everything(customer_id="techcorp") == before
