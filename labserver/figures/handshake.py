"""The WebSocket handshake, line by line, and where Sec-WebSocket-Accept comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from labserver.errors import LabError
from labserver.figures.panel import Panel, code, markup, visible
from labserver.trace.trace import Trace
from labserver.wire.message import Kind, Message
from labserver.wire.preview import byte_count
from labserver.wire.websocket_accept import accept_steps
from labserver.wire.websocket_handshake import (
    Line,
    Verdict,
    field_of,
    is_asked_for,
    request_lines,
    response_lines,
    status_of,
)

LINE_CHARACTERS = 160
LINES_MAX = 40  # of one message; the faults beyond them are still shown
BODY_CHARACTERS = 300

_MARK = {Verdict.RIGHT: "✓", Verdict.FREE: "·", Verdict.WRONG: "✗", Verdict.MISSING: "✗"}
_SECRET = re.compile(
    r"(?P<before>[?&](?:access_token|token|ticket|jwt)=|^(?:Proxy-)?Authorization:\s*(?:\S+\s+)?)"
    r"(?P<secret>[^&\s]+)",
    re.IGNORECASE,
)
_COOKIE = re.compile(r"^(?:Set-)?Cookie:", re.IGNORECASE)
_CRUMB = re.compile(r"(?P<before>=)(?P<secret>[^;]+)")

_STYLE = """
.P.P td.mark{width:1.2em;padding-right:4px;font-weight:700;text-align:center}
.P .lines td{padding-bottom:5px}
.P .why{display:block;font-size:12px}
.P .rule{white-space:nowrap}
.P .steps td:first-child{width:35%;padding-right:14px}
"""


class _Asked(NamedTuple):
    """A handshake: the request, and the answer if one has come."""

    request: Message
    response: Message | None


def handshake(trace: Trace, connection: int | None = None) -> Panel:
    """The request and its answer line by line, and the derivation of Sec-WebSocket-Accept.

    Each line says what it is for, and whether an RFC requires it; what is wrong or missing by
    RFC 6455 §4 is marked. Of a refusal there is no derivation. Tokens and cookies are shortened.

    Args:
        trace: what a relay has seen.
        connection: the number of the connection; by default the first that asks for a WebSocket.

    Returns:
        A picture made of text: HTML in a notebook, lines elsewhere.

    Raises:
        LabError: if there is no handshake in the trace, or on that connection.
    """
    request, response = _find(trace, connection)
    asked = request_lines(request.raw)
    heading = f"client → server: the request, {byte_count(len(request.raw))}"
    sides = [_Side(heading, asked)]
    answered: tuple[Line, ...] = ()
    if response is not None:
        answered = response_lines(response.raw, request.raw)
        heading = f"server → client: the answer, {byte_count(len(response.raw))}"
        sides.append(_Side(heading, answered, str(response.detail.get("text", ""))))
    title = _title(asked, answered, response)
    steps, verdict = _derivation(request, response)
    text = [title]
    body = [f'<div class="title">{markup(title)}</div><div class="side">']
    for side in sides:
        text += ["", *side.text()]
        body.append(side.html())
    body.append("</div>")
    if verdict:
        text += ["", "Where Sec-WebSocket-Accept comes from", *_steps_text(steps), verdict]
        body.append(_steps_html(steps, verdict))
    return Panel("".join(body), "\n".join(text), _STYLE)


def _find(trace: Trace, connection: int | None) -> _Asked:
    chosen = trace if connection is None else trace.only(connection=connection)
    said: dict[int, list[Message]] = {}
    for message in chosen.only(kind=(Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE)):
        said.setdefault(message.connection, []).append(message)
    for _, messages in sorted(said.items()):
        requests = [m for m in messages if m.kind is Kind.HTTP_REQUEST]
        answers = [m for m in messages if m.kind is Kind.HTTP_RESPONSE and not _is_interim(m)]
        for request, answer in zip_longest(requests, answers):
            if request is not None and is_asked_for(request.raw):
                return _Asked(request, answer)
    if connection is not None and connection not in trace.connections:
        raise LabError(
            f"There is no connection {connection} in the trace:"
            " look at trace.connections for their numbers."
        )
    if any(True for _ in chosen.only(kind=Kind.TLS_RECORD)):
        raise LabError("The handshake is encrypted: record a server without TLS to see it.")
    where = "the trace" if connection is None else f"connection {connection}"
    raise LabError(
        f"There is no WebSocket handshake in {where}: let a client connect to"
        ' lab.start("websocket") while it is recorded.'
    )


def _is_interim(response: Message) -> bool:
    """Whether the answer proper is still to come (RFC 9110 §15.2)."""
    return 100 <= status_of(response.raw) < 200 and status_of(response.raw) != 101


def _title(asked: Sequence[Line], answered: Sequence[Line], response: Message | None) -> str:
    request, answer = _faults("the request", asked), _faults("the answer", answered)
    if response is None:
        return f"No answer has come; {request or 'the request is whole'}"
    status = status_of(response.raw)
    reason = visible(str(response.detail.get("reason", "")), 40)
    begin = f"{status} {reason}".strip() if status else "No status"
    if status == 101:
        right = "the handshake is whole, and from here on both sides speak in frames"
    else:
        right = f"the request is whole, and yet the answer is {answered[0].purpose}"
    return f"{begin}: {'; '.join(filter(None, (request, answer))) or right}"


def _faults(whose: str, lines: Sequence[Line]) -> str:
    missing = [visible(line.name, 40) for line in lines if line.verdict is Verdict.MISSING]
    wrong = [visible(line.name, 40) for line in lines if line.verdict is Verdict.WRONG]
    said = []
    if missing:
        said.append(f"lacks {_and(missing)}")
    if wrong:
        said.append(f"has a wrong {_and(wrong)}")
    return f"{whose} {' and '.join(said)}" if said else ""


def _and(names: list[str]) -> str:
    shown = names if len(names) <= 5 else [*names[:4], f"{len(names) - 4} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


class _Side:
    """One of the two messages."""

    def __init__(self, heading: str, lines: Sequence[Line], body: str = "") -> None:
        self._heading = heading
        *head, blank = lines
        kept = [line for at, line in enumerate(head) if at < LINES_MAX or line.is_faulty]
        self._left_out = len(head) - len(kept[: 2 * LINES_MAX])
        self._lines = [*kept[: 2 * LINES_MAX], blank]
        self._body = visible(body.strip(), BODY_CHARACTERS)

    def text(self) -> Iterator[str]:
        yield self._heading
        for line in self._lines:
            missing = "missing: " if line.verdict is Verdict.MISSING else ""
            yield f" {_MARK[line.verdict]} {missing}{_shown(line)}"
            yield f"     {' · '.join(filter(None, (line.purpose, _rule(line))))}"
            if line.fault:
                yield f"     {_fault(line)}"
        if self._left_out:
            yield f" … {self._left_out:,} lines more"
        if self._body:
            yield f"   {self._body}"

    def html(self) -> str:
        rows = "".join(self._row(line) for line in self._lines)
        if self._left_out:
            rows += f'<tr><td></td><td class="grey">… {self._left_out:,} lines more</td></tr>'
        if self._body:
            rows += f"<tr><td></td><td>{code(self._body)}</td></tr>"
        return (
            f'<div><div class="head">{markup(self._heading)}</div>'
            f'<table class="lines"><tbody>{rows}</tbody></table></div>'
        )

    @staticmethod
    def _row(line: Line) -> str:
        look = "ok" if line.verdict is Verdict.RIGHT else "bad" if line.is_faulty else "grey"
        missing = '<span class="bad">missing: </span>' if line.verdict is Verdict.MISSING else ""
        fault = f'<span class="why bad">{markup(_fault(line))}</span>' if line.fault else ""
        rule = f' · <span class="rule">{_rule(line)}</span>' if line.rule else ""
        return (
            f'<tr><td class="mark {look}">{_MARK[line.verdict]}</td>'
            f"<td>{missing}{code(_shown(line))}{fault}"
            f'<span class="why grey">{markup(line.purpose)}{rule}</span></td></tr>'
        )


def _shown(line: Line) -> str:
    secret = _CRUMB if _COOKIE.match(line.text) else _SECRET
    return visible(secret.sub(_shortened, line.text), LINE_CHARACTERS) or "(a blank line)"


def _shortened(found: re.Match[str]) -> str:
    secret = found["secret"]
    quarter = len(secret) // 4
    return f"{found['before']}{secret[: min(6, quarter)]}…{secret[len(secret) - min(4, quarter) :]}"


def _rule(line: Line) -> str:
    if line.name == "status line" or not line.rule:  # a refusal is a server's right
        return line.rule
    return f"{'optional' if line.verdict is Verdict.FREE else 'required'}, {line.rule}"


def _fault(line: Line) -> str:
    return f"wrong: {visible(line.fault, LINE_CHARACTERS)}"


def _derivation(request: Message, response: Message | None) -> tuple[list[tuple[str, str]], str]:
    """What is done in each step and what comes of it; and whether it is what was sent."""
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


def _steps_html(steps: Sequence[tuple[str, str]], verdict: str) -> str:
    rows = "".join(
        f"<tr><td>{at}. {markup(what)}</td><td>{code(value)}</td></tr>"
        for at, (what, value) in enumerate(steps, 1)
    )
    look = "ok" if verdict.endswith("yes") else "bad"
    return (
        '<div class="head">Where Sec-WebSocket-Accept comes from (RFC 6455 §1.3)</div>'
        f'<table class="steps"><tbody>{rows}</tbody></table>'
        f'<div class="head">{markup(verdict)} <span class="{look}">'
        f"{'✓' if look == 'ok' else '✗'}</span></div>"
    )
