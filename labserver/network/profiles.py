"""Links with names, each with the source of its figures.

Where a figure is our own choice, the source says so. The sources were read in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from labserver.errors import LabError
from labserver.network.link import Link

LINKS: Mapping[str, Link] = MappingProxyType(
    {
        "loopback": Link(source="no network in between: what this machine itself takes"),
        "wifi": Link(
            rtt_ms=20,
            jitter_ms=5,
            source="Pei et al., 'WiFi can be the weakest link of round trip network latency in the"
            " wild', INFOCOM 2016: half of the packets take more than 20 ms to the access point"
            " and back; the jitter is a choice of ours, their tail is longer",
        ),
        "cable": Link(
            rtt_ms=28,
            kbit_s=5_000,
            source="WebPageTest's profile Cable: 28 ms, 5 Mbit/s down (1 up is not played)",
        ),
        "4g": Link(
            rtt_ms=55,
            jitter_ms=20,
            source="Catchpoint, Performance Calendar 2013: median round trip of 4G in two cities of"
            " the USA; the jitter is a choice of ours, its standard deviation was 132 ms",
        ),
        "slow_4g": Link(
            rtt_ms=150,
            kbit_s=1_638,
            source="Lighthouse's preset mobileSlow4G: the slowest quarter of 4G connections,"
            " 150 ms, 1.6 Mbit/s down (0.75 up is not played)",
        ),
        "transatlantic": Link(
            rtt_ms=90,
            source="Verizon's service level agreement: at most 90 ms between New York and London,"
            " there and back, as a monthly average",
        ),
        "satellite": Link(
            rtt_ms=477,
            source="light to a geostationary satellite: 4 × 35,786 km at 299,792 km/s",
        ),
        "browser_pool": Link(
            connections_max=6,
            source="MDN, EventSource: without HTTP/2 a browser opens 6 connections to a host",
        ),
        "corporate_proxy": Link(
            strip_upgrade=True,
            idle_timeout_s=60,
            source="RFC 9110 §7.6.1: Upgrade is hop-by-hop, so a proxy that does not know it"
            " removes it; nginx, proxy_read_timeout: 60 s unless told otherwise",
        ),
        "buffering_proxy": Link(
            buffer_responses=True,
            source="nginx, proxy_buffering: on unless told otherwise",
        ),
        "impatient_proxy": Link(
            idle_timeout_s=60,
            source="Application Load Balancer: idle timeout of 60 s unless told otherwise",
        ),
    }
)


def link_of(given: Link | str | None) -> Link | None:
    """Return the link of a name; a link, or None, is returned as it is.

    Args:
        given: a name in `LINKS`, a link, or None.

    Raises:
        LabError: if there is no link of that name.
    """
    if not isinstance(given, str):
        return given
    if given not in LINKS:
        near = get_close_matches(given, LINKS, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise LabError(f"There is no link {given!r}: {meant}choose one of {', '.join(LINKS)}.")
    return LINKS[given]
