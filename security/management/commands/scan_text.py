"""`manage.py scan_text [FILE|-] --customer SLUG`: try the leak detector on a text."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from security.leakage import Detector, Finding, Policy, Tenant
from security.models import Customer


class Command(BaseCommand):
    help = "Scan a text as if an agent of the customer had written it. Nothing is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="- reads standard input")
        parser.add_argument("--customer", required=True, metavar="SLUG", help="whose agent wrote the text")
        parser.add_argument("--json", action="store_true", dest="for_programs", help="one JSON object a finding")

    def handle(self, *_: Any, file: str, customer: str, for_programs: bool, **__: Any) -> None:
        if not Customer.objects.filter(pk=customer).exists():
            raise CommandError(f"there is no customer {customer!r}")
        text = read(file)
        for finding in Detector(tenants=known_tenants()).scan(text, customer_id=customer):
            self.stdout.write(as_json(finding) if for_programs else in_words(finding))


def read(file: str) -> str:
    """Return the text of the file, or of standard input; bytes that are no UTF-8 are replaced. Raises CommandError."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    return raw.decode("utf-8", errors="replace")


def known_tenants() -> list[Tenant]:
    return [
        Tenant(
            customer_id=customer.pk,
            name=customer.name,
            aliases=tuple(customer.aliases),
            domains=tuple(customer.domains),
            identifiers=tuple(customer.identifiers),
        )
        for customer in Customer.objects.all()
    ]


def as_json(finding: Finding) -> str:
    """Return the finding as the contract has it; offsets count characters of the decoded text."""
    return json.dumps(
        {
            "detection_type": finding.detection_type,
            "kind": finding.kind,
            "severity": finding.severity,
            "confidence": round(finding.confidence, 4),
            "start": finding.start,
            "end": finding.end,
            "action_taken": Policy().action(finding),
        }
    )


def in_words(finding: Finding) -> str:
    """Return the finding as a line for people, without the text that was found."""
    what = f"{finding.kind} ({finding.detection_type}, {finding.severity}, {finding.confidence:.0%} sure)"
    return f"{finding.start}-{finding.end} {what}: {Policy().action(finding)}"
