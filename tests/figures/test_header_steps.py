from __future__ import annotations

from labserver.figures.header_steps import header_size, header_steps


def test_the_title_has_the_steps() -> None:
    title = header_steps().layout.title.text
    assert title == "The header grows in two steps, at 126 and at 65,536 bytes"


def test_a_client_sends_four_bytes_more() -> None:
    client, server = header_steps().data
    assert list(client.x) == list(server.x) == [1, 125, 126, 65_535, 65_536, 1_000_000]
    assert list(client.y) == [6, 6, 8, 8, 14, 14]
    assert list(server.y) == [2, 2, 4, 4, 10, 10]
    assert client.line.dash != server.line.dash


def test_an_empty_frame_has_the_smallest_header() -> None:
    assert header_size(0, masked=False) == 2
    assert header_size(0, masked=True) == 6
