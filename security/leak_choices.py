"""A customer's choices for the leak detector as JSON, held against what nobody may weaken."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from security.leakage import DEFAULTS, FLOORS, Action, DetectionType, Finding, Policy, Severity

CASES = tuple(DEFAULTS)
_KIND_LENGTH = 100


def policy_of(*, actions: Mapping[str, Any], kinds: Mapping[str, str]) -> Policy:
    """Return the policy that the stored choices are."""
    return Policy(actions=dict(_chosen(actions)), kinds={kind: Action(action) for kind, action in kinds.items()})


def in_force(actions: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what is done in each case, the defaults included: {type: {severity: action}}."""
    policy = policy_of(actions=actions, kinds={})
    done: dict[str, dict[str, str]] = {}
    for detection_type, severity in CASES:
        finding = Finding(detection_type, "", severity, 1.0, 0, 0)
        done.setdefault(detection_type.value, {})[severity.value] = policy.action(finding).value
    return done


def weakest(case: tuple[DetectionType, Severity]) -> Action:
    """Return the mildest action that may be chosen for findings of this type and severity."""
    return FLOORS.get(case, Action.ALLOWED)


def check_actions(actions: object) -> None:
    """Hold ``{type: {severity: action}}`` against the rules; raise Django's ValidationError where it breaks one."""
    if not isinstance(actions, dict) or not all(isinstance(row, dict) for row in actions.values()):
        raise ValidationError("Give an object: type, then severity, then action.")
    try:
        chosen = list(_chosen(actions))
    except ValueError as error:
        raise ValidationError(f"{error}; {_vocabulary()}") from error
    for case, action in chosen:
        if action.rank < weakest(case).rank:
            raise ValidationError(f"{case[0]} of severity {case[1]} must be {weakest(case)} at least.")


def check_kinds(kinds: object) -> None:
    """Hold ``{rule: action}`` against the rules, as above. What a rule finds of critical severity stays blocked."""
    if not isinstance(kinds, dict):
        raise ValidationError("Give an object: rule, then action.")
    for kind, action in kinds.items():
        if not isinstance(kind, str) or not 0 < len(kind) <= _KIND_LENGTH:
            raise ValidationError(f"A rule's name has 1 to {_KIND_LENGTH} characters.")
        if action not in list(Action):
            raise ValidationError(f"{kind}: the action must be one of {', '.join(Action)}.")
        if kind.startswith("tenant_") and Action(action) is not Action.BLOCKED:
            raise ValidationError(f"{kind}: another customer's data is always blocked.")


def _chosen(actions: Mapping[str, Any]) -> Iterator[tuple[tuple[DetectionType, Severity], Action]]:
    for detection_type, row in actions.items():
        for severity, action in row.items():
            yield (DetectionType(detection_type), Severity(severity)), Action(action)


def _vocabulary() -> str:
    return f"types: {', '.join(DetectionType)}; severities: {', '.join(Severity)}; actions: {', '.join(Action)}."
