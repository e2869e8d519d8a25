"""The load: people in rooms who speak on schedule, and when each of the others heard them.

It runs in the process that calls it; load_process.py gives it one to itself. All times are from one
clock, because speakers and listeners share the process.
"""

from __future__ import annotations

import asyncio
import gc
import math
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from typing import NamedTuple

from labserver.errors import LabError, NotConnected
from labserver.measure.workload import Workload
from labserver.techniques.reconnecting_client import ChatClient, State, chat_client

OPEN_TIMEOUT_S = 30.0
SETTLE_S = 0.05  # between the warm-up and the first slot
COARSE_S = 0.0012  # an event loop's timer may be 1 ms late: the rest is a busy wait
PATIENCE_S = 5.0  # after the last answer, for messages that have not been heard yet
WARM_UP = "warm-up"

Connect = Callable[[str, str], ChatClient]  # makes a new client for a user and a room


class Delivery(NamedTuple):
    """One message to one listener; times are in seconds since the first slot.

    Attributes:
        message: the message's number, from 0.
        listener: the listener's number in the room, from 0.
        due_s: when the message was due.
        sent_s: when its speaker's client was free and took it; infinite if it never was.
        received_s: when the listener's client received it; infinite if it never did.
    """

    message: int
    listener: int
    due_s: float
    sent_s: float
    received_s: float


class Participants:
    """The people of a workload, connected, room by room; see `participants`."""

    def __init__(self, rooms: list[list[ChatClient]]) -> None:
        self.rooms = rooms
        self._runs = count()

    @property
    def members(self) -> Iterator[ChatClient]:
        """All participants."""
        return (member for room in self.rooms for member in room)

    async def converse(
        self,
        workload: Workload,
        *,
        patience_s: float = PATIENCE_S,
        on_delivery: Callable[[], None] = lambda: None,
    ) -> list[Delivery]:
        """Let the people speak on schedule.

        Args:
            workload: what is said; it must have as many rooms and members as there are here.
            patience_s: seconds to wait at the end for messages that have not been heard.
            on_delivery: called whenever a listener has heard a message.

        Returns:
            One row per message and listener, lost messages included.

        Raises:
            Refused: if the server does not accept a message.
        """
        # Part of each message's id, because a server ignores an id that it has seen before.
        name = f"{next(self._runs):04x}"
        return await _Run(self, name, workload, on_delivery).play(patience_s)


@asynccontextmanager
async def participants(connect: Connect, workload: Workload) -> AsyncIterator[Participants]:
    """Connect the people of a workload for the length of a block.

    Each of them sends a message first, so that all connections are open.

    Args:
        connect: makes a client.
        workload: says how many people and rooms there are.

    Raises:
        Refused: if the server does not let them in.
        NotConnected: if the server cannot be reached.
    """
    here = secrets.token_hex(3)  # a server keeps its rooms, so each run needs its own
    rooms = [
        [connect(f"{here}-{room}-{member}", f"{here}-{room}") for member in range(workload.members)]
        for room in range(workload.rooms)
    ]
    filled = Participants(rooms)
    try:
        async with AsyncExitStack() as leaving:
            for member in filled.members:
                await leaving.enter_async_context(chat_client(member))
            leaving.push_async_callback(_all, [member.close for member in filled.members])
            await _all([_opened(member) for member in filled.members])
            # A client may open a connection for its first message.
            await _all([partial(member.send, WARM_UP) for member in filled.members])
            yield filled
    except BaseExceptionGroup as group:  # each client is a group of tasks
        raise first_error(group) from None


def _opened(member: ChatClient) -> Callable[[], Awaitable[None]]:
    async def opened() -> None:
        if not await member.opened(OPEN_TIMEOUT_S):
            raise NotConnected(
                f"No connection within {OPEN_TIMEOUT_S:g} s: {member.reason or 'no answer'}"
            )

    return opened


async def _all(works: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Do all of them at the same time."""

    async def do(work: Callable[[], Awaitable[object]]) -> None:
        await work()

    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(do(work))
    except BaseExceptionGroup as group:
        raise first_error(group) from None


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error in a group that says most to a person: a LabError, if there is one."""
    errors = list(_flat(group))
    return next((error for error in errors if isinstance(error, LabError)), errors[0])


def _flat(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error)
        else:
            yield error


class _Run:
    """One run of a workload."""

    def __init__(
        self, people: Participants, name: str, workload: Workload, on_delivery: Callable[[], None]
    ) -> None:
        self._people = people
        self._name = name
        self._workload = workload
        self._on_delivery = on_delivery
        self._content = workload.content()
        self._due = workload.due()
        self._began = 0.0
        self._sent: dict[int, float] = {}
        self._received: dict[tuple[int, int], float] = {}
        self._all_heard = asyncio.Event()

    async def play(self, patience_s: float) -> list[Delivery]:
        gc.collect()  # now, and not while a message is on its way
        turns: dict[ChatClient, list[int]] = {member: [] for member in self._people.members}
        for number in range(self._workload.messages):
            room, member = self._workload.turn(number)
            turns[self._people.rooms[room][member]].append(number)
        try:
            async with asyncio.TaskGroup() as listening:
                listeners = [
                    listening.create_task(self._listen(client, number))
                    for room in self._people.rooms
                    for number, client in enumerate(room)
                ]
                self._began = time.perf_counter() + SETTLE_S
                await _all([self._speaking(speaker, numbers) for speaker, numbers in turns.items()])
                try:
                    async with asyncio.timeout(patience_s):
                        await self._all_heard.wait()
                except TimeoutError:
                    pass  # lost, and reported as such
                for listener in listeners:
                    listener.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from None
        return list(self._deliveries())

    def _speaking(self, speaker: ChatClient, numbers: list[int]) -> Callable[[], Awaitable[None]]:
        async def speak() -> None:
            for number in numbers:
                await _until(self._began + self._due[number])
                self._sent[number] = time.perf_counter()
                data = {"id": self._id(number), "content": self._content}
                try:
                    await speaker.send({"type": "CHAT_MESSAGE", "data": data})
                except NotConnected:
                    pass  # if nobody hears the message, that is reported

        return speak

    async def _listen(self, client: ChatClient, listener: int) -> None:
        # Not `async for`, which ends with the client: here a refusal must be reported.
        while (event := await client.receive()) is not None:
            now = time.perf_counter()
            if event.type != "CHAT_MESSAGE" or event.data["senderId"] == client.user:
                continue
            name, _, number = event.data.get("id", "").partition("-")
            if name != self._name:
                continue  # the warm-up, or a late message of another run
            self._received.setdefault((int(number), listener), now)
            self._on_delivery()
            if len(self._received) == self._workload.deliveries:
                self._all_heard.set()
        if client.state is State.REFUSED:
            raise NotConnected(f"{client.user} was refused: {client.reason}")

    def _id(self, number: int) -> str:
        return f"{self._name}-{number:06}"

    def _deliveries(self) -> Iterator[Delivery]:
        for number, due in enumerate(self._due):
            _, speaker = self._workload.turn(number)
            for listener in range(self._workload.members):
                if listener != speaker:
                    yield Delivery(
                        number,
                        listener,
                        due,
                        self._sent.get(number, math.inf) - self._began,
                        self._received.get((number, listener), math.inf) - self._began,
                    )


async def _until(moment: float) -> None:
    """Wait until `time.perf_counter()` reaches `moment`."""
    early = moment - time.perf_counter() - COARSE_S
    if early > 0:
        await asyncio.sleep(early)
    while time.perf_counter() < moment:  # noqa: ASYNC110 - an event would be as late as a timer
        await asyncio.sleep(0)
