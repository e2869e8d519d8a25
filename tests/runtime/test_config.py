"""What is asked of a server."""

from __future__ import annotations

import pytest

from labserver.errors import LabError
from labserver.network.link import Link
from labserver.runtime import process
from labserver.runtime.config import ServerConfig
from labserver.runtime.wiring import make_hub


def test_a_server_is_registered_under_its_technique_unless_it_has_a_name() -> None:
    assert ServerConfig(technique="sse").registered == "sse"
    assert ServerConfig(technique="sse", name="news").registered == "news"


def test_a_host_that_it_listens_on_may_be_asked_for() -> None:
    assert ServerConfig(technique="sse", allowed_hosts=["chat.example.com"]).hosts == [
        "chat.example.com",
        "127.0.0.1",
    ]


def test_a_link_needs_a_relay_to_play_it() -> None:
    with pytest.raises(LabError, match="record=False"):
        ServerConfig(technique="sse", link=Link(rtt_ms=80), record=False)


def test_a_hub_stays_in_its_process() -> None:
    with pytest.raises(LabError, match="hub="):
        process.start(ServerConfig(technique="sse", hub=make_hub()))
