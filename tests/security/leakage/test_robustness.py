"""Any text is survived: no exception, no wrong offset, no more than linear time."""

from __future__ import annotations

import base64
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.leakage import corpus
from security.leakage import DetectionType, Detector, Severity

PIECES = st.sampled_from(
    [
        "password",
        "=",
        ": ",
        '"',
        "\\",
        "&#65;",
        "%41",
        "\\u0041",
        "\u200b",
        "ａ",
        "token",
        " is ",
        "ghp_",
        "AKIA",
        "://a:b9x8c7@h",
        "\n",
        "|",
        ",",
        "-----BEGIN ",
        "PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9",
        "SGVsbG8gd29ybGQgcGFzc3dvcmQ=",
        "48656c6c6f20776f726c64",
        "maria@bluewave.it",
        "+44 20 7123 4567",
        "Acme",
        "Corp",
        "\ud800",
        "é",
        "\U000e0041",
        "𝐀",
        "drowssap",
        "cnffjbeq",
        "**",
        "' + '",
        "x9K2",
        "- ",
        "(",
        ")",
        "<",
        "{",
        "}",
        "a b c d e f g h i",
        "H4sIAAAAAAAA",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=300) | st.lists(PIECES | st.text(max_size=6), max_size=60).map("".join))
def test_every_finding_is_a_place_in_the_text(detector: Detector, text: str) -> None:
    findings = detector.scan(text, customer_id="techcorp")
    for finding in findings:
        assert 0 <= finding.start < finding.end <= len(text)
        assert 0 < finding.confidence <= 1
    assert findings == sorted(findings, key=lambda found: (found.start, found.end))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_encoded_bytes_are_survived(detector: Detector, content: bytes) -> None:
    detector.scan(base64.b64encode(b"password is " + content).decode())
    detector.scan(content.hex())
    detector.scan(content.decode("utf-8", "surrogateescape"))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="éü🙂\u200b xyz", max_size=60))
def test_what_stands_before_moves_a_finding_by_its_length(detector: Detector, before: str) -> None:
    value = "maria.rossi@bluewave.it"
    text = f"{before} {value}"
    assert any(text[found.start : found.end] == value for found in detector.scan(text))


FLOODS = [
    "password=",
    "token: a1b2 ",
    "a.b@gmail.com ",
    "&#65;",
    "%41",
    "ghp_aB3 ",
    "AcmeCorp ",
    "a\u200b",
    "-----BEGIN PRIVATE KEY-----\n",
    "://a:b@",
    "nekot ",
    "a b c d ",
    "eyJhbGciOiJ",
    "password|",
    "**a",
]


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_triggers_costs_linear_time_at_most(detector: Detector, flood: str) -> None:
    def seconds(size: int) -> float:
        text = (flood * (size // len(flood) + 1))[:size]
        begun = time.thread_time()
        detector.scan(text, "techcorp")
        return time.thread_time() - begun

    small = max(0.01, min(seconds(125_000) for _ in range(3)))
    assert min(seconds(1_000_000) for _ in range(2)) < 20 * small


def test_what_a_flood_kept_from_being_read_is_a_finding(detector: Detector) -> None:
    findings = detector.scan("token: a1b2 " * 80_000)
    assert [(found.kind, found.severity) for found in findings[-1:]] == [("scan_limit", Severity.HIGH)]


def test_what_was_not_read_begins_with_a_whole_letter(detector: Detector) -> None:
    text = ("A" * 28 + "\ufffd" * 26 + "AAAAA0*44A0*44") * 20
    for finding in detector.scan(text * 20):
        assert 0 <= finding.start < finding.end <= len(text * 20)
    assert any(found.kind == "scan_limit" for found in detector.scan(text))


def test_it_reaches_the_bars_on_answers_it_was_not_tuned_on(detector: Detector) -> None:
    told = Detector(tenants=corpus.TENANTS)
    source = random.Random(20_26)
    types = {"credential": DetectionType.CREDENTIAL, "personal": DetectionType.PERSONAL, "tenant": DetectionType.TENANT}
    bars = {"credential": 0.93, "personal": 0.97, "evasion": 0.80, "tenant": 0.99}
    seen = dict.fromkeys(bars, 0)
    for sample in corpus.leaky(source, corpus.FORMS["held-out"], 200):
        (leak,) = sample.leaks
        seen[leak.category] += any(
            found.start < leak.end
            and found.end > leak.start
            and found.detection_type is types.get(leak.category, found.detection_type)
            for found in told.scan(sample.text, corpus.OWN)
            if found.severity is not Severity.INFO
        )
    assert {category: count / 200 for category, count in seen.items() if count / 200 < bars[category]} == {}
