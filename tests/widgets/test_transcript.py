from __future__ import annotations

from labserver.chat.events import Event
from labserver.widgets.transcript import LINES_MAX, Transcript


def said(sender: str, content: str, message_id: str, **more: str) -> Event:
    data = {"senderId": sender, "content": content, "id": message_id, **more}
    return Event("CHAT_MESSAGE", data, offset=1, room="lobby", ts="2026-11-23T10:00:00.000Z")


def presence(user: str, status: str) -> Event:
    return Event("PRESENCE", {"userId": user, "status": status})


def test_what_others_say_is_a_line_with_its_time() -> None:
    transcript = Transcript("alice")
    transcript.hear(said("bob", "hi", "m1"))
    assert transcript.shown() == [
        {
            "who": "bob",
            "text": "hi",
            "state": "received",
            "ts": "2026-11-23T10:00:00.000Z",
            "id": "m1",
        }
    ]


def test_our_own_line_is_shown_once_and_where_the_room_heard_it() -> None:
    transcript = Transcript("alice")
    transcript.saying("hi", "m1")
    transcript.hear(said("bob", "first", "m2"))
    transcript.hear(said("alice", "hi", "m1"))
    transcript.answered("m1", "delivered")
    assert [(line.text, line.state) for line in transcript.lines] == [
        ("first", "received"),
        ("hi", "sent"),
    ]


def test_our_own_line_knows_when_it_was_written() -> None:
    transcript = Transcript("alice")
    transcript.saying("stuck", "m1", at=1000.0)
    transcript.saying("psst", "m2", to="bob", at=2000.0)
    transcript.hear(said("alice", "stuck", "m1"), at=20_000.0)
    transcript.answered("m2", "delivered", at=20_001.0)
    by_text = {line["text"]: (line["said"], line["at"]) for line in transcript.shown()}
    assert by_text == {"stuck": (1000.0, 20_000.0), "psst": (2000.0, 20_001.0)}


def test_a_direct_message_stays_where_it_was_said_and_says_when_it_is_kept() -> None:
    transcript = Transcript("alice")
    transcript.saying("psst", "m1", to="bob")
    transcript.answered("m1", "queued")
    (line,) = transcript.lines
    assert (line.state, line.to, line.why) == ("sent", "bob", "kept for bob, who was offline")


def test_a_direct_message_to_oneself_is_shown_once() -> None:
    transcript = Transcript("alice")
    transcript.saying("note", "m1", to="alice")
    transcript.hear(said("alice", "note", "m1", recipientId="alice"))
    transcript.answered("m1", "delivered")
    (line,) = transcript.lines
    assert (line.state, line.to, line.ts != "") == ("sent", "alice", True)


def test_a_message_that_was_refused_keeps_its_text_and_says_why() -> None:
    transcript = Transcript("alice")
    transcript.saying("x" * 5000, "m1")
    transcript.failed("m1", "too long")
    (line,) = transcript.lines
    assert (line.state, line.why, len(line.text)) == ("failed", "too long", 5000)


def test_people_come_and_go_and_one_is_first_oneself() -> None:
    transcript = Transcript("mia")
    for user in ("zoe", "bob"):
        transcript.hear(presence(user, "online"))
    assert transcript.people() == ["mia", "bob", "zoe"]
    transcript.hear(presence("bob", "offline"))
    assert transcript.people() == ["mia", "zoe"]


def test_who_speaks_or_leaves_is_typing_no_more() -> None:
    transcript = Transcript("alice")
    for user in ("bob", "carol", "dave"):
        transcript.hear(Event("TYPING_START", {"userId": user}))
    transcript.hear(said("bob", "hi", "m1"))
    transcript.hear(presence("carol", "offline"))
    assert list(transcript.typing) == ["dave"]
    transcript.hear(Event("TYPING_STOP", {"userId": "dave"}))
    assert list(transcript.typing) == []


def test_a_gap_and_an_error_are_said_aloud() -> None:
    transcript = Transcript("alice")
    transcript.hear(Event("RESET", {"epoch": "e", "oldest": 5, "newest": 9}))
    transcript.hear(Event("ERROR", {"code": "rate_limited", "message": "Wait 1 s."}))
    assert [line.state for line in transcript.lines] == ["notice", "notice"]
    assert transcript.lines[1].text == "Wait 1 s."


def test_old_lines_go_but_not_those_that_are_still_being_sent() -> None:
    transcript = Transcript("alice")
    transcript.saying("wait for me", "mine")
    for number in range(2 * LINES_MAX):
        transcript.hear(said("bob", str(number), f"m{number}"))
    assert len(transcript.lines) == LINES_MAX
    assert transcript.lines[0].text == "wait for me"
    assert transcript.lines[-1].text == str(2 * LINES_MAX - 1)
