"""Credentials that are none: forged, expired, tampered, of another kind, revoked. Each opens nothing, anywhere."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from delegation.services.callbacks import callback_tokens
from security.credentials import forget_members
from security.identity import Callback
from security.keys import issue
from security.models import ApiKey, Customer, Membership
from tests.delegation.live.consumers.watching import close_code, watching
from tests.people import PASSWORD, Cast
from tests.security.doors.attack import absent_id, address, client_of, parameters, seen, send
from tests.security.doors.company import Company, everything
from tests.security.doors.schema import body_of
from tests.security.doors.table import REST
from tests.web import WebServer

Headers = dict[str, str]


def claims_of(people: Cast) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(people.alice.token, options={"verify_signature": False})
    return claims


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def signed(people: Cast, *, key: str = "", algorithm: str = "HS256", **changes: Any) -> Headers:
    """Return Alice's token with other claims, signed as ours are."""
    claims = {name: value for name, value in {**claims_of(people), **changes}.items() if value is not None}
    return bearer(jwt.encode(claims, key or settings.SECRET_KEY, algorithm=algorithm))


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(people: Cast, algorithm: str) -> Headers:
    return bearer(f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims_of(people))}.")


def tampered(people: Cast, **changes: Any) -> Headers:
    """Return Alice's token with another payload and the signature of her own."""
    head, _, signature = people.alice.token.split(".")
    return bearer(f"{head}.{part({**claims_of(people), **changes})}.{signature}")


def key_of_the_published_one(people: Cast) -> Headers:
    """Return a token whose MAC is made with what anybody can read of our public key."""
    published = Client().get("/.well-known/jwks.json").json()["keys"][0]
    head, body = part({"alg": "HS256", "typ": "JWT", "kid": published["kid"]}), part(claims_of(people))
    raw = base64.urlsafe_b64decode(published["x"] + "==")
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    mac = base64.urlsafe_b64encode(algorithm.sign(f"{head}.{body}".encode(), raw)).rstrip(b"=").decode()
    return bearer(f"{head}.{body}.{mac}")


def refresh_token(people: Cast) -> Headers:
    sent = {"username": "alice", "password": PASSWORD}
    return bearer(Client().post("/api/v1/auth/token", sent, content_type="application/json").json()["refresh"])


def after_logout(people: Cast) -> Headers:
    client, sent = Client(), {"username": "alice", "password": PASSWORD}
    pair = client.post("/api/v1/auth/token", sent, content_type="application/json").json()
    client.post("/api/v1/auth/logout", {"refresh": pair["refresh"]}, content_type="application/json")
    return bearer(pair["access"])


def callback_token(people: Cast) -> Headers:
    made_for = Callback(delegation_id=str(uuid4()), customer_id="techcorp", agent_type="editor")
    return bearer(callback_tokens().mint(made_for, expires_at=timezone.now() + timedelta(hours=1)))


def revoked_key(people: Cast) -> Headers:
    raw = people.alice.api_key
    ApiKey.objects.filter(user=people.alice.user).update(revoked_at=timezone.now())
    return {"X-API-Key": raw}


def expired_key(people: Cast) -> Headers:
    raw = people.alice.api_key
    ApiKey.objects.filter(user=people.alice.user).update(expires_at=timezone.now())
    return {"X-API-Key": raw}


def key_of_who_has_left(people: Cast) -> Headers:
    who = {"user_id": people.bob.user.pk, "customer_id": "techcorp"}
    raw = issue(name="bob's", now=timezone.now(), **who).raw
    Membership.objects.filter(user=people.bob.user).delete()
    return {"X-API-Key": raw}


def key_of_a_customer_that_is_off(people: Cast) -> Headers:
    raw = people.zoe.api_key
    Customer.objects.filter(id="acmecorp").update(is_active=False)
    return {"X-API-Key": raw}


def token_of_somebody_inactive(people: Cast) -> Headers:
    headers = bearer(people.carol.token)
    get_user_model().objects.filter(pk=people.carol.user.pk).update(is_active=False)
    return headers


NO_CREDENTIALS: dict[str, Callable[[Cast], Headers]] = {
    "none": lambda _: {},
    "an empty token": lambda _: {"Authorization": "Bearer "},
    "no token at all": lambda _: {"Authorization": "Bearer not.a.token"},
    "NUL and more": lambda _: {"Authorization": "Bearer \x00\xff"},
    "a megabyte": lambda _: {"Authorization": "Bearer " + "a" * 1_000_000},
    "two tokens": lambda people: {"Authorization": f"Bearer {people.alice.token},Bearer {people.zoe.token}"},
    "another scheme": lambda people: {"Authorization": f"Token {people.alice.token}"},
    "a password": lambda _: {"Authorization": "Basic " + base64.b64encode(b"alice:" + PASSWORD.encode()).decode()},
    "expired": lambda people: signed(people, exp=1),
    "another's secret": lambda people: signed(people, key="k" * 50),
    "another algorithm": lambda people: signed(people, key=2 * settings.SECRET_KEY, algorithm="HS512"),
    "alg none": lambda people: unsigned(people, "none"),
    "alg NONE": lambda people: unsigned(people, "NoNe"),
    "no alg": lambda people: unsigned(people, ""),
    "the public key for a secret": key_of_the_published_one,
    "another customer in the payload": lambda people: tampered(people, customer_id="acmecorp"),
    "another person in the payload": lambda people: tampered(people, sub=str(people.zoe.user.pk)),
    "a longer life in the payload": lambda people: tampered(people, exp=2**33),
    "a customer of no membership": lambda people: signed(people, customer_id="acmecorp"),
    "another's login": lambda people: signed(people, sub=str(people.bob.user.pk)),
    "no login": lambda people: signed(people, sid=None),
    "no customer": lambda people: signed(people, customer_id=None),
    "no person": lambda people: signed(people, sub="1 OR 1=1"),
    "a refresh token": refresh_token,
    "a callback token": callback_token,
    "a token after logout": after_logout,
    "a token of somebody inactive": token_of_somebody_inactive,
    "an unknown key": lambda _: {"X-API-Key": "a2a_" + "x" * 43},
    "an empty key": lambda _: {"X-API-Key": ""},
    "SQL for a key": lambda _: {"X-API-Key": "' OR '1'='1"},
    "a token for a key": lambda people: {"X-API-Key": people.alice.token},
    "a revoked key": revoked_key,
    "an expired key": expired_key,
    "a key of who has left": key_of_who_has_left,
    "a key of a customer that is off": key_of_a_customer_that_is_off,
}


@pytest.mark.parametrize("name", NO_CREDENTIALS)
def test_it_opens_nothing_and_tells_nothing(
    tech: Company, acme: Company, people: Cast, schema: dict[str, Any], name: str
) -> None:
    client = client_of(None, **NO_CREDENTIALS[name](people))
    forget_members()
    # That a key was shown is noted with it, once a minute.
    client.get("/api/v1/tasks")
    before, answers = everything(), set()
    for operation in REST:
        method, pattern = operation
        none = {each: absent_id(tech.ids[each]) for each in parameters(pattern)}
        for ids in (tech.ids, acme.ids, none):
            status, headers, body = seen(send(client, method, address(pattern, ids), body_of(schema, operation)))
            answers.add((status, headers["WWW-Authenticate"], body))
    assert {status for status, *_ in answers} == {401}
    assert len(answers) == 1
    assert everything() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "name", [name for name in NO_CREDENTIALS if "key" not in name and name not in {"NUL and more", "a megabyte"}]
)
def test_it_opens_no_websocket(web: WebServer, people: Cast, name: str) -> None:
    headers = NO_CREDENTIALS[name](people)
    forget_members()
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    token = token.partition(",")[0] if name == "two tokens" else token
    refused: list[dict[str, Any]] = [{"additional_headers": headers}]
    if scheme == "Bearer" and token and name != "two tokens":
        refused.append({"token": token})
    for more in refused:
        with watching(web, "/ws/tasks/", **more) as socket:
            assert close_code(socket) == 4401


def test_of_two_credentials_one_counts_and_never_both(tech: Company, acme: Company, people: Cast) -> None:
    both = client_of(people.alice, X_API_Key=people.zoe.api_key)

    assert {task["customer_id"] for task in both.get("/api/v1/tasks").json()["results"]} == {"techcorp"}
    assert both.get(f"/api/v1/tasks/{acme.ids['task_id']}").status_code == 404
    bad = client_of(X_API_Key=people.alice.api_key, Authorization="Bearer forged")
    assert bad.get("/api/v1/tasks").status_code == 401
