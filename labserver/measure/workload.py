"""What is said under measurement: how much, how often, by how many, and when each is due.

An open loop: a message is due when its time has come, whether or not the ones before it have
been answered. Latency counts from then, so that a stall is not hidden by those who wait for
its end (G. Tene, "How NOT to Measure Latency", 2013, calls that coordinated omission).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from labserver.chat.events import CONTENT_MAX
from labserver.chat.rate import SENDS_PER_S
from labserver.errors import LabError
from labserver.network.link import Link

WIDE = "😀"  # four bytes: a content has at most 4,096 characters, and may be 16 KiB long


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Rooms in which people take turns, on a schedule.

    Each message is due at a random moment of a slot of its own: the slots keep the speakers
    apart, and the randomness keeps the schedule out of step with whoever polls.

    Args:
        messages: how many are said, in all rooms together.
        per_s: how many a second.
        size: of the content, bytes.
        rooms: between which the messages take turns.
        members: of each room; they speak in turn, and the others hear it.
        seed: the same seed, the same moments.

    Raises:
        LabError: if a figure makes no sense.
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
                raise LabError(f"Workload({name}=…) is a number, {least} or more.")
        if not 0 < self.per_s < math.inf:
            raise LabError("Workload(per_s=…) is messages a second, more than 0.")
        if self.size > len(WIDE.encode()) * CONTENT_MAX:
            raise LabError(f"Workload(size=…) is at most {len(WIDE.encode()) * CONTENT_MAX:,}.")
        if self.per_s > SENDS_PER_S * self.speakers:
            raise LabError(
                f"A user may send {SENDS_PER_S} messages a second: give at least"
                f" rooms={self._rooms_for(self.per_s / SENDS_PER_S)}."
            )

    @property
    def speakers(self) -> int:
        """How many people there are in all rooms."""
        return self.rooms * self.members

    @property
    def hearings(self) -> int:
        """How often a message is heard, if none is lost: by all in the room but its speaker."""
        return self.messages * (self.members - 1)

    @property
    def duration_s(self) -> float:
        """Seconds from the first slot's beginning to the last one's end."""
        return self.messages / self.per_s

    def due(self) -> list[float]:
        """When each message is due, seconds from the beginning."""
        rng = random.Random(self.seed)
        return [(number + rng.random()) / self.per_s for number in range(self.messages)]

    def turn(self, number: int) -> tuple[int, int]:
        """The room of message `number`, from 0, and which of its members says it."""
        return number % self.rooms, number // self.rooms % self.members

    def content(self) -> str:
        """What is said, in `size` bytes."""
        if self.size <= CONTENT_MAX:
            return "x" * self.size
        return WIDE * (self.size // 4) + ("", "x", "é", "€")[self.size % 4]

    def check_link(self, link: Link) -> None:
        """Whether a speaker's answer is back before the next turn, as is to be expected.

        Raises:
            LabError: if not: then the queue of those who speak would be measured.
        """
        answer_s = (link.rtt_ms + 2 * link.jitter_ms) / 1000
        if answer_s > (self.speakers - 1) / self.per_s:
            raise LabError(
                f"Over {link} an answer takes {answer_s:g} s, and people would have to speak"
                f" again before: give at least rooms={self._rooms_for(answer_s * self.per_s + 1)},"
                " or less per_s."
            )

    def _rooms_for(self, speakers: float) -> int:
        return math.ceil(speakers / self.members)
