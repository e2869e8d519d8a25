"""The wrong solutions that stand beside each exercise."""

from __future__ import annotations

import importlib
from typing import Any

from labserver.practice.checking.exercise import load


def wrong_of(exercise_id: str) -> dict[str, Any]:
    """The wrong solutions of an exercise, by name."""
    package = load(exercise_id).cases.__module__.rpartition(".")[0]
    module = importlib.import_module(f"{package}.answers")
    return {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        and not name.startswith("_")
        and name != "Base"
    }
