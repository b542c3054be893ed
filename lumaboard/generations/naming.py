"""What a generation is called where it is spoken of: in sentences, in dialogs, in lists."""

from __future__ import annotations

from typing import Final

from lumaboard.generations.models import Generation

LONGEST_BEGINNING: Final = 100
"""So much of a prompt names a generation that has no title."""


def name_of(row: Generation) -> str:
    return called(title=row.title, prompt=row.prompt, task_id=row.task_id)


def called(*, title: str, prompt: str, task_id: str) -> str:
    """Its title, or how its prompt begins, or its id; of the prompt, one letter more than is shown is enough to tell."""
    return title or _shortened(prompt) or short_id(task_id)


def short_id(task_id: str) -> str:
    return task_id if len(task_id) <= 14 else f"{task_id[:8]}…{task_id[-4:]}"


def _shortened(prompt: str) -> str:
    return prompt if len(prompt) <= LONGEST_BEGINNING else f"{prompt[:LONGEST_BEGINNING].rstrip()}…"
