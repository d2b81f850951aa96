"""Nothing answers anywhere that the tables do not name, so that a new address comes with its attacks."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from a2a_project.asgi import BodyLimit, PooledHandler, application
from delegation.live.routing import websockets
from tests.security.doors.attack import client_of, parameters, seen
from tests.security.doors.company import Company
from tests.security.doors.schema import in_the_schemas_words, operations
from tests.security.doors.table import (
    ADMIN,
    ADMIN_MODEL_PAGES,
    ADMIN_PAGES,
    LIVE,
    LIVE_OPEN,
    NOT_YET,
    OPEN,
    PUBLIC,
    REST,
    WEBSOCKETS,
)


def patterns(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for each in resolver.url_patterns:
        whole = before + str(each.pattern)
        if isinstance(each, URLPattern):
            yield whole
        else:
            yield from patterns(each, whole)


def named_in_the_tables() -> Iterator[str]:
    yield from PUBLIC
    for _, pattern in [*REST, *OPEN]:
        yield from (f"api/v1/{pattern}", f"api/v1/{pattern}/")
    yield from (f"tasks/{pattern}" for pattern in [*LIVE, *LIVE_OPEN])
    yield from (f"admin/{pattern}" for pattern in ADMIN_PAGES)
    yield from (f"admin/{app}/{model}/{page}" for app, model in ADMIN for page in ADMIN_MODEL_PAGES)


def test_every_http_address_stands_in_a_table() -> None:
    assert set(patterns(get_resolver())) == set(named_in_the_tables())


def test_the_schema_and_the_addresses_name_the_same_operations(schema: dict[str, Any]) -> None:
    promised = set(operations(schema))
    assert promised == {(method, in_the_schemas_words(pattern)) for method, pattern in {*REST, *OPEN}}


def test_each_address_answers_to_the_methods_in_the_table_and_no_others() -> None:
    for _, pattern in {*REST, *OPEN}:
        view = get_resolver().resolve(f"/api/v1/{_sample(pattern)}").func.cls  # type: ignore[attr-defined]
        methods = {name for name in view.http_method_names if hasattr(view, name)} - {"head", "options"}
        assert methods == {method for method, other in {*REST, *OPEN} if other == pattern}, pattern


def _sample(pattern: str) -> str:
    for name in parameters(pattern):
        pattern = pattern.replace(f"<uuid:{name}>", "0199a1b2-0000-7000-8000-000000000001")
    return pattern


def test_each_id_in_an_address_is_of_something_that_both_companies_have(tech: Company, acme: Company) -> None:
    named = {name for _, pattern in REST for name in parameters(pattern)}
    named |= {name for pattern in LIVE for name in parameters(pattern)}
    assert named <= tech.ids.keys()
    assert named <= acme.ids.keys()
    assert not [name for name in named if tech.ids[name] == acme.ids[name]]


def test_each_model_of_ours_is_attacked_in_the_admin() -> None:
    assert {(model._meta.app_label, model._meta.model_name) for model in admin.site._registry} == ADMIN.keys()
    ours = {model for app in ("audit", "security", "delegation") for model in apps.get_app_config(app).get_models()}
    assert ours <= admin.site._registry.keys()


def test_each_page_of_the_admin_names_a_test_that_there_is() -> None:
    tree = ast.parse((Path(__file__).parent / "test_admin.py").read_text(encoding="utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert set(ADMIN_PAGES.values()) <= tests


def test_every_websocket_stands_in_the_table() -> None:
    router: Any = websockets
    while not hasattr(router, "routes"):
        router = router.inner
    assert {str(route.pattern) for route in router.routes} == WEBSOCKETS


def test_nothing_is_mounted_beside_django_and_the_websockets() -> None:
    mapping = application.application_mapping  # type: ignore[attr-defined]
    assert mapping.keys() == {"http", "websocket", "lifespan"}
    assert type(mapping["http"]) is BodyLimit
    assert type(mapping["http"]._application) is PooledHandler
    assert mapping["websocket"] is websockets


@pytest.mark.django_db
@pytest.mark.parametrize("path", NOT_YET)
def test_what_is_not_there_yet_answers_like_nothing(path: str) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {}}
    for method, sent in (("get", {}), ("post", {"data": call, "content_type": "application/json"})):
        here, nothing = (getattr(client_of(), method)(each, **sent) for each in (path, "/nothing/at/all"))
        assert seen(here) == seen(nothing)
        assert here.status_code == 404
