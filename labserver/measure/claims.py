"""The claims of the study note's comparison table, each with a verdict and the evidence for it.

Claims that can be measured are judged by the figures of the learner's own run; those that a
standard or a provider settles carry its name and date; opinions are called so. A claim that was
not measured yet is open, not right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labserver.measure import verdict
from labserver.measure.verdict import Spread, digits

if TYPE_CHECKING:
    import pandas

TECHNIQUES = ("short_polling", "long_polling", "sse", "websocket")

HOLDS, CONDITIONS, FAILS, OPEN = "holds", "holds when", "does not hold", "open"
MEASURED, SPECIFIED, JUDGED = "measured", "specified", "judged"

COLUMNS = ("dimension", "technique", "note", "verdict", "how", "evidence")

NEAR = 2.0  # up to so many times the lowest is still low
FAR = 5.0  # from so many times the lowest on is high


@dataclass(frozen=True, slots=True)
class Claim:
    """One cell of the study note's table, judged.

    Attributes:
        note: what the study note says.
        verdict: "holds", "holds when", "does not hold" or "open".
        how: "measured", "specified" or "judged".
        evidence: the figures, or source and date.
    """

    note: str
    verdict: str
    how: str
    evidence: str


def claims_table(
    *,
    latency_ms: Mapping[str, Spread] | None = None,
    message_bytes: Mapping[str, float] | None = None,
    outcomes: pandas.DataFrame | None = None,
    connection_kib: Mapping[str, float] | None = None,
) -> pandas.DataFrame:
    """Judge the study note's comparison table by what was measured; what was not stays open.

    Args:
        latency_ms: milliseconds from due to heard, by technique.
        message_bytes: bytes on the wire for a message of one size, by technique.
        outcomes: the table that `labserver.survival` returns.
        connection_kib: the server's memory per idle connection in KiB, by technique.

    Returns:
        One row per claim, with `COLUMNS`, as text.
    """
    import pandas

    rows = {
        "Direction": _DIRECTION,
        "Overhead": _overhead(message_bytes),
        "Latency": _latency(latency_ms),
        "Scalability": _scalability(connection_kib),
        "Proxy support": _proxies(outcomes),
        "Browser support": _BROWSERS,
        "AWS": _AWS,
        "Best for": _BEST,
    }
    return pandas.DataFrame(
        [
            (dimension, technique, cell.note, cell.verdict, cell.how, cell.evidence)
            for dimension, cells in rows.items()
            for technique, cell in zip(TECHNIQUES, cells, strict=True)
        ],
        columns=list(COLUMNS),
    )


Claims = tuple[Claim, Claim, Claim, Claim]


def _latency(measured: Mapping[str, Spread] | None) -> Claims:
    notes = ("High (poll interval)", "Low", "Low", "Lowest")
    if measured is None:
        return _open(notes, "measure the latency first")
    best = min(spread.median for spread in measured.values())
    rival = min((t for t in TECHNIQUES if t != "websocket"), key=lambda t: measured[t].median)

    def judge(technique: str, note: str) -> Claim:
        spread = measured[technique]
        said = f"median {_ms(spread)}"
        if note == "Lowest":
            other = measured[rival]
            against = f"; {rival} {_ms(other)}"
            found = verdict.compare_spreads((technique, spread), (rival, other))
            if not found.decided:
                against += f": undecided, {found.reason}"
                return Claim(note, CONDITIONS, MEASURED, said + against)
            holds = HOLDS if found.lower == technique else FAILS
            return Claim(note, holds, MEASURED, said + against)
        low = note == "Low"
        as_said = spread.median <= NEAR * best if low else spread.median >= FAR * best
        evidence = f"{said}; best {digits(best)}"
        return Claim(note, HOLDS if as_said else CONDITIONS, MEASURED, evidence)

    return _each(judge, notes)


def _ms(spread: Spread) -> str:
    return f"{digits(spread.median)} ms ({digits(spread.least)} to {digits(spread.most)})"


def _overhead(measured: Mapping[str, float] | None) -> Claims:
    notes = ("High (repeated HTTP)", "Medium", "Low", "Lowest")
    if measured is None:
        return _open(notes, "measure the overhead first")
    order = sorted(TECHNIQUES, key=lambda technique: measured[technique])
    least = measured[order[0]]

    def judge(technique: str, note: str) -> Claim:
        size = measured[technique]
        said = f"{size:,.0f} bytes per message, {size / least:.1f} times the least"
        place = order.index(technique)
        if note == "Lowest":
            return Claim(note, HOLDS if place == 0 else FAILS, MEASURED, said)
        if note == "Low":
            return Claim(note, HOLDS if size <= NEAR * least else CONDITIONS, MEASURED, said)
        if note == "Medium":
            return Claim(note, HOLDS if place == 2 else FAILS, MEASURED, said)
        return Claim(note, HOLDS if place == 3 else FAILS, MEASURED, said)

    return _each(judge, notes)


def _scalability(measured: Mapping[str, float] | None) -> Claims:
    notes = ("Easy", "Medium", "Easy", "Hard (persistent conn)")
    if measured is None:
        return _open(notes, "measure the memory of idle connections first")

    def judge(technique: str, note: str) -> Claim:
        kib = measured[technique]
        said = f"{kib:.0f} KiB of the server's memory per idle client"
        if technique == "short_polling":
            return Claim(note, HOLDS, JUDGED, f"{said}; any server can answer any poll")
        return Claim(
            note,
            CONDITIONS,
            JUDGED,
            f"{said}; long polls, streams and sockets are all held open: what is hard is fan-out"
            " across servers and the return of all after an outage",
        )

    return _each(judge, notes)


def _proxies(outcomes: pandas.DataFrame | None) -> Claims:
    notes = ("Full", "Full", "Full", "Sometimes blocked")
    if outcomes is None:
        return _open(notes, "try the proxies first")

    def judge(technique: str, note: str) -> Claim:
        tried = outcomes[outcomes["technique"] == technique]
        failed = tried[~tried["outcome"].str.startswith("works")]
        said = "; ".join(f"{row.proxy}: {row.outcome}" for row in tried.itertuples())
        if note == "Full":
            return Claim(note, CONDITIONS if len(failed) else HOLDS, MEASURED, said)
        return Claim(note, HOLDS if len(failed) else FAILS, MEASURED, said)

    return _each(judge, notes)


def _each(judge: Callable[[str, str], Claim], notes: tuple[str, str, str, str]) -> Claims:
    short, long, sse, websocket = (
        judge(technique, note) for technique, note in zip(TECHNIQUES, notes, strict=True)
    )
    return short, long, sse, websocket


def _open(notes: tuple[str, str, str, str], why: str) -> Claims:
    short, long, sse, websocket = (Claim(note, OPEN, MEASURED, why) for note in notes)
    return short, long, sse, websocket


_DIRECTION: Claims = (
    Claim("Client only", HOLDS, SPECIFIED, "a server answers requests (RFC 9110 §3.4)"),
    Claim(
        "Client → Server only",
        FAILS,
        SPECIFIED,
        "the client asks, and the server answers when it has news: they flow down, and what is"
        " said up is a request of its own (RFC 6202 §2)",
    ),
    Claim("Server only", HOLDS, SPECIFIED, "a response has one direction (WHATWG HTML §9.2)"),
    Claim("Bidirectional", HOLDS, SPECIFIED, "RFC 6455 §1.2"),
)
_BROWSERS: Claims = (
    Claim("Full", HOLDS, SPECIFIED, "fetch (WHATWG Fetch)"),
    Claim("Full", HOLDS, SPECIFIED, "fetch (WHATWG Fetch)"),
    Claim(
        "Full",
        CONDITIONS,
        SPECIFIED,
        "EventSource cannot set headers, and has six connections to a host without HTTP/2"
        " (MDN, November 2026)",
    ),
    Claim("Full (modern)", HOLDS, SPECIFIED, "WHATWG WebSockets; no headers of your own either"),
)
_AWS: Claims = (
    Claim("API Gateway REST", HOLDS, SPECIFIED, "API Gateway Developer Guide, November 2026"),
    Claim(
        "API Gateway REST",
        CONDITIONS,
        SPECIFIED,
        "the integration must answer within 29 s by default (API Gateway quotas, November 2026)",
    ),
    Claim(
        "API Gateway HTTP",
        FAILS,
        SPECIFIED,
        "response streaming is for REST APIs only, for at most 15 min (API Gateway Developer"
        " Guide, November 2026)",
    ),
    Claim(
        "API Gateway WebSocket",
        CONDITIONS,
        SPECIFIED,
        "500 new connections per second, 2 h at most, 10 min idle (API Gateway quotas, November"
        " 2026)",
    ),
)
_BEST: Claims = (
    Claim("Infrequent updates", HOLDS, JUDGED, "news may be as old as the interval"),
    Claim("Chat (fallback)", HOLDS, JUDGED, "it passes where Upgrade does not"),
    Claim("News feed, notifications", HOLDS, JUDGED, "one way, and the browser comes back"),
    Claim("Chat, gaming, collaboration", HOLDS, JUDGED, "both ways, and little overhead"),
)
