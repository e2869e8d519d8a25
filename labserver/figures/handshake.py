"""The WebSocket handshake, line by line, and where Sec-WebSocket-Accept comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from labserver.errors import LabError
from labserver.figures.panel import Panel, visible
from labserver.trace.trace import Trace
from labserver.wire.message import Kind, Message
from labserver.wire.preview import byte_count
from labserver.wire.websocket_accept import accept_steps
from labserver.wire.websocket_handshake import (
    Conformance,
    HandshakeLine,
    field_of,
    is_asked_for,
    request_lines,
    response_lines,
    status_of,
)

LINE_CHARACTERS = 160
LINES_MAX = 40  # per message; faulty lines beyond them are still shown
BODY_CHARACTERS = 300

_MARK = {
    Conformance.RIGHT: "✓",
    Conformance.FREE: "·",
    Conformance.WRONG: "✗",
    Conformance.MISSING: "✗",
}
_SECRET = re.compile(
    r"(?P<before>[?&](?:access_token|token|ticket|jwt)=|^(?:Proxy-)?Authorization:\s*(?:\S+\s+)?)"
    r"(?P<secret>[^&\s]+)",
    re.IGNORECASE,
)
_COOKIE = re.compile(r"^(?:Set-)?Cookie:", re.IGNORECASE)
_CRUMB = re.compile(r"(?P<before>=)(?P<secret>[^;]+)")


class _Exchange(NamedTuple):
    """A handshake: the request, and the response, if there is one."""

    request: Message
    response: Message | None


def handshake(trace: Trace, connection: int | None = None) -> Panel:
    """Show a request and its response line by line, and the derivation of Sec-WebSocket-Accept.

    Each line says what it is for, and whether an RFC requires it; what is wrong or missing
    according to RFC 6455 §4 is marked. A refusal has no derivation. Tokens and cookies are
    shortened.

    Args:
        trace: what a relay has seen.
        connection: the number of the connection; by default the first one that asks for a
            WebSocket.

    Returns:
        A picture made of text: HTML in a notebook, lines elsewhere.

    Raises:
        LabError: if there is no handshake in the trace, or on that connection.
    """
    request, response = _find(trace, connection)
    asked = request_lines(request.raw)
    heading = f"client → server: the request, {byte_count(len(request.raw))}"
    sides = [_side(heading, asked)]
    answered: tuple[HandshakeLine, ...] = ()
    if response is not None:
        answered = response_lines(response.raw, request.raw)
        heading = f"server → client: the response, {byte_count(len(response.raw))}"
        sides.append(_side(heading, answered, str(response.detail.get("text", ""))))
    title = _title(asked, answered, response)
    steps, verdict = _derivation(request, response)
    text = [title]
    for side in sides:
        text += ["", *_side_text(side)]
    if verdict:
        text += ["", "Where Sec-WebSocket-Accept comes from", *_steps_text(steps), verdict]
    return Panel(
        "\n".join(text),
        "figures/handshake.html",
        title=title,
        sides=sides,
        steps=steps,
        verdict=verdict,
    )


def _find(trace: Trace, connection: int | None) -> _Exchange:
    chosen = trace if connection is None else trace.only(connection=connection)
    said: dict[int, list[Message]] = {}
    for message in chosen.only(kind=(Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE)):
        said.setdefault(message.connection, []).append(message)
    for _, messages in sorted(said.items()):
        requests = [m for m in messages if m.kind is Kind.HTTP_REQUEST]
        answers = [m for m in messages if m.kind is Kind.HTTP_RESPONSE and not _is_interim(m)]
        for request, answer in zip_longest(requests, answers):
            if request is not None and is_asked_for(request.raw):
                return _Exchange(request, answer)
    if connection is not None and connection not in trace.connections:
        raise LabError(
            f"There is no connection {connection} in the trace: look at trace.connections for"
            " their numbers. If the server was started again, run the cells that connect to it."
        )
    if any(True for _ in chosen.only(kind=Kind.TLS_RECORD)):
        raise LabError("The handshake is encrypted: record a server without TLS to see it.")
    where = "the trace" if connection is None else f"connection {connection}"
    raise LabError(
        f"There is no WebSocket handshake in {where}: let a client connect to"
        ' lab.start("websocket") while it is recorded.'
    )


def _is_interim(response: Message) -> bool:
    """Return whether a response is interim: the final one follows (RFC 9110 §15.2)."""
    return 100 <= status_of(response.raw) < 200 and status_of(response.raw) != 101


def _title(
    asked: Sequence[HandshakeLine], answered: Sequence[HandshakeLine], response: Message | None
) -> str:
    request, answer = _faults("the request", asked), _faults("the response", answered)
    if response is None:
        return f"No response has come; {request or 'the request is complete'}"
    status = status_of(response.raw)
    reason = visible(str(response.detail.get("reason", "")), 40)
    begin = f"{status} {reason}".strip() if status else "No status"
    if status == 101:
        right = "the handshake is complete, and from here on both sides send frames"
    else:
        right = f"the request is complete, and yet the response is {answered[0].purpose}"
    return f"{begin}: {'; '.join(filter(None, (request, answer))) or right}"


def _faults(whose: str, lines: Sequence[HandshakeLine]) -> str:
    missing = [visible(line.name, 40) for line in lines if line.verdict is Conformance.MISSING]
    wrong = [visible(line.name, 40) for line in lines if line.verdict is Conformance.WRONG]
    said = []
    if missing:
        said.append(f"lacks {_and(missing)}")
    if wrong:
        said.append(f"has a wrong {_and(wrong)}")
    return f"{whose} {' and '.join(said)}" if said else ""


def _and(names: list[str]) -> str:
    shown = names if len(names) <= 5 else [*names[:4], f"{len(names) - 4} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


class _Row(NamedTuple):
    """One line of a message, as it is shown.

    Attributes:
        mark: a sign for what there is to say of it.
        look: its CSS class.
        is_missing: whether it should be there, and is not.
        text: the line.
        fault: what is wrong with it; empty if nothing is.
        purpose: what it is for.
        rule: whether it is required, and by which RFC.
    """

    mark: str
    look: str
    is_missing: bool
    text: str
    fault: str
    purpose: str
    rule: str


class _Side(NamedTuple):
    """One of the two messages, as it is shown; `left_out` of its lines are not."""

    heading: str
    rows: list[_Row]
    left_out: int
    body: list[str]


def _side(heading: str, lines: Sequence[HandshakeLine], body: str = "") -> _Side:
    *head, blank = lines
    kept = [line for at, line in enumerate(head) if at < LINES_MAX or line.is_faulty]
    kept = kept[: 2 * LINES_MAX]
    rows = [_row(line) for line in (*kept, blank)]
    return _Side(heading, rows, len(head) - len(kept), _body_lines(body))


def _body_lines(body: str) -> list[str]:
    """Return what is shown of a body; lines that are blank are left out."""
    lines = re.split(r"\r?\n", body[:BODY_CHARACTERS])
    shown = [visible(line, BODY_CHARACTERS) for line in lines if line]
    if len(body) > BODY_CHARACTERS:
        shown.append(f"… {len(body) - BODY_CHARACTERS:,} characters more")
    return shown


def _row(line: HandshakeLine) -> _Row:
    is_right = line.verdict is Conformance.RIGHT
    return _Row(
        _MARK[line.verdict],
        "ok" if is_right else "bad" if line.is_faulty else "grey",
        line.verdict is Conformance.MISSING,
        _shown(line),
        f"wrong: {visible(line.fault, LINE_CHARACTERS)}" if line.fault else "",
        line.purpose,
        _rule(line),
    )


def _side_text(side: _Side) -> Iterator[str]:
    yield side.heading
    for row in side.rows:
        yield f" {row.mark} {'missing: ' if row.is_missing else ''}{row.text}"
        yield f"     {' · '.join(filter(None, (row.purpose, row.rule)))}"
        if row.fault:
            yield f"     {row.fault}"
    if side.left_out:
        yield f" … {side.left_out:,} lines more"
    yield from (f"   {line}" for line in side.body)


def _shown(line: HandshakeLine) -> str:
    secret = _CRUMB if _COOKIE.match(line.text) else _SECRET
    return visible(secret.sub(_shortened, line.text), LINE_CHARACTERS) or "(a blank line)"


def _shortened(found: re.Match[str]) -> str:
    secret = found["secret"]
    quarter = len(secret) // 4
    return f"{found['before']}{secret[: min(6, quarter)]}…{secret[len(secret) - min(4, quarter) :]}"


def _rule(line: HandshakeLine) -> str:
    if line.name == "status line" or not line.rule:  # a refusal is a server's right
        return line.rule
    return f"{'optional' if line.verdict is Conformance.FREE else 'required'}, {line.rule}"


def _derivation(request: Message, response: Message | None) -> tuple[list[tuple[str, str]], str]:
    """Return each step with its result, and whether the last one equals what was sent."""
    key = field_of(request.raw, "Sec-WebSocket-Key")
    if response is None or status_of(response.raw) != 101 or not key:
        return [], ""
    steps = [(step.what, visible(step.text, LINE_CHARACTERS)) for step in accept_steps(key)]
    sent = field_of(response.raw, "Sec-WebSocket-Accept")
    steps.append(("what the server sent", visible(sent, LINE_CHARACTERS) or "nothing"))
    equal = sent == accept_steps(key)[-1].text
    return steps, f"equal to what the server sent: {'yes' if equal else 'no'}"


def _steps_text(steps: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max(len(what) for what, _ in steps)
    for at, (what, value) in enumerate(steps, 1):
        yield f" {at}. {what:<{width}}  {value}"
