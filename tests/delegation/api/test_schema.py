"""The schema is a promise: each of its request examples is sent, and each answer held against it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from delegation.api.urls import ADDRESSES
from delegation.models import Agent, AgentGrant, DelegationRule
from security.leak_models import AllowedFinding, Canary, RegisteredValue
from security.leak_services import values_register
from security.models import ApiKey
from tests.delegation import rows
from tests.delegation.api.conftest import Api, submitted, waiting_for_answer, waiting_for_approval
from tests.people import Cast

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return _schema()


def _schema() -> dict[str, Any]:
    body: dict[str, Any] = Client().get("/api/schema/", headers={"Accept": "application/json"}).json()
    return body


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def validator(schema: dict[str, Any], part: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**part, "components": schema["components"]})


def media(schema: dict[str, Any], operation: dict[str, Any], status: int, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = operation["responses"][str(status)]["content"][kind]
    return found


def test_it_is_openapi_3_1_in_json_and_yaml(schema: dict[str, Any]) -> None:
    as_yaml = Client().get("/api/schema/")

    assert schema["openapi"].startswith("3.1")
    assert yaml.safe_load(as_yaml.content)["paths"].keys() == schema["paths"].keys()


def test_it_is_shown_as_a_page_without_scripts_in_it() -> None:
    page = Client().get("/api/docs/")

    assert page.status_code == 200
    assert b"swagger-ui" in page.content
    assert b"cdn" not in page.content


def test_every_address_is_in_it_once(schema: dict[str, Any]) -> None:
    documented = {path for path, *_ in operations(schema) if path.startswith("/api/v1/")}

    assert len(documented) == len(ADDRESSES)
    assert not any(path.endswith("/") for path in documented)


def test_names_of_operations_are_unique(schema: dict[str, Any]) -> None:
    ids = [operation["operationId"] for *_, operation in operations(schema)]

    assert len(ids) == len(set(ids))


def test_every_example_fits_its_own_schema(schema: dict[str, Any]) -> None:
    checked = 0
    for path, method, operation in operations(schema):
        if not path.startswith("/api/v1/"):
            continue
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for body in [*bodies, *operation["responses"].values()]:
            for content in body["content"].values():
                for example in content["examples"].values():
                    errors = [*validator(schema, content["schema"]).iter_errors(example["value"])]
                    assert not errors, (path, method, errors)
                    checked += 1
    assert checked > 100


def test_every_operation_documents_its_errors(schema: dict[str, Any]) -> None:
    for path, _, operation in operations(schema):
        if path.startswith("/api/v1/"):
            assert {"401", "403", "429", "500"} <= operation["responses"].keys()
            if "{" in path:
                assert "404" in operation["responses"]
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert "application/problem+json" in response["content"]


Prepare = Callable[[Cast, dict[str, Agent]], dict[str, Any]]


def _task(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    return {"task_id": submitted(people.alice).pk}


def _unstarted(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    return {"task_id": submitted(people.alice, start=False).pk}


def _approval(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    approval = waiting_for_approval(submitted(people.alice))
    return {"approval_id": approval.pk, "task_id": approval.task_id}


def _question(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    question = waiting_for_answer(submitted(people.alice))
    return {"clarification_id": question.pk, "task_id": question.task_id}


def _agent(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    return {"agent_id": agents["editor"].pk}


def _key(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    assert people.alice.api_key
    return {"key_id": ApiKey.objects.get(name="tests").key_id}


def _rule(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    pair = {"agent_from": agents["editor"], "agent_to": agents["copywriter"]}
    return {"rule_id": DelegationRule.objects.create(customer_id="techcorp", effect="deny", reason="No.", **pair).pk}


def _grant(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    assign_perm("invoke_agent", people.carol.user, agents["copywriter"])
    return {"grant_id": AgentGrant.objects.get().pk}


def _finding(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    return {"finding_id": rows.finding(submitted(people.alice)).pk}


def _logged(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    rows.logged(submitted(people.alice))
    return {}


def _canary(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    return {"canary_id": Canary.objects.create(customer_id="techcorp", planted="here").pk}


def _value(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    values_register(customer_id="techcorp", values=["Project Kingfisher"], label="a project", user_id=None)
    return {"value_id": RegisteredValue.objects.get().pk}


def _allowance(people: Cast, agents: dict[str, Agent]) -> dict[str, Any]:
    lasting = {"owner": people.alice.user, "expires_at": timezone.now() + timedelta(days=1)}
    entry = AllowedFinding.objects.create(customer_id="techcorp", kind="email", reason="Ours.", **lasting)
    return {"allowance_id": entry.pk}


PREPARED: dict[str, Prepare] = {
    "audit_delegations_list": _logged,
    "audit_authorizations_list": _logged,
    "audit_leakages_list": _finding,
    "audit_leakages_feedback": _finding,
    "leak_policy_read": _agent,
    "leak_policy_update": _agent,
    "leak_canaries_list": _canary,
    "leak_canaries_create": _agent,
    "leak_canaries_delete": _canary,
    "leak_values_list": _value,
    "leak_values_create": _agent,
    "leak_values_delete": _value,
    "leak_allowances_list": _allowance,
    "leak_allowances_create": _agent,
    "leak_allowances_end": _allowance,
    "tasks_list": _task,
    "tasks_submit": _agent,
    "tasks_read": _task,
    "tasks_execute": _unstarted,
    "tasks_cancel": _task,
    "tasks_delegations": _approval,
    "tasks_events": _task,
    "approvals_list": _approval,
    "approvals_approve": _approval,
    "approvals_reject": _approval,
    "clarifications_list": _question,
    "clarifications_answer": _question,
    "agents_list": _agent,
    "agents_create": _agent,
    "agents_read": _agent,
    "agents_update": _agent,
    "agents_check": _agent,
    "auth_token": _agent,
    "auth_refresh": _agent,
    "auth_logout": _agent,
    "keys_list": _key,
    "keys_create": _key,
    "keys_revoke": _key,
    "rules_list": _rule,
    "rules_create": _rule,
    "rules_delete": _rule,
    "grants_list": _grant,
    "grants_create": _grant,
    "grants_delete": _grant,
}


def test_every_operation_is_tried(schema: dict[str, Any]) -> None:
    names = {operation["operationId"] for path, _, operation in operations(schema) if path.startswith("/api/v1/")}

    assert names == PREPARED.keys()


@pytest.mark.parametrize("name", PREPARED)
def test_its_request_example_works_and_the_answer_is_as_promised(
    *, schema: dict[str, Any], people: Cast, agents: dict[str, Agent], alice: Api, bob: Api, name: str
) -> None:
    path, method, operation = next(each for each in operations(schema) if each[2]["operationId"] == name)
    ids = PREPARED[name](people, agents)
    body = _request_example(operation)
    if name == "auth_refresh":
        # The only example that nobody could have at hand.
        body = {"refresh": Api().post("auth/token", _example_of(schema, "auth_token")).json()["refresh"]}

    # Nobody approves a task of their own.
    send = getattr(bob if path.startswith("/api/v1/approvals") else alice, method)
    response = send(path.format(**ids), body) if body else send(path.format(**ids))

    assert response.status_code in (200, 201), response.content
    promised = media(schema, operation, response.status_code, "application/json")
    errors = [*validator(schema, promised["schema"]).iter_errors(response.json())]
    assert not errors
    assert response.json().keys() == promised["examples"]["Answer"]["value"].keys()


def _request_example(operation: dict[str, Any]) -> Any:
    if "requestBody" not in operation:
        return None
    return operation["requestBody"]["content"]["application/json"]["examples"]["Request"]["value"]


def _example_of(schema: dict[str, Any], name: str) -> Any:
    return next(_request_example(each) for *_, each in operations(schema) if each["operationId"] == name)


@pytest.mark.parametrize(
    ("name", "path"), [("tasks_list", "tasks"), ("approvals_list", "approvals"), ("agents_list", "agents")]
)
def test_what_a_list_holds_is_as_promised_too(
    *, schema: dict[str, Any], people: Cast, agents: dict[str, Agent], bob: Api, name: str, path: str
) -> None:
    waiting_for_approval(submitted(people.alice))
    (first, *_) = bob.get(path).json()["results"]

    operation = next(each for *_, each in operations(schema) if each["operationId"] == name)
    (promised,) = media(schema, operation, 200, "application/json")["examples"]["Answer"]["value"]["results"]
    assert first.keys() == promised.keys()


def test_a_refusal_is_as_promised(schema: dict[str, Any], alice: Api) -> None:
    operation = next(each for *_, each in operations(schema) if each["operationId"] == "tasks_submit")
    response = alice.post("tasks", {})

    promised = media(schema, operation, 400, "application/problem+json")
    assert not [*validator(schema, promised["schema"]).iter_errors(response.json())]
    assert response.json().keys() == promised["examples"]["VALIDATIONERROR"]["value"].keys()
