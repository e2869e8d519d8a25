"""A chat client in the browser itself: its own WebSocket, EventSource and fetch, and a log.

The chat travels between the page and the server. The kernel only hands out tokens, the first of
them together with the widget because a kernel that is busy cannot be asked, and receives the page's
log, whose times are those of `performance.now()`; nothing is timed across Jupyter's
channel. The page reaches the server directly on loopback or, if the notebook is remote, through
jupyter-server-proxy. There HTTP/1.1 allows the browser six connections to Jupyter's host, which
Jupyter needs as well, so at most four panes hold one; a fifth says so and waits until somebody
presses Connect. WebSockets do not count towards the six.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets
from ipywidgets import Layout

from labserver.errors import LabError
from labserver.runtime.loop import lab_loop
from labserver.widgets.assets import es_module, stylesheet
from labserver.widgets.rerun import in_a_page
from labserver.widgets.window import Window

if TYPE_CHECKING:
    import pandas

_HERE = Path(__file__).parent

TECHNIQUES = ("short_polling", "long_polling", "sse", "websocket")
TOKEN_TTL_S = 12 * 3600.0  # a day at the notebook: EventSource reconnects to the same URL
LOOK_S = 0.05  # between two looks whether it has connected
ROWS_MAX = 100_000  # about 15 MB; half a day at one poll per second
WHAT = ("asked", "answered", "opened", "sent", "acked", "received", "closed")
COLUMNS = ("ms", "what", "id", "offset", "code", "detail", "page")


class BrowserPane(Window):
    """A chat pane whose client is the browser.

    Args:
        user: the user's name.
        room: the room to join.
        technique: short_polling, long_polling, sse or websocket.
        url: the server's URL, as the kernel knows it.
        token: makes a JWT for the user; called for each connection, so that no token is saved
            with the notebook.
        connected: whether the server has a connection of the user to the room; called on the lab's
            loop.

    Raises:
        LabError: if the browser has no client for the technique.
    """

    _esm = es_module(_HERE / "browser.mjs")
    _css = stylesheet(_HERE / "chat.css", _HERE / "browser.css")

    user = traitlets.Unicode().tag(sync=True)
    room = traitlets.Unicode().tag(sync=True)
    technique = traitlets.Unicode().tag(sync=True)
    url = traitlets.Unicode().tag(sync=True)
    first_token = traitlets.Unicode().tag(sync=True)  # until the browser has been heard from

    def __init__(
        self,
        *,
        user: str,
        room: str,
        technique: str,
        url: str,
        token: Callable[[], str],
        connected: Callable[[], bool],
    ) -> None:
        if technique not in TECHNIQUES:
            raise LabError(f"The browser pane speaks {', '.join(TECHNIQUES)}, but not {technique}.")
        self._token = token
        self._connected = connected
        self._rows: deque[list[Any]] = deque(maxlen=ROWS_MAX)
        self._pages: dict[float, int] = {}
        layout = Layout(flex="1 1 280px", max_width="640px")  # side by side if there is room
        super().__init__(
            user=user,
            room=room,
            technique=technique,
            url=url,
            first_token=token(),
            layout=layout,
        )
        self.add_class(f"browser-{user}")
        self.on_msg(self._on_browser)

    def say(self, text: str) -> None:
        """Send a message, as if `text` had been typed and sent with Enter."""
        self.send({"say": text})

    def disconnect(self) -> None:
        """Leave the room, as the button does; no cable is cut."""
        self.send({"connected": False})

    def connect(self) -> None:
        """Connect again without waiting any longer."""
        self.send({"connected": True})

    def wait_open(self, timeout: float = 10.0) -> bool:
        """Wait until the browser has connected to the server, as when all cells run at once.

        Args:
            timeout: seconds to wait. Where no page shows the notebook, it does not wait.

        Returns:
            Whether it is connected.

        Raises:
            LabError: if the server runs in a process of its own, which cannot be asked.
        """
        until = time.monotonic() + (timeout if in_a_page() else 0.0)
        while not (is_open := lab_loop.call(self._look)) and time.monotonic() < until:
            time.sleep(LOOK_S)
        return is_open

    async def _look(self) -> bool:
        return self._connected()

    def log(self) -> pandas.DataFrame:
        """Return what the browser did and saw, one row per step.

        Rows arrive about 0.2 s after what they describe, but not while a cell is running.

        Returns:
            A DataFrame with the columns
            `ms`: `performance.now()`, milliseconds since the page was opened;
            `what`: asked or answered (an HTTP request), opened, sent, acked, received (an
            event) or closed;
            `id`: the message's id, the same when it is sent, acked and received;
            `offset`: the message's offset in the room's log;
            `code`: an HTTP status or a WebSocket close code;
            `detail`: which request, event or route it was, or why the connection closed;
            `page`: 1, 2, …; a page that is loaded again starts a new clock.
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
        """Return the messages that were sent from this pane, one row per message.

        Returns:
            A DataFrame indexed by message id, with the columns `sent` (the first attempt),
            `acked` and `received`, each the `ms` of the log. `received - sent` is the round trip
            through the room.
        """
        log = self.log()
        steps = ("sent", "acked", "received")
        at = {step: log[log.what == step].groupby("id").ms.first() for step in steps}
        return at["sent"].to_frame("sent").join([at[step].rename(step) for step in steps[1:]])

    def _on_browser(self, _: object, message: dict[str, Any], __: object) -> None:
        self.first_token = ""  # so that nobody saves it with the notebook
        if message.get("want") == "token":
            self.send({"token": self._token()})
        elif "rows" in message:
            page = self._pages.setdefault(message["began"], len(self._pages) + 1)
            self._rows.extend([*row, page] for row in message["rows"])
