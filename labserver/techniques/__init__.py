"""How events travel: one file per technique, with its server and its Python client.

A technique is loaded by its name, so that `start("sse")` never imports aiortc.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from labserver.errors import LabError
from labserver.techniques.transport.interface import Technique

NAMES = ("short_polling", "long_polling", "sse", "websocket", "webrtc")
OVER_HTTP2 = ("sse",)


def load(name: str, *, http2: bool = False) -> Technique:
    """Return the technique of a name.

    Args:
        name: one of `NAMES`.
        http2: whether it is to be served over HTTP/2.

    Raises:
        LabError: if there is no such technique, or not over HTTP/2.
    """
    if name not in NAMES:
        raise LabError(f"There is no technique {name!r}: choose one of {', '.join(NAMES)}.")
    if http2 and name not in OVER_HTTP2:
        raise LabError(
            f"Only {', '.join(OVER_HTTP2)} is served over HTTP/2, not {name}: leave out http2."
        )
    if http2:
        import_module("labserver.techniques.transport.asgi_http2")  # now, and not on the loop
    return cast(Technique, import_module(f"labserver.techniques.{name}"))
