"""What is typed into a chat window: a message, or a command that the window answers itself.

A command begins with a slash. commands.mjs reads it in the same way for the browser's own clients;
both have tests/widgets/typed.json.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HELP = """\
/dm NAME text sends the text to one person.
//text sends a text that begins with a slash.
/help shows these lines."""
INCOMPLETE = "Nothing was sent: write /dm, the name of one person, and the text."

_NAMED = re.compile(r"/dm\s+([A-Za-z0-9_.-]{1,64})\s+(.+)", re.DOTALL)
_SHOWN = 30  # characters of an unknown command


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be sent; without a recipient it is for the room."""

    content: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the window shows instead of sending anything; a `problem` if it was a mistake."""

    text: str
    problem: bool


def read_typed(text: str) -> Message | Answer:
    """Return what is to be done about what was typed.

    The room must not read what was meant for one person, so a `/dm` without a valid name or a text
    is no message.
    """
    if text.startswith("//"):
        return Message(text[1:])
    if not text.startswith("/"):
        return Message(text)
    command = re.split(r"\s", text, maxsplit=1)[0]
    if command == "/help":
        return Answer(HELP, problem=False)
    if command == "/dm":
        named = _NAMED.fullmatch(text)
        return Message(named[2], named[1]) if named else Answer(INCOMPLETE, problem=True)
    return Answer(
        f"Nothing was sent: there is no command {command[:_SHOWN]}. /help lists those there are;"
        " begin with two slashes to send the text itself.",
        problem=True,
    )
