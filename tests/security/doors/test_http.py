"""Beneath the addresses: dressed-up paths, other methods, headers twice, scrapers, and what every 429 says."""

import socket
from typing import Any

import pytest
from django.test import Client

from security.limiting import forget_terms
from tests.people import PASSWORD, Cast
from tests.security.doors.attack import absent_id, address, client_of, parameters, seen, send, tells_of_acme
from tests.security.doors.company import Company
from tests.security.doors.schema import Operation
from tests.security.doors.table import OPEN, REST
from tests.web import WebServer

WITH_IDS = [operation for operation in REST if parameters(operation[1])]
DISGUISES = (
    "{own}/../{theirs}", "{own}/..%2f{theirs}", "{own}%2f..%2f{theirs}", "%2e%2e/{theirs}", "./{theirs}", "/{theirs}",
    "{theirs}%00", "{theirs}.json", "{theirs};x=1", "{upper}", "{bare}", "{theirs}%20", "{theirs}%0d%0aX: y",
    "{{{theirs}}}", "urn:uuid:{theirs}", "{own},{theirs}", "{own}/{theirs}", "*", "%25",
)  # fmt: skip


@pytest.mark.parametrize("operation", WITH_IDS, ids=" ".join)
def test_no_disguise_of_an_address_reaches_anothers_row(tech: Company, acme: Company, operation: Operation) -> None:
    method, pattern = operation
    name = parameters(pattern)[0]
    own, theirs = str(tech.ids[name]), str(acme.ids[name])
    client = client_of(tech.owner)
    for disguise in DISGUISES:
        ids = {"own": own, "theirs": theirs, "upper": theirs.upper(), "bare": theirs.replace("-", "")}
        path = address(pattern, {name: disguise.format(**ids)})
        answer = send(client, method, path, {})
        assert answer.status_code == 404, path
        assert not tells_of_acme(answer.content), path
    for path in (f"//api/v1/{pattern}", f"/API/V1/{pattern}", f"/api/v1//{pattern}", f"/api//v1/{pattern}"):
        assert send(client, method, address(path, acme.ids, beneath=""), {}).status_code == 404, path


@pytest.mark.parametrize("operation", WITH_IDS, ids=" ".join)
def test_no_other_method_tells_more(tech: Company, acme: Company, operation: Operation) -> None:
    method, pattern = operation
    client = client_of(tech.owner)
    theirs = {name: acme.ids[name] for name in parameters(pattern)}
    none = {name: absent_id(value) for name, value in theirs.items()}
    for other in ("PUT", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "GET", "HEAD", "POST", "PATCH", "DELETE", "get"):
        answers = [
            seen(client.generic(other, address(pattern, ids), b"{}", content_type="application/json"), *ids.values())
            for ids in (theirs, none)
        ]
        assert answers[0] == answers[1], other
        assert answers[0][0] in {400, 403, 404, 405}, other
    for header in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        path = address(pattern, theirs)
        assert send(client, method, path, {}, headers={header: "GET"}).status_code in {400, 404}
        assert client.get(f"{path}?_method={method}", headers={header: method.upper()}).status_code in {404, 405}


def spoken(web: WebServer, *lines: str) -> tuple[int, str]:
    """Send the lines as they stand, and return the status and the whole answer."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as raw:
        raw.sendall("\r\n".join([*lines, "Host: localhost", "Connection: close", "", ""]).encode("latin-1"))
        answer = b"".join(iter(lambda: raw.recv(65536), b"")).decode(errors="replace")
    return int(answer.split()[1]), answer


@pytest.mark.django_db(transaction=True)
def test_headers_that_come_twice_or_in_other_letters(web: WebServer, people: Cast) -> None:
    token, other = people.alice.token, people.zoe.token
    asked, mine = "GET /api/v1/tasks HTTP/1.1", f"Authorization: Bearer {token}"

    assert spoken(web, asked, mine)[0] == 200
    assert spoken(web, asked, mine, f"Authorization: Bearer {other}")[0] == 401
    assert spoken(web, asked, mine, "X-Customer-ID: techcorp", "X-Customer-ID: acmecorp")[0] == 404
    assert spoken(web, asked, mine, "x-cUsToMeR-iD: acmecorp")[0] == 404
    assert spoken(web, asked, "X-API-Key: a", "X-API-Key: b")[0] == 401
    # With an underscore it is another header, which nobody reads.
    assert spoken(web, asked, f"X_API_Key: {people.zoe.api_key}")[0] == 401
    for forwarded in ("X-Original-URL: /admin/", "X-Rewrite-URL: /admin/", "X-Forwarded-Prefix: /admin"):
        status, answer = spoken(web, asked, mine, forwarded)
        assert (status, "admin" in answer.partition("\r\n\r\n")[2]) == (200, False)
    smuggled = "GET /api/v1/agents HTTP/1.1\r\nHost: localhost\r\n\r\n"
    sent = ["POST /api/v1/tasks HTTP/1.1", mine, "Content-Length: 4", "Transfer-Encoding: chunked"]
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as raw:
        raw.sendall("\r\n".join([*sent, "Host: localhost", "Connection: close", "", "0", "", smuggled]).encode())
        assert b"results" not in b"".join(iter(lambda: raw.recv(65536), b""))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "acmecorp.localhost", "", "localhost:80@evil"]
)
def test_a_host_that_is_not_ours_is_refused(web: WebServer, people: Cast, host: str) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as raw:
        raw.sendall(f"GET /api/v1/tasks HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert b" 400 " in b"".join(iter(lambda: raw.recv(65536), b"")).partition(b"\r\n")[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("meta", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "10.1.2.3"}, 200),
        ({"REMOTE_ADDR": "fd00::1"}, 200),
        ({"REMOTE_ADDR": "8.8.8.8"}, 404),
        ({"REMOTE_ADDR": "2a00:1450::1"}, 404),
        ({"REMOTE_ADDR": ""}, 404),
        ({"REMOTE_ADDR": "10.1.2.3", "HTTP_X_FORWARDED_FOR": "10.9.9.9"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=10.9.9.9"}, 404),
    ],
)
def test_counts_of_all_customers_are_for_scrapers_from_within(meta: dict[str, Any], status: int) -> None:
    assert Client().get("/metrics", **meta).status_code == status


@pytest.mark.django_db
def test_a_scraper_from_elsewhere_shows_a_token(settings: Any, acme: Company) -> None:
    settings.A2A_METRICS_TOKEN = "t0ken"
    outside: dict[str, Any] = {"REMOTE_ADDR": "8.8.8.8", "HTTP_X_FORWARDED_FOR": "8.8.8.8"}
    allowed = Client().get("/metrics", **outside, headers={"Authorization": "Bearer t0ken"})
    assert allowed.status_code == 200
    assert tells_of_acme(allowed.content)
    for shown in ("", "Bearer t0ke", "Bearer t0kenx", "t0ken", "Bearer é"):
        refused = Client().get("/metrics", headers={"Authorization": shown})
        assert (refused.status_code, tells_of_acme(refused.content)) == (404, [])


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/.well-known/jwks.json", "/docs/errors", "/api/schema/", "/api/docs/"]
)
def test_what_is_for_anybody_tells_of_nobody(tech: Company, acme: Company, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 200
    assert not tells_of_acme(answer.content)
    assert "techcorp" not in answer.content.decode() or path.startswith("/api/")  # the examples' customer


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("A2A_HTTP_ADDRESS_REQUESTS_PER_MINUTE", "/api/v1/tasks"),
        ("A2A_HTTP_ADDRESS_REQUESTS_PER_MINUTE", "/tasks/"),
        ("A2A_HTTP_REQUESTS_PER_MINUTE", "/api/v1/tasks"),
        ("A2A_LOGIN_ATTEMPTS_PER_MINUTE", "/api/v1/auth/token"),
        ("A2A_LOGIN_FAILURES", "/api/v1/auth/token"),
        ("A2A_LOGIN_ADDRESS_FAILURES", "/api/v1/auth/token"),
        ("A2A_LOGIN_FAILURES", "/tasks/login/"),
        ("A2A_LOGIN_FAILURES", "/admin/login/"),
        ("A2A_LIMIT_CUSTOMER_TASKS_PER_DAY", "post /api/v1/tasks"),
    ],
)
def test_every_429_says_which_limit_and_when_to_come_back(
    settings: Any, tech: Company, setting: str, path: str
) -> None:
    client = client_of(tech.owner)
    setattr(settings, setting, 1)
    forget_terms()
    kind, _, path = path.rpartition(" ")
    for _ in range(4):
        if kind:
            answer = send(client, "post", path, {"message": "Write."})
        elif path.endswith("token"):
            answer = send(client, "post", path, {"username": "alice", "password": "wrong"})
        elif path.endswith("login/"):
            answer = Client().post(path, {"username": "alice", "password": f"not {PASSWORD}"})
        else:
            answer = client.get(path)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    policy, standing = answer.headers["RateLimit-Policy"], answer.headers["RateLimit"]
    assert policy.split(";")[0] == standing.split(";")[0]
    assert "r=0" in standing
    assert f"t={answer.headers['Retry-After']}" in standing


def test_each_open_address_is_counted_as_a_login(settings: Any, people: Cast) -> None:
    settings.A2A_LOGIN_ATTEMPTS_PER_MINUTE = 1
    for method, pattern in OPEN:
        body = {"username": "nobody", "password": "x", "refresh": "x"}
        answers = [send(client_of(), method, f"/api/v1/{pattern}", body).status_code for _ in range(2)]
        assert answers[-1] == 429, pattern
