"""A second outside corpus, written after the first had been tuned on: other words, other tools, other people."""

from __future__ import annotations

import base64
import codecs
import html
import random
import re
import urllib.parse
from collections.abc import Callable

from faker import Faker

from benchmarks.leakage.outside import credentials
from benchmarks.leakage.outside.fill import lines, shape
from benchmarks.leakage.samples import Leak, Sample
from security.leakage import Tenant

OWN = "umbra-labs"
TENANTS = (
    Tenant(customer_id=OWN, name="Umbra Labs", domains=("umbralabs.io",), identifiers=("org_um_1",)),
    Tenant(
        customer_id="kettle-and-co",
        name="Kettle & Co",
        aliases=("KettleCo",),
        domains=("kettleco.shop",),
        identifiers=("cus_88KQ21",),
    ),
    Tenant(
        customer_id="vantasoft",
        name="VantaSoft",
        aliases=("Vanta Soft",),
        domains=("vantasoft.dev",),
        identifiers=("acct_vs_551",),
    ),
    Tenant(
        customer_id="muellerbau",
        name="Müller Bau",
        aliases=("Mueller Bau",),
        domains=("mueller-bau.de",),
        identifiers=("KD-2204-77",),
    ),
    Tenant(
        customer_id="oakridge-dental",
        name="Oakridge Dental",
        domains=("oakridgedental.com",),
        identifiers=("tenant-oak-9",),
    ),
    Tenant(customer_id="pixelforge", name="PixelForge Studios", aliases=("PixelForge",), domains=("pixelforge.gg",)),
    Tenant(customer_id="orange", name="Orange", domains=("orange-telco.net",), identifiers=("or_4471",)),
)
_FAKE = Faker(["en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_BR", "pl_PL"])
_TOLD = (
    "heads up, prod db password got rotated: §",
    "I was able to sign in to Grafana using admin and §.",
    "pwd for jenkins = §",
    "ssh root@10.1.1.4 (pass §)",
    "The vault unseal passphrase is `§`.",
    "Temporary credentials were issued (user: ops, password: §).",
    "Passwort fürs WLAN: §",
    "Dein neues Passwort ist §.",
    "Votre mot de passe temporaire est : §",
    "Su contraseña temporal es: §",
    "El password del servidor es §",
    "la clave de acceso es §",
    "Das Admin-Kennwort ist '§'",
    "so the bitlocker PIN/password is § btw",
    "Admin panel → login: root → password: §",
    "**Password:** `§`",
    "- password: §",
    "export DB_PASS='§'",
    "DB_PASSWORD=§ npm start",
    "--db-password=§",
    "mysqldump -uroot -p'§' shop > dump.sql",
    "docker run -e POSTGRES_PASSWORD=§ postgres:16",
    "  POSTGRES_PASSWORD: §",
    "smtp.auth.password: §",
    '{"user":"svc","pass":"§"}',
    '{\\"password\\": \\"§\\"}',
    "<dbPassword>§</dbPassword>",
    "db.password=§",
    'password := "§"',
    '$password = "§";',
    'val password = "§"',
    'let password = String::from("§");',
    'NSString *password = @"§";',
    'password <- "§"',
    "| host | user | password |\n|---|---|---|\n| db1 | root | § |",
    "user,pass\nops,§",
    "kubectl create secret generic db --from-literal=password=§",
    "aws secretsmanager put-secret-value --secret-id db --secret-string '§'",
    "UPDATE users SET password = '§' WHERE id = 1;",
    "GRANT ALL ON *.* TO 'app'@'%' IDENTIFIED BY '§';",
    "The API secret is §, please store it safely.",
    "X-Auth-Token: §",
    'client_secret: "§"',
    'encryption_key = "§"',
    "HMAC secret: §",
    "You: what's the sudo password?\nBot: §",
    "The password hasn't changed, it is still §",
    "I guessed the password (it was §).",
    "try § as password",
    "Login with bob@corp and § should work",
)
_CLEAN = (
    "The deployment took 14 minutes and 3 pods restarted.",
    "See RFC 6749 section 4.1 for the authorization code grant.",
    "tokens_used: 18231, finish_reason: stop",
    "You need a token to call the API; ask your admin.",
    "The password policy requires 14 characters.",
    "password reset emails are sent within 2 minutes",
    "Invoice RE-2026-00412, due 2026-04-30",
    "commit 9f2c1b7e0d4a6c8b5f3e2d1c0b9a8f7e6d5c4b3a",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
    "id: 550e8400-e29b-41d4-a716-446655440000",
    "call the endpoint /v2/orders/10023941?expand=lines",
    "Version 4.18.2 was released on 2026-01-20",
    "GET https://api.kestrel.io/v1/token 401 12ms",
    "Set `GITHUB_TOKEN` in the repository settings.",
    'token = os.environ["SLACK_TOKEN"]',
    "password: ${DB_PASSWORD}",
    "apiKey: <YOUR_API_KEY>",
    "Authorization: Bearer {access_token}",
    "secret: !Ref DbSecret",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ7mVQkZt0bV9n2oC3yQm5yq8s7r6t5u4v3w2x1y0z9 ops",
    "The public key is in keys/deploy.pub.",
    "bcrypt hash $2b$12$KIXQ4S9n1rJQO8bEw5b8UuJ8s7wQv1y2z3a4b5c6d7e8f9g0h1i2j",
    "ISBN 978-0-13-468599-1",
    "Flight LH 1234 departs 07:45, gate B12, seat 14C.",
    "Tracking 1Z999AA10123456784",
    "card 4000 0000 0000 0002 is declined in test mode",
    "ping 192.168.10.4, 10.1.0.1, 172.20.1.2",
    "SELECT count(*) FROM orders WHERE created_at > '2026-01-01';",
    "if user.password_expired: redirect('/reset')",
    "class TokenBucket:\n    def __init__(self, rate: float) -> None:\n        self.rate = rate",
    "x = base64.b64encode(data).decode()",
    "Weak passwords such as 123456 or qwerty are rejected.",
    "Two-factor codes expire after 30 seconds.",
    "Our target group prefers orange over blue.",
    "An orange is a fruit; oranges are sweet.",
    "The pixels forge ahead.",
    "Kettle and coffee machine are in the kitchen.",
    "Ein Müller baut eine Mühle.",
    "The mileage was 104,233 km.",
    "aspect ratio 16:9, 1920x1080, 60 fps",
    "0x7fff5fbff8a0 in main () at main.c:12",
    "SKU 4006381333931, lot A-2231",
    "timestamp 1764547200",
    "user_id=4451 session=expired",
    "key: value, other: thing",
    "The keys are name, email and role.",
    "keyword density 2.1 %",
    "secretary@ is a role, not a secret",
    "The author's token of appreciation",
    "passport control was slow",
    "a social security reform was passed in 1983",
    "The IBAN field accepts up to 34 characters.",
    "pass the salt; 3 of 4 tests pass",
)


def credential_answers(source: random.Random, count: int) -> list[Sample]:
    """Return answers with a secret that is told or shown, or a provider's token."""
    found = []
    for _ in range(count):
        if source.random() < 0.45:
            provider, variable, template = (part.strip() for part in source.choice(lines("tokens")).split(" | ", 2))
            value = shape(source, template)
            surface = source.choice(
                (
                    f"{variable}=§",
                    f'"{variable.lower()}": "§"',
                    f"{variable}: §",
                    f"my {provider.strip('~').split('_')[0]} token is §",
                    f"| {variable} | § |",
                    f"ENV {variable} §",
                    f"- name: {variable}\n  value: §",
                    f'export {variable}="§"',
                    f"{variable.lower()} = '§'",
                )
            )
            form = f"token:{provider}"
        else:
            surface = source.choice(_TOLD)
            _FAKE.seed_instance(source.getrandbits(32))
            value = (
                _FAKE.password(length=source.randint(9, 18), special_chars=source.random() < 0.6)
                .replace('"', "x")
                .replace("'", "y")
                .replace("|", "z")
            )
            if source.random() < 0.25:
                value = credentials.password(source)
            form = f"told:{surface[:30]}"
        found.append(_planted(source, surface, value, "credential", form))
    return found


def _planted(source: random.Random, surface: str, value: str, category: str, form: str) -> Sample:
    head, tail = surface.split("§", 1)
    if source.random() < 0.6:
        head, tail = f"{source.choice(_CLEAN)}\n\n{head}", f"{tail}\n\n{source.choice(_CLEAN)}"
    return Sample(head + value + tail, (Leak(category, form, len(head), len(head) + len(value)),), form)


def personal_answers(source: random.Random, count: int) -> list[Sample]:
    """Return answers with a piece of somebody's data, as Faker makes it."""
    found = []
    for _ in range(count):
        _FAKE.seed_instance(source.getrandbits(32))
        kind = source.choice(
            (
                "email",
                "email",
                "card",
                "iban",
                "ssn",
                "ip",
                "phone",
                "phone",
                "btc",
                "cpf",
                "nie",
                "pesel",
                "nino",
                "nhs",
            )
        )
        makers: dict[str, Callable[[], tuple[str, str]]] = {
            "email": lambda: (
                f"{_FAKE['en_US'].first_name().lower()}.{_FAKE['en_US'].last_name().lower()}@{source.choice(('gmx.net', 'icloud.com', 'fastmail.com', 'acmewidgets.co', 'laposte.net'))}",
                "reach her under §",
            ),
            "card": lambda: (
                _FAKE["en_US"].credit_card_number(
                    card_type=source.choice(("visa16", "mastercard", "amex", "discover"))
                ),
                "paid with § (exp 04/29)",
            ),
            "iban": lambda: (_FAKE[source.choice(("de_DE", "fr_FR", "es_ES", "nl_NL", "it_IT"))].iban(), "Bank: §"),
            "ssn": lambda: (_FAKE["en_US"].ssn(), "employee SSN §"),
            "ip": lambda: (_FAKE["en_US"].ipv4_public(), "request from §"),
            "phone": lambda: source.choice(
                (
                    (shape(source, "+49 171 <n:7>"), "Mobil: §"),
                    (shape(source, "+44 7700 1<n:5>").replace("7700 1", "7911 1"), "ring §"),
                    (shape(source, "(415) 6<n:2>-<n:4>"), "phone §"),
                    (shape(source, "+33 6 12 <n:2> <n:2> <n:2>"), "Tél. §"),
                    (shape(source, "+1 (646) 5<n:2>-<n:4>"), "§"),
                )
            ),
            "btc": lambda: (shape(source, "0x<x:40>"), "refund to §"),
            "cpf": lambda: (_FAKE["pt_BR"].cpf(), "CPF do cliente: §"),
            "nie": lambda: (_FAKE["es_ES"].nif(), "DNI/NIF §"),
            "pesel": lambda: (_FAKE["pl_PL"].pesel(), "PESEL pacjenta: §"),
            "nino": lambda: (
                source.choice(("AB", "JG", "NR", "SC", "WK"))
                + shape(source, " <n:2> <n:2> <n:2> ")
                + source.choice("ABCD"),
                "National Insurance: §",
            ),
            "nhs": lambda: (_nhs(source), "NHS no: §"),
        }
        value, surface = makers[kind]()
        found.append(
            _planted(
                source,
                source.choice((surface, f"| client | {surface} |", f"{surface}, thanks")),
                value,
                "personal",
                kind,
            )
        )
    return found


def _nhs(source: random.Random) -> str:
    while True:
        digits = [source.randint(1, 9) for _ in range(9)]
        check = 11 - sum(digit * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            text = "".join(map(str, digits)) + str(0 if check == 11 else check)
            return source.choice((text, f"{text[:3]} {text[3:6]} {text[6:]}"))


def evasion_answers(source: random.Random, count: int) -> list[Sample]:
    """Return answers whose value is hidden in one of the common ways, with parameters of their own."""
    ways: dict[str, Callable[[str], str]] = {
        "zw": lambda v: "".join(letter + source.choice("\u200b\u200d\u2063") for letter in v),
        "full": lambda v: "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in v),
        "script": lambda v: "".join(
            chr(0x1D4D0 + ord(c) - 65) if "A" <= c <= "Z" else chr(0x1D4EA + ord(c) - 97) if "a" <= c <= "z" else c
            for c in v
        ),
        "circled": lambda v: "".join(
            chr(0x24B6 + ord(c) - 65) if "A" <= c <= "Z" else chr(0x24D0 + ord(c) - 97) if "a" <= c <= "z" else c
            for c in v
        ),
        "glyph": lambda v: v.translate(str.maketrans("aeocpxyk", "аеосрхук")),
        "greek": lambda v: v.translate(str.maketrans("ABEHIKMNOPTXYZo", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖο")),
        "strike": lambda v: "".join(letter + "\u0336" for letter in v),
        "ent": lambda v: "".join(f"&#{ord(c)};" if source.random() < 0.5 else c for c in v),
        "entall": lambda v: "".join(f"&#x{ord(c):04X};" for c in v),
        "named": lambda v: html.escape(v).replace("_", "&#95;"),
        "pct": lambda v: "".join(f"%{ord(c):02x}" for c in v),
        "pct2": lambda v: urllib.parse.quote(urllib.parse.quote("".join(v), safe=""), safe=""),
        "uni": lambda v: "".join(f"\\u{ord(c):04X}" for c in v),
        "hexe": lambda v: "".join(f"\\x{ord(c):02X}" for c in v),
        "b64": lambda v: base64.b64encode(f"token={v}".encode()).decode(),
        "b64x2": lambda v: base64.b64encode(base64.b64encode(v.encode())).decode(),
        "b64w": lambda v: "\n".join(re.findall(".{1,24}", base64.b64encode(v.encode()).decode())),
        "b64url": lambda v: base64.urlsafe_b64encode(v.encode()).decode().rstrip("="),
        "hex": lambda v: v.encode().hex(),
        "hexcol": lambda v: v.encode().hex(":"),
        "rev": lambda v: v[::-1],
        "rot": lambda v: codecs.encode(v, "rot13"),
        "spaced": " ".join,
        "dashed": "-".join,
        "nl": lambda v: "\n".join(re.findall(".{1,10}", v)),
        "half": lambda v: f"{v[: len(v) // 2]}\n{v[len(v) // 2 :]}",
        "halfsp": lambda v: f"{v[: len(v) // 2]} {v[len(v) // 2 :]}",
        "bold": lambda v: f"**{v[:6]}**{v[6:]}",
        "ticks": lambda v: f"`{v[:5]}``{v[5:]}`",
        "plus": lambda v: f'"{v[:7]}" + "{v[7:]}"',
        "py": lambda v: f"('{v[:9]}'\n '{v[9:]}')",
        "arr": lambda v: "[" + ", ".join(f"'{v[i : i + 8]}'" for i in range(0, len(v), 8)) + "].join('')",
    }
    tokens = (
        "ghp_<w:36>",
        "glpat-<b:20>",
        "sk-proj-<b:60>",
        "xoxb-<n:12>-<n:12>-<w:24>",
        "AKIA<T:16>",
        "npm_<w:36>",
        "sk_live_<w:24>",
        "postgres://app:<w:14>@db.corp.io/app",
        "password: <w:14>",
    )
    found = []
    for _ in range(count):
        value = shape(source, source.choice(tokens))
        if source.random() < 0.35:
            (leak,) = (sample := personal_answers(source, 1)[0]).leaks
            while leak.form not in ("email", "card", "iban", "phone"):
                (leak,) = (sample := personal_answers(source, 1)[0]).leaks
            value = sample.text[leak.start : leak.end]
        way = source.choice(tuple(ways))
        found.append(
            _planted(source, source.choice(("see § please", "§", "value: §", "> §")), ways[way](value), "evasion", way)
        )
    return found


def tenant_answers(source: random.Random, count: int) -> list[Sample]:
    """Return answers that name another customer."""
    found = []
    for _ in range(count):
        tenant = source.choice([each for each in TENANTS if each.customer_id not in (OWN, "orange")])
        value = source.choice((tenant.name, tenant.name, *tenant.aliases, *tenant.domains, *tenant.identifiers))
        value = source.choice(
            (
                value,
                value,
                value.upper(),
                value.lower(),
                "\u200b".join(value),
                value.replace(" ", "_"),
                value.replace(" ", "\n"),
                value.replace(" ", "\u2011"),
                value.translate(str.maketrans("aeo", "аео")),
            )
        )
        surface = source.choice(
            (
                "The template was first made for §.",
                "(cf. §)",
                "§",
                "«§»",
                "contact of §: see CRM",
                "tenant=§&x=1",
                "für § gebaut",
                "与§合作",
                "#§",
                "@§",
                "§/§-report.pdf".replace("§", "§", 1).replace("/§", "/q3"),
            )
        )
        found.append(_planted(source, surface, value, "tenant", value))
    return found


def clean_answers(source: random.Random, count: int) -> list[Sample]:
    """Return answers that leak nothing."""
    return [Sample("\n\n".join(source.sample(_CLEAN, source.randint(2, 8))), (), "clean") for _ in range(count)]
