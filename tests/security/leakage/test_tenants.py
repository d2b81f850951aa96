"""Another customer's names, domains, identifiers and canaries, in every spelling; near misses stay quiet."""

from __future__ import annotations

import time

import pytest

from security.leakage import DetectionType, Detector, Tenant, registered_digest


def leaked(detector: Detector, text: str, customer_id: str = "techcorp") -> list[str]:
    findings = detector.scan(text, customer_id=customer_id)
    return [text[f.start : f.end] for f in findings if f.detection_type is DetectionType.TENANT]


@pytest.mark.parametrize(
    "spelling",
    [
        "AcmeCorp",
        "ACMECORP",
        "acme corp",
        "Acme-Corp",
        "acme_corp",
        "Acme\nCorp",
        "Acme Corp",
        "Acme  Corp",
        "Ac\u200bme Corp",
        "Аcme Cоrp",
        "Ａｃｍｅ Ｃｏｒｐ",
        "A c m e C o r p",
        "acme-corp.com",
        "cust_acme_01",
        "CUST-ACME-01",
        "cnry-7f3a9b2c4d",
    ],
)
def test_it_finds_another_customer_in_every_spelling(detector: Detector, spelling: str) -> None:
    assert leaked(detector, f"as we did for {spelling}, last year") == [spelling]


@pytest.mark.parametrize(
    "text",
    [
        "Acme Corporation",
        "acmecorps",
        "the acme of corporate life",
        "myacme-corp.com",
        "cust_acme_011",
        "xcust_acme_01",
        "Acme. Corp tax",
        "Acme, Corp",
        "Acne Corp",
        "macmecorp",
    ],
)
def test_it_leaves_near_misses_alone(detector: Detector, text: str) -> None:
    assert leaked(detector, f"about {text} today") == []


def test_a_customer_may_read_of_itself(detector: Detector) -> None:
    assert leaked(detector, "AcmeCorp, acme-corp.com, cust_acme_01", "acmecorp") == []


def test_the_index_follows_changes_of_customers(detector: Detector) -> None:
    more = detector.with_tenants(put=[Tenant("zenith", "Zenith Robotics")])
    assert leaked(more, "Zenith Robotics and AcmeCorp") == ["Zenith Robotics", "AcmeCorp"]
    renamed = more.with_tenants(put=[Tenant("acmecorp", "Roadrunner Supplies")])
    assert leaked(renamed, "AcmeCorp or Roadrunner Supplies") == ["Roadrunner Supplies"]
    assert leaked(renamed.with_tenants(removed=["zenith"]), "Zenith Robotics") == []
    assert leaked(detector, "Zenith Robotics") == []


def test_a_flood_of_ones_own_name_hides_nobody(detector: Detector) -> None:
    assert "AcmeCorp" in leaked(detector, "TechCorp " * 300 + "AcmeCorp")


def test_a_change_is_cheap_among_many_customers(detector: Detector) -> None:
    many = detector.with_tenants(put=[Tenant(f"customer{n}", f"Company {n} Holding") for n in range(20_000)])
    begun = time.perf_counter()
    changed = many.with_tenants(put=[Tenant("late", "Latecomer Industries")])
    assert time.perf_counter() - begun < 0.5
    assert leaked(changed, "Latecomer Industries, Company 17 Holding") == ["Latecomer Industries", "Company 17 Holding"]


def test_it_finds_values_that_another_customer_registered(detector: Detector) -> None:
    digests = frozenset({registered_digest("Project Bluebird"), registered_digest("INV-2025-0007")})
    knowing = detector.with_tenants(put=[Tenant("zenith", "Zenith Robotics", registered=digests)])
    assert leaked(knowing, "about project  bluebird and inv-2025-0007.") == ["project  bluebird", "inv-2025-0007"]
    assert leaked(knowing, "about Project Bluebird", "zenith") == []
    assert leaked(knowing, "about project bluebirds") == []
