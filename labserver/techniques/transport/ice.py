"""What two peers tell each other before they connect: session descriptions and ICE candidates.

Also which addresses of this machine are offered, and which of the other end's are looked at. The
connection that comes of it is in peer.py.
"""

from __future__ import annotations

import ipaddress
import re

import aiortc.sdp
import msgspec
from aiortc import RTCIceCandidate, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidAccessError, InvalidStateError

from labserver.chat.events import EVENT_MAX

# What aiortc raises for a malformed description or candidate.
MALFORMED = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    InvalidStateError,
    InvalidAccessError,
)


class Description(msgspec.Struct, frozen=True):
    """A session description (RFC 8829), in the JSON form that browsers write."""

    type: str
    sdp: str


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """An ICE candidate (RFC 8839 §5.1), in the JSON form that browsers write."""

    candidate: str = ""
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = msgspec.field(default=None, name="sdpMLineIndex")


async def gather_on(connection: RTCPeerConnection, address: str) -> None:
    """Gather the host candidate of one address, and of no other.

    aioice offers every address of the machine but loopback, as RFC 8445 §5.1.1.1 demands, and has
    no option for it (https://github.com/aiortc/aioice/issues/2). For a server that is bound to
    loopback, that would open a port to the network; on a machine without a network, nothing would
    be offered at all. So this connection's candidates are gathered here, with aioice's own
    function, before aiortc asks for them: aioice gathers only once.

    Args:
        connection: a connection that has a data channel, and has gathered nothing yet.
        address: a local IP address.
    """
    assert connection.sctp is not None
    ice = connection.sctp.transport.transport.iceGatherer._connection
    if not ice._local_candidates_start:
        ice._local_candidates_start = True
        ice._local_candidates += await ice.get_component_candidates(1, [address])
        ice._local_candidates_end = True


def local_description(connection: RTCPeerConnection) -> Description:
    """Return this end's description, with the largest message that it accepts."""
    local = connection.localDescription
    # aiortc would announce 256 KiB.
    sdp = re.sub(r"(?m)^a=max-message-size:\d+", f"a=max-message-size:{EVENT_MAX}", local.sdp)
    return Description(local.type, sdp)


def remote_description(description: Description) -> RTCSessionDescription:
    """Return the other end's description for aiortc, without addresses that are only names.

    A browser hides its addresses behind names that end in .local, and looking one up takes a
    second (https://github.com/aiortc/aioice/issues/77). That is not needed: the browser knows our
    address and sends its check there first, and the packet shows where it came from (RFC 8445
    §7.3.1.3). Because more addresses become known in that way, the end of the list is left out,
    too: aiortc would take it for a failure.

    Raises:
        ValueError: if the description is not of one data channel and nothing else.
    """
    check_data_only(description.sdp)
    lines = [
        line
        for line in description.sdp.splitlines()
        if not (line.startswith("a=candidate:") and ".local " in line)
        and line != "a=end-of-candidates"
    ]
    return RTCSessionDescription("\r\n".join(lines) + "\r\n", description.type)


def remote_candidate(candidate: Candidate) -> RTCIceCandidate | None:
    """Return the other end's candidate for aiortc.

    Returns:
        The candidate; None for the end of candidates, and for a name that need not be known (see
        `remote_description`).

    Raises:
        ValueError: and others of `MALFORMED`, if it cannot be read.
    """
    if not candidate.candidate or ".local " in candidate.candidate:
        return None
    found = aiortc.sdp.candidate_from_sdp(candidate.candidate.partition(":")[2])
    found.sdpMid, found.sdpMLineIndex = candidate.sdp_mid, candidate.sdp_m_line_index
    return found


def check_data_only(sdp: str) -> None:
    """Refuse what aiortc would make a decoder for first, or fail on in a task of its own.

    Raises:
        ValueError: if the description has audio or video, or lacks a fingerprint.
    """
    parsed = aiortc.sdp.SessionDescription.parse(sdp)
    if [media.kind for media in parsed.media] != ["application"]:
        raise ValueError("no audio, no video")
    (media,) = parsed.media
    if media.dtls is None or not media.dtls.fingerprints:
        raise ValueError("the fingerprint is missing")


def plain_address(address: str) -> str:
    """Return a socket's address without a scope, and an IPv4-mapped IPv6 address as IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(ip, "ipv4_mapped", None) or ip)
