"""Print the leak detector's figures: `python -m benchmarks.leakage [samples per category]`."""

from __future__ import annotations

import sys

from benchmarks.leakage import corpus, speed
from benchmarks.leakage.score import Score, score
from security.leakage import Detector

_SEEDS = {"tuned": 1, "held-out": 977}
_BARS = {"credential": "93 %", "personal": "97 %", "evasion": "80 %", "tenant": "99 %"}


def main(count: int) -> None:
    """Score on both halves of the corpus, then time."""
    detector = Detector(tenants=corpus.TENANTS)
    pieces = {"tuned": corpus.tuned_pieces(), "held-out": corpus.held_out_pieces()}
    for name, forms in corpus.FORMS.items():
        print(f"\n{name} forms, {count} answers of each category")
        _print_score(score(detector, forms, pieces[name], seed=_SEEDS[name], count=count))
    measured = speed.measure(detector, seed=4)
    print("\nspeed on one core")
    print(f"  dense     {measured.dense_mb_s:6.1f} MB/s   bar 22")
    print(f"  realistic {measured.realistic_mb_s:6.1f} MB/s   bar 37")
    print(f"  4 KB      p50 {measured.p50_ms:.3f} ms, p99 {measured.p99_ms:.3f} ms   bar 0.14 / 0.6")


def _print_score(result: Score) -> None:
    for category, share in result.found.items():
        covered = result.covered[category]
        print(f"  {category:<11} found {share:6.1%} (bar {_BARS[category]}), whole value covered {covered:6.1%}")
    print(
        f"  false alarms {result.false_alarms:.2%} (bar 0.4 %), on near misses {result.near_miss_alarms:.2%} (bar 1 %)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
