"""Realtime Lab: real-time web communication to run, see, measure and practise.

    import labserver as lab

    server = lab.start("websocket")
    server.chat("alice")

What is heavy is imported where it is first used: importing this package takes milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from labserver.errors import LabError, NotConnected, Refused

if TYPE_CHECKING:
    from labserver.chat.hub import Hub
    from labserver.measure.chatter import Chatter
    from labserver.runtime.client import Client
    from labserver.runtime.doctor import Findings
    from labserver.runtime.server import Server
    from labserver.wire.link import Link
    from labserver.wire.trace import Trace

__all__ = [
    "TECHNIQUES",
    "LabError",
    "Link",
    "NotConnected",
    "Refused",
    "Trace",
    "chatter",
    "doctor",
    "failures",
    "start",
    "stop_all",
]
__version__ = "0.1.0"

TECHNIQUES = ("short_polling", "long_polling", "sse", "websocket", "webrtc")


def __getattr__(name: str) -> Any:
    if name == "Link":
        from labserver.wire.link import Link

        return Link
    if name == "Trace":
        from labserver.wire.trace import Trace

        return Trace
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
    record: bool = True,
    link: Link | None = None,
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
        record: put a relay in front of it, which writes down every byte (`server.trace`).
        link: the network that the relay plays, such as `lab.Link(rtt_ms=80)`.

    Raises:
        LabError: if there is no such technique, the port is busy, or arguments do not go
            together.
    """
    from labserver.runtime import process as own_process
    from labserver.runtime import server

    if process:
        if hub is not None:
            raise LabError("A hub cannot be shared with another process: leave out hub=.")
        return own_process.start(
            technique,
            port=port,
            host=host,
            name=name,
            allowed_origins=allowed_origins,
            allowed_hosts=allowed_hosts,
            secret=secret,
            store=store,
            record=record,
            link=link,
            widget=_chat_widget,
        )
    return server.start(
        technique,
        hub=hub,
        port=port,
        host=host,
        name=name,
        allowed_origins=allowed_origins,
        allowed_hosts=allowed_hosts,
        secret=secret,
        store=store,
        record=record,
        link=link,
        widget=_chat_widget,
    )


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
    from labserver.runtime import doctor

    return doctor.doctor()


def chatter(client: Client, *, messages: int = 30, per_s: float = 2.0, seed: int = 1) -> Chatter:
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


def _chat_widget(client: Client, technique: str) -> Any:
    from labserver.widgets.chat import ChatWidget

    return ChatWidget(client, technique)
