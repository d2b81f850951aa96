"""Time the detector on one core: long texts full of leaks, long texts as agents write them, and single answers of 4"
" KB.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from benchmarks.leakage import corpus
from security.leakage import Detector

_ANSWER_BYTES = 4096
_WORDS = (
    "the quarterly report shows that customers prefer shorter onboarding and clearer pricing while the support team"
    " handled most requests within one day"
    " we recommend to start with a small pilot in two regions measure conversion for four weeks and then decide"
    " whether the campaign should be extended"
    " our analysis of the search results suggests three themes quality delivery and trust each of them needs a"
    " dedicated landing page with one call to action"
).split()


@dataclass(frozen=True, slots=True)
class Speed:
    """Megabytes per second on long texts, and milliseconds per answer of 4 KB."""

    dense_mb_s: float
    realistic_mb_s: float
    p50_ms: float
    p99_ms: float


def measure(detector: Detector, *, seed: int, rounds: int = 5) -> Speed:
    """Return the speed on made-up texts."""
    source = random.Random(seed)
    dense = dense_text(source, 250)
    answers = realistic_answers(source, 300)
    times = sorted(_best(detector, answer, rounds) for answer in answers)
    return Speed(
        dense_mb_s=_rate(detector, dense, rounds),
        realistic_mb_s=_rate(detector, "\n\n".join(answers), rounds),
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
    )


def dense_text(source: random.Random, count: int) -> str:
    """Return a text with a leak in every kilobyte, in a quarter of them a disguised one."""
    parts: list[str] = []
    for sample in corpus.shuffled(source, count // 4):
        parts += (" ".join(source.choices(_WORDS, k=140)), sample.text)
    return "\n\n".join(parts)


def realistic_answers(source: random.Random, count: int) -> list[str]:
    """Return answers of 4 KB: prose, a few look-alikes, and in one of eight a leak."""
    return [_answer(source) for _ in range(count)]


def _answer(source: random.Random) -> str:
    parts = []
    size = 0
    while size < _ANSWER_BYTES:
        part = " ".join(source.choices(_WORDS, k=source.randint(40, 90))).capitalize() + "."
        if source.random() < 0.15:
            part = corpus.clean_answers(source, corpus.tuned_pieces(), 1)[0].text
        parts.append(part)
        size += len(part) + 2
    if source.random() < 0.125:
        parts.insert(len(parts) // 2, source.choice(corpus.shuffled(source, 1)).text)
    return "\n\n".join(parts)[:_ANSWER_BYTES]


def _best(detector: Detector, text: str, rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        begun = time.thread_time()
        detector.scan(text, corpus.OWN)
        best = min(best, time.thread_time() - begun)
    return best


def _rate(detector: Detector, text: str, rounds: int) -> float:
    return len(text.encode()) / _best(detector, text, rounds) / 1e6
