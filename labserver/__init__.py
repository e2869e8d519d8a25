"""Realtime Lab: real-time web communication to run, see, measure and practise.

    import labserver as lab

    server = lab.start("websocket")
    server.chat("alice")

What is heavy is imported where it is first used: importing this package takes milliseconds.
"""

from __future__ import annotations

import os
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
    "failures",
    "hint",
    "inspect",
    "latency",
    "overhead",
    "predict",
    "progress",
    "reset",
    "serve_yours",
    "start",
    "stop_all",
    "survival",
]
__version__ = "0.1.0"

TECHNIQUES = ("short_polling", "long_polling", "sse", "websocket", "webrtc")


# Where a name is defined; it is imported when it is first used.
_LAZY = {
    "LINKS": "network.profiles",
    "Link": "network.link",
    "Trace": "trace.trace",
    "Workload": "measure.workload",
    "capacity": "measure.capacity",
    "check": "practice.check",
    "choose": "practice.choose",
    "hint": "practice.progress.hints",
    "latency": "measure.latency",
    "overhead": "measure.overhead",
    "predict": "practice.progress.predict",
    "progress": "practice.progress.table",
    "reset": "practice.progress.reset",
    "serve_yours": "learner_server.handle",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
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
    tls: bool = False,
    http2: bool = False,
    record: bool = True,
    link: Link | str | None = None,
) -> Server:
    """Start a chat server in this kernel; one of the same name is replaced.

    Args:
        technique: short_polling, long_polling, sse, websocket or webrtc.
        hub: another server's, to share its conversation; None: a new one.
        port: TCP port; 0: a free one.
        host: the address to listen on.
        name: for the register of servers; the technique's by default.
        process: run it in a process of its own.
        allowed_origins: patterns such as `https://*.example.com` that browser pages may come
            from, beside the server's own origin; None: loopback origins.
        allowed_hosts: Host headers that are served, beside loopback and `host`.
        secret: signs the tokens; None: one that this kernel's servers share.
        store: the SQLite file for direct messages; None: it lasts as long as the kernel.
        tls: over https and wss, with a certificate of this kernel's own authority; who is to
            trust it gets `server.ca_pem`. The tape then has what any eavesdropper sees.
        http2: over HTTP/2, for sse. Browsers speak it only with `tls`; without, it is in clear
            text, for clients that know it beforehand (RFC 9113 §3.3), and its frames are on
            the tape.
        record: put a relay in front of it, which writes down every byte (`server.trace`).
        link: the network that the relay plays, such as `lab.Link(rtt_ms=80)`, or the name of one
            of `lab.LINKS`, such as `"slow_4g"`.

    Raises:
        LabError: if there is no such technique, the port is busy, or arguments do not go
            together.
    """
    from labserver.network.profiles import link_of
    from labserver.runtime import process as own_process
    from labserver.runtime import server
    from labserver.runtime.config import Faces, ServerConfig

    order = ServerConfig(
        technique=technique,
        hub=hub,
        port=port,
        host=host,
        name=name,
        allowed_origins=allowed_origins,
        allowed_hosts=allowed_hosts,
        secret=secret,
        store=store,
        tls=tls,
        http2=http2,
        record=record,
        link=link_of(link),
        faces=Faces(_chat_widget, _browser_pane, inspect),
    )
    return own_process.start(order) if process else server.start(order)


def stop_all() -> None:
    """Stop every server of this kernel, and the thread they ran on."""
    from labserver.runtime import server

    server.stop_all()


def failures() -> list[BaseException]:
    """What failed in the background, where no cell was waiting for it."""
    from labserver.runtime.loop import lab_loop

    return list(lab_loop.failures)


def doctor() -> Findings:
    """Look at this machine: is all there that the lessons need? As a cell's last line, a table."""
    from labserver.machine import doctor as examine

    return examine()


def inspect(trace: Trace, title: str = "") -> Any:
    """A trace as a widget: a list of messages, live while it grows; a click shows bytes and bits.

    Args:
        trace: a server's, a part of one (`trace.only(…)`), or one that was saved.
        title: stands over it.
    """
    from labserver.widgets.inspector import Inspector

    return Inspector(trace, title)


def chatter(client: Client, *, messages: int = 30, per_s: float = 2.0, seed: int = 2) -> Chatter:
    """Let a client speak at random moments, in the background.

    Args:
        client: who speaks.
        messages: how many.
        per_s: how many a second on average.
        seed: the same seed, the same pauses.

    Returns:
        An object that knows whether it is still `talking`, and when each message was `sent`.
    """
    from labserver.measure.chatter import Chatter

    return Chatter(client, messages=messages, per_s=per_s, seed=seed)


def survival(
    proxies: Mapping[str, Link] | None = None,
    techniques: Iterable[str] = TECHNIQUES,
    *,
    silence_s: float = 2.5,
) -> pandas.DataFrame:
    """Which technique gets through which proxy: each tries, waits in silence, and must hear all.

    Args:
        proxies: what stands in between, by name; None: the three of `LINKS`, the impatient ones
            with a patience that is shorter than the silence.
        techniques: their names.
        silence_s: how long nobody speaks before the messages come, seconds.

    Returns:
        One row a technique and proxy; see `labserver.measure.proxies`.
    """
    from dataclasses import replace

    from labserver.measure.proxies import survival
    from labserver.network.profiles import LINKS

    if proxies is None:
        chosen = {name: link for name, link in LINKS.items() if name.endswith("_proxy")}
        proxies = {
            name: replace(link, idle_timeout_s=silence_s / 2) if link.idle_timeout_s else link
            for name, link in chosen.items()
        }
    return survival(start, techniques, proxies, silence_s=silence_s)


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
    )
