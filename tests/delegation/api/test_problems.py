import json
import logging
from typing import Any

import orjson
import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from django.urls import path
from django.utils.module_loading import import_string
from rest_framework import exceptions
from rest_framework.request import Request

from a2a_project import urls as project_urls
from delegation.api.problems import PROBLEM_TYPE, translate
from delegation.api.rendering import MAX_DEPTH
from delegation.api.views.door import Door
from delegation.errors import AgentUnavailable
from delegation.models import Agent, Task
from security.errors import PlatformError, RateLimitExceeded
from tests.delegation.api.conftest import Api
from tests.people import Cast

FIELDS = {"type", "title", "status", "detail", "success", "error", "message", "request_id"}
SECRET = "postgres://admin:hunter2@db.internal/a2a"


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check that it is one, with the code, and return its body."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == PROBLEM_TYPE
    body: dict[str, Any] = response.json()
    assert body.keys() >= FIELDS
    assert (body["status"], body["error"], body["success"]) == (status, code, False)
    assert body["type"] == f"/docs/errors#{code}"
    assert body["message"] == body["detail"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    return body


class Raising:
    """Serve /api/raise, which raises what the test says."""

    error: Exception


@pytest.fixture
def raising(settings: Any) -> type[Raising]:
    class Raise(Door):
        authentication_classes = ()
        permission_classes = ()

        def get(self, request: Request) -> None:
            raise Raising.error

    class Urls:
        urlpatterns = [path("api/raise", Raise.as_view()), *project_urls.urlpatterns]
        handler500 = project_urls.handler500

    settings.ROOT_URLCONF = Urls
    return Raising


@pytest.mark.parametrize("address", ["/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/tasks", "/api/x/y/z"])
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options"])
def test_an_unknown_address_is_not_found_by_any_method(db: None, address: str, method: str) -> None:
    response = getattr(Client(), method)(address)

    assert_problem(response, 404, "NOT_FOUND")


def test_other_addresses_keep_their_pages(db: None) -> None:
    response = Client().get("/nothing")

    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("debug", [True, False])
def test_debug_changes_nothing_beneath_api(db: None, settings: Any, debug: bool) -> None:
    settings.DEBUG = debug

    assert_problem(Client().get("/api/v1/nothing"), 404, "NOT_FOUND")


def test_a_method_that_is_not_there_names_those_that_are(alice: Api) -> None:
    response = alice.patch("tasks", {})

    assert_problem(response, 405, "METHOD_NOT_ALLOWED")
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/*;q=0.5", "application/json;q=0", ""])
def test_who_takes_no_json_is_told_in_json(alice: Api, accept: str) -> None:
    assert_problem(alice.get("tasks", Accept=accept), 406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/problem+json",
        "text/html, */*;q=0.8",
        "application/*",
        "Application/JSON",
    ],
)
def test_who_takes_json_gets_it(alice: Api, accept: str) -> None:
    assert alice.get("tasks", Accept=accept).status_code == 200


def test_no_credential_and_how_to_send_one(db: None) -> None:
    response = Api().get("tasks")

    body = assert_problem(response, 401, "AUTH_FAILED")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="a2a"'
    assert "Bearer" in body["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_json_is_not_read(people: Cast, content_type: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {people.alice.token}"})

    response = client.post("/api/v1/tasks", b'{"message": "Write."}', content_type=content_type)

    assert_problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"])
def test_json_by_any_of_its_names_is_read(people: Cast, agents: dict[str, Agent], content_type: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {people.alice.token}"})

    response = client.post("/api/v1/tasks", b'{"message": "Write."}', content_type=content_type)

    assert response.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"message",
        b'{"message": "a\0b"}',
        b'{"message": "a\\u0000b"}',
        b'{"message": "x", "metadata": {"deep": [{"k\\u0000": 1}]}}',
        b'{"message": "\\ud800"}',
        b'{"message": "\\udfff!"}',
        b'{"message": "\xff\xfe"}',
        b'{"message": "\xed\xa0\x80"}',
        b'{"message": "x", "metadata": {"n": NaN}}',
        b'{"message": "x", "metadata": {"n": Infinity}}',
        b'{"message": "x", "metadata": {"n": 1e999}}',
        b'\xef\xbb\xbf{"message": "x"}',
        b'{"message": "x", "metadata": {"n": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}}",
        b'{"message": "x", "metadata": ' + b'{"n":' * 500 + b"1" + b"}" * 501,
        b"[" * 100_000,
        b"[1, 2]",
        b'"text"',
        b"null",
        b"7",
    ],
    ids=lambda body: repr(body[:50]),
)
def test_malformed_json_is_a_validation_error(people: Cast, agents: dict[str, Agent], body: bytes) -> None:
    client = Client(headers={"Authorization": f"Bearer {people.alice.token}"})

    response = client.post("/api/v1/tasks", body, content_type="application/json")

    assert_problem(response, 400, "VALIDATION_ERROR")
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "message", ["\\u0000 written out", "😀 \U0010ffff", "\u202e\u200b", "'; DROP TABLE tasks; --", "{{7*7}}", "a\r\nb"]
)
def test_a_strange_but_storable_message_comes_back_as_it_was(
    alice: Api, agents: dict[str, Agent], message: str
) -> None:
    metadata = {"depth": json.loads("[" * (MAX_DEPTH - 3) + "]" * (MAX_DEPTH - 3)), "big": 2**63, message: message}

    made = alice.post("tasks", {"message": message, "metadata": metadata})

    assert made.status_code == 201
    read = alice.get(f"tasks/{made.json()['task_id']}").json()
    assert (read["message"], read["metadata"]) == (message, metadata)


@pytest.mark.parametrize("size", [settings.DATA_UPLOAD_MAX_MEMORY_SIZE, 10 * 1024 * 1024])
def test_a_body_that_is_too_large_is_refused(alice: Api, agents: dict[str, Agent], size: int) -> None:
    response = alice.post("tasks", {"message": "x" * size})

    assert_problem(response, 413, "PAYLOAD_TOO_LARGE")


def test_a_message_that_is_too_long_is_refused(alice: Api, agents: dict[str, Agent]) -> None:
    response = alice.post("tasks", {"message": "x" * (settings.A2A_MESSAGE_MAX_BYTES + 1)})

    assert_problem(response, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("error", [RuntimeError(SECRET), KeyError(SECRET), PlatformError(internal=SECRET)])
def test_a_crash_tells_the_client_nothing_and_the_log_everything(
    db: None, raising: type[Raising], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    raising.error = error
    with caplog.at_level(logging.INFO):
        response = Client(raise_request_exception=False).get("/api/raise")

    assert_problem(response, 500, "INTERNAL_ERROR")
    assert "hunter2" not in response.content.decode()
    assert "hunter2" in caplog.text


def test_a_database_that_is_away_is_not_our_crash(db: None, raising: type[Raising]) -> None:
    raising.error = OperationalError(SECRET)

    response = Client().get("/api/raise")

    body = assert_problem(response, 503, "SERVICE_UNAVAILABLE")
    assert body["retryable"] is True
    assert "hunter2" not in response.content.decode()


def test_too_many_requests_say_when_to_come_back(db: None, raising: type[Raising]) -> None:
    raising.error = RateLimitExceeded(retry_after_seconds=12.2, policy='"tasks";q=1000;w=86400')

    response = Client().get("/api/raise")

    assert_problem(response, 429, "RATE_LIMIT_EXCEEDED")
    assert response.headers["Retry-After"] == "13"
    assert response.headers["RateLimit-Policy"] == '"tasks";q=1000;w=86400'
    assert response.headers["RateLimit"] == '"tasks";r=0;t=13'


def test_an_agent_that_asked_for_patience_is_quoted(db: None, raising: type[Raising]) -> None:
    raising.error = AgentUnavailable(retry_after_seconds=3)

    assert Client().get("/api/raise").headers["Retry-After"] == "3"


def test_a_host_that_is_not_ours_is_refused_in_json(db: None) -> None:
    assert_problem(Client().get("/api/v1/tasks", headers={"Host": "evil.example"}), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("handler", ["handler400", "handler403", "handler404", "handler500"])
def test_each_handler_of_django_tells_the_api_in_json_and_people_in_html(rf: Any, handler: str) -> None:
    refuse = import_string(getattr(project_urls, handler))
    arguments = () if handler == "handler500" else (ValueError(SECRET),)

    api = refuse(rf.get("/api/v1/tasks"), *arguments)
    page = refuse(rf.get("/tasks/"), *arguments)

    assert api.headers["Content-Type"] == PROBLEM_TYPE
    assert orjson.loads(api.content)["success"] is False
    assert "hunter2" not in api.content.decode()
    assert page.headers["Content-Type"].startswith("text/html")


def test_the_frameworks_own_errors_have_their_places() -> None:
    assert translate(exceptions.Throttled(wait=7)).code == "RATE_LIMIT_EXCEEDED"
    assert translate(exceptions.PermissionDenied()).status == 403
    assert translate(exceptions.ParseError()).code == "VALIDATION_ERROR"
    nested = exceptions.ValidationError({"a": {"b": ["wrong", "bad"]}, "non_field_errors": ["odd"]})
    assert translate(nested).detail == "a.b: wrong a.b: bad; odd"


@pytest.mark.parametrize("given", ["abc-1", "0199a1b2-0000-7000-8000-000000000001", "trace:1/2.3=4@x+y_z", "x" * 128])
def test_a_sane_request_id_is_kept(db: None, given: str) -> None:
    response = Api().get("tasks", X_Request_ID=given)

    assert response.headers["X-Request-ID"] == response.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", "line\nbreak", "<script>", "é", '"quoted"'])
def test_a_request_id_that_is_not_sane_is_replaced(db: None, given: str) -> None:
    response = Api().get("tasks", X_Request_ID=given)

    made = response.headers["X-Request-ID"]
    assert made == response.json()["request_id"] != given
    assert len(made) == 36


def test_the_request_id_is_in_the_log(db: None, raising: type[Raising], caplog: pytest.LogCaptureFixture) -> None:
    raising.error = RuntimeError("broken")

    Client().get("/api/raise", headers={"X-Request-ID": "find-me"})

    assert "find-me" in caplog.text
