"""What a person sees and does on the live pages, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.agents import Slow, ask, delegate, handle, parallel
from tests.browser.conftest import Product, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = "<img src=x onerror=alert(1)> is the slogan"


def submit(page: Page, message: str) -> None:
    page.goto("/tasks/")
    if not page.get_by_label("What should be done?").is_visible():
        page.get_by_text("New task").click()
    page.get_by_label("What should be done?").fill(message)
    page.get_by_role("button", name="Submit task").click()
    page.wait_for_url(re.compile(r"/tasks/[0-9a-f-]{36}/$"))


def stays_where_it_is(page: Page) -> None:
    page.evaluate("window.sameDocument = true")


def test_a_task_is_submitted_answered_and_approved_as_it_grows(product: Product, visit: Visit) -> None:
    split = parallel(
        ("copywriter", "A slogan"), ("payments-officer", "Pay it"), reason="Words and money.", confidence=0.9
    )
    product.agents.script("manager", [split, handle("All is done.", reason="Both came back.")])
    product.agents.script("copywriter", [ask("Who is the audience?", "Customers", "Press"), handle(EVIL, reason=EVIL)])
    product.agents.script("payments-officer", [handle("Paid.", usage={"cost_usd": 0.0123})])
    page = visit("alice")
    submit(page, "A slogan, and pay the printer.")
    stays_where_it_is(page)

    expect(page.locator(".connection")).to_have_text("Live")
    expect(page.locator("[data-task=status]")).to_have_text("Needs input")
    manager = page.locator(".hop-card").first
    expect(manager).to_contain_text("Split between copywriter, payments-officer")
    expect(manager).to_contain_text("confidence 90 %")
    expect(manager).to_contain_text("Words and money.")
    expect(page.locator("[data-waiting-text]")).to_have_text("2 questions for a person")

    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("alert").filter(has_text="Choose an option")).to_be_visible()
    page.get_by_label("Press").check()
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator(".hop-card").filter(has_text="continued · 2").filter(has_text="copywriter")).to_contain_text(
        EVIL
    )

    expect(page.get_by_text("This is your own task: you may reject, but somebody else approves.")).to_be_visible()
    colleague = visit("bob")
    colleague.goto(page.url)
    colleague.get_by_label("Comment").fill("It is in the budget.")
    colleague.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("bob approved: It is in the budget.")).to_be_visible()
    expect(page.locator("[data-task=status]")).to_have_text("Completed")
    expect(page.locator("[data-task=result]")).to_have_text("All is done.")
    expect(page.locator("[data-task=cost]")).to_have_text("$0.0123")
    expect(page.get_by_role("button", name="Cancel task")).to_be_hidden()
    assert page.evaluate("window.sameDocument")
    assert page.locator("img[src=x]").count() == 0

    grown = page.locator("[data-tree]").inner_text()
    page.reload()
    assert _without_times(page.locator("[data-tree]").inner_text()) == _without_times(grown)


def _without_times(text: str) -> str:
    return re.sub(r"[\d.]+ s\b", "", text)


def test_the_page_goes_on_where_it_was_after_the_server_was_away(product: Product, visit: Visit) -> None:
    product.agents.script("manager", [delegate("payments-officer", reason="It costs money.")])
    product.agents.script("payments-officer", [handle("Paid after all.")])
    page = visit("bob")
    owner = visit("alice")
    submit(owner, "Pay the printer.")
    page.goto(owner.url)
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    stays_where_it_is(page)
    page.get_by_label("Comment").fill("Still here")

    product.restart()

    expect(page.locator(".connection")).to_have_text("Live", timeout=40_000)
    expect(page.get_by_label("Comment")).to_have_value("Still here")
    page.get_by_role("button", name="Approve").click()
    for each in (page, owner):
        expect(each.locator("[data-task=result]")).to_have_text("Paid after all.", timeout=40_000)
        assert each.locator(".hop").count() == 2
    assert page.evaluate("window.sameDocument")


def test_the_list_tells_of_what_others_do(product: Product, visit: Visit) -> None:
    product.agents.script("manager", [Slow(1.5, handle("Slowly done."))])
    watching, working = visit("carol"), visit("alice")
    expect(watching.locator(".connection")).to_have_text("Live")
    stays_where_it_is(watching)

    submit(working, "Seen from afar.")

    row = watching.locator(".task-row").filter(has_text="Seen from afar.")
    expect(row.locator(".status")).to_have_text("Working")
    expect(row.locator(".status")).to_have_text("Completed", timeout=10_000)
    assert watching.evaluate("window.sameDocument")


def test_a_task_is_canceled_from_its_page(product: Product, visit: Visit) -> None:
    product.agents.script("manager", [ask("Are you sure?")])
    page = visit("alice")
    submit(page, "Never mind.")
    expect(page.get_by_role("button", name="Send answer")).to_be_visible()

    page.get_by_role("button", name="Cancel task").click()

    expect(page.locator("[data-task=status]")).to_have_text("Canceled")
    expect(page.get_by_role("button", name="Send answer")).to_be_hidden()


def test_a_viewer_has_no_button_that_fails(product: Product, visit: Visit) -> None:
    product.agents.script("manager", [ask("Which colour?", "Red", "Blue")])
    owner, viewer = visit("alice"), visit("carol")
    submit(owner, "Paint it.")
    expect(viewer.get_by_text("New task")).to_have_count(0)

    viewer.goto(owner.url)

    expect(viewer.get_by_text("Which colour?")).to_be_visible()
    assert viewer.locator("main").get_by_role("button").count() == 0


def test_it_works_without_scripts(product: Product, visit: Visit) -> None:
    product.agents.script("manager", [ask("Which colour?", "Red", "Blue"), handle("Painted red.")])
    page = visit("alice", java_script_enabled=False)
    submit(page, "Paint the shed.")
    _reload_until(page, ".question", "Which colour?")

    page.get_by_label("Red").check()
    page.get_by_role("button", name="Send answer").click()

    _reload_until(page, "[data-task=result]", "Painted red.")


def _reload_until(page: Page, place: str, text: str) -> None:
    for _ in range(50):
        if page.locator(place).filter(has_text=text).is_visible():
            return
        page.wait_for_timeout(100)
        page.reload()
    raise AssertionError(page.locator("main").inner_text())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_telephone(product: Product, visit: Visit, scheme: str) -> None:
    product.agents.script("manager", [delegate("copywriter", reason="w" * 300), handle("x")])
    product.agents.script("copywriter", [ask("Which of these many colours?", "Red", "o" * 120)])
    page = visit("alice", viewport={"width": 375, "height": 700}, color_scheme=scheme)
    _fits(page)
    submit(page, "Long" * 60)
    expect(page.get_by_role("button", name="Send answer")).to_be_visible()
    _fits(page)


def _fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_it_can_be_worked_by_keyboard(product: Product, visit: Visit) -> None:
    product.agents.script("manager", [ask("Which colour?", "Red", "Blue"), handle("Painted blue.")])
    page = visit("alice")
    page.get_by_text("New task").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Paint the fence.")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Send answer")).to_be_visible()

    page.get_by_label("Red").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Send answer"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")

    expect(page.locator("[data-task=result]")).to_have_text("Painted blue.")
    expect(page.locator("[data-announcer]")).to_contain_text("Task: Completed")
