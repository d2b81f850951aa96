"""The commands about customers and leaks."""

import io
import json
import random
import string
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from security.leak_services import policy_choose
from security.models import Customer, Membership
from security.services import principal_of_api_key
from tests.people import Cast

OWNER = ("--owner", "olivia", "--password", "a-long-pass-word")


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_a_customer_is_created_with_its_names_its_owner_and_a_key() -> None:
    names = ("--name", "Globex", "--alias", "Globex Corp", "--alias", "GBX", "--domain", "globex.example")
    created = json.loads(printed("create_customer", "globex", *names, *OWNER))
    assert (created["customer_id"], created["username"]) == ("globex", "olivia")
    customer = Customer.objects.get(pk="globex")
    assert (customer.aliases, customer.domains) == (["Globex Corp", "GBX"], ["globex.example"])
    assert principal_of_api_key(created["api_key"], now=timezone.now()).role == "owner"
    assert Membership.objects.get(customer=customer).user.check_password("a-long-pass-word")


@pytest.mark.django_db
def test_it_runs_again_harmlessly() -> None:
    first = json.loads(printed("create_customer", "globex", "--name", "Globex", *OWNER))
    second = json.loads(printed("create_customer", "globex", "--name", "Globex Inc", *OWNER))
    assert first["api_key"] != second["api_key"]
    assert Customer.objects.get().name == "Globex Inc"
    assert Membership.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["Bad Slug", "a/b", ""])
def test_what_is_no_slug_is_refused_in_a_line(slug: str) -> None:
    with pytest.raises(CommandError) as refused:
        printed("create_customer", slug, "--name", "Globex", *OWNER)
    assert "\n" not in str(refused.value)
    assert not Customer.objects.exists()


def leaky_text() -> tuple[str, str]:
    """Return a text with a made-up key and another customer's name, and the key."""
    # Joined here, so that nothing in the repository looks like a live key.
    key = "AKIA" + "".join(random.choices(string.ascii_uppercase + "234567", k=16))
    return f"Schlüssel {key}, agreed with AcmeCorp.", key


@pytest.mark.django_db
def test_a_scan_prints_an_object_for_each_finding(people: Cast, tmp_path: Path) -> None:
    text, key = leaky_text()
    (tmp_path / "answer.txt").write_text(text, encoding="utf-8")
    lines = printed("scan_text", str(tmp_path / "answer.txt"), "--customer", "techcorp", "--json").splitlines()
    found = {text[finding["start"] : finding["end"]]: finding for finding in map(json.loads, lines)}
    assert found[key]["detection_type"] == "credential_leak"
    assert found[key]["severity"] == "critical"
    assert 0 < found[key]["confidence"] <= 1
    assert found[key]["action_taken"] == "blocked"
    assert found["AcmeCorp"]["detection_type"] == "unauthorized_access"


@pytest.mark.django_db
def test_a_customers_own_name_is_no_finding(people: Cast, tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_text("AcmeCorp grows.")
    assert printed("scan_text", str(tmp_path / "answer.txt"), "--customer", "acmecorp", "--json") == ""


@pytest.mark.django_db
def test_the_words_for_people_do_not_repeat_the_secret(people: Cast, tmp_path: Path) -> None:
    text, key = leaky_text()
    (tmp_path / "answer.txt").write_text(text, encoding="utf-8")
    said = printed("scan_text", str(tmp_path / "answer.txt"), "--customer", "techcorp")
    assert "aws_access_key_id (credential_leak, critical" in said
    assert key not in said


@pytest.mark.django_db
def test_a_scan_needs_a_customer_and_a_text_that_are_there(people: Cast) -> None:
    with pytest.raises(CommandError, match="there is no customer 'nobody'"):
        printed("scan_text", "/etc/hostname", "--customer", "nobody")
    with pytest.raises(CommandError, match="/no/such cannot be read: No such file"):
        printed("scan_text", "/no/such", "--customer", "techcorp")


@pytest.mark.django_db
def test_a_scan_follows_the_customers_policy(people: Cast, tmp_path: Path) -> None:
    policy_choose(customer_id="techcorp", actions={"pii_leak": {"warning": "redacted"}}, kinds={})
    (tmp_path / "answer.txt").write_text("mail maria.rossi@bluewave.it")
    (line,) = printed("scan_text", str(tmp_path / "answer.txt"), "--customer", "techcorp", "--json").splitlines()
    assert json.loads(line)["action_taken"] == "redacted"


@pytest.mark.django_db
@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00\x80", b"\x00" * 100])
def test_an_empty_or_binary_file_is_scanned_like_any_other(people: Cast, tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "answer").write_bytes(raw)
    assert printed("scan_text", str(tmp_path / "answer"), "--customer", "techcorp", "--json") == ""
    assert printed("scan_text", str(tmp_path / "answer"), "--customer", "techcorp") == "Nothing found.\n"


@pytest.mark.django_db
def test_a_folder_is_no_text(people: Cast, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: Is a directory"):
        printed("scan_text", str(tmp_path), "--customer", "techcorp")


@pytest.mark.django_db
def test_values_are_registered_and_a_canary_planted(people: Cast, tmp_path: Path) -> None:
    values = tmp_path / "values"
    values.write_text("Project Bluebird\n\nINV-2025-0007\n")
    registered = printed("register_values", "acmecorp", str(values), "--label", "projects")
    assert json.loads(registered) == {"added": 2, "known": 0}
    planted = json.loads(printed("plant_canary", "acmecorp", "the price list"))
    text = tmp_path / "answer.txt"
    text.write_text(f"project bluebird, {planted['token']}")
    kinds = [
        json.loads(line)["kind"]
        for line in printed("scan_text", str(text), "--customer", "techcorp", "--json").splitlines()
    ]
    assert kinds == ["tenant_registered_value", "tenant_canary"]


@pytest.mark.django_db
def test_what_cannot_be_registered_is_refused_in_a_line(people: Cast, tmp_path: Path) -> None:
    (tmp_path / "values").write_text("ab")
    with pytest.raises(CommandError, match="number 1 cannot be looked for"):
        printed("register_values", "acmecorp", str(tmp_path / "values"), "--label", "x")
    with pytest.raises(CommandError, match="no customer 'nobody'"):
        printed("plant_canary", "nobody", "x")
    with pytest.raises(CommandError, match="1 to 200 characters"):
        printed("plant_canary", "acmecorp", " ")
