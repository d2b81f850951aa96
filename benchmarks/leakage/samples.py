"""What a corpus is made of: a text, and where in it something was leaked."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

_BLANK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Leak:
    """One planted value: its category (credential, personal, evasion, tenant), its form, and its offsets."""

    category: str
    form: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer of an agent; a clean one has no leaks. `form` names the template for the report."""

    text: str
    leaks: tuple[Leak, ...]
    form: str


def plant(template: str, value: str, *, category: str, form: str, source: random.Random, shown: str = "") -> Sample:
    """Return `template` with its blanks filled and `value` at `{S}`; `shown` is what is labelled when only part"
    " leaks.
    """
    head, tail = template.split("{S}", 1)
    before = fill(head, source)
    text = before + value + fill(tail, source)
    start = len(before) + (value.index(shown) if shown else 0)
    return Sample(text, (Leak(category, form, start, start + len(shown or value)),), form)


def fill(template: str, source: random.Random) -> str:
    """Return `template` with each `{word}` replaced by one of that word's choices."""
    return _BLANK.sub(lambda blank: _choice(blank[1], source), template)


def _choice(name: str, source: random.Random) -> str:
    choices = WORDS.get(name)
    return source.choice(choices) if choices else "{" + name + "}"


WORDS: dict[str, tuple[str, ...]] = {
    "svc": (
        "staging",
        "billing",
        "payments",
        "analytics",
        "reporting",
        "inventory",
        "the CRM",
        "production",
        "search",
        "legacy",
    ),
    "sys": (
        "database",
        "mail server",
        "VPN",
        "jump host",
        "admin console",
        "data warehouse",
        "message queue",
        "cluster",
        "NAS",
        "router",
    ),
    "user": ("admin", "deploy", "svc_app", "root", "backup", "jsmith", "reporting", "etl", "grafana", "operator"),
    "host": ("db1.corp-net.io", "10.2.3.4", "mail.northwind.io", "pg-main", "redis-2", "app.zeta-labs.dev"),
    "name": ("Priya", "Tom", "Wei", "Fatima", "Lars", "Nina", "Carlos", "Aisha"),
    "VAR": ("DB", "SMTP", "REDIS", "ADMIN", "APP", "MYSQL", "FTP", "LDAP", "GRAFANA", "BACKUP"),
    "KEYVAR": (
        "API_KEY",
        "SECRET_KEY",
        "AUTH_TOKEN",
        "ACCESS_TOKEN",
        "CLIENT_SECRET",
        "SIGNING_KEY",
        "WEBHOOK_SECRET",
        "ENCRYPTION_KEY",
        "JWT_SECRET",
        "SESSION_SECRET",
    ),
    "prose": (
        "I finished the migration plan and attached the summary.",
        "The campaign performed well in the second week.",
        "Here is what I found so far.",
        "Below are the next steps we agreed on.",
        "Let me know if anything is unclear.",
        "The rollout is scheduled for Tuesday at 14:30 UTC.",
        "We reviewed 42 tickets and closed 17 of them.",
        "The report covers Q3 2025 and compares it with Q2.",
        "I compared three vendors and ranked them by total cost.",
        "Version 2.4.1 fixes the pagination bug.",
    ),
}
