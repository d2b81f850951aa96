"""What is found in short answers is found in one long answer that holds them all."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from benchmarks.leakage import corpus
from benchmarks.leakage.outside import clean, credentials, disguises, fresh, personal
from benchmarks.leakage.samples import Sample
from security.leakage import Detector, Finding, Severity
from security.leakage.tenants import build_index

LENGTH = 60_000
Answers = Callable[[random.Random, int], list[Sample]]


def alarms(detector: Detector, text: str) -> list[Finding]:
    return [found for found in detector.scan(text, "techcorp") if found.severity is not Severity.INFO]


def joined(samples: list[Sample]) -> tuple[str, list[int]]:
    """Return as many of the texts as fit, and where each begins."""
    begins, length = [], 0
    for sample in samples:
        begins.append(length)
        length += len(sample.text) + 2
        if length > LENGTH:
            break
    return "\n\n".join(sample.text for sample in samples[: len(begins)]), begins


def lost(detector: Detector, samples: list[Sample]) -> tuple[int, list[str]]:
    """Return how many findings the samples have, and those that are not found where they are joined."""
    text, begins = joined(samples)
    found = [each for each in alarms(detector, text) if each.kind != "scan_limit"]
    single = [
        (begin + each.start, begin + each.end)
        for begin, sample in zip(begins, samples, strict=False)
        for each in alarms(detector, sample.text)
    ]
    missing = [
        (start, end) for start, end in single if not any(each.start < end and start < each.end for each in found)
    ]
    return len(single), [text[start:end] for start, end in missing]


@pytest.mark.parametrize(
    "answers",
    [credentials.answers, personal.answers, fresh.credential_answers, fresh.personal_answers],
)
def test_nothing_is_lost_among_many_leaks(detector: Detector, answers: Answers) -> None:
    count, missing = lost(detector, answers(random.Random(81), 900))
    assert count > 200
    assert missing == []


@pytest.mark.parametrize("answers", [disguises.answers, fresh.evasion_answers])
def test_few_disguises_are_lost_among_as_many_others(detector: Detector, answers: Answers) -> None:
    count, missing = lost(detector, answers(random.Random(82), 900))
    assert len(missing) <= count * 0.03, missing


@pytest.mark.parametrize("answers", [clean.answers, fresh.clean_answers])
def test_a_long_clean_answer_raises_no_alarm(detector: Detector, answers: Answers) -> None:
    assert alarms(detector, joined(answers(random.Random(83), 900))[0]) == []


def test_neither_does_one_full_of_words_for_secrets() -> None:
    pieces = corpus.clean_answers(random.Random(84), corpus.held_out_pieces(), 400)
    assert alarms(Detector(tenants=corpus.TENANTS), joined(pieces)[0]) == []


@pytest.mark.parametrize("gap", [1, 60, 5_000, 9_000])
@pytest.mark.parametrize("wide", ["", "é", "\u200b", "漢字", "ａ"])
def test_a_name_is_placed_right_wherever_it_stands(gap: int, wide: str) -> None:
    index = build_index(corpus.TENANTS)
    before = (f"Some {wide} words - and marks; " * 400)[:gap] + wide + " " * (gap % 7)
    raw = f"{before} Acme  Corp met {wide} Blue-Whale\nMedia.".encode()
    places = {raw[start:end] for start, end, _ in index.find(raw, "globex", limit=100)}
    assert {b"Acme  Corp", b"Blue-Whale\nMedia"} <= places
