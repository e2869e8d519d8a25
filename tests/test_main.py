"""The command line, as a shell sees it."""

from __future__ import annotations

import json
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import pandas
import psutil
import pytest
from click.testing import CliRunner, Result
from websockets.sync.client import ClientConnection, connect

from labserver import __version__
from labserver.__main__ import main
from labserver.chat.tokens import Tokens
from labserver.clock import SystemClock
from labserver.runtime.tls import authority
from labserver.techniques import NAMES
from tests.backends.redis_server import RedisServer
from tests.ports import busy_port, reserved_port
from tests.served import SECRET, TECHNIQUES, Served, environment, labserver, serving
from tests.waiting import DEADLINE_S, wait_until, within


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder that is not there yet."""
    return tmp_path / "state"


def come_in(served: Served, user: str, token: str | None = None) -> connect:
    """A WebSocket to the lobby."""
    url = f"ws://{served.address}/ws/chat?token={token or served.token(user)}"
    return connect(url, compression=None, proxy=None)


@contextmanager
def converse(served: Served, user: str, token: str | None = None) -> Iterator[ClientConnection]:
    """The same, once it hears all that is said."""
    with come_in(served, user, token) as connection:
        connection.send('{"type":"PING"}')
        while json.loads(connection.recv(timeout=DEADLINE_S)) != {"type": "PONG"}:
            pass
        yield connection


def say(connection: ClientConnection, **data: str) -> None:
    connection.send(json.dumps({"type": "CHAT_MESSAGE", "data": data}))


def hear(connection: ClientConnection, kind: str) -> dict[str, str]:
    while (event := json.loads(connection.recv(timeout=DEADLINE_S)))["type"] != kind:
        pass
    data: dict[str, str] = event["data"]
    return data


def get(served: Served, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=DEADLINE_S)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


# serve


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_it_says_ready_once_and_nothing_else_on_stdout(technique: str, state: Path) -> None:
    with serving(technique, state=state) as served:
        assert served.first_line == f"ready http://127.0.0.1:{served.port}\n"
        assert get(served, "/healthz") == 200
        assert get(served, "/nothing/here") == 404
        assert served.stop() == 0
        assert served.rest_of_stdout() == ""
        assert "Traceback" not in served.log.read_text()
        assert "stopping: SIGTERM" in served.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_an_open_websocket_with_1001(number: signal.Signals, state: Path) -> None:
    with serving("websocket", state=state) as served, converse(served, "alice") as alice:
        say(alice, content="hi", id="1")
        assert hear(alice, "ACK")["status"] == "delivered"
        with within(5):
            served.process.send_signal(number)
            deque(alice, maxlen=0)  # to its end
            assert alice.close_code == 1001
            assert served.process.wait(DEADLINE_S) == 0
        assert "Traceback" not in served.log.read_text()


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_it_ends_in_time_while_a_peer_sits_on_its_connection(technique: str, state: Path) -> None:
    with serving(technique, state=state) as served:
        peers = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(3)]
        path = {
            "short_polling": "/messages",
            "long_polling": "/messages?wait=60",
            "sse": "/events",
            "websocket": "/ws/chat",
            "webrtc": "/ws/signal",
        }[technique]
        upgrade = (
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            if path.startswith("/ws")
            else ""
        )
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {served.address}\r\n{upgrade}"
            f"Authorization: Bearer {served.token('mallory')}\r\n\r\n"
        )
        peers[0].sendall(request.encode())  # and reads nothing, and answers no close
        peers[1].sendall(request.encode()[:40])
        time.sleep(0.3)
        with within():
            assert served.stop() == 0
        assert "did not close" not in served.log.read_text()
        for peer in peers:
            peer.close()


def test_a_second_signal_changes_nothing(state: Path) -> None:
    with serving("websocket", state=state) as served:
        served.process.send_signal(signal.SIGTERM)
        assert served.stop() == 0


def test_two_conversations_at_once_and_a_port_of_ones_own(state: Path) -> None:
    with (
        reserved_port() as port,
        serving("websocket", "--port", str(port), state=state) as served,
    ):
        assert served.port == port
        with converse(served, "alice") as alice, converse(served, "bob") as bob:
            say(alice, content="hi", id="1")
            message = hear(bob, "CHAT_MESSAGE")
            assert message == {"senderId": "alice", "content": "hi", "id": "1"}


def test_accepted_direct_messages_survive_a_sigkill(state: Path) -> None:
    with serving("websocket", state=state) as served, converse(served, "alice") as alice:
        for n in range(10):
            say(alice, content=f"{n}", id=f"{n}", recipientId="bob")
        for _ in range(10):
            assert hear(alice, "ACK")["status"] == "queued"
        served.process.kill()
        served.process.wait()
    assert stat.S_IMODE((state / "mailbox.sqlite3").stat().st_mode) == 0o600
    with serving("websocket", state=state) as served, come_in(served, "bob") as bob:
        heard = [hear(bob, "CHAT_MESSAGE")["content"] for _ in range(10)]
        assert heard == [str(n) for n in range(10)]


def test_a_store_may_be_named(state: Path, tmp_path: Path) -> None:
    store = tmp_path / "elsewhere.db"
    with serving("websocket", "--store", str(store), state=state) as served:
        assert served.stop() == 0
    assert store.exists()
    assert not (state / "mailbox.sqlite3").exists()


# Who may come in


def status(served: Served, **headers: str) -> int:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=DEADLINE_S)
    connection.request("OPTIONS", "/tickets", headers=headers)
    answer = connection.getresponse().status
    connection.close()
    return answer


def test_origins_and_hosts(state: Path) -> None:
    allowed = ("--allow-origin", "https://*.example.com", "--allow-origin", "https://lab.example")
    with serving("websocket", *allowed, "--allow-host", "lab.local", state=state) as served:
        assert status(served, Origin="https://a.example.com") == 204
        assert status(served, Origin="https://lab.example") == 204
        assert status(served, Origin="https://evil-example.com") == 403
        assert status(served, Origin="http://localhost:8888") == 403
        assert status(served, Origin=served.url) == 204
        assert status(served, Host="lab.local") == 204
        assert status(served, Host="rebound.example") == 421


def test_by_default_pages_of_loopback_are_let_in(state: Path) -> None:
    with serving("websocket", state=state) as served:
        assert status(served, Origin="http://localhost:8888") == 204
        assert status(served, Origin="https://example.com") == 403


def test_an_empty_pattern_lets_in_no_page_but_its_own(state: Path) -> None:
    with serving("websocket", "--allow-origin", "", state=state) as served:
        assert status(served, Origin="http://localhost:8888") == 403
        assert status(served, Origin=served.url) == 204


def test_with_a_secret_it_listens_for_others(state: Path) -> None:
    with serving("websocket", "--host", "0.0.0.0", state=state) as served:
        assert served.url == f"http://127.0.0.1:{served.port}"
        with converse(served, "alice") as alice:
            say(alice, content="hi", id="1")
            assert hear(alice, "ACK")["status"] == "delivered"


# token


def test_serve_and_token_share_a_secret_of_their_own(state: Path) -> None:
    run = labserver("token", "alice", state=state)
    assert (run.returncode, run.stderr) == (0, "")
    secret = state / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    with subprocess.Popen(
        [sys.executable, "-m", "labserver", "serve", "websocket"],
        env=environment(state),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        served = Served(process, process.stdout.readline(), state)
        with converse(served, "alice", token=run.stdout.strip()) as alice:
            say(alice, content="hi", id="1")
            assert hear(alice, "ACK")["status"] == "delivered"
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


def test_both_take_the_secret_of_the_environment(state: Path) -> None:
    run = labserver("token", "alice", "--ttl", "60", state=state, LABSERVER_SECRET=SECRET)
    assert Tokens(SECRET, SystemClock()).verify(run.stdout.strip()) == "alice"
    assert not state.exists()
    token = run.stdout.strip()
    with serving("websocket", state=state) as served, converse(served, "alice", token) as alice:
        say(alice, content="hi", id="1")
        assert hear(alice, "CHAT_MESSAGE")["senderId"] == "alice"


def test_a_token_expires(state: Path) -> None:
    run = labserver("token", "alice", "--ttl", "1", state=state, LABSERVER_SECRET=SECRET)
    ends = time.monotonic() + 1.1
    with serving("websocket", state=state) as served:
        time.sleep(max(0.0, ends - time.monotonic()))
        connection = HTTPConnection("127.0.0.1", served.port, timeout=DEADLINE_S)
        connection.request("GET", f"/ws/chat?token={run.stdout.strip()}")
        answer = connection.getresponse()
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer error=")
        connection.close()


# TLS and HTTP/2


def test_with_a_certificate_it_serves_over_tls_and_http_2_where_asked_to(state: Path) -> None:
    with authority().certificate() as certificate:
        words = ["--certificate", certificate, "--http2"]
        with serving("sse", *words, state=state) as served:
            assert served.first_line == f"ready https://127.0.0.1:{served.port}\n"
            trust = authority().client_context()
            with httpx2.Client(verify=trust, http2=True, trust_env=False) as client:
                answer = client.get(f"{served.url}/healthz")
            assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
            assert served.stop() == 0
            assert "Traceback" not in served.log.read_text()


# progress


def test_progress_goes_from_one_host_to_another(state: Path, tmp_path: Path) -> None:
    state.mkdir()
    passed = {"version": 2, "exercises": {"E12": {"outcome": "pass", "checks": 1}}}
    (state / "progress.json").write_text(json.dumps(passed))
    taken, other = tmp_path / "taken.json", tmp_path / "other"
    run = labserver("progress", "export", str(taken), state=state)
    assert (run.returncode, run.stdout) == (0, f"wrote {taken}\n")
    run = labserver("progress", "import", str(taken), state=other)
    assert (run.returncode, run.stdout) == (0, "added 1 exercise; now passed: E12.\n")
    assert json.loads((other / "progress.json").read_text())["exercises"] == passed["exercises"]


def test_progress_goes_through_a_pipe(called: Callable[..., Result], tmp_path: Path) -> None:
    taken = called("progress", "export", "-")
    assert taken.exit_code == 0
    elsewhere = {"LABSERVER_STATE": str(tmp_path / "elsewhere")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABSERVER_STATE", elsewhere["LABSERVER_STATE"])
        run = CliRunner().invoke(main, ["progress", "import", "-"], input=taken.stdout)
    assert (run.exit_code, run.stdout) == (0, "nothing was new.\n")


def test_a_broken_export_is_one_sentence(called: Callable[..., Result], tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    run = called("progress", "import", str(broken))
    assert (run.exit_code, run.stdout) == (2, "")
    assert run.stderr.startswith("labserver: ")
    assert "broken.json is no export of progress" in run.stderr
    assert run.stderr.count("\n") == 1


# Errors: one sentence, no traceback


@pytest.mark.parametrize(
    ("words", "variables", "code", "says"),
    [
        (["serve", "websocket", "--redis", "redis://127.0.0.1:1"], {}, 1, "redis-server"),
        (["serve", "websocket", "--redis", "nonsense"], {}, 1, "redis://"),
        (["serve", "websocket", "--host", "no.such.host.invalid"], {"LABSERVER_SECRET": SECRET}, 1,
         "Cannot listen"),
        (["serve", "websocket", "--store", "/dev/null/mail"], {}, 1, "mailbox"),
        (["serve", "carrier_pigeon"], {}, 2, ", ".join(NAMES)),
        (["token", "not a name"], {}, 2, "1 to 64"),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence(
    words: list[str], variables: dict[str, str], code: int, says: str, state: Path
) -> None:
    run = labserver(*words, state=state, **variables)
    assert run.returncode == code, run.stderr
    assert run.stdout == ""
    assert says in run.stderr
    assert run.stderr.startswith("labserver: ")
    assert run.stderr.count("\n") == 1


@pytest.fixture
def called(state: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Calls the command line in this process, which is enough for what ends before it begins."""

    def call(*words: str, **variables: str) -> Result:
        monkeypatch.delenv("LABSERVER_SECRET", raising=False)
        more = {"LABSERVER_STATE": str(state), **variables}
        return CliRunner().invoke(main, words, prog_name="labserver", env=more)

    return call


@pytest.mark.parametrize(
    ("words", "variables", "says"),
    [
        (["serve", "websocket", "--host", "0.0.0.0"], {}, "LABSERVER_SECRET"),
        (["serve", "websocket", "--allow-origin", "example.com"], {}, "'example.com'"),
        (["serve", "websocket", "--allow-origin", "https://*"], {}, "https://*"),
        (["serve", "websocket"], {"LABSERVER_SECRET": "short"}, "5 bytes"),
        (["serve", "websocket"], {"LABSERVER_SECRET": ""}, "0 bytes"),
        (["serve", "websocket", "--http2"], {}, "Only sse"),
        (["serve", "websocket", "--certificate", __file__], {}, "PEM file"),
        (["compare", "--techniques", "pigeon"], {}, "no technique 'pigeon'"),
        (["compare", "--techniques", ""], {}, "there are short_polling"),
        (["compare", "--rtt-ms", "-1"], {}, "0 to 2,000 ms"),
        (["compare", "--techniques", "webrtc", "--rtt-ms", "9"], {}, "UDP"),
        (["compare", "--out", __file__], {}, "is a file"),
        (["token", "alice"], {"LABSERVER_SECRET": "short"}, "5 bytes"),
        (["lab", __file__, "--no-open"], {}, "is a file: name a folder"),
        (["lab", str(Path(__file__).parent), "--no-open"], {}, "is not a copy of the course"),
    ],
)  # fmt: skip
def test_misuse_is_one_sentence(
    words: list[str], variables: dict[str, str], says: str, called: Callable[..., Result]
) -> None:
    run = called(*words, **variables)
    assert run.exit_code == 2, run.output
    assert run.stdout == ""
    assert says in run.stderr
    assert run.stderr.startswith("labserver: ")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("--port=9000", "write it after --, as in `labserver lab -- --port=9000`."),
        ("--frsh=03", "No such option '--frsh'. Did you mean '--fresh'?"),
    ],
)
def test_an_option_that_lab_does_not_have_may_be_for_jupyterlab(
    wrong: str, says: str, called: Callable[..., Result]
) -> None:
    run = called("lab", wrong)
    assert run.exit_code == 2
    assert says in run.stderr


def test_a_busy_port_is_an_error(state: Path) -> None:
    with busy_port() as port:
        run = labserver("serve", "websocket", "--port", str(port), state=state)
    assert run.returncode == 1
    assert f"port {port}" in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["serve"],
        ["serve", "websocket", "--port", "65536"],
        ["token", "alice", "--ttl", "0"],
        ["compare", "--messages", "0"],
    ],
)
def test_wrong_use_is_shown_the_usage(words: list[str], called: Callable[..., Result]) -> None:
    run = called(*words)
    assert run.exit_code == 2
    assert "Usage: labserver" in run.stderr
    assert isinstance(run.exception, SystemExit)  # and no traceback


# doctor, and the rest


def test_the_doctor_has_a_verdict_on_everything(state: Path) -> None:
    run = labserver("doctor", state=state)
    assert run.returncode == int("failed" in run.stdout)
    assert run.stderr == ""
    for what in ("Python", "ipykernel", "websockets", "background loop", "round trip: sse"):
        assert what in run.stdout


def test_it_tells_its_version_and_its_commands(state: Path, called: Callable[..., Result]) -> None:
    assert labserver("--version", state=state).stdout.strip().endswith(__version__)
    help_text = called("--help").stdout
    for command in ("lab", "serve", "token", "compare", "doctor", "completion"):
        assert command in help_text
    options = called("serve", "--help").stdout
    for option in ("--port", "--host", "--redis", "--allow-origin", "--allow-host", "--store"):
        assert option in options


@pytest.mark.redis
def test_two_servers_share_a_conversation_over_redis(
    redis_server: str, state: Path, tmp_path: Path
) -> None:
    with (
        RedisServer.running(redis_server, tmp_path) as redis,
        serving("websocket", "--redis", redis.url, state=tmp_path / "one") as one,
        serving("websocket", "--redis", redis.url, state=tmp_path / "two") as two,
        converse(one, "alice") as alice,
        converse(two, "bob") as bob,
    ):
        say(alice, content="hi", id="1")
        assert hear(bob, "CHAT_MESSAGE")["content"] == "hi"
        say(bob, content="psst", id="2", recipientId="alice")
        while hear(alice, "CHAT_MESSAGE")["content"] != "psst":
            pass
        assert one.stop() == 0
        assert two.stop() == 0
    assert not (tmp_path / "one" / "mailbox.sqlite3").exists()


# compare


@dataclass(frozen=True)
class Compared:
    """What one run of `labserver compare` left.

    Attributes:
        run: its exit code and what it printed.
        out: the folder of its report.
    """

    run: subprocess.CompletedProcess[str]
    out: Path


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """A short comparison of three techniques, of which one cannot be measured over a link."""
    folder = tmp_path_factory.mktemp("compared")
    out = folder / "out"
    techniques = "--techniques=sse,websocket,webrtc"
    words = [techniques, "--rtt-ms=20", "--quick", "--messages=5", f"--out={out}"]
    # FORCE_COLOR makes rich take a pipe for a terminal, on which it would redraw a bar.
    run = labserver("compare", *words, state=folder / "state", FORCE_COLOR="1")
    run.stdout = re.sub(r"\x1b\[[\d;]*m", "", run.stdout)
    return Compared(run, out)


def test_compare_prints_a_table_and_writes_a_report(compared: Compared) -> None:
    run, out = compared.run, compared.out
    assert run.returncode == 0, run.stderr
    starts = {line.split()[0] for line in run.stdout.splitlines() if line.strip()}
    assert {"technique", "sse", "websocket", "wrote"} <= starts
    assert "long_polling" not in run.stdout
    assert run.stderr == ""  # a bar is for a terminal
    latencies = pandas.read_csv(out / "latency.csv")
    assert latencies.groupby("technique")["message"].nunique().to_dict() == dict.fromkeys(
        ("sse", "websocket"), 5
    )
    assert set(pandas.read_csv(out / "overhead.csv")["technique"]) == {"sse", "websocket"}
    assert json.loads((out / "latency.json").read_text())["environment"]["cores"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<th scope='row'>websocket</th>" in page
    assert "Quick results, which are less certain" in page
    assert "Quick results, which are less certain" in run.stdout.replace("\n", " ")
    assert str(out.parent) not in page


def test_compare_keeps_its_figures_in_the_progress(compared: Compared) -> None:
    written = json.loads((compared.out.parent / "state" / "progress.json").read_text())["runs"]
    assert {"latency.p50", "overhead.wire"} <= {series["key"] for series in written.values()}
    assert all(one["quick"] for series in written.values() for one in series["values"])


def test_compare_says_what_it_left_out(compared: Compared) -> None:
    assert compared.run.returncode == 0, compared.run.stderr
    said = compared.run.stdout.replace("\n", " ")
    assert "webrtc was not measured over a round trip of 20 ms" in said


def test_compare_replaces_no_file_of_somebody_else(
    called: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text("mine")
    run = called("compare", "--quick", "--out", str(tmp_path))
    assert run.exit_code == 2
    assert run.stderr.count("\n") == 1
    assert f"{tmp_path / 'report.html'} is in the way" in run.stderr
    assert (tmp_path / "report.html").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other interrupts")
def test_an_interrupt_ends_compare_and_all_that_it_started(state: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["compare", "--techniques=sse,websocket", "--messages=1000", f"--out={out}"]
    with subprocess.Popen(
        [sys.executable, "-m", "labserver", *words],
        env=environment(state),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:

        def started() -> list[psutil.Process]:
            found = psutil.Process(process.pid).children(recursive=True)
            return found if len(found) >= 3 else []  # the load, and two servers

        found = wait_until(started)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert said == ""
    assert "Traceback" not in complained
    assert complained.endswith("labserver: interrupted.\n")
    assert psutil.wait_procs(found, timeout=DEADLINE_S)[1] == []
    assert not out.exists()
