"""One poll of a client, against a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import cast

import pytest

from labserver.errors import Refused
from labserver.techniques import short_polling
from labserver.techniques.transport.http_client import HttpConnection
from labserver.techniques.transport.interface import Technique
from labserver.techniques.transport.polling_client import poll
from tests.techniques.transport.polling_server import Served, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A short polling server."""
    async with serving(cast(Technique, short_polling)) as found:
        yield found


async def test_only_the_last_item_of_a_page_has_a_cursor(served: Served) -> None:
    for n in range(3):
        await served.say("alice", str(n))
    connection = HttpConnection(served.address("bob"))
    async with connection.open():
        page = await poll(connection, "0", {"session": "s"})
    assert [json.loads(item.event.data["content"]) for item in page if item.event] == [0, 1, 2]
    assert [item.cursor is None for item in page] == [True, True, False]
    assert str(page[-1].cursor).endswith("-3")


async def test_with_nothing_new_there_is_one_item_with_the_same_cursor(served: Served) -> None:
    connection = HttpConnection(served.address("bob"))
    async with connection.open():
        (first,) = await poll(connection, None, {})
        known = {"If-None-Match": f'"{first.cursor}"'}
        assert await poll(connection, first.cursor, {}, known) == [first]
    assert connection.counters.payload_received == 0


async def test_a_cursor_that_cannot_be_read_is_refused(served: Served) -> None:
    connection = HttpConnection(served.address("bob"))
    async with connection.open():
        with pytest.raises(Refused) as refused:
            await poll(connection, "nonsense!", {})
    assert (refused.value.status, refused.value.code) == (400, "bad_cursor")
