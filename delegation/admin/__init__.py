"""The auditors' and operators' screens of what is employed, asked and decided."""

from delegation.admin import agents, limits, questions, rights, tasks

__all__ = ["agents", "limits", "questions", "rights", "tasks"]
