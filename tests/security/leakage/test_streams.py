"""A stream cut anywhere gives the findings of the whole text, and is never held back for long."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.leakage import corpus
from security.leakage import Detector, Finding, StreamScanner
from security.leakage.stream import HELD_BACK_LETTERS

LONGEST_HELD = 24_000 + 2 * HELD_BACK_LETTERS


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 3_000), min_size=1, max_size=20))
def test_any_cutting_gives_the_findings_of_the_whole(detector: Detector, seed: int, cuts: list[int]) -> None:
    source = random.Random(seed)
    leaks = [sample.text for sample in corpus.shuffled(source, 2)]
    text = "\n\n".join(part for leak in leaks for part in ("nothing to see here " * source.randint(1, 60), leak))
    stream = StreamScanner(detector, "techcorp")
    released: list[str] = []
    findings: list[Finding] = []
    fed = 0
    while fed < len(text):
        for cut in cuts:
            piece = stream.feed(text[fed : fed + cut])
            fed = min(len(text), fed + cut)
            released.append(piece.text)
            findings += piece.findings
            assert fed - len("".join(released)) <= LONGEST_HELD
    last = stream.finish()
    assert "".join([*released, last.text]) == text
    assert [*findings, *last.findings] == detector.scan(text, "techcorp")
