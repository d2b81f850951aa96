from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from delegation.models import Task
from security.credentials import forget_members
from security.models import Membership, Role
from tests.delegation.live.consumers.watching import close_code, received, seqs, session_of, watching
from tests.people import Cast
from tests.web import WebServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "", "99999999999999"])
def test_a_bad_after_closes_with_4400(web: WebServer, people: Cast, task: Task, after: str) -> None:
    with watching(web, f"/ws/tasks/{task.pk}/?after={after}", people.alice) as socket:
        assert close_code(socket) == 4400


def test_a_task_that_is_absent_or_anothers_closes_with_4404(web: WebServer, people: Cast, task: Task) -> None:
    for path, person in [
        (f"/ws/tasks/{task.pk}/", people.zoe),
        ("/ws/tasks/0199a1b2-0000-7000-8000-000000000001/", people.alice),
        ("/ws/tasks/not-an-id/", people.alice),
        ("/ws/elsewhere/", people.alice),
    ]:
        with watching(web, path, person) as socket:
            assert close_code(socket) == 4404


@pytest.mark.parametrize("path", ["/ws/tasks/", "/ws/tasks/{}/"])
def test_who_is_not_authenticated_is_closed_with_4401(web: WebServer, people: Cast, task: Task, path: str) -> None:
    claims = jwt.decode(people.alice.token, options={"verify_signature": False})
    forged = jwt.encode(claims, "k" * 50, algorithm="HS256")

    for token in [None, forged, "nonsense"]:
        with watching(web, path.format(task.pk), token=token) as socket:
            assert close_code(socket) == 4401
    with connect(f"{web.websocket_url}{path.format(task.pk)}", subprotocols=[Subprotocol("a2a.jwt")]) as socket:
        assert close_code(socket) == 4401


def test_a_token_that_expires_ends_the_stream(web: WebServer, people: Cast, task: Task) -> None:
    claims = jwt.decode(people.alice.token, options={"verify_signature": False})
    soon = (datetime.now(UTC) + timedelta(seconds=1)).timestamp()
    token = jwt.encode({**claims, "exp": soon}, settings.SECRET_KEY, algorithm="HS256")

    with watching(web, f"/ws/tasks/{task.pk}/", token=token) as socket:
        received(socket, 1)
        assert close_code(socket) == 4401


def test_who_leaves_the_customer_is_cut_off(web: WebServer, people: Cast, task: Task) -> None:
    with watching(web, f"/ws/tasks/{task.pk}/", people.bob) as socket:
        received(socket, 1)
        Membership.objects.filter(user=people.bob.user).delete()
        forget_members()

        assert close_code(socket) == 4401


def test_a_session_from_a_page_of_ours_watches(web: WebServer, people: Cast, task: Task) -> None:
    cookie = {"Cookie": f"sessionid={session_of(people.alice)}"}

    with watching(web, f"/ws/tasks/{task.pk}/", additional_headers=cookie, origin=web.url) as socket:
        assert socket.subprotocol is None
        assert seqs(received(socket, 1)) == [1]


def test_a_session_watches_the_customer_that_its_pages_show(web: WebServer, people: Cast, task: Task) -> None:
    Membership.objects.create(user=people.zoe.user, customer_id="techcorp", role=Role.VIEWER)
    path = f"/ws/tasks/{task.pk}/"

    for chosen, sees in [({}, False), ({"customer_id": "techcorp"}, True), ({"customer_id": "gone"}, False)]:
        cookie = {"Cookie": f"sessionid={session_of(people.zoe, **chosen)}"}
        with watching(web, path, additional_headers=cookie, origin=web.url) as socket:
            if sees:
                assert seqs(received(socket, 1)) == [1]
            else:
                assert close_code(socket) == 4404


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_session_from_any_other_page_is_refused(web: WebServer, people: Cast, task: Task, origin: str | None) -> None:
    cookie = {"Cookie": f"sessionid={session_of(people.alice)}"}

    with watching(web, f"/ws/tasks/{task.pk}/", additional_headers=cookie, origin=origin) as socket:
        assert close_code(socket) == 4401


def test_a_session_of_nobodys_member_or_of_nobody_is_refused(web: WebServer, people: Cast, task: Task) -> None:
    Membership.objects.filter(user=people.bob.user).delete()

    for session in [session_of(people.bob), "made-up", str(SessionStore().session_key)]:
        cookie = {"Cookie": f"sessionid={session}"}
        with watching(web, "/ws/tasks/", additional_headers=cookie, origin=web.url) as socket:
            assert close_code(socket) == 4401
