"""Descriptions and candidates, as browsers write them and as aiortc takes them."""

from __future__ import annotations

import msgspec
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from labserver.techniques.transport.ice import (
    Candidate,
    Description,
    gather_on,
    plain_address,
    remote_candidate,
    remote_description,
)


async def test_only_the_address_that_was_asked_for_is_offered() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("chat")
    await gather_on(connection, "127.0.0.1")
    await connection.setLocalDescription()
    sdp = connection.localDescription.sdp
    candidates = [line for line in sdp.splitlines() if line.startswith("a=candidate:")]
    assert [line.split()[4] for line in candidates] == ["127.0.0.1"]
    await connection.close()


async def test_names_that_a_browser_hides_behind_are_left_out() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("chat")
    await gather_on(connection, "127.0.0.1")
    await connection.setLocalDescription()
    sdp = connection.localDescription.sdp.replace(" 127.0.0.1 ", " 1c2d.local ")
    await connection.close()
    assert ".local" in sdp
    remote = remote_description(Description("offer", sdp))
    assert ".local" not in remote.sdp
    assert "end-of-candidates" not in remote.sdp


@pytest.mark.parametrize("candidate", ["", "candidate:1 1 udp 1 1c2d.local 9 typ host"])
def test_a_candidate_that_need_not_be_known_is_none(candidate: str) -> None:
    assert remote_candidate(Candidate(candidate)) is None


def test_a_candidate_keeps_the_medium_that_it_is_for() -> None:
    found = remote_candidate(Candidate("candidate:1 1 udp 1 127.0.0.1 9 typ host", "0", 0))
    assert found is not None
    assert (found.ip, found.port, found.sdpMid, found.sdpMLineIndex) == ("127.0.0.1", 9, "0", 0)


def test_an_ipv4_mapped_address_is_an_ipv4_address() -> None:
    assert plain_address("::ffff:127.0.0.1") == "127.0.0.1"
    assert plain_address("fe80::1%eth0") == "fe80::1"
    assert plain_address("192.0.2.2") == "192.0.2.2"


def test_a_candidate_reads_as_browsers_write_it() -> None:
    raw = '{"candidate":"candidate:1","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"abc"}'
    assert msgspec.json.decode(raw, type=Candidate) == Candidate("candidate:1", "0", 0)
