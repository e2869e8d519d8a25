from __future__ import annotations

import pandas
import pytest

import labserver as lab
from labserver.measure.proxies import COLUMNS, MESSAGES, try_proxies


@pytest.fixture(scope="module")
def outcomes() -> pandas.DataFrame:
    """What a few proxies do to two techniques."""
    proxies = {
        "none": lab.Link(),
        "strips": lab.Link(strip_upgrade=True),
        "impatient": lab.Link(idle_timeout_s=0.5),
    }
    table = try_proxies(lab.start, ["long_polling", "websocket"], proxies, silence_s=1.2)
    lab.stop_all()
    return table.set_index(["technique", "proxy"])


def test_without_a_proxy_all_works(outcomes: pandas.DataFrame) -> None:
    assert outcomes.xs("none", level="proxy")["outcome"].to_list() == ["works", "works"]


def test_a_websocket_needs_its_upgrade_and_a_long_poll_does_not(
    outcomes: pandas.DataFrame,
) -> None:
    assert outcomes.loc[("websocket", "strips"), "outcome"] == "refused, 426"
    assert outcomes.loc[("websocket", "strips"), "heard"] == 0
    assert outcomes.loc[("long_polling", "strips"), "outcome"] == "works"


def test_an_impatient_proxy_costs_connections_and_no_message(outcomes: pandas.DataFrame) -> None:
    cut = outcomes.xs("impatient", level="proxy")
    assert cut["outcome"].to_list() == ["works, reconnecting"] * 2
    assert cut["heard"].to_list() == [MESSAGES] * 2
    assert (cut["connections"] > 1).all()


def test_of_a_stream_a_proxy_that_buffers_lets_nothing_through() -> None:
    proxies = {"buffers": lab.Link(buffer_responses=True)}
    table = try_proxies(lab.start, ["sse"], proxies, silence_s=0)
    lab.stop_all()
    (row,) = table.to_dict("records")
    assert (row["outcome"], row["heard"]) == ("no connection", 0)


def test_the_columns_have_stable_names() -> None:
    assert try_proxies(lab.start, [], {}).columns.to_list() == list(COLUMNS)
