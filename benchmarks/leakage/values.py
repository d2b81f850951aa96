"""Random values in valid formats. None was ever issued to anybody."""

from __future__ import annotations

import base64
import ipaddress
import random
import re
import string

import phonenumbers

from security.leakage.rulebook import load_rules
from security.leakage.validators.checksums import luhn

ALNUM = string.ascii_letters + string.digits
_BLANK = re.compile(r"<([^<>]+):(\d+)>")
_LETTERS = string.ascii_letters + string.digits + string.punctuation + " "


def _class(charset: str) -> str:
    allowed = re.compile(f"[{charset}]")
    return "".join(letter for letter in _LETTERS if allowed.match(letter))


def word(source: random.Random, letters: str, length: int) -> str:
    """Return `length` random letters."""
    return "".join(source.choices(letters, k=length))


def provider_token(source: random.Random) -> tuple[str, str]:
    """Return a rule's id and a token of its format."""
    rules = [rule for rule in load_rules() if not rule.keywords]
    rule = source.choice(rules)
    template = rule.examples[0]
    return rule.id, _BLANK.sub(lambda blank: word(source, _class(blank[1]), int(blank[2])), template)


def password(source: random.Random) -> str:
    """Return a password as people and generators make them."""
    kind = source.randrange(5)
    if kind == 0:
        return word(source, ALNUM, source.randint(10, 20)) + str(source.randint(1, 9))
    if kind == 1:
        return word(source, ALNUM + "!@#$%^&*-_+=?", source.randint(10, 22)) + source.choice("7Kq")
    if kind == 2:
        words = ("Falcon", "Maple", "River", "Copper", "Tiger", "Harbor", "Comet", "Velvet", "Orchid", "Summit")
        return source.choice(words) + source.choice("!@#$%-_.") + str(source.randint(10, 9999)) + source.choice("!#$*@")
    if kind == 3:
        altered = ("s3cr3t", "p4ssw0rd", "adm1n", "l0gin", "w1nter", "k1tten", "dr4gon")
        return source.choice(altered) + source.choice("-_!@") + word(source, ALNUM, source.randint(4, 8)) + "9"
    return (
        word(source, string.ascii_lowercase, 6)
        + word(source, string.digits, 3)
        + word(source, string.ascii_uppercase, 3)
    )


def secret_key(source: random.Random) -> str:
    """Return a key or token of no provider's."""
    kind = source.randrange(4)
    if kind == 0:
        return word(source, "0123456789abcdef", source.choice((32, 40, 64)))
    if kind == 1:
        return word(source, ALNUM, source.randint(24, 48)) + "4x"
    if kind == 2:
        return base64.b64encode(source.randbytes(source.choice((24, 32, 48)))).decode()
    return word(source, ALNUM + "-_", source.randint(26, 44)) + "7Q"


def private_key(source: random.Random) -> str:
    """Return a PEM block around random bytes."""
    kind = source.choice(("RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ", "DSA "))
    body = base64.b64encode(source.randbytes(source.choice((120, 600, 1190)))).decode()
    lines = "\n".join(body[index : index + 64] for index in range(0, len(body), 64))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def jwt(source: random.Random) -> str:
    """Return a signed token with made-up claims."""
    parts = (
        '{"alg":"HS256","typ":"JWT"}',
        f'{{"sub":"{source.randint(10**6, 10**9)}","exp":{source.randint(10**9, 2 * 10**9)}}}',
    )
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, base64.urlsafe_b64encode(source.randbytes(32)).decode().rstrip("=")))


def url(source: random.Random) -> str:
    """Return a connection string with a password in it."""
    scheme = source.choice(
        ("postgres", "postgresql", "mysql", "mongodb+srv", "redis", "amqp", "https", "ftp", "mssql+pyodbc", "ldap")
    )
    user = source.choice(("app", "admin", "svc", "reporting", ""))
    if not user and scheme != "redis":
        user = "root"
    secret = word(source, ALNUM + "!$%*-_.", source.randint(9, 18)) + "3"
    host = source.choice(("db1.corp-net.io:5432", "10.0.4.7", "cache.internal:6379", "cluster0.ab1cd.mongodb.net"))
    return f"{scheme}://{user}:{secret}@{host}/main"


def card(source: random.Random) -> str:
    """Return a card number with its check digit, grouped in one of the usual ways."""
    prefix, length = source.choice(
        (("4", 16), ("51", 16), ("54", 16), ("2221", 16), ("37", 15), ("6011", 16), ("3528", 16))
    )
    while True:
        digits = prefix + word(source, string.digits, length - len(prefix))
        if luhn(digits):
            return _grouped(digits, source.choice(("", " ", "-")))


def _grouped(digits: str, separator: str) -> str:
    if len(digits) == 15:
        return separator.join((digits[:4], digits[4:10], digits[10:]))
    return separator.join(digits[index : index + 4] for index in range(0, len(digits), 4))


_IBANS = {
    "DE": "18d",
    "GB": "4a14d",
    "FR": "10d11n2d",
    "ES": "20d",
    "IT": "1a10d12n",
    "NL": "4a10d",
    "BE": "12d",
    "CH": "5d12n",
    "PL": "24d",
    "SE": "20d",
    "NO": "11d",
    "PT": "21d",
    "AT": "16d",
    "IE": "4a14d",
}


def iban(source: random.Random) -> str:
    """Return an IBAN whose check digits are right."""
    country = source.choice(sorted(_IBANS))
    parts = re.findall(r"(\d+)([adn])", _IBANS[country])
    letters = {"a": string.ascii_uppercase, "d": string.digits, "n": string.digits + string.ascii_uppercase}
    body = "".join(word(source, letters[kind], int(count)) for count, kind in parts)
    number = int("".join(str(int(letter, 36)) for letter in body + country + "00"))
    text = f"{country}{98 - number % 97:02d}{body}"
    return " ".join(text[index : index + 4] for index in range(0, len(text), 4)) if source.random() < 0.5 else text


def email(source: random.Random) -> str:
    """Return a person's address."""
    first = source.choice(("maria", "john", "li", "ahmed", "sofia", "peter", "yuki", "olga", "raj", "emma"))
    last = source.choice(
        ("garcia", "smith", "wang", "hassan", "rossi", "novak", "tanaka", "ivanova", "patel", "muller")
    )
    local = source.choice(
        (
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}{source.randint(1, 99)}",
            f"{first}_{last}",
            f"{first}.{last}+news",
        )
    )
    domain = source.choice(
        (
            "gmail.com",
            "outlook.com",
            "northwind.io",
            "web.de",
            "bluewave.co.uk",
            "yahoo.fr",
            "proton.me",
            "sub.tailspin.com.au",
        )
    )
    return f"{local}@{domain}"


_PHONES = (
    "+44 20 7{3} {4}",
    "+44 7{3} {6}",
    "+49 30 {8}",
    "+49 171 {7}",
    "+33 6 {2} {2} {2} {2}",
    "+33 1 4{1} {2} {2} {2}",
    "+1 212 {u3} {4}",
    "+1 (415) {u3}-{4}",
    "+1-312-{u3}-{4}",
    "+61 4{2} {3} {3}",
    "+91 98{3} {5}",
    "+81 90 {4} {4}",
    "+34 6{2} {3} {3}",
    "+39 347 {3} {4}",
    "+31 6 {8}",
    "+55 11 9{4}-{4}",
    "+46 70 {3} {2} {2}",
    "+41 79 {3} {2} {2}",
    "+48 60{1} {3} {3}",
    "+353 87 {3} {4}",
    "({a3}) {u3}-{4}",
    "{a3}-{u3}-{4}",
    "{a3}.{u3}.{4}",
)


def phone(source: random.Random) -> str:
    """Return a number as its country writes it; only such as exist in its plan."""
    while True:
        form = source.choice(_PHONES)
        text = re.sub(r"\{(\w+)\}", lambda blank: _phone_part(blank[1], source), form)
        region = None if text.startswith("+") else "US"
        if phonenumbers.is_valid_number(phonenumbers.parse(text, region)) and "555" not in text:
            return text


def _phone_part(name: str, source: random.Random) -> str:
    if name == "a3":
        return source.choice(("212", "415", "312", "617", "206", "303", "512", "704"))
    if name == "u3":
        return str(source.randint(220, 989))
    return word(source, string.digits, int(name))


def ssn(source: random.Random) -> str:
    """Return a social security number in an issued range."""
    area = source.choice([*range(1, 666), *range(667, 900)])
    return f"{area:03d}-{source.randint(1, 99):02d}-{source.randint(1, 9999):04d}"


def nino(source: random.Random) -> str:
    """Return a national insurance number."""
    prefix = source.choice(("AB", "CE", "HJ", "JK", "LM", "NP", "PR", "SW", "TX", "YZ"))
    parts = [prefix, *(word(source, string.digits, 2) for _ in range(3)), source.choice("ABCD")]
    return source.choice((" ", "")).join(parts)


def nhs(source: random.Random) -> str:
    """Return an NHS number with its check digit."""
    while True:
        nine = word(source, string.digits, 9)
        check = 11 - sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            digits = nine + str(0 if check == 11 else check)
            return source.choice(
                (digits, f"{digits[:3]} {digits[3:6]} {digits[6:]}", f"{digits[:3]}-{digits[3:6]}-{digits[6:]}")
            )


def public_ip(source: random.Random) -> str:
    """Return an address that the internet routes."""
    while True:
        address = ipaddress.ip_address(source.randint(1 << 24, (224 << 24) - 1))
        if address.is_global and int(address) & 255 not in (0, 255):
            return str(address)


def passport(source: random.Random) -> str:
    """Return a passport number as some countries write it."""
    return source.choice(
        (
            word(source, string.digits, 9),
            source.choice("CFGHJKLMNPRTVWXYZ") + word(source, string.digits, 8),
            word(source, string.ascii_uppercase, 2) + word(source, string.digits, 7),
        )
    )
