from __future__ import annotations

import pandas
import pytest

from labserver.measure.claims import (
    COLUMNS,
    CONDITIONS,
    FAILS,
    HOLDS,
    MEASURED,
    OPEN,
    TECHNIQUES,
    claims_table,
)
from labserver.measure.verdict import Spread

FAST = {
    "short_polling": Spread(480, 500, 520, 3),
    "long_polling": Spread(1.1, 1.2, 1.3, 3),
    "sse": Spread(0.9, 1.0, 1.2, 3),
    "websocket": Spread(0.6, 0.7, 0.8, 3),
}
BYTES = {"short_polling": 2000.0, "long_polling": 700.0, "sse": 260.0, "websocket": 200.0}


def verdicts(table: pandas.DataFrame, dimension: str) -> list[str]:
    chosen: list[str] = table[table["dimension"] == dimension]["verdict"].to_list()
    return chosen


def test_the_table_has_the_notes_eight_dimensions_for_four_techniques() -> None:
    table = claims_table()
    assert table.columns.to_list() == list(COLUMNS)
    assert table["dimension"].nunique() == 8
    assert len(table) == 8 * len(TECHNIQUES)
    assert (table["evidence"].str.len() > 5).all()


def test_what_was_not_measured_is_open() -> None:
    table = claims_table()
    measured = table[table["how"] == MEASURED]
    assert set(measured["verdict"]) == {OPEN}
    assert set(measured["dimension"]) == {"Overhead", "Latency", "Scalability", "Proxy support"}


def test_the_note_is_right_about_latency_where_the_figures_say_so() -> None:
    assert verdicts(claims_table(latency_ms=FAST), "Latency") == [HOLDS] * 4


def test_a_lead_within_the_spread_is_undecided() -> None:
    near = FAST | {"sse": Spread(0.5, 0.75, 1.0, 3)}
    table = claims_table(latency_ms=near)
    assert verdicts(table, "Latency")[3] == CONDITIONS
    assert table.query("dimension == 'Latency'")["evidence"].iloc[3].endswith("repetitions overlap")


def test_a_lead_too_small_to_last_is_undecided() -> None:
    close = FAST | {"sse": Spread(0.81, 0.82, 0.83, 3)}
    assert verdicts(claims_table(latency_ms=close), "Latency")[3] == CONDITIONS


def test_the_note_is_wrong_where_another_is_faster() -> None:
    faster = FAST | {"sse": Spread(0.1, 0.2, 0.3, 3)}
    assert verdicts(claims_table(latency_ms=faster), "Latency")[3] == FAILS


def test_on_a_slow_link_polling_is_not_far_behind() -> None:
    slow = {technique: Spread(480, 500, 520, 3) for technique in TECHNIQUES}
    assert verdicts(claims_table(latency_ms=slow), "Latency")[0] == CONDITIONS


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, [HOLDS, HOLDS, HOLDS, HOLDS]),
        ({"sse": 150.0}, [HOLDS, HOLDS, HOLDS, FAILS]),
        ({"short_polling": 300.0}, [FAILS, FAILS, HOLDS, HOLDS]),
        ({"sse": 600.0}, [HOLDS, HOLDS, CONDITIONS, HOLDS]),
    ],
)
def test_overhead_is_judged_by_bytes(changed: dict[str, float], expected: list[str]) -> None:
    assert verdicts(claims_table(message_bytes=BYTES | changed), "Overhead") == expected


def test_proxy_support_is_what_the_proxies_let_through() -> None:
    outcomes = pandas.DataFrame(
        [
            ("short_polling", "bad", "works, reconnecting"),
            ("long_polling", "bad", "works"),
            ("sse", "bad", "no connection"),
            ("websocket", "bad", "refused, 426"),
        ],
        columns=["technique", "proxy", "outcome"],
    )
    table = claims_table(outcomes=outcomes)
    assert verdicts(table, "Proxy support") == [HOLDS, HOLDS, CONDITIONS, HOLDS]
    assert "bad: refused, 426" in table.query("dimension == 'Proxy support'")["evidence"].iloc[3]


def test_all_that_is_held_open_scales_alike() -> None:
    table = claims_table(connection_kib=dict.fromkeys(TECHNIQUES, 20.0))
    assert verdicts(table, "Scalability") == [HOLDS, CONDITIONS, CONDITIONS, CONDITIONS]
