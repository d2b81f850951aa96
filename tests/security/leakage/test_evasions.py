"""Disguised and encoded values are found at their place in the text as it was written."""

from __future__ import annotations

import random

import pytest

from benchmarks.leakage.evasions import EVASIONS
from security.leakage import Detector
from tests.security.leakage.samples import fill


@pytest.mark.parametrize("name", sorted(EVASIONS))
def test_it_sees_through(detector: Detector, name: str) -> None:
    seen = 0
    for seed in range(20):
        source = random.Random(seed)
        hidden = EVASIONS[name](fill("ghp_<A-Za-z0-9:36>", seed), source)
        start, end = 12, 12 + len(hidden)
        findings = detector.scan(f"Here it is: {hidden} as you asked.")
        seen += any(found.start < end and found.end > start for found in findings)
    assert seen >= 18


def test_decoding_is_bounded_in_depth(detector: Detector) -> None:
    import base64

    text = fill("ghp_<A-Za-z0-9:36>")
    for _ in range(3):
        text = base64.b64encode(text.encode()).decode()
    assert detector.scan(text)
    for _ in range(3):
        text = base64.b64encode(text.encode()).decode()
    assert detector.scan(text) == []
