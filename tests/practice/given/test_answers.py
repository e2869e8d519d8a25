from labserver.practice.given.answers import Choice, CloseReply, Overhead, PollCost, Req, Response


def test_answers_are_told_apart_by_the_names_of_their_parts() -> None:
    assert PollCost._fields == ("rps", "bytes_per_s", "mean_delay_s", "worst_delay_s")
    assert CloseReply(1005, b"", None)._asdict() == {"code_seen": 1005, "send": b"", "fail": None}
    assert Response(405, {"Allow": "GET"})._fields == ("status", "headers")
    assert Overhead._fields == ("http", "up", "down", "holds_to")
    assert Choice("sse", {"LISTENS"})._fields == ("technique", "reasons")


def test_requirements_are_those_of_a_ticker_unless_one_says_otherwise() -> None:
    assert Req() == Req(max_age_s=1.0, c2s_rate_hz=0.0, text_only=True, tabs=1)
    assert Req(tabs=20, http2=False)._replace(tabs=1, http2=True) == Req()
