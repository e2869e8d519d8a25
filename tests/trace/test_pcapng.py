"""A trace for Wireshark, and TShark's reading of it beside ours."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

import pytest

from labserver.runtime import server as runtime
from labserver.runtime.config import ServerConfig
from labserver.trace.pcapng import checksum, pcapng
from labserver.trace.trace import Trace
from labserver.wire.message import Kind, Message
from labserver.wire.tape import Piece, PieceKind
from tests.wire.conversations import CONVERSATIONS, DOWN, UP, pieces, trace_of

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


def packets(given: list[Piece]) -> list[tuple[int, bytes, int]]:
    """Time, bytes and length on the wire of each packet."""
    found = []
    for block in pcapng(given, 80):
        kind, length = struct.unpack_from("<II", block)
        assert length == len(block) == struct.unpack_from("<I", block, len(block) - 4)[0]
        assert length % 4 == 0
        if kind == 6:
            _, high, low, captured, original = struct.unpack_from("<IIIII", block, 8)
            found.append((high << 32 | low, block[28 : 28 + captured], original))
    return found


def flags(packet: bytes) -> int:
    return packet[33] & 0x17


def test_the_internet_checksum_of_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2
    assert checksum(b"\x01") == 0xFEFF


def test_a_conversation_is_tcp_from_syn_to_fin() -> None:
    said = ((UP, b"a" * 3000), (DOWN, b"b"))
    found = [packet for _, packet, _ in packets(pieces(said))]
    assert [flags(packet) & (SYN | FIN | ACK) for packet in found] == [
        SYN,
        SYN | ACK,
        ACK,
        *[ACK] * 4,
        FIN | ACK,
        ACK,
        FIN | ACK,
        ACK,
    ]
    assert [len(packet) - 40 for packet in found[3:7]] == [1460, 1460, 80, 1]
    expected = {10_001: None, 80: None}
    for packet in found:
        assert checksum(packet[:20]) == 0
        pseudo = packet[12:20] + b"\0\x06" + struct.pack("!H", len(packet) - 20)
        assert checksum(pseudo + packet[20:]) == 0
        source, _, sequence, acknowledged = struct.unpack_from("!HHII", packet, 20)
        other = ({10_001, 80} - {source}).pop()
        if expected[source] is not None:
            assert sequence == expected[source]
        if packet[33] & ACK:
            assert acknowledged == expected[other]
        expected[source] = sequence + len(packet) - 40 + bool(packet[33] & (SYN | FIN))


def test_times_are_kept_to_the_nanosecond() -> None:
    late = Piece(5_000_000_123, 0, 1, UP, PieceKind.DATA, b"x", 1)
    assert packets([Piece(7, 7, 1, UP, PieceKind.OPEN), late])[-1][0] == 5_000_000_123


def test_what_the_tape_did_not_keep_has_its_length() -> None:
    lost = Piece(9, 9, 1, UP, PieceKind.DATA, b"", 100)
    assert [(len(p), length) for _, p, length in packets([lost])][-1] == (40, 140)


def test_a_cut_connection_ends_with_a_reset() -> None:
    cut = Piece(9, 9, 1, DOWN, PieceKind.ABORT)
    assert flags(packets([cut])[-1][1]) & RST


def test_more_connections_than_ports_have_other_addresses() -> None:
    ends = {
        packets([Piece(0, 0, n, UP, PieceKind.OPEN)])[0][1][12:22] for n in (1, 55_001, 110_001)
    }
    assert len(ends) == 3


FIELDS = (
    "websocket.opcode",
    "websocket.fin",
    "websocket.mask",
    "websocket.masking_key",
    "websocket.payload_length",
    "websocket.payload_length_ext_16",
    "websocket.payload_length_ext_64",
    "websocket.payload.text",
    "websocket.payload.ping",
    "websocket.payload.pong",
    "websocket.payload.close.status_code",
    "websocket.payload.close.reason",
    "http.request.method",
    "http.response.code",
    "tcp.analysis.flags",
    "tcp.checksum.status",
    "ip.checksum.status",
    "_ws.malformed",
)
OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}


def heard_by(tshark: str, trace: Trace, path: Path) -> dict[str, list[str]]:
    """All that TShark reads, by field."""
    trace.to_pcapng(path)
    run = subprocess.run(
        [
            *(tshark, "-r", str(path), "-T", "json", "-d", f"tcp.port=={trace.port},http"),
            *("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"),
            *("-o", "http.desegment_body:FALSE"),  # a stream of events does not end
            *(option for field in FIELDS for option in ("-e", field)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    heard: dict[str, list[str]] = {field: [] for field in FIELDS}
    for packet in json.loads(run.stdout):
        for field, values in packet["_source"]["layers"].items():
            heard[field] += values
    return heard


def compare(tshark: str, trace: Trace, path: Path) -> None:
    """TShark reads the same frames and the same HTTP as we do, and finds nothing wrong."""
    heard = heard_by(tshark, trace, path)
    messages = list(trace.only(kind=Kind.WEBSOCKET_FRAME))
    frames = trace.frames()
    assert [OPCODES[int(code)] for code in heard["websocket.opcode"]] == list(frames["opcode"])
    assert [flag == "1" for flag in heard["websocket.mask"]] == list(frames["masked"])
    assert [flag == "1" for flag in heard["websocket.fin"]] == list(frames["fin"])
    keys = [key.replace(":", "").removeprefix("0x") for key in heard["websocket.masking_key"]]
    assert keys == [key for key in frames["mask_key"] if key]
    short = [int(length) for length in heard["websocket.payload_length"]]
    long = {
        126: iter(heard["websocket.payload_length_ext_16"]),
        127: iter(heard["websocket.payload_length_ext_64"]),
    }
    lengths = [length if length < 126 else int(next(long[length])) for length in short]
    assert lengths == list(frames["length"])
    for opcode in ("ping", "pong"):
        said = [m.detail["text"] for m in messages if m.detail["opcode"] == opcode]
        assert [
            bytes.fromhex(h.replace(":", "")) for h in heard[f"websocket.payload.{opcode}"]
        ] == [text.encode() for text in said]
    codes = [int(code) for code in heard["websocket.payload.close.status_code"]]
    assert codes == list(frames["close_code"].dropna())
    reasons = heard["websocket.payload.close.reason"]
    assert [r for r in reasons if r] == [r for r in frames["reason"] if r]
    requests = [m.detail["method"] for m in trace if m.kind is Kind.HTTP_REQUEST]
    assert heard["http.request.method"] == requests
    statuses = [m.detail["status"] for m in trace if m.kind is Kind.HTTP_RESPONSE]
    assert [int(code) for code in heard["http.response.code"]] == statuses
    assert heard["tcp.analysis.flags"] == heard["_ws.malformed"] == []
    assert set(heard["tcp.checksum.status"]) == set(heard["ip.checksum.status"]) == {"1"}
    assert heard["websocket.payload.text"] == texts(messages)


def texts(frames: list[Message]) -> list[str]:
    """Text messages, each where its last frame came; TShark puts the fragments together too."""
    found: list[str] = []
    under_way: dict[object, bytes] = {}
    for frame in frames:
        key = frame.detail.get("mask_key", bytes(4))
        data = bytes(b ^ key[n % 4] for n, b in enumerate(frame.raw[-frame.payload :]))
        sender = (frame.connection, frame.direction)
        if frame.detail["opcode"] == "text":
            under_way[sender] = data
        elif frame.detail["opcode"] == "continuation" and sender in under_way:
            under_way[sender] += data
        else:
            continue
        if frame.detail["fin"]:
            found.append(under_way.pop(sender).decode())
    return found


@pytest.mark.parametrize("technique", ["websocket", "long_polling", "sse"])
def test_tshark_reads_a_real_conversation_as_we_do(
    tshark: str, tmp_path: Path, technique: str
) -> None:
    server = runtime.start(ServerConfig(technique=technique))
    trace = Trace(server.tape, port=server.port)
    try:
        with server.client("alice") as alice:
            for content in ("hi", "grüß " * 50):
                alice.send(content)
            while (event := alice.receive(timeout=10)) is not None:
                if event.data.get("content", "").startswith("gr"):
                    break
    finally:
        runtime.stop_all()
    compare(tshark, trace, tmp_path / "real.pcapng")


def test_tshark_reads_fragments_pings_and_closes_as_we_do(tshark: str, tmp_path: Path) -> None:
    compare(tshark, trace_of(CONVERSATIONS["websocket"]), tmp_path / "websocket.pcapng")
