"""The product in a process of its own, agents over real HTTP, and a real browser in front of them."""

import json
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.agents import AgentServer
from tests.processes import MANAGE, embedded_environment, read_until, run, running

PASSWORD = "espresso-in-the-morning"
SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-features=LocalNetworkAccessChecks"
).split()
HIRE = """
from django.contrib.auth import get_user_model
from delegation.models import Agent
from security.models import Membership
for name, role in (("bob", "approver"), ("carol", "viewer")):
    user = get_user_model().objects.create_user(name, password={password!r})
    Membership.objects.create(user=user, customer_id="techcorp", role=role)
for number, kind in enumerate(("manager", "copywriter", "payments-officer")):
    Agent.objects.create(customer_id="techcorp", ve_id=f"ve-{{number}}", agent_type=kind, name=kind.title(),
        seniority="manager" if number == 0 else "senior", endpoint_url={url!r}.replace("KIND", kind),
        is_root=number == 0, requires_approval=kind == "payments-officer")
"""


@dataclass(frozen=True, slots=True)
class Product:
    """A running installation. ``restart`` kills it and starts it again at the same address."""

    address: str
    agents: AgentServer
    restart: Callable[[], None]
    environ: dict[str, str]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    environ = embedded_environment(tmp_path_factory.mktemp("installation"), A2A_ALLOWED_AGENT_HOSTS="127.0.0.1")
    with AgentServer() as agents:
        starts = _starts(environ)
        address = next(starts)
        owner = ["techcorp", "--name", "TechCorp", "--owner", "alice", "--password", PASSWORD]
        assert json.loads(run(MANAGE, "create_customer", *owner, environ=environ).stdout)["api_key"]
        hired = run(MANAGE, "shell", "-c", HIRE.format(password=PASSWORD, url=agents.url("KIND")), environ=environ)
        assert hired.returncode == 0, hired.stderr
        yield Product(address=address, agents=agents, restart=lambda: _again(starts, address), environ=environ)
        starts.close()


def _starts(environ: dict[str, str]) -> Generator[str, None, None]:
    """Give the address of the product as it starts; each further step ends it and starts it anew."""
    port = "0"
    while True:
        with running(MANAGE, "up", "--port", port, environ=environ) as up:
            address = read_until(up, "Serving on ").removeprefix("Serving on ").split()[0].rstrip("/")
            port = address.rpartition(":")[2]
            yield address


def _again(starts: Iterator[str], address: str) -> None:
    assert next(starts) == address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        # A newcomer's machine need not have a browser; where every change is judged it must.
        missing = "the browser tests need chromium (Debian: apt-get install chromium)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=SWITCHES)
        yield browser
        browser.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(product: Product, chromium: Browser) -> Iterator[Visit]:
    """Sign a person in and open the list of tasks; afterwards no page has complained, nor its content policy."""
    complaints: list[str] = []
    contexts = []

    def signed_in(person: str, **options: Any) -> Page:
        context = chromium.new_context(base_url=product.address, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: _note(complaints, said))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto("/tasks/")
        page.get_by_label("User name").fill(person)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/tasks/")
        return page

    yield signed_in
    for context in contexts:
        context.close()
    assert complaints == []


def _note(complaints: list[str], said: Any) -> None:
    # A connection that is lost, or a request that is refused, is the browser's own remark.
    if said.type == "error" and "WebSocket" not in said.text and "Failed to load resource" not in said.text:
        complaints.append(said.text)
