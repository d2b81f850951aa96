"""What people send from the live pages. The services judge the content; a form only says what is missing."""

from collections.abc import Iterable
from typing import Any

from django import forms

from delegation.models import Agent
from delegation.states import Priority

ROOT_AGENT = ("", "The team's first agent")


class TaskForm(forms.Form):
    """A new task: what to do, whom to give it to, how urgent it is."""

    message = forms.CharField(
        label="What should be done?",
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "Describe the task, with all that the team must know."}),
        error_messages={"required": "Say what should be done."},
    )
    agent = forms.ChoiceField(label="Agent", required=False)
    priority = forms.ChoiceField(label="Priority", choices=Priority, initial=Priority.NORMAL)

    def __init__(self, *args: Any, agents: Iterable[Agent], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(agent.agent_type, f"{agent.name} ({agent.agent_type})") for agent in agents]
        self.fields["agent"] = forms.ChoiceField(label="Agent", required=False, choices=[ROOT_AGENT, *choices])


class VoteForm(forms.Form):
    """A person's word on an approval."""

    verdict = forms.ChoiceField(
        choices=[("approve", "Approve"), ("reject", "Reject")],
        error_messages={"required": "Choose to approve or to reject."},
    )
    comment = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))


class AnswerForm(forms.Form):
    """A person's answer to an agent's question: one of its options, or words of their own, which win."""

    option = forms.CharField(required=False)
    answer = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        """Leave the answer to be sent in ``answer``."""
        cleaned = super().clean() or {}
        cleaned["answer"] = cleaned.get("answer") or cleaned.get("option")
        if not cleaned["answer"]:
            raise forms.ValidationError("Choose an option or write an answer.")
        return cleaned
