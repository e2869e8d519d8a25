"""What is asked of a server, as one record."""

from __future__ import annotations

import msgspec
import pytest

import labserver as lab
from labserver.errors import LabError
from labserver.network.link import Link
from labserver.runtime import server_process
from labserver.runtime.config import ServerConfig

# Not one value is the default.
EVERYTHING = ServerConfig(
    technique="sse",
    port=8080,
    host="0.0.0.0",
    name="news",
    allowed_origins=("https://*.example.com",),
    allowed_hosts=("chat.example.com",),
    secret="s" * 32,
    store="/var/lib/chat/mail.sqlite3",
    temporary_store=True,
    redis="redis://127.0.0.1:6379",
    tls=True,
    certificate="/etc/chat/certificate.pem",
    http2=True,
    record=True,
    link=Link(rtt_ms=80, source="measured"),
)


def test_a_server_is_registered_under_its_technique_unless_it_has_a_name() -> None:
    assert ServerConfig(technique="sse").registered_name == "sse"
    assert ServerConfig(technique="sse", name="news").registered_name == "news"


def test_the_host_that_it_listens_on_is_served() -> None:
    config = ServerConfig(technique="sse", allowed_hosts=("chat.example.com",))
    assert config.hosts == ("chat.example.com", "127.0.0.1")


def test_a_link_needs_a_relay_to_play_it() -> None:
    with pytest.raises(LabError, match="record=False"):
        ServerConfig(technique="sse", link=Link(rtt_ms=80), record=False)


@pytest.mark.parametrize(
    "config",
    [
        EVERYTHING,
        ServerConfig(technique="sse"),
        ServerConfig(technique="sse", allowed_origins=()),
        ServerConfig(technique="sse", record=False),
    ],
)
def test_json_and_back_it_is_the_same(config: ServerConfig) -> None:
    assert msgspec.json.decode(msgspec.json.encode(config), type=ServerConfig) == config


def test_a_field_that_it_does_not_know_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `faces`"):
        msgspec.json.decode(b'{"technique": "sse", "faces": 1}', type=ServerConfig)


def test_every_argument_of_lab_start_is_in_it_or_stays_in_the_kernel() -> None:
    arguments = set(lab.start.__kwdefaults__) | {"technique"}
    fields = set(ServerConfig.__struct_fields__)
    assert arguments - fields == {"hub", "process"}
    assert fields - arguments == {"certificate", "temporary_store"}


def test_a_child_gets_it_without_what_the_kernel_does_itself() -> None:
    child = server_process._for_child(EVERYTHING, "other", "/tmp/own.pem")
    assert (child.record, child.link, child.tls) == (False, None, False)  # relay, authority
    assert (child.host, child.port) == ("127.0.0.1", 0)  # behind the relay
    assert child.hosts == ("chat.example.com", "0.0.0.0", "127.0.0.1")
    assert (child.secret, child.certificate) == ("other", "/tmp/own.pem")
    assert (child.redis, child.store) == (EVERYTHING.redis, EVERYTHING.store)
    assert not child.temporary_store


def test_a_child_without_a_relay_listens_for_itself() -> None:
    config = ServerConfig(technique="sse", host="0.0.0.0", port=8080, record=False)
    child = server_process._for_child(config, "secret", None)
    assert (child.host, child.port) == ("0.0.0.0", 8080)
    assert child.store is not None
    assert child.temporary_store
