"""What a chat window shows, as a function of the events that arrived: no widget, thread or HTML.

A line that the user writes begins as `sending`. It becomes `sent` when the server answers or the
message comes back from the room, or `failed` with the reason. Messages from the room are placed
in the order in which they arrive, which is the order of the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from labserver.chat.events import Event

LINES_MAX = 100  # each update sends all of them, and Jupyter lets only 1 MB per second pass


@dataclass(slots=True)
class ChatLine:
    """One line of the window.

    Attributes:
        who: the sender; empty for a notice.
        text: the message's content, or the notice.
        state: received, sending, sent, failed, notice or hint.
        ts: the server's time in ISO 8601; empty if the server did not send the message to us.
        at: when it arrived here, or was accepted, in milliseconds since 1970; 0 before that.
        said: when the user wrote it here, likewise; 0 if somebody else did.
        id: the message's id.
        to: the recipient of a direct message; otherwise empty.
        why: why sending failed, or a remark about a message that was sent.
    """

    who: str
    text: str
    state: str
    ts: str = ""
    at: float = 0.0
    said: float = 0.0
    id: str = ""
    to: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, str | float]:
        """Return the fields that are not empty, for the browser."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}


@dataclass(slots=True)
class Transcript:
    """The lines, who is online and who is typing, as `user` sees them.

    Moments (`at`) are milliseconds since 1970 by the clock of this machine.

    Attributes:
        user: whose window it is.
        lines: the last lines, in the order of the window.
        online, typing: who is, apart from the user; the keys of a dict, which keeps their order.
        sent: how many of the user's messages from this window the server has accepted.
        received: how many messages have arrived from others.
    """

    user: str
    lines: list[ChatLine] = field(default_factory=list)
    online: dict[str, None] = field(default_factory=dict)
    typing: dict[str, None] = field(default_factory=dict)
    sent: int = 0
    received: int = 0

    def saying(self, text: str, message_id: str, to: str = "", at: float = 0.0) -> None:
        """Add a message that the user wrote at a moment and the server has not answered yet."""
        self._add(ChatLine(self.user, text, "sending", said=at, id=message_id, to=to))

    def answered(self, message_id: str, status: str, at: float = 0.0) -> None:
        """Mark a message as sent; `status` is that of its ACK: delivered, queued or duplicate."""
        line = self._find(message_id)
        if line is not None and line.state == "sending":
            self.sent += 1
            line.state, line.at = "sent", at
            line.why = f"kept for {line.to}, who was offline" if status == "queued" else ""

    def failed(self, message_id: str, why: str) -> None:
        """Mark a message as not accepted."""
        line = self._find(message_id)
        if line is not None:
            line.state, line.why = "failed", why

    def hear(self, event: Event, at: float = 0.0) -> None:
        """Take in an event from the server, which arrived at a moment."""
        data = event.data
        if event.type == "CHAT_MESSAGE":
            self._hear_message(event, at)
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
            self.notice("Some messages are missing: the server no longer has them.")
        elif event.type == "ERROR":
            self.notice(data["message"])

    def notice(self, text: str) -> None:
        """Add a line that says what went wrong."""
        self._add(ChatLine("", text, "notice"))

    def hint(self, text: str) -> None:
        """Add a line that answers a question about the window itself."""
        self._add(ChatLine("", text, "hint"))

    def people(self) -> list[str]:
        """Return who is online, the user first."""
        return [self.user, *sorted(set(self.online) - {self.user})]

    def shown(self) -> list[dict[str, str | float]]:
        """Return the lines, for the browser."""
        return [line.as_dict() for line in self.lines]

    def _hear_message(self, event: Event, at: float) -> None:
        data: dict[str, Any] = event.data
        sender, message_id = data["senderId"], data["id"]
        self.typing.pop(sender, None)
        said = 0.0
        if sender == self.user:
            mine = self._find(message_id)
            if mine is not None:
                said = mine.said
                self.sent += mine.state == "sending"
                self.lines.remove(mine)
        else:
            self.received += 1
        state = "sent" if sender == self.user else "received"
        to = data.get("recipientId", "")
        ts, content = event.ts or "", data["content"]
        self._add(ChatLine(sender, content, state, ts, at, said, message_id, to))

    def _find(self, message_id: str) -> ChatLine | None:
        for line in reversed(self.lines):
            if line.id == message_id and line.who == self.user:
                return line
        return None

    def _add(self, line: ChatLine) -> None:
        self.lines.append(line)
        if len(self.lines) > LINES_MAX:
            settled = (old for old in self.lines if old.state != "sending")
            oldest = next(settled, self.lines[0])
            self.lines.remove(oldest)
