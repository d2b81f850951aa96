"""The leak detector's pages as an auditor uses them, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.agents import handle
from tests.browser.conftest import PASSWORD, Product
from tests.processes import MANAGE, run

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = f"""
from django.contrib.auth import get_user_model
people = get_user_model().objects
people.filter(username="root").exists() or people.create_superuser("root", password={PASSWORD!r})
"""
KEY = "AKIA" + "QYLPMN5HHHFPZAM2"


@pytest.fixture
def admin(product: Product, chromium: Browser) -> Iterator[Page]:
    """Sign the platform's administrator in; afterwards no page has complained."""
    complaints: list[str] = []
    assert run(MANAGE, "shell", "-c", ROOT, environ=product.environ).returncode == 0
    context = chromium.new_context(base_url=product.address, viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: _note(complaints, said))
    page.goto("/admin/")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
    yield page
    context.close()
    assert complaints == []


def _note(complaints: list[str], said: ConsoleMessage) -> None:
    # The theme's own lists lose a width to the strict policy (docs/adr/0007).
    if said.type == "error" and "Applying inline style" not in said.text:
        complaints.append(said.text)


def test_the_bench_highlights_what_it_finds_and_keeps_nothing(admin: Page) -> None:
    admin.get_by_role("link", name="Test bench").click()
    admin.get_by_label("Customer").fill("techcorp")
    admin.get_by_label("Text").fill(f"The key is {KEY}, says Mr John Miller. <script>alert(1)</script>")
    admin.get_by_role("button", name="Scan").click()

    expect(admin.get_by_role("heading", name="2 findings: an answer like this is blocked")).to_be_visible()
    expect(admin.locator("mark[data-severity=critical]")).to_contain_text(KEY)
    expect(admin.locator("mark[data-severity=info]")).to_contain_text("Mr John Miller")
    expect(admin.get_by_role("row", name="aws_access_key_id")).to_contain_text("blocked")
    admin.goto("/admin/audit/leakagelog/")
    expect(admin.get_by_text("aws_access_key_id")).to_have_count(0)


def test_a_finding_is_judged_and_the_like_of_it_let_pass(product: Product, admin: Page) -> None:
    product.agents.script("manager", handle(f"The example key is {KEY}."))
    sent = run(MANAGE, "submit_task", "techcorp", "Go.", "--watch", environ=product.environ)
    assert "LEAKAGE_DETECTED" in sent.stdout + sent.stderr

    admin.goto("/admin/audit/leakagelog/")
    admin.get_by_role("link", name="Judge", exact=True).click()
    expect(admin.locator(".leak-text")).to_contain_text("[REDACTED:aws_access_key_id]")
    admin.get_by_label("False Alarm").check()
    admin.get_by_label("Note").fill("A documented example.")
    admin.get_by_label("From now on let pass").select_option("value")
    admin.get_by_role("button", name="Put on record").click()
    expect(admin.get_by_text("Thank you: it is on record. The like of it passes.")).to_be_visible()

    admin.get_by_role("link", name="Judged findings").click()
    expect(admin.get_by_role("img", name="1 of 1 were false alarms")).to_be_visible()
    expect(admin.get_by_role("row", name="aws_access_key_id").first).to_contain_text("100 %")
    admin.get_by_role("link", name="Allow-list").click()
    expect(admin.get_by_text("aws_access_key_id: one value")).to_be_visible()


def test_a_policy_is_chosen(product: Product, admin: Page) -> None:
    admin.goto("/admin/security/leakpolicy/add/")
    admin.locator("[name=customer]").select_option("techcorp")
    expect(admin.locator("[name=unauthorized_access__high]")).to_be_disabled()
    admin.locator("[name=pii_leak__warning]").select_option("redacted")
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.get_by_text("Personal data warning: redacted")).to_be_visible()
    text = Path(product.environ["A2A_VAR_DIR"]) / "answer.txt"
    text.write_text("mail maria.rossi@bluewave.it", encoding="utf-8")
    found = run(MANAGE, "scan_text", str(text), "--customer", "techcorp", "--json", environ=product.environ)
    assert json.loads(found.stdout)["action_taken"] == "redacted"
