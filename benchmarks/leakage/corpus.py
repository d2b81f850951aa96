"""Put the labelled corpus together."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType

from benchmarks.leakage import clean, evasions, heldout, surfaces, values
from benchmarks.leakage.samples import Sample, fill, plant
from security.leakage import Tenant

OWN = "globex"
TENANTS = (
    Tenant("globex", "Globex", ("Globex Corporation",), ("globex.com",), ("cust_globex",)),
    Tenant("acmecorp", "AcmeCorp", ("Acme Corp",), ("acme-corp.com",), ("cust_acme_01",)),
    Tenant("bluewhale", "Blue Whale Media", ("BlueWhale", "BWM Group"), ("bluewhale.io",), ("cust_bw_77",)),
    Tenant("nordlicht", "Nordlicht GmbH", ("Nordlicht",), ("nordlicht.de",), ("cust-nordlicht-9",)),
    Tenant("zenith", "Zenith Robotics", ("ZenithRobotics",), ("zenithrobotics.co",), ("ZR-4410-EU",)),
    Tenant("pinecrest", "Pinecrest Foods Ltd", ("Pinecrest Foods",), ("pinecrestfoods.com",), ("pf_8831",)),
)
NEAR_MISSES = (
    "acme corporation",
    "Acme Corporate",
    "AcmeCorporation",
    "Acme Core",
    "acmecorps",
    "The acme of corporate success",
    "pinnacle-acmecorpx",
    "Blue Whales",
    "BlueWhaler",
    "BWM Groups",
    "Nordlichter",
    "das Nordlichtfest",
    "Zenith Robot",
    "the zenith of robotics",
    "ZenithRoboticsX",
    "Pinecrest Food",
    "Pinecrest Foodservice",
    "cust_acme_011",
    "xcust_acme_01",
    "myacme-corp.com",
    "ZR-4410-EUR",
    "ZR-44101-EU",
    "pf_88312",
    "Globex",
    "globex.com",
    "cust_globex",
    "Acne Corp",
    "Acme. Corp tax rose",
    "Acme, Corp",
)


def _tenant_values(source: random.Random) -> str:
    tenant = source.choice(TENANTS[1:])
    text = source.choice((tenant.name, *tenant.aliases, *tenant.domains, *tenant.identifiers))
    if text in (tenant.name, *tenant.aliases):
        change: Callable[[str], str] = source.choice(
            (
                str,
                str.upper,
                str.lower,
                lambda t: t.replace(" ", "-"),
                lambda t: t.replace(" ", "_"),
                lambda t: t.replace(" ", ""),
                lambda t: t.replace(" ", "\n"),
                "\u200b".join,
                lambda t: t.replace("e", "е").replace("o", "о"),
                lambda t: t.replace(" ", "  "),
                lambda t: t.replace(" ", "\u00a0"),
            )
        )
        return change(text)
    return source.choice((str, str.upper))(text)


_PERSONAL = {
    "email": values.email,
    "phone": values.phone,
    "card": values.card,
    "iban": values.iban,
    "ssn": values.ssn,
    "nino": values.nino,
    "nhs": values.nhs,
    "ip": values.public_ip,
    "passport": values.passport,
}


def leaky(source: random.Random, forms: ModuleType, count: int) -> list[Sample]:
    """Return `count` samples each of credentials, personal data, evasions and other customers' data."""
    makers = (_credential, _personal, _evasion, _tenant)
    return [make(source, forms) for make in makers for _ in range(count)]


def _credential(source: random.Random, forms: ModuleType) -> Sample:
    kind = source.choices(("token", "password", "key", "url", "pem", "jwt"), (34, 30, 22, 6, 4, 4))[0]
    if kind == "token":
        form, value = values.provider_token(source)
        template = source.choice(forms.TOKEN)
    elif kind == "password":
        form, value, template = "password", values.password(source), source.choice(forms.PASSWORD)
    elif kind == "key":
        form, value, template = "key", values.secret_key(source), source.choice(forms.KEY)
    else:
        value = {"url": values.url, "pem": values.private_key, "jwt": values.jwt}[kind](source)
        form, template = kind, source.choice(("{S}", "Here it is:\n{S}\n", "value: {S}", "{prose}\n\n{S}\n"))
    return plant(template, value, category="credential", form=f"{form} in {template!r}", source=source)


def _personal(source: random.Random, forms: ModuleType) -> Sample:
    kind = source.choice(sorted(_PERSONAL))
    template = source.choice(forms.PERSONAL[kind])
    return plant(template, _PERSONAL[kind](source), category="personal", form=f"{kind} in {template!r}", source=source)


def _evasion(source: random.Random, _forms: ModuleType) -> Sample:
    hide = source.choice(sorted(evasions.EVASIONS))
    kind = source.choices(("token", "assignment", "email", "card", "iban"), (50, 30, 8, 6, 6))[0]
    value = {
        "token": lambda: values.provider_token(source)[1],
        "assignment": lambda: (
            fill(source.choice(("{VAR}_PASSWORD=", "password: ", "the password is ", "api_key=")), source)
            + values.password(source)
        ),
        "email": lambda: values.email(source),
        "card": lambda: values.card(source),
        "iban": lambda: values.iban(source),
    }[kind]()
    template = source.choice(("Here it is: {S} as you asked.", "{prose}\n{S}\n{prose}", "data: {S}", "note {S}"))
    return plant(
        template, evasions.EVASIONS[hide](value, source), category="evasion", form=f"{hide} of {kind}", source=source
    )


def _tenant(source: random.Random, forms: ModuleType) -> Sample:
    template = source.choice(forms.TENANT)
    value = _tenant_values(source)
    return plant(template, value, category="tenant", form=f"{value!r} in {template!r}", source=source)


def clean_answers(source: random.Random, pieces: tuple[str, ...], count: int) -> list[Sample]:
    """Return `count` answers of two to four pieces without any leak."""
    made = []
    for _ in range(count):
        parts = [clean.fill_random(piece, source) for piece in source.sample(pieces, source.randint(2, 4))]
        made.append(Sample(fill("\n\n".join(parts), source), (), "clean"))
    return made


def near_misses(source: random.Random, forms: ModuleType, count: int) -> list[Sample]:
    """Return `count` answers with words that nearly name another customer."""
    made = []
    for _ in range(count):
        sample = plant(
            source.choice(forms.TENANT), source.choice(NEAR_MISSES), category="near", form="near", source=source
        )
        made.append(Sample(sample.text, (), "near"))
    return made


def held_out_pieces() -> tuple[str, ...]:
    """Return the clean pieces that the rules were not tuned on."""
    return heldout.CLEAN


def tuned_pieces() -> tuple[str, ...]:
    """Return the clean pieces that the rules were tuned on."""
    return clean.PIECES


FORMS = {"tuned": surfaces, "held-out": heldout}


def shuffled(source: random.Random, count: int) -> list[Sample]:
    """Return `count` leaky samples of each category in random order."""
    samples = leaky(source, surfaces, count)
    source.shuffle(samples)
    return samples
