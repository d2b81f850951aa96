"""RE2 finds what Hyperscan finds, and the compiled rules survive on disk."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.leakage import corpus
from security.leakage import Detector
from security.leakage.file_cache import load_cached, store_cached
from tests.security.leakage.samples import fill


def test_both_engines_find_the_same(detector: Detector, re2_detector: Detector) -> None:
    source = random.Random(5)
    samples = corpus.shuffled(source, 60) + corpus.clean_answers(source, corpus.tuned_pieces(), 60)
    for sample in samples:
        assert re2_detector.scan(sample.text, "techcorp") == detector.scan(sample.text, "techcorp"), sample.text


def test_a_damaged_cache_is_built_anew(tmp_path: Path) -> None:
    Detector(cache_dir=tmp_path)
    (stored,) = tmp_path.iterdir()
    stored.write_bytes(stored.read_bytes()[:-10] + b"0123456789")
    token = fill("ghp_<A-Za-z0-9:36>")
    assert [found.kind for found in Detector(cache_dir=tmp_path).scan(token)] == ["github_pat"]
    assert load_cached(stored) is not None


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    store_cached(blocked / "x", b"rules")
    assert load_cached(blocked / "x") is None
