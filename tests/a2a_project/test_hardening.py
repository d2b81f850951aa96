"""What a browser is told, and how plain HTTP is met, by an installation and by a newcomer's own machine."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client

from tests.people import PASSWORD, Cast
from tests.processes import MANAGE, embedded_environment, read_until, run, running

PRODUCTION = {
    "DATABASE_URL": "postgres://a2a@127.0.0.1/a2a",
    "SECRET_KEY": "Zq3-v8Yw_pR5tX1mB7nK0sLd9fGh2jUc4eVa6iOy8rTw3xQz5bNm",
    "ALLOWED_HOSTS": "agents.example",
}
PAGES = ["/tasks/", "/tasks/login/", "/admin/", "/admin/delegation/agent/", "/api/docs/", "/api/v1/tasks", "/nothing/"]
INLINE = re.compile(r"<(style|script)\b([^>]*)>(.*?)</\1>", re.DOTALL)


@pytest.fixture
def root(people: Cast) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", password=PASSWORD))
    return client


def directives(answer: Any) -> dict[str, list[str]]:
    parts = [part.split() for part in answer["Content-Security-Policy"].split(";")]
    return {name: sources for name, *sources in parts}


def served(answer: Any) -> str:
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


def test_djangos_own_checks_for_production_have_nothing_to_say(tmp_path: Path) -> None:
    checked = run(
        MANAGE, "check", "--deploy", "--fail-level", "INFO", environ=embedded_environment(tmp_path, **PRODUCTION)
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "no issues (0 silenced)" in checked.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_says_what_may_run_and_who_may_frame_it(root: Client, page: str) -> None:
    answer = root.get(page, follow=True)

    policy = directives(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
    assert "*" not in answer["Content-Security-Policy"]
    assert ("'unsafe-eval'" in answer["Content-Security-Policy"]) == page.startswith("/admin/")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]


@pytest.mark.parametrize("page", [*PAGES, "/admin/security/customer/techcorp/change/", "/admin/delegation/task/"])
def test_no_page_holds_a_script_or_a_style_that_its_policy_forbids(root: Client, page: str) -> None:
    answer = root.get(page, follow=True)
    text = served(answer)

    for tag, attributes, content in INLINE.findall(text):
        if (tag == "script" and "src=" in attributes) or 'type="application/json"' in attributes:
            continue
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in directives(answer)[f"{tag}-src"], (tag, content[:200])
    assert re.findall(r"\son[a-z]+=\"", text) == []
    assert re.findall(r"[^:\w-]style=\"", text) == []


@pytest.fixture
def safe(settings: Any) -> Any:
    """The settings of an installation that is reached over TLS."""
    settings.A2A_HTTPS = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_SSL_REDIRECT = settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.ALLOWED_HOSTS = ["agents.example", "127.0.0.1", "localhost"]
    return settings


def at(host: str, path: str, *, secure: bool = False, method: str = "get") -> HttpResponse:
    answer: HttpResponse = getattr(Client(headers={"host": host}), method)(path, secure=secure)
    return answer


@pytest.mark.django_db
def test_plain_http_is_led_to_https(safe: Any) -> None:
    led = at("agents.example", "/tasks/login/?next=/tasks/")
    assert (led.status_code, led["Location"]) == (301, "https://agents.example/tasks/login/?next=/tasks/")
    posted = at("agents.example", "/api/v1/tasks", method="post")
    assert (posted.status_code, posted["Location"]) == (308, "https://agents.example/api/v1/tasks")
    assert at("evil.example", "/tasks/login/").status_code == 400


@pytest.mark.django_db
def test_over_https_cookies_are_for_https_alone_and_the_browser_stays_there(safe: Any) -> None:
    page = at("agents.example", "/tasks/login/", secure=True)

    assert page.status_code == 200
    assert page["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert page.cookies["csrftoken"]["secure"]
    assert page.cookies["csrftoken"]["httponly"]


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "localhost:8000"])
def test_the_machine_itself_is_served_as_it_asks(safe: Any, host: str) -> None:
    page = at(host, "/tasks/login/")

    assert page.status_code == 200
    assert not page.cookies["csrftoken"]["secure"]
    assert not page.has_header("Strict-Transport-Security")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_need_no_tls(safe: Any, path: str) -> None:
    assert at("agents.example", path).status_code == 200


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"A2A_ENCRYPTION_KEYS": "short"}, "A2A_ENCRYPTION_KEYS must be different texts"),
        ({"A2A_ENCRYPTION_KEYS": ",".join(["k" * 40] * 2)}, "A2A_ENCRYPTION_KEYS must be different texts"),
        ({"A2A_PUBLIC_URL": "agents.example"}, "A2A_PUBLIC_URL must begin with https://"),
        ({"A2A_HTTPS": "perhaps"}, "A2A_HTTPS must be 1 or 0"),
        ({"A2A_HSTS_SECONDS": "long", "A2A_HTTPS": "1"}, "A2A_HSTS_SECONDS must be a number"),
    ],
)
def test_a_setting_of_safety_that_makes_no_sense_stops_the_start(
    tmp_path: Path, more: dict[str, str], said: str
) -> None:
    refused = run(MANAGE, "check", environ=embedded_environment(tmp_path, **more))

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"settings: {said}")
    assert refused.stderr.count("\n") == 1


@pytest.mark.embedded
@pytest.mark.parametrize(("proxies", "status"), [("127.0.0.1", 200), ("10.0.0.0/8", 301)])
def test_a_proxys_word_counts_where_it_is_trusted(tmp_path: Path, proxies: str, status: int) -> None:
    more = {"A2A_HTTPS": "1", "ALLOWED_HOSTS": "agents.example", "A2A_TRUSTED_PROXIES": proxies}
    with running(MANAGE, "up", "--port", "0", environ=embedded_environment(tmp_path, **more)) as up:
        address = read_until(up, "Serving on ").split()[2]
        said = {"Host": "agents.example", "X-Forwarded-Proto": "https"}
        answer = httpx.get(f"{address}tasks/login/", headers=said)

    assert answer.status_code == status
    assert ("secure" in answer.headers.get("set-cookie", "").lower()) == (status == 200)
