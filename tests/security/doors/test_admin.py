"""The admin: another customer's row is no row, on any screen, in any filter, choice or action."""

import itertools
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from audit.models import AuthorizationLog
from security.models import Role
from tests.security.doors.attack import REQUEST_ID, absent_id, seen, statements, tells_of_acme
from tests.security.doors.company import Company, everything, hired
from tests.security.doors.table import ADDS, ADMIN, ADMIN_MODEL_PAGES, ADMIN_PAGES

ROW_PAGES = [page for page in ADMIN_MODEL_PAGES if "object_id" in page]
MODELS = [f"{app}.{model}" for app, model in ADMIN]


@pytest.fixture
def staff(tech: Company) -> Client:
    """An owner of TechCorp who may come into the admin."""
    return signed_in(Role.OWNER)


def signed_in(role: Role) -> Client:
    client = Client(headers={"X-Request-ID": REQUEST_ID}, raise_request_exception=False)
    client.force_login(hired(role).user)
    return client


def beneath(model: str, page: str, pk: object = "") -> str:
    return f"/admin/{model.replace('.', '/')}/{page.replace('<path:object_id>', str(pk))}"


def acmes_pk(acme: Company, model: str) -> Any:
    """Return the key of AcmeCorp's row, or of one that belongs to the installation."""
    row = acme.rows.get(model)
    return row.pk if row is not None else 1


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
@pytest.mark.parametrize("model", MODELS)
def test_anothers_row_is_as_absent_as_none(tech: Company, acme: Company, model: str, role: Role) -> None:
    client, theirs = signed_in(role), acmes_pk(acme, model)
    client.get(beneath(model, "<path:object_id>/change/", absent_id(theirs)))
    AuthorizationLog.objects.all().delete()
    before = everything(customer_id="acmecorp")
    pages = [*ROW_PAGES, *(["<path:object_id>/password/"] if model == "auth.user" else [])]
    for page, method in itertools.product(pages, ("get", "post")):
        answers, told = [], []
        for pk in (theirs, absent_id(theirs)):
            with statements() as carried_out:
                status, headers, body = seen(getattr(client, method)(beneath(model, page, pk), {"post": "yes"}))
            answers.append((status, {**headers, "Location": headers.get("Location", "").replace(str(pk), "ID")}, body))
            told.append(carried_out)
        assert answers[0][0] in {302, 403, 404}, page
        assert answers[0] == answers[1], (page, method)
        assert told[0] == told[1], (page, method)
        assert not tells_of_acme(answers[0][2])
    assert everything(customer_id="acmecorp") == before
    refused = AuthorizationLog.objects.filter(authorized=False)
    assert {(row.customer_id, row.request_headers["Door"]) for row in refused} == {("techcorp", "admin")}


@pytest.mark.parametrize("role", Role)
def test_no_screen_tells_of_another_customer(tech: Company, acme: Company, role: Role) -> None:
    client = signed_in(role)
    paths = [beneath(model, page) for model in MODELS for page in ("", "add/", "?q=acmecorp", "?customer=acmecorp")]
    paths += [f"/admin/{app}/" for app in ("audit", "security", "auth", "delegation")]
    paths += ["/admin/", "/admin/search/?s=a", "/admin/search/?s=a&extended=1", "/admin/security/membership/roles/"]
    for path in [*paths, "/admin/nothing/"]:
        page = client.get(path)
        assert page.status_code in {200, 302, 403, 404}, path
        assert not tells_of_acme(page.content, besides=path), path


@pytest.mark.parametrize("model", [model for model in MODELS if "owner" in ADMIN[tuple(model.split("."))].split()])  # type: ignore[index]
def test_no_lookup_reaches_through_a_relation(staff: Client, acme: Company, model: str) -> None:
    kind = apps.get_model(model)
    paths = {field.name for field in kind._meta.get_fields()}
    plain = staff.get(beneath(model, ""))
    assert plain.status_code == 200
    for name in paths:
        for lookup in ("customer__name__startswith", "customer_id", "user__password__startswith", "password"):
            page = staff.get(beneath(model, ""), {f"{name}__{lookup}": "acmecorp"})
            assert page.status_code in {200, 302, 400}, (name, lookup)
            assert not tells_of_acme(page.content, besides="acmecorp")
    for secret in {"digest", "token_digest", "password_mark", "password", "sealed_credential"} & paths:
        page = staff.get(beneath(model, ""), {f"{secret}__startswith": "a"})
        assert page.status_code in {302, 400}, secret


@pytest.mark.parametrize("model", MODELS)
def test_no_action_reaches_anothers_rows(staff: Client, acme: Company, model: str) -> None:
    before, row = everything(customer_id="acmecorp"), acmes_pk(acme, model)
    for action in ("delete_selected", "cancel", "revoke", "check_now", "end", *dict(_actions(model))):
        sent = {"action": action, "_selected_action": [str(row)], "post": "yes", "select_across": "1"}
        assert staff.post(beneath(model, ""), sent).status_code in {200, 302, 403}
    assert everything(customer_id="acmecorp") == before


def _actions(model: str) -> list[tuple[str, Any]]:
    screen = admin.site.get_model_admin(apps.get_model(model))
    return [(name, action) for action, name, _ in screen._get_base_actions()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", [f"{app}.{model}" for app, model in ADDS])
def test_no_form_takes_another_customer(staff: Client, acme: Company, model: str) -> None:
    before = everything(customer_id="acmecorp")
    fields = {field.name: str(acmes_pk(acme, field.related_model._meta.label_lower)) for field in _relations(model)}
    form = {
        "customer": "acmecorp",
        "content_object": str(acme.ids["agent_id"]),
        "reason": "x",
        "agent_type": "intruder",
    }
    page = staff.post(beneath(model, "add/"), {**fields, **form, "kind": "email", "days": "3", "planted": "x"})
    assert page.status_code in {200, 302, 403}
    assert everything(customer_id="acmecorp") == before


def _relations(model: str) -> list[Any]:
    return [field for field in apps.get_model(model)._meta.concrete_fields if field.is_relation]


def test_autocomplete_offers_nothing_of_another_customer(staff: Client, acme: Company) -> None:
    for model in MODELS:
        app, _, name = model.partition(".")
        for field in _relations(model):
            for term in ("", "a", "zoe", "acme", "quince"):
                asked = {"app_label": app, "model_name": name, "field_name": field.name, "term": term}
                answer = staff.get("/admin/autocomplete/", asked)
                assert answer.status_code in {200, 403}, asked
                assert not tells_of_acme(answer.content, besides=term), asked


def test_no_redirect_tells_which_rows_there_are(staff: Client, acme: Company) -> None:
    for label, row in acme.rows.items():
        kind = ContentType.objects.get_for_model(apps.get_model(label)).pk
        told, answers = [], []
        for pk in (absent_id(row.pk), row.pk, absent_id(row.pk)):
            with statements() as carried_out:
                answers.append(seen(staff.get(f"/admin/r/{kind}/{pk}/")))
            told.append(carried_out)
        assert answers[1] == answers[2]
        assert answers[1][0] == 404
        assert told[1] == told[2]
        assert staff.get(f"/admin/r/{kind}/nonsense/").status_code == 404, label


def test_judging_anothers_finding_is_judging_nothing(staff: Client, acme: Company) -> None:
    before, theirs = everything(customer_id="acmecorp"), acme.ids["finding_id"]
    for method in ("get", "post"):
        answers, told = [], []
        for finding in (absent_id(theirs), theirs, absent_id(theirs)):
            with statements() as carried_out:
                answers.append(seen(getattr(staff, method)(f"/admin/leaks/{finding}/judge/", {"verdict": "confirmed"})))
            told.append(carried_out)
        assert answers[1] == answers[2]
        assert answers[1][0] == 404
        assert told[1] == told[2]
    assert everything(customer_id="acmecorp") == before


def test_the_bench_knows_of_no_other_customer(staff: Client, acme: Company) -> None:
    said = []
    for customer in ("acmecorp", "acmecorq"):
        page = staff.post("/admin/leaks/bench/", {"customer": customer, "text": "A word to Acme Corp."})
        assert page.status_code == 200
        said.append("There is no such customer." in page.content.decode())
    assert said == [True, True]
    own = staff.post("/admin/leaks/bench/", {"customer": "techcorp", "text": "A word to Quux Corp and to Nuthatch."})
    assert "unauthorized" not in own.content.decode()


@pytest.mark.django_db
def test_who_has_not_signed_in_gets_no_further_than_the_login(acme: Company, tech: Company) -> None:
    paths = [beneath(model, page, acmes_pk(acme, model)) for model in MODELS for page in ADMIN_MODEL_PAGES]
    paths += [f"/admin/{page}" for page in ADMIN_PAGES if not {"<", "^", "("} & set(page)]
    open_to_all = {"/admin/login/", "/admin/logout/", "/admin/jsi18n/"}
    carol = Client()
    carol.force_login(hired(Role.VIEWER, username="no-staff").user)
    type(hired(Role.VIEWER, username="other").user).objects.filter(username="no-staff").update(is_staff=False)
    for client in (Client(), carol):
        for path in set(paths) - open_to_all:
            for method in ("get", "post"):
                answer = getattr(client, method)(path)
                assert answer.status_code == 302, path
                assert answer.headers["Location"].startswith("/admin/login/?next="), path
        for path in open_to_all:
            assert not tells_of_acme(client.get(path).content)
