"""The load: people in rooms who speak when it is due, and when each of the others heard it.

It runs in the process of whoever calls it; that it has one to itself is generator.py's affair.
All moments are of one clock, as speakers and listeners share the process.
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
COARSE_S = 0.0012  # an event loop's timer may be 1 ms late: the rest is waited for awake
PATIENCE_S = 5.0  # after the last answer, for what has not been heard yet
WARM_UP = "warm-up"

Connect = Callable[[str, str], ChatClient]  # a new client, of a user and a room


class Hearing(NamedTuple):
    """One message, as one listener heard it; moments in seconds since the first slot.

    Attributes:
        message: its number, from 0.
        listener: who of its room, from 0.
        due_s: when it had to be said.
        sent_s: when its speaker's client was free and took it; infinite: never.
        received_s: when the listener's client had it; infinite: never.
    """

    message: int
    listener: int
    due_s: float
    sent_s: float
    received_s: float


class Hall:
    """All the rooms of a workload, with their members connected; made by `hall`."""

    def __init__(self, rooms: list[list[ChatClient]]) -> None:
        self.rooms = rooms
        self._runs = count()

    @property
    def members(self) -> Iterator[ChatClient]:
        """All of them."""
        return (member for room in self.rooms for member in room)

    async def converse(
        self,
        workload: Workload,
        *,
        patience_s: float = PATIENCE_S,
        on_heard: Callable[[], None] = lambda: None,
    ) -> list[Hearing]:
        """Let the people speak on schedule.

        Args:
            workload: what is said; its rooms and members are those of this hall.
            patience_s: how long to wait at the end for what has not been heard.
            on_heard: called whenever a listener has heard a message.

        Returns:
            One row a message and listener, also for what was lost.

        Raises:
            Refused: if the server does not accept what is said.
        """
        # In the ids of a run's messages: a server takes an id that it knows for a repetition.
        name = f"{next(self._runs):04x}"
        return await _Run(self, name, workload, on_heard).play(patience_s)


@asynccontextmanager
async def hall(connect: Connect, workload: Workload) -> AsyncIterator[Hall]:
    """Connect the people of a workload, for the time of a block; each has said one word.

    Args:
        connect: makes a client.
        workload: says how many there are.

    Raises:
        Refused: if the server will not have them.
        NotConnected: if it cannot be reached.
    """
    here = secrets.token_hex(3)  # a server keeps its rooms: each run has its own
    rooms = [
        [connect(f"{here}-{room}-{member}", f"{here}-{room}") for member in range(workload.members)]
        for room in range(workload.rooms)
    ]
    filled = Hall(rooms)
    try:
        async with AsyncExitStack() as leaving:
            for member in filled.members:
                await leaving.enter_async_context(chat_client(member))
            leaving.push_async_callback(_all, [member.close for member in filled.members])
            await _all([_opened(member) for member in filled.members])
            # The first word of a client may open a connection for it.
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
    """Do all of them at once."""

    async def do(work: Callable[[], Awaitable[object]]) -> None:
        await work()

    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(do(work))
    except BaseExceptionGroup as group:
        raise first_error(group) from None


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One of the errors, for a person; that of the lab where there is one."""
    errors = list(_flat(group))
    return next((error for error in errors if isinstance(error, LabError)), errors[0])


def _flat(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error)
        else:
            yield error


class _Run:
    """One run of a workload in a hall."""

    def __init__(
        self, hall: Hall, name: str, workload: Workload, on_heard: Callable[[], None]
    ) -> None:
        self._hall = hall
        self._name = name
        self._workload = workload
        self._on_heard = on_heard
        self._content = workload.content()
        self._due = workload.due()
        self._began = 0.0
        self._sent: dict[int, float] = {}
        self._received: dict[tuple[int, int], float] = {}
        self._all_heard = asyncio.Event()

    async def play(self, patience_s: float) -> list[Hearing]:
        gc.collect()  # now, and not while a message is on its way
        turns: dict[ChatClient, list[int]] = {member: [] for member in self._hall.members}
        for number in range(self._workload.messages):
            room, member = self._workload.turn(number)
            turns[self._hall.rooms[room][member]].append(number)
        try:
            async with asyncio.TaskGroup() as listening:
                listeners = [
                    listening.create_task(self._listen(client, number))
                    for room in self._hall.rooms
                    for number, client in enumerate(room)
                ]
                self._began = time.perf_counter() + SETTLE_S
                await _all([self._speaking(who, numbers) for who, numbers in turns.items()])
                try:
                    async with asyncio.timeout(patience_s):
                        await self._all_heard.wait()
                except TimeoutError:
                    pass  # lost, and reported as such
                for listener in listeners:
                    listener.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from None
        return list(self._hearings())

    def _speaking(self, who: ChatClient, numbers: list[int]) -> Callable[[], Awaitable[None]]:
        async def speak() -> None:
            for number in numbers:
                await _until(self._began + self._due[number])
                self._sent[number] = time.perf_counter()
                data = {"id": self._id(number), "content": self._content}
                try:
                    await who.send({"type": "CHAT_MESSAGE", "data": data})
                except NotConnected:
                    pass  # if nobody hears it, that is reported

        return speak

    async def _listen(self, client: ChatClient, listener: int) -> None:
        # Not `async for`: that would end with the client, and this must say so.
        while (event := await client.receive()) is not None:
            now = time.perf_counter()
            if event.type != "CHAT_MESSAGE" or event.data["senderId"] == client.user:
                continue
            name, _, number = event.data.get("id", "").partition("-")
            if name != self._name:
                continue  # the warm-up, or a straggler of another run
            self._received.setdefault((int(number), listener), now)
            self._on_heard()
            if len(self._received) == self._workload.hearings:
                self._all_heard.set()
        if client.state is State.REFUSED:
            raise NotConnected(f"{client.user} was refused: {client.reason}")

    def _id(self, number: int) -> str:
        return f"{self._name}-{number:06}"

    def _hearings(self) -> Iterator[Hearing]:
        for number, due in enumerate(self._due):
            _, speaker = self._workload.turn(number)
            for listener in range(self._workload.members):
                if listener != speaker:
                    yield Hearing(
                        number,
                        listener,
                        due,
                        self._sent.get(number, math.inf) - self._began,
                        self._received.get((number, listener), math.inf) - self._began,
                    )


async def _until(moment: float) -> None:
    """Wait until `time.perf_counter()` is at `moment`."""
    early = moment - time.perf_counter() - COARSE_S
    if early > 0:
        await asyncio.sleep(early)
    while time.perf_counter() < moment:  # noqa: ASYNC110 - an event would come as late
        await asyncio.sleep(0)
