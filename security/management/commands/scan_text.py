"""`manage.py scan_text [FILE|-] --customer SLUG`: try the leak detector on a text."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from security.leak_index import leak_index
from security.leak_rules import Ruled, read_leak_rules
from security.models import Customer


class Command(BaseCommand):
    help = "Scan a text as if an agent of the customer had written it, by its policy. Nothing is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="- reads standard input")
        parser.add_argument("--customer", required=True, metavar="SLUG", help="whose agent wrote the text")
        parser.add_argument("--json", action="store_true", dest="for_programs", help="one JSON object a finding")

    def handle(self, *_: Any, file: str, customer: str, for_programs: bool, **__: Any) -> None:
        if "\0" in customer or not Customer.objects.filter(pk=customer).exists():
            raise CommandError(f"there is no customer {customer!r}")
        text = read(file)
        found = leak_index.refresh().scan(text, customer_id=customer)
        now = timezone.now()
        for ruled in read_leak_rules(customer, now=now).ruled(text, found, at=now):
            self.stdout.write(as_json(ruled) if for_programs else in_words(ruled))
        if not found and not for_programs:
            self.stdout.write("Nothing found.")


def read(file: str) -> str:
    """Return the text of the file, or of standard input; bytes that are no UTF-8 are replaced. Raises CommandError."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no file's name"
        raise CommandError(f"{file} cannot be read: {reason}") from error
    return raw.decode("utf-8", errors="replace")


def as_json(ruled: Ruled) -> str:
    """Return the finding as the contract has it; offsets count characters of the decoded text."""
    finding = ruled.finding
    return json.dumps(
        {
            "detection_type": finding.detection_type,
            "kind": finding.kind,
            "severity": finding.severity,
            "confidence": round(finding.confidence, 4),
            "start": finding.start,
            "end": finding.end,
            "action_taken": ruled.action,
            **({"allowed_by": ruled.allowed_by} if ruled.allowed_by else {}),
        }
    )


def in_words(ruled: Ruled) -> str:
    """Return the finding as a line for people, without the text that was found."""
    finding = ruled.finding
    what = f"{finding.kind} ({finding.detection_type}, {finding.severity}, {finding.confidence:.0%} sure)"
    done = f"{ruled.action} by the allow-list" if ruled.allowed_by else str(ruled.action)
    return f"{finding.start}-{finding.end} {what}: {done}"
