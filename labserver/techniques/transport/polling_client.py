"""The client's half of polling: one poll, as short and long polling share it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from labserver.chat.events import decode_event
from labserver.techniques.transport.http_client import HttpConnection
from labserver.techniques.transport.interface import ConnectionLost, Received


class _PageBody(msgspec.Struct):
    events: list[msgspec.Raw]
    cursor: str


_page_body = msgspec.json.Decoder(_PageBody)


async def poll(
    connection: HttpConnection,
    cursor: str | None,
    query: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    *,
    held_s: float = 0.0,
) -> list[Received]:
    """Ask once for what is new.

    Args:
        connection: an open connection.
        cursor: the cursor to ask with; None to begin with what comes from now on.
        query: the technique's own query parameters.
        headers: the technique's own header fields.
        held_s: seconds for which the server may hold the answer back.

    Returns:
        At least one item. Only the last one has a cursor, the one to ask with next, so that
        nothing is lost when the client is cut off within a page.

    Raises:
        Refused: if the server does not accept this client.
        ConnectionLost: if there was no answer, or one that cannot be read.
    """
    if cursor is not None:
        query = {**query, "after": cursor}
    response = await connection.get("/messages", query, headers, held_s=held_s)
    if response.status_code in (204, 304):
        return [Received(response.headers.get("ETag", "").strip('"') or cursor)]
    try:
        page = _page_body.decode(response.content)
        received = [Received(None, decode_event(raw)) for raw in page.events]
    except msgspec.DecodeError:
        raise ConnectionLost(
            f"The answer ({response.status_code}) is not a page of events.", response.status_code
        ) from None
    connection.counters.payload_received += sum(len(bytes(raw)) for raw in page.events)
    if not received:
        return [Received(page.cursor)]
    return [*received[:-1], Received(page.cursor, received[-1].event)]
