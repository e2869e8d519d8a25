"""Completion on the Tab key: the script for a shell, and what can stand where a technique is named.

The script asks `labserver` itself, at each Tab, with `_LABSERVER_COMPLETE` set; click answers. So
nothing that takes long may be imported before a command runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
)

SHELLS = ("bash", "zsh", "fish")
PROGRAM, VARIABLE = "labserver", "_LABSERVER_COMPLETE"

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


@add_completion_class
class _Bash(BashComplete):
    """bash hands on `--techniques=sse` as three words, of which the option and its value count."""

    def get_completion_args(self) -> tuple[list[str], str]:
        words, incomplete = super().get_completion_args()
        return [word for word in words if word != "="], incomplete


def script(shell: str, program: click.Command) -> str:
    """Return what a shell has to read so that it completes a program's commands and options.

    Args:
        shell: one of `SHELLS`.
        program: the program's commands.
    """
    found = get_completion_class(shell)
    assert found is not None
    return found(program, {}, PROGRAM, VARIABLE).source()


def one_of(names: Sequence[str]) -> Complete:
    """Return what completes one name."""

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]

    return complete


def several_of(names: Sequence[str]) -> Complete:
    """Return what completes the last name in a list with commas, which has each name once."""

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        listed, comma, last = incomplete.rpartition(",")
        return [
            CompletionItem(listed + comma + name)
            for name in names
            if name.startswith(last) and name not in listed.split(",")
        ]

    return complete
