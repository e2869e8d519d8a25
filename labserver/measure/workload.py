"""What is said in a measurement: how much, how often, by how many people, and when.

An open loop: each message is due at a fixed time, whether or not the ones before it have been
answered. Latency counts from that time, so that a stall is not hidden by senders that wait for it
to end (G. Tene, "How NOT to Measure Latency", 2013, calls that coordinated omission).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from labserver.chat.events import CONTENT_MAX
from labserver.chat.rate_limit import SENDS_PER_S
from labserver.errors import LabError
from labserver.network.link import Link

WIDE = "😀"  # four bytes each: content has at most 4,096 characters, so up to 16 KiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Rooms in which people take turns to speak, on a schedule.

    Each message has a slot of its own and is due at a random time within it: the slots keep the
    speakers apart, and the randomness keeps the schedule out of step with clients that poll.

    Args:
        messages: how many messages are sent, in all rooms together.
        per_s: how many messages are due per second.
        size: the size of the content, in bytes.
        rooms: how many rooms there are; they take turns.
        members: how many members each room has; they speak in turn, and the others listen.
        seed: the same seed gives the same times.

    Raises:
        LabError: if a value makes no sense.
    """

    messages: int = 75
    per_s: float = 50.0
    size: int = 64
    rooms: int = 5
    members: int = 2
    seed: int = 1

    def __post_init__(self) -> None:
        for name, least in (("messages", 1), ("size", 1), ("rooms", 1), ("members", 2)):
            if getattr(self, name) < least:
                raise LabError(f"Workload({name}=…) must be at least {least}.")
        if not 0 < self.per_s < math.inf:
            raise LabError("Workload(per_s=…) must be more than 0 messages per second.")
        if self.size > len(WIDE.encode()) * CONTENT_MAX:
            raise LabError(
                f"Workload(size=…) must be at most {len(WIDE.encode()) * CONTENT_MAX:,}."
            )
        if self.per_s > SENDS_PER_S * self.speakers:
            raise LabError(
                f"A user may send {SENDS_PER_S} messages per second: give at least"
                f" rooms={self._rooms_for(self.per_s / SENDS_PER_S)}."
            )

    @property
    def speakers(self) -> int:
        """How many people there are in all rooms."""
        return self.rooms * self.members

    @property
    def deliveries(self) -> int:
        """How many deliveries there are if nothing is lost: all in a room but the speaker hear."""
        return self.messages * (self.members - 1)

    @property
    def duration_s(self) -> float:
        """Seconds from the beginning of the first slot to the end of the last."""
        return self.messages / self.per_s

    def due(self) -> list[float]:
        """Return when each message is due, in seconds since the beginning."""
        rng = random.Random(self.seed)
        return [(number + rng.random()) / self.per_s for number in range(self.messages)]

    def turn(self, number: int) -> tuple[int, int]:
        """Return the room of message `number` and which member sends it, all from 0."""
        return number % self.rooms, number // self.rooms % self.members

    def content(self) -> str:
        """Return a text of `size` bytes."""
        if self.size <= CONTENT_MAX:
            return "x" * self.size
        return WIDE * (self.size // 4) + ("", "x", "é", "€")[self.size % 4]

    def check_link(self, link: Link) -> None:
        """Check that over a link each speaker has an answer before the next turn.

        Raises:
            LabError: if not, because that would measure the queue at the speakers.
        """
        answer_s = (link.rtt_ms + 2 * link.jitter_ms) / 1000
        if answer_s > (self.speakers - 1) / self.per_s:
            raise LabError(
                f"Over {link} an answer takes {answer_s:g} s, but each speaker's next turn comes"
                f" sooner: give at least rooms={self._rooms_for(answer_s * self.per_s + 1)},"
                " or a lower per_s."
            )

    def _rooms_for(self, speakers: float) -> int:
        return math.ceil(speakers / self.members)
