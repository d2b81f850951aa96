"""What clients may send. A wrong type is refused, never converted; a field that is not known is ignored."""

from functools import cache
from typing import Any

from rest_framework import serializers

from delegation.models import DelegationRule
from delegation.services.rights import MAY
from delegation.states import Priority, Seniority
from security.errors import ValidationFailed
from security.models import MOST_ALLOWED, InFlight
from security.roles import Permission


class Text(serializers.CharField):
    """A text that is taken as it is: no number made into one, no blank cut off."""

    default_error_messages = {"not_text": "Must be a text."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        return data


class Flag(serializers.BooleanField):
    default_error_messages = {"not_flag": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("not_flag")
        return data


class WholeNumber(serializers.IntegerField):
    default_error_messages = {"not_number": "Must be a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("not_number")
        return data


class JsonObject(serializers.DictField):
    """Any JSON object, kept as it is."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        return data


class TaskInput(serializers.Serializer[Any]):
    message = Text(help_text="What is to be done.")
    agent = Text(required=False, allow_null=True, max_length=64, help_text="The first agent; unset: the root agent.")
    priority = serializers.ChoiceField(choices=Priority.choices, default=Priority.NORMAL)
    start = Flag(default=True, help_text="false: the task waits for its execute call.")
    metadata = JsonObject(required=False, help_text="Your own data, given back with the task.")


class AgentInput(serializers.Serializer[Any]):
    agent_type = Text(max_length=64, help_text="Lower-case letters, digits, dashes; unique at the customer.")
    name = Text(max_length=200)
    endpoint_url = Text(max_length=500, help_text="The A2A address; its card is found beneath it.")
    seniority = serializers.ChoiceField(choices=Seniority.choices, default=Seniority.SPECIALIST)
    skills = serializers.ListField(child=Text(max_length=100), max_length=100, required=False)
    description = Text(required=False, allow_blank=True, max_length=10_000)
    is_root = Flag(required=False, help_text="Receives the tasks that name no agent.")
    requires_approval = Flag(required=False, help_text="A person must approve what is delegated to it.")
    restricted = Flag(required=False, help_text="Only owners and people with a grant may have it work for them.")
    enabled = Flag(required=False, help_text="false: no call of it begins any more.")
    in_flight = serializers.ChoiceField(
        choices=InFlight.choices, required=False, help_text="What becomes of its calls under way when it is disabled."
    )
    disabled_reason = Text(required=False, allow_blank=True, max_length=1000, help_text="Why; goes on record.")
    timeout_seconds = WholeNumber(required=False, allow_null=True, min_value=1, max_value=86_400)
    max_concurrency = WholeNumber(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=100_000,
        help_text="Calls of it that one worker process has under way at once; null: the platform's limit.",
    )
    credential = JsonObject(
        required=False,
        allow_null=True,
        write_only=True,
        help_text="What the agent wants to see from its callers, never given back; null removes it. kind is one of "
        "bearer {token}, api_key {header, value}, basic {username, password}, oauth_client {token_url, client_id, "
        "client_secret, scope?, audience?, client_authentication? (basic or body)}, mutual_tls {certificate_file, "
        "key_file, authority_file?}.",
    )
    calls_per_hour = WholeNumber(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_ALLOWED,
        help_text="A limit of your own, below the platform's; null: the platform's.",
    )
    expected_tokens = WholeNumber(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=2**31 - 1,
        help_text="What a call takes of a budget beforehand; null: what its calls took of late.",
    )
    expected_cost_usd = serializers.DecimalField(
        required=False, allow_null=True, min_value=0, max_digits=12, decimal_places=6
    )


class CommentInput(serializers.Serializer[Any]):
    comment = Text(required=False, allow_blank=True, max_length=2000)


class AnswerInput(serializers.Serializer[Any]):
    answer = Text(help_text="One of the options, or your own words.")


class KeyInput(serializers.Serializer[Any]):
    name = Text(max_length=100, help_text="To recognise it by.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Permission.choices),
        required=False,
        max_length=len(Permission),
        help_text="What the key may; unset: all that you may.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="Unset: it does not expire.")


class RuleInput(serializers.Serializer[Any]):
    agent_from = Text(max_length=64, help_text="The type of the agent that delegates.")
    agent_to = Text(max_length=64, help_text="The type of the agent that it delegates to.")
    effect = serializers.ChoiceField(choices=DelegationRule.Effect.choices)
    reason = Text(max_length=100, help_text="Goes on record with each delegation that the rule decides.")


class GrantInput(serializers.Serializer[Any]):
    agent = Text(max_length=64, help_text="The agent's type.")
    username = Text(max_length=150)
    may = serializers.ChoiceField(choices=[*MAY])


class TokenInput(serializers.Serializer[Any]):
    username = Text(max_length=150)
    password = Text(max_length=1000)
    customer = Text(required=False, max_length=64, help_text="Which customer to act for, where there are several.")


class RefreshInput(serializers.Serializer[Any]):
    refresh = Text(max_length=4000)


def validated(kind: type[serializers.Serializer[Any]], data: Any, *, partial: bool = False) -> dict[str, Any]:
    """Return the checked fields of a request's body.

    Raises:
        ValidationFailed: it is not an object.
        rest_framework's ValidationError: a field is missing or wrong.
    """
    if not isinstance(data, dict):
        raise ValidationFailed(detail="The body must be a JSON object.")
    checked: dict[str, Any] = _reader(kind, partial).run_validation(data)
    return checked


@cache
def _reader(kind: type[serializers.Serializer[Any]], partial: bool) -> serializers.Serializer[Any]:  # noqa: FBT001  a key
    """Return a serializer to check many bodies with: to make one takes longer than to check one."""
    return kind(partial=partial)
