"""A client that speaks raw bytes plays case after case against a server, and says how each went.

It follows a case and nothing else: it sends what no client may send, and takes what comes
without an answer. The server may be anybody's.
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
AT_ONCE = 6  # connections: where all hang, their threads take turns
CASE_MAX_S = 2.0
RUN_MAX_S = 10.0
BETWEEN_S = 0.002  # writes, so that they are read apart
GRACE_S = 0.2  # for an answer, before the client goes on; later ones count as well
STUCK_MAX = 6  # cases that hang, before the others are left out
READ_MAX = 64 * 1024
LEFT_OUT = f"not tried: {STUCK_MAX} other cases hung"
NO_END = f"no end within {CASE_MAX_S:g} s"
SHOWN_BYTES = 12


@dataclass(slots=True)
class Reply:
    """What came on a connection.

    Attributes:
        port: that it came from, on this side.
        head: the answer to the handshake.
        frames: what followed.
        size: how many bytes that was.
        ended: how it ended.
    """

    port: int = 0
    head: bytes = b""
    frames: list[Frame] = field(default_factory=list)
    size: int = 0
    ended: str = ""

    @property
    def status(self) -> int:
        """Of the answer to the handshake; 0: there was none."""
        word = self.head.split(b"\r\n")[0].split(b" ")[1:2]
        return int(word[0]) if word and word[0].isdigit() else 0

    def header(self, name: str) -> str:
        """A field of the answer."""
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
        """What is left over at the end, in words; empty: nothing is."""
        size = self.size - sum(one.size for one in self.frames)
        return f"{size:,} bytes that make no whole frame" if size else ""


async def run(
    port: int, cases: Iterable[ConformanceCase], why: Callable[[int], PartFailed | None]
) -> tuple[ScoreboardRow, ...]:
    """Play cases, several at once.

    Args:
        port: the server's, on this machine.
        cases: what to play.
        why: what failed in the server for the connection from a port, where it knows.

    Returns:
        A row a case, in their order.
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
    # A server reads in order: what is right comes the same when the next is sent early.
    ends_by_itself = case.codes != (GOODBYE,) or not case.says_goodbye
    expected = len(case.answers) + ends_by_itself
    await wait_until(lambda: reply.closed or len(reply.frames) >= expected)
    if case.says_goodbye and not reply.ended:
        writer.write(close(GOODBYE))
    await wait_until(lambda: reply.closed)
    if not reply.closed and not reply.ended:
        writer.write_eof()  # it has nothing to wait for any more
    await read_until(lambda: False)


def judged(case: ConformanceCase, reply: Reply, failure: PartFailed | None) -> ScoreboardRow:
    """How a case went."""
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
    """What is wrong, as a sentence; empty: nothing."""
    if reply.ended == LEFT_OUT:
        return LEFT_OUT
    if not reply.head:
        return f"the handshake was not answered: {reply.ended}"
    if reply.status not in case.status:
        return f"the handshake was answered with {reply.status}"
    if case.status != (101,):
        if reply.header("Sec-WebSocket-Version") != case.version and case.version:
            return "Sec-WebSocket-Version does not say which one would do"
        return ""
    if case.accept and (wrong := _wrong_head(case, reply)):
        return wrong
    for one in reply.frames:
        if one.error:
            return f"it sent a frame that is wrong: {one.error}"
    came = [_item(one) for one in reply.frames]
    if came != [*case.answers, *came[-1:]] or not came or came[-1] not in case.codes:
        if len(came) == 1 and came[0] in case.refused:
            return ""
        wrong = _difference(case, came) or "no close frame came"
        if reply.rest:
            wrong += f", but {reply.rest}"
        return wrong if reply.ended == "end" else f"{wrong}: {reply.ended}"
    if reply.ended != "end":
        return f"after the close frames the server closes the connection (§7.1.1): {reply.ended}"
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
            return f"{_told(answer)} did not come"
        if came[index] != answer:
            return f"{_told(came[index])} came instead of {_told(answer)}"
    for extra in came[len(case.answers) :]:
        if isinstance(extra, Item):
            return f"{_told(extra)} came, which nothing asks for"
        return f"{_told(extra)} came instead of {_codes(case)}"
    return ""


def _item(frame: Frame) -> Item | int:
    if frame.opcode == CLOSE:
        code = frame.close_code
        return NO_CODE if code is None else code
    return Item(frame.opcode, frame.data)


def _told(item: Item | int) -> str:
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
    return " or ".join(_told(code) for code in case.codes)


def _expected(case: ConformanceCase) -> str:
    if case.status != (101,):
        return " or ".join(map(str, case.status))
    told = [*(_told(one) for one in case.answers), _codes(case)]
    if case.accept:
        told = ["101", f"accept {case.accept}"]
    if case.refused:
        told.append(f"or {' or '.join(_told(code) for code in case.refused)} alone")
    return ", ".join(told)


def _received(case: ConformanceCase, reply: Reply) -> str:
    if case.accept or case.status != (101,) or reply.status != 101:
        told = [str(reply.status or "nothing")]
        if reply.status == 101:
            told.append(f"accept {reply.header('Sec-WebSocket-Accept') or 'missing'}")
        return ", ".join(told)
    told = [_told(_item(one)) for one in reply.frames]
    told = [*told, reply.rest] if reply.rest else told or ["nothing"]
    return ", ".join(told if reply.ended == "end" else [*told, reply.ended])


def _sent(case: ConformanceCase) -> str:
    """The first bytes as hex; a handshake by its request line."""
    if not case.send:
        return case.request.split(b"\r\n")[0].decode()
    data = b"".join(case.send)
    shown = data[:SHOWN_BYTES].hex(" ")
    return shown if len(data) <= SHOWN_BYTES else f"{shown} … ({len(data):,} bytes)"
