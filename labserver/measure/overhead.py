"""Overhead: the bytes and packets that a message takes, by technique, client and size.

Nothing is sampled: each message is said when the one before has been heard by all, and its bytes
are counted on the relay's tape.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import msgspec

from labserver.errors import LabError, NotConnected
from labserver.measure.accounting import Purpose, Spent, spent
from labserver.measure.headers import CLIENTS, Headers
from labserver.measure.load import WARM_UP, Hall, hall
from labserver.measure.reports import Reporter
from labserver.measure.result import Measured, environment
from labserver.measure.runner import carry_out
from labserver.measure.testbed import Served, served, through
from labserver.measure.workload import Workload
from labserver.network.link import Link
from labserver.trace.trace import Trace

if TYPE_CHECKING:
    import pandas

TECHNIQUES = ("short_polling", "long_polling", "sse", "websocket")  # webrtc is not on the tape
SIZES = (16, 64, 256, 1024, 16384)
MESSAGES = 5
POLL_INTERVAL_S = 0.02  # how much a poll takes does not depend on how often it is made
EMPTY_POLLS = 5  # about so many that bring nothing, of short polling
HEAR_S = 10.0


class OverheadRow(NamedTuple):
    """One row of the table, as `Overhead` has it."""

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
    """What is to be measured, as the load's process is told."""

    techniques: list[str]
    clients: dict[str, dict[str, str] | None]
    sizes: list[int]
    messages: int

    async def work(self, reporter: Reporter) -> None:
        """Measure.

        Raises:
            LabError: if a server does not start or cannot be reached.
        """
        runs = list(product(self.techniques, self.clients))
        reporter.expect(len(runs) * len(self.sizes) * self.messages)
        async with served(self.techniques) as servers:
            for technique, client in runs:
                reporter.doing(f"{technique}, {client}")
                async with through(servers[technique], Link()) as (server, tape):
                    trace = Trace(tape)
                    marks = await _speak(server, self.clients[client], self, trace, reporter)
                reporter.rows(rows(technique, client, self.sizes, marks, list(spent(trace))))


async def _speak(
    server: Served, headers: Headers, plan: OverheadPlan, trace: Trace, reporter: Reporter
) -> list[int]:
    """Say all that is planned; how many messages the trace had after each size, and before."""
    connect = partial(server.client, poll_interval_s=POLL_INTERVAL_S, headers=headers)
    async with hall(connect, Workload(rooms=1, members=2, per_s=1)) as people:
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


async def _heard(people: Hall, content: str, times: int) -> None:
    """Wait until all have heard it, the speaker as well."""
    for member in people.members:
        for _ in range(times):
            event = await member.receive(HEAR_S, type="CHAT_MESSAGE")
            if event is None or event.data["content"] != content:
                raise NotConnected("A message was lost on the way: measure again.")


def rows(
    technique: str, client: str, sizes: Sequence[int], marks: Sequence[int], entries: list[Spent]
) -> list[OverheadRow]:
    """The rows of one run.

    Args:
        technique: what was measured.
        client: whose headers.
        sizes: of what was said, in this order.
        marks: how many messages the trace had before the first size and after each.
        entries: what was spent.
    """
    found = []
    for size, after, until in zip(sizes, marks, marks[1:], strict=False):
        during = [entry for entry in entries if after < entry.number <= until]
        for purpose in (Purpose.DELIVER, Purpose.EMPTY, Purpose.SAY):
            chosen = [entry for entry in during if entry.purpose is purpose]
            if not chosen:
                continue
            # Over a WebSocket what is said and its answer are two frames.
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
class Overhead(Measured):
    """What messages take, one row a technique, client, size and purpose.

    The columns: `technique`; `client`, whose headers were sent; `size` of the content, bytes;
    `purpose`: `deliver` (a message to one listener, the asking included), `empty` (a poll that
    brought nothing), `say` (a message from its speaker, with the answer); how many of them were
    `seen`; and means in bytes: `up`, `down`, `wire` = both; of which `payload` (the events'
    JSON), `http_headers` and `framing`; `packets` with data, by size; `tcp_ip_estimate`, what
    IPv4 and TCP add.
    """

    columns: ClassVar[tuple[str, ...]] = OverheadRow._fields

    def ratios(
        self, technique: str = "long_polling", to: str = "websocket", *, purpose: str = "deliver"
    ) -> pandas.DataFrame:
        """How many times the bytes of another a technique takes.

        Returns:
            One row a `client` and `size`: `ratio` of what was on the wire; `bare`, the same if
            the message were its content alone, without the chat's JSON around it.
        """
        chosen = self.table[self.table["purpose"] == purpose].copy()
        # What is said is the same for all, and the least that any of them sends.
        said = chosen.groupby(["client", "size"])["payload"].transform("min")
        chosen["bare"] = chosen["wire"] - said + chosen["size"]
        one, other = (
            chosen[chosen["technique"] == name].set_index(["client", "size"])[["wire", "bare"]]
            for name in (technique, to)
        )
        if one.empty or other.empty:
            raise LabError(f"It takes {technique!r} and {to!r} for a ratio: measure both.")
        ratios = (one / other).rename(columns={"wire": "ratio"}).reset_index()
        return ratios.sort_values(["client", "size"], ignore_index=True)

    def message_bytes(
        self, *, client: str = "Chromium", size: int = 64, purpose: str = "deliver"
    ) -> dict[str, float]:
        """Bytes on the wire for a message, by technique.

        Raises:
            LabError: if that was not measured.
        """
        table = self.table
        chosen = table[
            (table["client"] == client) & (table["size"] == size) & (table["purpose"] == purpose)
        ]
        if chosen.empty:
            raise LabError(f"Nothing was measured of {client!r} at {size} bytes.")
        return {str(row.technique): float(row.wire) for row in chosen.itertuples()}


def overhead(
    techniques: Iterable[str] = TECHNIQUES,
    *,
    sizes: Iterable[int] = SIZES,
    clients: Mapping[str, Headers] = CLIENTS,
    messages: int = MESSAGES,
    progress: bool = True,
) -> Overhead:
    """Count the bytes and packets of a message.

    Args:
        techniques: their names.
        sizes: of the content, bytes.
        clients: what a client says of itself in each HTTP request, by name; None: what our own
            says. Once a WebSocket stands, there is none of that.
        messages: how many of each size.
        progress: show a bar.

    Raises:
        LabError: if arguments make no sense.
    """
    import pandas

    names = list(dict.fromkeys(techniques))
    if unknown := [name for name in names if name not in TECHNIQUES]:
        raise LabError(
            f"The bytes of {unknown[0]!r} are not on the tape; there are {', '.join(TECHNIQUES)}."
        )
    wanted = [Workload(size=size).size for size in sizes]
    given = {name: None if each is None else dict(each) for name, each in clients.items()}
    if not (names and wanted and given and messages >= 1):
        raise LabError("There is nothing to measure: give techniques, sizes, clients, messages.")
    plan = OverheadPlan(names, given, wanted, messages)
    began = environment()
    measured = carry_out(plan, progress=progress)
    return Overhead(pandas.DataFrame(measured, columns=list(OverheadRow._fields)), began)
