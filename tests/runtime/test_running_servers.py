"""The servers of a kernel, by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labserver.runtime import running_servers


class Server:
    """A server that does nothing but stop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1
        running_servers.remove(self)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    running_servers.stop_all()
    yield
    running_servers.stop_all()


def test_a_server_is_stopped_by_its_name_and_once() -> None:
    server = running_servers.add(Server("chat"))
    running_servers.stop("chat")
    running_servers.stop("chat")
    assert server.stops == 1


def test_a_late_removal_does_not_take_out_the_one_that_came_after() -> None:
    first, second = running_servers.add(Server("chat")), running_servers.add(Server("chat"))
    running_servers.remove(first)
    running_servers.stop("chat")
    assert second.stops == 1


def test_all_are_stopped() -> None:
    servers = [running_servers.add(Server(name)) for name in ("a", "b")]
    running_servers.stop_all()
    assert [server.stops for server in servers] == [1, 1]
