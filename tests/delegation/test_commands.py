"""The commands about tasks, and the demo's seed."""

import io
import json
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from delegation.models import Agent, Task
from security.models import Customer, Membership
from security.services import principal_of_api_key
from tests.people import Cast


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_seed_makes_both_teams_and_prints_how_to_get_in() -> None:
    seeded = json.loads(printed("seed_demo", "--password", "open-sesame-7"))
    assert set(seeded) == {"techcorp", "acmecorp"} == set(Customer.objects.values_list("id", flat=True))
    for slug, told in seeded.items():
        assert principal_of_api_key(told["api_key"], now=timezone.now()).customer_id == slug
        for member in told["members"]:
            membership = Membership.objects.get(user__username=member["username"], customer_id=slug)
            assert membership.role == member["role"]
            assert membership.user.check_password("open-sesame-7")
        agents = Agent.objects.filter(customer_id=slug)
        assert agents.count() >= 5
        assert agents.filter(is_root=True).count() == 1
    assert User.objects.get(username="admin").is_superuser
    assert not User.objects.exclude(username="admin").filter(is_superuser=True).exists()
    assert set(User.objects.filter(is_staff=True).values_list("username", flat=True)) == {"admin", "carol", "xenia"}


@pytest.mark.django_db
def test_a_second_seed_moves_the_agents_and_leaves_everything_else() -> None:
    printed("seed_demo", "--password", "open-sesame-7")
    before = (Agent.objects.count(), User.objects.get(username="alice").password)
    printed("seed_demo", "--password", "open-sesame-7", "--team", "techcorp=http://127.0.0.1:9555/")
    assert (Agent.objects.count(), User.objects.get(username="alice").password) == before
    addresses = Agent.objects.filter(customer_id="techcorp").values_list("endpoint_url", flat=True)
    assert all(address.startswith("http://127.0.0.1:9555/") and "//" not in address[7:] for address in addresses)
    printed("seed_demo", "--password", "another-word-8")
    assert User.objects.get(username="alice").check_password("another-word-8")


@pytest.mark.django_db
def test_the_seed_takes_no_real_persons_password(people: Cast) -> None:
    before = people.alice.user.password
    with pytest.raises(CommandError, match="a person named alice exists who is not of the demo"):
        printed("seed_demo", "--password", "open-sesame-7")
    people.alice.user.refresh_from_db()
    assert people.alice.user.password == before


@pytest.mark.django_db
@pytest.mark.parametrize("team", ["techcorp", "techcorp=", "nobody=http://127.0.0.1:1"])
def test_a_team_without_an_address_is_refused(team: str) -> None:
    with pytest.raises(CommandError, match="--team takes techcorp or acmecorp"):
        printed("seed_demo", "--team", team)


@pytest.mark.django_db
def test_a_submitted_task_is_the_owners_and_goes_to_the_agent_named() -> None:
    printed("seed_demo", "--password", "open-sesame-7")
    task_id = printed("submit_task", "techcorp", "A slogan.", "--agent", "copywriter", "--priority", "high").strip()
    task = Task.objects.get(pk=UUID(task_id))
    assert task.created_by == User.objects.get(username="alice")
    assert (task.customer_id, task.agent_type, task.priority) == ("techcorp", "copywriter", "high")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["submit_task", "nobody", "A slogan."], "there is no active customer 'nobody' with an owner"),
        (["submit_task", "techcorp", "A slogan.", "--agent", "stranger"], "There is no such agent."),
        (["submit_task", "techcorp", ""], "message"),
        (["watch_task", "not-an-id"], "there is no task not-an-id"),
        (["watch_task", "018f0000-0000-7000-8000-000000000000"], "there is no task 018f0000"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(people: Cast, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said) as refused:
        printed(*arguments)
    assert "\n" not in str(refused.value)
