from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas
import pytest

import labserver as lab
from labserver.measure.headers import CHROMIUM
from labserver.measure.overhead import TECHNIQUES, Overhead, OverheadRow, overhead

SIZES = (64, 1024)


@pytest.fixture(scope="module")
def measured() -> Overhead:
    """All techniques, with two clients' headers."""
    clients = {"httpx2": None, "Chromium": CHROMIUM}
    return overhead(sizes=SIZES, clients=clients, messages=3, progress=False)


def row(measured: Overhead, **conditions: object) -> pandas.Series:
    chosen = measured.table
    for name, value in conditions.items():
        chosen = chosen[chosen[name] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_each_message_is_seen_once_by_its_speaker_and_twice_by_listeners(
    measured: Overhead,
) -> None:
    seen = measured.table.set_index("purpose")["seen"]
    assert set(seen["say"]) == {3}
    assert set(seen["deliver"]) == {6}
    assert set(measured.table["technique"]) == set(TECHNIQUES)


def test_the_columns_add_up(measured: Overhead) -> None:
    table = measured.table
    assert table.columns.to_list() == list(OverheadRow._fields)
    parts = table["payload"] + table["http_headers"] + table["framing"]
    assert (abs(parts - table["wire"]) < 1e-6).all()
    assert (table["up"] + table["down"] == table["wire"]).all()


def test_a_frame_is_its_payload_and_a_head_whoever_the_client_is(measured: Overhead) -> None:
    for client in ("httpx2", "Chromium"):
        told = row(measured, technique="websocket", client=client, size=64, purpose="deliver")
        assert told["framing"] == 4  # RFC 6455 §5.2: the event's JSON is longer than 125 bytes
        assert told["up"] == told["http_headers"] == 0
        said = row(measured, technique="websocket", client=client, size=1024, purpose="say")
        assert said["framing"] == 8 + 2  # with a mask key; and the answer's head


def test_a_poll_takes_the_headers_of_its_client(measured: Overhead) -> None:
    lean, browser = (
        row(measured, technique="long_polling", client=client, size=64, purpose="deliver")
        for client in ("httpx2", "Chromium")
    )
    library = {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive",
        "User-Agent": f"python-httpx2/{measured.environment['packages']['httpx2']}",
    }

    def size(headers: dict[str, str]) -> int:
        return sum(len(f"{name}: {text}\r\n") for name, text in headers.items())

    assert browser["up"] - lean["up"] == size(dict(CHROMIUM)) - size(library)
    assert browser["down"] == lean["down"]


def test_only_short_polling_asks_in_vain_here(measured: Overhead) -> None:
    empty = measured.table[measured.table["purpose"] == "empty"]
    assert set(empty["technique"]) == {"short_polling"}
    assert (empty["payload"] == 0).all()
    assert (empty["seen"] > 0).all()


def test_the_ratio_falls_with_the_payload_and_is_highest_for_a_browser(measured: Overhead) -> None:
    ratios = measured.ratios().set_index(["client", "size"])
    for client in ("httpx2", "Chromium"):
        small, large = (ratios.loc[(client, size)] for size in SIZES)
        assert small["ratio"] > large["ratio"] > 1
        assert small["bare"] > small["ratio"]  # without the chat's JSON there is less to dilute it
    assert ratios.loc[("Chromium", 64), "bare"] > 10 > ratios.loc[("Chromium", 1024), "bare"]


def test_bytes_of_a_message_by_technique(measured: Overhead) -> None:
    sizes = measured.message_bytes()
    assert sorted(sizes, key=sizes.__getitem__) == [
        "websocket",
        "sse",
        "long_polling",
        "short_polling",
    ]
    with pytest.raises(lab.LabError, match="curl"):
        measured.message_bytes(client="curl")
    with pytest.raises(lab.LabError, match="measure both"):
        measured.ratios("webrtc")


def test_what_was_measured_can_be_saved(measured: Overhead, tmp_path: Path) -> None:
    again = Overhead.load(measured.save(tmp_path / "overhead.csv"))
    pandas.testing.assert_frame_equal(again.ratios(), measured.ratios(), check_exact=True)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda: overhead(["webrtc"]), "not on the tape"),
        (lambda: overhead(sizes=[20_000]), "size"),
        (lambda: overhead(sizes=[]), "nothing to measure"),
        (lambda: overhead(clients={}), "nothing to measure"),
        (lambda: overhead([]), "nothing to measure"),
        (lambda: overhead(messages=0), "nothing to measure"),
    ],
)
def test_what_makes_no_sense_is_refused(ask: Callable[[], Overhead], answer: str) -> None:
    with pytest.raises(lab.LabError, match=answer):
        ask()
