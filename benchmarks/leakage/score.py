"""Score a detector on labelled answers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType

from benchmarks.leakage import corpus
from benchmarks.leakage.samples import Sample
from security.leakage import DetectionType, Detector, Finding, Severity

_TYPES = {
    "credential": DetectionType.CREDENTIAL,
    "personal": DetectionType.PERSONAL,
    "tenant": DetectionType.TENANT,
}


@dataclass(frozen=True, slots=True)
class Score:
    """Shares (0 to 1): leaks found, found ones whose whole value is covered, clean answers with an alarm."""

    found: dict[str, float]
    covered: dict[str, float]
    false_alarms: float
    near_miss_alarms: float


def score(detector: Detector, forms: ModuleType, pieces: tuple[str, ...], *, seed: int, count: int) -> Score:
    """Return the score on `count` answers of each category, and four times as many clean ones."""
    source = random.Random(seed)
    total: Counter[str] = Counter()
    found: Counter[str] = Counter()
    covered: Counter[str] = Counter()
    for sample in corpus.leaky(source, forms, count):
        (leak,) = sample.leaks
        wanted = _TYPES.get(leak.category)
        hits = [
            hit
            for hit in alarms(detector, sample)
            if hit.start < leak.end and leak.start < hit.end and wanted in (None, hit.detection_type)
        ]
        total[leak.category] += 1
        found[leak.category] += bool(hits)
        covered[leak.category] += any(hit.start <= leak.start and leak.end <= hit.end for hit in hits)
    return Score(
        found={category: found[category] / total[category] for category in total},
        covered={category: covered[category] / max(1, found[category]) for category in total},
        false_alarms=_share(corpus.clean_answers(source, pieces, 4 * count), lambda one: bool(alarms(detector, one))),
        near_miss_alarms=_share(corpus.near_misses(source, forms, count), lambda one: _names(detector, one)),
    )


def alarms(detector: Detector, sample: Sample) -> list[Finding]:
    """Return the findings from warning up."""
    findings = detector.scan(sample.text, corpus.OWN)
    return [finding for finding in findings if finding.severity is not Severity.INFO]


def _names(detector: Detector, sample: Sample) -> bool:
    return any(finding.detection_type is DetectionType.TENANT for finding in alarms(detector, sample))


def _share(samples: Iterable[Sample], alarmed: Callable[[Sample], bool]) -> float:
    answers = [alarmed(sample) for sample in samples]
    return sum(answers) / len(answers)
