from __future__ import annotations

import pandas
import pytest

from labserver.errors import LabError
from labserver.figures.claims import COLOURS, claims_heatmap
from labserver.measure.claims import claims_table


def test_every_cell_shows_how_it_is_known_and_its_evidence_when_pointed_at() -> None:
    table = claims_table()
    (heat,) = claims_heatmap(table).data
    shown = [text for row in heat.text for text in row]
    evidence = [text for row in heat.customdata for text in row]
    assert len(shown) == len(evidence) == len(table)
    assert all(how in text for how, text in zip(table["how"], shown, strict=True))
    assert "RFC 6455 §1.2" in evidence[3]


def test_the_title_counts_what_holds_and_what_is_open() -> None:
    table = claims_table()
    holds, still_open = (int((table["verdict"] == v).sum()) for v in ("holds", "open"))
    title = claims_heatmap(table).layout.title.text.replace("<br>", " ")
    assert (
        title == f"Of the note's 32 cells {holds} hold as they stand; {still_open} are still open"
    )


def test_the_colour_says_the_verdict() -> None:
    table = claims_table()
    (heat,) = claims_heatmap(table).data
    codes = [code for row in heat.z for code in row]
    assert codes == [list(COLOURS).index(verdict) for verdict in table["verdict"]]


def test_a_table_with_a_missing_cell_leaves_a_gap() -> None:
    (heat,) = claims_heatmap(claims_table().iloc[1:]).data
    assert heat.z[0][-1] is None  # the first technique now comes last


def test_text_is_not_markup() -> None:
    table = claims_table()
    table.loc[0, "evidence"] = "<b>bold</b>"
    (heat,) = claims_heatmap(table).data
    assert "&lt;b&gt;bold" in heat.customdata[0][0]


def test_nothing_to_show_is_said() -> None:
    with pytest.raises(LabError, match="no cell"):
        claims_heatmap(pandas.DataFrame({"verdict": []}))
