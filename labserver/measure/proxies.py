"""Which technique gets through which proxy.

A listener first waits while nothing is sent, and must then receive every message.

All attempts run at the same time, each with servers of its own, because most of the time is spent
waiting. What counts is whether messages arrive, not how fast.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING

from labserver.errors import LabError
from labserver.measure.measurement import Measurement, tell
from labserver.network.link import Link
from labserver.runtime.client import Client
from labserver.runtime.server import Server
from labserver.wire.message import Kind

if TYPE_CHECKING:
    import pandas

MESSAGES = 3
OPEN_S = 5.0  # to connect
HEAR_S = 5.0  # per message; a client that was cut off comes back within 1 s

COLUMNS = ("technique", "proxy", "outcome", "heard", "of", "connections", "seconds")


def try_proxies(
    start: Callable[..., Server],
    techniques: Iterable[str],
    proxies: Mapping[str, Link],
    *,
    silence_s: float = 2.5,
) -> pandas.DataFrame:
    """Try every technique through every proxy.

    Args:
        start: starts a server, as `labserver.start` does.
        techniques: the techniques' names.
        proxies: the proxies in between, by name.
        silence_s: seconds of silence at first, in which an impatient proxy may close a connection.

    Returns:
        One row per technique and proxy: `outcome` ("works", "works, reconnecting", "refused …",
        "no connection" or "messages lost"), how many messages were `heard` and `of` how many, how
        many TCP `connections` it took, and the `seconds` from the first message sent to the last
        one heard.
    """
    import pandas

    pairs = list(product(techniques, proxies))
    with ThreadPoolExecutor(len(pairs) or 1) as threads:
        attempts = [
            threads.submit(_attempt, start, technique, proxy, proxies[proxy], silence_s)
            for technique, proxy in pairs
        ]
    rows = [attempt.result() for attempt in attempts]
    tell(
        [
            Measurement(
                "proxies.outcome",
                outcome,
                conditions={"technique": technique, "proxy": proxy, "silence_s": silence_s},
            )
            for technique, proxy, outcome, *_ in rows
        ]
    )
    return pandas.DataFrame(rows, columns=list(COLUMNS))


def _attempt(
    start: Callable[..., Server], technique: str, proxy: str, link: Link, silence_s: float
) -> tuple[str, str, str, int, int, int, float]:
    name = f"{technique} through {proxy}"
    with (
        start("websocket", name=f"beside {name}", record=False) as direct,
        start(technique, name=name, hub=direct.hub, link=link) as behind,
    ):
        heard, seconds = 0, float("nan")
        try:
            with (
                behind.client("listener", timeout=OPEN_S) as listener,
                direct.client("speaker") as speaker,
            ):
                time.sleep(silence_s)
                heard, seconds = _speak(speaker, listener)
            outcome = "works" if heard == MESSAGES else "messages lost"
        except LabError as error:
            outcome = _why(error)
        connections = len(behind.trace.only(kind=Kind.CONNECT))
        cut = len({m.connection for m in behind.trace.only(kind=Kind.CLOSE) if _is_cut(m.detail)})
        if outcome == "works" and cut:
            outcome = "works, reconnecting"
    return technique, proxy, outcome, heard, MESSAGES, connections, seconds


def _speak(speaker: Client, listener: Client) -> tuple[int, float]:
    began = time.perf_counter()
    for number in range(MESSAGES):
        speaker.send(f"message {number}")
    heard = 0
    while heard < MESSAGES and listener.receive(HEAR_S, type="CHAT_MESSAGE") is not None:
        heard += 1
    return heard, time.perf_counter() - began


def _why(error: LabError) -> str:
    status = getattr(error, "status", None)
    return "no connection" if status is None else f"refused, {status}"


def _is_cut(detail: Mapping[str, object]) -> bool:
    return "RST" in str(detail.get("how"))
