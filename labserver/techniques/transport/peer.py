"""One end of a peer-to-peer connection (WebRTC), with aiortc: one data channel, `chat`.

The channel is ordered and reliable (RFC 8831), and carries text messages of up to 64 KiB. The
server's end and the Python client's are the same class; a browser's `RTCPeerConnection` is the
other side of either.

A data channel has no back-pressure at the receiving end: a sender sees how much still waits
(`bufferedAmount`), and a receiver must take whatever comes. So both are bounded here, and an end
that is overrun is closed: the log has everything that was missed.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection
from websockets.frames import CloseCode

from labserver.chat.events import EVENT_MAX, Envelope
from labserver.chat.outbox import Outbox
from labserver.errors import Refused
from labserver.techniques.transport import ice
from labserver.techniques.transport.ice import MALFORMED, Candidate, Description
from labserver.techniques.transport.interface import ConnectionLost

LABEL = "chat"
OPEN_TIMEOUT_S = 10.0  # from the answer to the open channel; on one machine it takes 0.05 s
HIGH_WATER = 256 * 1024  # bytes in aiortc's buffer, which has no bound, past which we queue
LOW_WATER = 64 * 1024  # bytes in it at which we go on: one message of the largest size
INBOX_MAX = 4096  # messages that wait to be read; four times what a server lets wait

logging.getLogger("aiortc").setLevel(logging.CRITICAL)  # peers may misbehave: no message needed


@dataclass(frozen=True, slots=True)
class CloseReason:
    """Why a connection has ended, for a person and as a WebSocket close code."""

    reason: str
    code: int | None = None


HUNG_UP = CloseReason("hung up")
CHANNEL_CLOSED = CloseReason("the data channel closed")
SLOW_READER = CloseReason("you read too slowly; resume", CloseCode.TRY_AGAIN_LATER)
SLOW_WRITER = CloseReason("you send faster than is read; resume", CloseCode.TRY_AGAIN_LATER)
TOO_LARGE = CloseReason(f"send messages of at most {EVENT_MAX:,} bytes", CloseCode.MESSAGE_TOO_BIG)
NOT_TEXT = CloseReason("send text", CloseCode.UNSUPPORTED_DATA)
NOT_UTF8 = CloseReason("send text as UTF-8", CloseCode.INVALID_DATA)


class Peer:
    """One peer connection.

    Args:
        address: the local IP address that it uses. It is the one that the signals travel over,
            so that ICE opens no port on any other interface.

    Attributes:
        ended: why the connection has ended; None while it has not.
    """

    def __init__(self, address: str) -> None:
        self._address = ice.plain_address(address)
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # None means Google's
        self._channel: RTCDataChannel | None = None
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue()
        self._outbox = Outbox()
        self._opened = asyncio.Event()
        self._drained = asyncio.Event()
        self._over = asyncio.Event()
        self._receiving: asyncio.Future[None] | None = None  # aiortc's task that receives
        self.ended: CloseReason | None = None
        self._connection.on("connectionstatechange", self._watch)
        self._connection.on("datachannel", self._adopt)

    # Connecting

    async def offer(self) -> Description:
        """Return an offer for the other end to answer."""
        self._adopt(self._connection.createDataChannel(LABEL))
        return await self._describe()

    async def answer(self, offer: Description) -> Description:
        """Return the answer to the other end's offer.

        Raises:
            Refused: `bad_offer` (400).
        """
        try:
            await self._connection.setRemoteDescription(ice.remote_description(offer))
            return await self._describe()
        except MALFORMED as error:
            raise Refused(
                400, "bad_offer", f"Offer one data channel and nothing else: {error}."
            ) from None

    async def accept(self, answer: Description) -> None:
        """Take the other end's answer.

        Raises:
            ConnectionLost: if it cannot be read.
        """
        try:
            await self._connection.setRemoteDescription(ice.remote_description(answer))
        except MALFORMED as error:
            raise ConnectionLost(f"the answer cannot be read: {error}") from None

    async def add(self, candidate: Candidate) -> None:
        """Take one more candidate address of the other end.

        Raises:
            Refused: `bad_candidate` (400).
        """
        try:
            found = ice.remote_candidate(candidate)
            if found is not None:
                await self._connection.addIceCandidate(found)
        except MALFORMED as error:
            raise Refused(400, "bad_candidate", f"This is not an ICE candidate: {error}.") from None

    async def opened(self) -> None:
        """Wait until the channel is open.

        Raises:
            ConnectionLost: if it does not open in time.
        """
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await self._opened.wait()
        except TimeoutError:
            self.end(CloseReason(f"no data channel within {OPEN_TIMEOUT_S:g} s: is UDP blocked?"))
        if self.ended is not None:
            raise ConnectionLost(self.ended.reason, self.ended.code)

    async def _describe(self) -> Description:
        await ice.gather_on(self._connection, self._address)
        await self._connection.setLocalDescription()
        return ice.local_description(self._connection)

    # Sending and receiving

    @property
    def is_full(self) -> bool:
        """Whether as much waits to be sent as may wait."""
        return self._channel is not None and self._channel.bufferedAmount >= HIGH_WATER

    def deliver(self, entry: Envelope) -> None:
        """Send `entry`, or queue it while the other end reads slowly; end if it is too slow."""
        if self.ended is not None:
            return
        if not self._outbox and not self.is_full:
            self._send(entry.json)
        elif not self._outbox.put(entry):
            self.end(SLOW_READER)

    async def drained(self) -> None:
        """Wait until there is room to send again, or the connection has ended."""
        self._drained.clear()
        if self.is_full and self.ended is None:
            await self._drained.wait()

    async def send(self, raw: bytes) -> None:
        """Send one message.

        Raises:
            ConnectionLost: if the channel is not open.
        """
        if self.ended is None and self._opened.is_set():
            self._send(raw)
        if self.ended is not None or not self._opened.is_set():
            why = self.ended or CloseReason("the data channel is not open yet")
            raise ConnectionLost(why.reason, why.code)

    async def receive(self) -> str | None:
        """Return the next message; None once the connection has ended and all was read."""
        message = await self._inbox.get()
        if message is None:
            self._inbox.put_nowait(None)
        return message

    def _send(self, raw: bytes) -> None:
        assert self._channel is not None
        if self._channel.readyState != "open":
            self.end(CHANNEL_CLOSED)
            return
        try:
            self._channel.send(raw.decode())
        except ValueError as error:  # more than the other end has announced to accept
            self.end(CloseReason(str(error), CloseCode.MESSAGE_TOO_BIG))

    def _flush(self) -> None:
        while self._outbox and not self.is_full and self.ended is None:
            self._send(self._outbox.take().json)
        if not self.is_full:
            self._drained.set()

    def _take(self, message: str | bytes) -> None:
        if self.ended is not None:
            return
        if isinstance(message, bytes):
            self.end(NOT_TEXT)
        elif len(message.encode()) > EVENT_MAX:
            self.end(TOO_LARGE)
        elif self._inbox.qsize() >= INBOX_MAX:
            self.end(SLOW_WRITER)
        else:
            self._inbox.put_nowait(message)

    # Closing

    def end(self, why: CloseReason) -> None:
        """End the connection; the first reason given counts. `close` must still be called."""
        if self.ended is None:
            self.ended = why
            self._inbox.put_nowait(None)
            for waited_for in (self._opened, self._drained, self._over):
                waited_for.set()

    async def hang_up(self, timeout: float) -> None:
        """Close the channel once everything sent has arrived.

        Args:
            timeout: seconds to wait for that.
        """
        if self._channel is not None and self.ended is None:
            self._channel.close()
            try:
                async with asyncio.timeout(timeout):
                    await self._over.wait()
            except TimeoutError:
                pass

    async def close(self) -> None:
        """Release the sockets and tasks, at once."""
        self.end(CloseReason("closed"))
        # Closing takes a few turns of the loop. If it were cancelled in one of them, a socket would
        # stay open, and a second call would wait for the first for ever.
        await asyncio.shield(self._close())
        self._broken()

    async def _close(self) -> None:
        sctp = self._connection.sctp
        transport = None if sctp is None else sctp.transport.transport
        was_checking = transport is not None and transport.state == "checking"
        await self._connection.close()
        if transport is not None and was_checking:
            # With aioice 0.13, a check that has just succeeded starts asking for consent after
            # the close, and would do so for ever. Within 20 ms it shows in the state.
            for _ in range(10):
                if transport.state != "closed":
                    break
                await asyncio.sleep(0.01)
            await transport.iceGatherer._connection.close()

    def _watch(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self.end(self._broken() or CloseReason("the peer connection broke"))

    def _broken(self) -> CloseReason | None:
        """Return the reason if what the other end sent made aiortc's task fail.

        Asking for the exception also keeps asyncio from reporting it.
        """
        task = self._receiving
        if task is None or not task.done() or task.cancelled():
            return None
        return NOT_UTF8 if isinstance(task.exception(), UnicodeDecodeError) else None

    def _adopt(self, channel: RTCDataChannel) -> None:
        if channel.label != LABEL or self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.bufferedAmountLowThreshold = LOW_WATER
        channel.on("open", self._channel_opened)
        channel.on("message", self._take)
        channel.on("bufferedamountlow", self._flush)
        channel.on("close", self._channel_closed)
        if channel.readyState == "open":
            self._channel_opened()

    def _channel_opened(self) -> None:
        assert self._channel is not None
        self._receiving = getattr(self._channel.transport.transport, "_task", None)
        self._opened.set()

    def _channel_closed(self) -> None:
        self.end(self._broken() or CHANNEL_CLOSED)
