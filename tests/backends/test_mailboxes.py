"""What a hub may rely on, whichever mailbox it has: nothing that was accepted is lost."""

from __future__ import annotations

import asyncio
import dataclasses
import sys

import pytest

from labserver.chat.interfaces import Letter
from tests.backends.listening import Mailboxes, letter

# Keeps letters for ever, and says so after each.
KEEPER = """
import asyncio, sys
from labserver.backends.redis import RedisMailbox
from labserver.backends.sqlite_mailbox import SqliteMailbox
from labserver.chat.interfaces import Letter

async def main(sender, kind, *where):
    mailbox = SqliteMailbox(*where) if kind == "sqlite" else RedisMailbox(*where)
    for n in range(1_000_000):
        kept = await mailbox.keep(Letter(sender, "bob", str(n), "content", "now"))
        print(n, kept.at, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_letters_are_pending_in_the_order_in_which_they_were_kept(
    mailboxes: Mailboxes,
) -> None:
    mailbox = await mailboxes()
    kept = [await mailbox.keep(letter(n)) for n in range(15)]
    numbers = [k.at for k in kept]
    assert numbers == sorted(set(numbers))
    assert all(k.fresh for k in kept)
    assert list(await mailbox.pending("bob")) == [
        dataclasses.replace(letter(n), number=numbers[n]) for n in range(15)
    ]


@pytest.mark.parametrize("content", ["Grüße 👩‍👩‍👧", "\x00", '"\\\n', " ", "x" * 4096])
async def test_the_text_comes_back_as_it_was(mailboxes: Mailboxes, content: str) -> None:
    mailbox = await mailboxes()
    await mailbox.keep(Letter("alice", "bob", content[:128], content, "now"))
    (pending,) = await mailbox.pending("bob")
    assert (pending.id, pending.content) == (content[:128], content)


async def test_mailboxes_of_two_recipients_are_apart(mailboxes: Mailboxes) -> None:
    mailbox = await mailboxes()
    kept = await mailbox.keep(letter(1, "bob"))
    await mailbox.keep(letter(2, "carol"))
    await mailbox.drop("carol", [kept.at + 1_000])
    assert [pending.id for pending in await mailbox.pending("bob")] == ["id-1"]
    assert [pending.id for pending in await mailbox.pending("carol")] == ["id-2"]
    assert list(await mailbox.pending("dave")) == []


async def test_what_was_acknowledged_is_no_more_pending(mailboxes: Mailboxes) -> None:
    mailbox = await mailboxes()
    numbers = [(await mailbox.keep(letter(n))).at for n in range(5)]
    await mailbox.drop("bob", [numbers[0], numbers[3]])
    await mailbox.drop("bob", [numbers[0]])
    await mailbox.drop("bob", [])
    assert [pending.id for pending in await mailbox.pending("bob")] == ["id-1", "id-2", "id-4"]


async def test_the_same_sender_and_id_is_one_letter(mailboxes: Mailboxes) -> None:
    mailbox = await mailboxes()
    first = await mailbox.keep(letter(1))
    again = await mailbox.keep(letter(1))
    assert (first.fresh, again.fresh) == (True, False)
    assert again.at == first.at
    assert len(await mailbox.pending("bob")) == 1


async def test_a_late_retry_of_an_acknowledged_letter_is_a_duplicate(mailboxes: Mailboxes) -> None:
    mailbox = await mailboxes()
    first = await mailbox.keep(letter(1))
    await mailbox.drop("bob", [first.at])
    again = await mailbox.keep(letter(1))
    assert (again.at, again.fresh) == (first.at, False)
    assert list(await mailbox.pending("bob")) == []


async def test_a_number_is_not_given_twice(mailboxes: Mailboxes) -> None:
    mailbox = await mailboxes()
    first = await mailbox.keep(letter(1))
    await mailbox.drop("bob", [first.at])
    assert (await mailbox.keep(letter(2))).at > first.at


async def test_two_servers_share_a_mailbox(mailboxes: Mailboxes) -> None:
    one, other = await mailboxes(), await mailboxes()
    kept = await asyncio.gather(
        *(mailbox.keep(letter(n)) for n in range(50) for mailbox in (one, other))
    )
    assert sum(k.fresh for k in kept) == 50
    assert len({k.at for k in kept}) == 50
    assert [p.number for p in await one.pending("bob")] == sorted({k.at for k in kept})
    await other.drop("bob", [k.at for k in kept])
    assert list(await one.pending("bob")) == []


async def test_what_was_accepted_outlives_sigkill(
    mailboxes: Mailboxes, mailbox_address: list[str]
) -> None:
    accepted = await _keep_and_be_killed("alice", mailbox_address)
    pending = await (await mailboxes()).pending("bob")
    assert [(p.id, p.number) for p in pending][: len(accepted)] == accepted
    assert len(pending) <= len(accepted) + 1


async def test_two_processes_keep_at_the_same_time(
    mailboxes: Mailboxes, mailbox_address: list[str]
) -> None:
    accepted = await asyncio.gather(
        *(_keep_and_be_killed(sender, mailbox_address) for sender in ("alice", "carol"))
    )
    found = {(p.id, p.number) for p in await (await mailboxes()).pending("bob")}
    assert set(accepted[0]) | set(accepted[1]) <= found
    assert len({number for _, number in found}) == len(found)


async def _keep_and_be_killed(sender: str, address: list[str]) -> list[tuple[str, int]]:
    """Return (id, number) of what another process had accepted when it was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KEEPER, sender, *address, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    accepted = [await process.stdout.readline() for _ in range(100)]
    process.kill()
    accepted += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    words = [line.split() for line in accepted if line.endswith(b"\n")]
    return [(n.decode(), int(number)) for n, number in words]
