"""A client that polls stays a member between its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from labserver.chat.log import Cursor
from labserver.chat.poller import LINGER_S, NOTICES_MAX, Page, Pollers
from tests.chat.test_hub import Lab, of, said


class Polling(Lab):
    """A lab with pollers."""

    def __init__(self, retain_entries: int = 10_000) -> None:
        super().__init__(retain_entries)
        self.pollers = Pollers(self.hub)

    async def poll(self, user: str, after: Cursor | None = None, session: str = "") -> Page:
        """Make one request."""
        async with self.pollers.poll(user, "lobby", session) as poller:
            return await poller.read(after)


@pytest.fixture
async def lab() -> AsyncIterator[Polling]:
    lab = Polling()
    yield lab
    lab.pollers.close()
    await lab.stack.aclose()
    await lab.hub.aclose()


def contents(page: Page) -> list[str]:
    return said([entry.event for entry in page.entries])


async def test_polls_with_the_cursor_of_the_last_hear_everything_once(lab: Polling) -> None:
    page = await lab.poll("bob")
    assert (page.entries, page.cursor.offset) == ([], 0)
    await lab.say("ann", "one")
    page = await lab.poll("bob", page.cursor)
    assert contents(page) == ["one"]
    assert contents(await lab.poll("bob", page.cursor)) == []
    await lab.say("ann", "two")
    assert contents(await lab.poll("bob", page.cursor)) == ["two"]
    assert contents(await lab.poll("bob", page.cursor)) == ["two"]  # the answer was lost


async def test_a_poller_stays_online_between_its_requests_and_not_for_ever(lab: Polling) -> None:
    _, ann = await lab.visit("ann")
    await lab.poll("bob")
    lab.pass_time(LINGER_S - 1)
    await lab.poll("bob")
    lab.pass_time(LINGER_S - 1)
    assert of(ann, "PRESENCE") == [{"userId": "bob", "status": "online"}]
    lab.pass_time(1)
    lab.pass_time(2)
    assert of(ann, "PRESENCE")[-1] == {"userId": "bob", "status": "offline"}
    assert lab.hub.deadline is None


async def test_a_held_poll_does_not_expire(lab: Polling) -> None:
    _, ann = await lab.visit("ann")
    async with lab.pollers.poll("bob", "lobby"):
        lab.pass_time(10 * LINGER_S)
        assert len(of(ann, "PRESENCE")) == 1


async def test_typing_reaches_a_session_and_nobody_without_one(lab: Polling) -> None:
    plain, named = await lab.poll("bob"), await lab.poll("cat", session="s1")
    await lab.tell("ann", "TYPING_START")
    page = await lab.poll("cat", named.cursor, session="s1")
    assert [entry.event.type for entry in page.entries] == ["TYPING_START"]
    assert (await lab.poll("bob", plain.cursor)).entries == []


async def test_a_session_that_does_not_ask_keeps_only_so_many_notices(lab: Polling) -> None:
    page = await lab.poll("cat", session="s1")
    async with lab.pollers.poll("cat", "lobby", "s1") as poller:
        for number in range(NOTICES_MAX + 50):
            await lab.visit(f"u{number}") if number < 100 else None
            await lab.tell(f"t{number}", "TYPING_START")
        page = await poller.read(page.cursor)
    assert len(page.entries) == NOTICES_MAX


async def test_who_waits_is_woken_by_what_it_may_see(lab: Polling) -> None:
    async with lab.pollers.poll("bob", "lobby") as poller:
        woken: list[int] = []
        poller.waiting[lambda: woken.append(1)] = None
        await lab.tell("ann", "TYPING_START")
        await lab.say("ann", "psst", recipientId="eve")
        assert woken == []
        await lab.say("ann", "hi")
        assert woken == [1]


async def test_mail_waits_for_the_first_poll_and_the_next_cursor_is_the_receipt(
    lab: Polling,
) -> None:
    await lab.say("ann", "dm", recipientId="bob")
    page = await lab.poll("bob")
    assert contents(page) == ["dm"]
    assert contents(await lab.poll("bob")) == ["dm"]  # no receipt yet
    await lab.poll("bob", page.cursor)
    assert contents(await lab.poll("bob")) == []


async def test_an_old_cursor_gets_reset_and_a_cursor_to_go_on_with() -> None:
    lab = Polling(retain_entries=2)
    for number in range(5):
        await lab.say("ann", str(number))
    page = await lab.poll("bob", Cursor(1))
    assert [entry.event.type for entry in page.entries] == ["RESET"]
    await lab.say("ann", "new")
    assert contents(await lab.poll("bob", page.cursor)) == ["new"]
    lab.pollers.close()
    await lab.hub.aclose()


async def test_closing_lets_all_go(lab: Polling) -> None:
    await lab.poll("bob")
    other = Pollers(lab.hub)
    other.close()
    assert lab.hub.timers == [lab.pollers]
    assert lab.hub._members_of
