"""The leak detector's pages in the admin: the bench, the choices, the declarations, the judging."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import LeakageLog, LeakFeedback
from security.leak_models import AllowedFinding, Canary, LeakPolicy, RegisteredValue
from security.leak_rules import read_leak_rules
from security.leakage import DetectionType, Finding, Severity
from security.models import Membership
from tests.delegation import rows
from tests.people import PASSWORD, Cast, Person
from tests.security.test_commands import leaky_text

BENCH = "admin:leak_bench"


@pytest.fixture
def root(people: Cast) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", password=PASSWORD))
    return client


@pytest.fixture
def auditor(people: Cast) -> Client:
    """Carol, an auditor of TechCorp."""
    Membership.objects.filter(user=people.carol.user).update(role="auditor")
    return staff(people.carol)


@pytest.fixture
def owner(people: Cast) -> Client:
    """Alice, who owns TechCorp."""
    return staff(people.alice)


def staff(person: Person) -> Client:
    get_user_model().objects.filter(pk=person.user.pk).update(is_staff=True)
    client = Client()
    client.force_login(person.user)
    return client


def finding(people: Cast, customer_id: str = "techcorp", **fields: Any) -> LeakageLog:
    rows.employ("manager", customer_id=customer_id, is_root=True)
    log = rows.logged(rows.submitted(people.alice if customer_id == "techcorp" else people.zoe))[2]
    LeakageLog.objects.filter(pk=log.pk).update(**fields)
    log.refresh_from_db()
    return log


def test_the_bench_points_out_what_it_finds(root: Client, people: Cast) -> None:
    text, key = leaky_text()

    page = root.post(reverse(BENCH), {"customer": "techcorp", "text": f"<b>{text}"})

    shown = page.content.decode()
    assert f'data-severity="critical" title="aws_access_key_id: blocked">{key}<sup>' in shown
    assert 'title="tenant_name: blocked">AcmeCorp<sup>' in shown
    assert "&lt;b&gt;" in shown
    assert "2 findings" in shown
    assert "no-store" in page.headers["Cache-Control"]


def test_the_bench_stores_and_logs_nothing(root: Client, people: Cast, caplog: pytest.LogCaptureFixture) -> None:
    text, key = leaky_text()
    caplog.set_level("DEBUG")
    with CaptureQueriesContext(connection) as queries:
        root.post(reverse(BENCH), {"customer": "techcorp", "text": text})
    assert queries
    assert not any(query["sql"].startswith(("INSERT", "UPDATE", "DELETE")) for query in queries)
    assert key not in str(queries.captured_queries) + caplog.text
    assert not LeakageLog.objects.exists()
    assert not LogEntry.objects.exists()


def test_the_bench_does_not_tell_a_customer_who_else_is_one(auditor: Client, people: Cast) -> None:
    text, key = leaky_text()
    shown = auditor.post(reverse(BENCH), {"customer": "techcorp", "text": text}).content.decode()
    assert f">{key}<sup>" in shown
    assert "AcmeCorp<sup>" not in shown
    assert "that would tell who they are" in shown


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"customer": "techcorp", "text": ""}, "This field is required."),
        ({"customer": "nobody", "text": "x"}, "There is no such customer."),
        ({"customer": "acmecorp", "text": "x"}, "There is no such customer."),
        ({"customer": "tech\0corp", "text": "x"}, "Null characters are not allowed."),
        ({"customer": "techcorp", "text": "x" * 200_001}, "at most 200000 characters"),
    ],
)
def test_the_bench_says_what_is_wrong(auditor: Client, people: Cast, sent: dict[str, str], error: str) -> None:
    page = auditor.post(reverse(BENCH), sent)
    assert page.status_code == 200
    assert error in page.content.decode()


def test_the_bench_and_the_judging_are_for_auditors(people: Cast) -> None:
    client = staff(people.bob)
    log = finding(people)
    assert client.get(reverse(BENCH)).status_code == 403
    assert client.get(reverse("admin:leak_judge", args=[log.pk])).status_code == 403
    assert Client().get(reverse(BENCH)).status_code == 302


def policy_form(**choices: str) -> dict[str, str]:
    return {"customer": "techcorp", "kinds": "{}"} | choices


def choices(page: Any) -> dict[str, str]:
    form = page.context["adminform"].form
    return {name: str(form[name].value()) for name in form.fields if "__" in name}


def test_a_policy_is_chosen_and_the_defaults_are_not_written_down(root: Client, people: Cast) -> None:
    add = reverse("admin:security_leakpolicy_add")
    defaults = choices(root.get(add))
    root.post(
        add, policy_form(**defaults | {"pii_leak__warning": "redacted"}) | {"kinds": '{"person_name": "flagged"}'}
    )
    policy = LeakPolicy.objects.get()
    assert (policy.actions, policy.kinds) == ({"pii_leak": {"warning": "redacted"}}, {"person_name": "flagged"})
    change = root.get(reverse("admin:security_leakpolicy_change", args=["techcorp"]))
    assert choices(change) == defaults | {"pii_leak__warning": "redacted"}
    assert (
        "Personal data warning: redacted" in root.get(reverse("admin:security_leakpolicy_changelist")).content.decode()
    )


@pytest.mark.parametrize(
    ("weak", "kinds"),
    [
        ({"unauthorized_access__high": "flagged"}, "{}"),
        ({"credential_leak__critical": "allowed"}, "{}"),
        ({}, '{"tenant_name": "allowed"}'),
    ],
)
def test_what_nobody_may_weaken_stays_blocked(root: Client, people: Cast, weak: dict[str, str], kinds: str) -> None:
    add = reverse("admin:security_leakpolicy_add")
    root.post(add, policy_form(**choices(root.get(add)) | weak) | {"kinds": kinds})
    policy = read_leak_rules("techcorp", now=timezone.now()).policy
    for case in (DetectionType.TENANT, Severity.HIGH), (DetectionType.CREDENTIAL, Severity.CRITICAL):
        assert policy.action(Finding(case[0], "tenant_name", case[1], 1.0, 0, 1)) == "blocked"


@pytest.mark.parametrize("kinds", ["[]", '{"email": "nonsense"}', '{"": "allowed"}', "{", '{"email": ["allowed"]}'])
def test_choices_for_rules_that_make_no_sense_are_refused(root: Client, people: Cast, kinds: str) -> None:
    add = reverse("admin:security_leakpolicy_add")
    page = root.post(add, policy_form(**choices(root.get(add))) | {"kinds": kinds})
    assert page.status_code == 200
    assert not LeakPolicy.objects.exists()


def test_a_person_chooses_for_the_own_customer_alone(owner: Client, people: Cast) -> None:
    add = reverse("admin:security_leakpolicy_add")
    owner.post(add, policy_form(**choices(owner.get(add))) | {"customer": "acmecorp"})
    assert not LeakPolicy.objects.exists()
    for name in ("leakpolicy", "canary", "registeredvalue", "allowedfinding"):
        assert "AcmeCorp" not in owner.get(reverse(f"admin:security_{name}_add")).content.decode()


def test_a_canary_is_drawn_and_shown(owner: Client, people: Cast) -> None:
    form = {"customer": "techcorp", "planted": "the price list"}
    page = owner.post(reverse("admin:security_canary_add"), form, follow=True).content.decode()
    canary = Canary.objects.get()
    assert (canary.customer_id, canary.created_by) == ("techcorp", people.alice.user)
    assert canary.token in page


def test_values_are_registered_and_never_shown_again(owner: Client, people: Cast) -> None:
    form = {"customer": "techcorp", "label": "projects", "values": "Project Bluebird\r\n\r\nINV-2025-0007\r\n"}
    page = owner.post(reverse("admin:security_registeredvalue_add"), form, follow=True).content.decode()
    assert "Values registered: 2." in page
    for value in RegisteredValue.objects.all():
        page += owner.get(reverse("admin:security_registeredvalue_change", args=[value.pk])).content.decode()
    assert "luebird" not in page
    assert "0007" not in page


@pytest.mark.parametrize("values", ["ab", "one two three four five six seven eight nine", "()", "x" * 201])
def test_a_value_that_cannot_be_looked_for_is_refused(owner: Client, people: Cast, values: str) -> None:
    form = {"customer": "techcorp", "label": "projects", "values": f"Project Bluebird\n{values}"}
    page = owner.post(reverse("admin:security_registeredvalue_add"), form)
    assert "Number 2 cannot be looked for." in page.content.decode()
    assert not RegisteredValue.objects.exists()


def test_something_is_allowed_and_ended(auditor: Client, people: Cast) -> None:
    until = timezone.now() + timedelta(days=3)
    form = {
        "customer": "techcorp", "kind": "email", "value": "press@bluewave.it", "reason": "Our press desk.",
        "expires_at_0": f"{until:%Y-%m-%d}", "expires_at_1": f"{until:%H:%M:%S}",
    }  # fmt: skip
    auditor.post(reverse("admin:security_allowedfinding_add"), form)
    entry = AllowedFinding.objects.get()
    assert (entry.owner, entry.kind, len(entry.fingerprint)) == (people.carol.user, "email", 32)
    assert "bluewave" not in str(AllowedFinding.objects.values())
    assert read_leak_rules("techcorp", now=timezone.now()).allowed.values

    action = {"action": "end_now", "_selected_action": [str(entry.pk)]}
    auditor.post(reverse("admin:security_allowedfinding_changelist"), action)

    assert not read_leak_rules("techcorp", now=timezone.now()).allowed.values
    assert AllowedFinding.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"kind": "tenant_name"}, "never allowed"),
        ({"kind": "", "value": " "}, "Name a rule, a value, or both."),
        ({"expires_at_0": "2020-01-01"}, "within the next 366 days"),
        ({"expires_at_0": "2999-01-01"}, "within the next 366 days"),
    ],
)
def test_what_cannot_be_allowed_is_refused(auditor: Client, people: Cast, wrong: dict[str, str], error: str) -> None:
    until = timezone.now() + timedelta(days=3)
    form = {
        "customer": "techcorp", "kind": "email", "value": "", "reason": "Ours.",
        "expires_at_0": f"{until:%Y-%m-%d}", "expires_at_1": "12:00:00",
    }  # fmt: skip
    page = auditor.post(reverse("admin:security_allowedfinding_add"), form | wrong)
    assert error in page.content.decode()
    assert not AllowedFinding.objects.exists()


def test_a_finding_is_judged_and_the_like_of_it_let_pass(auditor: Client, people: Cast) -> None:
    log = finding(people, metadata={"kind": "github_pat", "field": "result", "fingerprint": "ab" * 16})
    before = LeakageLog.objects.values().get()
    judge = reverse("admin:leak_judge", args=[log.pk])
    said = {"verdict": "false_alarm", "note": "An example.", "allow": "value", "days": "7"}

    auditor.post(judge, said)

    feedback = LeakFeedback.objects.get()
    assert (feedback.verdict, feedback.by, feedback.kind) == ("false_alarm", "carol", "github_pat")
    entry = AllowedFinding.objects.get()
    assert (entry.kind, entry.fingerprint, entry.owner.username) == ("github_pat", "ab" * 16, "carol")
    assert LeakageLog.objects.values().get() == before

    auditor.post(judge, {"verdict": "confirmed", "note": "On second thoughts.", "allow": ""})

    assert LeakFeedback.objects.get().verdict == "confirmed"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"verdict": "confirmed", "note": "x", "allow": "rule", "days": "7"}, "Only what is a false alarm"),
        ({"verdict": "false_alarm", "note": "", "allow": "rule", "days": "7"}, "Say why it may pass."),
        ({"verdict": "false_alarm", "note": "x", "allow": "rule", "days": ""}, "Say for how long."),
        ({"verdict": "maybe"}, "Select a valid choice."),
    ],
)
def test_a_word_that_makes_no_sense_is_refused(auditor: Client, people: Cast, said: dict[str, str], error: str) -> None:
    log = finding(people)
    assert error in auditor.post(reverse("admin:leak_judge", args=[log.pk]), said).content.decode()
    assert not LeakFeedback.objects.exists()
    assert not AllowedFinding.objects.exists()


def test_another_customers_data_can_be_judged_and_never_allowed(auditor: Client, people: Cast) -> None:
    log = finding(people, detection_type="unauthorized_access", metadata={"kind": "tenant_name", "fingerprint": "a"})
    judge = reverse("admin:leak_judge", args=[log.pk])
    assert 'name="allow"' not in auditor.get(judge).content.decode()
    auditor.post(judge, {"verdict": "false_alarm", "note": "x", "allow": "value", "days": "7"})
    assert LeakFeedback.objects.exists()
    assert not AllowedFinding.objects.exists()


def test_another_customers_finding_is_not_there(auditor: Client, people: Cast) -> None:
    log = finding(people, "acmecorp")
    assert auditor.get(reverse("admin:leak_judge", args=[log.pk])).status_code == 404


def test_the_rate_of_false_alarms_is_shown_by_rule(auditor: Client, people: Cast) -> None:
    log = finding(people)
    auditor.post(reverse("admin:leak_judge", args=[log.pk]), {"verdict": "false_alarm"})
    page = auditor.get(reverse("admin:audit_leakfeedback_changelist")).content.decode()
    assert "1 of 1 were false alarms" in page
    assert "100 %" in page
    assert "False Alarm" in auditor.get(reverse("admin:audit_leakagelog_changelist")).content.decode()


def test_an_auditor_looks_and_judges_and_chooses_nothing(auditor: Client, people: Cast) -> None:
    LeakPolicy.objects.create(customer_id="techcorp")
    assert auditor.get(reverse("admin:security_leakpolicy_changelist")).status_code == 200
    assert auditor.get(reverse("admin:security_leakpolicy_add")).status_code == 403
    assert auditor.post(reverse("admin:security_leakpolicy_change", args=["techcorp"]), {}).status_code == 403
    for name in ("canary", "registeredvalue"):
        assert auditor.get(reverse(f"admin:security_{name}_changelist")).status_code == 403
