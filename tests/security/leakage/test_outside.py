"""The bars, on corpora that were written without looking at the rules."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from benchmarks.leakage.outside import clean, credentials, disguises, fresh, near, personal, tenants
from benchmarks.leakage.samples import Sample
from security.leakage import DetectionType, Detector, Finding, Severity

COUNT = 250
Answers = Callable[[random.Random, int], list[Sample]]


@pytest.fixture(scope="module")
def informed(detector: Detector) -> Detector:
    return detector.with_tenants(
        put=(*(each for each in tenants.TENANTS if each.name != "AcmeCorp"), *fresh.TENANTS), removed=("techcorp",)
    )


def alarms(detector: Detector, text: str, own: str) -> list[Finding]:
    return [found for found in detector.scan(text, own) if found.severity is not Severity.INFO]


@pytest.mark.parametrize(
    ("answers", "own", "kind", "bar"),
    [
        (credentials.answers, tenants.OWN, DetectionType.CREDENTIAL, 0.93),
        (fresh.credential_answers, fresh.OWN, DetectionType.CREDENTIAL, 0.93),
        (personal.answers, tenants.OWN, DetectionType.PERSONAL, 0.97),
        (fresh.personal_answers, fresh.OWN, DetectionType.PERSONAL, 0.97),
        (disguises.answers, tenants.OWN, None, 0.80),
        (fresh.evasion_answers, fresh.OWN, None, 0.80),
        (tenants.answers, tenants.OWN, DetectionType.TENANT, 0.97),
        (fresh.tenant_answers, fresh.OWN, DetectionType.TENANT, 0.99),
    ],
)
def test_it_finds_what_others_hid(
    informed: Detector, answers: Answers, own: str, kind: DetectionType | None, bar: float
) -> None:
    missed = [
        sample.form
        for sample in answers(random.Random(71), COUNT)
        for leak in sample.leaks
        if not any(
            found.start < leak.end and leak.start < found.end and kind in (None, found.detection_type)
            for found in alarms(informed, sample.text, own)
        )
    ]
    assert len(missed) <= COUNT * (1 - bar), missed


@pytest.mark.parametrize(("answers", "own"), [(clean.answers, tenants.OWN), (fresh.clean_answers, fresh.OWN)])
def test_it_does_not_cry_wolf_at_what_others_hold_for_clean(informed: Detector, answers: Answers, own: str) -> None:
    alarmed = [sample.text for sample in answers(random.Random(72), 4 * COUNT) if alarms(informed, sample.text, own)]
    assert len(alarmed) <= 4 * COUNT * 0.004, alarmed


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("As agreed with Target, the margin is 14 %.", True),
        ("Target asked for the same report.", True),
        ("customer=target&status=active", True),
        ("Our target for the quarter is 14 %.", False),
        ("Target groups were asked in March.", False),
    ],
)
def test_a_customer_named_after_an_everyday_word_is_told_from_the_word(
    informed: Detector, text: str, is_named: bool
) -> None:
    assert bool(alarms(informed, text, tenants.OWN)) is is_named


@pytest.mark.parametrize(
    "text",
    ["“AcmeCorp” asked", "CAFÉ LUNA", "Cafe\u0301 Luna", "與AcmeCorp合作", "Quill and Feather", "ZenithPay renewed"],
)
def test_names_are_found_among_any_marks_and_in_other_spellings(informed: Detector, text: str) -> None:
    assert alarms(informed, text, tenants.OWN)


def names(informed: Detector, sample: Sample) -> bool:
    return any(found.detection_type is DetectionType.TENANT for found in alarms(informed, sample.text, near.OWN))


def test_what_nearly_names_a_customer_is_told_from_what_does(detector: Detector) -> None:
    neighbours = detector.with_tenants(put=near.TENANTS, removed=("techcorp",))
    near_misses, true_finds = near.near_misses(), near.true_finds()
    alarmed = [sample.text for sample in near_misses if names(neighbours, sample)]
    missed = [sample.text for sample in true_finds if not names(neighbours, sample)]
    assert len(near_misses) > 300
    assert len(alarmed) <= len(near_misses) * 0.01, alarmed
    assert len(missed) <= len(true_finds) * 0.01, missed
