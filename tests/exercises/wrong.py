"""The wrong solutions that stand beside each exercise, and what each is told."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from labserver.practice.checking.play import package_of


def wrong_of(exercise_id: str) -> dict[str, Any]:
    """The wrong solutions of an exercise, by name."""
    module = _answers(exercise_id)
    return {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        and not name.startswith("_")
        and name != "Base"
    }


def messages_of(exercise_id: str) -> dict[str, str]:
    """A part of what each wrong solution of an exercise is told first, by its name."""
    messages: dict[str, str] = _answers(exercise_id).MESSAGES
    return messages


def _answers(exercise_id: str) -> ModuleType:
    return importlib.import_module(f"{package_of(exercise_id)}.answers")
