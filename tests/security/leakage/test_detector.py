"""What the platform relies on: the interface of the contract, offsets, severities, and that each kind is found."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from security.leakage import DetectionType, Detector, Severity, Tenant
from tests.security.leakage.samples import fill


def found(detector: Detector, text: str, customer_id: str = "techcorp") -> list[tuple[str, str]]:
    findings = detector.scan(text, customer_id=customer_id)
    return [(finding.kind, text[finding.start : finding.end]) for finding in findings]


def test_it_imports_without_django() -> None:
    code = "import sys, security.leakage; sys.exit('django' in sys.modules)"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_it_reports_type_severity_confidence_and_place(detector: Detector) -> None:
    password = fill("<a-z:4><0-9:4><A-Z:4>")
    text = f"The root password for staging is {password}."
    (finding,) = detector.scan(text, customer_id="techcorp")
    assert finding.detection_type is DetectionType.CREDENTIAL
    assert finding.severity is Severity.HIGH
    assert 0 < finding.confidence <= 1
    assert text[finding.start : finding.end] == password


def test_it_counts_offsets_in_letters_and_not_in_bytes(detector: Detector) -> None:
    assert found(detector, "Größe 🙂 — schreib an maria.rossi@bluewave.it 🙂") == [("email", "maria.rossi@bluewave.it")]


def test_it_survives_lone_surrogates(detector: Detector) -> None:
    assert found(detector, "\ud800 maria.rossi@bluewave.it \udfff") == [("email", "maria.rossi@bluewave.it")]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "maria.rossi@bluewave.it"),
        ("phone", "+44 20 7123 4567"),
        ("phone", "(212) 736-5000"),
        ("credit_card", "5425 2334 3010 9911"),
        ("iban", "GB94 BARC 1020 1530 0934 59"),
        ("us_ssn", "536-22-8726"),
        ("uk_nino", "JK 72 19 35 B"),
        ("ip_address", "93.184.215.14"),
        ("es_dni", "45673254S"),
        ("br_cpf", "390.533.447-05"),
        ("crypto_address", "0x8ba1f109551bD432803012645Ac136ddd64DBA72"),
    ],
)
def test_it_finds_personal_data_whose_form_or_check_digit_is_right(detector: Detector, kind: str, value: str) -> None:
    assert found(detector, f"as noted: {value}, thanks") == [(kind, value)]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("uk_nhs", "NHS number 943 476 5919", "943 476 5919"),
        ("passport", "her passport number is C01X00T47", "C01X00T47"),
        ("pl_pesel", "PESEL: 44051401359", "44051401359"),
        ("nl_bsn", "BSN 111222333", "111222333"),
        ("ca_sin", "SIN 130 692 544", "130 692 544"),
    ],
)
def test_it_finds_numbers_that_a_word_before_them_names(detector: Detector, kind: str, text: str, value: str) -> None:
    assert found(detector, text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1111 is for tests",
        "card 5425 2334 3010 9912 fails its check",
        "IBAN DE00 3704 0044 0532 0130 00",
        "write to user@example.com or noreply@github.com",
        "10.1.2.3, 192.168.1.1, 172.16.0.9, 127.0.0.1 and 203.0.113.7",
        "upgrade to version 10.0.19.4",
        "SSN 000-12-3456 is never issued, 078-05-1120 is famous",
        "call +1 555 0100",
    ],
)
def test_it_leaves_examples_and_wrong_check_digits_alone(detector: Detector, text: str) -> None:
    assert found(detector, text) == []


@pytest.mark.parametrize(
    "template",
    [
        "DB_PASSWORD={}",
        'password: "{}"',
        '{{"password": "{}"}}',
        '{{\\"password\\": \\"{}\\"}}',
        "- name: DB_PASSWORD\n  value: {}",
        '<add key="DbPassword" value="{}"/>',
        "<password>{}</password>",
        "| User | Password |\n|---|---|\n| app | {} |",
        "user,password\napp,{}",
        'variable "db_password" {{\n  default = "{}"\n}}',
        "mysql -u root -p{} -h db",
        "curl -u admin:{} https://db",
        "the admin password is {} since Monday",
        "{} is the new password",
        "Credentials: admin / {}",
        "lea: what's the password?\ntom: {}",
        "Das Passwort lautet {}",
    ],
)
def test_it_finds_a_password_however_it_is_told(detector: Detector, template: str) -> None:
    password = fill("<a-z:3><0-9:3><A-Z:4>!<a-z:3>")
    text = template.format(password)
    findings = detector.scan(text)
    assert any(text[finding.start : finding.end] == password for finding in findings), findings


@pytest.mark.parametrize(
    "text",
    [
        "password: ${DB_PASSWORD}",
        "API_KEY=<your-api-key>",
        "api_key = os.environ['API_KEY']",
        "The token has expired at 2025-11-03T12:00:00Z.",
        "max_tokens: 4096, total tokens 1523",
        "password must have 12 characters, a digit and a symbol",
        "aws_access_key_id = " + "AKIA" + "IOSFODNN7EXAMPLE",
        "postgres://user:password@localhost:5432/app",
        "The primary key is order_id2 and the cache key user:12:profile",
        "secretKeyRef: {name: db-credentials, key: password}",
    ],
)
def test_it_leaves_placeholders_references_and_talk_of_secrets_alone(detector: Detector, text: str) -> None:
    assert found(detector, text) == []


def test_it_merges_what_overlaps_into_one_finding(detector: Detector) -> None:
    token = fill("ghp_<A-Za-z0-9:36>")
    text = f"GITHUB_TOKEN={token}"
    (finding,) = detector.scan(text)
    assert (finding.kind, text[finding.start : finding.end]) == ("github_pat", token)


def test_a_checksum_that_is_wrong_lowers_the_severity(detector: Detector) -> None:
    (finding,) = detector.scan(fill("ghp_<A-Za-z0-9:36>"))
    assert finding.severity is Severity.WARNING


def test_a_customer_sees_its_own_name(cache_dir: object) -> None:
    detector = Detector(tenants=[Tenant("acme", "Acme"), Tenant("acmelabs", "Acme Labs")])
    assert found(detector, "Acme Labs grows", "acmelabs") == []
    assert found(detector, "Acme Labs grows", "acme") == [("tenant_name", "Acme Labs")]
