"""Realtime Lab: run, see, measure and practise real-time web communication.

    import labserver as lab

    server = lab.start("websocket")
    server.chat("alice")

Anything heavy is imported when it is first used, so that importing this package takes
milliseconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from labserver.errors import LabError, NotConnected, Refused

if TYPE_CHECKING:
    import pandas

    from labserver.chat.hub import Hub
    from labserver.machine import Findings
    from labserver.measure.chatter import Chatter
    from labserver.network.link import Link
    from labserver.runtime.client import Client
    from labserver.runtime.server import Server
    from labserver.trace.trace import Trace

__all__ = [
    "LINKS",
    "TECHNIQUES",
    "LabError",
    "Link",
    "NotConnected",
    "Refused",
    "Trace",
    "Workload",
    "capacity",
    "chatter",
    "check",
    "choose",
    "doctor",
    "exercise",
    "explain",
    "failures",
    "hint",
    "inspect",
    "latency",
    "live",
    "overhead",
    "predict",
    "progress",
    "recall",
    "reset",
    "serve_yours",
    "source",
    "start",
    "stop_all",
    "survival",
    "term",
    "verdict",
    "verdicts",
]
__version__ = "0.1.0"

# The same as labserver.techniques.NAMES, which costs a second to import.
TECHNIQUES = ("short_polling", "long_polling", "sse", "websocket", "webrtc")


# Where each name is defined; it is imported from there when it is first used.
_LAZY = {
    "LINKS": "network.profiles",
    "Link": "network.link",
    "Trace": "trace.trace",
    "Workload": "measure.workload",
    "capacity": "measure.capacity",
    "check": "practice.check",
    "choose": "practice.choose",
    "exercise": "practice.exercise_panel",
    "explain": "practice.asking.explain",
    "hint": "practice.progress.hints",
    "latency": "measure.latency",
    "overhead": "measure.overhead",
    "predict": "practice.asking.predict",
    "progress": "practice.progress.table",
    "recall": "practice.asking.recall",
    "reset": "practice.progress.reset",
    "serve_yours": "learner_server.handle",
    "source": "practice.source",
    "term": "practice.terms",
    "verdict": "practice.note.verdicts",
    "verdicts": "practice.note.verdicts",
}


# What measures: what it finds is kept among the learner's runs.
_MEASURING = ("capacity", "latency", "overhead")


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _MEASURING:
        _keep_runs()
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def start(
    technique: str,
    *,
    hub: Hub | None = None,
    port: int = 0,
    host: str = "127.0.0.1",
    name: str | None = None,
    process: bool = False,
    allowed_origins: Iterable[str] | None = None,
    allowed_hosts: Iterable[str] = (),
    secret: str | None = None,
    store: str | os.PathLike[str] | None = None,
    redis: str | None = None,
    tls: bool = False,
    http2: bool = False,
    record: bool = True,
    link: Link | str | None = None,
) -> Server:
    """Start a chat server; one of the same name is replaced.

    Args:
        technique: short_polling, long_polling, sse, websocket or webrtc.
        hub: another server's, to share its conversation; None for a new one.
        port: the TCP port; 0 for a free one.
        host: the address to listen on.
        name: the name in the register of servers; None for the technique's.
        process: whether to run it in a process of its own instead of in this kernel.
        allowed_origins: patterns such as `https://*.example.com` that browser pages may come
            from, besides the server's own origin; None for loopback origins.
        allowed_hosts: Host headers that are served, besides loopback and `host`.
        secret: signs the tokens; None for one that this kernel's servers share.
        store: the SQLite file for direct messages; None for one that lasts as long as the kernel.
        redis: the URL of a Redis, such as `redis://127.0.0.1:6379`, that all servers with the
            same URL share their conversation and direct messages through; `store` is then not
            used.
        tls: whether to serve over https and wss, with a certificate of this kernel's own
            authority. Others trust it if they are given `server.ca_pem`. The tape then holds
            what any eavesdropper sees.
        http2: whether to serve over HTTP/2, which sse can. Browsers speak it only with `tls`;
            without it, HTTP/2 is in clear text, for clients that know it beforehand (RFC 9113
            §3.3), and its frames are on the tape.
        record: whether a relay in front of the server records every byte (`server.trace`).
        link: the network that the relay plays, such as `lab.Link(rtt_ms=80)`, or the name of one
            in `lab.LINKS`, such as `"slow_4g"`.

    Returns:
        The running server.

    Raises:
        LabError: if there is no such technique, the port is busy, Redis cannot be reached, or
            arguments do not go together.
    """
    from labserver.network.profiles import link_of
    from labserver.runtime import server, server_process
    from labserver.runtime.config import ServerConfig

    config = ServerConfig(
        technique=technique,
        port=port,
        host=host,
        name=name,
        allowed_origins=None if allowed_origins is None else tuple(allowed_origins),
        allowed_hosts=tuple(allowed_hosts),
        secret=secret,
        store=None if store is None else os.fspath(store),
        redis=redis,
        tls=tls,
        http2=http2,
        record=record,
        link=link_of(link),
    )
    widgets = server.Widgets(_chat_widget, _browser_pane, inspect)
    if not process:
        return server.start(config, hub=hub, widgets=widgets)
    if hub is not None:
        raise LabError("A hub cannot be shared with another process: use redis= instead of hub=.")
    return server_process.start(config, widgets)


def stop_all() -> None:
    """Stop every server of this kernel, and the thread that they ran on."""
    from labserver.runtime import server

    server.stop_all()


def failures() -> list[BaseException]:
    """Return the exceptions that were raised in the background, where no cell waits for them."""
    from labserver.runtime.loop import lab_loop

    return list(lab_loop.failures)


def doctor() -> Findings:
    """Check whether this machine has what the lessons need; takes a few seconds.

    Returns:
        What was found, which a cell shows as a table if this is its last line.
    """
    # Defined in machine.py, because importing a module labserver/doctor.py would put the module
    # in the place of this function.
    from labserver.machine import doctor as examine

    return examine()


def inspect(trace: Trace, title: str = "") -> Any:
    """Return a widget that lists a trace's messages, live; a click shows their bytes and bits.

    Args:
        trace: a server's trace, a part of one (`trace.only(…)`), or one that was saved.
        title: the title above the list.
    """
    from labserver.widgets.inspector import Inspector

    return Inspector(trace, title)


def live(*servers: Server) -> Any:
    """Return a widget with lanes and counters that move while clients talk to the servers.

    With several servers each has a lane, and all lanes share one clock; with a single server each
    of its connections has one. Every message appears as it passes the relay.

    Args:
        servers: servers that record, at least one.

    Raises:
        LabError: if there is none, or one of them was started with record=False.
    """
    from labserver.widgets.live import Live

    return Live(servers)


def chatter(client: Client, *, messages: int = 30, per_s: float = 2.0, seed: int = 2) -> Chatter:
    """Let a client send messages at random moments, in the background.

    Args:
        client: the client that sends.
        messages: how many messages it sends.
        per_s: how many per second, on average.
        seed: the same seed gives the same pauses.

    Returns:
        An object that knows whether the client is still `talking`, and when each message was
        `sent`.
    """
    from labserver.measure.chatter import Chatter

    return Chatter(client, messages=messages, per_s=per_s, seed=seed)


def survival(
    proxies: Mapping[str, Link] | None = None,
    techniques: Iterable[str] = TECHNIQUES,
    *,
    silence_s: float = 2.5,
) -> pandas.DataFrame:
    """Try which technique gets through which proxy: a listener waits in silence, then must hear.

    Args:
        proxies: the proxies in between, by name; None for the three in `LINKS`, with idle
            timeouts shortened to half of the silence.
        techniques: the techniques' names.
        silence_s: how long nobody speaks before the messages come, in seconds.

    Returns:
        One row per technique and proxy; see `labserver.measure.proxies`.
    """
    from dataclasses import replace

    from labserver.measure.proxies import try_proxies
    from labserver.network.profiles import LINKS

    _keep_runs()
    if proxies is None:
        chosen = {name: link for name, link in LINKS.items() if name.endswith("_proxy")}
        proxies = {
            name: replace(link, idle_timeout_s=silence_s / 2) if link.idle_timeout_s else link
            for name, link in chosen.items()
        }
    return try_proxies(start, techniques, proxies, silence_s=silence_s)


def _keep_runs() -> None:
    """Have what is measured from now on kept; measure/ itself knows no progress."""
    from labserver.measure.measurement import on_measured
    from labserver.practice.progress.runs import keep

    on_measured(keep)


def _chat_widget(client: Client, technique: str) -> Any:
    from labserver.widgets.chat import ChatWidget

    return ChatWidget(client, technique)


def _browser_pane(server: Server, user: str, room: str) -> Any:
    from labserver.widgets.browser import TOKEN_TTL_S, BrowserPane

    return BrowserPane(
        user=user,
        room=room,
        technique=server.technique,
        url=server.url,
        token=lambda: server.token(user, TOKEN_TTL_S),
        connected=lambda: server.hub.is_connected(user, room),
    )


if "IPython" in sys.modules:  # in a notebook
    from labserver.missing_names import watch

    watch()
