"""What a chat window shows, as a function of what was heard: no widget, no thread, no HTML.

A line begins as ours, `sending`; it becomes `sent` when the server has answered or the
message comes back from the room, or `failed` with the reason. What comes from the room is
placed in the order in which it comes, which is the log's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from labserver.chat.events import Event

LINES_MAX = 100  # shown; each update sends them all, and 1 MB a second is all Jupyter lets by


@dataclass(slots=True)
class Line:
    """One line of the window.

    Attributes:
        who: who said it; empty for a notice.
        text: what was said.
        state: received, sending, sent, failed or notice.
        ts: when, ISO 8601; empty while it is on its way.
        id: the message's id.
        to: the only recipient, where it is a direct message.
        why: why it failed.
    """

    who: str
    text: str
    state: str
    ts: str = ""
    id: str = ""
    to: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, str]:
        """For the browser."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}


@dataclass(slots=True)
class Transcript:
    """The lines, who is online and who types, as `user` sees them."""

    user: str
    lines: list[Line] = field(default_factory=list)
    online: dict[str, None] = field(default_factory=dict)
    typing: dict[str, None] = field(default_factory=dict)

    def saying(self, text: str, message_id: str, to: str = "") -> None:
        """The user says something; the server has not answered yet."""
        self._add(Line(self.user, text, "sending", id=message_id, to=to))

    def answered(self, message_id: str, status: str) -> None:
        """The server has it: delivered, queued or duplicate."""
        line = self._find(message_id)
        if line is not None and line.state == "sending":
            line.state = "sent"
            line.why = "kept until they come" if status == "queued" else ""

    def failed(self, message_id: str, why: str) -> None:
        """The message was not accepted."""
        line = self._find(message_id)
        if line is not None:
            line.state, line.why = "failed", why

    def hear(self, event: Event) -> None:
        """Take in what came from the server."""
        data = event.data
        if event.type == "CHAT_MESSAGE":
            self._hear_message(event)
        elif event.type == "PRESENCE":
            if data["status"] == "online":
                self.online[data["userId"]] = None
            else:
                self.online.pop(data["userId"], None)
                self.typing.pop(data["userId"], None)
        elif event.type == "TYPING_START":
            self.typing[data["userId"]] = None
        elif event.type == "TYPING_STOP":
            self.typing.pop(data["userId"], None)
        elif event.type == "RESET":
            self._add(
                Line("", "Some messages are missing: the server no longer has them.", "notice")
            )
        elif event.type == "ERROR":
            self._add(Line("", data["message"], "notice"))

    def people(self) -> list[str]:
        """Who is online, oneself first."""
        return [self.user, *sorted(set(self.online) - {self.user})]

    def shown(self) -> list[dict[str, str]]:
        """The lines for the browser."""
        return [line.as_dict() for line in self.lines]

    def _hear_message(self, event: Event) -> None:
        data: dict[str, Any] = event.data
        sender, message_id = data["senderId"], data["id"]
        self.typing.pop(sender, None)
        if sender == self.user:
            mine = self._find(message_id)
            if mine is not None and not mine.to:
                self.lines.remove(mine)
        state = "sent" if sender == self.user else "received"
        to = data.get("recipientId", "")
        self._add(Line(sender, data["content"], state, event.ts or "", message_id, to))

    def _find(self, message_id: str) -> Line | None:
        for line in reversed(self.lines):
            if line.id == message_id and line.who == self.user:
                return line
        return None

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        if len(self.lines) > LINES_MAX:
            oldest = next((one for one in self.lines if one.state != "sending"), self.lines[0])
            self.lines.remove(oldest)
