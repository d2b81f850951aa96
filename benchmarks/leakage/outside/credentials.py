"""Answers with one credential: providers' tokens, passwords as told, addresses, keys and files."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable
from functools import cache

from benchmarks.leakage.outside.fill import lines, shape, words
from benchmarks.leakage.samples import Leak, Sample

_WORDS = (
    "Sunshine Dragon Monkey Shadow Winter Summer Autumn Falcon Hunter Silver Orange Purple Rocket Coffee Guitar Tiger"
    " Berlin London Paris Madrid Harbor Forest River Mountain Copper Marble Lantern Velvet Pepper Thunder"
).split()
_SAFE = "!#$%*+-_=.?"


def answers(source: random.Random, count: int) -> list[Sample]:
    """Return `count` answers, half with tokens, the rest with secrets that have no form of their own."""
    makers: tuple[Callable[[random.Random], Sample], ...] = (token, token, token, told, told, address, artefact)
    return [source.choice(makers)(source) for _ in range(count)]


def planted(source: random.Random, surface: str, value: str, form: str, **known: str) -> Sample:
    """Return the surface with the value at its mark, amid an answer's prose half of the time."""
    head, tail = (words(source, part, **known) for part in surface.split("§", 1))
    if source.random() < 0.5:
        head = f"{source.choice(OPENINGS)}\n\n{head}"
        tail = f"{tail}\n\n{source.choice(CLOSINGS)}"
    return Sample(head + value + tail, (Leak("credential", form, len(head), len(head) + len(value)),), form)


OPENINGS = (
    "I went through the repository as asked.",
    "Here is the summary of what I did:",
    "## Findings",
    "Sure, see below.",
    "Done. Two things stood out during the migration.",
    "The colleague's answer was as follows.",
    "Ich habe die Konfiguration geprüft.",
)
CLOSINGS = (
    "Let me know whether I should go on.",
    "Next step: review with the team on Thursday.",
    "The rest of the settings looked normal.",
    "Total time: 14 minutes.",
    "---",
)


@cache
def _catalogue() -> tuple[tuple[str, str, str, bool], ...]:
    rows = []
    for line in lines("tokens"):
        provider, variable, template = (part.strip() for part in line.split(" | ", 2))
        rows.append((provider.lstrip("~"), variable, template, provider.startswith("~")))
    return tuple(rows)


def token(source: random.Random) -> Sample:
    """Return an answer with a provider's token; one that needs its name stands beside it."""
    provider, variable, template, needs_name = source.choice(_catalogue())
    value = shape(source, template)
    snake = variable.lower()
    camel = re.sub(r"_(\w)", lambda part: part[1].upper(), snake)
    surface = source.choice(lines("named") if needs_name or source.random() < 0.5 else lines("surfaces"))
    if surface.count("|") > 1 and "|" in value:
        surface = "@N@=§"
    brand = provider.split("_")[0].capitalize()
    known = {"N": variable, "n": snake, "c": camel, "C": camel[:1].upper() + camel[1:], "p": brand}
    return planted(source, surface, value, f"token:{provider}", **known)


def password(source: random.Random) -> str:
    """Return what people and generators make: a word with digits, random letters, several words."""
    kind = source.randrange(6)
    if kind == 0:
        return source.choice(_WORDS) + str(source.randint(1, 9999)) + source.choice("!@#$%*?")
    if kind == 1:
        word = source.choice(_WORDS).replace("o", "0").replace("e", "3").replace("a", "@", 1)
        return word + source.choice(_SAFE) + str(source.randint(10, 9999))
    if kind == 2:
        return "".join(
            source.choices("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=source.randint(10, 24))
        )
    if kind == 3:
        letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789" + _SAFE
        return "A" + "".join(source.choices(letters, k=source.randint(9, 18))) + "7x"
    if kind == 4:
        return "-".join(source.sample([word.lower() for word in _WORDS], 4)) + str(source.randint(0, 99))
    return source.choice(_WORDS) + source.choice("-_.") + source.choice(_WORDS) + str(source.randint(1, 2030))


def told(source: random.Random) -> Sample:
    """Return an answer that tells or shows a password or another shapeless secret."""
    surface = source.choice(lines("told"))
    value = password(source)
    if re.search(r"(?i)pin for", surface):
        value = str(source.randint(1000, 999999))
    elif re.search(r"(?i)backup code|one-time|recovery key|license key", surface):
        value = "-".join(shape(source, "<A:5>") for _ in range(source.choice((2, 4, 5))))
    elif re.search(r"(?i)secret|token|api key|encryption", surface) and source.random() < 0.7:
        value = shape(source, source.choice(("<w:32>", "<x:40>", "<b:43>", "<x:64>", "<w:24>", "<B:44>")))
    if "'" in surface or '"' in surface or "," in surface or "|" in surface:
        value = value.replace(",", "x")
    return planted(source, surface, value, f"told:{surface[:34]!r}")


def address(source: random.Random) -> Sample:
    """Return an answer with an address or connection string that holds a password."""
    surface = source.choice(lines("urls"))
    value = re.sub(r"[@#?/%;&]", "-", password(source))
    return planted(source, surface, value, f"url:{surface[:30]!r}")


def artefact(source: random.Random) -> Sample:
    """Return an answer with a key block or a whole file that carries a credential."""
    return source.choice((_pem, _pem, _basic, _docker, _kube, _service_account, _aws_pair, _azure, _state, _secret))(
        source
    )


def _pem(source: random.Random) -> Sample:
    kind = source.choice(
        (
            "RSA PRIVATE KEY",
            "PRIVATE KEY",
            "EC PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "DSA PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
        )
    )
    body = (
        "\n".join(shape(source, "<B:64>") for _ in range(source.randint(3, 24))) + "\n" + shape(source, "<B:30>") + "=="
    )
    extra = "\n" if kind.startswith("PGP") else ""
    value = f"-----BEGIN {kind}-----\n{extra}{body}\n-----END {kind}-----"
    form = source.randrange(5)
    if form == 1:
        value = value.replace("\n", "\\n")
        return planted(source, '{"private_key": "§\\n"}', value, "pem:json")
    if form == 2:
        value = value.replace("\n", "\n    ")
        return planted(source, "tls:\n  key: |\n    §\n", value, "pem:yaml")
    if form == 3:
        return planted(source, 'PRIVATE_KEY="§"', value.replace("\n", "\\n"), "pem:env")
    if form == 4:
        value = value.replace("\n", "\n> ")
        return planted(source, "> §", value, "pem:quoted")
    return planted(source, "```\n§\n```", value, "pem:block")


def _basic(source: random.Random) -> Sample:
    value = base64.b64encode(f"admin:{password(source)}".encode()).decode()
    surface = source.choice(
        (
            "Authorization: Basic §",
            "curl -H 'Authorization: Basic §' https://api.kestrel.io",
            '"Authorization": "Basic §"',
            "headers = {'Authorization': 'Basic §'}",
        )
    )
    return planted(source, surface, value, "basic")


def _docker(source: random.Random) -> Sample:
    value = base64.b64encode(f"ci-bot:{password(source)}".encode()).decode()
    return planted(source, '{"auths":{"https://index.docker.io/v1/":{"auth":"§"}}}', value, "docker")


def _kube(source: random.Random) -> Sample:
    if source.random() < 0.5:
        value = base64.b64encode(b"-----BEGIN RSA PRIVATE KEY-----\n" + shape(source, "<B:400>").encode()).decode()
        return planted(source, "users:\n- name: admin\n  user:\n    client-key-data: §\n", value, "kube:key")
    return planted(source, "users:\n- name: deployer\n  user:\n    token: §\n", shape(source, "<jwt>"), "kube:token")


def _service_account(source: random.Random) -> Sample:
    key = (
        "-----BEGIN PRIVATE KEY-----\\n"
        + "\\n".join(shape(source, "<B:64>") for _ in range(20))
        + "\\n-----END PRIVATE KEY-----"
    )
    surface = (
        '{\n  "type": "service_account",\n  "project_id": "kestrel-7",\n  "private_key_id": "'
        + shape(source, "<x:40>")
        + '",\n  "private_key": "§\\n",\n  "client_email": "x@kestrel-7.iam.gserviceaccount.com"\n}'
    )
    return planted(source, surface, key, "service_account")


def _aws_pair(source: random.Random) -> Sample:
    key_id, value = shape(source, "AKIA<T:16>"), shape(source, "<B:40>")
    surface = source.choice(
        (
            f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = §",
            f"{key_id} / §",
            f"{key_id}:§",
            f"key {key_id} secret §",
            f"Access key: {key_id}\nSecret key: §",
            f"Access key ID,Secret access key\n{key_id},§",
            f'{{"AccessKeyId":"{key_id}","SecretAccessKey":"§"}}',
        )
    )
    return planted(source, surface, value, "aws_pair")


def _azure(source: random.Random) -> Sample:
    surface = "DefaultEndpointsProtocol=https;AccountName=kestrel;AccountKey=§;EndpointSuffix=core.windows.net"
    if source.random() < 0.4:
        surface = "Endpoint=sb://kestrel.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=§"
        return planted(source, surface, shape(source, "<B:43>="), "azure:bus")
    return planted(source, surface, shape(source, "<B:86>=="), "azure:storage")


def _state(source: random.Random) -> Sample:
    head = json.dumps({"mode": "managed", "type": "aws_db_instance", "name": "main"})[:-1]
    surface = head + ', "instances": [{"attributes": {"username": "app", "password": "§", "port": 5432}}]}'
    return planted(source, surface, password(source).replace("\\", ""), "tfstate")


def _secret(source: random.Random) -> Sample:
    value = base64.b64encode(password(source).encode()).decode()
    surface = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  username: YWRtaW4=\n  password: §"
    )
    return planted(source, surface, value, "k8s:data")
