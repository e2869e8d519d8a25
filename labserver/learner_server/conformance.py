"""A client that runs the conformance cases against a server, and judges each.

It sends exactly the bytes of the case, even those that a client must not send, and does not react
to what comes back. It works with any server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from labserver.learner_server.cases import GOODBYE, NO_CODE, ConformanceCase, Item, close
from labserver.learner_server.parts import PartFailed
from labserver.learner_server.scoreboard import ScoreboardRow
from labserver.wire.websocket import FrameReader
from labserver.wire.websocket_frame import CLOSE, OPCODES, TEXT, Frame

LOOPBACK = "127.0.0.1"
AT_ONCE = 6  # connections; if all hang, their threads take turns
CASE_MAX_S = 2.0
RUN_MAX_S = 10.0
BETWEEN_S = 0.002  # between writes, so that they are read separately
GRACE_S = 0.2  # to wait for an answer before the client goes on; later ones count as well
STUCK_MAX = 6  # cases may hang before the others are skipped
READ_MAX = 64 * 1024
LEFT_OUT = f"not tried: {STUCK_MAX} other cases hung"
NO_END = f"it did not end within {CASE_MAX_S:g} s"
SHOWN_BYTES = 12


@dataclass(slots=True)
class Reply:
    """What the server sent on a connection.

    Attributes:
        port: the client's own port.
        head: the answer to the handshake.
        frames: the frames that followed it.
        size: the number of bytes that followed it.
        ended: how the connection ended.
    """

    port: int = 0
    head: bytes = b""
    frames: list[Frame] = field(default_factory=list)
    size: int = 0
    ended: str = ""

    @property
    def status(self) -> int:
        """The status of the answer to the handshake; 0 if there was none."""
        word = self.head.split(b"\r\n")[0].split(b" ")[1:2]
        return int(word[0]) if word and word[0].isdigit() else 0

    def header(self, name: str) -> str:
        """Return a field of the answer to the handshake, or ""."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            found, _, value = line.partition(":")
            if found.lower() == name.lower():
                return value.strip()
        return ""

    @property
    def closed(self) -> bool:
        """Whether a close frame has come."""
        return any(one.opcode == CLOSE for one in self.frames)

    @property
    def rest(self) -> str:
        """What is left over after the last frame, in words; "" if nothing is."""
        size = self.size - sum(one.size for one in self.frames)
        return f"{size:,} bytes that do not make a whole frame" if size else ""


async def run(
    port: int, cases: Iterable[ConformanceCase], why: Callable[[int], PartFailed | None]
) -> tuple[ScoreboardRow, ...]:
    """Play cases, several at once.

    Args:
        port: the server's port on this machine.
        cases: what to play.
        why: gives what failed in the server on the connection from a port, if it knows.

    Returns:
        One row per case, in order.
    """
    cases = tuple(cases)
    turns = asyncio.Semaphore(AT_ONCE)
    until = asyncio.get_running_loop().time() + RUN_MAX_S
    stuck = 0

    async def one(case: ConformanceCase) -> ScoreboardRow:
        nonlocal stuck
        async with turns:
            reply = Reply()
            if stuck >= STUCK_MAX:
                reply.ended = LEFT_OUT
                return judged(case, reply, None)
            try:
                async with asyncio.timeout_at(
                    min(until, asyncio.get_running_loop().time() + CASE_MAX_S)
                ):
                    await _play(port, case, reply)
            except TimeoutError:
                reply.ended = NO_END
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                reply.ended = "the connection was cut"
            failure = why(reply.port)
            stuck += reply.ended == NO_END or (failure is not None and failure.stuck)
            return judged(case, reply, failure)

    async with asyncio.TaskGroup() as tasks:
        rows = [tasks.create_task(one(case)) for case in cases]
    return tuple(row.result() for row in rows)


async def _play(port: int, case: ConformanceCase, reply: Reply) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    reply.port = writer.get_extra_info("sockname")[1]
    try:
        writer.write(case.request)
        reply.head = await reader.readuntil(b"\r\n\r\n")
        if reply.status == 101 and case.status == (101,):
            await _converse(reader, writer, case, reply)
        reply.ended = reply.ended or "end"
    finally:
        writer.transport.abort()


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, case: ConformanceCase, reply: Reply
) -> None:
    frames = FrameReader(masked=False)

    async def read_until(enough: Callable[[], bool]) -> None:
        while not enough() and not reply.ended:
            data = await reader.read(READ_MAX)
            reply.size += len(data)
            reply.frames += [one for one in frames.feed(data) if isinstance(one, Frame)]
            if not data:
                reply.ended = "end"

    async def wait_until(enough: Callable[[], bool]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await read_until(enough)

    for index, piece in enumerate(case.send):
        if index:
            await asyncio.sleep(BETWEEN_S)
        writer.write(piece)
        await writer.drain()
    # A server reads in order, so sending early does not change the right answer.
    ends_by_itself = case.codes != (GOODBYE,) or not case.says_goodbye
    expected = len(case.answers) + ends_by_itself
    await wait_until(lambda: reply.closed or len(reply.frames) >= expected)
    if case.says_goodbye and not reply.ended:
        writer.write(close(GOODBYE))
    await wait_until(lambda: reply.closed)
    if not reply.closed and not reply.ended:
        writer.write_eof()  # the server has nothing more to wait for
    await read_until(lambda: False)


def judged(case: ConformanceCase, reply: Reply, failure: PartFailed | None) -> ScoreboardRow:
    """Judge how a case went."""
    wrong = _wrong(case, reply)
    return ScoreboardRow(
        group=case.group,
        case=case.name,
        passed=not wrong,
        sent=_sent(case),
        received=_received(case, reply),
        expected=_expected(case),
        rule=case.rule,
        exercise=case.exercise,
        why="" if not wrong else str(failure or wrong),
        not_attempted=failure is not None and failure.not_attempted,
    )


def _wrong(case: ConformanceCase, reply: Reply) -> str:
    """Say in a sentence what is wrong; "" if nothing is."""
    if reply.ended == LEFT_OUT:
        return LEFT_OUT
    if not reply.head:
        return f"the handshake was not answered: {reply.ended}"
    if reply.status not in case.status:
        return f"the handshake was answered with {reply.status}"
    if case.status != (101,):
        if reply.header("Sec-WebSocket-Version") != case.version and case.version:
            return "Sec-WebSocket-Version does not say which version is supported"
        return ""
    if case.accept and (wrong := _wrong_head(case, reply)):
        return wrong
    for one in reply.frames:
        if one.error:
            return f"it sent an invalid frame: {one.error}"
    came = [_item(one) for one in reply.frames]
    if came != [*case.answers, *came[-1:]] or not came or came[-1] not in case.codes:
        if len(came) == 1 and came[0] in case.refused:
            return ""
        wrong = _difference(case, came) or "no close frame came"
        if reply.rest:
            wrong += f", but {reply.rest}"
        return wrong if reply.ended == "end" else f"{wrong}: {reply.ended}"
    if reply.ended != "end":
        return (
            f"after the close frames the server must close the connection (§7.1.1): {reply.ended}"
        )
    return ""


def _wrong_head(case: ConformanceCase, reply: Reply) -> str:
    if reply.header("Upgrade").lower() != "websocket":
        return "the 101 lacks Upgrade: websocket"
    if "upgrade" not in reply.header("Connection").lower():
        return "the 101 lacks Connection: Upgrade"
    accept = reply.header("Sec-WebSocket-Accept")
    if accept != case.accept:
        return f"Sec-WebSocket-Accept is {accept[:60] or 'missing'}, not {case.accept}"
    return ""


def _difference(case: ConformanceCase, came: list[Item | int]) -> str:
    for index, answer in enumerate(case.answers):
        if index >= len(came) or isinstance(came[index], int):
            return f"{_described(answer)} did not come"
        if came[index] != answer:
            return f"{_described(came[index])} came instead of {_described(answer)}"
    for extra in came[len(case.answers) :]:
        if isinstance(extra, Item):
            return f"{_described(extra)} came, but nothing asks for it"
        return f"{_described(extra)} came instead of {_codes(case)}"
    return ""


def _item(frame: Frame) -> Item | int:
    if frame.opcode == CLOSE:
        code = frame.close_code
        return NO_CODE if code is None else code
    return Item(frame.opcode, frame.data)


def _described(item: Item | int) -> str:
    if isinstance(item, int):
        return "a close without a code" if item == NO_CODE else f"close {item}"
    word, size = OPCODES.get(item.opcode, f"opcode {item.opcode:X}"), len(item.payload)
    if size > SHOWN_BYTES:
        return f"{word} of {size:,} bytes"
    if not size:
        return f"an empty {word}"
    if item.opcode == TEXT or item.payload.isascii():
        return f"{word} {item.payload.decode(errors='replace')!r}"
    return f"{word} {item.payload.hex(' ')}"


def _codes(case: ConformanceCase) -> str:
    return " or ".join(_described(code) for code in case.codes)


def _expected(case: ConformanceCase) -> str:
    if case.status != (101,):
        return " or ".join(map(str, case.status))
    words = [*(_described(one) for one in case.answers), _codes(case)]
    if case.accept:
        words = ["101", f"accept {case.accept}"]
    if case.refused:
        words.append(f"or {' or '.join(_described(code) for code in case.refused)} alone")
    return ", ".join(words)


def _received(case: ConformanceCase, reply: Reply) -> str:
    if case.accept or case.status != (101,) or reply.status != 101:
        words = [str(reply.status or "nothing")]
        if reply.status == 101:
            words.append(f"accept {reply.header('Sec-WebSocket-Accept') or 'missing'}")
        return ", ".join(words)
    words = [_described(_item(one)) for one in reply.frames]
    words = [*words, reply.rest] if reply.rest else words or ["nothing"]
    return ", ".join(words if reply.ended == "end" else [*words, reply.ended])


def _sent(case: ConformanceCase) -> str:
    """Show the first bytes as hex, or a handshake by its request line."""
    if not case.send:
        return case.request.split(b"\r\n")[0].decode()
    data = b"".join(case.send)
    shown = data[:SHOWN_BYTES].hex(" ")
    return shown if len(data) <= SHOWN_BYTES else f"{shown} … ({len(data):,} bytes)"
