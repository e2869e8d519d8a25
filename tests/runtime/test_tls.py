"""TLS: what is on the tape, who trusts whom, and where the keys are."""

from __future__ import annotations

import ssl
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

import labserver as lab
from labserver.errors import LabError, NotConnected
from labserver.runtime import server as runtime
from labserver.runtime import server_process
from labserver.runtime.client import Client
from labserver.runtime.config import ServerConfig
from labserver.runtime.loop import lab_loop
from labserver.runtime.server import Server
from labserver.runtime.tls import Authority, authority, load_certificate
from labserver.techniques import load, reconnecting_client
from labserver.techniques.reconnecting_client import ChatClient, State
from labserver.techniques.transport.interface import Address
from labserver.wire.message import Kind
from labserver.wire.tape import Direction
from tests.runtime.conftest import Start
from tests.waiting import DEADLINE_S, eventually


def verifying(server: Server) -> ssl.SSLContext:
    """Verify as the docstring of `ca_pem` shows it."""
    return ssl.create_default_context(cafile=server.ca_pem)


def test_an_eavesdropper_sees_records_and_nothing_of_what_is_said(
    start: Start, technique: str
) -> None:
    with start(technique, tls=True) as server:
        assert server.url == f"https://127.0.0.1:{server.port}"
        with server.client("alice") as alice, server.client("bob") as bob:
            alice.send("nobody must know")
            event = bob.receive(DEADLINE_S, type="CHAT_MESSAGE")
            assert event is not None
            assert event.data["content"] == "nobody must know"
    for direction in Direction:
        said = b"".join(piece.data for piece in server.tape if piece.direction is direction)
        assert len(said) > 1000
        for secret in (b"nobody must know", b"CHAT_MESSAGE", b"HTTP/1.1", b"Bearer", b"eyJ"):
            assert secret not in said
    found = list(server.trace)
    assert {each.kind for each in found} == {Kind.CONNECT, Kind.TLS_RECORD, Kind.CLOSE}
    records = [each for each in found if each.kind is Kind.TLS_RECORD]
    assert {each.direction for each in records if each.raw[0] == 22} == set(Direction)
    assert records[0].summary.startswith("handshake, ")
    assert any(each.summary.startswith("application_data, ") for each in records)


def test_other_clients_verify_it_with_the_authoritys_file(start: Start) -> None:
    server = start("short_polling", tls=True)
    headers = {"Authorization": f"Bearer {server.token('alice')}"}
    for host in ("127.0.0.1", "localhost"):
        url = f"https://{host}:{server.port}/messages"
        answer = httpx2.get(url, headers=headers, verify=verifying(server), trust_env=False)
        assert answer.status_code == 200


def test_curl_verifies_it_with_the_authoritys_file(start: Start, curl: str) -> None:
    server = start("sse", tls=True)
    words = [curl, "--silent", "--cacert", server.ca_pem, f"{server.url}/healthz"]
    assert subprocess.check_output(words) == b"ok\n"
    untrusting = [word for word in words if word not in ("--cacert", server.ca_pem)]
    assert subprocess.run(untrusting, check=False).returncode == 60  # no CA that it knows


def test_who_does_not_trust_the_authority_is_told_what_to_do(
    start: Start,
    technique: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start(technique, tls=True)
    monkeypatch.setattr(reconnecting_client, "backoff", lambda *_: DEADLINE_S)  # it tries once
    connector = load(technique).connector(Address(server.url, server.token("eve"), "lobby", "s"))
    core = ChatClient(connector, user="eve", room="lobby")
    failures = len(lab.failures())

    async def opened(timeout: float) -> bool:
        await eventually(lambda: core.state is State.WAITING)
        return await ChatClient.opened(core, 0)

    monkeypatch.setattr(core, "opened", opened)
    with pytest.raises(NotConnected, match=r"certificate is not trusted.*server\.ca_pem"):
        Client(lab_loop, core)
    assert server.client("alice").send("still here") is not None
    assert lab.failures()[failures:] == []
    assert caplog.messages == []  # a cell shows what is logged


def test_who_speaks_plain_http_gets_nowhere(
    start: Start, technique: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = start(technique, tls=True)
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"http://127.0.0.1:{server.port}/healthz", trust_env=False)
    assert server.client("alice").send("still here") is not None
    assert caplog.messages == []


def test_a_page_of_the_server_itself_must_have_come_over_tls_as_well(start: Start) -> None:
    server = start("short_polling", tls=True, allowed_origins=())
    headers = {"Authorization": f"Bearer {server.token('alice')}"}
    with httpx2.Client(verify=verifying(server), headers=headers, trust_env=False) as client:
        own = server.url
        assert client.get(f"{own}/messages", headers={"Origin": own}).status_code == 200
        plain = own.replace("https", "http")
        assert client.get(f"{own}/messages", headers={"Origin": plain}).status_code == 403


def test_a_server_without_tls_has_no_certificate(start: Start) -> None:
    with pytest.raises(LabError, match="tls=True"):
        start("websocket").ca_pem  # noqa: B018


def test_servers_of_a_kernel_share_an_authority(start: Start) -> None:
    first = start("sse", tls=True)
    second = start("websocket", tls=True)
    assert first.ca_pem == second.ca_pem == authority().ca_pem
    url = f"{first.url}/healthz"
    assert httpx2.get(url, verify=verifying(second), trust_env=False).text == "ok\n"


def test_the_authoritys_key_is_in_no_file() -> None:
    made = Authority()
    folder = Path(made.ca_pem).parent
    assert [path.name for path in folder.iterdir()] == ["ca.pem"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "PRIVATE" not in Path(made.ca_pem).read_text()
    with made.certificate() as path:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
        assert isinstance(load_certificate(path), ssl.SSLContext)
    assert not Path(path).exists()


def test_no_file_outlives_the_kernel() -> None:
    program = (
        "import labserver as lab\n"
        "server = lab.start('websocket', tls=True)\n"
        "server.client('alice').send('hi')\n"
        "print(server.ca_pem)\n"
    )
    path = subprocess.check_output([sys.executable, "-c", program], text=True).strip()
    assert path.endswith("ca.pem")
    assert not Path(path).parent.exists()


def shake_hands(context: ssl.SSLContext, made: Authority, name: str) -> None:
    """Shake hands in memory, as a client that expects the server to be `name`."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = made.client_context().wrap_bio(down, up, server_hostname=name)
    server = context.wrap_bio(up, down, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    server.do_handshake()


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "::1", "lab.example", "10.1.2.3", "fd00::1"]
)
def test_the_certificate_is_for_loopback_and_for_the_names_of_the_server(name: str) -> None:
    made = Authority()
    names = ["lab.example:8443", "10.1.2.3", "fd00::1", "0.0.0.0", "no host"]
    shake_hands(made.server_context(names), made, name)


def test_the_certificate_is_for_nobody_else() -> None:
    made = Authority()
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(made.server_context(["lab.example"]), made, "other.example")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|unable to get"):
        shake_hands(Authority().server_context(), made, "localhost")


def test_a_name_that_cannot_be_certified_is_an_error() -> None:
    with pytest.raises(LabError, match="xn--a"):
        Authority().server_context(["xn--a"])


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\n"])
def test_a_file_that_is_not_a_certificate_is_an_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pem"
    path.write_text(content)
    with pytest.raises(LabError, match="PEM file"):
        load_certificate(str(path))


@pytest.fixture
def start_process() -> Iterator[Start]:
    """Starts servers in processes of their own, and stops those that are left."""
    yield lambda technique, **options: server_process.start(
        ServerConfig(technique=technique, **options)
    )
    runtime.stop_all()


@pytest.mark.parametrize("options", [{}, {"record": False}], ids=["recorded", "direct"])
def test_a_process_of_its_own_has_a_certificate_of_the_same_authority(
    start_process: Start, monkeypatch: pytest.MonkeyPatch, options: dict[str, bool]
) -> None:
    handed_over: list[str] = []
    certified = Authority.certificate

    @contextmanager
    def certificate(self: Authority, names: Iterable[str] = ()) -> Iterator[str]:
        with certified(self, names) as path:
            handed_over.append(path)
            yield path

    monkeypatch.setattr(Authority, "certificate", certificate)
    with start_process("sse", tls=True, http2=True, **options) as server:
        assert server.url.startswith("https://")
        assert server.ca_pem == authority().ca_pem
        with server.client("alice") as alice:
            assert alice.send("hi") is not None
        (certificate,) = handed_over
        assert not Path(certificate).exists()
