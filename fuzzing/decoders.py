"""Feed random and mutated bytes to the decoders.

They must raise no exception, lose no byte, and give the same messages however the bytes are cut.

Usage: python -m fuzzing.decoders [--size 1000000] [--seed 1]
"""

from __future__ import annotations

import random

import click
from rich.progress import track

from tests.wire.conversations import (
    CONVERSATIONS,
    DOWN,
    HANDSHAKE,
    UP,
    Said,
    decoded,
    look,
    mutated,
    randomly,
    whole,
)

# What is said first, so that the random bytes after it reach the decoder.
LEADS: dict[str, Said] = {
    "http1": ((UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),),
    "chunks": (
        (UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (DOWN, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ),
    "events": (
        (UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (DOWN, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"),
    ),
    "websocket": HANDSHAKE,
    "compressed websocket": CONVERSATIONS["compressed websocket"],
    "http2": CONVERSATIONS["http2"],
    "tls": CONVERSATIONS["tls"],
    "unknown": (),
}


def fuzz(name: str, size: int, seed: int) -> None:
    """Feed random and mutated bytes to one decoder, each conversation cut in two ways.

    Args:
        name: of a conversation, or of one of `LEADS`.
        size: how many bytes, at least.
        seed: the same seed gives the same bytes.

    Raises:
        AssertionError: if a byte is lost, or the two cuts give different messages.
    """
    rng = random.Random(f"{name} {seed}")
    base = CONVERSATIONS.get(name) or LEADS[name]
    while size > 0:
        if name in LEADS and rng.random() < 0.5:
            tail = [(rng.choice((UP, DOWN)), _noise(rng)) for _ in range(rng.choice((1, 1, 2, 4)))]
            said: Said = (*LEADS[name], *tail)
        else:
            said = mutated(base, rng)
        size -= max(1, sum(len(data) for _, data in said))
        messages = decoded(said, whole)
        again = decoded(said, randomly(rng))
        for one, other in zip(messages, again, strict=True):
            assert look(one) == look(other)


def _noise(rng: random.Random) -> bytes:
    """Return random bytes, some of which mean something to one decoder or another."""
    size = rng.choice((1, 3, 10, 100, 1000, 5000))
    if rng.random() < 0.3:
        return rng.randbytes(size)
    words = (
        *(b"\r\n", b"\n", b"\r", b":", b"0", b"5", b"a", b" ", b"\x81", b"\x01", b"\x88", b"\x00"),
        *(b"data: x\n\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x89\x00", b"\x80\x02ab"),
    )
    return b"".join(rng.choice(words) for _ in range(size // 3 + 1))


@click.command()
@click.option("--size", default=1_000_000, help="Bytes per decoder.")
@click.option("--seed", default=1, help="The same seed gives the same bytes.")
def main(size: int, seed: int) -> None:
    """Feed random and mutated bytes to each decoder."""
    for name in track(sorted(LEADS.keys() | CONVERSATIONS.keys())):
        fuzz(name, size, seed)


if __name__ == "__main__":
    main()
