"""How the pages write figures and first lines; static/live/format.js writes them the same way in the browser.

A template hands a filter the empty text where a variable does not exist.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from django import template

from delegation.models import Task

HEADLINE_LENGTH = 120

register = template.Library()


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    """Return what the mapping holds under a key that a template has in a variable."""
    return mapping[key]


@register.filter
def headline(text: str) -> str:
    """Return the text's first line that says something, clipped."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= HEADLINE_LENGTH else line[:HEADLINE_LENGTH].rstrip() + " …"


@register.filter
def seconds(value: float | Literal[""] | None) -> str:
    """Return a length of time, in seconds, as a person would write it."""
    if value is None or value == "":
        return ""
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@register.filter
def cost(value: Decimal | float | Literal[""] | None) -> str:
    """Return US dollars with the digits that matter: most hops cost a fraction of a cent."""
    if not value:
        return "–"
    return f"${value:.2f}" if value >= 1 else f"${value:.4f}"


@register.filter
def percent(value: float | Literal[""] | None) -> str:
    """Return a share of one as whole percent."""
    return "" if value is None or value == "" else f"{value * 100:.0f} %"


@register.filter
def task_seconds(task: Task) -> float | None:
    """Return how long the task took from its submission to its end."""
    return (task.completed_at - task.created_at).total_seconds() if task.completed_at else None
