"""Overhead: how many bytes and packets a message takes, by technique, client and size.

Nothing is sampled: each message is sent when all have heard the one before, and its bytes are
counted on the relay's tape.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from labserver.errors import LabError, NotConnected
from labserver.measure.accounting import Cost, Purpose, costs
from labserver.measure.headers import CLIENTS, Headers
from labserver.measure.load import WARM_UP, Participants, first_error, participants
from labserver.measure.load_reports import Reporter
from labserver.measure.measurement import Measurement, tell
from labserver.measure.result import MeasuredResult, environment
from labserver.measure.runner import carry_out
from labserver.measure.testbed import Target, over_link, targets
from labserver.measure.workload import Workload
from labserver.network.link import Link
from labserver.trace.trace import Trace

if TYPE_CHECKING:
    import pandas

TECHNIQUES = ("short_polling", "long_polling", "sse", "websocket")  # WebRTC is not on the tape
SIZES = (16, 64, 256, 1024, 16384)
MESSAGES = 5
POLL_INTERVAL_S = 0.02  # a poll's size does not depend on how often it is made
EMPTY_POLLS = 5  # about how many short polls bring nothing
HEAR_S = 10.0


class OverheadRow(NamedTuple):
    """One row of the table; see `Overhead`."""

    technique: str
    client: str
    size: int
    purpose: str
    seen: int
    up: float
    down: float
    wire: float
    payload: float
    http_headers: float
    framing: float
    packets: float
    tcp_ip_estimate: float


class OverheadPlan(msgspec.Struct, tag="overhead"):
    """What is to be measured, as it is sent to the load's process."""

    techniques: list[str]
    clients: dict[str, dict[str, str] | None]
    sizes: list[int]
    messages: int

    async def work(self, reporter: Reporter) -> None:
        """Start the servers, measure, and report.

        Raises:
            LabError: if a server does not start or cannot be reached.
        """
        reporter.expect(self.said)
        async with targets(self.techniques) as servers:
            await self.measure(servers, reporter)

    @property
    def said(self) -> int:
        """How many messages are sent."""
        return len(self.techniques) * len(self.clients) * len(self.sizes) * self.messages

    async def measure(self, servers: Mapping[str, Target], reporter: Reporter) -> None:
        """Measure servers that are running, and report.

        The clients of a technique are measured side by side: what one of them sends does not
        change the bytes of the others, and of these no time is taken.

        Args:
            servers: by technique.
            reporter: is told.

        Raises:
            LabError: if a server cannot be reached.
        """
        for technique in self.techniques:
            reporter.doing(f"bytes per message, {technique}")
            try:
                async with asyncio.TaskGroup() as tasks:
                    clients = [
                        tasks.create_task(self._measured(servers[technique], client, reporter))
                        for client in self.clients
                    ]
            except BaseExceptionGroup as group:
                raise first_error(group) from None
            for client in clients:
                reporter.rows(client.result())

    async def _measured(self, target: Target, client: str, reporter: Reporter) -> list[OverheadRow]:
        async with over_link(target, Link()) as (server, tape):
            trace = Trace(tape)
            marks = await _speak(server, self.clients[client], self, trace, reporter)
        return rows(target.technique, client, self.sizes, marks, list(costs(trace)))


async def _speak(
    server: Target, headers: Headers, plan: OverheadPlan, trace: Trace, reporter: Reporter
) -> list[int]:
    """Send all messages; returns the trace's length before the first size and after each."""
    connect = partial(server.client, poll_interval_s=POLL_INTERVAL_S, headers=headers)
    async with participants(connect, Workload(rooms=1, members=2, per_s=1)) as people:
        await _heard(people, WARM_UP, times=2)
        marks = [len(trace)]
        for size in plan.sizes:
            content = Workload(size=size).content()
            for number in range(plan.messages):
                name = f"{size:05}-{number:03}"
                data = {"id": name, "content": content}
                await people.rooms[0][0].send({"type": "CHAT_MESSAGE", "data": data})
                await _heard(people, content, times=1)
                reporter.step()
            if server.technique == "short_polling":
                await asyncio.sleep(EMPTY_POLLS * POLL_INTERVAL_S)
            marks.append(len(trace))
    return marks


async def _heard(people: Participants, content: str, times: int) -> None:
    """Wait until everybody has heard a text, the speaker included."""
    for member in people.members:
        for _ in range(times):
            event = await member.receive(HEAR_S, type="CHAT_MESSAGE")
            if event is None or event.data["content"] != content:
                raise NotConnected("A message was lost on the way: measure again.")


def rows(
    technique: str, client: str, sizes: Sequence[int], marks: Sequence[int], entries: list[Cost]
) -> list[OverheadRow]:
    """Return the rows of one run.

    Args:
        technique: the name of the technique.
        client: the name of the client whose headers were sent.
        sizes: the sizes of what was said, in this order.
        marks: how many messages the trace had before the first size and after each.
        entries: what each exchange took.
    """
    found = []
    for size, after, until in zip(sizes, marks, marks[1:], strict=False):
        during = [entry for entry in entries if after < entry.number <= until]
        for purpose in (Purpose.DELIVER, Purpose.EMPTY, Purpose.SAY):
            chosen = [entry for entry in during if entry.purpose is purpose]
            if not chosen:
                continue
            # Over a WebSocket, a message and its answer are two frames.
            seen = len(chosen)
            if technique == "websocket" and purpose is Purpose.SAY:
                seen //= 2
            means = {
                name: sum(getattr(entry, name) for entry in chosen) / seen
                for name in OverheadRow._fields[5:]
            }
            found.append(OverheadRow(technique, client, size, purpose.value, seen, **means))
    return found


@dataclass(frozen=True, repr=False)
class Overhead(MeasuredResult):
    """What messages take, one row per technique, client, size and purpose.

    The columns are `technique`; `client`, whose headers were sent; `size` of the content in
    bytes; `purpose`, which is `deliver` (a message to one listener, with the request if it takes
    one), `empty` (a poll that brought nothing) or `say` (a message from its speaker, with the
    answer); how many of them were `seen`; and their means in bytes: `up`, `down`, and `wire`,
    which is both and consists of `payload` (the events' JSON), `http_headers` and `framing`;
    `packets` with data, computed from the size; and `tcp_ip_estimate`, what IPv4 and TCP add.
    """

    columns: ClassVar[tuple[str, ...]] = OverheadRow._fields

    def ratios(
        self, technique: str = "long_polling", to: str = "websocket", *, purpose: str = "deliver"
    ) -> pandas.DataFrame:
        """Compare the bytes that two techniques take.

        Args:
            technique: the technique to compare.
            to: the technique to compare it to.
            purpose: what the bytes were for.

        Returns:
            One row per `client` and `size`: `ratio`, how many times the bytes on the wire; and
            `bare`, the same if a message were its content alone, without the chat's JSON.

        Raises:
            LabError: if one of the two was not measured.
        """
        chosen = self.table[self.table["purpose"] == purpose].copy()
        # The message is the same for all: it is the least payload that any of them sends.
        said = chosen.groupby(["client", "size"])["payload"].transform("min")
        chosen["bare"] = chosen["wire"] - said + chosen["size"]
        one, other = (
            chosen[chosen["technique"] == name].set_index(["client", "size"])[["wire", "bare"]]
            for name in (technique, to)
        )
        if one.empty or other.empty:
            raise LabError(f"A ratio needs both {technique!r} and {to!r}: measure both.")
        ratios = (one / other).rename(columns={"wire": "ratio"}).reset_index()
        return ratios.sort_values(["client", "size"], ignore_index=True)

    def measurements(self) -> list[Measurement]:
        """Return the bytes on the wire per message, by technique, client, size and purpose."""
        return [
            Measurement(
                "overhead.wire",
                row.wire,
                "bytes",
                {
                    "technique": row.technique,
                    "client": row.client,
                    "size": row.size,
                    "purpose": row.purpose,
                },
            )
            for row in self.table.itertuples()
        ]

    def message_bytes(
        self, *, client: str = "Chromium", size: int = 64, purpose: str = "deliver"
    ) -> dict[str, float]:
        """Return the bytes on the wire per message, by technique.

        Raises:
            LabError: if that was not measured.
        """
        table = self.table
        chosen = table[
            (table["client"] == client) & (table["size"] == size) & (table["purpose"] == purpose)
        ]
        if chosen.empty:
            raise LabError(f"Nothing was measured for {client!r} at {size} bytes.")
        return {str(row.technique): float(row.wire) for row in chosen.itertuples()}


def overhead(
    techniques: Iterable[str] = TECHNIQUES,
    *,
    sizes: Iterable[int] = SIZES,
    clients: Mapping[str, Headers] = CLIENTS,
    messages: int = MESSAGES,
    progress: bool = True,
) -> Overhead:
    """Count the bytes and packets that a message takes.

    Args:
        techniques: the techniques' names.
        sizes: sizes of the content, in bytes.
        clients: what clients say about themselves in each HTTP request, by name; None for what
            our own client says. Once a WebSocket is open, there are no requests.
        messages: how many messages of each size are sent.
        progress: whether to show a progress bar.

    Returns:
        What the messages took; `ratios()` compares two techniques.

    Raises:
        LabError: if arguments make no sense.
    """
    plan = overhead_plan(techniques, sizes=sizes, clients=clients, messages=messages)
    began = environment()
    measured = Overhead(overhead_table(carry_out(plan, progress=progress)), began)
    tell(measured.measurements())
    return measured


def overhead_plan(
    techniques: Iterable[str],
    *,
    sizes: Iterable[int],
    clients: Mapping[str, Headers] = CLIENTS,
    messages: int = MESSAGES,
) -> OverheadPlan:
    """Return the plan for what `overhead` is asked.

    Raises:
        LabError: if arguments make no sense.
    """
    names = list(dict.fromkeys(techniques))
    if unknown := [name for name in names if name not in TECHNIQUES]:
        raise LabError(
            f"The bytes of {unknown[0]!r} are not on the tape; there are {', '.join(TECHNIQUES)}."
        )
    wanted = [Workload(size=size).size for size in sizes]
    given = {name: None if each is None else dict(each) for name, each in clients.items()}
    if not (names and wanted and given and messages >= 1):
        raise LabError("There is nothing to measure: give techniques, sizes, clients, messages.")
    return OverheadPlan(names, given, wanted, messages)


def overhead_table(reported: list[tuple[Any, ...]]) -> pandas.DataFrame:
    """Return the table of what was reported while a plan was carried out."""
    import pandas

    return pandas.DataFrame(reported, columns=list(OverheadRow._fields))
