"""What was on the wire, as text in a figure: whatever it says, it is shown and not obeyed.

plotly takes HTML tags, entities, line ends and TeX between dollars for markup. Here they are
escaped, so that what is built from `plain` may be used in labels, hover texts and titles.
"""

from __future__ import annotations

import html
import math

from labserver.wire.message import Message
from labserver.wire.tape import Direction

HOVER_CHARACTERS = 70  # in one line
HOVER_BYTES = 32
DUMP_COLUMNS = 16  # bytes per line, as in hexdump and Wireshark

ARROW = {Direction.UP: "client → server", Direction.DOWN: "server → client"}


def plain(text: str, most: int = HOVER_CHARACTERS) -> str:
    """Return text from anywhere as one line of a plotly text.

    Args:
        text: is shortened if it is too long; what cannot be printed is shown as Python escapes
            it.
        most: how many characters there may be.
    """
    cut = text if len(text) <= most else text[: most - 1] + "…"
    printable = "".join(c if c.isprintable() else _escape(c) for c in cut)
    return html.escape(printable, quote=False).replace("$", "&#36;")


def dump(raw: bytes, most: int = HOVER_BYTES) -> list[str]:
    """Return the first bytes as lines of hex and ASCII.

    Args:
        raw: bytes from the wire.
        most: how many are shown; the last line says how many more there are.
    """
    lines = []
    for at in range(0, min(len(raw), most), DUMP_COLUMNS):
        row = raw[at : min(at + DUMP_COLUMNS, most)]
        characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{row.hex(' '):<{3 * DUMP_COLUMNS}} {plain(characters)}")
    if len(raw) > most:
        lines.append(f"… {len(raw) - most:,} bytes more")
    return lines


def hover(message: Message, zero_s: float = 0.0) -> str:
    """Return the hover text of a message: what it is, its times, its bytes.

    Args:
        message: any message of a trace.
        zero_s: when the figure's clock begins, in seconds since the trace began.
    """
    arrived = (
        "never arrived"
        if math.isinf(message.arrived)
        else f"arrived {1000 * (message.arrived - zero_s):,.2f} ms"
    )
    size = len(message.raw)
    lines = [
        f"<b>{message.number} · {message.kind.value}</b>, connection {message.connection}",
        plain(message.summary),
        f"{ARROW[message.direction]}: sent {1000 * (message.sent - zero_s):,.2f} ms, {arrived}",
        f"{size:,} bytes = {message.payload:,} payload + {message.overhead:,} overhead",
    ]
    if message.error:
        lines.append(plain(message.error))
    return "<br>".join([*lines, *dump(message.raw)])


def duration(seconds: float) -> str:
    """Return a duration with a suitable unit: `1.5 s`, `602 ms`, `0.04 ms`."""
    return f"{seconds:,.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
