"""Texts that nearly name another customer, and texts that do: twelve customers, each changed in some thirty ways."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.leakage.samples import Leak, Sample
from security.leakage import Tenant

OWN = "harborline"
TENANTS = (
    Tenant(OWN, "Harborline", ("Harborline Freight",), ("harborline.example.net",), ("cust_hl_001",)),
    Tenant("acmecorp", "AcmeCorp", ("Acme Corp",), ("acme-corp.com",), ("cust_acme_01",)),
    Tenant("zenithpay", "ZenithPay Inc.", ("Zenith Pay",), ("zenithpay.com",), ("zp_live_acct_551",)),
    Tenant("lumenforge", "Lumenforge", (), ("lumenforge.io",), ("LF-2207-19",)),
    Tenant("grauwald", "Grauwald & Söhne GmbH", ("Grauwald",), ("grauwald.de",), ("KD-88120",)),
    Tenant("tidewell", "Tidewell Bank", ("Tidewell",), ("tidewell.bank",), ("twb-7-4410",)),
    Tenant("oriel-labs", "Oriel Labs", (), ("oriel-labs.dev",), ("org_oriel_77",)),
    Tenant("vexatron", "Vexatron Systems Ltd", ("VexaTron",), ("vexatron.co.uk",), ("acct-vx-0042",)),
    Tenant("maplecove", "Maple Cove Dental", ("MapleCove",), ("maplecovedental.com",), ("mcd_19_773",)),
    Tenant("quantabyte", "QuantaByte", (), ("quantabyte.ai", "qbyte.net"), ("5b1f0c9e-77aa-4c1d-8e21-0c9d7f3a1b22",)),
    Tenant("stellarhaus", "Stellarhaus", ("Stellar Haus",), ("stellarhaus.ch",), ("SH/2024/117",)),
    Tenant("brixtonfoods", "Brixton Foods PLC", ("Brixton Foods",), ("brixtonfoods.com",), ("bf.cust.3391",)),
)
_SURFACES = (
    "We looked at § for the report.",
    "§",
    "| § | 14 % | open |",
    '{"note": "§"}',
    "- §\n- done",
    "see (§) in the list",
    "**§**",
    "`§` was returned",
    "path=/tmp/§/x.csv",
    "“§”",
)
_OTHER_ENDS = ("company", "community", "net", "org", "co", "com.au", "biz")


def near_misses() -> list[Sample]:
    """Return answers that name nobody else."""
    source = random.Random(3)
    return [
        Sample(source.choice(_SURFACES).replace("§", text), (), kind)
        for tenant in TENANTS[1:]
        for kind, text in _missed(tenant)
    ]


def true_finds() -> list[Sample]:
    """Return answers that do name another customer, in ways that lie close to the near misses."""
    source = random.Random(5)
    found = []
    for tenant in TENANTS[1:]:
        for kind, text in _named(tenant):
            head, tail = source.choice(_SURFACES).split("§")
            found.append(Sample(head + text + tail, (Leak("tenant", kind, len(head), len(head) + len(text)),), kind))
    return found


def _missed(tenant: Tenant) -> Iterator[tuple[str, str]]:
    word = tenant.aliases[0] if tenant.aliases else tenant.name
    joined = word.replace(" ", "")
    for ending in ("s", "ers", "ian", "ville", "oration", "X", "2", "ly"):
        yield f"ends in {ending}", joined + ending
    for beginning in ("x", "un", "My", "re", "9"):
        yield f"begins with {beginning}", beginning + joined.lower()
    yield "spaced and longer", word + "oration"
    middle = len(joined) // 2
    yield "a letter changed", joined[:middle] + ("q" if joined[middle] != "q" else "k") + joined[middle + 1 :]
    yield "a letter missing", joined[:middle] + joined[middle + 1 :]
    yield "a letter doubled", joined[:middle] + joined[middle] * 2 + joined[middle + 1 :]
    yield "two letters swapped", joined[:middle] + joined[middle + 1] + joined[middle] + joined[middle + 2 :] + "s"
    host = tenant.domains[0]
    label = host.split(".")[0]
    for end in _OTHER_ENDS:
        if f"{label}.{end}" not in tenant.domains:
            yield f"at .{end}", f"{label}.{end}"
    if host.endswith(".com"):
        yield "domain goes on", f"{host}munity"
    yield "domain under another", f"{host}.mx"
    yield "longer domain", f"my{host}"
    yield "hyphenated domain", f"not-{host}"
    yield "address elsewhere", f"jo@{label}.company"
    yield "own name", random.Random(word).choice(("Harborline", "harborline.example.net", "cust_hl_001"))
    for identifier in tenant.identifiers:
        last = identifier[-1]
        yield "id of another digit", identifier[:-1] + ("3" if last != "3" else "4")
        yield "id with a digit more", identifier + "7"
        yield "id with a letter more", "x" + identifier
        yield "id cut short", identifier[:-1]


def _named(tenant: Tenant) -> Iterator[tuple[str, str]]:
    word = tenant.aliases[0] if tenant.aliases else tenant.name
    host = tenant.domains[0]
    yield from (("plain", word), ("upper", word.upper()), ("lower", word.lower()), ("domain", host))
    yield from (("hyphen", word.replace(" ", "-")), ("underscore", word.replace(" ", "_")))
    yield from (("lines", word.replace(" ", "\n")), ("zero width", "\u200b".join(word)))
    yield from (("wide", "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in word)),)
    yield from (("possessive", f"{word}'s"), ("sentence", f"{word}. Then we left"), ("file", f"{word}.xlsx"))
    yield from (("subdomain", f"https://www.{host}/a"), ("address", f"jo@{host}"), ("upper domain", host.upper()))
    yield from (
        ("workspace", f"{word.replace(' ', '')}.slack.com"),
        ("compound", f"ex-{word}"),
        ("legal", f"{word}, Inc."),
    )
    yield from (("end of sentence", f"{host}."), ("archive", f"{word.replace(' ', '_')}.zip"))
    yield from (("id", each) for each in (*tenant.identifiers, tenant.identifiers[0].upper()))
