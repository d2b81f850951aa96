"""The auditors' and operators' screens of what is employed, asked and decided."""

from delegation.admin import agents, questions, tasks

__all__ = ["agents", "questions", "tasks"]
