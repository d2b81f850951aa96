"""The live pages: another customer's task is no task, a form of another site is none, and nobody is nobody."""

from typing import Any

import pytest
from django.test import Client

from audit.models import AuthorizationLog
from security.models import Role
from tests.security.doors.attack import REQUEST_ID, absent_id, address, parameters, seen, statements, tells_of_acme
from tests.security.doors.company import Company, everything, hired
from tests.security.doors.table import LIVE

WITH_IDS = [pattern for pattern in LIVE if parameters(pattern)]


def browser(user: Any = None, **more: Any) -> Client:
    client = Client(headers={"X-Request-ID": REQUEST_ID}, raise_request_exception=False, **more)
    if user is not None:
        client.force_login(user)
    return client


def ask(client: Client, pattern: str, ids: dict[str, Any], **headers: str) -> Any:
    method, form = LIVE[pattern]
    return getattr(client, method)(address(pattern, ids, beneath="/tasks/"), form, headers=headers)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("pattern", WITH_IDS)
def test_anothers_is_as_absent_as_none(tech: Company, acme: Company, pattern: str, role: Role) -> None:
    client = browser(hired(role).user)
    theirs = {name: acme.ids[name] for name in parameters(pattern)}
    warm, none = ({name: absent_id(value) for name, value in theirs.items()} for _ in range(2))
    ask(client, pattern, warm)
    AuthorizationLog.objects.all().delete()
    before, answers, told = everything(customer_id="acmecorp"), [], []
    for ids in (theirs, none):
        with statements() as carried_out:
            answers.append(seen(ask(client, pattern, ids), *ids.values()))
        told.append(carried_out)

    assert answers[0] == answers[1]
    assert answers[0][0] == (404 if parameters(pattern)[0] != "task_id" or role in _may(pattern) else 302)
    assert told[0] == told[1]
    assert everything(customer_id="acmecorp") == before
    refused = AuthorizationLog.objects.filter(authorized=False)
    assert {(row.customer_id, row.request_headers["Door"]) for row in refused} == {("techcorp", "page")}
    assert len(refused) == 2


def _may(pattern: str) -> set[str]:
    return {"owner", "operator"} if pattern.endswith("/cancel/") else set(Role.values)


@pytest.mark.parametrize("pattern", WITH_IDS)
def test_a_hop_or_task_of_anothers_is_not_reached_through_ones_own(tech: Company, acme: Company, pattern: str) -> None:
    names = parameters(pattern)
    if len(names) < 2:
        return
    client = browser(tech.owner.user)
    mixed = [{names[0]: tech.ids[names[0]], names[1]: acme.ids[names[1]]}]
    mixed.append({names[0]: acme.ids[names[0]], names[1]: tech.ids[names[1]]})
    assert {ask(client, pattern, ids).status_code for ids in mixed} == {404}


@pytest.mark.parametrize("pattern", LIVE)
def test_who_has_not_signed_in_is_sent_to_do_so(tech: Company, acme: Company, pattern: str) -> None:
    answers = set()
    for ids in (tech.ids, acme.ids, {name: absent_id(tech.ids[name]) for name in parameters(pattern)}):
        status, headers, body = seen(ask(browser(), pattern, ids), *ids.values())
        answers.add((status, headers["Location"].partition("?")[0], body))
    assert answers == {(302, "/tasks/login/", b"")}


@pytest.mark.parametrize("pattern", [pattern for pattern, (method, _) in LIVE.items() if method == "post"])
def test_a_form_of_another_site_does_nothing(tech: Company, pattern: str) -> None:
    client, before = browser(tech.owner.user, enforce_csrf_checks=True), everything(customer_id="techcorp")
    assert ask(client, pattern, tech.ids).status_code == 403
    assert ask(client, pattern, tech.ids, Origin="https://evil.example").status_code == 403
    assert everything(customer_id="techcorp") == before


@pytest.mark.parametrize("pattern", LIVE)
def test_naming_another_customer_leads_to_nothing(tech: Company, acme: Company, pattern: str) -> None:
    client, before = browser(tech.owner.user), everything(customer_id="techcorp")
    method, form = LIVE[pattern]
    path = address(pattern, tech.ids, beneath="/tasks/")
    attempts = [getattr(client, method)(f"{path}?customer=acmecorp", form)] if pattern != "customer/" else []
    attempts.append(getattr(client, method)(path, {**form, "customer": "acmecorp"}))
    if pattern != "customer/":
        attempts.append(getattr(client, method)(path, form, headers={"X-Customer-ID": "acmecorp"}))

    assert {each.status_code for each in attempts} == {404}
    after = everything(customer_id="techcorp")
    assert {**after, "audit.AuthorizationLog": []} == {**before, "audit.AuthorizationLog": []}
    refused = AuthorizationLog.objects.filter(authorized=False, request_headers__Door="page")
    assert refused.count() == len(attempts)


@pytest.mark.parametrize("show", ["all", "waiting", "running", "ended", "x' OR 1=1"])
def test_lists_and_their_cursors_hold_ones_own_alone(tech: Company, acme: Company, show: str) -> None:
    client = browser(tech.owner.user)
    for query in ({}, {"before": acme.ids["task_id"]}, {"after": acme.ids["task_id"]}, {"before": "x"}):
        page = client.get("/tasks/", {"show": show, **query})
        assert page.status_code in {200, 404}
        assert not tells_of_acme(page.content)


@pytest.mark.parametrize("pattern", [pattern for pattern, (method, _) in LIVE.items() if method == "post"])
def test_a_link_does_nothing(tech: Company, pattern: str) -> None:
    client, path = browser(tech.owner.user), address(pattern, tech.ids, beneath="/tasks/")
    override = {"X-HTTP-Method-Override": "POST"}
    assert client.get(f"{path}?_method=POST", headers=override).status_code == 405
    assert browser().get("/tasks/login/", {"next": "https://evil.example/"}).status_code == 200
