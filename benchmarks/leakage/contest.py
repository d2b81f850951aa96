"""Us beside the scanners that install from the registry, on the same answers in the same run.

`python -m benchmarks.leakage.contest [answers per category]` writes results.json beside this file. A scanner that does
not install or breaks is reported as absent.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.leakage import corpus, speed
from benchmarks.leakage.outside import clean, credentials, disguises, fresh, personal
from benchmarks.leakage.samples import Sample
from security.leakage import Detector, Severity

_HERE = Path(__file__).parent
_VENVS = _HERE.parent.parent / "var" / "scanners"
_DRIVER = _HERE / "scanners" / "driver.py"
# The scanner, the package it comes from, and what it looks for.
PEERS = (
    ("kingfisher", "kingfisher-secret-scanner==1.5.0", ("credential", "evasion")),
    ("credsweeper", "credsweeper==1.19.5", ("credential", "evasion")),
    ("detect-secrets", "detect-secrets==1.5.0", ("credential", "evasion")),
    ("presidio", "presidio-analyzer", ("personal", "evasion")),
    ("presidio-tuned", "presidio-analyzer", ("personal", "evasion")),
)
Spans = list[list[tuple[int, int]]]


def main(count: int) -> None:
    """Run everybody and print the table."""
    samples = _samples(count)
    work = _work(samples)
    results: dict[str, dict[str, Any]] = {"ours": _summary(samples, _ours(work), ("credential", "personal", "evasion"))}
    for name, package, looked_for in PEERS:
        try:
            results[name] = _summary(samples, _peer(name, package, work), looked_for)
        except (subprocess.SubprocessError, OSError) as problem:
            results[name] = {"absent": type(problem).__name__}
        print(name, results[name], flush=True)
    (_HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    _print_table(results)


def _samples(count: int) -> list[Sample]:
    source = random.Random(2027)
    return [
        *credentials.answers(source, count),
        *fresh.credential_answers(source, count),
        *personal.answers(source, count),
        *fresh.personal_answers(source, count),
        *disguises.answers(source, count),
        *fresh.evasion_answers(source, count),
        *clean.answers(source, 2 * count),
        *fresh.clean_answers(source, 2 * count),
    ]


def _work(samples: Iterable[Sample]) -> dict[str, Any]:
    source = random.Random(4)
    dense = speed.dense_text(source, 250)
    answers = speed.realistic_answers(source, 300)
    return {
        "texts": [sample.text for sample in samples],
        "dense": dense,
        "realistic": "\n\n".join(answers),
        "answers": answers,
    }


def _ours(work: dict[str, Any]) -> dict[str, Any]:
    detector = Detector(tenants=corpus.TENANTS)

    def seconds(text: str, rounds: int) -> float:
        return min(_timed(lambda: detector.scan(text, corpus.OWN)) for _ in range(rounds))

    times = sorted(seconds(text, 3) for text in work["answers"])
    spans = [
        [(found.start, found.end) for found in detector.scan(text) if found.severity is not Severity.INFO]
        for text in work["texts"]
    ]
    return {
        "spans": spans,
        "dense_mb_s": len(work["dense"].encode()) / seconds(work["dense"], 5) / 1e6,
        "realistic_mb_s": len(work["realistic"].encode()) / seconds(work["realistic"], 5) / 1e6,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
    }


def _timed(action: Callable[[], object]) -> float:
    begun = time.process_time()
    action()
    return time.process_time() - begun


def _peer(name: str, package: str, work: dict[str, Any]) -> dict[str, Any]:
    python = _environment(package)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "work.json", Path(folder) / "found.json"
        source.write_text(json.dumps(work), encoding="utf-8")
        subprocess.run([python, _DRIVER, name, source, target], check=True, timeout=1800, capture_output=True)
        found: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return found


def _environment(package: str) -> Path:
    folder = _VENVS / package.split("==", maxsplit=1)[0]
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
        subprocess.run([python, "-m", "pip", "install", "-q", package], check=True, timeout=900)
    return python


def _summary(samples: list[Sample], found: dict[str, Any], looked_for: tuple[str, ...]) -> dict[str, Any]:
    hits: dict[str, list[bool]] = {category: [] for category in looked_for}
    covered: dict[str, list[bool]] = {category: [] for category in looked_for}
    alarms = []
    for sample, spans in zip(samples, found["spans"], strict=True):
        if not sample.leaks:
            alarms.append(bool(spans))
            continue
        (leak,) = sample.leaks
        if leak.category not in looked_for:
            continue
        touching = [(start, end) for start, end in spans if start < leak.end and leak.start < end]
        hits[leak.category].append(bool(touching))
        if touching:
            covered[leak.category].append(any(start <= leak.start and leak.end <= end for start, end in touching))
    shares = {category: _share(answers) for category, answers in hits.items()}
    shares |= {f"{category}_covered": _share(answers) for category, answers in covered.items()}
    return {
        **shares,
        "false_alarms": _share(alarms),
        **{key: round(found[key], 3) for key in ("dense_mb_s", "realistic_mb_s", "p50_ms", "p99_ms")},
    }


def _share(answers: list[bool]) -> float:
    return round(sum(answers) / max(1, len(answers)), 4)


def _print_table(results: dict[str, dict[str, Any]]) -> None:
    columns = ("credential", "credential_covered", "personal", "personal_covered", "evasion", "false_alarms")
    speeds = ("dense_mb_s", "realistic_mb_s", "p50_ms", "p99_ms")
    print("scanner".ljust(16), *(name.rjust(14)[:14] for name in (*columns, *speeds)))
    for name, result in results.items():
        shown = [f"{result[column]:.1%}" if column in result else "-" for column in columns]
        shown += [f"{result[column]:.2f}" if column in result else "-" for column in speeds]
        print(name.ljust(16), *(text.rjust(14) for text in shown))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
