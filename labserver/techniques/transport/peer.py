"""One end of a peer-to-peer connection (WebRTC), with aiortc: one data channel, `chat`.

Ordered and reliable (RFC 8831), text only, messages of up to 64 KiB. The server's end and
the Python client's are the same object; a browser's `RTCPeerConnection` is its equal.

A data channel has no back-pressure on the receiving side: whoever sends sees how much still
waits (`bufferedAmount`), and whoever receives must take what comes. So both are bounded here,
and an end that is overrun ends: the log has all that was missed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import aioice.ice
import aiortc.sdp
import msgspec
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidAccessError, InvalidStateError
from websockets.frames import CloseCode

from labserver.chat.events import EVENT_MAX, Envelope
from labserver.chat.outbox import Outbox
from labserver.errors import Refused
from labserver.techniques.transport.interface import ConnectionLost

LABEL = "chat"
OPEN_TIMEOUT_S = 10.0  # from the answer to the open channel; on one machine it takes 0.05 s
HIGH_WATER = 256 * 1024  # bytes in aiortc's buffer past which we queue, where it is bounded
LOW_WATER = 64 * 1024  # bytes in it at which we go on: one message of the largest size
INBOX_MAX = 4096  # messages that wait to be read; four times what a server lets wait

# What a malformed description or candidate makes aiortc raise.
MALFORMED = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    InvalidStateError,
    InvalidAccessError,
)

logging.getLogger("aiortc").setLevel(logging.CRITICAL)  # a peer that misbehaves is no news


class Description(msgspec.Struct, frozen=True):
    """A session description (RFC 8829), as browsers write it in JSON."""

    type: str
    sdp: str


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """An ICE candidate (RFC 8839 §5.1), as browsers write it in JSON."""

    candidate: str = ""
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = msgspec.field(default=None, name="sdpMLineIndex")


@dataclass(frozen=True, slots=True)
class End:
    """Why a connection has ended: for a person, and as a WebSocket close code."""

    reason: str
    code: int | None = None


HUNG_UP = End("hung up")
CHANNEL_CLOSED = End("the data channel closed")
SLOW_READER = End("you read too slowly; resume", CloseCode.TRY_AGAIN_LATER)
SLOW_WRITER = End("more comes than is read; resume", CloseCode.TRY_AGAIN_LATER)
TOO_LARGE = End(f"messages have at most {EVENT_MAX:,} bytes", CloseCode.MESSAGE_TOO_BIG)
NOT_TEXT = End("send text", CloseCode.UNSUPPORTED_DATA)
NOT_UTF8 = End("text is UTF-8", CloseCode.INVALID_DATA)


class Peer:
    """One peer connection.

    Args:
        address: the local IP address it uses, the one over which its signals travel: ICE
            then opens no port on any other interface.
    """

    def __init__(self, address: str) -> None:
        self._address = _plain(address)
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # None: Google's
        self._channel: RTCDataChannel | None = None
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue()
        self._outbox = Outbox()
        self._opened = asyncio.Event()
        self._drained = asyncio.Event()
        self._over = asyncio.Event()
        self._pump: asyncio.Future[None] | None = None  # aiortc's task that takes what comes
        self.ended: End | None = None
        self._connection.on("connectionstatechange", self._watch)
        self._connection.on("datachannel", self._adopt)

    # Coming together

    async def offer(self) -> Description:
        """What the other end is to answer."""
        self._adopt(self._connection.createDataChannel(LABEL))
        return await self._describe()

    async def answer(self, offer: Description) -> Description:
        """The answer to the other end's offer.

        Raises:
            Refused: `bad_offer` (400).
        """
        try:
            _check_data_only(offer.sdp)
            await self._connection.setRemoteDescription(_remote(offer))
            return await self._describe()
        except MALFORMED as error:
            raise Refused(
                400, "bad_offer", f"Offer one data channel and nothing else: {error}."
            ) from None

    async def accept(self, answer: Description) -> None:
        """Take the other end's answer.

        Raises:
            ConnectionLost: if it is none.
        """
        try:
            _check_data_only(answer.sdp)
            await self._connection.setRemoteDescription(_remote(answer))
        except MALFORMED as error:
            raise ConnectionLost(f"the answer cannot be read: {error}") from None

    async def add(self, candidate: Candidate) -> None:
        """Take one more address of the other end.

        Raises:
            Refused: `bad_candidate` (400).
        """
        if not candidate.candidate or ".local " in candidate.candidate:
            return  # the end of candidates, or a name that we need not know: see _remote
        try:
            found = aiortc.sdp.candidate_from_sdp(candidate.candidate.partition(":")[2])
            found.sdpMid, found.sdpMLineIndex = candidate.sdp_mid, candidate.sdp_m_line_index
            await self._connection.addIceCandidate(found)
        except MALFORMED as error:
            raise Refused(400, "bad_candidate", f"No ICE candidate: {error}.") from None

    async def opened(self) -> None:
        """Wait until the channel is open.

        Raises:
            ConnectionLost: if it does not open in time.
        """
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await self._opened.wait()
        except TimeoutError:
            self.end(End(f"no data channel within {OPEN_TIMEOUT_S:g} s: is UDP blocked?"))
        if self.ended is not None:
            raise ConnectionLost(self.ended.reason, self.ended.code)

    async def _describe(self) -> Description:
        with _ice_on(self._address):
            await self._connection.setLocalDescription()
        local = self._connection.localDescription
        # aiortc would announce 256 KiB.
        sdp = re.sub(r"(?m)^a=max-message-size:\d+", f"a=max-message-size:{EVENT_MAX}", local.sdp)
        return Description(local.type, sdp)

    # Talking

    @property
    def is_full(self) -> bool:
        """Whether more waits to be sent than should."""
        return self._channel is not None and self._channel.bufferedAmount >= HIGH_WATER

    def deliver(self, entry: Envelope) -> None:
        """Send `entry`, or queue it while the other end reads slowly; past the bound, end."""
        if self.ended is not None:
            return
        if not self._outbox and not self.is_full:
            self._send(entry.json)
        elif not self._outbox.put(entry):
            self.end(SLOW_READER)

    async def drained(self) -> None:
        """Wait until there is room again, or the end."""
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
            why = self.ended or End("the data channel is not open yet")
            raise ConnectionLost(why.reason, why.code)

    async def receive(self) -> str | None:
        """What comes in; None at the end, once all was read."""
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
        except ValueError as error:  # past what the other end has announced that it takes
            self.end(End(str(error), CloseCode.MESSAGE_TOO_BIG))

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

    # Parting

    def end(self, why: End) -> None:
        """End it, for the first reason that is given; `close` is still due."""
        if self.ended is None:
            self.ended = why
            self._inbox.put_nowait(None)
            for waited_for in (self._opened, self._drained, self._over):
                waited_for.set()

    async def hang_up(self, timeout: float) -> None:
        """Close the channel once all that was sent has arrived; wait for that."""
        if self._channel is not None and self.ended is None:
            self._channel.close()
            try:
                async with asyncio.timeout(timeout):
                    await self._over.wait()
            except TimeoutError:
                pass

    async def close(self) -> None:
        """Let go of its sockets and tasks, at once."""
        self.end(End("closed"))
        # Closing takes a few turns of the loop; cut short in one of them, it would leave an
        # open socket behind, and a second call would wait for the first for ever.
        await asyncio.shield(self._close())
        self._broken()

    async def _close(self) -> None:
        sctp = self._connection.sctp
        ice = None if sctp is None else sctp.transport.transport
        was_checking = ice is not None and ice.state == "checking"
        await self._connection.close()
        if ice is not None and was_checking:
            # A check that had just succeeded begins, after the close, to ask for consent, and
            # would do so for ever (aioice 0.13). It shows in the state, within 20 ms.
            for _ in range(10):
                if ice.state != "closed":
                    break
                await asyncio.sleep(0.01)
            await ice.iceGatherer._connection.close()

    def _watch(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self.end(self._broken() or End("the peer connection broke"))

    def _broken(self) -> End | None:
        """What the other end sent that made aiortc give up; asyncio is not to report it too."""
        pump = self._pump
        if pump is None or not pump.done() or pump.cancelled():
            return None
        return NOT_UTF8 if isinstance(pump.exception(), UnicodeDecodeError) else None

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
        self._pump = getattr(self._channel.transport.transport, "_task", None)
        self._opened.set()

    def _channel_closed(self) -> None:
        self.end(self._broken() or CHANNEL_CLOSED)


def _remote(description: Description) -> RTCSessionDescription:
    """The other end's description, without the addresses that have only a name.

    A browser hides its addresses behind names ending in .local, which to look up takes a
    second. That is not needed: the browser knows our address, asks there first, and the
    packet it asks with says where it came from (RFC 8445 §7.3.1.3). As more addresses come
    to be known that way, the list does not end either: it would be taken for a failure.
    """
    lines = [
        line
        for line in description.sdp.splitlines()
        if not (line.startswith("a=candidate:") and ".local " in line)
        and line != "a=end-of-candidates"
    ]
    return RTCSessionDescription("\r\n".join(lines) + "\r\n", description.type)


def _check_data_only(sdp: str) -> None:
    """Refuse what aiortc would first make a decoder for, or choke on in a task of its own."""
    parsed = aiortc.sdp.SessionDescription.parse(sdp)
    if [media.kind for media in parsed.media] != ["application"]:
        raise ValueError("no audio, no video")
    (media,) = parsed.media
    if media.dtls is None or not media.dtls.fingerprints:
        raise ValueError("the fingerprint is missing")


# Where ICE looks for its own addresses. aioice leaves 127.0.0.1 out and has no option for it:
# on a machine without a network it then waits in silence, and on any other it would open a
# port to the network for a server that is bound to loopback. So this is the one thing of a
# library that we replace. Peers that are not ours get what they got before, and loopback
# where that was nothing.

_ice_address: ContextVar[str | None] = ContextVar("ice_address", default=None)
_all_addresses = aioice.ice.get_host_addresses


@contextmanager
def _ice_on(address: str) -> Iterator[None]:
    token = _ice_address.set(address)
    try:
        yield
    finally:
        _ice_address.reset(token)


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    address = _ice_address.get()
    if address is not None:
        return [address]
    return _all_addresses(use_ipv4, use_ipv6) or ["127.0.0.1"]


aioice.ice.get_host_addresses = _host_addresses


def _plain(address: str) -> str:
    """The address of a socket, without the IPv6 clothes of an IPv4 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(ip, "ipv4_mapped", None) or ip)
