"""A TCP relay that ceases to read when told to: a peer whose phone has gone to sleep.

Its buffers are small, so that it is the server that notices and not the kernels between.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BUFFER_BYTES = 4096
ALWAYS = threading.Event()
ALWAYS.set()


class Stall:
    """Relays one connection.

    Args:
        port: the server's.
    """

    def __init__(self, port: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._server = socket.socket()
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._server.connect(("127.0.0.1", port))
        self._flows = threading.Event()
        self._flows.set()
        self._sockets = [self._listening, self._server]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def address(self) -> str:
        """The address to connect to."""
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def stall(self) -> None:
        """Stop reading from the server."""
        self._flows.clear()

    def go_on(self) -> None:
        """Read again."""
        self._flows.set()

    def close(self) -> None:
        """End the relay."""
        self._flows.set()
        for each in self._sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        try:
            client, _ = self._listening.accept()
        except OSError:
            return
        self._sockets.append(client)
        up = threading.Thread(target=self._pump, args=(client, self._server, ALWAYS))
        self._threads.append(up)
        up.start()
        self._pump(self._server, client, self._flows)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, flows: threading.Event) -> None:
        try:
            while data := source.recv(BUFFER_BYTES):
                sink.sendall(data)
                flows.wait()
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@contextmanager
def stalling(port: int) -> Iterator[Stall]:
    """Run a `Stall` in front of the server on `port` for the duration of a block."""
    relay = Stall(port)
    try:
        yield relay
    finally:
        relay.close()
