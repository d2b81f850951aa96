"""Answers that leak nothing, of the sorts that scanners cry wolf at."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from collections.abc import Callable

from benchmarks.leakage.outside.fill import shape, words
from benchmarks.leakage.samples import Sample

_PROSE = (
    "The campaign reached 48,210 people in week 12, which is 8 % more than planned.",
    "We should rotate secrets every 90 days and never commit passwords to the repository.",
    "The token is validated by the gateway before the request reaches the service.",
    "A password manager helps: it generates long passwords and stores them encrypted.",
    "If the API key is missing, the server answers 401 and the client retries once.",
    "Passwords are hashed with Argon2id; the salt is 16 bytes long.",
    "Set the password in the environment, not in the file.",
    "Your password must be at least 12 characters and contain a digit.",
    "The secret of a good landing page is one clear call to action.",
    "I forgot the password and asked for a reset link.",
    "The password is stored in the vault, ask the platform team for access.",
    "the api key is required for all calls",
    "The token is invalid or expired.",
    "Password: required, 8 to 64 characters",
    "The key is to start small.",
    "Use the token bucket algorithm for rate limiting.",
    "The access token is short-lived (15 minutes).",
    "Das Passwort ist abgelaufen und muss geändert werden.",
    "Le mot de passe est obligatoire.",
    "La contraseña es incorrecta.",
    "Das Kennwort muss mindestens zwölf Zeichen lang sein.",
    "The client secret is shown only once.",
    "Key findings: revenue up, churn down.",
    "Meeting moved to 14:30 on 2026-03-11, room 4.12.",
    "Version 3.11.9 fixes CVE-2024-12345.",
    "The order 4471-22-9981 was shipped.",
    "Elliptic curves such as secp256k1 and Curve25519 are common; AES-256-GCM encrypts the payload.",
    "Bearer tokens must be sent over TLS.",
    "We compare basic authentication with OAuth 2.0.",
    "The private key never leaves the HSM; the public key is in the repository.",
    "The credentials were rotated yesterday; see the runbook.",
    "user: the person who logs in; pass: the result of a check",
    "The login page loads in 1.2 s.",
    "pass: 214, fail: 0, skipped: 3",
    "Secret Santa is on December 12.",
    "The token count was 1,834.",
    "Passphrase length matters more than symbols.",
    "tokens: 2048",
    "max_tokens=4096, temperature=0.7",
    "The pin layout of the connector is below.",
    "Passport checks take five minutes; bring the original.",
    "SSN fields are masked as ***-**-1234.",
    "Phone support is open from 9 to 17.",
)


def answers(source: random.Random, count: int) -> list[Sample]:
    """Return `count` clean answers: prose with one to three pieces of one sort among it."""
    kinds = tuple(_PIECES.items())
    found = []
    for _ in range(count):
        name, maker = source.choice(kinds)
        parts = source.sample(_PROSE, source.randint(1, 4))
        parts.insert(source.randint(0, len(parts)), maker(source))
        found.append(Sample(words(source, "\n\n".join(parts)), (), name))
    return found


def _digest(source: random.Random) -> str:
    return hashlib.sha256(source.randbytes(8)).hexdigest()


def _lock_npm(source: random.Random) -> str:
    rows = []
    for name in source.sample(("lodash", "react", "vite", "chalk", "zod", "axios"), 3):
        digest = base64.b64encode(hashlib.sha512(source.randbytes(8)).digest()).decode()
        rows.append(
            f'    "node_modules/{name}": {{\n      "version": "{source.randint(1, 9)}.2.1",\n      "resolved": "https://registry.npmjs.org/{name}/-/{name}-4.17.21.tgz",\n      "integrity": "sha512-{digest}"\n    }}'
        )
    return "{\n" + ",\n".join(rows) + "\n}"


def _lock_yarn(source: random.Random) -> str:
    digest = hashlib.sha1(source.randbytes(8), usedforsecurity=False).hexdigest()
    return f'"@babel/core@^7.0.0":\n  version "7.24.0"\n  resolved "https://registry.yarnpkg.com/@babel/core/-/core-7.24.0.tgz#{digest}"\n  integrity sha512-{base64.b64encode(source.randbytes(64)).decode()}'


def _lock_cargo(source: random.Random) -> str:
    return f'[[package]]\nname = "serde"\nversion = "1.0.203"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "{_digest(source)}"'


def _lock_poetry(source: random.Random) -> str:
    return f'files = [\n    {{file = "idna-3.7-py3-none-any.whl", hash = "sha256:{_digest(source)}"}},\n    {{file = "idna-3.7.tar.gz", hash = "sha256:{_digest(source)}"}},\n]'


def _go_sum(source: random.Random) -> str:
    return f"github.com/stretchr/testify v1.9.0 h1:{base64.b64encode(source.randbytes(32)).decode()}\ngithub.com/stretchr/testify v1.9.0/go.mod h1:{base64.b64encode(source.randbytes(32)).decode()}"


def _docker_digest(source: random.Random) -> str:
    return f"FROM python:3.11-slim@sha256:{_digest(source)}\nimage: ghcr.io/org/app@sha256:{_digest(source)}"


def _image(source: random.Random) -> str:
    body = base64.b64encode(b"\x89PNG\r\n\x1a\n" + source.randbytes(source.randint(100, 900))).decode()
    return f"![chart](data:image/png;base64,{body})"


def _git_log(source: random.Random) -> str:
    return (
        "\n".join(
            f"{shape(source, '<x:7>')} {text}" for text in ("Fix the login form", "Add token refresh", "Bump deps")
        )
        + f"\ncommit {shape(source, '<x:40>')}\nMerge: {shape(source, '<x:9>')} {shape(source, '<x:9>')}"
    )


def _uuids(source: random.Random) -> str:
    return f"request_id: {uuid.UUID(int=source.getrandbits(128))}\ntrace id {shape(source, '<x:32>')}, span {shape(source, '<x:16>')}\ntraceparent: 00-{shape(source, '<x:32>')}-{shape(source, '<x:16>')}-01"


def _placeholders(source: random.Random) -> str:
    return source.choice(
        (
            'export API_KEY="your-api-key-here"',
            "OPENAI_API_KEY=sk-...",
            "password: <your-password>",
            "DB_PASSWORD=changeme",
            "API_TOKEN=${API_TOKEN}",
            "password = os.environ['DB_PASSWORD']",
            "token: {{ .Values.token }}",
            "secret: ${{ secrets.DEPLOY_KEY }}",
            "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "Authorization: Bearer <token>",
            "Authorization: Bearer YOUR_ACCESS_TOKEN",
            "postgres://user:password@localhost:5432/db",
            "postgresql://USER:PASSWORD@HOST:PORT/DB",
            "mysql://root:${MYSQL_PWD}@db/app",
            "redis://:password@localhost:6379",
            'password = getpass.getpass("Password: ")',
            "const token = await getToken();",
            "token = request.headers['X-Token']",
            "api_key=xxxxxxxxxxxxxxxxxxxxxxxx",
            "secret_key = secrets.token_urlsafe(32)",
            "password: '********'",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "xoxb-your-token",
            "password=None",
            "token=null",
            "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
            "API_KEY=REPLACE_ME",
            "PASSWORD=",
            "password: str = Field(min_length=8)",
            "password: string;",
            "passwordHash: string;",
            "if (password !== confirmPassword) throw new Error('Passwords do not match');",
            "def check_password(self, password): return verify(password, self.hash)",
            "SECRET_KEY_FILE=/run/secrets/secret_key",
            "password_file: /etc/app/password",
            "token_url: https://auth.kestrel.io/oauth/token",
            "curl -H 'Authorization: Bearer $TOKEN' https://api.kestrel.io",
            "curl -u user:pass https://api.kestrel.io",
            '<input type="password" name="password" placeholder="Password">',
            "secretName: db-credentials",
            "secretKeyRef:\n  name: db\n  key: password",
            'key: "primary"',
            "apiKey: process.env.API_KEY",
            "PASSWORD_MIN_LENGTH = 12",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
            "token_type: bearer\nexpires_in: 3600",
            "password=[REDACTED]",
            "api_key: ***REMOVED***",
            "passwd: x",
            "password_reset_timeout = 3600",
            "| password | string | yes | The user's password |",
            "| token | string | required |",
            "TOKEN_TTL=86400",
            "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased')",
            "key=lambda row: row.total",
            "sort_key: created_at",
            "primary_key: customer_id",
            "foreign key (order_id) references orders(id)",
            "keyboard: qwertz",
            "public_key: ssh-ed25519 " + shape(source, "AAAAC3NzaC1lZDI1NTE5AAAAI<B:43>") + " deploy@host",
        )
    )


def _public(source: random.Random) -> str:
    return source.choice(
        (
            "-----BEGIN PUBLIC KEY-----\n" + shape(source, "<B:64>\n<B:64>\n<B:40>") + "\n-----END PUBLIC KEY-----",
            "-----BEGIN CERTIFICATE-----\n"
            + "\n".join(shape(source, "<B:64>") for _ in range(12))
            + "\n-----END CERTIFICATE-----",
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ" + shape(source, "<B:330>") + " ops@build",
            "SHA256:" + shape(source, "<B:43>") + " ops@build (ED25519)",
            "pk_live_" + shape(source, "<w:24>"),
            "$2b$12$" + shape(source, "<w:53>"),
            "password hash: $argon2id$v=19$m=65536,t=3,p=4$" + shape(source, "<w:22>$<w:43>"),
            "pbkdf2_sha256$600000$" + shape(source, "<w:22>$<B:43>="),
            'etag: "' + shape(source, "<x:32>") + '"',
            "md5: " + shape(source, "<x:32>"),
            "sha1sum " + shape(source, "<x:40>") + "  build.tar.gz",
            "fingerprint " + ":".join(shape(source, "<x:2>") for _ in range(16)),
        )
    )


def _numbers(source: random.Random) -> str:
    return source.choice(
        (
            "Order no. " + shape(source, "<n:10>") + ", tracking 1Z" + shape(source, "<A:16>"),
            "ISBN 978-3-16-148410-0",
            "DHL " + shape(source, "00340434<n:12>"),
            "invoice INV-2026-" + shape(source, "<n:6>") + " over 1,249.00 EUR",
            "SKU " + shape(source, "<A:4>-<n:5>-<A:2>"),
            "timestamp 17" + shape(source, "<n:8>"),
            "epoch ms 17" + shape(source, "<n:11>"),
            "card 4242 4242 4242 4242 works in test mode",
            "test card 4111111111111111",
            "3782 822463 10005 (Amex test)",
            "5555555555554444",
            "lat 52.5200, lon 13.4050",
            "3.14159265358979323846",
            "size 1234567890 bytes",
            "id=" + shape(source, "<n:18>"),
            "serial " + shape(source, "<n:12>"),
            "VIN WVWZZZ1JZ3W386752",
            "IMEI 490154203237518",
            "between 10,000 and 250,000 units",
            "2026-01-01 to 2026-12-31",
            "range 192.168.0.0/16, host 10.0.0.12, 172.16.4.1",
            "listen 0.0.0.0:8080, 127.0.0.1",
            "version 10.15.7.22",
            "v1.2.3.4",
            "build 2024.11.5.1832",
            "DE89 3704 0044 0532 0130 00 is the documented example IBAN",
            "(555) 555-0199",
            "call 911 or 112",
            "SSN 000-12-3456 is never issued",
            "078-05-1120",
            "ticket #48213, PR 1021, issue 77",
            "|  2023 | 1,204,331 | 12.4 % |\n|  2024 | 1,391,002 | 15.5 % |",
            "16 digits: 1234 5678 9012 3456",
            "9876543210",
            "phone-like 2023-11-12-0042",
            "part 415-220-1188-A",
            "dns 8.8.8.8 and 1.1.1.1",
            "2001:db8::1, ::1, fe80::1",
            "203.0.113.7 and 198.51.100.23",
            "MAC 00:1B:44:11:3A:B7",
            "hex color #a1b2c3, #FFFFFF",
            "ETA 12:45:30.123456",
            "p50 0.14 ms, p99 0.64 ms, 36 MB/s",
            "IBAN DE00 1234 5678 9012 3456 78 is invalid",
            "coordinates 48.858370, 2.294481",
            "CUSIP 037833100, ISIN US0378331005",
            "lot 20251130-0001-77",
            "meter 00012345.678",
            "DOI 10.1145/3292500.3330701",
            "RFC 9110, ISO 8601, EN 301549",
            "arXiv:2402.12345v2",
        )
    )


def _mails(source: random.Random) -> str:
    return source.choice(
        (
            "write to user@example.com or admin@example.org",
            "jane.doe@test.invalid",
            "noreply@example.net",
            "git@github.com:org/repo.git",
            "root@localhost",
            "npm i @types/node@20.1.0",
            "name@domain.tld",
            "you@yourcompany.com",
            "@app.route('/x')",
            "foo@bar",
            "user@host:~$ ls",
            "pkg@1.2.3",
            "ssh deploy@server",
            "actions/checkout@v4",
        )
    )


def _code(source: random.Random) -> str:
    return (
        "```python\n"
        + source.choice(
            (
                "def sign(payload: bytes, key: bytes) -> str:\n    return hmac.new(key, payload, hashlib.sha256).hexdigest()",
                "password_validator = PasswordValidator(min_length=12)\nif not password_validator(password):\n    raise ValidationError('password too weak')",
                "token = jwt.encode({'sub': user.id}, settings.SECRET_KEY, algorithm='HS256')",
                "response = client.post('/token', data={'username': username, 'password': password})\nassert response.status_code == 200",
                "API_KEY_HEADER = APIKeyHeader(name='X-API-Key', auto_error=False)",
                "self.secret_manager = boto3.client('secretsmanager', region_name='eu-west-1')",
                "PASSWORD_HASHERS = ['django.contrib.auth.hashers.Argon2PasswordHasher']",
                "AUTH_PASSWORD_VALIDATORS = [{'NAME': 'django.contrib.auth.password_validation.MinimumLengthValidator'}]",
                "credentials = service_account.Credentials.from_service_account_file('key.json')",
                "const apiKey = config.get('apiKey') ?? process.env.KESTREL_API_KEY;",
                "session.auth = (config.username, config.password)",
                "cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)",
                "export const selectToken = (state: RootState) => state.auth.accessToken;",
                "func (c *Client) SetToken(token string) { c.token = token }",
                'String password = System.getenv("DB_PASSWORD");',
                "private final PasswordEncoder passwordEncoder = new BCryptPasswordEncoder();",
                "public_token = exchange.public_token_create(sandbox=True)",
                "tokens = text.split()\nfor token in tokens:\n    counts[token] += 1",
                "api_key: Annotated[str, Header()], secret: SecretStr",
                "user, password = line.split(':')",
            )
        )
        + "\n```"
    )


def _docs(source: random.Random) -> str:
    return source.choice(
        (
            "| Parameter | Type | Description |\n|---|---|---|\n| api_key | string | Your API key |\n| password | string | At least 12 characters |\n| token | string | The access token |",
            "| Setting | Default |\n|---|---|\n| SECRET_KEY | none, required |\n| TOKEN_LIFETIME | 15 minutes |\n| PASSWORD_POLICY | strict |",
            '{"type": "object", "properties": {"password": {"type": "string", "minLength": 8}, "token": {"type": "string"}}}',
            '{"password": ["This field is required."], "token": "invalid_token"}',
            '{"error": "invalid_grant", "error_description": "Bad credentials"}',
            "components:\n  securitySchemes:\n    bearerAuth:\n      type: http\n      scheme: bearer\n    apiKey:\n      type: apiKey\n      name: X-API-Key\n      in: header",
            "GET /v1/users?page=2&sort=name HTTP/1.1\nHost: api.kestrel.io\nAccept: application/json\nX-Request-Id: "
            + shape(source, "<u>"),
            "INFO auth: login ok user=42 duration=18ms\nWARN auth: bad password for user=17\nINFO auth: token refreshed for session 9912",
            "[2026-03-02 11:02:44,120] INFO worker.3 task done id=" + shape(source, "<u>") + " took=1.204s",
            "Step 3/9 : ENV PYTHONUNBUFFERED=1\n ---> Running in "
            + shape(source, "<x:12>")
            + "\nRemoving intermediate container "
            + shape(source, "<x:12>"),
            "CREATE TABLE users (id uuid PRIMARY KEY, email text UNIQUE, password_hash text NOT NULL, api_token text);",
            "## Changelog\n\n- Fix: password reset mail was sent twice (#4412)\n- Add: token rotation\n- Remove: secret question",
            'resource "aws_secretsmanager_secret" "db" {\n  name = "prod/db/password"\n}',
            'resource "aws_s3_bucket" "logs" {\n  bucket = "kestrel-logs-eu"\n}',
            "arn:aws:iam::123456789012:role/deployer, arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  LOG_LEVEL: debug\n  CACHE_KEY_PREFIX: app",
            "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - env:\n        - name: DB_PASSWORD\n          valueFrom:\n            secretKeyRef:\n              name: db\n              key: password",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://docs.google.com/document/d/" + shape(source, "<b:44>") + "/edit",
            "https://cdn.kestrel.io/assets/index-" + shape(source, "<w:8>") + ".js",
            "s3://kestrel-data/2026/01/part-00000-" + shape(source, "<u>") + "-c000.snappy.parquet",
            "https://github.com/org/repo/commit/" + shape(source, "<x:40>"),
            "https://kestrel.io/page?utm_source=mail&utm_campaign=spring_sale_2026&gclid=" + shape(source, "<b:60>"),
            "session cookie flags: HttpOnly; Secure; SameSite=Lax",
            "Q: Where is the password stored?\nA: In the vault.",
            "Q: What is a token?\nA: A short-lived credential.",
            "username,password_last_changed\njdoe,2026-01-04",
            "| user | role | password age |\n|---|---|---|\n| jdoe | admin | 41 days |",
            "password,strength\nweak,12%\nstrong,88%",
            "| Metric | Token usage |\n|---|---|\n| Input | 18,204 |\n| Output | 2,113 |",
            "base64 of hello is aGVsbG8gd29ybGQ=",
            "hex 48656c6c6f20776f726c64 reads Hello world",
            "H e l l o in spaced letters",
            "Tr4cing id abcd-efgh-ijkl",
            "Lorem ipsum dolor sit amet, consectetur adipiscing elit",
            "Bitcoin addresses start with 1, 3 or bc1; Ethereum ones with 0x and 40 hex digits.",
            "The contract's zero address is 0x0000000000000000000000000000000000000000.",
            "selector 0xa9059cbb, tx 0x" + shape(source, "<x:64>"),
            "The passport number field takes 9 characters.",
            "National insurance numbers look like QQ123456C.",
            "Invoice to: Kestrel Ltd, 12 High Street, London SW1A 1AA",
            "Dear Mr. Miller, thank you for your order of 12 March.",
        )
    )


_PIECES: dict[str, Callable[[random.Random], str]] = {
    "prose": lambda source: " ".join(source.sample(_PROSE, 4)),
    "npm_lock": _lock_npm,
    "yarn_lock": _lock_yarn,
    "cargo_lock": _lock_cargo,
    "poetry_lock": _lock_poetry,
    "go_sum": _go_sum,
    "docker": _docker_digest,
    "image": _image,
    "git": _git_log,
    "uuid": _uuids,
    "placeholder": _placeholders,
    "placeholder2": _placeholders,
    "public": _public,
    "numbers": _numbers,
    "numbers2": _numbers,
    "mails": _mails,
    "code": _code,
    "docs": _docs,
    "docs2": _docs,
}
