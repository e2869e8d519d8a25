"""What real clients say about themselves in each HTTP request.

Recorded on Linux in November 2026, from requests to `GET /messages` through the relay. Host and
Authorization are left out, because each of the lab's clients has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# curl 7.88.1
CURL = MappingProxyType({"User-Agent": "curl/7.88.1", "Accept": "*/*"})

# Chromium 156.0.8078.79: `fetch` by a page of the server's own origin, with one cookie of 32
# characters. It ran headless; what User-Agent says about that is taken out.
CHROMIUM = MappingProxyType(
    {
        "Connection": "keep-alive",
        "sec-ch-ua-platform": '"Linux"',
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/156.0.0.0 Safari/537.36",
        "sec-ch-ua": '"Not:A-Brand";v="8", "Chromium";v="156"',
        "sec-ch-ua-mobile": "?0",
        "Accept": "*/*",
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
        "Referer": "http://127.0.0.1:8000/chat",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Accept-Language": "en-US,en;q=0.9",
        "Cookie": "session=0123456789abcdef0123456789abcdef",
    }
)

Headers = Mapping[str, str] | None  # None for what our own clients' library says

CLIENTS: Mapping[str, Headers] = MappingProxyType(
    {"httpx2": None, "curl": CURL, "Chromium": CHROMIUM}
)
