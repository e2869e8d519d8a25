"""How it travels: one file for each technique, its server and its Python client.

A technique is loaded by its name, so that `start("sse")` never imports aiortc.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from labserver.errors import LabError
from labserver.techniques.interface import Technique

NAMES = ("short_polling", "long_polling", "sse", "websocket", "webrtc")


def load(name: str) -> Technique:
    """The technique of that name.

    Raises:
        LabError: if there is none.
    """
    if name not in NAMES:
        raise LabError(f"There is no technique {name!r}: choose one of {', '.join(NAMES)}.")
    return cast(Technique, import_module(f"labserver.techniques.{name}"))
