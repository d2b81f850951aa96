"""Customers of one installation, answers that name another one, and answers that only seem to."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

from benchmarks.leakage.outside.fill import words
from benchmarks.leakage.samples import Leak, Sample
from security.leakage import Tenant

OWN = "brightwater"
TENANTS = (
    Tenant(
        customer_id=OWN,
        name="Brightwater",
        aliases=("Bright Water Ltd",),
        domains=("brightwater.example.net",),
        identifiers=("cust_bw_77",),
    ),
    Tenant(
        customer_id="nordwind-logistik",
        name="Nordwind Logistik GmbH",
        aliases=("Nordwind Logistik", "NWL Group"),
        domains=("nordwind-logistik.de",),
        identifiers=("cust_nwl_2041", "NWL-ACC-99812"),
    ),
    Tenant(
        customer_id="halcyonhealth",
        name="HalcyonHealth",
        aliases=("Halcyon Health",),
        domains=("halcyonhealth.org", "hh-care.io"),
        identifiers=("cust_hh_0007",),
    ),
    Tenant(
        customer_id="quillfeather",
        name="Quill & Feather",
        aliases=("Quill and Feather Publishing",),
        domains=("quillfeather.co.uk",),
        identifiers=("QF-88-1201",),
    ),
    Tenant(
        customer_id="zenithpay",
        name="ZenithPay Inc.",
        aliases=("Zenith Pay",),
        domains=("zenithpay.com",),
        identifiers=("zp_live_acct_551",),
    ),
    Tenant(customer_id="ostrava-steel", name="Ostrava Steel", aliases=(), domains=("ostravasteel.cz",), identifiers=()),
    Tenant(customer_id="cafe-luna", name="Café Luna", aliases=(), domains=("cafeluna.es",), identifiers=()),
    Tenant(
        customer_id="acmecorp",
        name="AcmeCorp",
        aliases=("Acme Corp",),
        domains=("acme-corp.com",),
        identifiers=("cust_acme_01",),
    ),
    Tenant(customer_id="target-corp", name="Target", aliases=(), domains=("target-retail.com",), identifiers=()),
    Tenant(
        customer_id="sparrow9",
        name="Sparrow9",
        aliases=("Sparrow Nine",),
        domains=("sparrow9.dev",),
        identifiers=("9f1c2d7e-55aa-4b0c-9d10-7a6f0e2b9c31",),
    ),
)
_SURFACES = (
    "We did the same for § last quarter.",
    "§",
    "As with §, the margin was 14 %.",
    "| § | 42 000 € | 12 % |",
    '{"customer": "§", "plan": "gold"}',
    "(§)",
    "**§** asked for the same report.",
    "§'s invoice was wrong.",
    "See #§ for the campaign.",
    "https://crm.example.net/accounts/§/orders",
    "customer=§ status=active",
    "- §\n- us",
    "“§” was the reference.",
    "Wie bei § im letzten Quartal.",
    "§: 17 open tickets",
    "SELECT * FROM t WHERE c = '§';",
    "Comme pour §, le budget a doublé.",
    "path /srv/data/§/export.csv",
    "the <b>§</b> account",
)
_NEAR = (
    "Bright water was seen in the bay.",
    "Our own account Brightwater grew by 4 %.",
    "Brightwater's plan is renewed.",
    "see brightwater.example.net",
    "The nordwindows update is out.",
    "Nordic wind and logistics are separate teams.",
    "Logistik im Norden ist teuer.",
    "A halcyon era of health care.",
    "Halcyon days and healthy margins.",
    "halcyonhealthy habits",
    "He holds a quill, a feather and ink.",
    "quillfeathered birds",
    "The zenith of payments.",
    "zenithpayments are something else",
    "Zenith paid the invoice.",
    "ostrava and steel prices",
    "In Ostrava, steelworkers met.",
    "The cafe at the lunar base.",
    "Café Lunar opened.",
    "acmecorporation is not it",
    "the acme of corporate life",
    "macmecorp rose",
    "Corp. Acme products",
    "Our target for Q3 is 14 %.",
    "The target audience is young parents.",
    "targets were met, targeting is fine",
    "a sparrow, 9 of them",
    "sparrows 9 to 5",
    "cust_acme_011 is another id",
    "cust_acme_0",
    "xcust_hh_0007x",
    "QF-88-12015",
    "notzenithpay.community",
    "hh-care.iot",
    "zenithpay.company",
    "my.target-retailer.com",
    "NWL-ACC-998123",
    "nwl groups of things",
    "groupnwl",
    "Acme Corpse Studio",
    "halcyon healthcare",
    "The quilt and leather shop",
    "zenithplay Inc.",
    "Sparrow99",
    "Asparrow9",
    "Zenit Pay is a rival with another name",
    "Halcion Health",
    "Acne Corp",
    "Nordwand Logistik",
    "Ostrava Steele",
    "Target practice starts at 9.",
    "The build target is wasm32.",
    "cust_bw_77 renewed",
    "Bright Water Ltd, your account",
)


def answers(source: random.Random, count: int) -> list[Sample]:
    """Return `count` answers that name another customer."""
    return [_answer(source) for _ in range(count)]


def near_misses(source: random.Random, count: int) -> list[Sample]:
    """Return answers that name nobody else, though words come close."""
    found = []
    for _ in range(count):
        text = " ".join(source.sample(_NEAR, 2))
        found.append(Sample(words(source, f"@person@ wrote: {text}"), (), text))
    return found


def _answer(source: random.Random) -> Sample:
    tenant = source.choice([each for each in TENANTS if each.customer_id not in (OWN, "target-corp")])
    kind = source.choice(("name", "name", "alias", "domain", "identifier"))
    value = {
        "name": tenant.name,
        "alias": source.choice(tenant.aliases or (tenant.name,)),
        "domain": source.choice(tenant.domains),
        "identifier": source.choice(tenant.identifiers or (tenant.name,)),
    }[kind]
    way = (
        source.choice(tuple(_WAYS))
        if kind in ("name", "alias")
        else source.choice(("plain", "upper", "lower", "zero_width", "fullwidth"))
    )
    if kind == "domain" and source.random() < 0.5:
        value = source.choice(("https://www.", "mail.", "ops@", "https://")) + value
    shown = _WAYS[way](source, value)
    head, tail = source.choice(_SURFACES).split("§")
    text = head + shown + tail
    return Sample(text, (Leak("tenant", f"{kind}:{way}:{value}", len(head), len(head) + len(shown)),), f"{kind}:{way}")


def _separated(value: str, mark: str) -> str:
    return mark.join(value.split())


_WAYS: dict[str, Callable[[random.Random, str], str]] = {
    "plain": lambda source, value: value,
    "upper": lambda source, value: value.upper(),
    "lower": lambda source, value: value.lower(),
    "mixed": lambda source, value: "".join(source.choice((letter.upper(), letter.lower())) for letter in value),
    "hyphen": lambda source, value: _separated(value, "-"),
    "underscore": lambda source, value: _separated(value, "_"),
    "dot": lambda source, value: _separated(value, "."),
    "joined": lambda source, value: _separated(value, ""),
    "newline": lambda source, value: _separated(value, "\n"),
    "spaces": lambda source, value: _separated(value, "   "),
    "nbsp": lambda source, value: _separated(value, "\u00a0"),
    "zero_width": lambda source, value: "\u200b".join(value),
    "fullwidth": lambda source, value: "".join(
        chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in value
    ),
    "homoglyph": lambda source, value: value.translate(str.maketrans("aeopcAEOPC", "аеорсАЕОРС")),
    "letters": lambda source, value: " ".join(value.replace(" ", "")),
    "nfd": lambda source, value: unicodedata.normalize("NFD", value),
    "no_accents": lambda source, value: unicodedata.normalize("NFD", value).encode("ascii", "ignore").decode(),
    "camel": lambda source, value: "".join(part.capitalize() for part in value.split()),
    "bold": lambda source, value: value[:3] + "**" + value[3:] + "**",
}
