"""How two participants of a room find each other, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labserver.errors import Refused
from labserver.techniques.transport.signalling import Participant, Switchboard, decode_client_signal


class Tab:
    """A connection that keeps what it receives."""

    def __init__(self, switchboard: Switchboard, user: str, room: str = "lobby") -> None:
        self._switchboard = switchboard
        self._heard: list[bytes] = []
        self.participant: Participant = switchboard.join(user, room, self._heard.append)

    @property
    def heard(self) -> list[dict[str, Any]]:
        """Return what was received since the last call."""
        found = [json.loads(raw) for raw in self._heard]
        self._heard.clear()
        return found

    def say(self, **signal: Any) -> None:
        """Send a signal."""
        self._switchboard.relay(self.participant, decode_client_signal(json.dumps(signal)))

    def leave(self) -> None:
        """Leave the room."""
        self._switchboard.leave(self.participant)


@pytest.fixture
def switchboard() -> Switchboard:
    """A switchboard without participants."""
    return Switchboard()


def test_a_signal_reaches_its_recipient_with_its_sender_and_nobody_else(
    switchboard: Switchboard,
) -> None:
    alice, bob, carol = (Tab(switchboard, name) for name in ("alice", "bob", "carol"))
    alice.say(type="offer", to="bob", data={"sdp": "v=0", "more": [1, None]})
    assert bob.heard == [
        {
            "type": "offer",
            "from": "alice",
            "to": "bob",
            "session": alice.participant.session,
            "data": {"sdp": "v=0", "more": [1, None]},
        }
    ]
    assert carol.heard == alice.heard == []


def test_all_tabs_of_a_user_hear_an_offer_and_one_of_them_the_rest(
    switchboard: Switchboard,
) -> None:
    alice, first, second = (Tab(switchboard, name) for name in ("alice", "bob", "bob"))
    alice.say(type="offer", to="bob")
    (offer,) = first.heard
    assert second.heard == [offer]
    second.say(type="answer", to=offer["from"], session=offer["session"])
    (answer,) = alice.heard
    alice.say(type="candidate", to=answer["from"], session=answer["session"])
    assert [signal["type"] for signal in second.heard] == ["candidate"]
    assert first.heard == []


def test_a_user_s_tabs_can_call_each_other(switchboard: Switchboard) -> None:
    one, other = Tab(switchboard, "alice"), Tab(switchboard, "alice")
    one.say(type="offer", to="alice")
    assert len(other.heard) == 1
    assert one.heard == []


@pytest.mark.parametrize(
    ("to", "session"), [("nobody", None), ("alice", None), ("dora", None), ("bob", "00000000")]
)
def test_nobody_of_that_name(switchboard: Switchboard, to: str, session: str | None) -> None:
    alice, bob, dora = Tab(switchboard, "alice"), Tab(switchboard, "bob"), "dora"
    Tab(switchboard, dora, room="elsewhere")
    with pytest.raises(Refused) as refused:
        alice.say(type="offer", to=to, session=session)
    assert refused.value.code == "no_such_member"
    assert bob.heard == []


def test_who_goes_away_says_bye_to_those_it_had_talked_with(switchboard: Switchboard) -> None:
    alice, bob, carol = (Tab(switchboard, name) for name in ("alice", "bob", "carol"))
    alice.say(type="offer", to="bob")
    assert bob.heard
    alice.leave()
    assert bob.heard == [{"type": "bye", "from": "alice", "session": alice.participant.session}]
    assert carol.heard == []
    bob.leave()  # and not to one who has gone before


def test_a_bye_that_was_said_is_not_said_again(switchboard: Switchboard) -> None:
    alice, bob = Tab(switchboard, "alice"), Tab(switchboard, "bob")
    alice.say(type="offer", to="bob")
    bob.say(type="bye", to="alice")
    alice.leave()
    assert [signal["type"] for signal in bob.heard] == ["offer"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_json"),
        ('{"type": "offer", "to": "bob", "data": ' + "[" * 100_000, "bad_json"),
        ("[]", "bad_event"),
        ('{"type": "offer"}', "bad_event"),
        ('{"type": "offer", "to": 1}', "bad_event"),
        ('{"type": "hello", "to": "bob"}', "unknown_type"),
        ('{"to": "bob"}', "bad_event"),
    ],
)
def test_what_is_no_signal_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_client_signal(text)
    assert (refused.value.status, refused.value.code) == (400, code)
