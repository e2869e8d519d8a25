"""Wrong ideas about which technique to choose: most overlook one thing."""

from __future__ import annotations

from labserver.practice.given.answers import Choice, Req


def _right(req: Req) -> Choice:
    """A tree that is right, but does not always make the reference's choice among several."""
    if req.peer_media:
        return Choice("webrtc", {"PEER_TO_PEER"})
    if req.max_age_s >= 10:
        return Choice("short_polling", {"MAY_WAIT"})
    if not req.can_hold:
        return Choice("short_polling", {"NOTHING_HELD"})
    crowded = req.tabs >= 6 and not req.http2
    if req.c2s_rate_hz < 1 and req.text_only and req.streams_pass and not crowded:
        return Choice("sse", {"LISTENS"})
    if crowded:
        why = "SIX_CONNECTIONS"
    elif not req.text_only:
        why = "BINARY"
    else:
        why = "SPEAKS" if req.streams_pass else "STREAMS_BUFFERED"
    if req.upgrade_passes and not req.auth_header:
        return Choice("websocket", {why})
    blocked = "HEADER_NEEDED" if req.auth_header else "UPGRADE_BLOCKED"
    return Choice("short_polling" if crowded else "long_polling", {why, blocked})


def websocket_for_all(req: Req) -> Choice:
    return Choice("websocket", {"SPEAKS"})


def websocket_for_all_that_is_soon(req: Req) -> Choice:
    return Choice("websocket", set()) if req.max_age_s < 10 else _right(req)


def sse_in_all_tabs(req: Req) -> Choice:
    return _right(req._replace(tabs=1))


def sse_for_bytes(req: Req) -> Choice:
    if not req.text_only and not req.peer_media and req.streams_pass:
        return Choice("sse", {"BINARY"})
    return _right(req)


def buffering_forgotten(req: Req) -> Choice:
    return _right(req._replace(streams_pass=True))


def upgrade_always_passes(req: Req) -> Choice:
    return _right(req._replace(upgrade_passes=True))


def headers_forgotten(req: Req) -> Choice:
    return _right(req._replace(auth_header=False))


def holds_whatever(req: Req) -> Choice:
    return _right(req._replace(can_hold=True))


def calls_through_the_server(req: Req) -> Choice:
    return _right(req._replace(peer_media=False))


def webrtc_for_games(req: Req) -> Choice:
    if req.max_age_s < 0.1 and req.c2s_rate_hz >= 1:
        return Choice("webrtc", {"PEER_TO_PEER"})
    return _right(req)


def polls_the_rare(req: Req) -> Choice:
    if req.c2s_rate_hz == 0 and req.can_hold and req.http2:
        return Choice("short_polling", {"MAY_WAIT"})
    return _right(req)


def sse_for_those_who_speak(req: Req) -> Choice:
    if req.c2s_rate_hz >= 1:
        return _right(req._replace(c2s_rate_hz=0.0))
    return _right(req)


def long_polling_works_everywhere(req: Req) -> Choice:
    choice = _right(req)
    return Choice("long_polling", {"LISTENS"}) if choice.technique == "sse" else choice


def held_requests_in_all_tabs(req: Req) -> Choice:
    choice = _right(req)
    if "SIX_CONNECTIONS" in choice.reasons and choice.technique == "short_polling":
        return choice._replace(technique="long_polling")
    return choice


def all_reasons_there_are(req: Req) -> Choice:
    return _right(req)._replace(
        reasons={"PEER_TO_PEER", "MAY_WAIT", "NOTHING_HELD", "LISTENS", "SPEAKS", "BINARY"}
        | {"STREAMS_BUFFERED", "SIX_CONNECTIONS", "UPGRADE_BLOCKED", "HEADER_NEEDED"}
    )


def no_reasons(req: Req) -> Choice:
    return _right(req)._replace(reasons=set())


def first_reason_only(req: Req) -> Choice:
    choice = _right(req)
    return choice._replace(reasons=choice.reasons - {"HEADER_NEEDED", "UPGRADE_BLOCKED"})


def reasons_in_a_list(req: Req) -> Choice:
    choice = _right(req)
    return choice._replace(reasons=list(choice.reasons))  # type: ignore[arg-type]


def only_the_name(req: Req) -> str:
    return _right(req).technique


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "websocket_for_all": "a daily report needs no open connection",
    "websocket_for_all_that_is_soon": "clients only listen here: a response that does not",
    "sse_in_all_tabs": "the 7th tab hangs",
    "sse_for_bytes": "SSE carries text only",
    "buffering_forgotten": "this proxy waits for its end",
    "upgrade_always_passes": "the handshake fails at a proxy that removes Upgrade.",
    "headers_forgotten": "cannot send a header of its own",
    "holds_whatever": "the server can hold open neither a request nor a",
    "calls_through_the_server": "a call connects two devices: through a server it",
    "webrtc_for_games": "there is no second device and no media here: WebRTC",
    "polls_the_rare": "as old as the interval",
    "sse_for_those_who_speak": "a request with headers each time",
    "long_polling_works_everywhere": "a stream goes on",
    "held_requests_in_all_tabs": "the 7th tab hangs",
    "all_reasons_there_are": "one of your reasons does not hold here.",
    "no_reasons": "what decides is not among your reasons",
    "first_reason_only": "what decides is not among your reasons",
    "reasons_in_a_list": "wrong.",
    "only_the_name": "wrong.",
}
