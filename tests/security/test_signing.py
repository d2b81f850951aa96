"""The signing keys as the installation keeps them: one ring for every process, published, rotated, resealed."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from security.identity import CallIdentity, KeyRing, KeyState, SecretBox, keep_rotated
from security.identity.keys import new_key
from security.models import SigningKey
from security.signing import SCHEDULE, DatabaseKeyStore, RingSigner, secret_box
from tests.people import Cast

pytestmark = pytest.mark.django_db
OLD, NEW = "the-old-secret-of-the-installation-0123", "the-new-secret-of-the-installation-4567"
CALL = CallIdentity(
    customer_id="techcorp",
    path=("copywriter",),
    agent_ve_id="copywriter-1",
    message_id="message-1",
    delegation_id="hop-1",
    timeout_seconds=30,
)


@pytest.fixture(autouse=True)
def _fresh_box() -> Iterator[None]:
    secret_box.cache_clear()
    yield
    secret_box.cache_clear()


def now() -> datetime:
    return datetime.now(UTC)


def ring(*, at: datetime | None = None) -> KeyRing:
    return keep_rotated(DatabaseKeyStore(), box=secret_box(), schedule=SCHEDULE, now=at or now())


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def published() -> Any:
    return Client().get("/.well-known/jwks.json")


def printed(*arguments: str) -> Any:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return json.loads(out.getvalue())


def with_keys(settings: Any, *secrets: str) -> None:
    """Begin as a new process with these encryption keys would."""
    settings.A2A_ENCRYPTION_KEYS = list(secrets)
    secret_box.cache_clear()


def test_the_keys_are_public_cacheable_and_hold_nothing_private() -> None:
    answer = published()

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/jwk-set+json"
    assert answer["Cache-Control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert published().json() == answer.json()
    assert Client().post("/.well-known/jwks.json").status_code == 405


def test_what_a_process_signs_another_has_published() -> None:
    signer = RingSigner()
    signer.refresh(now())

    token = signer.sign(CALL, body=b"{}", now=now())

    keys = jwt.PyJWKSet.from_dict(published().json())
    claims = jwt.decode(token, keys[kid_of(token)], algorithms=["EdDSA"], audience="techcorp/copywriter")
    assert claims["message_id"] == "message-1"


def test_every_process_takes_up_a_rotation_at_the_same_moment_with_no_restart() -> None:
    one, other = RingSigner(), RingSigner()
    one.refresh(now())
    other.refresh(now())
    (old,) = ring().keys

    announced = printed("rotate_signing_key")["keys"]
    one.refresh(now())
    other.refresh(now())

    assert [key["state"] for key in announced] == [KeyState.NEXT, KeyState.ACTIVE]
    turn = datetime.fromisoformat(announced[0]["active_from"])
    for signer in (one, other):
        assert kid_of(signer.sign(CALL, body=b"", now=turn - timedelta(seconds=1))) == old.kid
        assert kid_of(signer.sign(CALL, body=b"", now=turn)) == announced[0]["kid"]
    assert {key["kid"] for key in published().json()["keys"]} == {old.kid, announced[0]["kid"]}


def test_a_revoked_key_is_published_no_more_and_signs_nothing() -> None:
    signer = RingSigner()
    signer.refresh(now())
    (stolen,) = ring().keys

    printed("rotate_signing_key", f"--revoke={stolen.kid}")
    signer.refresh(now())

    assert stolen.kid not in {key["kid"] for key in published().json()["keys"]}
    assert kid_of(signer.sign(CALL, body=b"", now=now())) != stolen.kid
    with pytest.raises(CommandError, match="there is no key"):
        printed("rotate_signing_key", f"--revoke={stolen.kid}")


def test_of_two_processes_that_change_the_ring_at_once_the_second_starts_over() -> None:
    store = DatabaseKeyStore()
    seen = ring()
    first = seen.with_key(new_key(now=now(), active_from=now() + timedelta(days=1), box=secret_box()))
    second = seen.with_key(new_key(now=now(), active_from=now() + timedelta(days=1), box=secret_box()))

    assert store.replace(old=seen, new=first)
    assert not store.replace(old=seen, new=second)
    assert set(store.load().keys) == set(first.keys)


def test_no_private_key_stands_in_the_table(settings: Any) -> None:
    (key,) = ring().keys
    assert SigningKey.objects.get().sealed_private_key.startswith("s1.")

    with_keys(settings, NEW)
    assert not KeyRing((key,)).opened_by(SecretBox([NEW])).keys
    assert ring().opened_by(secret_box()).keys


def test_where_the_secret_is_lost_calls_go_on_with_a_fresh_key(settings: Any) -> None:
    (lost,) = ring().keys
    settings.SECRET_KEY = "another-secret-key-of-the-same-database-0123"
    secret_box.cache_clear()
    signer = RingSigner()

    signer.refresh(now())

    assert kid_of(signer.sign(CALL, body=b"", now=now())) != lost.kid
    assert lost.kid in {key["kid"] for key in published().json()["keys"]}


def test_resealing_lets_the_old_secret_be_dropped(settings: Any, people: Cast) -> None:
    with_keys(settings, OLD)
    (key,) = ring().keys
    with_keys(settings, NEW, OLD)

    assert printed("reseal") == {"credentials_resealed": 0, "unreadable": []}

    (resealed,) = DatabaseKeyStore().load().keys
    assert (resealed.kid, SecretBox([NEW]).is_current(resealed.sealed_private_key)) == (key.kid, True)
    with_keys(settings, NEW)
    assert ring().opened_by(secret_box()).keys == (resealed,)
