"""Feed the leak detector what a coverage-guided fuzzer comes up with: `make fuzz`.

It fails on any exception, on a place that is no place of the text, on findings out of order, and on time out of all
proportion. Needs atheris (requirements-dev.txt).
"""

from __future__ import annotations

import sys
import time

import atheris

with atheris.instrument_imports(include=["security.leakage"]):
    from security.leakage import Detector, Tenant, redact

_DETECTOR = Detector(
    tenants=[
        Tenant(customer_id="acmecorp", name="AcmeCorp", aliases=("Acme Corp",), domains=("acme-corp.com",)),
        Tenant(customer_id="cafe", name="Café Zürich", identifiers=("cust_77",), canaries=("cnry-7f3a9b2c4d",)),
    ]
)
# Instrumented and busy, a scan of a few kilobytes still takes far less.
_MOST_SECONDS = 2.0


def try_one(content: bytes) -> None:
    """Scan the content as text, alone and repeated."""
    text = content.decode("utf-8", "replace")
    for each in (text, text * 20):
        begun = time.thread_time()
        findings = _DETECTOR.scan(each, "techcorp")
        if time.thread_time() - begun > _MOST_SECONDS + len(each) / 50_000:
            raise AssertionError("too slow")
        for finding in findings:
            if not 0 <= finding.start < finding.end <= len(each):
                raise AssertionError(f"no place: {finding}")
        if findings != sorted(findings, key=lambda found: (found.start, found.end)):
            raise AssertionError("out of order")
        redact(each, findings)


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
