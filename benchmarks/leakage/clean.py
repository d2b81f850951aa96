"""Clean answers full of what looks like a leak and is none."""

from __future__ import annotations

import base64
import random
import re
import uuid

PIECES = (
    "Never share your password. If someone asks for your token, report it to security@yourcompany.com.",
    "commit {hex40}\nAuthor: CI Bot <noreply@github.com>\nDate: Mon Nov 3 12:01:44 2025 +0000",
    (
        'lodash@4.17.21:\n  resolved "https://registry.yarnpkg.com/lodash/-/lodash-4.17.21.tgz#{hex40}"\n  integrity'
        " sha512-{b64_86}=="
    ),
    "requests==2.31.0 --hash=sha256:{hex64} --hash=sha256:{hex64}",
    "github.com/pkg/errors v0.9.1 h1:{b64_43}=",
    "The deployment id is {uuid}; the previous was {uuid}.",
    "Docker image corp/app@sha256:{hex64} was pushed.",
    "API_KEY=your_api_key_here\nSECRET_KEY=change-me\nPASSWORD=********",
    "token: <redacted>\npassword: [REDACTED]\nsecret: xxxxxxxxxxxxxxxx",
    "db_password: ${DB_PASSWORD}\napi_token: $API_TOKEN\nkey: {{ secrets.KEY }}",
    "password = os.getenv(\"DB_PASSWORD\")\ntoken = config.get('token')\nsecret = vault.read('secret/app')",
    "Stripe test card 4111 1111 1111 1111, any CVC, any future date.",
    "AWS documents AKIAIOSFODNN7EXAMPLE as the example key id.",
    "The user's password hash is $2b$12${alnum53}; bcrypt with cost 12.",
    "md5 {hex32}, sha1 {hex40}, sha256 {hex64}",
    '<img src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA{b64_86}{b64_86}" alt="chart">',
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ{b64_86}{b64_86} deploy@build",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A{b64_32}\n{b64_64}\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIID{b64_60}\n{b64_64}\n-----END CERTIFICATE-----",
    "Order 2025-{d6}, SKU AB-{d5}-X, EAN {d13}, tracking 1Z{up16}.",
    "The server 10.0.{d1}.12 talks to 192.168.{d1}.30 and 172.20.0.4 over port 5432.",
    "We tested versions 1.2.3.4, 10.0.19045.3693 and 120.0.6099.109 of the browser.",
    "Token usage: prompt 1,204, completion 388, total 1,592 (limit 128k).",
    "The tokenizer splits words into subword tokens; GPT-4o uses o200k_base.",
    "Primary key: (tenant_id, id). Partition key: created_at. Cache key: user:1234:profile.",
    "Set a strong passphrase with at least 14 characters, mixing letters, digits and symbols.",
    "The key findings: 1) churn fell 3.2 %, 2) NPS rose to 48, 3) CAC is 12 % lower.",
    "`password` is a required string; `token` is optional; `api_key` must be 32 characters.",
    '{"type":"object","properties":{"password":{"type":"string","minLength":8},"token":{"type":"string"}}}',
    "Reset your password at https://app.yourcompany.com/reset-password?step=1.",
    "Enter the 6-digit code from your authenticator app; the secret never leaves the device.",
    "ISBN 978-3-16-148410-0, DOI 10.1000/182, RFC 7519, CVE-2024-{d5}.",
    "Coordinates 52.520008, 13.404954; elevation 34 m; bbox 13.08835,52.33812,13.76116,52.67551.",
    "Timestamps 1730635304123 and 1730635399; duration 95.123s.",
    (
        "def verify_password(password: str, password_hash: str) -> bool:\n    return"
        " hmac.compare_digest(hash_password(password), password_hash)"
    ),
    "if token is None or token.is_expired():\n    token = refresh_token(client_id, client_secret)",
    'curl -H "Authorization: Bearer $TOKEN" https://api.example.com/v1/items',
    "mysql -u root -p\nEnter password:",
    "git remote set-url origin git@github.com:acme-labs/website.git",
    "postgresql://user:pass@host:5432/dbname is the general form.",
    "Contact us at info@example.com or visit https://www.example.org.",
    'secret_name = "prod/db/main"\nkms_key_id = "arn:aws:kms:eu-west-1:111122223333:key/{uuid}"',
    "The monkey ate the donkey's hockey puck at the turkey farm; keyboard keys were sticky.",
    "CSRF token mismatch. Please reload the page and try again (ref {hex8}).",
    "Cookie: theme=dark; lang=en; _ga=GA1.2.{d9}.{d9}",
    'ETag: W/"{hex32}"\nX-Request-Id: {uuid}\nContent-MD5: {b64_22}==',
    "trace_id={hex32} span_id={hex16} parent_id={hex16}",
    "The build artifact build-{hex8}.tar.gz has checksum {hex64}.",
    "k8s pod web-7d4b9c{hex8}-x2x9z restarted 3 times.",
    "Public key token = {hex16}",
    "`X-API-Key: YOUR_API_KEY`",
    "password=******** token=[FILTERED] user=alice",
    "The password was rotated on 2025-10-30 and will expire in 90 days.",
    "Phone support is available 9-17 CET. Ticket 48-2291-{d4}.",
    "Revenue: 1 204 331, 998 112, 1 432 998 (in EUR thousands).",
    "Table of key metrics: | Key | Value |\n|---|---|\n| latency_p99 | 182ms |\n| error_rate | 0.02% |",
    "| Token | Meaning |\n|---|---|\n| `{{name}}` | the user's name |\n| `{{date}}` | today's date |",
    "The secret santa draw is on 2025-12-01, budget 20 EUR.",
    "OAuth2 flows: authorization_code, client_credentials, refresh_token (deprecated: password).",
    "client_id: {d9}-{alnum32}.apps.googleusercontent.com",
    "Firebase web config: projectId: 'demo-app', appId: '1:{d9}:web:{hex16}'",
    "nonce: {b64_22}==, iv: {hex32}, salt: {hex16}",
    "session_id={uuid} device={uuid}",
    "color tokens: --primary: #1a73e8; --surface: #f8f9fa; --radius-md: 8px",
    "Access key rotation: every 90 days. Access to keys is logged in CloudTrail.",
    "Use a password manager such as Bitwarden, KeePassXC or 1Password 8.",
    "License key format: XXXXX-XXXXX-XXXXX-XXXXX",
    "passwordless login with WebAuthn (FIDO2) went live in v4.1.0-rc2",
    "The IBAN DE00 1234 5678 9012 3456 78 is invalid: its check digits are wrong.",
    "Card 4111 1111 1111 1112 was declined because it fails the Luhn check.",
    "SSNs such as 000-12-3456 or 666-12-3456 are never issued.",
    "pip install torch==2.1.0+cu121 transformers==4.36.2",
    "MAC 00:1b:44:11:3a:b7, serial C02{up8}, asset tag A-{d5}",
    "Base64 of 'hello world' is aGVsbG8gd29ybGQ=.",
    "The function hex(0x48656c6c6f20776f726c64) prints Hello world.",
)
_BLANK = re.compile(r"\{(hex|alnum|up|b64_|d)(\d+)\}|\{uuid\}")
_CLASSES = {
    "hex": "0123456789abcdef",
    "alnum": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "up": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "d": "0123456789",
}


def fill_random(template: str, source: random.Random) -> str:
    """Return `template` with blanks such as {hex32}, {b64_43} and {uuid} filled."""
    return _BLANK.sub(lambda blank: _random(blank, source), template)


def _random(blank: re.Match[str], source: random.Random) -> str:
    if blank[1] is None:
        return str(uuid.UUID(int=source.getrandbits(128), version=4))
    count = int(blank[2])
    if blank[1] == "b64_":
        return base64.b64encode(source.randbytes(count)).decode()[:count]
    return "".join(source.choices(_CLASSES[blank[1]], k=count))
