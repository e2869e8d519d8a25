"""One conversation over all techniques at once, while connections are cut at random."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from labserver.runtime.client import Client
from labserver.techniques import NAMES
from tests.conformance.listening import Start, messages

MESSAGES = 1000


def test_a_thousand_messages_arrive_everywhere_once_and_in_order(start: Start) -> None:
    first = start(NAMES[0])
    servers = [first, *(start(name, hub=first.hub) for name in NAMES[1:])]
    clients = [server.client(server.technique.replace("_", "-")) for server in servers]
    done = threading.Event()

    def cut_at_random() -> int:
        rng = random.Random(1)
        cuts = 0
        while not done.wait(rng.uniform(0.02, 0.2)):
            victim = rng.choice(clients)
            victim.cut()
            done.wait(rng.uniform(0.0, 0.1))
            victim.restore()
            cuts += 1
        return cuts

    def speak(client: Client) -> None:
        for n in range(MESSAGES // len(clients)):
            client.send(f"{client.user} {n}", timeout=60)

    with ThreadPoolExecutor(16) as pool:
        cutting = pool.submit(cut_at_random)
        speaking = [pool.submit(speak, client) for client in clients]
        hearing = [pool.submit(messages, client, MESSAGES, 120.0) for client in clients]
        for future in speaking:
            future.result()
        done.set()
        heard = [future.result() for future in hearing]
        assert cutting.result() > 10

    in_order = list(range(1, MESSAGES + 1))
    for client, events in zip(clients, heard, strict=True):
        assert [event.offset for event in events] == in_order, client
        assert client.receive(0.2, type="CHAT_MESSAGE") is None
    said = {f"{client.user} {n}" for client in clients for n in range(MESSAGES // len(clients))}
    assert {event.data["content"] for event in heard[0]} == said
