"""The colours of a WebSocket frame's fields, the same in the bit figure and in the inspector.

They are Okabe and Ito's, thinned so that text is readable on them in a light and in a dark theme.
"""

from __future__ import annotations

FRAME_COLOURS = {
    "flag": "rgba(128, 128, 128, 0.22)",
    "opcode": "rgba(230, 159, 0, 0.32)",
    "mask": "rgba(204, 121, 167, 0.38)",
    "length": "rgba(86, 180, 233, 0.34)",
    "payload": "rgba(0, 158, 115, 0.26)",
}
