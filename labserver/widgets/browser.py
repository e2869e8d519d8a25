"""A chat client in the browser itself: its own WebSocket, EventSource and fetch, and a log.

All that is said goes between the page and the server; the kernel hands out the token, and
gets the page's log, which has the times of `performance.now()`: nothing is timed across
Jupyter's channel. The page finds the server directly on loopback; where the notebook is
remote, through jupyter-server-proxy. There HTTP/1.1 gives the browser six connections to the
whole of Jupyter, so that at most four panes hold one; another says so and waits for a hand (a
WebSocket is not counted among them).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from ipywidgets import Layout

from labserver.errors import LabError
from labserver.widgets.cells import belongs_to_cell
from labserver.widgets.source import joined

if TYPE_CHECKING:
    import pandas

TECHNIQUES = ("short_polling", "long_polling", "sse", "websocket")
TOKEN_TTL_S = 12 * 3600.0  # a day at the notebook: EventSource comes back with the same URL
ROWS_MAX = 100_000  # some 15 MB; at one poll a second, half a day
WHAT = ("asked", "answered", "opened", "sent", "acked", "received", "closed")
COLUMNS = ("ms", "what", "id", "offset", "code", "detail", "page")


class BrowserPane(anywidget.AnyWidget):
    """A chat pane whose client is the browser.

    Args:
        user: its name.
        room: where it goes.
        technique: short_polling, long_polling, sse or websocket.
        url: the server's, as the kernel knows it.
        token: makes a JWT for the user; asked at each connection, so that none is kept in
            the notebook.

    Raises:
        LabError: if the browser has no client for the technique.
    """

    _esm = joined(
        "element.js",
        "chat_line.js",
        "browser_techniques.js",
        "browser_client.js",
        "browser.js",
    )
    _css = joined("chat.css", "browser.css")

    user = traitlets.Unicode().tag(sync=True)
    room = traitlets.Unicode().tag(sync=True)
    technique = traitlets.Unicode().tag(sync=True)
    url = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, *, user: str, room: str, technique: str, url: str, token: Callable[[], str]
    ) -> None:
        if technique not in TECHNIQUES:
            raise LabError(f"The browser pane speaks {', '.join(TECHNIQUES)}; not {technique}.")
        self._token = token
        self._rows: deque[list[Any]] = deque(maxlen=ROWS_MAX)
        self._pages: dict[float, int] = {}
        layout = Layout(flex="1 1 280px", max_width="640px")  # side by side where there is room
        super().__init__(user=user, room=room, technique=technique, url=url, layout=layout)
        self.add_class(f"browser-{user}")
        self.on_msg(self._on_browser)
        belongs_to_cell(self)

    def say(self, text: str) -> None:
        """Say something, as if typed and sent with Enter."""
        self.send({"say": text})

    def disconnect(self) -> None:
        """Leave, as the button does; no cable is cut."""
        self.send({"connected": False})

    def connect(self) -> None:
        """Connect again, now."""
        self.send({"connected": True})

    def log(self) -> pandas.DataFrame:
        """What the browser did and saw, one row each; it comes in with a delay of 0.2 s.

        Returns:
            A DataFrame with the columns
            `ms`: `performance.now()`, milliseconds since the page was opened;
            `what`: asked and answered (an HTTP request), opened, sent, acked, received (an
            event), closed;
            `id`: the message's, the same when it is sent, acked and received;
            `offset`: its place in the room's log;
            `code`: an HTTP status or a close code;
            `detail`: which request, which event, which way, or why;
            `page`: 1, 2, …: a page that is loaded again has another clock.
        """
        import pandas

        table = pandas.DataFrame(list(self._rows), columns=list(COLUMNS))
        return table.astype(
            {
                "ms": "float64",
                "what": pandas.CategoricalDtype(WHAT),
                "id": "str",
                "offset": "Int64",
                "code": "Int64",
                "detail": "str",
                "page": "int64",
            }
        )

    def messages(self) -> pandas.DataFrame:
        """The messages that were sent from here, one row each, by their ids.

        Returns:
            A DataFrame with the columns `sent` (the first time), `acked` and `received`: when,
            as `ms` in the log. `(received - sent)` is the round trip through the room.
        """
        log = self.log()
        steps = ("sent", "acked", "received")
        at = {step: log[log.what == step].groupby("id").ms.first() for step in steps}
        return at["sent"].to_frame("sent").join([at[step].rename(step) for step in steps[1:]])

    def _on_browser(self, _: object, message: dict[str, Any], __: object) -> None:
        if message.get("want") == "token":
            self.send({"token": self._token()})
        elif "rows" in message:
            page = self._pages.setdefault(message["began"], len(self._pages) + 1)
            self._rows.extend([*row, page] for row in message["rows"])
